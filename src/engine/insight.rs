//! What Slack and AWS say about somebody who might ask, and about everybody who could decide: the same
//! look-ups as for a request, for an operator who wants to know beforehand. Reads only.

use super::people::{Asked, directory};
use super::{Engine, deciders::Standings};
use crate::access::{AskedTarget, Email, Facts, People, RequestId, UserId};
use crate::aws::Session;
use crate::manifest::FlowEntry;
use crate::policy::{AccountFacts, Standing};
use crate::slack::api::SlackError;
use std::collections::{BTreeMap, BTreeSet};

/// How many people are looked up to be named.
const MOST_PEOPLE: usize = 200;

/// What is known about a requester.
#[derive(Debug, Clone)]
pub struct Insight {
    /// Who they are in Slack; nobody belongs nowhere.
    pub requester: Facts,
    /// Where the account belongs.
    pub account: Option<AccountFacts>,
    /// Who could decide, by rule.
    pub standings: BTreeMap<String, Standing>,
    /// Why AWS would refuse: it does not know them.
    pub stranger_to_aws: Option<String>,
    /// What could not be found out, a sentence each.
    pub failures: Vec<String>,
}

/// People whom rules name.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// Those who were looked up.
    pub people: Vec<Facts>,
    /// How many were not.
    pub unread: usize,
    /// What could not be found out, a sentence each.
    pub failures: Vec<String>,
}

impl Engine {
    /// Looks a requester up, and the account and the identity the target needs.
    ///
    /// # Errors
    /// Slack does not say who has the address: nothing can be told then.
    pub async fn insight(
        &self,
        entry: &FlowEntry,
        email: &Email,
        target: Option<&AskedTarget>,
    ) -> Result<Insight, SlackError> {
        let asked = Asked::requesters(entry);
        let mut failures = Vec::new();
        let Some(user) = self.slack().user_by_email(email).await? else {
            let requester = Facts { email: Some(email.clone()), ..Facts::of_nobody(UserId::new("nobody")) };
            return Ok(Insight {
                requester,
                account: None,
                standings: Standings::new(),
                stranger_to_aws: None,
                failures,
            });
        };
        let mut requester = self.facts_afresh(&user, None, &Asked::default()).await?;
        self.place(&mut requester, &asked, &mut failures).await;
        let account_id = target.and_then(|target| target.resource.account_id());
        let account = match target.zip(account_id) {
            Some((target, id)) if Self::asks_about_accounts(&entry.rules) => {
                failures.extend(self.read_inventory().await);
                self.account_facts(&target.connection.integration, id, &entry.rules)
            }
            _ => None,
        };
        let standings = self.standings(entry, &requester, target.map(|target| &target.name)).await;
        let mut stranger_to_aws = None;
        if let Some(target) = target.filter(|_| requester.is_full_member()) {
            match self.principal_for(target, &RequestId::new("sym-explain"), &requester).await {
                Ok(_) => {}
                Err(error) if error.is_transient => failures.push(error.message),
                Err(error) => stranger_to_aws = Some(error.message),
            }
        }
        Ok(Insight { requester, account, standings, stranger_to_aws, failures })
    }

    /// Everybody among these people, and where else they are.
    pub async fn named(&self, entry: &FlowEntry, people: &[People]) -> Named {
        let mut named = Named::default();
        let mut users: BTreeSet<UserId> = BTreeSet::new();
        for some in people {
            match self.users_of(entry, some).await {
                Ok(found) => users.extend(found),
                Err(why) => named.failures.push(why),
            }
        }
        let asked = Asked {
            people: people.iter().cloned().collect(),
            channel: entry.flow.channel.clone(),
            directory: directory(&entry.flow),
        };
        named.unread = users.len().saturating_sub(MOST_PEOPLE);
        for user in users.iter().take(MOST_PEOPLE) {
            match self.facts_afresh(user, None, &Asked::default()).await {
                Ok(mut facts) => {
                    self.place(&mut facts, &asked, &mut named.failures).await;
                    named.people.push(facts);
                }
                Err(error) => named.failures.push(format!("who {user} is: {error}")),
            }
        }
        named.people.sort_by(|a, b| (&a.email, &a.user).cmp(&(&b.email, &b.user)));
        named.failures.sort();
        named.failures.dedup();
        named
    }

    /// Where somebody is, each place by itself, so that what fails can be said.
    async fn place(&self, facts: &mut Facts, asked: &Asked, failures: &mut Vec<String>) {
        let mut found = BTreeMap::new();
        for people in &asked.people {
            if matches!(people, People::User(_) | People::Everyone) {
                continue;
            }
            let place = crate::manifest::describe_people(std::slice::from_ref(people));
            match self.is_among(people, facts, asked).await {
                Ok(Some(is_member)) => drop(found.insert(people.clone(), is_member)),
                Ok(None) => failures.push(format!("who is among {place}: AWS did not say")),
                Err(error) => failures.push(format!("who is among {place}: {error}")),
            }
        }
        failures.sort();
        failures.dedup();
        facts.member_of = found;
    }

    async fn users_of(&self, entry: &FlowEntry, people: &People) -> Result<BTreeSet<UserId>, String> {
        let place = || crate::manifest::describe_people(std::slice::from_ref(people));
        let slack = |error: SlackError| format!("who is among {}: {error}", place());
        match people {
            People::Everyone => Ok(BTreeSet::new()),
            People::User(email) => {
                Ok(self.slack().user_by_email(email).await.map_err(slack)?.into_iter().collect())
            }
            People::Usergroup(handle) => {
                Ok(self.usergroup_members(handle).await.map_err(slack)?.as_ref().clone())
            }
            People::ChannelMembers => {
                let channel = entry.flow.channel.as_deref().unwrap_or_default();
                let members = self.channel_members(channel).await.map_err(slack)?;
                members
                    .map(|members| members.as_ref().clone())
                    .ok_or_else(|| format!("who is among {}: the bot sees no channel {channel}", place()))
            }
            People::IdcGroup(name) => {
                let Some((connection, instance_arn)) = directory(&entry.flow) else {
                    return Ok(BTreeSet::new());
                };
                let session_name = RequestId::new("sym-directory");
                let session = Session { connection: &connection, name: &session_name, source_identity: None };
                let members = self.shared.aws.group_members(&session, &instance_arn, name).await;
                let members = members.map_err(|error| format!("who is among {}: {error}", place()))?;
                let mut users = BTreeSet::new();
                for email in members {
                    users.extend(self.slack().user_by_email(&email).await.map_err(slack)?);
                }
                Ok(users)
            }
        }
    }
}
