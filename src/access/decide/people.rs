//! What people do: ask, approve, deny, take back, end early.

use super::{Draft, retry_after_failure};
use crate::access::{
    AccessRequest, Approval, Card, Cause, Claim, ClaimStage, Click, ClickAction, Custody,
    Entitlement, EntitlementId, Facts, GRANT_WINDOW, Jitter, MachineError, NoticeKind, Person, Place,
    Principal, Refusal, RequestId, Requirement, Retry, Span, Status, Terms, Timestamp,
};
use std::collections::BTreeMap;

/// What was found out about a request that was just made.
pub(super) struct Known<'a> {
    pub(super) facts: &'a Facts,
    pub(super) principal: &'a Option<Principal>,
    pub(super) terms: &'a Terms,
    pub(super) destinations: &'a [String],
    pub(super) duration: Option<Span>,
}

/// How long the bot tries to find out who a requester is before it gives the request back.
const IDENTIFY_WINDOW: Span = Span::minutes(10);

impl Draft {
    pub(super) fn identified(&mut self, id: &RequestId, known: &Known<'_>) -> Result<(), Refusal> {
        let at = self.at;
        let request = self.request(id)?;
        if !matches!(request.status, Status::Identifying { .. }) {
            return Err(Refusal::Stale);
        }
        request.requester.email.clone_from(&known.facts.email);
        request.principal.clone_from(known.principal);
        request.terms = known.terms.clone();
        if known.duration.is_some() {
            request.duration = known.duration;
        }
        request.cards = known
            .destinations
            .iter()
            .map(|destination| Card { destination: destination.clone(), place: None, failed: None })
            .collect();
        request.status = Status::Pending { answer_by: at + known.terms.answer_within };
        if request.terms.requirements.is_empty() {
            self.grant(id)?;
        }
        Ok(())
    }

    pub(super) fn not_identified(
        &mut self,
        id: &RequestId,
        error: &MachineError,
        jitter: Jitter,
    ) -> Result<(), Refusal> {
        let at = self.at;
        let request = self.request(id)?;
        let Status::Identifying { retry } = &request.status else { return Err(Refusal::Stale) };
        if error.is_transient && at.since(request.made_at) < IDENTIFY_WINDOW {
            request.status =
                Status::Identifying { retry: retry_after_failure(retry, &error.message, jitter, at) };
            return Ok(());
        }
        let why = error.message.clone();
        request.status = Status::Refused { why: why.clone(), at };
        self.tell_requester(id, NoticeKind::Refused { why });
        Ok(())
    }

    pub(super) fn clicked(&mut self, click: &Click, facts: &Facts) -> Result<(), Refusal> {
        let at = self.at;
        let request = self.request(&click.request)?;
        may_press(request, click.action, facts)?;
        let by = Person { user: facts.user.clone(), email: facts.email.clone() };
        let comment = click.comment.clone().filter(|_| request.terms.include_decision_message);
        match click.action {
            ClickAction::Approve => {
                let rules = rules_to_approve(request, facts, at)?;
                request.approvals.push(Approval { by, at, rules, comment });
                if request.open_requirements().next().is_none() {
                    self.grant(&click.request)?;
                }
            }
            ClickAction::Deny => {
                may_deny(request, facts, at)?;
                request.status = Status::Denied { by, at, comment: comment.clone() };
                let kind = NoticeKind::Denied { by: facts.user.clone(), comment };
                self.tell_requester(&click.request, kind);
            }
            ClickAction::Withdraw => {
                may_withdraw(request, facts, at)?;
                request.status = Status::Withdrawn { at };
                self.tell_requester(&click.request, NoticeKind::Withdrawn);
            }
            ClickAction::Revoke => {
                may_revoke(request, facts)?;
                self.end_claim(&click.request, &Cause::Revoked { by });
            }
        }
        Ok(())
    }

