//! The whole life of requests and entitlements: (state, event) → next state, notices, audit.
//!
//! ```text
//! request:      Identifying ─► Pending ─► Granting ─► Active ─► Ending ─► Ended
//!                    │            ├─► Denied, Withdrawn, Lapsed
//!                    └─► Refused  └─► Approved (a flow that grants nothing)
//! entitlement:  (absent) ─► Looking ─► Granting ─► Held ─► Revoking ─► (absent)
//!                              │                                └─► Granting: somebody wants it again
//!                              └─► (absent): the person had it already
//! ```

mod drift;
mod machine;
mod operator;
mod people;

use super::{
    AccessRequest, Actor, Ask, Audience, AuditRecord, Cause, Event, Jitter, Notice, NoticeKind, Refusal,
    Removal, RequestId, Retry, Span, Status, Terms, Timestamp, audit, entitlement::Entitlement,
};
use std::collections::{BTreeMap, BTreeSet};

/// The part of the books that one event can touch: an entitlement with every request that claims it
/// or waits for its end, or a single request that claims nothing yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Case {
    /// The requests by id.
    pub requests: BTreeMap<RequestId, AccessRequest>,
    /// The entitlement, while it is in the books.
    pub entitlement: Option<Entitlement>,
}

/// What an event leads to, to be written in one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The books afterwards. An entitlement that is gone leaves the books.
    pub case: Case,
    /// What people are told.
    pub notices: Vec<Notice>,
    /// What is put on record.
    pub audit: Vec<AuditRecord>,
    /// The requests whose cards no longer show the truth.
    pub redraw: BTreeSet<RequestId>,
}

/// Decides what an event means.
///
/// # Errors
/// The event changes nothing: a [`Refusal`] says what to answer. [`Refusal::Stale`] is for machines
/// and needs no answer.
pub fn decide(case: &Case, event: &Event, at: Timestamp) -> Result<Step, Refusal> {
    let mut draft = Draft { case: case.clone(), notices: Vec::new(), at };
    let mut actor = Actor::Bot;
    match event {
        Event::Identified { request, facts, principal, terms, destinations } => {
            let known = people::Known { facts, principal, terms, destinations };
            draft.identified(request, &known)?;
        }
        Event::NotIdentified { request, error, jitter } => {
            draft.not_identified(request, error, *jitter)?;
        }
        Event::NowDenied { request, rule } => draft.now_denied(request, rule)?,
        Event::RequesterUnfit { request, unfit } => draft.requester_unfit(request, *unfit)?,
        Event::AdminRevoked { request, operator, because } => {
            actor = Actor::Operator(operator.clone());
            draft.admin_revoked(request, operator, because)?;
        }
        Event::Clicked { click, facts } => {
            actor = Actor::Person(facts.user.clone());
            draft.clicked(click, facts)?;
        }
        Event::CardPosted { request, destination, place } => {
            draft.card_posted(request, destination, place)?;
        }
        Event::CardFailed { request, destination, why } => {
            draft.card_failed(request, destination, why)?;
        }
        Event::TimePassed => draft.time_passed(),
        Event::Looked { is_present } => draft.looked(*is_present)?,
        Event::LookFailed { error, jitter } => draft.look_failed(error, *jitter)?,
        Event::GrantStarted { operation } => draft.grant_started(operation)?,
        Event::StillRunning => draft.still_running()?,
        Event::GrantConfirmed => draft.grant_confirmed()?,
        Event::GrantFailed { error, jitter } => draft.grant_failed(error, *jitter)?,
        Event::RevokeStarted { operation } => draft.revoke_started(operation)?,
        Event::SeenAbsent => draft.seen_absent()?,
        Event::FoundAbsent { since, fit } => draft.found_absent(*since, fit)?,
        Event::RevokeFailed { error, jitter } => draft.revoke_failed(error, *jitter)?,
    }
    Ok(draft.finish(case, &actor))
}

impl AccessRequest {
    /// Puts a new request in the books. Nobody has been asked yet and nothing is allowed yet: the
    /// terms come with [`Event::Identified`].
    pub fn open(ask: Ask, at: Timestamp) -> Step {
        let actor = Actor::Person(ask.requester.user.clone());
        let request = Self {
            id: ask.id.clone(),
            flow: ask.flow,
            flow_label: ask.flow_label,
            requester: ask.requester,
            target: ask.target,
            answers: ask.answers,
            duration: ask.duration,
            asked_duration: None,
            is_emergency: ask.is_emergency,
            made_at: at,
            terms: Terms {
                requirements: Vec::new(),
                answer_within: Span::ZERO,
                channel: None,
                error_channel: None,
                allow_revoke: false,
                allow_guest_interaction: false,
                include_decision_message: false,
                shorter: Vec::new(),
                auto_rules: Vec::new(),
                restores: false,
                emergency: None,
            },
            approvals: Vec::new(),
            principal: None,
            cards: Vec::new(),
            status: Status::Identifying { retry: Retry::now(at) },
        };
        let case = Case { requests: BTreeMap::from([(ask.id, request)]), entitlement: None };
        Draft { case, notices: Vec::new(), at }.finish(&Case::default(), &actor)
    }
}

