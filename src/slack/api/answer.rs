//! What we read of Slack's answers; everything else in them is ignored.

use super::{Method, OpenedView, Profile, SlackError};
use crate::access::{Email, TeamId, UserId};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Auth {
    pub(super) team_id: String,
    #[serde(default)]
    pub(super) team: String,
    pub(super) user_id: String,
    #[serde(default)]
    pub(super) bot_id: Option<String>,
    #[serde(default)]
    pub(super) enterprise_id: Option<String>,
}

/// An answer of which only `ok` matters.
#[derive(Deserialize)]
pub(super) struct Done {
    ok: bool,
}

impl Done {
    /// `ok: false` without a code is not a success.
    pub(super) fn check(&self, method: &Method) -> Result<(), SlackError> {
        if self.ok { Ok(()) } else { Err(SlackError::unreadable(method.name)) }
    }
}

#[derive(Deserialize)]
pub(super) struct Posted {
    pub(super) channel: String,
    pub(super) ts: String,
}

#[derive(Deserialize)]
pub(super) struct Permalink {
    pub(super) permalink: String,
}

#[derive(Deserialize)]
pub(super) struct Opened {
    view: Identified,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
    #[serde(default)]
    hash: Option<String>,
}

impl From<Opened> for OpenedView {
    fn from(opened: Opened) -> Self {
        Self { id: opened.view.id, hash: opened.view.hash }
    }
}

#[derive(Deserialize)]
pub(super) struct OpenedChannel {
    pub(super) channel: Channel,
}

#[derive(Deserialize)]
pub(super) struct Channel {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) is_archived: bool,
    #[serde(default)]
    pub(super) is_member: bool,
}

/// A page of something.
#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) members: Vec<String>,
    #[serde(default)]
    pub(super) channels: Vec<Channel>,
    #[serde(default)]
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Cursor {
    #[serde(default)]
    next_cursor: Option<String>,
}

impl Page {
    /// Where the next page starts; nothing after the last.
    pub(super) fn next(&mut self) -> Option<String> {
        self.response_metadata.take()?.next_cursor.filter(|cursor| !cursor.is_empty())
    }
}

#[derive(Deserialize)]
pub(super) struct Usergroups {
    pub(super) usergroups: Vec<Usergroup>,
}

#[derive(Deserialize)]
pub(super) struct Usergroup {
    pub(super) id: String,
    pub(super) handle: String,
    /// When it was disabled; zero while it is not.
    #[serde(default)]
    pub(super) date_delete: i64,
    /// Only where they were asked for.
    #[serde(default)]
    pub(super) users: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct UsergroupUsers {
    pub(super) users: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Found {
    pub(super) user: User,
}

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, clippy::struct_field_names, reason = "Slack's names and flags")]
pub(super) struct User {
    id: String,
    #[serde(default)]
    team_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    real_name: Option<String>,
    #[serde(default)]
    tz: Option<String>,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    is_app_user: bool,
    #[serde(default)]
    is_restricted: bool,
    #[serde(default)]
    is_ultra_restricted: bool,
    #[serde(default)]
    is_stranger: bool,
    #[serde(default)]
    is_email_confirmed: Option<bool>,
    #[serde(default)]
    profile: Details,
    #[serde(default)]
    enterprise_user: Option<EnterpriseUser>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    email: Option<String>,
    display_name: Option<String>,
    real_name: Option<String>,
}

#[derive(Deserialize)]
struct EnterpriseUser {
    #[serde(default)]
    enterprise_id: Option<String>,
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        let email = user.profile.email.filter(|_| user.is_email_confirmed != Some(false));
        let names = [user.profile.real_name, user.real_name, user.profile.display_name, user.name];
        let name = names.into_iter().flatten().find(|name| !name.trim().is_empty());
        Self {
            name: name.unwrap_or_else(|| user.id.clone()),
            // Slackbot is a user like any other by its flags.
            is_bot: user.is_bot || user.is_app_user || user.id == "USLACKBOT",
            id: UserId::new(user.id),
            team: user.team_id.map(TeamId::new),
            enterprise: user.enterprise_user.and_then(|found| found.enterprise_id),
            email: email.map(|email| Email::new(&email)).filter(|email| !email.as_str().is_empty()),
            tz: user.tz,
            is_guest: user.is_restricted || user.is_ultra_restricted,
            is_deactivated: user.deleted,
            is_stranger: user.is_stranger,
        }
    }
}
