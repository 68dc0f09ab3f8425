//! Looks at one rule after the other; what was looked up for one serves the next.

use crate::access::{Email, People, RequestId, UserId};
use crate::aws::Session;
use crate::engine::Engine;
use crate::engine::people::{Asked, directory};
use crate::manifest::FlowEntry;
use crate::policy::{Decision, Rule};
use crate::slack::api::{ChannelStanding, Profile, SlackError, UsergroupStanding};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What has been looked up; `None` is what Slack could not say.
pub(super) struct Scout<'a> {
    engine: &'a Engine,
    channels: BTreeMap<String, Option<ChannelStanding>>,
    usergroups: BTreeMap<String, Option<UsergroupStanding>>,
    people: BTreeMap<Email, Someone>,
    /// Slack could say everything.
    pub(super) is_complete: bool,
}

/// Who has an address.
#[derive(Clone)]
enum Someone {
    /// Slack could not say.
    Unknown,
    Nobody,
    Known(Arc<Profile>),
}

/// Who could decide under a rule.
#[derive(Default)]
struct Tally {
    live: BTreeSet<UserId>,
    /// Members of Identity Center groups: people, but not known in Slack.
    others: usize,
    /// Every full member may, or it could not be found out: no shortage can be told.
    is_open_ended: bool,
    faults: Vec<String>,
}

impl Tally {
    fn count(&self) -> usize {
        self.live.len() + self.others
    }

