//! Finds out who a requester is, whether they may ask, and who AWS knows them as, so that they hear at
//! once when something is amiss, and not after an approver has spent time.

use super::deciders::Standings;
use super::people::Asked;
use super::{About, Engine, jitter};
use crate::access::{
    AccessRequest, AskedTarget, EntitlementId, Event, Facts, Flow, MachineError, Principal, RequestId, Span,
    Status, Terms, Timestamp, Unfit, decide,
};
use crate::aws::Session;
use crate::manifest::{Catalog, FlowEntry};
use crate::policy::{self, Allowed, Question, Refused, Rule, Verdict};
use crate::store::{Commit, StoreError};
use std::collections::BTreeMap;

/// Who somebody turned out to be.
struct Found {
    facts: Facts,
    principal: Option<Principal>,
    /// Who could decide.
    standings: Standings,
}

impl Engine {
    /// One try to find out who asks and whether they may. What the rules say is decided in the same
    /// commit that writes it down: how often a rule has been used must not change in between.
    pub(super) async fn identify(&self, request: &AccessRequest) -> Result<(), StoreError> {
        let found = self.find_requester(request).await;
        let ticket = {
            let _one_at_a_time = self.gate();
            let at = self.now();
            let event = match found.and_then(|found| self.judge(request, found, at)) {
                Ok(event) => event,
                Err(error) => Event::NotIdentified { request: request.id.clone(), error, jitter: jitter() },
            };
            let about = match (&event, &request.target) {
                (Event::Identified { principal: Some(principal), .. }, Some(target)) => {
                    About::Claim(request.id.clone(), EntitlementId::of(principal, &target.resource))
                }
                _ => About::Request(request.id.clone()),
            };
            let case = self.case(&about)?;
            match decide(&case, &event, at) {
                Ok(step) => self.shared.store.commit(Commit::of(&case, step, at))?,
                Err(_) => return Ok(()),
            }
        };
        ticket.on_disk().await?;
        self.wake();
        Ok(())
    }

    async fn find_requester(&self, request: &AccessRequest) -> Result<Found, MachineError> {
        let catalog = self.catalog();
        let entry = offered(&catalog, request)?;
        // Read afresh: where a rule approves by itself, nobody looks at them again.
        let facts = self
            .facts_afresh(&request.requester.user, None, &Asked::requesters(entry))
            .await
            .map_err(|error| slack_error(&error))?;
        if let Some(sentence) = cannot_ask(&facts) {
            return Err(MachineError::permanent(sentence));
        }
        let principal = self.principal(request, &facts).await?;
        // In an emergency nobody is asked first.
        let standings = if request.is_emergency {
            Standings::new()
        } else {
            self.standings(entry, &facts, request.target.as_ref().map(|target| &target.name)).await
        };
        Ok(Found { facts, principal, standings })
    }

    /// What the rules say, as an event. Called with the gate closed.
    fn judge(&self, request: &AccessRequest, found: Found, at: Timestamp) -> Result<Event, MachineError> {
        let catalog = self.catalog();
        let entry = offered(&catalog, request)?;
        let flow = &entry.flow;
        let history =
            self.history(request, at).map_err(|error| MachineError::transient(error.to_string()))?;
        if let Some(owed) = history.unacknowledged.as_ref().filter(|_| request.is_emergency) {
            return Err(MachineError::permanent(format!(
                "Your earlier emergency access (request `{owed}`) has not been acknowledged by anybody yet. \
                 Ask somebody to press Acknowledge on its card; until then ask without the emergency."
            )));
        }
        let account_id = request.target.as_ref().and_then(|target| target.resource.account_id());
        let integration = request.target.as_ref().map(|target| &target.connection.integration);
        let account = integration
            .zip(account_id)
            .and_then(|(integration, id)| self.account_facts(integration, id, &entry.rules));
        let uses = history.uses(&entry.rules, at);
        let question = Question {
            target: request.target.as_ref().map(|target| &target.name),
            account_id,
            account: account.as_ref(),
            duration: request.duration,
            facts: &found.facts,
            is_emergency: request.is_emergency,
            uses: &uses,
        };
        let allowed = match policy::evaluate(&entry.rules, &question) {
            Verdict::Allowed(allowed) => allowed.with_deciders(&found.standings),
            Verdict::Refused(refused) => Err(refused),
        };
        let allowed = match allowed {
            Ok(allowed) => allowed,
            Err(refused) => return Err(policy_error(&refused)),
        };
        let destinations = destinations(flow, &allowed);
        Ok(Event::Identified {
            request: request.id.clone(),
            facts: Box::new(found.facts),
            principal: found.principal,
            terms: Box::new(terms(flow, request, allowed)),
            destinations,
        })
    }

