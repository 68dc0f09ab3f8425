//! The entitlement: what the machine keeps.

use super::{
    Connection, EntitlementId, OperationId, Person, Principal, RequestId, Resource, Retry, Span, Timestamp,
    by_hand,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One pair of principal and resource that AWS may hold on the bot's account. It is in the books only
/// while something is owed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// Made of principal and resource.
    pub id: EntitlementId,
    /// Who.
    pub principal: Principal,
    /// What.
    pub resource: Resource,
    /// How AWS is reached, as it was when the last claim was made.
    pub connection: Connection,
    /// Who the access is for: `SourceIdentity` of the sessions that give and take it.
    pub holder: Person,
    /// The live claims: access should exist exactly while there is one.
    pub claims: BTreeMap<RequestId, Claim>,
    /// Requests whose claim has ended and which wait for the proof that the access is gone.
    pub ending: Vec<RequestId>,
    /// What AWS may hold.
    pub custody: Custody,
}

/// Somebody wants the entitlement held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// For how long, counted from AWS's confirmation; `None` until a person ends it.
    pub duration: Option<Span>,
    /// Whether AWS has confirmed.
    pub stage: ClaimStage,
}

/// The two lives of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimStage {
    /// AWS has not confirmed yet.
    Wanted {
        /// The bot gives up then.
        give_up_at: Timestamp,
        /// The end that is on disk before AWS is called.
        provisional_end: Option<Timestamp>,
    },
    /// AWS has confirmed.
    Confirmed {
        /// When the claim ends; never later than the provisional end.
        ends_at: Option<Timestamp>,
    },
}

impl Claim {
    /// When it ends of itself, as far as is known now.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.stage {
            ClaimStage::Wanted { give_up_at, .. } => Some(give_up_at),
            ClaimStage::Confirmed { ends_at } => ends_at,
        }
    }

    /// The latest moment at which access may exist on its account.
    pub fn latest_end(&self) -> Option<Timestamp> {
        match self.stage {
            ClaimStage::Wanted { provisional_end, .. } => provisional_end,
            ClaimStage::Confirmed { ends_at } => ends_at,
        }
    }
}

/// What AWS may hold. Only a read that shows the access absent leads out of custody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// Nothing was given: the bot looks whether the person has the access already.
    Looking {
        /// When to look next.
        retry: Retry,
    },
    /// The bot is giving; AWS may hold it.
    Granting {
        /// The asynchronous operation, when AWS has named one.
        operation: Option<OperationId>,
        /// How often the operation was asked about.
        polls: u32,
        /// When to act next.
        retry: Retry,
    },
    /// AWS holds it.
    Held {
        /// A read that a new claim waits for.
        retry: Retry,
    },
    /// The bot is taking; AWS may still hold it.
    Revoking {
        /// The asynchronous operation, when AWS has named one.
        operation: Option<OperationId>,
        /// How often the operation was asked about.
        polls: u32,
        /// When to act next.
        retry: Retry,
        /// Since when it should be gone.
        since: Timestamp,
        /// How many alarms have been raised.
        alarms: u32,
    },
}

/// What is owed on an entitlement's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntitlementDuty {
    /// Read whether the access is there.
    Look,
    /// Give it.
    Grant,
    /// Ask how the giving goes.
    PollGrant,
    /// Take it, and read that it is gone.
    Revoke,
    /// Ask how the taking goes, and read that it is gone.
    PollRevoke,
    /// End the claims whose time has come; raise the alarm over access that should be gone.
    TimePasses,
}

impl Entitlement {
    /// What is owed at this moment. An end that has come goes first, however long other work has been
    /// due: a bot that has slept through an end must not give what should be over.
    pub fn owed(&self, now: Timestamp) -> Option<EntitlementDuty> {
        if self.next_end().is_some_and(|end| end <= now) {
            return Some(EntitlementDuty::TimePasses);
        }
        let (work, due) = self.work()?;
        // No pause is longer than that: the clock was put back since it was written.
        (due <= now || due > now + LONGEST_PAUSE).then_some(work)
    }

    /// When time itself next changes something: a claim ends, or an alarm is raised.
    fn next_end(&self) -> Option<Timestamp> {
        self.claims.values().filter_map(Claim::deadline).chain(self.next_alarm()).min()
    }

