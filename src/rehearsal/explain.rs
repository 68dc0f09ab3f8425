//! Why a request is allowed or not.

use super::play::{Played, Wish, facts_of, play};
use super::table::columns;
use super::{Outcome, Report, words};
use crate::access::{Facts, People, Requirement};
use crate::manifest::{Catalog, FactSheet, describe_people};
use crate::policy::{Allowed, Refused, Rule, Verdict};
use std::fmt::Write as _;

/// Says whether a wish is allowed, by which rules, who could decide, where it would be posted and how
/// long it may wait; and what cannot be known.
pub fn explain(catalog: &Catalog, sheet: Option<&FactSheet>, wish: &Wish) -> Report {
    let played = match play(catalog, sheet, wish) {
        Ok(played) => played,
        Err(why) => return Report { text: format!("error: {why}\n"), outcome: Outcome::Failed },
    };
    let mut out = format!("{}\n\n", headline(&played, wish));
    let unknown = unknown(&played, sheet);
    match &played.verdict {
        Verdict::Allowed(allowed) => {
            let _ = writeln!(out, "{}", sentence(allowed));
        }
        Verdict::Refused(Refused::Unknown { .. }) => {
            let _ = writeln!(
                out,
                "It depends on what is not known here; as long as the bot cannot find it out, the answer is no."
            );
        }
        Verdict::Refused(_) => {
            let why = played.refusal().unwrap_or_default();
            let _ = writeln!(out, "Not allowed. {why}");
        }
    }
    rules(&mut out, &played);
    if let Verdict::Allowed(allowed) = &played.verdict {
        deciders(&mut out, &played, allowed, sheet);
        terms(&mut out, &played, allowed);
    }
    if !unknown.is_empty() {
        out.push('\n');
    }
    for line in unknown {
        let _ = writeln!(out, "unknown: {line}");
    }
    if sheet.is_none() {
        out.push_str(
            "Slack and AWS were not asked; --facts FILE says who is where and how accounts are tagged.\n",
        );
    }
    Report { text: out, outcome: Outcome::Fine }
}

fn headline(played: &Played<'_>, wish: &Wish) -> String {
    let mut text = format!("{} asks with “{}”", wish.asks, played.entry.flow.name);
    if let Some(target) = played.target {
        let _ = write!(text, " for {}", target.name);
    }
    if let Some(account) = played.account_id() {
        let _ = write!(text, " in the account {account}");
    }
    if let Some(duration) = played.duration {
        let _ = write!(text, " for {duration}");
        if !played.entry.flow.durations.contains(&duration) {
            let offered: Vec<String> = played.entry.flow.durations.iter().map(|span| span.short()).collect();
            let _ = write!(text, " (the form offers {})", offered.join(", "));
        }
    }
    if wish.is_emergency {
        text.push_str(", in an emergency");
    }
    text
}

fn sentence(allowed: &Allowed) -> &'static str {
    match (&allowed.emergency, allowed.requirements.is_empty()) {
        (Some(_), _) => "Allowed at once: it is an emergency. Somebody must acknowledge it afterwards.",
        (None, true) => "Allowed at once: nobody needs to be asked.",
        (None, false) => "Allowed once people agree.",
    }
}

fn rules(out: &mut String, played: &Played<'_>) {
    out.push_str("\nrules\n");
    let mut rows = Vec::new();
    for rule in &played.entry.rules {
        let found = played.compared.iter().find(|(there, _)| there.name == rule.name);
        let says = match found {
            None => "not asked: it is for emergencies only".to_owned(),
            Some((_, compared)) if !compared.misses().is_empty() => {
                format!("does not match: {}", words::misses(rule, *compared))
            }
            Some((_, compared)) if !compared.unknown().is_empty() => {
                format!("may match: unknown {}", words::unknown(rule, *compared, played).join(", "))
            }
            Some(_) => format!("matches: {}", matching(rule, played)),
        };
        rows.push(vec![rule.name.clone(), rule.place.clone(), says]);
    }
    out.push_str(&columns(&rows, "  "));
}

