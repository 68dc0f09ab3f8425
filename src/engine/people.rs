//! What is known about people in Slack, remembered for a short while so that a click costs no
//! look-up, and looked up again often enough that a leaver's rights end within minutes.

use super::Engine;
use crate::access::{ChannelId, Facts, Span, TeamId, Timestamp, UserId};
use crate::slack::api::{Profile, SlackError};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// How long a profile is believed.
const PROFILE: Span = Span::minutes(5);
/// How long the members of a channel are believed.
const MEMBERS: Span = Span::minutes(1);
/// How long the id of a channel's name is believed.
const CHANNEL: Span = Span::hours(1);
/// Enough for every active person of a large company; the rest is looked up again.
const MOST: usize = 10_000;

/// The directory.
#[derive(Default)]
pub(super) struct People {
    profiles: Cache<UserId, Arc<Profile>>,
    members: Cache<ChannelId, Arc<BTreeSet<UserId>>>,
    channels: Cache<String, ChannelId>,
}

struct Cache<K, V> {
    entries: Mutex<HashMap<K, (Timestamp, V)>>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    fn get(&self, key: &K, now: Timestamp, age: Span) -> Option<V> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, value) = entries.get(key)?;
        // A clock that was set back must not make an entry live for ever.
        (now.since(*at) < age && *at <= now).then(|| value.clone())
    }

    fn put(&self, key: K, value: V, now: Timestamp) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(key, (now, value));
    }
}

impl Engine {
    /// A person's profile, as Slack had it at most five minutes ago.
    pub(super) async fn profile(&self, user: &UserId) -> Result<Arc<Profile>, SlackError> {
        let now = self.now();
        if let Some(profile) = self.shared.people.profiles.get(user, now, PROFILE) {
            return Ok(profile);
        }
        let profile = Arc::new(self.shared.slack.user(user).await?);
        self.shared.people.profiles.put(user.clone(), Arc::clone(&profile), now);
        Ok(profile)
    }

    /// The id of `#name`; an id stands for itself.
    pub(super) async fn channel_id(&self, name: &str) -> Result<Option<ChannelId>, SlackError> {
        let now = self.now();
        if let Some(id) = self.shared.people.channels.get(&name.to_owned(), now, CHANNEL) {
            return Ok(Some(id));
        }
        let found = self.shared.slack.find_channel(name).await?;
        if let Some(id) = &found {
            self.shared.people.channels.put(name.to_owned(), id.clone(), now);
        }
        Ok(found)
    }

    async fn is_member(&self, channel: &str, user: &UserId) -> Result<bool, SlackError> {
        let Some(id) = self.channel_id(channel).await? else { return Ok(false) };
        let now = self.now();
        if let Some(members) = self.shared.people.members.get(&id, now, MEMBERS) {
            return Ok(members.contains(user));
        }
        let members = Arc::new(self.shared.slack.channel_members(&id).await?);
        self.shared.people.members.put(id, Arc::clone(&members), now);
        Ok(members.contains(user))
    }

    /// Everything a decision about this person needs. `team` is what Slack's payload says they belong
    /// to; `channel` is the flow's channel, where its members matter.
    pub(super) async fn facts(
        &self,
        user: &UserId,
        team: Option<&TeamId>,
        channel: Option<&str>,
    ) -> Result<Facts, SlackError> {
        let profile = self.profile(user).await?;
        let in_channel = match channel {
            // What Slack cannot say now counts as unknown, and unknown is not a right.
            Some(channel) => self.is_member(channel, user).await.ok(),
            None => Some(false),
        };
        self.facts_of(&profile, team, in_channel).ok_or_else(|| SlackError::Transient {
            method: "auth.test",
            why: "the bot has not reached Slack since it started".to_owned(),
        })
    }

    /// The same from what is remembered, without a look-up; `None` when that is not enough.
    pub(super) fn remembered_facts(
        &self,
        user: &UserId,
        team: Option<&TeamId>,
        channel: Option<&str>,
    ) -> Option<Facts> {
        let now = self.now();
        let people = &self.shared.people;
        let profile = people.profiles.get(user, now, PROFILE)?;
        let in_channel = match channel {
            Some(channel) => {
                let id = people.channels.get(&channel.to_owned(), now, CHANNEL)?;
                Some(people.members.get(&id, now, MEMBERS)?.contains(user))
            }
            None => Some(false),
        };
        self.facts_of(&profile, team, in_channel)
    }

    fn facts_of(
        &self,
        profile: &Profile,
        team: Option<&TeamId>,
        in_channel: Option<bool>,
    ) -> Option<Facts> {
        let home = self.shared.home.get()?;
        let team = profile.team.as_ref().or(team);
        let same_enterprise = home.enterprise.is_some() && home.enterprise == profile.enterprise;
        Some(Facts {
            user: profile.id.clone(),
            team: team.cloned(),
            email: profile.email.clone(),
            is_home: !profile.is_stranger && (team == Some(&home.team) || same_enterprise),
            is_guest: profile.is_guest,
            is_bot: profile.is_bot,
            is_deactivated: profile.is_deactivated,
            in_channel,
            usergroups: BTreeSet::new(),
            idc_groups: BTreeSet::new(),
        })
    }
}
