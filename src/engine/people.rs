//! What is known about people in Slack, remembered for a short while so that a click costs no
//! look-up, and looked up again often enough that a leaver's rights end within minutes.

use super::Engine;
use super::deciders::Standings;
use crate::access::{
    AccessRequest, ChannelId, Connection, Email, Facts, Flow, FlowName, People, RequestId, Resource, Span,
    TargetKind, TeamId, Timestamp, UserId,
};
use crate::aws::Session;
use crate::manifest::FlowEntry;
use crate::slack::api::{Profile, SlackError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
pub(super) struct Directory {
    profiles: Cache<UserId, Arc<Profile>>,
    members: Cache<ChannelId, Arc<BTreeSet<UserId>>>,
    channels: Cache<String, ChannelId>,
    usergroups: Cache<String, Arc<BTreeSet<UserId>>>,
    /// By instance, group and person: two instances may have groups of one name.
    idc_groups: Cache<(String, String, UserId), bool>,
    /// Who has an address: one person, or none.
    addresses: Cache<Email, Arc<BTreeSet<UserId>>>,
    /// Who could decide on what a person asks for with a flow.
    standings: Cache<(UserId, FlowName), Arc<Standings>>,
}

impl Directory {
    pub(super) fn users_of(&self, email: &Email, now: Timestamp) -> Option<Arc<BTreeSet<UserId>>> {
        self.addresses.get(email, now, MEMBERS)
    }

    pub(super) fn remember_users_of(&self, email: &Email, users: Arc<BTreeSet<UserId>>, now: Timestamp) {
        self.addresses.put(email.clone(), users, now);
    }

    /// The rules have changed.
    pub(super) fn forget_standings(&self) {
        self.standings.clear();
    }

    pub(super) fn standings(&self, user: &UserId, flow: &FlowName, now: Timestamp) -> Option<Arc<Standings>> {
        self.standings.get(&(user.clone(), flow.clone()), now, PROFILE)
    }

    pub(super) fn remember_standings(
        &self,
        user: &UserId,
        flow: &FlowName,
        found: Arc<Standings>,
        now: Timestamp,
    ) {
        self.standings.put((user.clone(), flow.clone()), found, now);
    }
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

    fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
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
        self.profile_afresh(user).await
    }

    /// The same as Slack has it now.
    async fn profile_afresh(&self, user: &UserId) -> Result<Arc<Profile>, SlackError> {
        let now = self.now();
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
        Ok(self.channel_members(channel).await?.is_some_and(|members| members.contains(user)))
    }

    /// Everybody in a channel; `None` when the bot sees no such channel.
    pub(super) async fn channel_members(
        &self,
        channel: &str,
    ) -> Result<Option<Arc<BTreeSet<UserId>>>, SlackError> {
        let Some(id) = self.channel_id(channel).await? else { return Ok(None) };
        let now = self.now();
        if let Some(members) = self.shared.people.members.get(&id, now, MEMBERS) {
            return Ok(Some(members));
        }
        let members = Arc::new(self.shared.slack.channel_members(&id).await?);
        self.shared.people.members.put(id, Arc::clone(&members), now);
        Ok(Some(members))
    }

    /// Everything a decision about this person needs. `team` is what Slack's payload says they belong
    /// to; `asked` are the people among whom they may be.
    pub(super) async fn facts(
        &self,
        user: &UserId,
        team: Option<&TeamId>,
        asked: &Asked,
    ) -> Result<Facts, SlackError> {
        let profile = self.profile(user).await?;
        self.facts_with(&profile, team, asked).await
    }

    /// The same with the profile as Slack has it now: a leaver's rights must not live on for minutes.
    /// Whom Slack does not know any more belongs to nobody.
    pub(super) async fn facts_afresh(
        &self,
        user: &UserId,
        team: Option<&TeamId>,
        asked: &Asked,
    ) -> Result<Facts, SlackError> {
        match self.profile_afresh(user).await {
            Ok(profile) => self.facts_with(&profile, team, asked).await,
            Err(error) if error.is_refused_with("user_not_found") => Ok(Facts::of_nobody(user.clone())),
            Err(error) => Err(error),
        }
    }

    async fn facts_with(
        &self,
        profile: &Profile,
        team: Option<&TeamId>,
        asked: &Asked,
    ) -> Result<Facts, SlackError> {
        let mut facts = self.facts_of(profile, team).ok_or_else(|| SlackError::Transient {
            method: "auth.test",
            why: "the bot has not reached Slack since it started".to_owned(),
        })?;
        for people in &asked.people {
            // What Slack or AWS cannot say now counts as unknown, and unknown is not a right.
            match self.is_among(people, &facts, asked).await {
                Ok(Some(is_member)) => {
                    facts.member_of.insert(people.clone(), is_member);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(error = %error, "it could not be found out who is where"),
            }
        }
        Ok(facts)
    }

    pub(super) async fn is_among(
        &self,
        people: &People,
        facts: &Facts,
        asked: &Asked,
    ) -> Result<Option<bool>, SlackError> {
        match people {
            People::User(_) | People::Everyone => Ok(None),
            People::ChannelMembers => match &asked.channel {
                Some(channel) => self.is_member(channel, &facts.user).await.map(Some),
                None => Ok(Some(false)),
            },
            People::Usergroup(handle) => {
                let members = self.usergroup_members(handle).await?;
                Ok(Some(members.contains(&facts.user)))
            }
            People::IdcGroup(name) => Ok(self.is_in_idc_group(name, facts, asked).await),
        }
    }

    /// The same from what is remembered, without a look-up; `None` when the profile is not known.
    pub(super) fn remembered_facts(
        &self,
        user: &UserId,
        team: Option<&TeamId>,
        asked: &Asked,
    ) -> Option<Facts> {
        let now = self.now();
        let known = &self.shared.people;
        let profile = known.profiles.get(user, now, PROFILE)?;
        let mut facts = self.facts_of(&profile, team)?;
        for people in &asked.people {
            let is_member = match people {
                People::ChannelMembers => asked.channel.as_ref().and_then(|channel| {
                    let id = known.channels.get(channel, now, CHANNEL)?;
                    Some(known.members.get(&id, now, MEMBERS)?.contains(user))
                }),
                People::Usergroup(handle) => {
                    known.usergroups.get(handle, now, MEMBERS).map(|members| members.contains(user))
                }
                People::IdcGroup(name) => asked.directory.as_ref().and_then(|(_, instance)| {
                    known.idc_groups.get(&(instance.clone(), name.clone(), user.clone()), now, MEMBERS)
                }),
                People::User(_) | People::Everyone => None,
            };
            if let Some(is_member) = is_member {
                facts.member_of.insert(people.clone(), is_member);
            }
        }
        Some(facts)
    }

    pub(super) fn facts_of(&self, profile: &Profile, team: Option<&TeamId>) -> Option<Facts> {
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
            member_of: BTreeMap::new(),
        })
    }

    /// A user group that does not exist has no members.
    pub(super) async fn usergroup_members(&self, handle: &str) -> Result<Arc<BTreeSet<UserId>>, SlackError> {
        let now = self.now();
        if let Some(members) = self.shared.people.usergroups.get(&handle.to_owned(), now, MEMBERS) {
            return Ok(members);
        }
        let members = Arc::new(self.shared.slack.usergroup_members(handle).await?.unwrap_or_default());
        self.shared.people.usergroups.put(handle.to_owned(), Arc::clone(&members), now);
        Ok(members)
    }

    /// `None` when AWS could not say.
    pub(super) async fn is_in_idc_group(&self, name: &str, facts: &Facts, asked: &Asked) -> Option<bool> {
        let (connection, instance_arn) = asked.directory.as_ref()?;
        let email = facts.email.as_ref()?;
        let key = (instance_arn.clone(), name.to_owned(), facts.user.clone());
        let now = self.now();
        if let Some(is_member) = self.shared.people.idc_groups.get(&key, now, MEMBERS) {
            return Some(is_member);
        }
        let session_name = RequestId::new("sym-directory");
        let session = Session { connection, name: &session_name, source_identity: None };
        let explicit = self
            .catalog()
            .identity(email, &connection.integration, TargetKind::AwsSsoGroup)
            .map(str::to_owned);
        let answer =
            self.shared.aws.is_in_group(&session, instance_arn, email, explicit.as_deref(), name).await;
        match answer {
            Ok(is_member) => {
                self.shared.people.idc_groups.put(key, is_member, now);
                Some(is_member)
            }
            Err(error) => {
                tracing::warn!(error = %error, "a group of Identity Center could not be read");
                None
            }
        }
    }
}

