//! What happens to requests and entitlements.

use super::{
    EnvelopeId, Facts, OperationId, Place, Principal, RequestId, Span, TeamId, Terms, Timestamp, Unfit,
    UserId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A number from 0 to 999 drawn by the caller, spreading retries in time.
pub type Jitter = u16;

/// A button that a person pressed, as it is kept between its arrival and the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Click {
    /// The delivery it came with.
    pub envelope: EnvelopeId,
    /// The request it is about.
    pub request: RequestId,
    /// What the button says.
    pub action: ClickAction,
    /// Who pressed it.
    pub user: UserId,
    /// Their workspace, as Slack says in the payload.
    pub team: Option<TeamId>,
    /// The message with the button.
    pub place: Option<Place>,
    /// When it arrived.
    pub at: Timestamp,
    /// What they said, where the flow lets deciders comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The shorter duration that an approver chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shorten_to: Option<Span>,
}

/// The buttons a card can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClickAction {
    /// In favour.
    Approve,
    /// Against.
    Deny,
    /// End the access now.
    Revoke,
    /// Take the request back.
    Withdraw,
    /// Acknowledge an emergency afterwards.
    Acknowledge,
}

/// What a machine said when something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineError {
    /// In words: what was tried, what the machine said, what can be done.
    pub message: String,
    /// Trying again may help.
    pub is_transient: bool,
    /// The asynchronous operation that was asked about is over or unknown: the next try starts anew.
    pub ends_operation: bool,
}

impl MachineError {
    /// Trying again may help.
    pub fn transient(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_transient: true, ends_operation: false }
    }

    /// Trying again will not help.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_transient: false, ends_operation: false }
    }

    /// The same, about an operation that is over.
    #[must_use]
    pub fn ending_operation(mut self) -> Self {
        self.ends_operation = true;
        self
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The requester is known, may ask, and these are the terms.
    Identified {
        /// The request.
        request: RequestId,
        /// The requester's facts, looked up.
        facts: Box<Facts>,
        /// Who AWS knows them as; `None` in an approval-only flow.
        principal: Option<Principal>,
        /// The rules in force.
        terms: Box<Terms>,
        /// Where the card goes.
        destinations: Vec<String>,
    },
    /// The requester could not be identified, or may not ask.
    NotIdentified {
        /// The request.
        request: RequestId,
        /// Why.
        error: MachineError,
        /// Chance.
        jitter: Jitter,
    },
    /// The rules have changed, and one of them denies what is still waiting for people.
    NowDenied {
        /// The request.
        request: RequestId,
        /// The rule.
        rule: String,
    },
    /// Whoever asked can have no access here any more, and the request still waits for people.
    RequesterUnfit {
        /// The request.
        request: RequestId,
        /// What has become of them.
        unfit: Unfit,
    },
    /// An operator ended it at the machine the bot runs on, beside every rule.
    AdminRevoked {
        /// The request.
        request: RequestId,
        /// The operator's name on that machine.
        operator: String,
        /// Why.
        because: String,
    },
    /// Somebody pressed a button.
    Clicked {
        /// The button.
        click: Box<Click>,
        /// Who pressed it, looked up.
        facts: Box<Facts>,
    },
    /// A card was posted, posted anew where it had been deleted, or can be reached again.
    CardPosted {
        /// The request.
        request: RequestId,
        /// Which of its cards.
        destination: String,
        /// Where it is.
        place: Place,
    },
    /// A card could not be posted, or can no longer be edited where it is, and trying again will not help.
    CardFailed {
        /// The request.
        request: RequestId,
        /// Which of its cards.
        destination: String,
        /// In words.
        why: String,
    },
    /// The clock moved: lapse, warn and end what is due.
    TimePassed,
    /// AWS was read.
    Looked {
        /// Whether the access is there.
        is_present: bool,
    },
    /// A read failed.
    LookFailed {
        /// Why.
        error: MachineError,
        /// Chance.
        jitter: Jitter,
    },
    /// AWS has started to grant.
    GrantStarted {
        /// Its operation.
        operation: OperationId,
    },
    /// AWS is still working on the operation.
    StillRunning,
    /// AWS has confirmed the grant.
    GrantConfirmed,
    /// A grant, or asking about it, failed.
    GrantFailed {
        /// Why.
        error: MachineError,
        /// Chance.
        jitter: Jitter,
    },
    /// AWS has started to revoke.
    RevokeStarted {
        /// Its operation.
        operation: OperationId,
    },
    /// A read has shown the access absent.
    SeenAbsent,
    /// Two reads, one after the other, have not shown what should be held: somebody removed it in AWS itself.
    FoundAbsent {
        /// When the first of them began.
        since: Timestamp,
        /// Those requests whose requester has been looked up since, and may have the access today. It is
        /// given again on the account of nobody else.
        fit: BTreeSet<RequestId>,
    },
    /// A revocation, or asking about it, failed.
    RevokeFailed {
        /// Why.
        error: MachineError,
        /// Chance.
        jitter: Jitter,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_whether_to_try_again_and_whether_to_start_anew() {
        let what = |error: MachineError| (error.message, error.is_transient, error.ends_operation);
        assert_eq!(what(MachineError::transient("busy")), ("busy".to_owned(), true, false));
        assert_eq!(what(MachineError::permanent("no")), ("no".to_owned(), false, false));
        let over = MachineError::transient("lost").ending_operation();
        assert_eq!(what(over), ("lost".to_owned(), true, true));
    }
}