    /// What the person has taken before, as far as the rules care.
    fn history(&self, request: &AccessRequest, at: Timestamp) -> Result<History, StoreError> {
        let since = at - LONGEST_CAP;
        let mut before = self.shared.store.requests_of(&request.requester.user, since)?;
        before.retain(|other| other.id != request.id);
        let unacknowledged =
            before.iter().find(|other| other.owes_acknowledgement()).map(|other| other.id.clone());
        Ok(History { before, unacknowledged })
    }

    /// Who AWS knows them as; nobody, in a flow that grants nothing.
    async fn principal(
        &self,
        request: &AccessRequest,
        facts: &Facts,
    ) -> Result<Option<Principal>, MachineError> {
        let Some(target) = &request.target else { return Ok(None) };
        self.principal_for(target, &request.id, facts).await.map(Some)
    }

    /// Who AWS knows somebody as, where the target is; looked up under that name.
    pub(super) async fn principal_for(
        &self,
        target: &AskedTarget,
        name: &RequestId,
        facts: &Facts,
    ) -> Result<Principal, MachineError> {
        let Some(email) = &facts.email else {
            return Err(MachineError::permanent(
                "Your Slack profile has no e-mail address that I can see, so I cannot tell who you are in AWS. \
                 Ask your administrator: the app needs the scope `users:read.email`, and your profile an address.",
            ));
        };
        let catalog = self.catalog();
        let kind = target.resource.kind();
        let explicit = catalog.identity(email, &target.connection.integration, kind);
        let session = Session { connection: &target.connection, name, source_identity: Some(email) };
        let found = self.shared.aws.find_principal(&session, &target.resource, email, explicit).await;
        found.map_err(|error| {
            let mut error = MachineError::from(error);
            if error.is_transient {
                error.message = format!("AWS could not say who you are there. {}", error.message);
            }
            error
        })
    }

    /// What a form would be told at once, when everything needed is remembered: `None` means that
    /// nothing is wrong as far as can be told without a look-up.
    pub(super) fn early_refusal(
        rules: &[Rule],
        question: &Question<'_>,
        standings: &Standings,
    ) -> Option<Refused> {
        match policy::evaluate(rules, question) {
            Verdict::Allowed(allowed) => allowed.with_deciders(standings).err(),
            Verdict::Refused(Refused::Unknown { .. } | Refused::UsedUp { .. }) => None,
            Verdict::Refused(refused) => Some(refused),
        }
    }
}

/// Who may not use the bot at all, whatever the rules say.
pub(super) fn cannot_ask(facts: &Facts) -> Option<&'static str> {
    facts.unfit().map(|unfit| match unfit {
        Unfit::Stranger => "You belong to another workspace. Only members of this one can request access.",
        Unfit::Bot => "Bots and apps cannot request access.",
        Unfit::Deactivated => "This account was deactivated.",
        Unfit::Guest => "Guests cannot request access. Ask a full member of this workspace for help.",
    })
}

/// The longest time a cap may look back.
pub(super) const LONGEST_CAP: Span = Span::days(90);

struct History {
    before: Vec<AccessRequest>,
    unacknowledged: Option<RequestId>,
}