fn matching(rule: &Rule, played: &Played<'_>) -> String {
    let mut text = words::decision(rule).to_owned();
    if let Some(limit) = rule.max_duration {
        let _ = write!(text, ", at most {limit}");
    }
    if let Some(cap) = rule.cap {
        let used = played.uses.get(&rule.name).copied().unwrap_or_default();
        let _ = write!(text, ", used {used} of {} times in {}", cap.max_uses, cap.per);
    }
    text
}

fn deciders(out: &mut String, played: &Played<'_>, allowed: &Allowed, sheet: Option<&FactSheet>) {
    let (title, requirements): (&str, &[Requirement]) = match &allowed.emergency {
        Some(emergency) => ("who can acknowledge it", &emergency.skipped),
        None => ("who decides", &allowed.requirements),
    };
    if requirements.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    let mut rows = Vec::new();
    for requirement in requirements {
        let mut says = if allowed.emergency.is_some() {
            describe_people(&requirement.approvers)
        } else {
            words::asked(requirement)
        };
        // In an emergency nobody is waited for, so nobody falls back.
        if let Some(fallback) = requirement.fallback.as_ref().filter(|_| allowed.emergency.is_none()) {
            let when = fallback
                .after
                .map_or_else(|| "when unreachable".to_owned(), |after| format!("after {after}"));
            if !fallback.approvers.is_empty() {
                let _ = write!(says, "; {when} also {}", describe_people(&fallback.approvers));
            }
            if !fallback.notify.is_empty() {
                let _ = write!(says, "; {when} with a card to {}", fallback.notify.join(", "));
            }
        }
        rows.push(vec![requirement.rule.clone(), says]);
    }
    out.push_str(&columns(&rows, "  "));
    let Some(sheet) = sheet else { return };
    let able: Vec<String> = sheet
        .people
        .iter()
        .map(|person| facts_of(played.entry, Some(sheet), &person.email))
        .filter(|facts| played.click(allowed, facts).is_ok())
        .filter_map(|facts| facts.email.map(|email| email.to_string()))
        .collect();
    let able = if able.is_empty() { "nobody".to_owned() } else { able.join(", ") };
    let _ = writeln!(out, "  of the people in the facts file: {able}");
}

fn terms(out: &mut String, played: &Played<'_>, allowed: &Allowed) {
    let places = if allowed.notify.is_empty() {
        played.entry.flow.channel.clone().unwrap_or_else(|| "nowhere: the flow has no channel".to_owned())
    } else {
        allowed.notify.join(", ")
    };
    let _ = writeln!(out, "\nposted to    {places}");
    if !allowed.requirements.is_empty() {
        let _ = writeln!(out, "waits        {} at most", allowed.answer_within);
    }
    if played.duration.is_some() {
        let _ = writeln!(out, "lasts        {}", words::at_most(played.longest));
    }
}

/// What cannot be known, each thing once.
fn unknown(played: &Played<'_>, sheet: Option<&FactSheet>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (rule, compared) in &played.compared {
        if compared.misses().is_empty() {
            all.extend(words::unknown(rule, *compared, played));
        }
    }
    if let Verdict::Allowed(allowed) = &played.verdict {
        let skipped = allowed.emergency.iter().flat_map(|emergency| &emergency.skipped);
        for people in allowed.requirements.iter().chain(skipped).flat_map(|it| &it.approvers) {
            let is_group =
                matches!(people, People::Usergroup(_) | People::IdcGroup(_) | People::ChannelMembers);
            let says = |facts: &Facts| people.names(facts).is_some();
            let named = sheet.iter().flat_map(|sheet| &sheet.people);
            let mut told = named.map(|person| facts_of(played.entry, sheet, &person.email));
            if is_group && !told.any(|facts| says(&facts)) {
                all.push(format!("who is {}", words::among(people, played)));
            }
        }
    }
    let mut once: Vec<String> = Vec::new();
    for line in all {
        if !once.contains(&line) {
            once.push(line);
        }
    }
    once
}
