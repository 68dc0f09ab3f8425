//! Why a request is allowed or not.

use super::play::{Played, Wish, facts_of, play};
use super::table::columns;
use super::{Outcome, Report, words};
use crate::access::{Facts, People, Requirement};
use crate::manifest::{Catalog, FactSheet, describe_people};
use crate::policy::{Allowed, Refused, Rule, Verdict};
use std::fmt::Write as _;

/// What Slack and AWS say beside what is known of the requester and the account.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Everybody whom the rules that ask name, as far as they were looked up.
    pub people: Vec<Facts>,
    /// How many more there are.
    pub unread: usize,
    /// Look-ups that failed, a sentence each.
    pub failures: Vec<String>,
    /// Why AWS would refuse, whatever the rules say: it does not know the requester.
    pub stranger_to_aws: Option<String>,
}

/// Where what is known comes from.
#[derive(Clone, Copy)]
enum Source<'a> {
    Nothing,
    Sheet(&'a FactSheet),
    Live(&'a Live),
}

impl Source<'_> {
    /// The people about whom something is known.
    fn people(self, played: &Played<'_>) -> Vec<Facts> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Sheet(sheet) => {
                sheet.people.iter().map(|it| facts_of(played.entry, Some(sheet), &it.email)).collect()
            }
            Self::Live(live) => live.people.clone(),
        }
    }
}

/// Says whether a wish is allowed, by which rules, who could decide, where it would be posted and how
/// long it may wait; and what cannot be known. Nothing but the facts file is asked.
pub fn explain(catalog: &Catalog, sheet: Option<&FactSheet>, wish: &Wish) -> Report {
    match play(catalog, sheet, wish) {
        Ok(played) => tell(&played, wish, sheet.map_or(Source::Nothing, Source::Sheet)),
        Err(why) => Report { text: format!("error: {why}\n"), outcome: Outcome::Failed },
    }
}

/// The same with what Slack and AWS say.
pub fn explain_live(played: &Played<'_>, wish: &Wish, live: &Live) -> Report {
    tell(played, wish, Source::Live(live))
}

/// Yes, no, or that it cannot be told.
fn outcome(played: &Played<'_>, source: Source<'_>) -> Outcome {
    let is_stranger = matches!(source, Source::Live(live) if live.stranger_to_aws.is_some());
    match &played.verdict {
        Verdict::Refused(Refused::Unknown { .. }) => Outcome::Failed,
        Verdict::Allowed(_) if !is_stranger && is_offered(played) => Outcome::Fine,
        Verdict::Allowed(_) | Verdict::Refused(_) => Outcome::No,
    }
}

/// Whether the form has the duration at all.
fn is_offered(played: &Played<'_>) -> bool {
    played.duration.is_none_or(|duration| played.entry.flow.durations.contains(&duration))
}

fn tell(played: &Played<'_>, wish: &Wish, source: Source<'_>) -> Report {
    let mut out = format!("{}\n\n", headline(played, wish));
    let unknown = unknown(played, source);
    match &played.verdict {
        Verdict::Allowed(_) if !is_offered(played) => {
            let offered: Vec<String> = played.entry.flow.durations.iter().map(|span| span.short()).collect();
            let _ = writeln!(
                out,
                "Nobody can ask for that: the form offers {} only. The rules alone would allow it.",
                offered.join(", ")
            );
        }
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
    if let Source::Live(Live { stranger_to_aws: Some(why), .. }) = source {
        let _ = writeln!(out, "AWS would not take it: {why}");
    }
    rules(&mut out, played);
    if let Verdict::Allowed(allowed) = &played.verdict {
        deciders(&mut out, played, allowed, source);
        terms(&mut out, played, allowed);
    }
    account(&mut out, played, source);
    if !unknown.is_empty() {
        out.push('\n');
    }
    for line in unknown {
        let _ = writeln!(out, "unknown: {line}");
    }
    match source {
        Source::Nothing => {
            let _ = writeln!(
                out,
                "Slack and AWS were not asked, and {} is taken for a full member. --facts FILE says who is where and \
                 how accounts are tagged; with SLACK_BOT_TOKEN and AWS credentials in the environment they are asked.",
                wish.asks
            );
        }
        Source::Sheet(_) => {}
        Source::Live(live) => {
            for failure in &live.failures {
                let _ = writeln!(out, "not answered: {failure}");
            }
        }
    }
    Report { text: out, outcome: outcome(played, source) }
}

/// What AWS said about the account.
fn account(out: &mut String, played: &Played<'_>, source: Source<'_>) {
    let (Source::Live(_), Some(account)) = (source, &played.account) else { return };
    let tags: Vec<String> = account.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let tags = if tags.is_empty() { "none".to_owned() } else { tags.join(", ") };
    let _ = writeln!(out, "\naccount {} is in {}; tags: {tags}", account.id, account.units.join(", "));
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

fn deciders(out: &mut String, played: &Played<'_>, allowed: &Allowed, source: Source<'_>) {
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
    let people = source.people(played);
    match source {
        Source::Nothing => {}
        Source::Sheet(_) => {
            let _ = writeln!(out, "  of the people in the facts file: {}", able(played, allowed, &people));
        }
        Source::Live(live) => {
            out.push_str("\nright now\n");
            let mut rows = Vec::new();
            for requirement in requirements {
                let mut says = able(played, &alone(allowed, requirement), &people);
                if live.unread > 0 {
                    let _ =
                        write!(says, " (and perhaps some of {} more who were not looked up)", live.unread);
                }
                rows.push(vec![requirement.rule.clone(), says]);
            }
            out.push_str(&columns(&rows, "  "));
        }
    }
}

/// The same with one requirement only.
fn alone(allowed: &Allowed, requirement: &Requirement) -> Allowed {
    let mut alone = allowed.clone();
    match &mut alone.emergency {
        Some(emergency) => emergency.skipped.retain(|it| it == requirement),
        None => alone.requirements.retain(|it| it == requirement),
    }
    alone
}

/// Those of the people whose click would count.
fn able(played: &Played<'_>, allowed: &Allowed, people: &[Facts]) -> String {
    let able: Vec<String> = people
        .iter()
        .filter(|facts| played.click(allowed, facts).is_ok())
        .map(|facts| facts.email.as_ref().map_or_else(|| facts.user.to_string(), ToString::to_string))
        .collect();
    if able.is_empty() { "nobody".to_owned() } else { able.join(", ") }
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
fn unknown(played: &Played<'_>, source: Source<'_>) -> Vec<String> {
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
            let told = source.people(played);
            let is_told = told.iter().any(|facts| people.names(facts).is_some());
            // Where Slack and AWS were asked, what failed is said by itself.
            if is_group && !is_told && !matches!(source, Source::Live(_)) {
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
