//! What machines say, and what it means for the entitlement and everybody who claims it.

use super::{Draft, retry_after_failure};
use crate::access::entitlement::alarms_within;
use crate::access::{
    AccessRequest, Cause, ClaimStage, Custody, Entitlement, Jitter, MachineError, NoticeKind, OperationId,
    Refusal, Removal, RequestId, Retry, Span, Status, Timestamp,
};

impl Draft {
    fn entitlement(&mut self) -> Result<&mut Entitlement, Refusal> {
        self.case.entitlement.as_mut().ok_or(Refusal::Stale)
    }

    pub(super) fn looked(&mut self, is_present: bool) -> Result<(), Refusal> {
        let at = self.at;
        let entitlement = self.entitlement()?;
        match (&entitlement.custody, is_present) {
            (Custody::Looking { .. }, true) => {
                // They had it before: nothing is given, so nothing will ever be taken.
                let claims: Vec<RequestId> = entitlement.claims.keys().cloned().collect();
                self.case.entitlement = None;
                for id in claims {
                    if let Ok(request) = self.request(&id) {
                        request.status = Status::AlreadyHeld { at };
                    }
                    self.tell_requester(&id, NoticeKind::AlreadyHeld);
                }
            }
            (Custody::Held { .. }, true) => self.confirm_claims(),
            (Custody::Looking { .. } | Custody::Held { .. }, false) => {
                entitlement.custody = granting(at);
            }
            (Custody::Granting { .. } | Custody::Revoking { .. }, _) => return Err(Refusal::Stale),
        }
        Ok(())
    }

    pub(super) fn look_failed(&mut self, error: &MachineError, jitter: Jitter) -> Result<(), Refusal> {
        let at = self.at;
        let entitlement = self.entitlement()?;
        let (Custody::Looking { retry } | Custody::Held { retry }) = &mut entitlement.custody else {
            return Err(Refusal::Stale);
        };
        *retry = retry_after_failure(retry, &error.message, jitter, at);
        if !error.is_transient {
            self.fail_waiting_claims(&error.message);
        }
        Ok(())
    }

    pub(super) fn grant_started(&mut self, named: &OperationId) -> Result<(), Refusal> {
        let at = self.at;
        let Custody::Granting { operation, polls, retry } = &mut self.entitlement()?.custody else {
            return Err(Refusal::Stale);
        };
        *operation = Some(named.clone());
        *polls = 0;
        retry.at = at + poll_after(0);
        Ok(())
    }

    pub(super) fn still_running(&mut self) -> Result<(), Refusal> {
        let at = self.at;
        let (Custody::Granting { polls, retry, .. } | Custody::Revoking { polls, retry, .. }) =
            &mut self.entitlement()?.custody
        else {
            return Err(Refusal::Stale);
        };
        *polls = polls.saturating_add(1);
        retry.at = at + poll_after(*polls);
        self.keep_alarms()
    }

    pub(super) fn grant_confirmed(&mut self) -> Result<(), Refusal> {
        let at = self.at;
        let entitlement = self.entitlement()?;
        if !matches!(entitlement.custody, Custody::Granting { .. }) {
            return Err(Refusal::Stale);
        }
        entitlement.custody = Custody::Held { retry: Retry::now(at) };
        self.confirm_claims();
        Ok(())
    }

    /// Every waiting claim starts now: the full duration counts from AWS's confirmation, and never
    /// reaches beyond the end that was on disk before.
    fn confirm_claims(&mut self) {
        let at = self.at;
        let Some(entitlement) = self.case.entitlement.as_mut() else { return };
        let mut confirmed = Vec::new();
        for (id, claim) in &mut entitlement.claims {
            if let ClaimStage::Wanted { provisional_end, .. } = claim.stage {
                let ends_at = match (claim.duration.map(|duration| at + duration), provisional_end) {
                    (Some(end), Some(provisional)) => Some(end.min(provisional)),
                    (end, provisional) => end.or(provisional),
                };
                claim.stage = ClaimStage::Confirmed { ends_at };
                confirmed.push((id.clone(), ends_at));
            }
        }
        for (id, ends_at) in confirmed {
            if let Ok(request) = self.request(&id) {
                // What is given again has begun before.
                let (since, warned) = if let Status::Active { since, warned, .. } = request.status {
                    (since, warned)
                } else {
                    (at, false)
                };
                request.status = Status::Active { since, ends_at, warned };
            }
            self.tell_requester(&id, NoticeKind::Granted { ends_at });
        }
    }

