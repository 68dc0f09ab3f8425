//! What the bot answers when somebody may not do what they tried. An answer, not a failure.

use super::{People, Person, Timestamp};
use serde::{Deserialize, Serialize};

/// Why a click or a form was not taken. `slack` turns it into a sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// They belong to another workspace.
    Stranger,
    /// They are a guest, and the flow does not let guests press buttons.
    Guest,
    /// They are a bot or an app.
    Bot,
    /// Their account was deactivated.
    Deactivated,
    /// Nobody decides on their own request.
    OwnRequest,
    /// They are not among those who may decide.
    NotApprover {
        /// Who may.
        approvers: Vec<People>,
    },
    /// Slack could not say whether they may decide; trying again may help.
    RightUnknown,
    /// They have approved it already; others are still needed.
    ApprovedAlready,
    /// It was approved before.
    Decided {
        /// By whom; `None` when a rule approved it.
        by: Option<Person>,
    },
    /// It was denied before.
    DeniedAlready {
        /// By whom.
        by: Person,
    },
    /// Nobody had answered in time.
    Lapsed {
        /// Since when.
        at: Timestamp,
    },
    /// The requester took it back.
    Withdrawn,
    /// The bot is still checking who the requester is in AWS.
    NotReady,
    /// It is over; there is nothing left to do.
    Over,
    /// Only the requester and approvers may end access.
    NotYoursToEnd,
    /// The flow does not allow ending access early.
    RevokeNotAllowed,
    /// Only the requester may take a request back.
    NotYoursToWithdraw,
    /// There is nothing to acknowledge, or it has been.
    NothingToAcknowledge,
    /// No such request is in the books.
    Unknown,
    /// A late word from a machine about something that has moved on. Nobody needs to hear of it.
    Stale,
}
