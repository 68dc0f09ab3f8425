//! Everybody and every account that two versions of the rules can tell apart.

use crate::access::{Email, Facts, People, TargetName};
use crate::manifest::{FactSheet, FlowEntry};
use crate::policy::{AccountFacts, AccountSelector};
use crate::rehearsal::play::{asked_about, facts_of, member};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Somebody {
    pub(super) label: String,
    email: Email,
    /// The groups they are in; in a facts file or not.
    groups: Option<Vec<People>>,
}

/// Where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) label: String,
    pub(super) id: Option<String>,
    pub(super) facts: Option<AccountFacts>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Universe<'a> {
    pub(super) people: Vec<Somebody>,
    selectors: Vec<AccountSelector>,
    sheet: Option<&'a FactSheet>,
}

impl Somebody {
    /// What is known about them: a group that they are not in, they are not in.
    pub(super) fn facts(&self, entry: &FlowEntry, sheet: Option<&FactSheet>) -> Facts {
        let Some(groups) = &self.groups else { return facts_of(entry, sheet, &self.email) };
        let mut facts = member(&self.email);
        for people in asked_about(entry) {
            if !matches!(people, People::User(_) | People::Everyone) {
                let is_among = groups.contains(&people);
                facts.member_of.insert(people, is_among);
            }
        }
        facts
    }
}

impl<'a> Universe<'a> {
    pub(super) fn of<'e>(entries: impl Iterator<Item = &'e FlowEntry>, sheet: Option<&'a FactSheet>) -> Self {
        let mut named: Vec<People> = Vec::new();
        let mut selectors: Vec<AccountSelector> = Vec::new();
        for entry in entries {
            for rule in &entry.rules {
                for people in rule.requesters.iter().chain(&rule.approvers) {
                    if !named.contains(people) {
                        named.push(people.clone());
                    }
                }
                for selector in &rule.accounts {
                    if !selectors.contains(selector) {
                        selectors.push(selector.clone());
                    }
                }
            }
        }
        named.sort();
        selectors.sort();
        Self { people: people(&named, sheet), selectors, sheet }
    }

    /// The accounts in which a target can be, each under every circumstance that the rules tell apart.
    pub(super) fn accounts<'e>(
        &self,
        target: Option<&TargetName>,
        entries: impl Iterator<Item = &'e FlowEntry>,
    ) -> Vec<Account> {
        let Some(name) = target else { return vec![nowhere()] };
        let targets: Vec<_> = entries.filter_map(|entry| entry.flow.target(name)).collect();
        let mut fixed: Vec<String> = Vec::new();
        let mut is_open = false;
        for target in &targets {
            let written = target.settings.get("account_id").cloned();
            let iam = Some(target.iam_account_id.clone()).filter(|id| !id.is_empty());
            match written.or(iam) {
                Some(id) if !fixed.contains(&id) => fixed.push(id),
                Some(_) => {}
                None => is_open |= target.bindings.iter().any(|binding| binding == "account_id"),
            }
        }
        if is_open {
            fixed.extend(self.selectors.iter().filter_map(|selector| match selector {
                AccountSelector::Id(id) => Some(id.clone()),
                AccountSelector::Ou(_) | AccountSelector::Tag { .. } => None,
            }));
            fixed.extend(
                self.sheet.iter().flat_map(|sheet| &sheet.accounts).map(|account| account.id.clone()),
            );
        }
        fixed.sort();
        fixed.dedup();
        let mut all: Vec<Account> = fixed.iter().flat_map(|id| self.circumstances(id, id)).collect();
        if is_open {
            all.extend(self.circumstances("any other account", "000000000000"));
        }
        if all.is_empty() { vec![nowhere()] } else { all }
    }

    /// An account that no facts file describes may belong anywhere.
    fn circumstances(&self, label: &str, id: &str) -> Vec<Account> {
        if let Some(known) = self.sheet.and_then(|sheet| sheet.account(id)) {
            return vec![Account {
                label: label.to_owned(),
                id: Some(id.to_owned()),
                facts: Some(known.clone()),
            }];
        }
        let plain = AccountFacts { id: id.to_owned(), ..AccountFacts::default() };
        let of = |selector: &AccountSelector| {
            let mut facts = plain.clone();
            match selector {
                AccountSelector::Id(_) => return None,
                AccountSelector::Ou(unit) => facts.units.push(unit.clone()),
                AccountSelector::Tag { key, value } => {
                    facts.tags.insert(key.clone(), value.clone());
                }
            }
            let label = format!("{label} if {selector}");
            Some(Account { label, id: Some(id.to_owned()), facts: Some(facts) })
        };
        let mut all =
            vec![Account { label: label.to_owned(), id: Some(id.to_owned()), facts: Some(plain.clone()) }];
        all.extend(self.selectors.iter().filter_map(of));
        all
    }
}

fn nowhere() -> Account {
    Account { label: String::new(), id: None, facts: None }
}

fn people(named: &[People], sheet: Option<&FactSheet>) -> Vec<Somebody> {
    let mut all: Vec<Somebody> = Vec::new();
    for person in sheet.iter().flat_map(|sheet| &sheet.people) {
        all.push(Somebody { label: person.email.to_string(), email: person.email.clone(), groups: None });
    }
    let stranger = Email::new("somebody@else.invalid");
    for people in named {
        let (label, email) = match people {
            People::User(email) => (email.to_string(), email.clone()),
            People::Usergroup(handle) => (format!("members of the user group {handle}"), stranger.clone()),
            People::IdcGroup(name) => {
                (format!("members of the Identity Center group {name}"), stranger.clone())
            }
            People::ChannelMembers => ("the channel's members".to_owned(), stranger.clone()),
            People::Everyone => continue,
        };
        if !all.iter().any(|somebody| somebody.label == label) {
            all.push(Somebody { label, email, groups: Some(vec![people.clone()]) });
        }
    }
    all.push(Somebody {
        label: "any other full member".to_owned(),
        email: stranger,
        groups: Some(Vec::new()),
    });
    all
}
