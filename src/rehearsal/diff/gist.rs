//! What the rules come to for one person, target and account.

use super::universe::Account;
use crate::access::{Facts, Requirement, Span, TargetName};
use crate::manifest::{FlowEntry, describe_people};
use crate::policy::{Allowed, Question, Refused, Verdict, evaluate, longest};
use crate::rehearsal::words;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

/// No, with why; or yes, with how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gist {
    No(String),
    Yes(Terms),
}

/// How something is allowed, without the names of rules: to give a rule another name changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    asks: BTreeSet<String>,
    witnesses: BTreeSet<String>,
    caps: BTreeSet<String>,
    limit: Option<Span>,
    wait: Option<Span>,
    posted: BTreeSet<String>,
}

pub(super) fn gist(
    entry: &FlowEntry,
    target: Option<&TargetName>,
    facts: &Facts,
    account: &Account,
    is_emergency: bool,
) -> Gist {
    let flow = &entry.flow;
    let there = target.and_then(|target| flow.target(target));
    if target.is_some() && there.is_none() {
        return Gist::No("there is no such target".to_owned());
    }
    if is_emergency && !flow.has_emergency {
        return Gist::No("the flow has no emergencies".to_owned());
    }
    if !facts.is_full_member() {
        return Gist::No("guests cannot ask".to_owned());
    }
    let uses = BTreeMap::new();
    let mut question = Question {
        target: there.map(|target| &target.name),
        account_id: account.id.as_deref(),
        account: account.facts.as_ref(),
        duration: flow.asks_duration().then_some(Span::ZERO),
        facts,
        is_emergency,
        uses: &uses,
    };
    let longest = longest(&entry.rules, &question);
    let offered =
        flow.durations.iter().copied().filter(|span| longest.is_none_or(|longest| *span <= longest)).max();
    if flow.asks_duration() {
        question.duration = offered.or(longest);
    }
    match evaluate(&entry.rules, &question) {
        Verdict::Refused(refused) => Gist::No(why(&refused)),
        Verdict::Allowed(_) if flow.asks_duration() && offered.is_none() => {
            Gist::No("no duration that the form offers is short enough".to_owned())
        }
        Verdict::Allowed(allowed) => Gist::Yes(terms(entry, &allowed, offered)),
    }
}

fn why(refused: &Refused) -> String {
    match refused {
        Refused::Denied { rule } => format!("the rule {rule} denies it"),
        Refused::NoRule => "no rule matches".to_owned(),
        Refused::TooLong { rule, limit } => format!("the rule {rule} allows {limit} at most"),
        Refused::UsedUp { rule, .. } => format!("the rule {rule} is used up"),
        Refused::NoEmergency => "no rule lets them".to_owned(),
        Refused::NobodyElse { rule, .. } => format!("nobody could decide under the rule {rule}"),
        Refused::Unknown { rule } => format!("unknown whether the rule {rule} matches"),
    }
}

fn terms(entry: &FlowEntry, allowed: &Allowed, limit: Option<Span>) -> Terms {
    let skipped = allowed.emergency.iter().flat_map(|emergency| &emergency.skipped);
    let capped = entry.rules.iter().filter(|rule| allowed.auto_rules.contains(&rule.name));
    let posted = if allowed.notify.is_empty() {
        entry.flow.channel.iter().cloned().collect()
    } else {
        allowed.notify.iter().cloned().collect()
    };
    Terms {
        asks: allowed.requirements.iter().map(asks).collect(),
        witnesses: skipped.map(|requirement| describe_people(&requirement.approvers)).collect(),
        caps: capped
            .filter_map(|rule| Some(format!("{} times in {}", rule.cap?.max_uses, rule.cap?.per)))
            .collect(),
        limit,
        wait: (!allowed.requirements.is_empty()).then_some(allowed.answer_within),
        posted,
    }
}

fn asks(requirement: &Requirement) -> String {
    let mut text = words::asked(requirement);
    if let Some(fallback) = &requirement.fallback {
        let after =
            fallback.after.map_or_else(|| "when unreachable".to_owned(), |after| format!("after {after}"));
        let mut also = fallback.notify.clone();
        if !fallback.approvers.is_empty() {
            also.insert(0, describe_people(&fallback.approvers));
        }
        let _ = write!(text, " ({after} also {})", also.join(", "));
    }
    text
}

impl Terms {
    fn how(&self) -> String {
        if !self.witnesses.is_empty() {
            return format!(
                "without asking anybody first, acknowledged by {}",
                joined(&self.witnesses, " or ")
            );
        }
        let mut text = if self.asks.is_empty() {
            "without asking anybody".to_owned()
        } else {
            joined(&self.asks, " and ")
        };
        if !self.caps.is_empty() {
            let _ = write!(text, ", {}", joined(&self.caps, ", "));
        }
        text
    }

    /// What is different, aspect by aspect.
    pub(super) fn changes_from(&self, old: &Self) -> Vec<String> {
        let span =
            |span: Option<Span>, none: &str| span.map_or_else(|| none.to_owned(), |span| span.to_string());
        let pairs = [
            ("", self.how(), old.how()),
            (
                "at most ",
                span(self.limit, "until somebody ends it"),
                span(old.limit, "until somebody ends it"),
            ),
            ("waits ", span(self.wait, "for nobody"), span(old.wait, "for nobody")),
            ("posted to ", joined(&self.posted, ", "), joined(&old.posted, ", ")),
        ];
        pairs
            .into_iter()
            .filter(|(_, new, old)| new != old)
            .map(|(what, new, old)| format!("{what}{new} (before: {old})"))
            .collect()
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.how())?;
        self.limit.map_or(Ok(()), |limit| write!(f, ", at most {limit}"))
    }
}

fn joined(all: &BTreeSet<String>, by: &str) -> String {
    all.iter().map(String::as_str).collect::<Vec<_>>().join(by)
}
