//! What people do inside a modal before they submit it.
use serde_json::{Value, json};

use super::{Refused, Reply};
use crate::sandbox::slack::model::{State, View};
use crate::sandbox::slack::{Slack, forms, views};

impl Slack {
    /// The modal the person acts on: the topmost, as nothing below it can be reached.
    pub(super) fn open_view(&self, user: &str, view_id: &str) -> Result<View, Refused> {
        self.can_act(user)?;
        let state = self.state();
        let stack = state.stacks.get(user).map_or(&[] as &[View], Vec::as_slice);
        let open = stack.iter().any(|view| view.id == view_id);
        match stack.last() {
            Some(top) if top.id == view_id => Ok(top.clone()),
            _ if open => Err(Refused::because("another modal is on top of it")),
            _ => Err(Refused::because("the modal is not open")),
        }
    }

    /// Types and chooses without submitting. Asks the bot for options where a person would have to.
    ///
    /// # Errors
    /// When the modal is not open, a field is not in it, or it does not take the value.
    pub async fn fill(&self, user: &str, view_id: &str, values: Value) -> Result<(), Refused> {
        for (field, entry) in values.as_object().into_iter().flatten() {
            let view = self.open_view(user, view_id)?;
            let (block, element) = forms::field(&view, field)
                .ok_or_else(|| Refused::because(format!("there is no field \"{field}\" in the modal")))?;
            let (block, element) = (block.clone(), element.clone());
            self.load_options(&view, &block, &element, entry).await;
            self.set(user, view_id, &block, &element, entry)
                .map_err(|text| Refused { why: vec![(field.clone(), text)] })?;
        }
        Ok(())
    }

