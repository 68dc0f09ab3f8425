//! What people are told.

use super::{Cause, ChannelId, Refusal, Removal, RequestId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// One message to send, kept until it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The request it is about.
    pub request: RequestId,
    /// Who gets it.
    pub to: Audience,
    /// What it says.
    pub kind: NoticeKind,
}

/// Who gets a notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// A direct message.
    Person(UserId),
    /// A message only this person sees, in the conversation where they acted.
    Whisper {
        /// The conversation.
        channel: ChannelId,
        /// The person.
        user: UserId,
    },
    /// A channel by `#name` or id.
    Channel(String),
}

/// What a notice says. Everything that may change until it is sent is part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Where the request went, and how long it may wait.
    Submitted {
        /// `#name`s and ids the card was posted to.
        destinations: Vec<String>,
        /// The request lapses then.
        answer_by: Timestamp,
    },
    /// The card could be posted nowhere.
    Undeliverable {
        /// Destination and reason, for each.
        failures: Vec<(String, String)>,
    },
    /// The bot could not take the request.
    Refused {
        /// A sentence.
        why: String,
    },
    /// Access is there, and how to use it.
    Granted {
        /// Until when.
        ends_at: Option<Timestamp>,
    },
    /// Approved, in a flow that grants nothing.
    Approved,
    /// They had it already.
    AlreadyHeld,
    /// Somebody said no.
    Denied {
        /// Who.
        by: UserId,
        /// What they said.
        comment: Option<String>,
    },
    /// They took it back.
    Withdrawn,
    /// Nobody answered.
    Lapsed,
    /// Access ends soon.
    EndsSoon {
        /// When.
        ends_at: Timestamp,
    },
    /// Access has ended.
    Ended {
        /// Why.
        cause: Cause,
        /// What became of it.
        removal: Removal,
    },
    /// Somebody removed the access in AWS itself.
    RemovedByHand {
        /// Whether it is given again; otherwise the request is closed.
        is_restored: bool,
        /// Until when, if it has an end.
        ends_at: Option<Timestamp>,
    },
    /// AWS could not give it.
    GrantFailed {
        /// Why.
        cause: Cause,
    },
    /// AWS still holds access that should be gone; the bot keeps trying.
    RevokeOverdue {
        /// Since when it should be gone.
        since: Timestamp,
        /// Attempts so far.
        attempts: u32,
        /// What AWS said last.
        last: String,
        /// How to remove it by hand.
        by_hand: String,
    },
    /// The request still waits for this audience.
    Reminder {
        /// It lapses then.
        answer_by: Timestamp,
    },
    /// Access was taken in an emergency without asking this audience, and one of them must acknowledge
    /// it.
    GlassBroken {
        /// The rule that allows it.
        rule: String,
    },
    /// The emergency has been acknowledged.
    Acknowledged {
        /// By whom.
        by: UserId,
    },
    /// A click was not taken.
    ClickRefused {
        /// Why.
        refusal: Refusal,
    },
}
