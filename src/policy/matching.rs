//! Which requests a rule is about.

use super::{AccountFacts, AccountSelector, Question, Rule};
use crate::access::{People, TargetName};

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// What is asked for.
    Target,
    /// In which account.
    Account,
    /// By whom.
    Requester,
}

/// Whether a rule is about a request, aspect by aspect; `None` where that cannot be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The target is one of the rule's.
    pub target: bool,
    /// The account is one of the rule's.
    pub account: Option<bool>,
    /// The requester is one of the rule's.
    pub requester: Option<bool>,
}

impl Match {
    /// What keeps the rule from matching.
    pub fn misses(self) -> Vec<Aspect> {
        self.with(Some(false))
    }

    /// What could not be found out.
    pub fn unknown(self) -> Vec<Aspect> {
        self.with(None)
    }

    fn with(self, answer: Option<bool>) -> Vec<Aspect> {
        let all = [
            (Aspect::Target, Some(self.target)),
            (Aspect::Account, self.account),
            (Aspect::Requester, self.requester),
        ];
        all.into_iter().filter(|(_, there)| *there == answer).map(|(aspect, _)| aspect).collect()
    }
}

impl Rule {
    /// Whether the rule binds this request; `None` when that cannot be found out. One aspect that
    /// certainly does not fit settles it, whatever is unknown.
    pub fn matches(&self, question: &Question<'_>) -> Option<bool> {
        if !self.is_about_target(question.target) {
            return Some(false);
        }
        match self.is_about_account(question.account_id, question.account) {
            Some(false) => Some(false),
            account => match self.is_about_requester(question) {
                Some(true) => account,
                requester => requester,
            },
        }
    }

    /// The same, aspect by aspect.
    pub fn compare(&self, question: &Question<'_>) -> Match {
        Match {
            target: self.is_about_target(question.target),
            account: self.is_about_account(question.account_id, question.account),
            requester: self.is_about_requester(question),
        }
    }

    pub(super) fn is_about_target(&self, target: Option<&TargetName>) -> bool {
        self.targets.is_empty() || target.is_some_and(|target| self.targets.contains(target))
    }

    fn is_about_requester(&self, question: &Question<'_>) -> Option<bool> {
        if self.requesters.is_empty() {
            return Some(question.facts.is_full_member());
        }
        any(self.requesters.iter().map(|people: &People| people.names(question.facts)))
    }

    pub(super) fn is_about_account(&self, id: Option<&str>, account: Option<&AccountFacts>) -> Option<bool> {
        if self.accounts.is_empty() {
            return Some(true);
        }
        let Some(id) = id else { return Some(false) };
        any(self.accounts.iter().map(|selector| match (selector, account) {
            (AccountSelector::Id(wanted), _) => Some(wanted == id),
            (AccountSelector::Ou(unit), Some(account)) => Some(account.units.contains(unit)),
            (AccountSelector::Tag { key, value }, Some(account)) => {
                Some(account.tags.get(key) == Some(value))
            }
            (AccountSelector::Ou(_) | AccountSelector::Tag { .. }, None) => None,
        }))
    }
}

/// Whether any answer is yes; `None` when none is and not all are known.
fn any(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_unknown = false;
    for answer in answers {
        match answer {
            Some(true) => return Some(true),
            Some(false) => {}
            None => is_unknown = true,
        }
    }
    if is_unknown { None } else { Some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_tells_what_does_not_fit_from_what_is_not_known() {
        let told = |target, account, requester| {
            let found = Match { target, account, requester };
            (found.misses(), found.unknown())
        };
        use Aspect::{Account, Requester, Target};
        assert_eq!(told(true, Some(true), Some(true)), (vec![], vec![]));
        assert_eq!(told(false, None, Some(true)), (vec![Target], vec![Account]));
        assert_eq!(told(true, Some(false), None), (vec![Account], vec![Requester]));
        assert_eq!(told(false, Some(false), Some(false)), (vec![Target, Account, Requester], vec![]));
    }
}
