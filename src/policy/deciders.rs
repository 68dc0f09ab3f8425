//! Whether anybody could decide on a request at all: nobody should wait for hours for somebody who is
//! not there.

use super::{Allowed, Refused};
use crate::access::Requirement;
use std::collections::BTreeMap;

/// How many people could decide, as far as it was found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bench {
    /// How many beside the requester, counted until there are enough.
    pub others: usize,
    /// The requester is one of them.
    pub has_requester: bool,
    /// There may be more: everybody may decide, or it could not be found out.
    pub may_be_more: bool,
}

/// Who could decide under one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Those who are asked first.
    pub first: Bench,
    /// Those together with whom the rule's `fallback` names; the same without one.
    pub later: Bench,
}

impl Bench {
    /// Whether they may be enough for a requirement.
    pub fn may_do(self, requirement: &Requirement) -> bool {
        self.is_enough(requirement.min_approvals, requirement.allow_self)
    }

    /// Whether they may be enough for so many approvals.
    pub fn is_enough(self, min_approvals: u32, allow_self: bool) -> bool {
        self.may_be_more || self.count(allow_self) >= min_approvals as usize
    }

    fn count(self, allow_self: bool) -> usize {
        self.others + usize::from(allow_self && self.has_requester)
    }
}

impl Allowed {
    /// The same with the further people of a rule asked at once, where the first ones certainly cannot
    /// decide. A rule about which nothing is known stays as it is.
    ///
    /// # Errors
    /// Nobody could ever satisfy one of the rules.
    pub fn with_deciders(mut self, known: &BTreeMap<String, Standing>) -> Result<Self, Refused> {
        let mut further: Vec<String> = Vec::new();
        for requirement in &mut self.requirements {
            let Some(standing) = known.get(&requirement.rule) else { continue };
            if standing.first.may_do(requirement) {
                continue;
            }
            if !standing.later.may_do(requirement) {
                return Err(Refused::NobodyElse {
                    rule: requirement.rule.clone(),
                    needed: requirement.min_approvals,
                    others: standing.later.count(requirement.allow_self),
                    has_requester: standing.later.has_requester && !requirement.allow_self,
                });
            }
            further.extend(requirement.fall_back());
        }
        for destination in further {
            if !self.notify.contains(&destination) {
                self.notify.push(destination);
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Email, Fallback, People, Span};
    use crate::policy::{DEFAULT_ANSWER_WITHIN, Rule};

    fn user(handle: &str) -> People {
        People::User(Email::new(&format!("{handle}@example.com")))
    }

    fn bench(others: usize, has_requester: bool, may_be_more: bool) -> Bench {
        Bench { others, has_requester, may_be_more }
    }

    /// What comes of one requirement: allowed as it is, allowed with the fallback, or not.
    fn outcome(min_approvals: u32, allow_self: bool, has_fallback: bool, benches: [Bench; 2]) -> String {
        let fallback = Fallback {
            after: Some(Span::minutes(20)),
            notify: vec!["#security".into()],
            approvers: vec![user("cy")],
            is_used: false,
        };
        let rule = Rule {
            name: "prod".into(),
            approvers: vec![user("bo")],
            min_approvals,
            allow_self,
            fallback: has_fallback.then_some(fallback),
            ..Rule::standard("a.hcl:1")
        };
        let allowed = Allowed {
            requirements: vec![rule.requirement()],
            answer_within: DEFAULT_ANSWER_WITHIN,
            notify: vec![],
            rules: vec!["prod".into()],
            auto_rules: vec![],
            emergency: None,
        };
        let standing = Standing { first: benches[0], later: benches[1] };
        match allowed.clone().with_deciders(&BTreeMap::from([("prod".to_owned(), standing)])) {
            Ok(same) if same == allowed => "as it is".to_owned(),
            Ok(other) => {
                assert_eq!(other.requirements[0].approvers, [user("bo"), user("cy")]);
                assert!(other.requirements[0].fallback.as_ref().unwrap().is_used);
                assert_eq!(other.notify, ["#security"]);
                "with the fallback".to_owned()
            }
            Err(refused) => refused.sentence(),
        }
    }

    #[test]
    fn nobody_waits_for_people_who_are_not_there() {
        let (own, other, nobody, unknown) =
            (bench(0, true, false), bench(1, false, false), bench(0, false, false), bench(0, true, true));
        let table = [
            ("another", outcome(1, false, false, [other, other])),
            ("unknown", outcome(1, false, false, [unknown, unknown])),
            ("oneself, in writing", outcome(1, true, false, [own, own])),
            ("oneself and another, in writing", outcome(2, true, false, [bench(1, true, false); 2])),
            ("further people", outcome(1, false, true, [own, bench(1, true, false)])),
            ("further people, perhaps", outcome(1, false, true, [nobody, unknown])),
            ("oneself", outcome(1, false, false, [own, own])),
            ("oneself, also later", outcome(1, false, true, [own, own])),
            ("nobody", outcome(1, false, false, [nobody, nobody])),
            ("oneself, not named, in writing", outcome(1, true, false, [nobody, nobody])),
            ("one of two", outcome(2, false, false, [bench(1, true, false); 2])),
            ("two of three", outcome(3, false, false, [bench(2, false, false); 2])),
            ("oneself of two, in writing", outcome(2, true, false, [own, own])),
        ];
        let lines: Vec<String> = table.iter().map(|(what, comes)| format!("{what}: {comes}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        another: as it is
        unknown: as it is
        oneself, in writing: as it is
        oneself and another, in writing: as it is
        further people: with the fallback
        further people, perhaps: with the fallback
        oneself: Only you could decide on this under the rule “prod”, and nobody decides on their own request. Ask the people who look after the flow to name somebody else who can approve.
        oneself, also later: Only you could decide on this under the rule “prod”, and nobody decides on their own request. Ask the people who look after the flow to name somebody else who can approve.
        nobody: Nobody could decide on this: everybody whom the rule “prod” asks has left or cannot be found. Ask the people who look after the flow to name somebody else who can approve.
        oneself, not named, in writing: Nobody could decide on this: everybody whom the rule “prod” asks has left or cannot be found. Ask the people who look after the flow to name somebody else who can approve.
        one of two: The rule “prod” needs 2 approvals, and only one person beside you could give any. Ask the people who look after the flow to name somebody else who can approve.
        two of three: The rule “prod” needs 3 approvals, and only 2 people could give any. Ask the people who look after the flow to name somebody else who can approve.
        oneself of two, in writing: The rule “prod” needs 2 approvals, and only one person could give any. Ask the people who look after the flow to name somebody else who can approve.
        ");
    }

    #[test]
    fn a_rule_about_which_nothing_is_known_stays_as_it_is() {
        let rule = Rule { approvers: vec![user("bo")], ..Rule::standard("a.hcl:1") };
        let allowed = Allowed {
            requirements: vec![rule.requirement()],
            answer_within: DEFAULT_ANSWER_WITHIN,
            notify: vec![],
            rules: vec!["standard".into()],
            auto_rules: vec![],
            emergency: None,
        };
        assert_eq!(allowed.clone().with_deciders(&BTreeMap::new()), Ok(allowed));
    }
}
