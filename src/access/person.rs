//! People as Slack knows them, and the facts a decision about them needs.

use super::{Email, TeamId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A person as a request remembers them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The Slack user.
    pub user: UserId,
    /// The address on the Slack profile; known once Slack has been asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
}

/// What is known about a person who presses a button or asks, looked up outside and handed in, so
/// that the right is checked in the commit that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of Slack's, and all combine")]
pub struct Facts {
    /// Who acts.
    pub user: UserId,
    /// The workspace they belong to.
    pub team: Option<TeamId>,
    /// The address on the Slack profile.
    pub email: Option<Email>,
    /// They belong to the bot's own workspace or organisation.
    pub is_home: bool,
    /// A single-channel or multi-channel guest.
    pub is_guest: bool,
    /// A bot or an app.
    pub is_bot: bool,
    /// The account was deactivated.
    pub is_deactivated: bool,
    /// Whether they are in the flow's channel; `None` when Slack could not say.
    pub in_channel: Option<bool>,
    /// The handles of the user groups they are in, of those that were asked about.
    pub usergroups: BTreeSet<String>,
    /// The Identity Center groups they are in, of those that were asked about.
    pub idc_groups: BTreeSet<String>,
}

impl Facts {
    /// A full, active member of the bot's own workspace.
    pub fn is_full_member(&self) -> bool {
        self.is_home && !self.is_guest && !self.is_bot && !self.is_deactivated
    }
}