    pub(super) fn grant_failed(&mut self, error: &MachineError, jitter: Jitter) -> Result<(), Refusal> {
        let at = self.at;
        let Custody::Granting { operation, polls, retry } = &mut self.entitlement()?.custody else {
            return Err(Refusal::Stale);
        };
        *retry = retry_after_failure(retry, &error.message, jitter, at);
        if error.ends_operation {
            *operation = None;
            *polls = 0;
        }
        if !error.is_transient {
            // A grant that failed is not a grant that did not happen: every claim ends, and the
            // entitlement stays in custody until a read shows it absent.
            let ids = self.entitlement()?.claims.keys();
            let over: Vec<RequestId> = ids.cloned().collect();
            self.end_claims(over.into_iter().map(|id| self.not_given(id, &error.message)).collect());
        }
        Ok(())
    }

    fn fail_waiting_claims(&mut self, why: &str) {
        let over = self.waiting(|_| true);
        self.end_claims(over.into_iter().map(|id| self.not_given(id, why)).collect());
    }

    /// Why a claim ends that AWS would not give, or not give again.
    fn not_given(&self, id: RequestId, why: &str) -> (RequestId, Cause) {
        let cause = if self.is_given_again(&id) {
            Cause::RemovedByHand { restoring: Some(why.to_owned()) }
        } else {
            Cause::GrantFailed { why: why.to_owned() }
        };
        (id, cause)
    }

    /// Whether a claim that waits for AWS was confirmed once: somebody removed the access since.
    fn is_given_again(&self, id: &RequestId) -> bool {
        let claim = self.case.entitlement.as_ref().and_then(|entitlement| entitlement.claims.get(id));
        claim.is_some_and(|claim| matches!(claim.stage, ClaimStage::Wanted { .. }))
            && self.case.requests.get(id).is_some_and(|request| request.active_since().is_some())
    }

