//! People acting: typing commands, filling in modals, clicking.
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::Scene;
use super::model::{Message, View};
use super::socket::Delivery;
use super::{Slack, forms, ids, limits, views};

mod modal;

/// What Slack shows in a modal when the app does not answer.
pub(super) const TROUBLE: &str = "We had some trouble connecting. Try again?";

/// What came of an action.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The envelope it went out in; empty if the action needs none.
    pub envelope_id: String,
    /// Whether the bot acknowledged in time.
    pub acked: bool,
    /// The acknowledgement's payload, or null.
    pub payload: Value,
    /// Real time until the acknowledgement, or until nobody waited any more.
    pub took: Duration,
}

impl Reply {
    /// The errors the bot put under fields of a modal: block id -> text.
    pub fn errors(&self) -> BTreeMap<String, String> {
        let errors = self.payload["errors"].as_object();
        let pairs = errors.into_iter().flatten();
        pairs.map(|(block, text)| (block.clone(), text.as_str().unwrap_or_default().to_owned())).collect()
    }
}

/// Slack's client does not let the person do that: the bot hears nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, by the label of the field if it is about one.
    pub why: Vec<(String, String)>,
}

impl Refused {
    pub(super) fn because(why: impl Into<String>) -> Refused {
        Refused { why: vec![(String::new(), why.into())] }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (field, text)) in self.why.iter().enumerate() {
            let gap = if at == 0 { "" } else { "; " };
            let colon = if field.is_empty() { "" } else { ": " };
            write!(f, "{gap}{field}{colon}{text}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

impl From<Delivery> for Reply {
    fn from(delivery: Delivery) -> Reply {
        Reply {
            envelope_id: delivery.envelope_id,
            acked: delivery.ack.is_some(),
            payload: delivery.ack.unwrap_or_default(),
            took: delivery.took,
        }
    }
}

impl Slack {
    /// Types a slash command in a channel the person is in.
    ///
    /// # Errors
    /// When the person is not there, or the app has no such command.
    pub async fn command(
        &self,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> Result<Reply, Refused> {
        self.can_act(user)?;
        let place = {
            let state = self.state();
            if !state.commands.iter().any(|known| known == command) {
                return Err(Refused::because(format!("{command} is not a valid command.")));
            }
            let place = state.channels.get(channel).cloned();
            let place = place.ok_or_else(|| Refused::because("no such channel"))?;
            if !place.members.iter().any(|member| member == user) {
                return Err(Refused::because("not a member of the channel"));
            }
            if place.archived {
                return Err(Refused::because("the channel is archived"));
            }
            place
        };
        let payload = self.command_payload(user, &place, command, text);
        let delivery = self.deliver("slash_commands", &payload, true).await;
        let scene = Scene { user: user.to_owned(), channel: channel.to_owned(), message: None };
        match &delivery.ack {
            Some(Value::Null) => {}
            Some(Value::Object(object)) if object.is_empty() => {}
            // A complaint about the answer is noted there.
            Some(answer) => drop(self.answer_in(&scene, answer)),
            None => {
                let what = if delivery.sent { "operation_timeout" } else { "dispatch_failed" };
                let text = format!("{command} failed with the error \"{what}\"");
                self.append(&scene, &json!({ "text": text, "blocks": [] }), false, ids::SLACKBOT);
            }
        }
        self.touch();
        Ok(delivery.into())
    }

    /// Chooses a global shortcut.
    pub async fn shortcut(&self, user: &str, callback_id: &str) -> Reply {
        let payload = self.shortcut_payload(user, callback_id);
        self.deliver("interactive", &payload, false).await.into()
    }

    /// Sends an event of the Events API, such as `{"type": "app_home_opened", …}`.
    pub async fn event(&self, event: Value) -> Reply {
        let now = self.now();
        let payload = json!({
            "token": ids::VERIFICATION, "team_id": ids::TEAM, "api_app_id": ids::APP, "event": event,
            "type": "event_callback", "event_id": format!("Ev{now}"), "event_time": now / 1000,
            "authorizations": [{
                "enterprise_id": null, "team_id": ids::TEAM, "user_id": ids::BOT_USER, "is_bot": true,
                "is_enterprise_install": false,
            }],
        });
        self.deliver("events_api", &payload, false).await.into()
    }

    /// Clicks a button, or chooses in a menu, of a message as it is shown now. A `value` that is not
    /// empty tells buttons with the same action id apart, or names the option of a menu. A
    /// confirmation dialog is confirmed.
    ///
    /// # Errors
    /// When the message or the element is not there (any more), or is not shown to this person.
    pub async fn click(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
        value: &str,
    ) -> Result<Reply, Refused> {
        let message = self.seen(user, channel, ts)?;
        let all = views::elements(&message.blocks);
        let mut named = all.iter().filter(|(_, element)| element["action_id"] == action_id);
        let button = |element: &Value| element["type"] == "button";
        let found = named.find(|(_, e)| value.is_empty() || !button(e) || e["value"] == value);
        let Some((block, element)) = found else {
            return Err(Refused::because(format!("there is no {action_id} {value} in the message")));
        };
        let set = if button(element) {
            None
        } else {
            Some(self.put_in(user, &message, (block, element), value)?)
        };
        let action = self.action(block, element, set.as_ref());
        let payload = self.message_action(user, &message, &action);
        Ok(self.deliver("interactive", &payload, false).await.into())
    }

    /// Chooses in a menu of a message, by label or value. The bot hears of it at once, and again with
    /// whatever this person does in the message afterwards.
    ///
    /// # Errors
    /// When the message, the menu or the option is not there, or is not shown to this person.
    pub async fn choose_in_message(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action: &str,
        option: &str,
    ) -> Result<Reply, Refused> {
        self.click(user, channel, ts, action, option).await
    }

    /// Types into an input of a message. The bot hears of it with whatever this person does in the
    /// message afterwards.
    ///
    /// # Errors
    /// When the message or the input is not there, or does not take the text.
    pub fn type_in_message(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action: &str,
        text: &str,
    ) -> Result<(), Refused> {
        let message = self.seen(user, channel, ts)?;
        let found = views::elements(&message.blocks)
            .into_iter()
            .find(|(block, element)| block["type"] == "input" && element["action_id"] == action);
        let found =
            found.ok_or_else(|| Refused::because(format!("there is no input {action} in the message")))?;
        self.put_in(user, &message, found, text)?;
        self.touch();
        Ok(())
    }

    /// Keeps what a person puts into an input of a message, and returns it.
    fn put_in(
        &self,
        user: &str,
        message: &Message,
        (block, element): (&Value, &Value),
        entry: &str,
    ) -> Result<Value, Refused> {
        let mut state = self.state();
        let value = forms::chosen(element, &json!(entry), &[], &state.people).map_err(Refused::because)?;
        if let Some(text) = forms::complaint(element, &value, true) {
            return Err(Refused::because(text));
        }
        let id = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
        let inputs = state.inputs.entry((user.to_owned(), message.ts.clone())).or_default();
        let actions = inputs.entry(id(block, "block_id")).or_default();
        actions.insert(id(element, "action_id"), value.clone());
        Ok(value)
    }

    /// Accounts that are gone do nothing any more.
    fn can_act(&self, user: &str) -> Result<(), Refused> {
        match self.state().people.get(user) {
            None => Err(Refused::because("there is no such person")),
            Some(person) if person.deleted => Err(Refused::because("the account is deactivated")),
            Some(_) => Ok(()),
        }
    }

    /// A message as this person sees it.
    fn seen(&self, user: &str, channel: &str, ts: &str) -> Result<Message, Refused> {
        self.can_act(user)?;
        let mut state = self.state();
        let own = state.ephemerals.get(user).into_iter().flatten().find(|message| message.ts == ts);
        if let Some(message) = own {
            return Ok(message.clone());
        }
        let place = state.channels.get(channel).ok_or_else(|| Refused::because("no such channel"))?;
        if !place.members.iter().any(|member| member == user) && (place.private || place.im.is_some()) {
            return Err(Refused::because("the person does not see this conversation"));
        }
        state.message(channel, ts).cloned().ok_or_else(|| Refused::because("the message is not there"))
    }

    /// Fills in a modal as a person would and submits it. `values` is an object whose keys are labels
    /// (or action ids, block ids, `block_id/action_id`) and whose values are what is typed or chosen:
    /// a text, a list of texts, null to clear a field, or `{"value": …}` for an option by its value.
    /// Fields not named stay as they are.
    ///
    /// # Errors
    /// When the modal is not open, a field is not in it, or Slack's client would not send it.
    pub async fn submit(&self, user: &str, view_id: &str, values: Value) -> Result<Reply, Refused> {
        self.open_view(user, view_id)?;
        self.fill(user, view_id, values).await?;
        let view = {
            let mut state = self.state();
            let view = state.view_of(user, view_id).ok_or_else(|| Refused::because("the modal is gone"))?;
            view.errors.clear();
            view.trouble = None;
            let wrong = forms::complaints(view);
            if !wrong.is_empty() {
                let why = wrong.iter().map(|(_, label, text)| (label.clone(), text.clone())).collect();
                view.errors = wrong.into_iter().map(|(block, _, text)| (block, text)).collect();
                drop(state);
                self.touch();
                return Err(Refused { why });
            }
            view.clone()
        };
        self.touch();
        let payload = self.submission(&view);
        let delivery = self.deliver("interactive", &payload, true).await;
        match &delivery.ack {
            Some(answer) => self.respond_to_submission(&view, answer),
            None => self.trouble(&view),
        }
        self.touch();
        Ok(delivery.into())
    }

    fn trouble(&self, view: &View) {
        if let Some(view) = self.state().view_of(&view.user, &view.id) {
            view.trouble = Some(TROUBLE.to_owned());
        }
    }

    /// Does what the bot answered to a submission.
    fn respond_to_submission(&self, view: &View, answer: &Value) {
        let now = self.now();
        let action = answer["response_action"].as_str();
        if matches!(action, Some("update" | "push")) {
            let complaints = limits::check_view(&answer["view"]);
            if !complaints.is_empty() {
                self.note_unexpected(format!("response_action: {}", complaints.join("; ")));
                return self.trouble(view);
            }
        }
        let mut state = self.state();
        let state = &mut *state;
        match action {
            None if answer.as_object().is_none_or(serde_json::Map::is_empty) => {
                if let Some(stack) = state.stacks.get_mut(&view.user) {
                    stack.retain(|open| open.id != view.id);
                }
            }
            Some("clear") => {
                state.stacks.remove(&view.user);
            }
            Some("update") => {
                views::replace(state, &view.id, answer["view"].clone(), now);
            }
            Some("push") => {
                views::push(state, &view.user, answer["view"].clone(), now);
            }
            Some("errors") if answer["errors"].as_object().is_some_and(|errors| !errors.is_empty()) => {
                state.unexpected.extend(misplaced(view, &answer["errors"]));
                if let Some(open) = state.view_of(&view.user, &view.id) {
                    let errors = answer["errors"].as_object().into_iter().flatten();
                    let text = |text: &Value| text.as_str().unwrap_or_default().to_owned();
                    open.errors = errors.map(|(block, error)| (block.clone(), text(error))).collect();
                }
            }
            _ => {
                state.unexpected.push(format!("response_action: not understood: {answer}"));
                if let Some(open) = state.view_of(&view.user, &view.id) {
                    open.trouble = Some(TROUBLE.to_owned());
                }
            }
        }
    }
}

/// Errors for blocks that cannot show one: the person would see nothing.
fn misplaced(view: &View, errors: &Value) -> Vec<String> {
    let shows = |id: &str| view.blocks().iter().any(|b| b["block_id"] == id && b["type"] == "input");
    let mut found = Vec::new();
    for (id, text) in errors.as_object().into_iter().flatten() {
        if !shows(id) {
            found.push(format!("errors: there is no input block {id}"));
        }
        if text.as_str().is_none_or(str::is_empty) {
            found.push(format!("errors: {id} has no text"));
        }
    }
    found
}