    /// Types into an external select what the person looks for, if it is not offered yet.
    async fn load_options(&self, view: &View, block: &Value, element: &Value, entry: &Value) {
        if !element["type"].as_str().is_some_and(|kind| kind.ends_with("external_select")) {
            return;
        }
        let action = element["action_id"].as_str().unwrap_or_default();
        let wanted: Vec<String> = match entry {
            Value::String(text) => vec![text.clone()],
            Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        for text in wanted {
            let offered = view.offered.get(action).map_or(&[] as &[Value], Vec::as_slice);
            if forms::option(offered, &json!(text)).is_none() {
                self.ask_options(view, block, element, &text).await;
            }
        }
    }

    /// Sets one field.
    fn set(
        &self,
        user: &str,
        view_id: &str,
        block: &Value,
        element: &Value,
        entry: &Value,
    ) -> Result<Value, String> {
        let mut state = self.state();
        // Two fields of the state at once, so that the people need not be copied.
        let State { people, stacks, .. } = &mut *state;
        let stack = stacks.get_mut(user).ok_or("the modal is gone")?;
        let view = stack.iter_mut().find(|view| view.id == view_id).ok_or("the modal is gone")?;
        let action = element["action_id"].as_str().unwrap_or_default();
        let offered = view.offered.get(action).map_or(&[] as &[Value], Vec::as_slice);
        let value = forms::chosen(element, entry, offered, people)?;
        let block_id = block["block_id"].as_str().unwrap_or_default();
        view.errors.remove(block_id);
        let actions = view.values.entry(block_id.to_owned()).or_default();
        actions.insert(action.to_owned(), value.clone());
        drop(state);
        self.touch();
        Ok(value)
    }

    /// Chooses in a menu of a modal. The bot hears of it at once if the menu is not in an input block,
    /// or its block has `dispatch_action`; otherwise only the form changes.
    ///
    /// # Errors
    /// When the modal or the menu is not there, or has no such option.
    pub async fn select(
        &self,
        user: &str,
        view_id: &str,
        action: &str,
        option: &str,
    ) -> Result<Reply, Refused> {
        self.choose(user, view_id, action, json!(option)).await
    }

    pub(in crate::sandbox::slack) async fn choose(
        &self,
        user: &str,
        view_id: &str,
        action: &str,
        entry: Value,
    ) -> Result<Reply, Refused> {
        let mut one = serde_json::Map::new();
        one.insert(action.to_owned(), entry);
        self.fill(user, view_id, Value::Object(one)).await?;
        let view = self.open_view(user, view_id)?;
        let (block, element) =
            forms::field(&view, action).ok_or_else(|| Refused::because("the menu is gone"))?;
        if block["type"] == "input" && block["dispatch_action"] != true {
            return Ok(Reply { acked: true, ..Reply::default() });
        }
        let block_id = block["block_id"].as_str().unwrap_or_default();
        let action_id = element["action_id"].as_str().unwrap_or_default();
        let set = view.values.get(block_id).and_then(|actions| actions.get(action_id));
        let payload = self.view_action(&view, &self.action(block, element, set));
        Ok(self.deliver("interactive", &payload, false).await.into())
    }

    /// Clicks a button in a modal. A `value` that is not empty tells buttons of one action id apart.
    ///
    /// # Errors
    /// When the modal or the button is not there.
    pub async fn click_in_view(
        &self,
        user: &str,
        view_id: &str,
        action_id: &str,
        value: &str,
    ) -> Result<Reply, Refused> {
        let view = self.open_view(user, view_id)?;
        let all = views::elements(&view.json["blocks"]);
        let found = all.iter().find(|(_, element)| {
            element["action_id"] == action_id && (value.is_empty() || element["value"] == value)
        });
        let Some((block, element)) = found else {
            return Err(Refused::because(format!("there is no {action_id} {value} in the modal")));
        };
        if element["type"] != "button" {
            return self.choose(user, view_id, action_id, json!(value)).await;
        }
        let payload = self.view_action(&view, &self.action(block, element, None));
        Ok(self.deliver("interactive", &payload, false).await.into())
    }

    /// Types into an external select, as `block_suggestion`. The options are in the reply's payload.
    ///
    /// # Errors
    /// When the modal or the select is not there, or the text is too short for it.
    pub async fn options(
        &self,
        user: &str,
        view_id: &str,
        action: &str,
        query: &str,
    ) -> Result<Reply, Refused> {
        let view = self.open_view(user, view_id)?;
        let (block, element) = forms::field(&view, action)
            .ok_or_else(|| Refused::because(format!("there is no {action} in the modal")))?;
        if !element["type"].as_str().is_some_and(|kind| kind.ends_with("external_select")) {
            return Err(Refused::because(format!("{action} does not ask for options")));
        }
        let least = element["min_query_length"].as_u64().unwrap_or(3);
        if (query.chars().count() as u64) < least {
            return Err(Refused::because(format!("type at least {least} characters")));
        }
        Ok(self.ask_options(&view, block, element, query).await)
    }

    async fn ask_options(&self, view: &View, block: &Value, element: &Value, query: &str) -> Reply {
        let payload = self.suggestion(view, block, element, query);
        let reply: Reply = self.deliver("interactive", &payload, true).await.into();
        if !reply.acked {
            return reply;
        }
        let (found, complaints) = forms::offered(&reply.payload);
        let action = element["action_id"].as_str().unwrap_or_default();
        let mut state = self.state();
        state.unexpected.extend(complaints);
        if let Some(view) = state.view_of(&view.user, &view.id) {
            let list = view.offered.entry(action.to_owned()).or_default();
            list.retain(|old| !found.iter().any(|new| new["value"] == old["value"]));
            list.extend(found);
        }
        reply
    }

    /// Closes a modal with its Cancel button, and all above it; the bot is told if it asked to be.
    ///
    /// # Errors
    /// When the modal is not open.
    pub async fn close(&self, user: &str, view_id: &str) -> Result<Reply, Refused> {
        let view = self.open_view(user, view_id)?;
        if let Some(stack) = self.state().stacks.get_mut(user) {
            let at = stack.iter().position(|open| open.id == view.id).unwrap_or_default();
            stack.truncate(if view.json["clear_on_close"] == true { 0 } else { at });
        }
        self.touch();
        if view.json["notify_on_close"] != true {
            return Ok(Reply { acked: true, ..Reply::default() });
        }
        let payload = self.closed(&view, view.json["clear_on_close"] == true);
        Ok(self.deliver("interactive", &payload, false).await.into())
    }
}