    fn waiting(&self, is_due: impl Fn(Timestamp) -> bool) -> Vec<RequestId> {
        let claims = self.case.entitlement.iter().flat_map(|entitlement| &entitlement.claims);
        claims
            .filter(|(_, claim)| match claim.stage {
                ClaimStage::Wanted { give_up_at, .. } => is_due(give_up_at),
                ClaimStage::Confirmed { .. } => false,
            })
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub(super) fn revoke_started(&mut self, named: &OperationId) -> Result<(), Refusal> {
        let at = self.at;
        let Custody::Revoking { operation, polls, retry, .. } = &mut self.entitlement()?.custody else {
            return Err(Refusal::Stale);
        };
        *operation = Some(named.clone());
        *polls = 0;
        retry.at = at + poll_after(0);
        Ok(())
    }

    /// The only way out of custody.
    pub(super) fn seen_absent(&mut self) -> Result<(), Refusal> {
        let at = self.at;
        let entitlement = self.entitlement()?;
        if !matches!(entitlement.custody, Custody::Revoking { .. }) {
            return Err(Refusal::Stale);
        }
        let over = std::mem::take(&mut entitlement.ending);
        if entitlement.claims.is_empty() {
            self.case.entitlement = None;
        } else {
            // This read is the look before the next grant. Another one might be answered from before
            // the removal, and say that the person has what we have just taken.
            entitlement.custody = granting(at);
        }
        for id in over {
            if let Status::Ending { cause, began, .. } = &self.request(&id)?.status {
                let (cause, began) = (cause.clone(), *began);
                self.conclude(&id, cause, Removal::SeenAbsent, began);
            }
        }
        Ok(())
    }

    /// Revoking never gives up: whatever AWS says, it is tried again.
    pub(super) fn revoke_failed(&mut self, error: &MachineError, jitter: Jitter) -> Result<(), Refusal> {
        let at = self.at;
        let Custody::Revoking { operation, polls, retry, .. } = &mut self.entitlement()?.custody else {
            return Err(Refusal::Stale);
        };
        *retry = retry_after_failure(retry, &error.message, jitter, at);
        if error.ends_operation {
            *operation = None;
            *polls = 0;
        }
        self.keep_alarms()
    }

    /// A clock that was put back must not put off the alarms: neither by the end that was written ahead of
    /// it, nor by alarms that were raised ahead of it, after which the next one is ever further away.
    fn keep_alarms(&mut self) -> Result<(), Refusal> {
        let at = self.at;
        if let Custody::Revoking { since, alarms, .. } = &mut self.entitlement()?.custody {
            *since = (*since).min(at);
            *alarms = (*alarms).min(alarms_within(at.since(*since)));
        }
        Ok(())
    }

    pub(super) fn end_due_claims(&mut self) {
        let at = self.at;
        let last = self.case.entitlement.as_ref().and_then(|entitlement| match &entitlement.custody {
            Custody::Looking { retry }
            | Custody::Granting { retry, .. }
            | Custody::Held { retry }
            | Custody::Revoking { retry, .. } => retry.last.clone(),
        });
        let mut over = Vec::new();
        for id in self.waiting(|give_up_at| give_up_at <= at) {
            let cause = if !self.is_given_again(&id) {
                Cause::GrantTimedOut { last: last.clone() }
            } else if self.case.requests.get(&id).is_some_and(|request| request.has_outlived(at)) {
                Cause::TimeUp
            } else {
                let why = last.clone().unwrap_or_else(|| "AWS did not answer in time.".to_owned());
                Cause::RemovedByHand { restoring: Some(why) }
            };
            over.push((id, cause));
        }
        let claims = self.case.entitlement.iter().flat_map(|entitlement| &entitlement.claims);
        for (id, claim) in claims {
            let is_confirmed = matches!(claim.stage, ClaimStage::Confirmed { .. });
            if is_confirmed && claim.deadline().is_some_and(|deadline| deadline <= at) {
                over.push((id.clone(), Cause::TimeUp));
            }
        }
        self.end_claims(over);
    }

    /// Ends one claim.
    pub(super) fn end_claim(&mut self, id: &RequestId, cause: &Cause) {
        self.end_claims(vec![(id.clone(), cause.clone())]);
    }

    /// Ends claims together. The last ones to end take the access with them, and all their requests
    /// wait for the proof; otherwise the access stays for those who still claim it.
    pub(super) fn end_claims(&mut self, mut over: Vec<(RequestId, Cause)>) {
        let at = self.at;
        let Some(entitlement) = self.case.entitlement.as_mut() else { return };
        over.retain(|(id, _)| entitlement.claims.remove(id).is_some());
        if over.is_empty() {
            return;
        }
        let is_last = entitlement.claims.is_empty();
        let removal = match &entitlement.custody {
            Custody::Looking { .. } => {
                if is_last {
                    self.case.entitlement = None;
                }
                Some(Removal::NeverGiven)
            }
            Custody::Revoking { .. } => Some(Removal::NeverGiven),
            Custody::Granting { .. } | Custody::Held { .. } if is_last => {
                entitlement.custody = revoking(at);
                entitlement.ending.extend(over.iter().map(|(id, _)| id.clone()));
                None
            }
            Custody::Granting { .. } | Custody::Held { .. } => Some(Removal::StillClaimed),
        };
        for (id, cause) in over {
            self.has_ended(&id, cause, removal);
        }
    }

    /// What becomes of the request whose claim has ended: over, or waiting for the proof.
    fn has_ended(&mut self, id: &RequestId, cause: Cause, removal: Option<Removal>) {
        let at = self.at;
        let began = self.case.requests.get(id).and_then(AccessRequest::active_since);
        if matches!(cause, Cause::GrantFailed { .. } | Cause::GrantTimedOut { .. }) {
            let channel = self.case.requests.get(id).and_then(|r| r.terms.error_channel.clone());
            self.tell_requester(id, NoticeKind::GrantFailed { cause: cause.clone() });
            self.tell_channel(id, channel, NoticeKind::GrantFailed { cause: cause.clone() });
        }
        match removal {
            Some(removal) => self.conclude(id, cause, removal, began),
            None => {
                if let Ok(request) = self.request(id) {
                    request.status = Status::Ending { cause, since: at, began };
                }
            }
        }
    }

    pub(super) fn raise_alarm(&mut self) {
        let at = self.at;
        let Some(entitlement) = self.case.entitlement.as_mut() else { return };
        let by_hand = entitlement.by_hand();
        let mut raised = None;
        while entitlement.next_alarm().is_some_and(|due| due <= at) {
            let Custody::Revoking { retry, since, alarms, .. } = &mut entitlement.custody else { return };
            *alarms += 1;
            let last = retry.last.clone().unwrap_or_else(|| "AWS has not answered yet".to_owned());
            raised = Some(NoticeKind::RevokeOverdue {
                since: *since,
                attempts: retry.attempts,
                last,
                by_hand: by_hand.clone(),
            });
        }
        let Some(kind) = raised else { return };
        let mut told: Vec<String> = Vec::new();
        for id in entitlement.ending.clone() {
            let Some(request) = self.case.requests.get(&id) else { continue };
            let places = request.cards.iter().map(|card| card.destination.clone());
            let channels: Vec<String> = places.chain(request.terms.error_channel.clone()).collect();
            for channel in channels {
                if !told.contains(&channel) {
                    told.push(channel.clone());
                    self.tell_channel(&id, Some(channel), kind.clone());
                }
            }
        }
    }
}

pub(super) fn granting(at: Timestamp) -> Custody {
    Custody::Granting { operation: None, polls: 0, retry: Retry::now(at) }
}

fn revoking(at: Timestamp) -> Custody {
    Custody::Revoking { operation: None, polls: 0, retry: Retry::now(at), since: at, alarms: 0 }
}

/// AWS's operations take moments or minutes: ask soon, and then whenever they have taken an eighth
/// longer, so that little time is lost whatever they take.
fn poll_after(polls: u32) -> Span {
    let (soonest, latest) = (100, Span::seconds(5).as_millis());
    let mut age = 0;
    let mut step = soonest;
    for _ in 0..polls.min(100) {
        age += step;
        step = (age / 8).clamp(soonest, latest);
    }
    Span::millis(step)
}
