//! Who and where: people, channels, user groups.

use super::answer::{Found, OpenedChannel, Page, UsergroupUsers, Usergroups};
use super::method::{self, Method};
use super::{Profile, SlackApi, SlackError};
use crate::access::{ChannelId, Email, UserId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Slack recommends at most 200 for these lists, and sends fewer when it likes.
const PAGE: &str = "200";
/// 200,000 entries: a list that does not end before is not a list.
const PAGES: usize = 1_000;
/// How long a name is believed. Ids do not change, but a name may pass to another channel.
const BELIEVED: Duration = Duration::from_mins(10);

/// What names were found to stand for, and when.
#[derive(Default)]
pub(super) struct Names(Mutex<BTreeMap<String, (String, Instant)>>);

impl Names {
    fn get(&self, name: &str) -> Option<String> {
        let names = lock(&self.0);
        names.get(name).filter(|(_, at)| at.elapsed() < BELIEVED).map(|(id, _)| id.clone())
    }

    fn learn(&self, found: impl IntoIterator<Item = (String, String)>) {
        let now = Instant::now();
        let mut names = lock(&self.0);
        names.retain(|_, (_, at)| at.elapsed() < BELIEVED);
        names.extend(found.into_iter().map(|(name, id)| (name, (id, now))));
    }
}

impl SlackApi {
    /// Looks a person up, afresh each time: a right may depend on it.
    ///
    /// # Errors
    /// As every call; `user_not_found`.
    pub async fn user(&self, user: &UserId) -> Result<Profile, SlackError> {
        let form = vec![("user", Some(user.as_str().to_owned()))];
        let answer: Found = self.caller.get(&method::USERS_INFO, &form).await?;
        let profile = Profile::from(answer.user);
        // A different person under this id would be given the first one's rights.
        if profile.id == *user { Ok(profile) } else { Err(SlackError::unreadable(method::USERS_INFO.name)) }
    }

    /// The active person with an address.
    ///
    /// # Errors
    /// As every call.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<UserId>, SlackError> {
        let form = vec![("email", Some(email.as_str().to_owned()))];
        let answer: Result<Found, _> = self.caller.get(&method::USERS_BY_EMAIL, &form).await;
        match answer {
            Ok(found) => Ok(Some(Profile::from(found.user).id)),
            Err(error) if error.is_refused_with("users_not_found") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The direct messages with a person. Remembered: it never changes.
    ///
    /// # Errors
    /// As every call; `user_disabled`, `cannot_dm_bot`.
    pub async fn open_dm(&self, user: &UserId) -> Result<ChannelId, SlackError> {
        if let Some(known) = lock(&self.dms).get(user) {
            return Ok(known.clone());
        }
        let body = json!({ "users": user.as_str() });
        let answer: OpenedChannel = self.caller.post(&method::CONVERSATIONS_OPEN, &body).await?;
        let channel = ChannelId::new(answer.channel.id);
        lock(&self.dms).insert(user.clone(), channel.clone());
        Ok(channel)
    }

    /// Everybody in a channel.
    ///
    /// # Errors
    /// As every call; `channel_not_found`.
    pub async fn channel_members(&self, channel: &ChannelId) -> Result<BTreeSet<UserId>, SlackError> {
        let form = [("channel", channel.as_str().to_owned())];
        let mut members = BTreeSet::new();
        self.pages(&method::CONVERSATIONS_MEMBERS, &form, |page| {
            members.extend(page.members.into_iter().map(UserId::new));
            true
        })
        .await?;
        Ok(members)
    }

    /// Finds a channel by `#name`, name or id. First among those the bot is in, which are few; then
    /// among all it can see.
    ///
    /// # Errors
    /// As every call.
    pub async fn find_channel(&self, name: &str) -> Result<Option<ChannelId>, SlackError> {
        let bare = name.trim().trim_start_matches('#');
        if is_channel_id(bare) {
            return self.channel_by_id(bare).await;
        }
        let bare = bare.to_lowercase();
        let key = format!("#{bare}");
        if let Some(known) = self.names.get(&key) {
            return Ok(Some(ChannelId::new(known)));
        }
        for method in [method::USERS_CONVERSATIONS, method::CONVERSATIONS_LIST] {
            if let Some(found) = self.channel_in(&method, &bare).await? {
                self.names.learn([(key, found.clone())]);
                return Ok(Some(ChannelId::new(found)));
            }
        }
        Ok(None)
    }

    async fn channel_by_id(&self, id: &str) -> Result<Option<ChannelId>, SlackError> {
        let form = vec![("channel", Some(id.to_owned()))];
        let answer: Result<OpenedChannel, _> = self.caller.get(&method::CONVERSATIONS_INFO, &form).await;
        match answer {
            Ok(found) => Ok(Some(ChannelId::new(found.channel.id))),
            Err(error) if error.is_refused_with("channel_not_found") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn channel_in(&self, method: &Method, name: &str) -> Result<Option<String>, SlackError> {
        let form =
            [("types", "public_channel,private_channel".to_owned()), ("exclude_archived", "true".to_owned())];
        let mut found = None;
        self.pages(method, &form, |page| {
            let mut channels = page.channels.into_iter();
            found = channels.find(|channel| channel.name.as_deref() == Some(name)).map(|channel| channel.id);
            found.is_none()
        })
        .await?;
        Ok(found)
    }

    /// Everybody in a user group, by `@handle`, handle or id; `None` when there is no such group.
    ///
    /// # Errors
    /// As every call.
    pub async fn usergroup_members(&self, handle: &str) -> Result<Option<BTreeSet<UserId>>, SlackError> {
        let Some(id) = self.usergroup_id(handle.trim().trim_start_matches('@')).await? else {
            return Ok(None);
        };
        let form = vec![("usergroup", Some(id))];
        let answer: Result<UsergroupUsers, _> = self.caller.get(&method::USERGROUP_USERS, &form).await;
        match answer {
            Ok(found) => Ok(Some(found.users.into_iter().map(UserId::new).collect())),
            Err(error) if error.is_refused_with("no_such_subteam") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn usergroup_id(&self, handle: &str) -> Result<Option<String>, SlackError> {
        if handle.starts_with('S') && is_id(handle) {
            return Ok(Some(handle.to_owned()));
        }
        let key = format!("@{handle}");
        if let Some(known) = self.names.get(&key) {
            return Ok(Some(known));
        }
        let answer: Usergroups = self.caller.get(&method::USERGROUPS_LIST, &Vec::new()).await?;
        let groups = answer.usergroups.into_iter();
        self.names.learn(groups.map(|group| (format!("@{}", group.handle), group.id)));
        Ok(self.names.get(&key))
    }

    /// Reads a list page by page, until `more` has seen enough.
    pub(super) async fn pages(
        &self,
        method: &Method,
        form: &[(&'static str, String)],
        mut more: impl FnMut(Page) -> bool,
    ) -> Result<(), SlackError> {
        let mut cursor = None;
        for _ in 0..PAGES {
            let mut form: Vec<_> = form.iter().map(|(name, text)| (*name, Some(text.clone()))).collect();
            form.push(("limit", Some(PAGE.to_owned())));
            form.push(("cursor", cursor));
            let mut page: Page = self.caller.get(method, &form).await?;
            cursor = page.next();
            if !more(page) || cursor.is_none() {
                return Ok(());
            }
        }
        Err(SlackError::Transient { method: method.name, why: "the list does not end".to_owned() })
    }
}

pub(super) fn is_channel_id(text: &str) -> bool {
    text.starts_with(['C', 'G', 'D']) && is_id(text)
}

/// Names of channels and handles are in lower case, ids in upper case.
fn is_id(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// The caches are sound after any panic: each change is one insertion.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