    fn add(&mut self, fault: String) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

/// How many approvals a rule needs, if it asks people at all.
fn needed(rule: &Rule) -> Option<usize> {
    match rule.decision {
        Decision::Ask => Some(rule.min_approvals as usize),
        // One of them acknowledges it afterwards. Where it names nobody, other rules' approvers do.
        Decision::BreakGlass => (!rule.approvers.is_empty()).then_some(1),
        // Beyond its cap it asks.
        Decision::Auto => {
            (rule.cap.is_some() && !rule.approvers.is_empty()).then_some(rule.min_approvals as usize)
        }
        Decision::Deny => None,
    }
}

impl<'a> Scout<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self {
            engine,
            channels: BTreeMap::new(),
            usergroups: BTreeMap::new(),
            people: BTreeMap::new(),
            is_complete: true,
        }
    }

    /// What is wrong with a rule, each thing once.
    pub(super) async fn look_at(&mut self, entry: &FlowEntry, rule: &Rule) -> Vec<String> {
        let mut sentences = Vec::new();
        if let Some(needed) = needed(rule) {
            sentences = self.approvers(entry, rule, needed).await;
        }
        if let Some(fallback) = &rule.fallback {
            let mut tally = Tally::default();
            for people in &fallback.approvers {
                self.add(&mut tally, entry, people, 1).await;
            }
            sentences.extend(tally.faults.into_iter().map(|fault| format!("in its fallback, {fault}")));
        }
        for fault in self.destinations(entry, rule).await {
            // One cause, said once.
            if !sentences.iter().any(|sentence| sentence.contains(&fault)) {
                sentences.push(fault);
            }
        }
        sentences
    }

    async fn approvers(&mut self, entry: &FlowEntry, rule: &Rule, needed: usize) -> Vec<String> {
        let mut tally = Tally::default();
        for people in &rule.approvers {
            self.add(&mut tally, entry, people, needed + 1).await;
        }
        let count = tally.count();
        let allow_self = rule.allow_self && rule.decision != Decision::BreakGlass;
        let is_short = if tally.is_open_ended || count > needed || (allow_self && count == needed) {
            None
        } else if count < needed {
            Some(shortage(needed, count))
        } else if self.may_one_ask(entry, rule, &tally.live).await {
            Some(format!("{}: when one of them asks, too few are left to approve", shortage(needed, count)))
        } else {
            None
        };
        match is_short {
            None => tally.faults,
            Some(short) if tally.faults.is_empty() => vec![short],
            Some(short) => vec![format!("{short} ({})", tally.faults.join("; "))],
        }
    }

    /// Whether one of these people may ask under the rule themselves.
    async fn may_one_ask(&mut self, entry: &FlowEntry, rule: &Rule, live: &BTreeSet<UserId>) -> bool {
        let asked = Asked::requesters(entry);
        for user in live {
            let Ok(facts) = self.engine.facts(user, None, &asked).await else { continue };
            let may_ask = if rule.requesters.is_empty() {
                Some(facts.is_full_member())
            } else {
                People::any_names(&rule.requesters, &facts)
            };
            if may_ask == Some(true) {
                return true;
            }
        }
        false
    }

    /// Adds those of the people who are there, until `enough` are known.
    async fn add(&mut self, tally: &mut Tally, entry: &FlowEntry, people: &People, enough: usize) {
        match people {
            People::Everyone => tally.is_open_ended = true,
            People::User(email) => match (self.person(email).await, self.person_fault(entry, email).await) {
                (_, Some(fault)) => tally.add(fault),
                (Someone::Known(profile), None) => drop(tally.live.insert(profile.id.clone())),
                (Someone::Unknown | Someone::Nobody, None) => tally.is_open_ended = true,
            },
            People::Usergroup(handle) => {
                let name = handle.trim_start_matches('@');
                match self.usergroup(handle).await {
                    None => tally.is_open_ended = true,
                    Some(UsergroupStanding::Missing) => tally.add(format!("there is no user group @{name}")),
                    Some(UsergroupStanding::Disabled) => {
                        tally.add(format!("the user group @{name} is disabled"));
                    }
                    Some(UsergroupStanding::Enabled(members)) => {
                        if !self.add_members(tally, entry, &members, enough).await {
                            tally.add(format!("the user group @{name} has no member who could decide"));
                        }
                    }
                }
            }
            People::ChannelMembers => match &entry.flow.channel {
                None => tally.add("the flow has no channel".to_owned()),
                Some(channel) => self.add_channel(tally, entry, channel, enough).await,
            },
            People::IdcGroup(name) => self.add_idc_group(tally, entry, name).await,
        }
    }

    async fn add_channel(&mut self, tally: &mut Tally, entry: &FlowEntry, channel: &str, enough: usize) {
        let inside = match self.channel(channel).await {
            None => return tally.is_open_ended = true,
            Some(ChannelStanding::Inside(id)) => id,
            Some(standing) => return tally.faults.extend(channel_fault(channel, &standing)),
        };
        match self.engine.slack().channel_members(&inside).await {
            Ok(members) => {
                if !self.add_members(tally, entry, &members, enough).await {
                    tally.add(format!("the channel {channel} has no member who could decide"));
                }
            }
            Err(error) => {
                self.failed(&error);
                tally.is_open_ended = true;
            }
        }
    }

    /// False when none of them could decide.
    async fn add_members(
        &mut self,
        tally: &mut Tally,
        entry: &FlowEntry,
        members: &BTreeSet<UserId>,
        enough: usize,
    ) -> bool {
        let mut has_one = false;
        for user in members {
            if has_one && tally.count() >= enough {
                break;
            }
            match self.engine.profile(user).await {
                Ok(profile) if self.trouble(entry, &profile).is_none() => {
                    has_one = true;
                    tally.live.insert(user.clone());
                }
                Ok(_) => {}
                Err(error) => {
                    self.failed(&error);
                    tally.is_open_ended = true;
                    has_one = true;
                }
            }
        }
        has_one
    }

    async fn add_idc_group(&self, tally: &mut Tally, entry: &FlowEntry, name: &str) {
        let Some((connection, instance_arn)) = directory(&entry.flow) else {
            return tally.add(format!(
                "the Identity Center group “{name}” cannot be found: no target of the flow is in Identity Center"
            ));
        };
        let session_name = RequestId::new("sym-directory");
        let session = Session { connection: &connection, name: &session_name, source_identity: None };
        match self.engine.shared.aws.group_size(&session, &instance_arn, name).await {
            Ok(None) => tally.add(format!("there is no group “{name}” in Identity Center")),
            Ok(Some(0)) => tally.add(format!("the Identity Center group “{name}” is empty")),
            Ok(Some(size)) => tally.others += size,
            Err(error) => {
                tracing::warn!(error = %error, "a group of Identity Center could not be counted");
                tally.is_open_ended = true;
            }
        }
    }

    /// Cards must arrive: in the rule's own places, or in the flow's channel.
    async fn destinations(&mut self, entry: &FlowEntry, rule: &Rule) -> Vec<String> {
        if rule.decision == Decision::Deny {
            return Vec::new();
        }
        let own = if rule.notify.is_empty() { entry.flow.channel.as_slice() } else { rule.notify.as_slice() };
        let further = rule.fallback.as_ref().map_or(&[][..], |fallback| fallback.notify.as_slice());
        let mut faults = Vec::new();
        for destination in own.iter().chain(further) {
            let address = destination.strip_prefix("user:").unwrap_or(destination);
            let fault = if address.contains('@') {
                self.person_fault(entry, &Email::new(address)).await
            } else {
                let standing = self.channel(destination).await;
                standing.and_then(|standing| channel_fault(destination, &standing))
            };
            faults.extend(fault.filter(|fault| !faults.contains(fault)));
        }
        faults
    }

    async fn person_fault(&mut self, entry: &FlowEntry, email: &Email) -> Option<String> {
        match self.person(email).await {
            Someone::Unknown => None,
            Someone::Nobody => Some(format!("nobody here has the address {email}")),
            Someone::Known(profile) => {
                self.trouble(entry, &profile).map(|trouble| format!("{email} {trouble}"))
            }
        }
    }

    /// Why somebody could not decide in this flow.
    fn trouble(&self, entry: &FlowEntry, profile: &Profile) -> Option<&'static str> {
        let facts = self.engine.facts_of(profile, None)?;
        if facts.is_deactivated {
            Some("is deactivated")
        } else if facts.is_bot {
            Some("is a bot")
        } else if !facts.is_home {
            Some("belongs to another workspace")
        } else if facts.is_guest && !entry.flow.allow_guest_interaction {
            Some("is a guest, and the flow does not let guests decide")
        } else {
            None
        }
    }

    async fn person(&mut self, email: &Email) -> Someone {
        if let Some(known) = self.people.get(email) {
            return known.clone();
        }
        let found = match self.engine.slack().user_by_email(email).await {
            Ok(None) => Ok(Someone::Nobody),
            Ok(Some(user)) => self.engine.profile(&user).await.map(Someone::Known),
            Err(error) => Err(error),
        };
        let found = found.unwrap_or_else(|error| {
            self.failed(&error);
            Someone::Unknown
        });
        self.people.insert(email.clone(), found.clone());
        found
    }

    async fn channel(&mut self, name: &str) -> Option<ChannelStanding> {
        if let Some(known) = self.channels.get(name) {
            return known.clone();
        }
        let found = self.engine.slack().channel_standing(name).await;
        let found = found.map_err(|error| self.failed(&error)).ok();
        self.channels.insert(name.to_owned(), found.clone());
        found
    }

    async fn usergroup(&mut self, handle: &str) -> Option<UsergroupStanding> {
        if let Some(known) = self.usergroups.get(handle) {
            return known.clone();
        }
        let found = self.engine.slack().usergroup_standing(handle).await;
        let found = found.map_err(|error| self.failed(&error)).ok();
        self.usergroups.insert(handle.to_owned(), found.clone());
        found
    }

    /// What Slack cannot say now is asked again soon; what it refuses to say is left alone.
    fn failed(&mut self, error: &SlackError) {
        tracing::warn!(error = %error, "it could not be found out who can be reached");
        self.is_complete &= !error.is_transient();
    }
}

fn shortage(needed: usize, count: usize) -> String {
    let approvals = if needed == 1 { "one approval".to_owned() } else { format!("{needed} approvals") };
    match count {
        0 => format!("it needs {approvals}, and nobody can give any"),
        1 => format!("it needs {approvals}, and only one person can give any"),
        count => format!("it needs {approvals}, and only {count} people can give any"),
    }
}

fn channel_fault(channel: &str, standing: &ChannelStanding) -> Option<String> {
    match standing {
        ChannelStanding::Inside(_) => None,
        ChannelStanding::Missing => Some(format!(
            "there is no channel {channel} that the bot can see (a private one it must be invited to)"
        )),
        ChannelStanding::Archived => Some(format!("the channel {channel} is archived")),
        ChannelStanding::Outside => Some(format!("the bot is not in the channel {channel}")),
    }
}