/// The next state while it is being made.
struct Draft {
    case: Case,
    notices: Vec<Notice>,
    at: Timestamp,
}

impl Draft {
    fn finish(self, before: &Case, actor: &Actor) -> Step {
        let audit = audit::transitions(before, &self.case, actor, self.at);
        let redraw = self
            .case
            .requests
            .iter()
            .filter(|(id, request)| {
                !request.cards.is_empty()
                    && before.requests.get(*id).is_none_or(|old| {
                        old.status != request.status
                            || old.approvals != request.approvals
                            || old.terms != request.terms
                            || old.cards.len() != request.cards.len()
                            || has_moved(old, request)
                    })
            })
            .map(|(id, _)| id.clone())
            .collect();
        Step { case: self.case, notices: self.notices, audit, redraw }
    }

    fn request(&mut self, id: &RequestId) -> Result<&mut AccessRequest, Refusal> {
        self.case.requests.get_mut(id).ok_or(Refusal::Unknown)
    }

    fn tell_requester(&mut self, id: &RequestId, kind: NoticeKind) {
        if let Some(request) = self.case.requests.get(id) {
            let to = Audience::Person(request.requester.user.clone());
            self.notices.push(Notice { request: id.clone(), to, kind });
        }
    }

    fn tell_channel(&mut self, id: &RequestId, channel: Option<String>, kind: NoticeKind) {
        if let Some(channel) = channel {
            self.notices.push(Notice { request: id.clone(), to: Audience::Channel(channel), kind });
        }
    }

    /// Everything is ended that is not held: the request leaves the books' living part.
    fn conclude(&mut self, id: &RequestId, cause: Cause, removal: Removal, began: Option<Timestamp>) {
        let at = self.at;
        if let Some(request) = self.case.requests.get_mut(id) {
            request.status = Status::Ended { cause: cause.clone(), at, removal, began };
        }
        match cause {
            // They were told when it failed; the proof of absence only completes the card.
            Cause::GrantFailed { .. }
            | Cause::GrantTimedOut { .. }
            | Cause::RemovedByHand { restoring: None } => {}
            Cause::TimeUp
            | Cause::Revoked { .. }
            | Cause::Admin { .. }
            | Cause::RemovedByHand { restoring: Some(_) } => {
                self.tell_requester(id, NoticeKind::Ended { cause, removal });
            }
        }
    }

    fn time_passed(&mut self) {
        self.end_due_claims();
        self.raise_alarm();
        let ids: Vec<RequestId> = self.case.requests.keys().cloned().collect();
        for id in ids {
            self.pass_time_for(&id);
        }
    }

    fn pass_time_for(&mut self, id: &RequestId) {
        let at = self.at;
        let Some(request) = self.case.requests.get_mut(id) else { return };
        let Some((duty, due)) = request.duty() else { return };
        if due > at {
            return;
        }
        // A deadline that has passed outranks what should have happened before it.
        if matches!(request.status, Status::Pending { answer_by, .. } if answer_by <= at) {
            request.status = Status::Lapsed { at };
            self.tell_requester(id, NoticeKind::Lapsed);
            return;
        }
        match (duty, &mut request.status) {
            (super::RequestDuty::Remind, Status::Pending { reminded, answer_by, .. }) => {
                *reminded = true;
                let kind = NoticeKind::Reminder { answer_by: *answer_by };
                self.tell_those_who_can_act(id, &kind);
            }
            (super::RequestDuty::FallBack, Status::Pending { since, .. }) => {
                let since = *since;
                self.fall_back(id, |fallback| fallback.after.is_some_and(|after| since + after <= at));
            }
            (super::RequestDuty::Warn, Status::Active { warned, ends_at: Some(ends_at), .. }) => {
                *warned = true;
                let ends_at = *ends_at;
                if ends_at > at {
                    self.tell_requester(id, NoticeKind::EndsSoon { ends_at });
                }
            }
            (
                super::RequestDuty::Lapse
                | super::RequestDuty::Remind
                | super::RequestDuty::FallBack
                | super::RequestDuty::Warn
                | super::RequestDuty::Identify,
                _,
            ) => {}
        }
    }
}

/// Whether a card was posted anew: it says so, and its buttons may have been taken away by a press that
/// came before its place was known.
fn has_moved(old: &AccessRequest, new: &AccessRequest) -> bool {
    old.cards.iter().zip(&new.cards).any(|(old, new)| old.place.is_some() && old.place != new.place)
}

/// The wait before the next try: doubling from one second to five minutes, spread over the upper
/// half by chance.
fn backoff(attempts: u32, jitter: Jitter) -> Span {
    let ceiling = super::entitlement::LONGEST_PAUSE.as_millis();
    let full = 1000_i64.checked_shl(attempts.min(20)).unwrap_or(ceiling).min(ceiling);
    Span::millis(full / 2 + full / 2 * i64::from(jitter.min(999)) / 999)
}

fn retry_after_failure(retry: &Retry, message: &str, jitter: Jitter, at: Timestamp) -> Retry {
    Retry {
        at: at + backoff(retry.attempts, jitter),
        attempts: retry.attempts.saturating_add(1),
        last: Some(message.to_owned()),
    }
}
