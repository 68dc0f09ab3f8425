//! Weighs the rules that match a request against each other.

use super::{Allowed, DEFAULT_ANSWER_WITHIN, Decision, Question, Refused, Rule, Verdict};
use crate::access::{Emergency, Requirement, Span};

/// Decides what the rules say to a question.
pub fn evaluate(rules: &[Rule], question: &Question<'_>) -> Verdict {
    match weigh(rules, question) {
        Ok(allowed) => Verdict::Allowed(allowed),
        Err(refused) => Verdict::Refused(refused),
    }
}

/// A rule for emergencies is asked in emergencies only.
fn is_asked(rule: &Rule, question: &Question<'_>) -> bool {
    question.is_emergency || rule.decision != Decision::BreakGlass
}

fn weigh(rules: &[Rule], question: &Question<'_>) -> Result<Allowed, Refused> {
    let mut matching: Vec<&Rule> = Vec::new();
    let mut unknown: Option<&Rule> = None;
    for rule in rules.iter().filter(|rule| is_asked(rule, question)) {
        match rule.matches(question) {
            Some(true) => matching.push(rule),
            Some(false) => {}
            None => unknown = unknown.or(Some(rule)),
        }
    }
    // A denial stands whatever the others would say; nothing else does while one rule is unknown.
    if let Some(rule) = matching.iter().find(|rule| rule.decision == Decision::Deny) {
        return Err(Refused::Denied { rule: rule.name.clone() });
    }
    if let Some(rule) = unknown {
        return Err(Refused::Unknown { rule: rule.name.clone() });
    }
    let glass = matching.iter().find(|rule| rule.decision == Decision::BreakGlass);
    if question.is_emergency && glass.is_none() {
        return Err(Refused::NoEmergency);
    }
    if matching.is_empty() {
        return Err(Refused::NoRule);
    }
    if let Some((limit, rule)) = shortest(&matching)
        && question.duration.is_none_or(|duration| duration > limit)
    {
        return Err(Refused::TooLong { rule: rule.name.clone(), limit });
    }
    match glass {
        Some(glass) => in_an_emergency(&matching, glass, question),
        None => by_asking(&matching, question),
    }
}

/// The longest access that the rules would let this question have, whatever duration it names; `None`
/// means no limit.
pub fn longest(rules: &[Rule], question: &Question<'_>) -> Option<Span> {
    let matching: Vec<&Rule> = rules
        .iter()
        .filter(|rule| is_asked(rule, question) && rule.matches(question) == Some(true))
        .collect();
    shortest(&matching).map(|(limit, _)| limit)
}

fn shortest<'a>(rules: &[&'a Rule]) -> Option<(Span, &'a Rule)> {
    rules.iter().filter_map(|rule| Some((rule.max_duration?, *rule))).min_by_key(|(limit, _)| *limit)
}

fn by_asking(matching: &[&Rule], question: &Question<'_>) -> Result<Allowed, Refused> {
    let mut requirements = Vec::new();
    let mut auto_rules = Vec::new();
    for rule in matching {
        match (rule.decision, rule.cap) {
            (Decision::Ask, _) => requirements.push(rule.requirement()),
            (Decision::Auto, Some(cap)) if rule.is_used_up(question) => {
                // Beyond its cap an automatic rule asks its approvers, if it names any.
                if rule.approvers.is_empty() {
                    return Err(Refused::UsedUp { rule: rule.name.clone(), cap });
                }
                requirements.push(rule.requirement());
            }
            (Decision::Auto, _) => auto_rules.push(rule.name.clone()),
            (Decision::Deny | Decision::BreakGlass, _) => {}
        }
    }
    Ok(Allowed { requirements, auto_rules, ..common(matching, question) })
}

fn in_an_emergency(matching: &[&Rule], glass: &Rule, question: &Question<'_>) -> Result<Allowed, Refused> {
    let skipped: Vec<Requirement> = matching
        .iter()
        .filter(|rule| !rule.approvers.is_empty())
        .map(|rule| Requirement { allow_self: false, ..rule.requirement() })
        .collect();
    if skipped.is_empty() {
        // Nobody could acknowledge it afterwards.
        return Err(Refused::NoEmergency);
    }
    let emergency = Emergency { rule: glass.name.clone(), skipped, acknowledged: None };
    // Nobody is asked first, so no rule says how long to wait.
    let answer_within = DEFAULT_ANSWER_WITHIN;
    Ok(Allowed { emergency: Some(emergency), answer_within, ..common(matching, question) })
}

/// What holds however the decision is made.
fn common(matching: &[&Rule], question: &Question<'_>) -> Allowed {
    // Each rule that asks has its own time, the default too: a further rule with a long one must not
    // make the others wait longer.
    let wait = |rule: &&Rule| {
        let asks = match rule.decision {
            Decision::Ask => true,
            Decision::Auto => rule.is_used_up(question),
            Decision::BreakGlass | Decision::Deny => false,
        };
        rule.answer_within.or(asks.then_some(DEFAULT_ANSWER_WITHIN))
    };
    let mut notify: Vec<String> = Vec::new();
    for destination in matching.iter().flat_map(|rule| &rule.notify) {
        if !notify.contains(destination) {
            notify.push(destination.clone());
        }
    }
    Allowed {
        requirements: Vec::new(),
        answer_within: matching.iter().filter_map(wait).min().unwrap_or(DEFAULT_ANSWER_WITHIN),
        notify,
        rules: matching.iter().map(|rule| rule.name.clone()).collect(),
        auto_rules: Vec::new(),
        emergency: None,
    }
}

impl Rule {
    pub(super) fn requirement(&self) -> Requirement {
        Requirement {
            rule: self.name.clone(),
            approvers: self.approvers.clone(),
            min_approvals: self.min_approvals,
            allow_self: self.allow_self,
            notify: self.notify.clone(),
            fallback: self.fallback.clone(),
        }
    }

    /// Whether an `auto` rule has been used up by this person.
    fn is_used_up(&self, question: &Question<'_>) -> bool {
        let used = question.uses.get(&self.name).copied().unwrap_or_default();
        self.cap.is_some_and(|cap| used >= cap.max_uses)
    }
}
