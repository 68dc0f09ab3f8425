//! What comes in from Slack: decide as little as possible, commit, acknowledge; the rest afterwards.

use super::{Engine, identify::request_id, opening};
use crate::access::{
    AccessRequest, Ask, AskedTarget, Click, Facts, Flow, FlowName, Person, TeamId, UserId,
};
use crate::manifest::{Catalog, FlowEntry};
use crate::policy::{Question, Refused};
use crate::slack::form::{self, FormContext, Submission};
use crate::slack::inbound::{Inbound, View};
use crate::slack::message;
use crate::slack::socket::{Ack, Envelope, Handler};
use crate::store::{Commit, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What opens a form: where to answer, and the key that Slack gives for three seconds.
struct Opening {
    user: UserId,
    team: Option<TeamId>,
    trigger: String,
    /// Where to answer in private; a shortcut has no such place.
    respond: Option<String>,
}

impl Engine {
    /// The function the socket calls for every delivery.
    pub fn handler(&self) -> Handler {
        let engine = self.clone();
        Arc::new(move |envelope| {
            let engine = engine.clone();
            Box::pin(async move { engine.receive(envelope).await })
        })
    }

    async fn receive(&self, envelope: Envelope) -> Ack {
        match envelope.inbound {
            Inbound::Command { user, team, text, trigger_id, response_url, .. } => {
                let opening = Opening { user, team, trigger: trigger_id, respond: Some(response_url) };
                self.command(opening, &text);
                Ack::Empty
            }
            Inbound::Shortcut { user, team, trigger_id, .. } => {
                let opening = Opening { user, team, trigger: trigger_id, respond: None };
                self.command(opening, "request");
                Ack::Empty
            }
            Inbound::Submitted { user, team, view } => match view.callback_id.as_str() {
                form::PICKER => self.picked(&view),
                form::FORM => self.submitted(user, team, &view).await,
                _ => Ack::Empty,
            },
            Inbound::Pressed { user, team, action_id, value, place, .. } => {
                let Some((action, request)) = message::action(&action_id).zip(value) else { return Ack::Empty };
                let click = Click {
                    envelope: envelope.id,
                    request: request.as_str().into(),
                    action,
                    user,
                    team,
                    place,
                    at: self.now(),
                    comment: None,
                };
                self.pressed(click).await
            }
            Inbound::Options { action_id, query, view, .. } => self.options(&action_id, &query, view.as_ref()),
            Inbound::Closed { .. } | Inbound::Event { .. } | Inbound::Other { .. } => Ack::Empty,
        }
    }

    /// `/sym …` and the shortcut. Nothing is stored, so it is acknowledged at once; the form opens right
    /// after.
    fn command(&self, opening: Opening, text: &str) {
        let engine = self.clone();
        let text = text.trim().to_owned();
        self.spawn(async move {
            // Whoever is known to be refused is told before they fill in a form.
            let known = engine.remembered_facts(&opening.user, opening.team.as_ref(), None);
            if let Some(sentence) = known.as_ref().and_then(cannot_ask) {
                engine.answer(&opening, sentence.to_owned()).await;
                return;
            }
            engine.open(&opening, &text).await;
            engine.remember(&opening).await;
        });
    }

    async fn open(&self, opening: &Opening, text: &str) {
        let catalog = self.catalog();
        let flows = askable(&catalog);
        let mut words = text.split_whitespace();
        let view = match (words.next(), words.next()) {
            (None | Some("request" | "req"), None) => match flows.as_slice() {
                [] => {
                    let text = "No flow can be requested from Slack yet. Whoever runs this bot can add one to its manifests.";
                    return self.answer(opening, text.to_owned()).await;
                }
                [only] => self.form(only),
                _ => form::picker(&flows),
            },
            (Some("request" | "req"), Some(name)) => match flows.iter().find(|flow| is_named(flow, name)) {
                Some(flow) => self.form(flow),
                None => form::picker(&flows),
            },
            _ => {
                let help = form::help(&flows);
                return self.answer(opening, help).await;
            }
        };
        if let Err(error) = self.shared.slack.open_view(&opening.trigger, &view).await {
            tracing::warn!(error = %error, "a form could not be opened");
            let text = "I could not open the form in time. Please try again.".to_owned();
            self.answer(opening, text).await;
        }
    }

    fn form(&self, flow: &Flow) -> serde_json::Value {
        let accounts = self.accounts(flow);
        form::form(flow, &FormContext { accounts: &accounts })
    }

    fn accounts(&self, flow: &Flow) -> Arc<Vec<form::Account>> {
        let bound = flow
            .targets
            .iter()
            .find(|target| target.bindings.iter().any(|binding| binding == "account_id"));
        bound
            .map(|target| self.shared.inventory.accounts(&target.connection.integration))
            .unwrap_or_default()
    }

    /// Looks the person and the flow's channel up while they fill in the form, so that submitting and
    /// clicking cost no look-up.
    async fn remember(&self, opening: &Opening) {
        self.refresh_inventory();
        if let Err(error) = self.profile(&opening.user).await {
            tracing::debug!(error = %error, "a profile could not be read ahead");
        }
    }

    async fn answer(&self, opening: &Opening, text: String) {
        let sent = match &opening.respond {
            Some(url) => self.shared.slack.respond(url, &text).await,
            None => match self.shared.slack.open_dm(&opening.user).await {
                Ok(channel) => {
                    let message = message::Message::plain(text);
                    self.shared.slack.post_message(channel.as_str(), &message).await.map(drop)
                }
                Err(error) => Err(error),
            },
        };
        if let Err(error) = sent {
            tracing::warn!(error = %error, "an answer could not be sent");
        }
    }

    /// A flow was picked: the picker becomes the form. The form itself goes over the Web API, because
    /// Slack silently drops large acknowledgements.
    fn picked(&self, view: &View) -> Ack {
        let catalog = self.catalog();
        let picked = form::picked(&|block| view.values.texts(block));
        let Some(flow) = picked.and_then(|name| askable(&catalog).into_iter().find(|flow| flow.name == name)) else {
            return Ack::Errors(BTreeMap::from([(form::PICK_BLOCK.to_owned(), "Please pick a flow.".to_owned())]));
        };
        let full = self.form(flow);
        let (engine, id) = (self.clone(), view.id.clone());
        self.spawn(async move {
            if let Err(error) = engine.shared.slack.update_view(&id, None, &full).await {
                tracing::warn!(error = %error, "a form could not be shown");
            }
        });
        Ack::Update(form::loading(flow))
    }

    fn options(&self, action: &str, query: &str, view: Option<&View>) -> Ack {
        let catalog = self.catalog();
        let flow = view.and_then(|view| form::flow_of(&view.private_metadata));
        let flow = flow.and_then(|name| askable(&catalog).into_iter().find(|flow| flow.name == name));
        let options = match flow {
            Some(flow) => {
                let accounts = self.accounts(flow);
                form::options(flow, action, query, &FormContext { accounts: &accounts })
            }
            None => form::flow_options(&askable(&catalog), query),
        };
        Ack::Options(options)
    }

    /// A filled-in form: errors go back onto its fields, a good one is in the books before Slack hears.
    async fn submitted(&self, user: UserId, team: Option<TeamId>, view: &View) -> Ack {
        let catalog = self.catalog();
        let name = form::flow_of(&view.private_metadata);
        let Some(entry) = name.and_then(|name| offered(&catalog, &name)) else {
            return general_error(view, "This flow is no longer offered. Please close the form and start again.");
        };
        let accounts = self.accounts(&entry.flow);
        let context = FormContext { accounts: &accounts };
        let submission = match form::read(&entry.flow, &|block| view.values.texts(block), &context) {
            Ok(submission) => submission,
            Err(errors) => return Ack::Errors(errors),
        };
        if let Some(errors) = self.early_errors(entry, &submission, &user, team.as_ref()) {
            return Ack::Errors(errors);
        }
        let id = request_id(team.as_ref().map_or("", TeamId::as_str), &view.id);
        let ask = Ask {
            id,
            flow: entry.flow.name.clone(),
            flow_label: entry.flow.label.clone(),
            requester: Person { user, email: None },
            team,
            target: asked_target(&entry.flow, &submission),
            answers: submission.answers,
            duration: submission.duration,
        };
        match self.take_ask(ask).await {
            Ok(()) => Ack::Empty,
            Err(error) => {
                self.store_failed(&error);
                general_error(view, "I could not write your request down, so it was not taken. Please try again.")
            }
        }
    }

    async fn take_ask(&self, ask: Ask) -> Result<(), StoreError> {
        if self.shared.store.request(&ask.id)?.is_some() {
            // The same form once more: it is in the books, which is all that was asked.
            return self.shared.store.settle().await;
        }
        let at = self.now();
        self.record(opening(AccessRequest::open(ask, at), at)).await
    }

    /// What can be told without a look-up comes back onto the form; the rest is checked right after.
    fn early_errors(
        &self,
        entry: &FlowEntry,
        submission: &Submission,
        user: &UserId,
        team: Option<&TeamId>,
    ) -> Option<BTreeMap<String, String>> {
        let channel = entry.flow.channel.as_deref();
        let facts = self
            .remembered_facts(user, team, channel)
            .or_else(|| self.remembered_facts(user, team, None).map(|facts| Facts { in_channel: None, ..facts }))?;
        let target_block = form::target_block(&entry.flow);
        if let Some(sentence) = cannot_ask(&facts) {
            return Some(BTreeMap::from([(target_block, sentence.to_owned())]));
        }
        let question = Question {
            target: submission.target.as_ref(),
            account_id: submission.resource.as_ref().and_then(|resource| resource.account_id()),
            duration: submission.duration,
            facts: &facts,
        };
        let refused = Self::early_refusal(&entry.rules, &question)?;
        let block = match refused {
            Refused::TooLong { .. } => form::duration_block(&entry.flow),
            Refused::Denied { .. } | Refused::NoRule | Refused::Unknown { .. } => target_block,
        };
        Some(BTreeMap::from([(block, refused.sentence())]))
    }

    /// A button was pressed: the click is in the books before Slack hears, and decided right after.
    async fn pressed(&self, click: Click) -> Ack {
        match self.keep_click(&click).await {
            Ok(true) => {
                self.start_click(click);
                Ack::Empty
            }
            Ok(false) => Ack::Empty,
            Err(error) => {
                self.store_failed(&error);
                Ack::NotAcked
            }
        }
    }

    /// False when this delivery has been taken before.
    async fn keep_click(&self, click: &Click) -> Result<bool, StoreError> {
        if self.shared.store.has_seen(&click.envelope)? {
            self.shared.store.settle().await?;
            return Ok(false);
        }
        let commit = Commit { at: click.at, click: Some(click.clone()), ..Commit::default() };
        self.record(commit).await?;
        Ok(true)
    }

    /// Decides the clicks that an earlier run took and did not get to.
    pub(super) fn resume_clicks(&self) {
        match self.shared.store.clicks() {
            Ok(clicks) => clicks.into_iter().for_each(|click| self.start_click(click)),
            Err(error) => self.store_failed(&error),
        }
    }

    fn start_click(&self, click: Click) {
        let Some(held) = self.shared.clicks.hold(&click.envelope) else { return };
        let engine = self.clone();
        self.spawn(async move {
            engine.finish_click(click).await;
            drop(held);
        });
    }

    async fn finish_click(&self, click: Click) {
        let outcome = match self.facts_for(&click).await {
            Ok(facts) => self.decide_click(click, facts).await,
            Err(error) => {
                tracing::warn!(error = %error, "a click could not be checked");
                self.refuse_unchecked(&click).await
            }
        };
        if let Err(error) = outcome {
            self.store_failed(&error);
        }
    }

    async fn facts_for(&self, click: &Click) -> Result<Facts, crate::slack::api::SlackError> {
        let request = self.shared.store.request(&click.request).ok().flatten();
        let channel = request.and_then(|request| request.terms.channel);
        self.facts(&click.user, click.team.as_ref(), channel.as_deref()).await
    }

    /// Slack would not say who this is: without knowing, nobody decides anything.
    async fn refuse_unchecked(&self, click: &Click) -> Result<(), StoreError> {
        let mut commit = super::refused_click(click, crate::access::Refusal::RightUnknown, self.now());
        commit.handled = Some(click.envelope.clone());
        self.record(commit).await
    }
}

/// The flows that can be started from Slack.
fn askable(catalog: &Catalog) -> Vec<&Flow> {
    catalog
        .flows
        .iter()
        .map(|entry| &entry.flow)
        .filter(|flow| flow.allowed_sources.contains(&crate::access::Source::Slack))
        .collect()
}

fn offered<'a>(catalog: &'a Catalog, name: &FlowName) -> Option<&'a FlowEntry> {
    catalog.flow(name).filter(|entry| entry.flow.allowed_sources.contains(&crate::access::Source::Slack))
}

/// Sym compared flow names without case.
fn is_named(flow: &Flow, name: &str) -> bool {
    flow.name.as_str().eq_ignore_ascii_case(name)
}

/// Who may not use the bot at all.
fn cannot_ask(facts: &Facts) -> Option<&'static str> {
    if !facts.is_home {
        Some("You belong to another workspace. Only members of this one can request access.")
    } else if facts.is_bot {
        Some("Bots and apps cannot request access.")
    } else if facts.is_deactivated {
        Some("This account was deactivated.")
    } else if facts.is_guest {
        Some("Guests cannot request access. Ask a full member of this workspace for help.")
    } else {
        None
    }
}

fn asked_target(flow: &Flow, submission: &Submission) -> Option<AskedTarget> {
    let target = flow.target(submission.target.as_ref()?)?;
    Some(AskedTarget {
        name: target.name.clone(),
        label: target.label.clone(),
        resource: submission.resource.clone()?,
        connection: target.connection.clone(),
    })
}

/// An error about the whole form is shown on its first field.
fn general_error(view: &View, sentence: &str) -> Ack {
    match view.values.first_block() {
        Some(block) => Ack::Errors(BTreeMap::from([(block.to_owned(), sentence.to_owned())])),
        None => Ack::Empty,
    }
}
