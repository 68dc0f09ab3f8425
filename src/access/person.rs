//! People as Slack knows them, and the facts a decision about them needs.

use super::{Email, People, TeamId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Whether they are among people that cannot be told from the profile: channel members, user
    /// groups, Identity Center groups. What is missing is unknown, and unknown is not a right.
    pub member_of: BTreeMap<People, bool>,
}

/// Why somebody can have no access here, whatever the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// They do not belong to the bot's own workspace, or no longer.
    Stranger,
    /// A bot or an app.
    Bot,
    /// The account was deactivated.
    Deactivated,
    /// A guest.
    Guest,
}

impl Facts {
    /// A full, active member of the bot's own workspace.
    pub fn is_full_member(&self) -> bool {
        self.unfit().is_none()
    }

    /// Why they can have no access here; `None` for a full, active member.
    pub fn unfit(&self) -> Option<Unfit> {
        if !self.is_home {
            Some(Unfit::Stranger)
        } else if self.is_bot {
            Some(Unfit::Bot)
        } else if self.is_deactivated {
            Some(Unfit::Deactivated)
        } else if self.is_guest {
            Some(Unfit::Guest)
        } else {
            None
        }
    }

    /// Whether they may press buttons at all, in a flow that lets guests do so or not.
    pub fn may_press(&self, allows_guests: bool) -> bool {
        self.unfit().is_none_or(|unfit| unfit == Unfit::Guest && allows_guests)
    }

    /// What is known of somebody whom Slack does not know any more.
    pub fn of_nobody(user: UserId) -> Self {
        Self {
            user,
            team: None,
            email: None,
            is_home: false,
            is_guest: false,
            is_bot: false,
            is_deactivated: false,
            member_of: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_members_press_guests_where_they_may_and_others_nowhere() {
        let member = Facts { is_home: true, ..Facts::of_nobody("ana".into()) };
        let press = |facts: &Facts| (facts.unfit(), [false, true].map(|guests| facts.may_press(guests)));
        assert_eq!(press(&member), (None, [true, true]));
        let guest = Facts { is_guest: true, ..member.clone() };
        assert_eq!(press(&guest), (Some(Unfit::Guest), [false, true]));
        let bot = Facts { is_bot: true, ..guest.clone() };
        assert_eq!(press(&bot), (Some(Unfit::Bot), [false, false]));
        let gone = Facts { is_deactivated: true, ..guest.clone() };
        assert_eq!(press(&gone), (Some(Unfit::Deactivated), [false, false]));
        let nobody = Facts::of_nobody("ana".into());
        assert_eq!(press(&nobody), (Some(Unfit::Stranger), [false, false]), "nor whom Slack does not know");
        let is_full = [&member, &guest, &bot, &gone, &nobody].map(Facts::is_full_member);
        assert_eq!(is_full, [true, false, false, false, false]);
    }
}
