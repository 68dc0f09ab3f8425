//! Who could decide on somebody's request: looked up while they fill in the form, and again before
//! people are asked, so that nobody waits for hours for an approver who is not there.

use super::Engine;
use super::people::{Asked, directory};
use crate::access::{Email, Facts, Fallback, FlowName, People, RequestId, TargetName, UserId};
use crate::aws::Session;
use crate::manifest::FlowEntry;
use crate::policy::{Bench, Decision, Rule, Standing};
use crate::slack::api::SlackError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many profiles are read for one rule: who has not been found among so many may be among the rest.
const MOST_PROFILES: usize = 50;

/// What was found out about the rules of a flow, by their names.
pub(super) type Standings = BTreeMap<String, Standing>;

/// The people counted so far.
struct Count<'a> {
    entry: &'a FlowEntry,
    requester: &'a Facts,
    /// By what tells people apart: two accounts with one address are one person.
    others: BTreeSet<String>,
    /// Members of Identity Center groups, who are not known in Slack.
    strangers: usize,
    has_requester: bool,
    may_be_more: bool,
    profiles: usize,
}

impl<'a> Count<'a> {
    fn new(entry: &'a FlowEntry, requester: &'a Facts) -> Self {
        Self {
            entry,
            requester,
            others: BTreeSet::new(),
            strangers: 0,
            has_requester: false,
            may_be_more: false,
            profiles: 0,
        }
    }

    fn bench(&self) -> Bench {
        Bench {
            others: self.others.len() + self.strangers,
            has_requester: self.has_requester,
            may_be_more: self.may_be_more,
        }
    }

    fn add(&mut self, facts: &Facts) {
        let email = facts.email.as_ref();
        let is_requester =
            facts.user == self.requester.user || (email.is_some() && email == self.requester.email.as_ref());
        if is_requester {
            self.has_requester = true;
        } else if facts.may_press(self.entry.flow.allow_guest_interaction) {
            let key = email.map_or_else(|| facts.user.as_str().to_owned(), |email| email.as_str().to_owned());
            self.others.insert(key);
        }
    }
}

impl Engine {
    /// Who could decide under each rule of the flow that may come to ask people about this target; `None`
    /// stands for any target.
    pub(super) async fn standings(
        &self,
        entry: &FlowEntry,
        requester: &Facts,
        target: Option<&TargetName>,
    ) -> Standings {
        let mut all = Standings::new();
        for rule in &entry.rules {
            let asks = match rule.decision {
                Decision::Ask => true,
                Decision::Auto => rule.cap.is_some() && !rule.approvers.is_empty(),
                Decision::BreakGlass | Decision::Deny => false,
            };
            let is_about =
                target.is_none_or(|target| rule.targets.is_empty() || rule.targets.contains(target));
            if asks && is_about {
                all.insert(rule.name.clone(), self.standing(entry, rule, requester).await);
            }
        }
        all
    }

    async fn standing(&self, entry: &FlowEntry, rule: &Rule, requester: &Facts) -> Standing {
        let mut count = Count::new(entry, requester);
        self.count(&mut count, &rule.approvers, rule).await;
        let first = count.bench();
        let is_enough = first.is_enough(rule.min_approvals, rule.allow_self);
        if let Some(Fallback { approvers, .. }) = rule.fallback.as_ref().filter(|_| !is_enough) {
            self.count(&mut count, approvers, rule).await;
        }
        Standing { first, later: count.bench() }
    }

