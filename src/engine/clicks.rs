//! Buttons: kept before Slack hears, decided right after.

use super::people::Asked;
use super::{About, Engine};
use crate::access::{
    Actor, AuditRecord, Case, Click, ClickAction, EnvelopeId, Event, Facts, Refusal, Span, Timestamp, decide,
};
use crate::policy::Denial;
use crate::slack::inbound::Press;
use crate::slack::message;
use crate::slack::socket::Ack;
use crate::store::{Commit, StoreError};

impl Engine {
    pub(super) fn click(&self, envelope: EnvelopeId, press: Press) -> Option<Click> {
        let (action, request) = message::action(&press.action_id).zip(press.value)?;
        let comment = press.values.texts(message::COMMENT).into_iter().next();
        Some(Click {
            envelope,
            request: request.as_str().into(),
            action,
            user: press.actor.user,
            team: press.actor.team,
            place: press.place,
            at: self.now(),
            comment: comment.filter(|comment| !comment.trim().is_empty()),
            shorten_to: press.values.texts(message::SHORTEN).first().and_then(|text| Span::parse(text).ok()),
        })
    }

    /// A button was pressed: the click is in the books before Slack hears, and decided right after.
    pub(super) async fn pressed(&self, click: Click) -> Ack {
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

    /// Decides the clicks that an earlier run took and did not get to. Before Slack has been reached nobody
    /// could be looked up, and each would be refused; they are kept until then.
    pub(super) fn resume_clicks(&self) {
        if self.shared.home.get().is_none() {
            return;
        }
        match self.shared.store.clicks() {
            Ok(clicks) => clicks.into_iter().for_each(|click| self.start_click(click)),
            Err(error) => self.store_failed(&error),
        }
    }

    fn start_click(&self, click: Click) {
        let Some(held) = self.shared.clicks.hold(&click.envelope) else { return };
        let engine = self.clone();
        self.spawn(async move {
            // It may have been decided between being listed and being taken up.
            match engine.shared.store.has_click(&click.envelope) {
                Ok(true) => engine.finish_click(click).await,
                Ok(false) => {}
                Err(error) => engine.store_failed(&error),
            }
            drop(held);
        });
    }

    async fn finish_click(&self, click: Click) {
        let outcome = match self.facts_for(&click).await {
            Ok(facts) => match self.decide_click(click.clone(), facts).await {
                Ok(()) => self.settle_stray(&click).await,
                Err(error) => Err(error),
            },
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
        let catalog = self.catalog();
        let asked = request.map_or_else(Asked::default, |request| {
            Asked::deciders(&request, catalog.flow(&request.flow).map(|entry| &entry.flow))
        });
        let team = click.team.as_ref();
        match click.action {
            // What lets somebody in is not decided by somebody who left a moment ago.
            ClickAction::Approve | ClickAction::Acknowledge => {
                self.facts_afresh(&click.user, team, &asked).await
            }
            ClickAction::Deny | ClickAction::Revoke | ClickAction::Withdraw => {
                self.facts(&click.user, team, &asked).await
            }
        }
    }

    /// Slack would not say who this is: without knowing, nobody decides anything.
    async fn refuse_unchecked(&self, click: &Click) -> Result<(), StoreError> {
        let mut commit = refused_click(click, Refusal::RightUnknown, self.now());
        commit.handled = Some(click.envelope.clone());
        self.record(commit).await
    }

    /// Decides a click. A refusal is put on record too, and answered in private.
    async fn decide_click(&self, click: Click, facts: Facts) -> Result<(), StoreError> {
        let about = About::Request(click.request.clone());
        // Looked up before the gate: what is decided behind it waits for nobody.
        let requester = match click.action {
            ClickAction::Approve => self.requester_now(&click.request).await,
            ClickAction::Deny | ClickAction::Revoke | ClickAction::Withdraw | ClickAction::Acknowledge => {
                None
            }
        };
        let event = Event::Clicked { click: Box::new(click.clone()), facts: Box::new(facts) };
        let ticket = {
            let _one_at_a_time = self.gate();
            let at = self.now();
            let case = self.case(&about)?;
            let mut commit = match decide(&case, &event, at) {
                Ok(step) => match self.objection(&click, &case, requester.as_ref()) {
                    Objection::None => Commit::of(&case, step, at),
                    Objection::Unknown => refused_click(&click, Refusal::RightUnknown, at),
                    Objection::Closed(event) => closed_instead(&case, &click, &event, at),
                },
                Err(refusal) => refused_click(&click, refusal, at),
            };
            commit.handled = Some(click.envelope.clone());
            self.shared.store.commit(commit)?
        };
        ticket.on_disk().await?;
        self.wake();
        Ok(())
    }

    /// What has come to stand against what this click would approve: a requester who has left, or a rule
    /// in force that denies it. Called with the gate closed.
    fn objection(&self, click: &Click, case: &Case, requester: Option<&Facts>) -> Objection {
        let (ClickAction::Approve, Some(request)) = (click.action, case.requests.get(&click.request)) else {
            return Objection::None;
        };
        // Who cannot be looked up may have left: nobody is let in on a guess.
        let Some(facts) = requester else { return Objection::Unknown };
        if let Some(unfit) = facts.unfit() {
            return Objection::Closed(Event::RequesterUnfit { request: click.request.clone(), unfit });
        }
        match self.denial(request, requester) {
            Denial::No => Objection::None,
            Denial::Unknown { .. } => Objection::Unknown,
            Denial::By { rule } => {
                Objection::Closed(Event::NowDenied { request: click.request.clone(), rule })
            }
        }
    }
}

/// What stands against an approval.
enum Objection {
    None,
    /// That cannot be found out now.
    Unknown,
    /// The request is over, by this event.
    Closed(Event),
}

/// The request is closed in the same commit that refuses the click.
fn closed_instead(case: &Case, click: &Click, event: &Event, at: Timestamp) -> Commit {
    let refused = refused_click(click, Refusal::Over, at);
    match decide(case, event, at) {
        Ok(step) => {
            let mut closed = Commit::of(case, step, at);
            closed.audit.extend(refused.audit);
            closed.notices.extend(refused.notices);
            closed
        }
        Err(_) => refused,
    }
}

fn refused_click(click: &Click, refusal: Refusal, at: Timestamp) -> Commit {
    use crate::access::{Audience, Notice, NoticeKind};
    let detail = serde_json::json!({ "click": click.action, "refusal": refusal });
    let audit = AuditRecord {
        at,
        actor: Actor::Person(click.user.clone()),
        action: "refused_click".to_owned(),
        request: Some(click.request.clone()),
        entitlement: None,
        detail,
    };
    let to = match &click.place {
        Some(place) => Audience::Whisper { channel: place.channel.clone(), user: click.user.clone() },
        None => Audience::Person(click.user.clone()),
    };
    let notice = Notice { request: click.request.clone(), to, kind: NoticeKind::ClickRefused { refusal } };
    Commit { at, audit: vec![audit], notices: vec![notice], ..Commit::default() }
}