impl History {
    /// How often each capped rule has been used within its time.
    fn uses(&self, rules: &[Rule], at: Timestamp) -> BTreeMap<String, u32> {
        let count = |rule: &Rule, per: Span| {
            let used = self.before.iter().filter(|request| {
                at.since(request.made_at) < per
                    && request.terms.auto_rules.contains(&rule.name)
                    && !came_to_nothing(&request.status)
            });
            u32::try_from(used.count()).unwrap_or(u32::MAX)
        };
        rules.iter().filter_map(|rule| Some((rule.name.clone(), count(rule, rule.cap?.per)))).collect()
    }
}

/// Nothing was given, and nothing can be any more: that is no use of a rule.
fn came_to_nothing(status: &Status) -> bool {
    match status {
        Status::Refused { .. }
        | Status::Denied { .. }
        | Status::Withdrawn { .. }
        | Status::Lapsed { .. }
        | Status::AlreadyHeld { .. }
        | Status::Ended { began: None, .. } => true,
        Status::Identifying { .. }
        | Status::Pending { .. }
        | Status::Granting { .. }
        | Status::Active { .. }
        | Status::Ending { .. }
        | Status::Approved { .. }
        | Status::Ended { began: Some(_), .. } => false,
    }
}

fn offered<'a>(catalog: &'a Catalog, request: &AccessRequest) -> Result<&'a FlowEntry, MachineError> {
    catalog
        .flow(&request.flow)
        .ok_or_else(|| MachineError::permanent(format!("The flow “{}” is no longer offered.", request.flow)))
}

/// Where the cards go: to the places of the rules, and to the flow's channel for each rule without one.
fn destinations(flow: &Flow, allowed: &Allowed) -> Vec<String> {
    let skipped = allowed.emergency.iter().flat_map(|emergency| &emergency.skipped);
    let has_no_place = allowed.requirements.iter().chain(skipped).any(|rule| rule.notify.is_empty());
    let channel = flow.channel.iter().filter(|_| has_no_place || allowed.notify.is_empty());
    let mut all: Vec<String> = Vec::new();
    for destination in channel.chain(&allowed.notify) {
        if !all.contains(destination) {
            all.push(destination.clone());
        }
    }
    all
}

/// The rules in force, copied for the request.
fn terms(flow: &Flow, request: &AccessRequest, allowed: Allowed) -> Terms {
    let shorter = |asked: &Span| flow.durations.iter().copied().filter(|span| span < asked).collect();
    Terms {
        requirements: allowed.requirements,
        answer_within: allowed.answer_within,
        channel: flow.channel.clone(),
        error_channel: flow.error_channel.clone(),
        allow_revoke: flow.allow_revoke,
        allow_guest_interaction: flow.allow_guest_interaction,
        include_decision_message: flow.include_decision_message,
        shorter: request.duration.as_ref().map(shorter).unwrap_or_default(),
        auto_rules: allowed.auto_rules,
        restores: flow.restores,
        emergency: allowed.emergency,
    }
}

fn policy_error(refused: &Refused) -> MachineError {
    let sentence = refused.sentence();
    match refused {
        Refused::Unknown { .. } => MachineError::transient(sentence),
        Refused::Denied { .. }
        | Refused::NoRule
        | Refused::TooLong { .. }
        | Refused::UsedUp { .. }
        | Refused::NobodyElse { .. }
        | Refused::NoEmergency => MachineError::permanent(sentence),
    }
}

/// A failed look-up in Slack is worth another try, unless Slack says it is not.
pub(super) fn slack_error(error: &crate::slack::api::SlackError) -> MachineError {
    let sentence = format!("I could not read your Slack profile: {error}.");
    if error.is_transient() { MachineError::transient(sentence) } else { MachineError::permanent(sentence) }
}

/// The name of a new request: the same form delivered twice makes the same request.
pub(super) fn request_id(team: &str, view: &str) -> RequestId {
    use sha2::{Digest, Sha256};
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let hash = Sha256::digest(format!("{team}|{view}"));
    let text: String = hash.iter().take(13).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    RequestId::new(text)
}
