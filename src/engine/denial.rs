//! Rules that have come to deny what still waits for people. A request keeps the rules it was made
//! under, but a new denial is honoured: when the rules change, and again behind the gate when somebody
//! approves.

use super::people::Asked;
use super::{About, Engine};
use crate::access::{AccessRequest, Event, Facts, RequestId, Status, decide};
use crate::manifest::FlowEntry;
use crate::policy::{self, Decision, Denial, Rule, Subject};
use crate::store::{Commit, Due, StoreError};

impl Engine {
    /// Who a request's requester is today, and what rules that deny ask about them; `None` when that
    /// cannot be told.
    pub(super) async fn requester_now(&self, id: &RequestId) -> Option<Facts> {
        let request = self.shared.store.request(id).ok().flatten()?;
        let asked = self.asked_by_denials(&request);
        match self.facts_afresh(&request.requester.user, None, &asked).await {
            Ok(facts) => Some(facts),
            Err(error) => {
                tracing::warn!(error = %error, request = %id, "a requester could not be looked up again");
                None
            }
        }
    }

    /// What rules that deny ask about a requester; nothing where the flow is gone.
    fn asked_by_denials(&self, request: &AccessRequest) -> Asked {
        let catalog = self.catalog();
        let Some(entry) = catalog.flow(&request.flow) else { return Asked::default() };
        let people = denying(entry).flat_map(|rule| rule.requesters.clone()).collect();
        Asked { people, ..Asked::requesters(entry) }
    }

    /// Whether the rules in force deny a request. One whose flow is gone keeps its copied rules. Called
    /// with the gate closed.
    pub(super) fn denial(&self, request: &AccessRequest, requester: Option<&Facts>) -> Denial {
        let catalog = self.catalog();
        let Some(entry) = catalog.flow(&request.flow) else { return Denial::No };
        if denying(entry).next().is_none() {
            return Denial::No;
        }
        let target = request.target.as_ref();
        let account_id = target.and_then(|target| target.resource.account_id());
        let account = target
            .zip(account_id)
            .and_then(|(target, id)| self.account_facts(&target.connection.integration, id, &entry.rules));
        let subject = Subject {
            target: target.map(|target| &target.name),
            account_id,
            account: account.as_ref(),
            requester,
        };
        policy::denial(&entry.rules, &subject)
    }

    /// Closes every request that waits for people and is denied now. True when it could not be found out
    /// about some of them; those are asked about again when somebody approves.
    pub(super) async fn close_denied(&self) -> bool {
        let requests = self.shared.store.owed(None).filter_map(|entry| match entry {
            Ok((_, Due::Request(id))) => Some(Ok(id)),
            Ok((_, Due::Entitlement(_))) => None,
            Err(error) => Some(Err(error)),
        });
        let requests: Vec<RequestId> = match requests.collect() {
            Ok(requests) => requests,
            Err(error) => {
                self.store_failed(&error);
                return false;
            }
        };
        let mut is_unsure = false;
        for id in requests {
            match self.close_if_denied(&id).await {
                Ok(is_known) => is_unsure |= !is_known,
                // The others go on.
                Err(error) => self.store_failed(&error),
            }
        }
        is_unsure
    }

    /// False when it could not be found out.
    async fn close_if_denied(&self, id: &RequestId) -> Result<bool, StoreError> {
        let is_pending = |request: &AccessRequest| matches!(request.status, Status::Pending { .. });
        let Some(request) = self.shared.store.request(id)?.filter(is_pending) else { return Ok(true) };
        // Where no rule asks who it is, Slack need not be asked.
        let asks = !self.asked_by_denials(&request).people.is_empty();
        let requester = if asks { self.requester_now(id).await } else { None };
        let ticket = {
            let _one_at_a_time = self.gate();
            let at = self.now();
            let case = self.case(&About::Request(id.clone()))?;
            let Some(request) = case.requests.get(id).filter(|request| is_pending(request)) else {
                return Ok(true);
            };
            let rule = match self.denial(request, requester.as_ref()) {
                Denial::No => return Ok(true),
                Denial::Unknown { .. } => return Ok(false),
                Denial::By { rule } => rule,
            };
            match decide(&case, &Event::NowDenied { request: id.clone(), rule }, at) {
                Ok(step) => self.shared.store.commit(Commit::of(&case, step, at))?,
                Err(_) => return Ok(true),
            }
        };
        ticket.on_disk().await?;
        tracing::info!(request = %id, "a request is closed: a rule denies it now");
        self.wake();
        Ok(true)
    }
}

fn denying(entry: &FlowEntry) -> impl Iterator<Item = &Rule> {
    entry.rules.iter().filter(|rule| rule.decision == Decision::Deny)
}