    /// Turns an approved request into a claim. The provisional end is part of it, so that it is on
    /// disk before anything is asked of AWS.
    fn grant(&mut self, id: &RequestId) -> Result<(), Refusal> {
        let at = self.at;
        let request = self.request(id)?;
        let Some(target) = request.target.clone() else {
            request.status = Status::Approved { at };
            self.tell_requester(id, NoticeKind::Approved);
            return Ok(());
        };
        let principal = request.principal.clone().ok_or(Refusal::NotReady)?;
        let give_up_at = at + GRANT_WINDOW;
        let provisional_end = request.duration.map(|duration| give_up_at + duration);
        let claim = Claim {
            duration: request.duration,
            stage: ClaimStage::Wanted { give_up_at, provisional_end },
        };
        let holder = request.requester.clone();
        request.status = Status::Granting { since: at, provisional_end };
        let entitlement = self.case.entitlement.get_or_insert_with(|| Entitlement {
            id: EntitlementId::of(&principal, &target.resource),
            principal,
            resource: target.resource,
            connection: target.connection.clone(),
            holder,
            claims: BTreeMap::new(),
            ending: Vec::new(),
            custody: Custody::Looking { retry: Retry::now(at) },
        });
        entitlement.connection = target.connection;
        entitlement.claims.insert(id.clone(), claim);
        if let Custody::Held { retry } = &mut entitlement.custody {
            *retry = Retry::now(at);
        }
        Ok(())
    }

    pub(super) fn card_posted(
        &mut self,
        id: &RequestId,
        destination: &str,
        place: &Place,
    ) -> Result<(), Refusal> {
        let card = self.card(id, destination)?;
        card.place = Some(place.clone());
        card.failed = None;
        self.say_where_it_went(id)
    }

    pub(super) fn card_failed(
        &mut self,
        id: &RequestId,
        destination: &str,
        why: &str,
    ) -> Result<(), Refusal> {
        let card = self.card(id, destination)?;
        if card.place.is_some() || card.failed.is_some() {
            return Err(Refusal::Stale);
        }
        card.failed = Some(why.to_owned());
        self.say_where_it_went(id)
    }

    fn card(&mut self, id: &RequestId, destination: &str) -> Result<&mut Card, Refusal> {
        let cards = &mut self.request(id)?.cards;
        cards.iter_mut().find(|card| card.destination == destination).ok_or(Refusal::Stale)
    }

    /// Once every card has been posted or has failed, the requester hears where the request is.
    fn say_where_it_went(&mut self, id: &RequestId) -> Result<(), Refusal> {
        let request = self.request(id)?;
        let Status::Pending { answer_by } = request.status else { return Ok(()) };
        if request.cards.iter().any(|card| card.place.is_none() && card.failed.is_none()) {
            return Ok(());
        }
        let failures: Vec<(String, String)> = request
            .cards
            .iter()
            .filter_map(|card| Some((card.destination.clone(), card.failed.clone()?)))
            .collect();
        let error_channel = request.terms.error_channel.clone();
        let destinations: Vec<String> = request
            .cards
            .iter()
            .filter(|card| card.place.is_some())
            .map(|card| card.destination.clone())
            .collect();
        let reached_nobody = destinations.is_empty();
        if !failures.is_empty() {
            let kind = NoticeKind::Undeliverable { failures };
            if reached_nobody {
                self.tell_requester(id, kind.clone());
            }
            self.tell_channel(id, error_channel, kind);
        }
        if !reached_nobody {
            self.tell_requester(id, NoticeKind::Submitted { destinations, answer_by });
        }
        Ok(())
    }

}

/// Who may press any button at all.
fn may_press(request: &AccessRequest, action: ClickAction, facts: &Facts) -> Result<(), Refusal> {
    if !facts.is_home {
        return Err(Refusal::Stranger);
    }
    if facts.is_bot {
        return Err(Refusal::Bot);
    }
    if facts.is_deactivated {
        return Err(Refusal::Deactivated);
    }
    let gives_back = matches!(action, ClickAction::Revoke | ClickAction::Withdraw)
        && request.is_requester(&facts.user, facts.email.as_ref());
    if facts.is_guest && !request.terms.allow_guest_interaction && !gives_back {
        return Err(Refusal::Guest);
    }
    Ok(())
}

