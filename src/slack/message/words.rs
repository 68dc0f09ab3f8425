//! The phrases that cards, notices and refusals share.

use crate::access::{AccessRequest, Approval, Cause, People, Person, Span};
use crate::slack::mrkdwn;

/// People named in one list before the rest is counted.
const NAMED: usize = 6;

/// What a request is about: its target, or its flow when it grants nothing.
pub(super) fn subject(request: &AccessRequest) -> &str {
    request.target.as_ref().map_or(request.flow_label.as_str(), |target| target.label.as_str())
}

/// The subject in bold.
pub(super) fn what(request: &AccessRequest) -> String {
    bold(subject(request))
}

/// Text from people or manifests in bold.
pub(super) fn bold(text: &str) -> String {
    let text = mrkdwn::cut(&mrkdwn::inline(text), 150);
    if text.is_empty() { "*–*".to_owned() } else { format!("*{text}*") }
}

/// The subject and for how long.
pub(super) fn what_and_how_long(request: &AccessRequest) -> String {
    match request.duration {
        Some(duration) => format!("{} for {duration}", what(request)),
        None => what(request),
    }
}

/// The requester.
pub(super) fn who(request: &AccessRequest) -> String {
    mrkdwn::user(&request.requester.user)
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: &[String], and: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}

/// Those who approved, as mentions.
pub(super) fn approved_by<'a>(approvals: impl Iterator<Item = &'a Approval>) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in approvals.map(|approval| mrkdwn::user(&approval.by.user)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    joined(names, "and")
}

/// By whom or by what it was approved; `None` when nobody and no rule has.
pub(super) fn approved_how(request: &AccessRequest) -> Option<String> {
    if !request.approvals.is_empty() {
        return Some(format!("by {}", approved_by(request.approvals.iter())));
    }
    let rules: Vec<String> = request.terms.auto_rules.iter().map(|rule| bold(rule)).collect();
    let noun = if rules.len() == 1 { "rule" } else { "rules" };
    (!rules.is_empty()).then(|| format!("by the {noun} {}", joined(rules, "and")))
}

/// What an approver has made of the duration, in a sentence.
pub(super) fn made_shorter(request: &AccessRequest) -> Option<String> {
    let (asked, given) = request.asked_duration.zip(request.duration)?;
    Some(format!("An approver shortened it from {asked} to {given}."))
}

/// Those who may decide, as a manifest names them.
pub(super) fn people(people: &[People], channel: Option<&str>) -> String {
    joined(names_of(people, channel), "or")
}

/// People as a manifest names them, one by one.
pub(super) fn names_of(people: &[People], channel: Option<&str>) -> Vec<String> {
    let names = people.iter().map(|people| match people {
        People::User(email) => mrkdwn::inline(email.as_str()),
        People::Usergroup(handle) => format!("@{}", mrkdwn::inline(handle.trim_start_matches('@'))),
        People::IdcGroup(name) => format!("the Identity Center group {}", bold(name)),
        People::Everyone => "every full member of this workspace".to_owned(),
        People::ChannelMembers => match channel {
            Some(channel) => format!("members of {}", mrkdwn::destination(channel)),
            None => "members of the flow's channel".to_owned(),
        },
    });
    names.map(|name| mrkdwn::cut(&name, 200)).collect()
}

/// Names in one list, of which the first few are told.
pub(super) fn joined(mut names: Vec<String>, and: &str) -> String {
    let rest = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    if rest > 0 {
        names.push(format!("{rest} more"));
    }
    listed(&names, and)
}

/// A list of people at the beginning of a sentence; addresses and handles stay as they are.
pub(super) fn capital(names: &str) -> String {
    for (small, capital) in
        [("members ", "Members "), ("the ", "The "), ("every ", "Every "), ("this ", "This ")]
    {
        if let Some(rest) = names.strip_prefix(small) {
            return format!("{capital}{rest}");
        }
    }
    names.to_owned()
}

/// Why a claim ended, as the second half of a sentence. `to_requester` speaks to the requester.
pub(super) fn why_ended(request: &AccessRequest, cause: &Cause, to_requester: bool) -> String {
    match cause {
        Cause::TimeUp => time_is_up(request.duration),
        Cause::Revoked { by } if is_requester(request, by) && to_requester => "you gave it back".to_owned(),
        Cause::Revoked { by } if is_requester(request, by) => format!("{} gave it back", who(request)),
        Cause::Revoked { by } => format!("{} ended it early", mrkdwn::user(&by.user)),
        Cause::Admin { because, .. } => {
            format!("it was ended early by an operator: {}", sentence(because.trim().trim_end_matches('.')))
        }
        Cause::RemovedByHand { restoring: None } => "somebody removed it in AWS".to_owned(),
        Cause::RemovedByHand { restoring: Some(_) } => {
            "somebody removed it in AWS, and AWS did not give it again".to_owned()
        }
        Cause::GrantFailed { .. } => "AWS could not grant it".to_owned(),
        Cause::GrantTimedOut { .. } => {
            format!("AWS did not confirm it within {}", crate::access::GRANT_WINDOW)
        }
    }
}

fn time_is_up(duration: Option<Span>) -> String {
    let Some(duration) = duration else { return "its time is up".to_owned() };
    let words = duration.to_string();
    match words.strip_prefix("1 ") {
        Some(unit) if !unit.contains(' ') => format!("its {unit} is up"),
        _ => format!("its {words} are up"),
    }
}

/// What a machine said about a claim that ended, if it said anything.
pub(super) fn machine_said(cause: &Cause) -> Option<&str> {
    match cause {
        Cause::GrantFailed { why } | Cause::RemovedByHand { restoring: Some(why) } => Some(why),
        Cause::GrantTimedOut { last } => last.as_deref(),
        Cause::TimeUp
        | Cause::Revoked { .. }
        | Cause::Admin { .. }
        | Cause::RemovedByHand { restoring: None } => None,
    }
}

pub(super) fn is_requester(request: &AccessRequest, person: &Person) -> bool {
    request.is_requester(&person.user, person.email.as_ref())
}

/// A sentence of ours that came from elsewhere in the bot: kept as it is, made safe.
pub(super) fn sentence(text: &str) -> String {
    mrkdwn::prose(text, 2000)
}
