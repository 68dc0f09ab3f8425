//! Rules and requirements in words.

use super::play::Played;
use crate::access::{People, Requirement, Span};
use crate::manifest::describe_people;
use crate::policy::{AccountSelector, Aspect, Decision, Match, Rule};

/// `2 of the user group sre, bo@example.com`
pub(super) fn asked(requirement: &Requirement) -> String {
    let number = match requirement.min_approvals {
        1 => "one of".to_owned(),
        number => format!("{number} of"),
    };
    let own = if requirement.allow_self { ", also the requester" } else { "" };
    format!("{number} {}{own}", describe_people(&requirement.approvers))
}

/// `ou:…, tag:…`
pub(super) fn accounts(accounts: &[AccountSelector]) -> String {
    accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What a rule decides, in a few words.
pub(super) fn decision(rule: &Rule) -> &'static str {
    match rule.decision {
        Decision::Ask => "asks people",
        Decision::Auto => "approves by itself",
        Decision::BreakGlass => "lets people break the glass",
        Decision::Deny => "denies",
    }
}

/// Why a rule does not match.
pub(super) fn misses(rule: &Rule, compared: Match) -> String {
    let of = |aspect: Aspect| match aspect {
        Aspect::Target => {
            let names: Vec<&str> = rule.targets.iter().map(crate::access::TargetName::as_str).collect();
            format!("it is about {}", names.join(", "))
        }
        Aspect::Account => format!("it is about accounts {}", accounts(&rule.accounts)),
        Aspect::Requester if rule.requesters.is_empty() => "it is for full members".to_owned(),
        Aspect::Requester => format!("it is for {}", describe_people(&rule.requesters)),
    };
    compared.misses().into_iter().map(of).collect::<Vec<_>>().join("; ")
}

/// What would have to be known about a request before a rule could be compared with it.
pub(super) fn unknown(rule: &Rule, compared: Match, played: &Played<'_>) -> Vec<String> {
    let who = played.facts.email.as_ref().map_or_else(|| "the requester".to_owned(), ToString::to_string);
    let mut all = Vec::new();
    for aspect in compared.unknown() {
        match aspect {
            Aspect::Target => {}
            Aspect::Account => all.push(format!(
                "where the account {} belongs and how it is tagged",
                played.account_id().unwrap_or("of this request")
            )),
            Aspect::Requester => {
                let open = rule.requesters.iter().filter(|people| people.names(&played.facts).is_none());
                all.extend(open.map(|people| format!("whether {who} is {}", among(people, played))));
            }
        }
    }
    all
}

/// `in the user group sre`
pub(super) fn among(people: &People, played: &Played<'_>) -> String {
    match people {
        People::ChannelMembers => {
            format!("in {}", played.entry.flow.channel.as_deref().unwrap_or("the flow's channel"))
        }
        other => format!("in {}", describe_people(std::slice::from_ref(other))),
    }
}

/// `at most 4 hours`
pub(super) fn at_most(longest: Option<Span>) -> String {
    longest.map_or_else(|| "for as long as the form offers".to_owned(), |span| format!("at most {span}"))
}