    /// What is owed and from when. A claim's end outranks every retry. Exhaustive on purpose.
    pub fn duty(&self) -> Option<(EntitlementDuty, Timestamp)> {
        let end = self.next_end().map(|at| (EntitlementDuty::TimePasses, at));
        match (end, self.work()) {
            (Some(end), Some(work)) => Some(if end.1 <= work.1 { end } else { work }),
            (end, work) => end.or(work),
        }
    }

    /// What is to be asked of AWS, and when.
    fn work(&self) -> Option<(EntitlementDuty, Timestamp)> {
        match &self.custody {
            Custody::Looking { retry } => Some((EntitlementDuty::Look, retry.at)),
            Custody::Granting { operation: None, retry, .. } => Some((EntitlementDuty::Grant, retry.at)),
            Custody::Granting { operation: Some(_), retry, .. } => {
                Some((EntitlementDuty::PollGrant, retry.at))
            }
            Custody::Held { retry } if self.has_unconfirmed_claim() => {
                Some((EntitlementDuty::Look, retry.at))
            }
            Custody::Held { .. } => None,
            Custody::Revoking { operation: None, retry, .. } => Some((EntitlementDuty::Revoke, retry.at)),
            Custody::Revoking { operation: Some(_), retry, .. } => {
                Some((EntitlementDuty::PollRevoke, retry.at))
            }
        }
    }

    /// When people must next hear that access is still there: overdue by 1, 5 and 30 minutes, then
    /// every hour.
    pub fn next_alarm(&self) -> Option<Timestamp> {
        let Custody::Revoking { since, alarms, .. } = &self.custody else { return None };
        Some(*since + alarm_after(*alarms))
    }

    /// Whether it is to be given at this moment: the bot is giving it, and a claim on it has not ended.
    pub fn is_to_be_given(&self, now: Timestamp) -> bool {
        let lives = |claim: &Claim| claim.deadline().is_none_or(|deadline| deadline > now);
        matches!(self.custody, Custody::Granting { .. }) && self.claims.values().any(lives)
    }

    /// Whether AWS could hold access on the bot's account.
    pub fn may_be_held(&self) -> bool {
        match self.custody {
            Custody::Looking { .. } => false,
            Custody::Granting { .. } | Custody::Held { .. } | Custody::Revoking { .. } => true,
        }
    }

    /// Whether some claim still waits for AWS.
    pub fn has_unconfirmed_claim(&self) -> bool {
        self.claims.values().any(|claim| matches!(claim.stage, ClaimStage::Wanted { .. }))
    }
}

/// The longest pause between two tries.
pub(crate) const LONGEST_PAUSE: Span = Span::minutes(5);

const fn alarm_after(alarms: u32) -> Span {
    match alarms {
        0 => Span::minutes(1),
        1 => Span::minutes(5),
        2 => Span::minutes(30),
        n => Span::minutes(30 + 60 * (n as i64 - 2)),
    }
}

/// How many alarms are due by then.
pub(crate) fn alarms_within(overdue: Span) -> u32 {
    match overdue.as_millis() / Span::minutes(1).as_millis() {
        ..1 => 0,
        1..5 => 1,
        5..30 => 2,
        minutes => u32::try_from((minutes - 30) / 60 + 3).unwrap_or(u32::MAX),
    }
}

impl Entitlement {
    /// The command that removes it by hand, for the day the bot cannot.
    pub fn by_hand(&self) -> String {
        by_hand(&self.principal, &self.resource, None)
    }
}

/// The work in hand on an entitlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work<'a> {
    /// The asynchronous operation, when AWS has named one.
    pub operation: Option<&'a OperationId>,
    /// Failed attempts so far.
    pub attempts: u32,
}

impl Custody {
    /// The work in hand.
    pub fn work(&self) -> Work<'_> {
        match self {
            Self::Looking { retry } | Self::Held { retry } => {
                Work { operation: None, attempts: retry.attempts }
            }
            Self::Granting { operation, retry, .. } | Self::Revoking { operation, retry, .. } => {
                Work { operation: operation.as_ref(), attempts: retry.attempts }
            }
        }
    }
}
