//! What comes in from Slack: decide as little as possible, commit, acknowledge; the rest afterwards.

use super::inventory::Listing;
use super::people::Asked;
use super::{
    Engine,
    identify::{cannot_ask, request_id},
    opening,
};
use crate::access::{
    AccessRequest, Ask, AskedTarget, Flow, FlowName, Person, Resource, Source, Span, TeamId, UserId,
};
use crate::manifest::{Catalog, FlowEntry};
use crate::policy::{Question, Refused};
use crate::slack::api::{Message, SlackError};
use crate::slack::form::{self, FormContext, Submission};
use crate::slack::inbound::{Actor, Envelope, Inbound, Press, View};
use crate::slack::message;
use crate::slack::socket::{Ack, Handler};
use crate::store::StoreError;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const GREETING: &str = "Pick what you need. The next page asks for the details.";

/// What opens a form: where to answer, and the key that Slack gives for three seconds.
struct Opening {
    actor: Actor,
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
            Inbound::Command { actor, text, trigger_id, response_url, .. } => {
                self.command(Opening { actor, trigger: trigger_id, respond: response_url }, &text);
                Ack::Empty
            }
            Inbound::Shortcut { actor, trigger_id, .. } => {
                self.command(Opening { actor, trigger: trigger_id, respond: None }, "request");
                Ack::Empty
            }
            Inbound::Submitted { actor, view } if view.callback_id == form::FORM => {
                self.submitted(actor, &view).await
            }
            Inbound::Pressed(press) if press.action_id == form::FLOW => {
                self.picked(&press);
                Ack::Empty
            }
            Inbound::Pressed(press) => match self.click(envelope.id, *press) {
                Some(click) => self.pressed(click).await,
                None => Ack::Empty,
            },
            Inbound::Options { action_id, query, view, .. } => {
                self.options(&action_id, &query, view.as_ref())
            }
            Inbound::Submitted { .. }
            | Inbound::Closed { .. }
            | Inbound::Event { .. }
            | Inbound::Other { .. } => Ack::Empty,
        }
    }

    /// `/sym …` and the shortcut. Nothing is stored, so it is acknowledged at once; the form opens right
    /// after.
    fn command(&self, opening: Opening, text: &str) {
        let engine = self.clone();
        let text = text.trim().to_owned();
        self.spawn(async move {
            // Whoever is known to be refused is told before they fill in a form.
            let known =
                engine.remembered_facts(&opening.actor.user, opening.actor.team.as_ref(), &Asked::default());
            if let Some(sentence) = known.as_ref().and_then(cannot_ask) {
                engine.answer(&opening, &message::said(sentence)).await;
                return;
            }
            let flow = engine.open(&opening, &text).await;
            engine.remember(&opening, flow.as_ref()).await;
        });
    }

    /// Opens a form or answers; returns the flow whose form it is.
    async fn open(&self, opening: &Opening, text: &str) -> Option<FlowName> {
        let catalog = self.catalog();
        let flows = askable(&catalog);
        let mut words = text.split_whitespace();
        // Telephones like to begin with a capital.
        let verb = words.next().map(str::to_ascii_lowercase);
        let (mut remark, mut opened) = (None, None);
        let view = match (verb.as_deref(), words.next()) {
            (None | Some("request" | "req"), None) => match flows.as_slice() {
                [only] => {
                    opened = Some(only.name.clone());
                    self.form(only)
                }
                flows => form::picker(flows, GREETING),
            },
            (Some("request" | "req"), Some(name)) => {
                if let Some(flow) = flows.iter().find(|flow| is_named(flow, name)) {
                    opened = Some(flow.name.clone());
                    self.form(flow)
                } else {
                    remark = Some(form::unknown(name, &flows));
                    form::picker(&flows, GREETING)
                }
            }
            _ => {
                self.answer(opening, &form::help(&flows)).await;
                return None;
            }
        };
        // The form goes first: its key is good for three seconds only.
        if let Err(error) = self.shared.slack.open_view(&opening.trigger, &view).await {
            tracing::warn!(error = %error, "a form could not be opened");
            self.answer(opening, &message::said(&unopened(&error))).await;
        }
        if let Some(remark) = remark {
            self.answer(opening, &remark).await;
        }
        opened
    }

    fn form(&self, flow: &Flow) -> serde_json::Value {
        let (listing, accounts_age) = self.accounts(flow);
        form::form(flow, &FormContext { accounts: &listing.accounts, accounts_age })
    }

    /// The accounts a form may offer, and how long ago they were listed.
    fn accounts(&self, flow: &Flow) -> (Arc<Listing>, Option<Span>) {
        let bound =
            flow.targets.iter().find(|target| target.bindings.iter().any(|binding| binding == "account_id"));
        let listed = bound.and_then(|target| self.shared.inventory.listing(&target.connection.integration));
        match listed {
            Some((at, listing)) => (listing, Some(self.now().since(at))),
            None => (Arc::default(), None),
        }
    }

    /// Looks the person and the flow's channel up while they fill in the form, so that submitting and
    /// clicking cost no look-up.
    async fn remember(&self, opening: &Opening, flow: Option<&FlowName>) {
        self.refresh_inventory();
        if let Err(error) = self.profile(&opening.actor.user).await {
            tracing::debug!(error = %error, "a profile could not be read ahead");
            return;
        }
        if let Some(flow) = flow {
            self.remember_standings(&opening.actor.user, flow).await;
        }
    }

    async fn answer(&self, opening: &Opening, message: &Message) {
        let slack = &self.shared.slack;
        let sent = match &opening.respond {
            Some(url) => slack.respond_with(url, message).await,
            None => match slack.open_dm(&opening.actor.user).await {
                Ok(channel) => slack.post_message(channel.as_str(), message).await.map(drop),
                Err(error) => Err(error),
            },
        };
        if let Err(error) = sent {
            tracing::warn!(error = %error, "an answer could not be sent");
        }
    }

    /// A flow was picked: the picker becomes the form.
    fn picked(&self, press: &Press) {
        let Some(view) = press.view.as_ref().filter(|view| view.callback_id == form::PICKER) else { return };
        let catalog = self.catalog();
        let flows = askable(&catalog);
        let picked = form::picked(&flows, &press.selected);
        let Some(flow) = picked.and_then(|name| flows.into_iter().find(|flow| flow.name == name)) else {
            return;
        };
        let full = self.form(flow);
        let (engine, id) = (self.clone(), view.id.clone());
        let (user, flow) = (press.actor.user.clone(), flow.name.clone());
        self.spawn(async move {
            if let Err(error) = engine.shared.slack.update_view(&id, None, &full).await {
                engine.say_unopened(&user, &error).await;
            }
            engine.remember_standings(&user, &flow).await;
        });
    }

    /// The form did not come, and there is no place but their direct messages to say so.
    async fn say_unopened(&self, user: &UserId, error: &SlackError) {
        tracing::warn!(error = %error, "a form could not be shown");
        // A picker that was closed meanwhile is nobody's trouble.
        if error.is_refused_with("not_found") {
            return;
        }
        let told = self.deliver_directly(user, &message::said(&unopened(error))).await;
        if let Err(error) = told {
            tracing::warn!(error = %error, "an answer could not be sent");
        }
    }

    fn options(&self, action: &str, query: &str, view: Option<&View>) -> Ack {
        let catalog = self.catalog();
        let flows = askable(&catalog);
        let name = view.and_then(|view| form::flow_of(&view.private_metadata));
        let options = match name.and_then(|name| flows.iter().find(|flow| flow.name == name)) {
            Some(flow) => {
                let (listing, accounts_age) = self.accounts(flow);
                let context = FormContext { accounts: &listing.accounts, accounts_age };
                form::options(flow, action, query, &context)
            }
            None => form::picker_options(&flows, query),
        };
        Ack::Options(options)
    }

    /// A filled-in form: errors go back onto its fields, a good one is in the books before Slack hears.
    async fn submitted(&self, actor: Actor, view: &View) -> Ack {
        let catalog = self.catalog();
        let name = form::flow_of(&view.private_metadata);
        let Some(entry) = name.and_then(|name| offered(&catalog, &name)) else {
            let text = "This flow is no longer offered. Close this and start again with /sym request.";
            return Ack::Update(form::sorry(text));
        };
        if self.shared.is_short.load(Ordering::SeqCst) {
            let text = "The disk of this bot is nearly full, so it takes no new requests. Tell the people who run it.";
            return on_target(&entry.flow, text);
        }
        let (listing, accounts_age) = self.accounts(&entry.flow);
        let context = FormContext { accounts: &listing.accounts, accounts_age };
        let submission = match form::read(&entry.flow, &|block| view.values.texts(block), &context) {
            Ok(submission) => submission,
            Err(errors) => return complained(&entry.flow, errors),
        };
        if let Some(errors) = self.early_errors(entry, &submission, &actor) {
            return complained(&entry.flow, errors);
        }
        let workspace = actor.workspace.as_ref().or(actor.team.as_ref());
        let ask = Ask {
            id: request_id(workspace.map_or("", TeamId::as_str), &view.id),
            flow: entry.flow.name.clone(),
            flow_label: entry.flow.label.clone(),
            requester: Person { user: actor.user, email: None },
            team: actor.team,
            target: asked_target(&entry.flow, &submission),
            answers: submission.answers,
            duration: submission.duration,
            is_emergency: submission.is_emergency,
        };
        match self.take_ask(ask).await {
            Ok(()) => Ack::Empty,
            Err(error) => {
                self.store_failed(&error);
                let text = "I could not write your request down, so it was not taken. Please try again.";
                on_target(&entry.flow, text)
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
        actor: &Actor,
    ) -> Option<BTreeMap<String, String>> {
        let (user, team) = (&actor.user, actor.team.as_ref());
        let facts = self.remembered_facts(user, team, &Asked::requesters(entry))?;
        let on = |field: &str, text: String| Some(form::errors(&entry.flow, [(field.to_owned(), text)]));
        if let Some(sentence) = cannot_ask(&facts) {
            return on("target_id", sentence.to_owned());
        }
        let account_id = submission.resource.as_ref().and_then(Resource::account_id);
        let target = submission.target.as_ref().and_then(|name| entry.flow.target(name));
        let account = target
            .zip(account_id)
            .and_then(|(target, id)| self.account_facts(&target.connection.integration, id, &entry.rules));
        let question = Question {
            target: submission.target.as_ref(),
            account_id,
            account: account.as_ref(),
            duration: submission.duration,
            facts: &facts,
            is_emergency: submission.is_emergency,
            uses: &BTreeMap::new(),
        };
        let standings = self.remembered_standings(user, &entry.flow.name);
        let refused = Self::early_refusal(&entry.rules, &question, &standings)?;
        match refused {
            Refused::TooLong { .. } => on("duration", refused.sentence()),
            Refused::NoEmergency => on(form::EMERGENCY, refused.sentence()),
            Refused::Denied { .. }
            | Refused::NoRule
            | Refused::NobodyElse { .. }
            | Refused::UsedUp { .. }
            | Refused::Unknown { .. } => on("target_id", refused.sentence()),
        }
    }
}

/// What a person hears who asked for a form and got none.
fn unopened(error: &SlackError) -> String {
    match error.retry_after() {
        Some(wait) => format!(
            "Slack lets me open no forms for the next {} s, because there were too many. Please try again then.",
            wait.as_secs().max(1)
        ),
        None => "I could not open the form in time. Please try again.".to_owned(),
    }
}

/// The flows that can be started from Slack.
fn askable(catalog: &Catalog) -> Vec<&Flow> {
    catalog
        .flows
        .iter()
        .map(|entry| &entry.flow)
        .filter(|flow| flow.allowed_sources.contains(&Source::Slack))
        .collect()
}

fn offered<'a>(catalog: &'a Catalog, name: &FlowName) -> Option<&'a FlowEntry> {
    catalog.flow(name).filter(|entry| entry.flow.allowed_sources.contains(&Source::Slack))
}

/// Sym compared flow names without case.
fn is_named(flow: &Flow, name: &str) -> bool {
    flow.name.as_str().eq_ignore_ascii_case(name)
}

/// Complaints go onto the fields; a form without any can only be replaced by them.
fn complained(flow: &Flow, errors: BTreeMap<String, String>) -> Ack {
    if form::takes_errors(flow) {
        Ack::Errors(errors)
    } else {
        Ack::Update(form::sorry(&errors.into_values().collect::<Vec<_>>().join(" ")))
    }
}

/// What is wrong with the whole of it.
fn on_target(flow: &Flow, text: &str) -> Ack {
    complained(flow, form::errors(flow, [("target_id".to_owned(), text.to_owned())]))
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
