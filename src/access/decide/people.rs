//! What people do: ask, approve, deny, take back, end early.

use super::{Draft, retry_after_failure};
use crate::access::{
    AccessRequest, Approval, Card, Cause, Claim, ClaimStage, Click, ClickAction, Custody, Entitlement,
    EntitlementId, Facts, Fallback, GRANT_WINDOW, Jitter, MachineError, NoticeKind, People, Person, Place,
    Principal, Refusal, RequestId, Requirement, Retry, Span, Status, Terms, Timestamp, Unfit,
};
use std::collections::BTreeMap;

/// What was found out about a request that was just made.
pub(super) struct Known<'a> {
    pub(super) facts: &'a Facts,
    pub(super) principal: &'a Option<Principal>,
    pub(super) terms: &'a Terms,
    pub(super) destinations: &'a [String],
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
        request.cards = known.destinations.iter().map(|destination| Card::to(destination.as_str())).collect();
        request.status =
            Status::Pending { since: at, answer_by: at + known.terms.answer_within, reminded: false };
        if request.terms.requirements.is_empty() {
            self.grant(id)?;
        }
        if let Some(emergency) = &known.terms.emergency {
            let kind = NoticeKind::GlassBroken { rule: emergency.rule.clone() };
            self.tell_those_who_can_act(id, &kind);
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

    /// Only what nobody has given yet can be closed this way: live access ends on its own terms. A
    /// request that is not in the books yet is judged by the rules in force anyway.
    pub(super) fn now_denied(&mut self, id: &RequestId, rule: &str) -> Result<(), Refusal> {
        let at = self.at;
        let request = self.request(id)?;
        if !matches!(request.status, Status::Pending { .. }) {
            return Err(Refusal::Stale);
        }
        let why = format!(
            "The rules have changed since you asked: the rule “{rule}” of this flow now lets nobody have this."
        );
        request.status = Status::Refused { why: why.clone(), at };
        self.tell_requester(id, NoticeKind::Refused { why });
        Ok(())
    }

    /// As with a new denial: only what nobody has given yet is closed. Whoever has left hears nothing,
    /// because nobody is there to hear it.
    pub(super) fn requester_unfit(&mut self, id: &RequestId, unfit: Unfit) -> Result<(), Refusal> {
        let at = self.at;
        let request = self.request(id)?;
        if !matches!(request.status, Status::Pending { .. }) {
            return Err(Refusal::Stale);
        }
        let why = match unfit {
            Unfit::Deactivated => "Their Slack account was deactivated after they had asked.",
            Unfit::Stranger => "They no longer belong to this Slack workspace.",
            Unfit::Guest => "They have become a guest of this Slack workspace, and guests get no access.",
            Unfit::Bot => "This Slack account belongs to a bot or an app, and those get no access.",
        };
        request.status = Status::Refused { why: why.to_owned(), at };
        if unfit == Unfit::Guest {
            let why = "You have become a guest of this workspace since you asked, and guests get no access.";
            self.tell_requester(id, NoticeKind::Refused { why: why.to_owned() });
        }
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
                // Only ever shorter, and only to what the terms offer.
                let shorter = click.shorten_to.filter(|span| request.terms.shorter.contains(span));
                if let Some((asked, shorter)) = request.duration.zip(shorter)
                    && shorter < asked
                {
                    request.asked_duration.get_or_insert(asked);
                    request.duration = Some(shorter);
                }
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
            ClickAction::Acknowledge => {
                may_acknowledge(request, facts)?;
                let given = Approval { by, at, rules: Vec::new(), comment };
                if let Some(emergency) = &mut request.terms.emergency {
                    emergency.acknowledged = Some(given);
                }
                self.tell_requester(&click.request, NoticeKind::Acknowledged { by: facts.user.clone() });
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
        let claim =
            Claim { duration: request.duration, stage: ClaimStage::Wanted { give_up_at, provisional_end } };
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
        let before = card.place.replace(place.clone());
        card.failed = None;
        card.is_failure_told = false;
        card.is_anew |= before.as_ref().is_some_and(|before| before != place);
        // It has been said before where it went.
        if before.is_some() { Ok(()) } else { self.say_where_it_went(id, true) }
    }

    pub(super) fn card_failed(
        &mut self,
        id: &RequestId,
        destination: &str,
        why: &str,
    ) -> Result<(), Refusal> {
        let card = self.card(id, destination)?;
        if card.failed.is_some() {
            return Err(Refusal::Stale);
        }
        let was_there = card.place.is_some();
        card.failed = Some(why.to_owned());
        card.is_failure_told = false;
        // Who cannot be reached cannot answer: those behind them are asked at once.
        let failed: Vec<String> = self
            .request(id)?
            .cards
            .iter()
            .filter(|card| card.failed.is_some())
            .map(|card| card.destination.clone())
            .collect();
        let request = self.request(id)?;
        let channel = request.terms.channel.clone();
        let cut_off = |requirement: &Requirement| {
            let reached_by = if requirement.notify.is_empty() {
                channel.iter().cloned().collect()
            } else {
                requirement.notify.clone()
            };
            reached_by.iter().all(|destination| failed.contains(destination))
        };
        let unreachable: Vec<String> = request
            .terms
            .requirements
            .iter()
            .filter(|requirement| cut_off(requirement))
            .map(|requirement| requirement.rule.clone())
            .collect();
        self.fall_back_rules(id, |requirement, _| unreachable.contains(&requirement.rule));
        let request = self.request(id)?;
        if was_there && !matches!(request.status, Status::Pending { .. }) {
            let channel = request.terms.error_channel.clone();
            let failures = vec![(destination.to_owned(), why.to_owned())];
            self.card(id, destination)?.is_failure_told = true;
            self.tell_channel(id, channel, NoticeKind::Undeliverable { failures });
            return Ok(());
        }
        self.say_where_it_went(id, !was_there)
    }

    /// Asks the further people of every open requirement whose fallback is due.
    pub(super) fn fall_back(&mut self, id: &RequestId, is_due: impl Fn(&Fallback) -> bool) {
        self.fall_back_rules(id, |_, fallback| is_due(fallback));
    }

    fn fall_back_rules(&mut self, id: &RequestId, is_due: impl Fn(&Requirement, &Fallback) -> bool) {
        let Some(request) = self.case.requests.get_mut(id) else { return };
        if !matches!(request.status, Status::Pending { .. }) {
            return;
        }
        let open: Vec<String> =
            request.open_requirements().map(|requirement| requirement.rule.clone()).collect();
        let mut further = Vec::new();
        for requirement in request.terms.requirements.iter_mut().filter(|it| open.contains(&it.rule)) {
            let due = requirement
                .fallback
                .as_ref()
                .is_some_and(|fallback| !fallback.is_used && is_due(requirement, fallback));
            if due {
                further.extend(requirement.fall_back());
            }
        }
        for destination in further {
            if !request.cards.iter().any(|card| card.destination == destination) {
                request.cards.push(Card::to(destination));
            }
        }
    }

    /// Tells everybody who can still act: named people directly, the others where the cards are.
    pub(super) fn tell_those_who_can_act(&mut self, id: &RequestId, kind: &NoticeKind) {
        let Some(request) = self.case.requests.get(id) else { return };
        let skipped = request.terms.emergency.iter().flat_map(|emergency| &emergency.skipped);
        let mut audiences: Vec<String> = Vec::new();
        let mut needs_channel = request.terms.emergency.is_some();
        let asking = request.open_requirements().chain(skipped);
        for (rule, people) in asking.flat_map(|it| it.approvers.iter().map(|people| (&it.rule, people))) {
            match people {
                People::User(email) => {
                    let is_own = request.requester.email.as_ref() == Some(email);
                    let mut given = request.approvals.iter().filter(|given| given.rules.contains(rule));
                    let has_approved = given.any(|given| given.by.email.as_ref() == Some(email));
                    if !is_own && !has_approved {
                        audiences.push(format!("user:{email}"));
                    }
                }
                People::Usergroup(_) | People::ChannelMembers | People::IdcGroup(_) | People::Everyone => {
                    needs_channel = true;
                }
            }
        }
        if needs_channel {
            audiences.extend(
                request
                    .cards
                    .iter()
                    .filter(|card| card.failed.is_none())
                    .map(|card| card.destination.clone()),
            );
        }
        let mut told: Vec<String> = Vec::new();
        for audience in audiences {
            if !told.contains(&audience) {
                told.push(audience.clone());
                self.tell_channel(id, Some(audience), kind.clone());
            }
        }
    }

    fn card(&mut self, id: &RequestId, destination: &str) -> Result<&mut Card, Refusal> {
        let cards = &mut self.request(id)?.cards;
        cards.iter_mut().find(|card| card.destination == destination).ok_or(Refusal::Stale)
    }

    /// Once every card has been posted or has failed, the requester hears where the request is: where it
    /// `is_news`, or when it is nowhere any more.
    fn say_where_it_went(&mut self, id: &RequestId, is_news: bool) -> Result<(), Refusal> {
        let request = self.request(id)?;
        let Status::Pending { answer_by, .. } = request.status else { return Ok(()) };
        if request.cards.iter().any(|card| card.place.is_none() && card.failed.is_none()) {
            return Ok(());
        }
        let mut failures: Vec<(String, String)> = Vec::new();
        for card in request.cards.iter_mut().filter(|card| !card.is_failure_told) {
            if let Some(why) = &card.failed {
                failures.push((card.destination.clone(), why.clone()));
                card.is_failure_told = true;
            }
        }
        let error_channel = request.terms.error_channel.clone();
        let destinations: Vec<String> = request
            .cards
            .iter()
            .filter(|card| card.place.is_some() && card.failed.is_none())
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
        if is_news && !reached_nobody {
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
        Status::Pending { answer_by, .. } if at < *answer_by => Ok(()),
        Status::Pending { answer_by, .. } => Err(Refusal::Lapsed { at: *answer_by }),
        Status::Lapsed { at } => Err(Refusal::Lapsed { at: *at }),
        Status::Denied { by, .. } => Err(Refusal::DeniedAlready { by: by.clone() }),
        Status::Withdrawn { .. } => Err(Refusal::Withdrawn),
        Status::Refused { .. } => Err(Refusal::Over),
        Status::Granting { .. }
        | Status::Active { .. }
        | Status::Ending { .. }
        | Status::Approved { .. }
        | Status::AlreadyHeld { .. }
        | Status::Ended { .. } => {
            Err(Refusal::Decided { by: request.approvals.last().map(|approval| approval.by.clone()) })
        }
    }
}

/// The rules that this person's approval counts for.
fn rules_to_approve(request: &AccessRequest, facts: &Facts, at: Timestamp) -> Result<Vec<String>, Refusal> {
    is_open(request, at)?;
    let (user, email) = (&facts.user, facts.email.as_ref());
    // Whoever has approved for one rule may be asked by another one later.
    let open: Vec<&Requirement> =
        request.open_requirements().filter(|it| !request.has_approved_for(&it.rule, user, email)).collect();
    match allowed(request, &open, facts) {
        Ok(rules) => Ok(rules.into_iter().map(|requirement| requirement.rule.clone()).collect()),
        Err(Refusal::RightUnknown) => Err(Refusal::RightUnknown),
        Err(_) if request.has_approved(user, email) => Err(Refusal::ApprovedAlready),
        Err(refusal) => Err(refusal),
    }
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

/// Somebody else, whom a rule that was passed over would have asked.
fn may_acknowledge(request: &AccessRequest, facts: &Facts) -> Result<(), Refusal> {
    let emergency = request.terms.emergency.as_ref().filter(|_| request.owes_acknowledgement());
    let emergency = emergency.ok_or(Refusal::NothingToAcknowledge)?;
    if request.is_requester(&facts.user, facts.email.as_ref()) {
        return Err(Refusal::OwnRequest);
    }
    let skipped: Vec<&Requirement> = emergency.skipped.iter().collect();
    allowed(request, &skipped, facts).map(|_| ())
}

fn may_revoke(request: &AccessRequest, facts: &Facts) -> Result<(), Refusal> {
    if !request.is_claiming() {
        return Err(Refusal::Over);
    }
    if !request.terms.allow_revoke {
        return Err(Refusal::RevokeNotAllowed);
    }
    let email = facts.email.as_ref();
    let skipped = request.terms.emergency.iter().flat_map(|emergency| &emergency.skipped);
    let named: Vec<Option<bool>> = request
        .terms
        .requirements
        .iter()
        .chain(skipped)
        .map(|requirement| requirement.names(facts))
        .collect();
    if request.is_requester(&facts.user, email)
        || request.has_approved(&facts.user, email)
        || named.contains(&Some(true))
    {
        return Ok(());
    }
    Err(if named.contains(&None) { Refusal::RightUnknown } else { Refusal::NotYoursToEnd })
}
