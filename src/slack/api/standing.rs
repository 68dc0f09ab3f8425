//! How channels and user groups stand: what an operator should know about them before anybody needs
//! them. Read afresh each time.

use super::answer::{Channel, OpenedChannel, Usergroups};
use super::directory::is_channel_id;
use super::{SlackApi, SlackError, method};
use crate::access::{ChannelId, UserId};
use std::collections::BTreeSet;

/// How a channel stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelStanding {
    /// There is none of that name, or it is private and the bot is not in it.
    Missing,
    /// Nobody can write there any more.
    Archived,
    /// The bot is not in it.
    Outside,
    /// The bot is in it.
    Inside(ChannelId),
}

/// How a user group stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsergroupStanding {
    /// There is none of that handle.
    Missing,
    /// It was disabled.
    Disabled,
    /// Its members, who may be none.
    Enabled(BTreeSet<UserId>),
}

impl From<Channel> for ChannelStanding {
    fn from(channel: Channel) -> Self {
        if channel.is_archived {
            Self::Archived
        } else if channel.is_member {
            Self::Inside(ChannelId::new(channel.id))
        } else {
            Self::Outside
        }
    }
}

impl SlackApi {
    /// How the channel of that `#name`, name or id stands.
    ///
    /// # Errors
    /// As every call.
    pub async fn channel_standing(&self, name: &str) -> Result<ChannelStanding, SlackError> {
        let bare = name.trim().trim_start_matches('#');
        if is_channel_id(bare) {
            let form = vec![("channel", Some(bare.to_owned()))];
            let answer: Result<OpenedChannel, _> = self.caller.get(&method::CONVERSATIONS_INFO, &form).await;
            return match answer {
                Ok(found) => Ok(found.channel.into()),
                Err(error) if error.is_refused_with("channel_not_found") => Ok(ChannelStanding::Missing),
                Err(error) => Err(error),
            };
        }
        let bare = bare.to_lowercase();
        // An archived channel keeps its name, and another may have it too: the living one counts.
        let mut best: Option<Channel> = None;
        for method in [method::USERS_CONVERSATIONS, method::CONVERSATIONS_LIST] {
            let types = "public_channel,private_channel".to_owned();
            let form = [("types", types), ("exclude_archived", "false".to_owned())];
            self.pages(&method, &form, |page| {
                let named =
                    page.channels.into_iter().filter(|channel| channel.name.as_deref() == Some(&bare));
                for mut channel in named {
                    // This list is of the bot's own channels.
                    channel.is_member |= method == method::USERS_CONVERSATIONS;
                    if best.as_ref().is_none_or(|best| best.is_archived) {
                        best = Some(channel);
                    }
                }
                best.as_ref().is_none_or(|best| best.is_archived)
            })
            .await?;
            if best.as_ref().is_some_and(|best| !best.is_archived) {
                break;
            }
        }
        Ok(best.map_or(ChannelStanding::Missing, ChannelStanding::from))
    }

    /// How the user group of that `@handle`, handle or id stands.
    ///
    /// # Errors
    /// As every call.
    pub async fn usergroup_standing(&self, handle: &str) -> Result<UsergroupStanding, SlackError> {
        let bare = handle.trim().trim_start_matches('@');
        let on = || Some("true".to_owned());
        let form = vec![("include_disabled", on()), ("include_users", on())];
        let answer: Usergroups = self.caller.get(&method::USERGROUPS_LIST, &form).await?;
        let mut named: Vec<_> =
            answer.usergroups.into_iter().filter(|group| group.handle == bare || group.id == bare).collect();
        named.sort_by_key(|group| group.date_delete != 0);
        Ok(match named.into_iter().next() {
            None => UsergroupStanding::Missing,
            Some(group) if group.date_delete != 0 => UsergroupStanding::Disabled,
            Some(group) => UsergroupStanding::Enabled(group.users.into_iter().map(UserId::new).collect()),
        })
    }
}
