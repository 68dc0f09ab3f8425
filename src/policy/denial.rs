//! Whether the rules of today deny what was asked for under those of yesterday.

use super::{AccountFacts, Decision, Rule};
use crate::access::{Facts, People, TargetName};

/// What a request is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The target; `None` in an approval-only flow.
    pub target: Option<&'a TargetName>,
    /// The account, where the resource is about one.
    pub account_id: Option<&'a str>,
    /// What is known about that account; `None` when it is in no inventory.
    pub account: Option<&'a AccountFacts>,
    /// Who asked; `None` when that could not be looked up.
    pub requester: Option<&'a Facts>,
}

/// Whether a rule denies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// None does.
    No,
    /// This one does.
    By {
        /// Its name.
        rule: String,
    },
    /// It cannot be found out whether this one does.
    Unknown {
        /// Its name.
        rule: String,
    },
}

/// Asks only the rules that deny. Everything else about a request stays as it was when it was made; a
/// denial holds whoever the requester has become since, unless it names its requesters.
pub fn denial(rules: &[Rule], subject: &Subject<'_>) -> Denial {
    let mut unknown = None;
    for rule in rules.iter().filter(|rule| rule.decision == Decision::Deny) {
        let requester = if rule.requesters.is_empty() {
            Some(true)
        } else {
            subject.requester.and_then(|facts| People::any_names(&rule.requesters, facts))
        };
        let account = rule.is_about_account(subject.account_id, subject.account);
        let aspects = [Some(rule.is_about_target(subject.target)), account, requester];
        if aspects.iter().all(|there| *there == Some(true)) {
            return Denial::By { rule: rule.name.clone() };
        }
        // One aspect that certainly does not fit settles it.
        if !aspects.contains(&Some(false)) {
            unknown = unknown.or_else(|| Some(rule.name.clone()));
        }
    }
    unknown.map_or(Denial::No, |rule| Denial::Unknown { rule })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::AccountSelector;

    fn deny(accounts: Vec<AccountSelector>, requesters: Vec<People>) -> Rule {
        Rule {
            name: "never".into(),
            accounts,
            requesters,
            decision: Decision::Deny,
            ..Rule::standard("manifests/a.hcl:1")
        }
    }

    #[test]
    fn what_is_not_known_is_neither_a_yes_nor_a_no() {
        let prod = AccountSelector::Ou("ou-1".into());
        let account = AccountFacts { id: "1".into(), units: vec!["ou-1".into()], ..AccountFacts::default() };
        let elsewhere = AccountFacts { id: "2".into(), ..AccountFacts::default() };
        let on = |account| Subject { target: None, account_id: Some("1"), account, requester: None };
        let by = Denial::By { rule: "never".into() };
        let unknown = Denial::Unknown { rule: "never".into() };
        let rule = [deny(vec![prod.clone()], vec![])];
        assert_eq!(denial(&rule, &on(Some(&account))), by);
        assert_eq!(denial(&rule, &on(Some(&elsewhere))), Denial::No);
        assert_eq!(denial(&rule, &on(None)), unknown);
        let named = [deny(vec![prod], vec![People::Usergroup("sre".into())])];
        assert_eq!(denial(&named, &on(Some(&account))), unknown);
        assert_eq!(denial(&named, &on(Some(&elsewhere))), Denial::No);
        // A rule that certainly denies outranks one that may.
        let both = [named[0].clone(), Rule { name: "all".into(), ..deny(vec![], vec![]) }];
        assert_eq!(denial(&both, &on(None)), Denial::By { rule: "all".into() });
        assert_eq!(denial(&[Rule::standard("a:1")], &on(None)), Denial::No);
    }
}
