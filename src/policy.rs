//! Says who may ask for what, for how long, and who may decide; explains why. Pure.
//!
//! Meaning, in four sentences. **Every rule that matches the request binds** (targets, accounts and
//! requesters all match); order plays no part. One matching `deny` refuses. Otherwise each matching
//! rule must be satisfied by its own approvers, the shortest `max_duration` and `answer_within` hold,
//! and `auto` counts as satisfied. No matching rule means no.

use crate::access::{Facts, People, Requirement, Span, TargetName};

/// How long a request waits for people when no rule says otherwise.
pub const DEFAULT_ANSWER_WITHIN: Span = Span::hours(8);

/// One `rule` block of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The block's label.
    pub name: String,
    /// Where it stands: `manifests/prod.hcl:12`.
    pub place: String,
    /// The targets it is about; empty means every target of the strategy.
    pub targets: Vec<TargetName>,
    /// The accounts it is about; empty means any.
    pub accounts: Vec<String>,
    /// Who may ask under it; empty means every full member.
    pub requesters: Vec<People>,
    /// The longest access it allows.
    pub max_duration: Option<Span>,
    /// Who may decide.
    pub approvers: Vec<People>,
    /// How many different people must approve.
    pub min_approvals: u32,
    /// Whether the requester may be one of them.
    pub allow_self: bool,
    /// Where the card goes; empty means the flow's channel.
    pub notify: Vec<String>,
    /// How long the request may wait for people.
    pub answer_within: Option<Span>,
    /// What it decides by itself.
    pub decision: Decision,
}

/// What a rule decides by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// People decide.
    Ask,
    /// Nobody needs to be asked.
    Auto,
    /// Nobody gets it.
    Deny,
}

impl Rule {
    /// The safe rule of a flow without any: every full member may ask, the members of the flow's
    /// channel decide, one approval, never one's own.
    pub fn standard(place: impl Into<String>) -> Self {
        Self {
            name: "standard".to_owned(),
            place: place.into(),
            targets: Vec::new(),
            accounts: Vec::new(),
            requesters: Vec::new(),
            max_duration: None,
            approvers: vec![People::ChannelMembers],
            min_approvals: 1,
            allow_self: false,
            notify: Vec::new(),
            answer_within: None,
            decision: Decision::Ask,
        }
    }

    fn is_about(&self, question: &Question<'_>) -> bool {
        let target = self.targets.is_empty()
            || question.target.is_some_and(|target| self.targets.contains(target));
        let account = self.accounts.is_empty()
            || question.account_id.is_some_and(|id| self.accounts.iter().any(|account| account == id));
        target && account
    }

    /// `None` when Slack could not say whether they are among the requesters.
    fn lets_ask(&self, facts: &Facts) -> Option<bool> {
        if self.requesters.is_empty() {
            Some(facts.is_full_member())
        } else {
            People::any_names(&self.requesters, facts)
        }
    }
}

/// What is asked of the rules.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The target; `None` in an approval-only flow.
    pub target: Option<&'a TargetName>,
    /// The account, where the resource is about one.
    pub account_id: Option<&'a str>,
    /// How long; `None` in a flow without timed removal.
    pub duration: Option<Span>,
    /// Who asks.
    pub facts: &'a Facts,
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// People (or nobody, when `requirements` is empty) must be asked.
    Allowed(Allowed),
    /// No.
    Refused(Refused),
}

/// A request that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// What must be satisfied, all of it.
    pub requirements: Vec<Requirement>,
    /// How long it may wait for people.
    pub answer_within: Span,
    /// Where the card goes; empty means the flow's channel.
    pub notify: Vec<String>,
    /// The rules that matched, by name.
    pub rules: Vec<String>,
}

/// Why a request may not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A matching rule denies it.
    Denied {
        /// The rule.
        rule: String,
    },
    /// No rule lets this person ask for this.
    NoRule,
    /// Longer than a matching rule allows.
    TooLong {
        /// The rule with the shortest limit.
        rule: String,
        /// The longest it allows.
        limit: Span,
    },
    /// Slack could not say whether a rule applies to this person: no, until it can.
    Unknown {
        /// The rule.
        rule: String,
    },
}

impl Refused {
    /// What the person who asks is told.
    pub fn sentence(&self) -> String {
        match self {
            Self::Denied { rule } => format!("The rule “{rule}” of this flow lets nobody have this."),
            Self::NoRule => "No rule of this flow lets you ask for this. If you should be able to, ask the \
                             people who look after the flow to add a rule for you."
                .to_owned(),
            Self::TooLong { rule, limit } => {
                format!("That is longer than the rule “{rule}” allows, which is {limit} at most.")
            }
            Self::Unknown { rule } => format!(
                "I could not find out whether the rule “{rule}” is about you, because Slack did not say who \
                 is in the channel. Please try again in a minute; if it stays so, the bot may have to be \
                 invited to the channel."
            ),
        }
    }
}

/// Decides what the rules say to a question.
pub fn evaluate(rules: &[Rule], question: &Question<'_>) -> Verdict {
    let about: Vec<&Rule> = rules.iter().filter(|rule| rule.is_about(question)).collect();
    let unknown = about.iter().find(|rule| rule.lets_ask(question.facts).is_none());
    if let Some(rule) = unknown {
        return Verdict::Refused(Refused::Unknown { rule: rule.name.clone() });
    }
    let matching: Vec<&Rule> =
        about.into_iter().filter(|rule| rule.lets_ask(question.facts) == Some(true)).collect();
    if let Some(rule) = matching.iter().find(|rule| rule.decision == Decision::Deny) {
        return Verdict::Refused(Refused::Denied { rule: rule.name.clone() });
    }
    if matching.is_empty() {
        return Verdict::Refused(Refused::NoRule);
    }
    if let Some((limit, rule)) = shortest(&matching)
        && question.duration.is_none_or(|duration| duration > limit)
    {
        return Verdict::Refused(Refused::TooLong { rule: rule.name.clone(), limit });
    }
    Verdict::Allowed(allowed(&matching))
}

/// The longest access that the rules would let this question have, whatever duration it names; `None`
/// means no limit.
pub fn longest(rules: &[Rule], question: &Question<'_>) -> Option<Span> {
    let matching: Vec<&Rule> = rules
        .iter()
        .filter(|rule| rule.is_about(question) && rule.lets_ask(question.facts) == Some(true))
        .collect();
    shortest(&matching).map(|(limit, _)| limit)
}

fn shortest<'a>(rules: &[&'a Rule]) -> Option<(Span, &'a Rule)> {
    rules.iter().filter_map(|rule| Some((rule.max_duration?, *rule))).min_by_key(|(limit, _)| *limit)
}

fn allowed(matching: &[&Rule]) -> Allowed {
    let mut notify: Vec<String> = Vec::new();
    for destination in matching.iter().flat_map(|rule| &rule.notify) {
        if !notify.contains(destination) {
            notify.push(destination.clone());
        }
    }
    Allowed {
        requirements: matching
            .iter()
            .filter(|rule| rule.decision == Decision::Ask)
            .map(|rule| Requirement {
                rule: rule.name.clone(),
                approvers: rule.approvers.clone(),
                min_approvals: rule.min_approvals,
                allow_self: rule.allow_self,
            })
            .collect(),
        answer_within: matching
            .iter()
            .filter_map(|rule| rule.answer_within)
            .min()
            .unwrap_or(DEFAULT_ANSWER_WITHIN),
        notify,
        rules: matching.iter().map(|rule| rule.name.clone()).collect(),
    }
}
