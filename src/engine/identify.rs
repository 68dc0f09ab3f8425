//! Finds out who a requester is, whether they may ask, and who AWS knows them as, so that they hear at
//! once when something is amiss, and not after an approver has spent time.

use super::{About, Engine, jitter};
use crate::access::{
    AccessRequest, EntitlementId, Event, Facts, Flow, MachineError, Principal, RequestId, Terms,
};
use crate::aws::Session;
use crate::manifest::FlowEntry;
use crate::policy::{self, Question, Refused, Rule, Verdict};

impl Engine {
    /// One try. The answer is an event, whatever comes of it.
    pub(super) async fn identify(&self, request: &AccessRequest) -> (About, Event) {
        let about = About::Request(request.id.clone());
        match self.try_to_identify(request).await {
            Ok((event, entitlement)) => match entitlement {
                Some(id) => (About::Claim(request.id.clone(), id), event),
                None => (about, event),
            },
            Err(error) => {
                (about, Event::NotIdentified { request: request.id.clone(), error, jitter: jitter() })
            }
        }
    }

    async fn try_to_identify(
        &self,
        request: &AccessRequest,
    ) -> Result<(Event, Option<EntitlementId>), MachineError> {
        let catalog = self.catalog();
        let entry = catalog.flow(&request.flow).ok_or_else(|| {
            MachineError::permanent(format!("The flow “{}” is no longer offered.", request.flow))
        })?;
        let flow = &entry.flow;
        let facts = self
            .facts(&request.requester.user, None, flow.channel.as_deref())
            .await
            .map_err(|error| slack_error(&error))?;
        if let Some(sentence) = cannot_ask(&facts) {
            return Err(MachineError::permanent(sentence));
        }
        let terms = terms(entry, request, &facts)?;
        let principal = self.principal(request, &facts).await?;
        let entitlement = request
            .target
            .as_ref()
            .zip(principal.as_ref())
            .map(|(target, principal)| EntitlementId::of(principal, &target.resource));
        let mut destinations = terms.1;
        if destinations.is_empty() {
            destinations.extend(flow.channel.clone());
        }
        let event = Event::Identified {
            request: request.id.clone(),
            facts: Box::new(facts),
            principal,
            terms: Box::new(terms.0),
            destinations,
            duration: None,
        };
        Ok((event, entitlement))
    }

    /// Who AWS knows them as; nobody, in a flow that grants nothing.
    async fn principal(
        &self,
        request: &AccessRequest,
        facts: &Facts,
    ) -> Result<Option<Principal>, MachineError> {
        let Some(target) = &request.target else { return Ok(None) };
        let Some(email) = &facts.email else {
            return Err(MachineError::permanent(
                "Your Slack profile has no e-mail address that I can see, so I cannot tell who you are in AWS. \
                 Ask your administrator: the app needs the scope `users:read.email`, and your profile an address.",
            ));
        };
        let catalog = self.catalog();
        let kind = target.resource.kind();
        let explicit = catalog.identity(email, &target.connection.integration, kind);
        let session = Session {
            connection: &target.connection,
            name: &request.id,
            source_identity: Some(email),
        };
        let found = self.shared.aws.find_principal(&session, &target.resource, email, explicit).await;
        found.map(Some).map_err(|error| {
            let mut error = MachineError::from(error);
            if error.is_transient {
                error.message = format!("AWS could not say who you are there. {}", error.message);
            }
            error
        })
    }

    /// What a form would be told at once, when everything needed is remembered: `None` means that
    /// nothing is wrong as far as can be told without a look-up.
    pub(super) fn early_refusal(rules: &[Rule], question: &Question<'_>) -> Option<Refused> {
        match policy::evaluate(rules, question) {
            Verdict::Allowed(_) | Verdict::Refused(Refused::Unknown { .. }) => None,
            Verdict::Refused(refused) => Some(refused),
        }
    }
}

/// Who may not use the bot at all, whatever the rules say.
pub(super) fn cannot_ask(facts: &Facts) -> Option<&'static str> {
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

/// The rules in force, copied for the request, and where its card goes.
fn terms(
    entry: &FlowEntry,
    request: &AccessRequest,
    facts: &Facts,
) -> Result<(Terms, Vec<String>), MachineError> {
    let flow: &Flow = &entry.flow;
    let question = Question {
        target: request.target.as_ref().map(|target| &target.name),
        account_id: request.target.as_ref().and_then(|target| target.resource.account_id()),
        duration: request.duration,
        facts,
    };
    match policy::evaluate(&entry.rules, &question) {
        Verdict::Allowed(allowed) => Ok((
            Terms {
                requirements: allowed.requirements,
                answer_within: allowed.answer_within,
                channel: flow.channel.clone(),
                error_channel: flow.error_channel.clone(),
                allow_revoke: flow.allow_revoke,
                allow_guest_interaction: flow.allow_guest_interaction,
                include_decision_message: flow.include_decision_message,
            },
            allowed.notify,
        )),
        Verdict::Refused(refused) => Err(policy_error(&refused)),
    }
}

fn policy_error(refused: &Refused) -> MachineError {
    let sentence = refused.sentence();
    match refused {
        Refused::Unknown { .. } => MachineError::transient(sentence),
        Refused::Denied { .. } | Refused::NoRule | Refused::TooLong { .. } => MachineError::permanent(sentence),
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