    /// Counts until there are enough.
    async fn count(&self, count: &mut Count<'_>, people: &[People], rule: &Rule) {
        for some in people {
            if count.bench().is_enough(rule.min_approvals, rule.allow_self) {
                return;
            }
            match self.count_some(count, some, rule).await {
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "it could not be found out who could decide");
                    count.may_be_more = true;
                }
            }
        }
    }

    async fn count_some(
        &self,
        count: &mut Count<'_>,
        people: &People,
        rule: &Rule,
    ) -> Result<(), SlackError> {
        match people {
            People::Everyone => count.may_be_more = true,
            People::User(email) if count.requester.email.as_ref() == Some(email) => {
                count.has_requester = true;
            }
            People::User(email) => {
                let users = self.users_with(email).await?;
                self.count_members(count, &users, rule).await?;
            }
            People::Usergroup(handle) => {
                let members = self.usergroup_members(handle).await?;
                self.count_members(count, &members, rule).await?;
            }
            People::ChannelMembers => {
                let channel = count.entry.flow.channel.clone().unwrap_or_default();
                match self.channel_members(&channel).await? {
                    Some(members) => self.count_members(count, &members, rule).await?,
                    // The card will not arrive either, and then that is said.
                    None => count.may_be_more = true,
                }
            }
            People::IdcGroup(name) => self.count_idc_group(count, name).await,
        }
        Ok(())
    }

    async fn count_members(
        &self,
        count: &mut Count<'_>,
        members: &BTreeSet<UserId>,
        rule: &Rule,
    ) -> Result<(), SlackError> {
        count.has_requester |= members.contains(&count.requester.user);
        for user in members {
            if count.bench().is_enough(rule.min_approvals, rule.allow_self) {
                return Ok(());
            }
            if count.profiles >= MOST_PROFILES {
                count.may_be_more = true;
                return Ok(());
            }
            count.profiles += 1;
            let profile = self.profile(user).await?;
            match self.facts_of(&profile, None) {
                Some(facts) => count.add(&facts),
                None => count.may_be_more = true,
            }
        }
        Ok(())
    }

    async fn count_idc_group(&self, count: &mut Count<'_>, name: &str) {
        let Some((connection, instance_arn)) = directory(&count.entry.flow) else { return };
        let session_name = RequestId::new("sym-directory");
        let session = Session { connection: &connection, name: &session_name, source_identity: None };
        let size = self.shared.aws.group_size(&session, &instance_arn, name).await;
        let asked = Asked { directory: Some((connection.clone(), instance_arn.clone())), ..Asked::default() };
        let has_requester = self.is_in_idc_group(name, count.requester, &asked).await;
        match (size, has_requester) {
            (Ok(size), Some(has_requester)) => {
                count.strangers += size.unwrap_or_default().saturating_sub(usize::from(has_requester));
                count.has_requester |= has_requester;
            }
            (Err(error), _) => {
                tracing::warn!(error = %error, "a group of Identity Center could not be counted");
                count.may_be_more = true;
            }
            (Ok(_), None) => count.may_be_more = true,
        }
    }

    /// Finds it out for somebody who has opened a form, so that submitting costs no look-up.
    pub(super) async fn remember_standings(&self, user: &UserId, flow: &FlowName) {
        let catalog = self.catalog();
        let Some(entry) = catalog.flow(flow) else { return };
        let Ok(profile) = self.profile(user).await else { return };
        let Some(facts) = self.facts_of(&profile, None) else { return };
        let found = self.standings(entry, &facts, None).await;
        self.shared.people.remember_standings(user, flow, Arc::new(found), self.now());
    }

    /// What was found out when they opened the form; nothing when that is long ago.
    pub(super) fn remembered_standings(&self, user: &UserId, flow: &FlowName) -> Arc<Standings> {
        self.shared.people.standings(user, flow, self.now()).unwrap_or_default()
    }

    /// The active person with an address, if there is one, as Slack had it at most a minute ago.
    async fn users_with(&self, email: &Email) -> Result<Arc<BTreeSet<UserId>>, SlackError> {
        let now = self.now();
        if let Some(known) = self.shared.people.users_of(email, now) {
            return Ok(known);
        }
        let found = Arc::new(self.shared.slack.user_by_email(email).await?.into_iter().collect());
        self.shared.people.remember_users_of(email, Arc::clone(&found), now);
        Ok(found)
    }
}
