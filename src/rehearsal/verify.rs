//! Tests of the rules: what a table says must happen, and what does.

use super::play::{Played, Wish, facts_of, play};
use super::{Outcome, Report, words};
use crate::access::{Email, People, Refusal};
use crate::manifest::{Catalog, Expect, FactSheet, TestCase, TestFile, describe_people};
use crate::policy::{Allowed, Refused, Verdict};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Runs every test.
pub fn verify(catalog: &Catalog, files: &[TestFile]) -> Report {
    let (mut out, mut passed, mut failed) = (String::new(), 0, 0);
    for file in files {
        for case in &file.cases {
            let wrong = check(catalog, &file.facts, case);
            if wrong.is_empty() {
                passed += 1;
                continue;
            }
            failed += 1;
            let _ = writeln!(out, "FAILED {}\n  at {}", case.name, case.place);
            for line in wrong {
                let _ = writeln!(out, "  {line}");
            }
            out.push('\n');
        }
    }
    let _ = writeln!(out, "{passed} passed, {failed} failed");
    let outcome = if failed == 0 && passed > 0 { Outcome::Fine } else { Outcome::Failed };
    Report { text: out, outcome }
}

/// Everything in which a test does not hold.
fn check(catalog: &Catalog, sheet: &FactSheet, case: &TestCase) -> Vec<String> {
    let wish = Wish {
        asks: case.asks.clone(),
        flow: case.flow.clone(),
        target: case.target.clone(),
        account: case.account.clone(),
        duration: case.duration,
        is_emergency: case.is_emergency,
        uses: case.uses.clone(),
        fields: std::collections::BTreeMap::new(),
    };
    let played = match play(catalog, Some(sheet), &wish) {
        Ok(played) => played,
        Err(why) => return vec![why],
    };
    let mut wrong = Vec::new();
    for rule in case.uses.keys().chain(case.rules.iter().flatten()) {
        if !played.entry.rules.iter().any(|there| there.name == *rule) {
            wrong.push(format!("the flow `{}` has no rule `{rule}`", case.flow));
        }
    }
    let got = outcome(&played);
    if got != case.expect {
        let because = played.refusal().map(|why| format!(": {why}")).unwrap_or_default();
        wrong.push(format!("expected {}, got {}{because}", case.expect.name(), got.name()));
        wrong.extend(account_of(&played));
    }
    if let (Some(because), Some(told)) = (&case.because, played.refusal())
        && !told.contains(because)
    {
        wrong.push(format!("expected a refusal because “{because}”, got: {told}"));
    }
    if let Some(expected) = &case.rules {
        let matched: BTreeSet<&str> = matched(&played).into_iter().collect();
        let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        if matched != expected {
            wrong.push(format!("expected the rules {} to match, got {}", names(&expected), names(&matched)));
        }
    }
    if let Some(expected) = case.max_duration
        && played.longest != Some(expected)
    {
        wrong.push(format!("expected at most {expected}, got {}", words::at_most(played.longest)));
    }
    check_people(&mut wrong, &played, sheet, case);
    wrong
}

fn outcome(played: &Played<'_>) -> Expect {
    match &played.verdict {
        Verdict::Refused(Refused::Denied { .. }) => Expect::Deny,
        Verdict::Refused(_) => Expect::Refuse,
        Verdict::Allowed(allowed) if allowed.emergency.is_some() => Expect::BreakGlass,
        Verdict::Allowed(allowed) if allowed.requirements.is_empty() => Expect::Auto,
        Verdict::Allowed(_) => Expect::Ask,
    }
}

fn matched<'p>(played: &'p Played<'_>) -> Vec<&'p str> {
    let hits = played.compared.iter().filter(|(_, it)| it.misses().is_empty() && it.unknown().is_empty());
    hits.map(|(rule, _)| rule.name.as_str()).collect()
}

fn names(names: &BTreeSet<&str>) -> String {
    super::play::listed(&names.iter().copied().collect::<Vec<_>>())
}

/// Which rules had to do with it, with their places.
fn account_of(played: &Played<'_>) -> Vec<String> {
    let says = |(rule, compared): &(&crate::policy::Rule, crate::policy::Match)| {
        let unknown = words::unknown(rule, *compared, played);
        if !compared.misses().is_empty() {
            None
        } else if unknown.is_empty() {
            Some(format!("  {} matches and {}: {}", rule.name, words::decision(rule), rule.place))
        } else {
            Some(format!("  {} may match, unknown is {}: {}", rule.name, unknown.join(", "), rule.place))
        }
    };
    played.compared.iter().filter_map(says).collect()
}

fn check_people(wrong: &mut Vec<String>, played: &Played<'_>, sheet: &FactSheet, case: &TestCase) {
    let Verdict::Allowed(allowed) = &played.verdict else {
        let asks = case.approvers.is_some() || !case.can_approve.is_empty();
        if asks && matches!(case.expect, Expect::Ask | Expect::BreakGlass) {
            wrong.push("so nobody is asked".to_owned());
        }
        return;
    };
    if let Some(expected) = &case.approvers {
        let expected: BTreeSet<&People> = expected.iter().collect();
        let named: BTreeSet<&People> = asked(allowed).into_iter().collect();
        if expected != named {
            let (expected, named) = (owned(&expected), owned(&named));
            wrong.push(format!("expected the approvers {expected}, got {named}"));
        }
    }
    for (emails, expects) in [(&case.can_approve, true), (&case.cannot_approve, false)] {
        for email in emails {
            let answer = played.click(allowed, &facts_of(played.entry, Some(sheet), email));
            let verb = if allowed.emergency.is_some() { "acknowledge" } else { "approve" };
            match (answer, expects) {
                (Ok(()), false) => wrong.push(format!("{email} can {verb} this, and must not")),
                (Err(refusal), true) => {
                    wrong.push(format!("{email} cannot {verb} this: {}", reason(&refusal, email)));
                }
                (Ok(()), true) | (Err(_), false) => {}
            }
        }
    }
}

fn asked(allowed: &Allowed) -> Vec<&People> {
    let skipped = allowed.emergency.iter().flat_map(|emergency| &emergency.skipped);
    allowed.requirements.iter().chain(skipped).flat_map(|it| &it.approvers).collect()
}

fn owned(people: &BTreeSet<&People>) -> String {
    let people: Vec<People> = people.iter().map(|people| (*people).clone()).collect();
    if people.is_empty() { "nobody".to_owned() } else { describe_people(&people) }
}

fn reason(refusal: &Refusal, email: &Email) -> String {
    match refusal {
        Refusal::OwnRequest => "it is their own request".to_owned(),
        Refusal::Guest => format!("{email} is a guest"),
        Refusal::NotApprover { approvers } => format!("the approvers are {}", describe_people(approvers)),
        Refusal::RightUnknown => "the facts do not say whether they are among the approvers".to_owned(),
        Refusal::Decided { .. } => "nobody is asked".to_owned(),
        other => format!("{other:?}"),
    }
}