/// The people among whom somebody may be, and where that can be read.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) people: BTreeSet<People>,
    /// The flow's channel: whose members `channel_members` are.
    pub(super) channel: Option<String>,
    /// The Identity Center instance whose groups `idc_group` names.
    pub(super) directory: Option<(Connection, String)>,
}

impl Asked {
    /// What the rules of a flow can ask about a requester.
    pub(super) fn requesters(entry: &FlowEntry) -> Self {
        let people = entry.rules.iter().flat_map(|rule| rule.requesters.clone()).collect();
        Self { people, channel: entry.flow.channel.clone(), directory: directory(&entry.flow) }
    }

    /// What a request's terms can ask about somebody who presses a button.
    pub(super) fn deciders(request: &AccessRequest, flow: Option<&Flow>) -> Self {
        let skipped = request.terms.emergency.iter().flat_map(|emergency| &emergency.skipped);
        let all = request.terms.requirements.iter().chain(skipped);
        let people = all.flat_map(|requirement| requirement.approvers.clone()).collect();
        let asked_for = request.target.as_ref().and_then(|target| match &target.resource {
            Resource::SsoPermissionSet { instance_arn, .. } | Resource::SsoGroup { instance_arn, .. } => {
                Some((target.connection.clone(), instance_arn.clone()))
            }
            Resource::IamGroup { .. } => None,
        });
        let directory = asked_for.or_else(|| flow.and_then(directory));
        Self { people, channel: request.terms.channel.clone(), directory }
    }
}

/// The Identity Center instance of a flow.
pub(super) fn directory(flow: &Flow) -> Option<(Connection, String)> {
    let target = flow.targets.iter().find(|target| !target.instance_arn.is_empty())?;
    Some((target.connection.clone(), target.instance_arn.clone()))
}
