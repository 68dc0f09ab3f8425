//! Decides what happens to access requests and entitlements, and what is owed on their account.
//!
//! This room is **pure**: no async, no clock, no I/O, no randomness, no logging. Time comes in as a
//! [`Timestamp`], chance as a number, facts about people and AWS as part of an [`Event`]. What goes
//! out is the next state, the notices to send and the audit records to keep.
#![warn(clippy::wildcard_enum_match_arm)]

mod audit;
mod decide;
mod drift;
mod entitlement;
mod event;
mod flow;
mod id;
#[cfg(test)]
mod laws;
mod notice;
mod person;
mod request;
mod resource;
mod time;

pub use audit::{Actor, AuditRecord};
pub use decide::{Case, Step, decide};
pub use drift::{Holding, Memory, Missing, Reading, Scope, Sweep, Unclaimed, Unknown, key, unknown};
pub use entitlement::{Claim, ClaimStage, Custody, Entitlement, EntitlementDuty, Work};
pub use event::{Click, ClickAction, Event, Jitter, MachineError};
pub use flow::{
    Answer, AnswerValue, FieldType, Flow, PromptField, Source, Target, TargetKind, TargetSettingError,
};
pub use id::{
    ChannelId, Email, EntitlementId, EnvelopeId, FlowName, IntegrationName, MessageTs, OperationId,
    RequestId, TargetName, TeamId, UserId,
};
pub use notice::{Audience, Notice, NoticeKind};
pub use person::{Facts, Person, Unfit};
pub use refusal::Refusal;
pub use request::{
    AccessRequest, Approval, Ask, AskedTarget, Card, Cause, Emergency, Fallback, People, Place, Removal,
    RequestDuty, Requirement, Retry, Status, Terms,
};
pub use resource::{Connection, Hop, Principal, Resource, by_hand};
pub use time::{ParseSpanError, Span, Timestamp};

mod refusal;

/// How long AWS may take to confirm a grant before the bot gives up and takes everything back.
pub const GRANT_WINDOW: Span = Span::minutes(15);

/// How long before its end the requester is warned.
pub const WARN_BEFORE: Span = Span::minutes(10);