/// Deciding needs a request that waits for people, now and not a moment after its deadline.
fn is_open(request: &AccessRequest, at: Timestamp) -> Result<(), Refusal> {
    match &request.status {
        Status::Identifying { .. } => Err(Refusal::NotReady),
        Status::Pending { answer_by } if at < *answer_by => Ok(()),
        Status::Pending { answer_by } => Err(Refusal::Lapsed { at: *answer_by }),
        Status::Lapsed { at } => Err(Refusal::Lapsed { at: *at }),
        Status::Denied { by, .. } => Err(Refusal::DeniedAlready { by: by.clone() }),
        Status::Withdrawn { .. } => Err(Refusal::Withdrawn),
        Status::Refused { .. } => Err(Refusal::Over),
        Status::Granting { .. }
        | Status::Active { .. }
        | Status::Ending { .. }
        | Status::Approved { .. }
        | Status::AlreadyHeld { .. }
        | Status::Ended { .. } => Err(Refusal::Decided {
            by: request.approvals.last().map(|approval| approval.by.clone()),
        }),
    }
}

/// The rules that this person's approval counts for.
fn rules_to_approve(
    request: &AccessRequest,
    facts: &Facts,
    at: Timestamp,
) -> Result<Vec<String>, Refusal> {
    is_open(request, at)?;
    if request.has_approved(&facts.user, facts.email.as_ref()) {
        return Err(Refusal::ApprovedAlready);
    }
    let open: Vec<&Requirement> = request.open_requirements().collect();
    allowed(request, &open, facts)
        .map(|rules| rules.into_iter().map(|requirement| requirement.rule.clone()).collect())
}

fn may_deny(request: &AccessRequest, facts: &Facts, at: Timestamp) -> Result<(), Refusal> {
    is_open(request, at)?;
    let all: Vec<&Requirement> = request.terms.requirements.iter().collect();
    allowed(request, &all, facts).map(|_| ())
}

/// Those of the requirements under which this person may decide on this request.
fn allowed<'a>(
    request: &AccessRequest,
    requirements: &[&'a Requirement],
    facts: &Facts,
) -> Result<Vec<&'a Requirement>, Refusal> {
    let is_own = request.is_requester(&facts.user, facts.email.as_ref());
    let allowed: Vec<&Requirement> = requirements
        .iter()
        .copied()
        .filter(|requirement| requirement.names(facts) == Some(true))
        .filter(|requirement| !is_own || requirement.allow_self)
        .collect();
    if !allowed.is_empty() {
        return Ok(allowed);
    }
    if is_own {
        return Err(Refusal::OwnRequest);
    }
    if requirements.iter().any(|requirement| requirement.names(facts).is_none()) {
        return Err(Refusal::RightUnknown);
    }
    let mut approvers: Vec<_> =
        requirements.iter().flat_map(|requirement| requirement.approvers.clone()).collect();
    approvers.sort();
    approvers.dedup();
    Err(Refusal::NotApprover { approvers })
}

fn may_withdraw(request: &AccessRequest, facts: &Facts, at: Timestamp) -> Result<(), Refusal> {
    if !request.is_requester(&facts.user, facts.email.as_ref()) {
        return Err(Refusal::NotYoursToWithdraw);
    }
    match is_open(request, at) {
        Ok(()) | Err(Refusal::NotReady) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

fn may_revoke(request: &AccessRequest, facts: &Facts) -> Result<(), Refusal> {
    if !request.is_claiming() {
        return Err(Refusal::Over);
    }
    if !request.terms.allow_revoke {
        return Err(Refusal::RevokeNotAllowed);
    }
    let email = facts.email.as_ref();
    let named: Vec<Option<bool>> =
        request.terms.requirements.iter().map(|requirement| requirement.names(facts)).collect();
    if request.is_requester(&facts.user, email)
        || request.has_approved(&facts.user, email)
        || named.contains(&Some(true))
    {
        return Ok(());
    }
    Err(if named.contains(&None) { Refusal::RightUnknown } else { Refusal::NotYoursToEnd })
}
