//! The rules of a waiting request: who has approved, who still may, and who is asked when they do not
//! answer.

use super::words::{approved_by, bold, capital, joined, listed, names_of, people};
use crate::access::{AccessRequest, Approval, Fallback, People, Requirement, Timestamp};
use crate::slack::mrkdwn::{cut, date, destination};

/// Rules listed one by one.
const RULES: usize = 6;
/// Longest list of people where several rules stand below each other.
const BESIDE: usize = 200;
/// Longest list of people of a single rule.
const ALONE: usize = 1000;

/// How long a request waits.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    pub(super) since: Timestamp,
    pub(super) answer_by: Timestamp,
}

/// Who may press, how many of them it takes, and why they are asked.
pub(super) fn who_decides(request: &AccessRequest, wait: Wait) -> String {
    match request.terms.requirements.as_slice() {
        [] => "No approval is needed.".to_owned(),
        [only] => {
            let names = capital(&deciders(request, only, ALONE));
            let count = match only.min_approvals {
                0 | 1 => String::new(),
                _ => format!("{}. ", so_far(request, only)),
            };
            let further = further(request, only, wait, ALONE);
            format!("{count}{names} can approve or deny (rule {}).{further}", bold(&only.rule))
        }
        all => {
            let (open, satisfied): (Vec<&Requirement>, Vec<&Requirement>) =
                all.iter().partition(|rule| is_open(request, rule));
            let open = open.into_iter().map(|rule| {
                let (so_far, names) = (so_far(request, rule), deciders(request, rule, BESIDE));
                let further = further(request, rule, wait, BESIDE);
                format!("• {}: {so_far}. {} can approve or deny.{further}", bold(&rule.rule), capital(&names))
            });
            let satisfied = satisfied.into_iter().map(|rule| {
                format!("• {}: satisfied by {}", bold(&rule.rule), approved_by(given(request, rule)))
            });
            let mut lines = vec!["Each of these rules must be satisfied:".to_owned()];
            lines.extend(open.chain(satisfied).take(RULES));
            if all.len() > RULES {
                lines.push(format!("• and {} more", all.len() - RULES));
            }
            lines.join("\n")
        }
    }
}

/// `1 of 2 approvals so far: @bo`
fn so_far(request: &AccessRequest, rule: &Requirement) -> String {
    let count = given(request, rule).count();
    let names = if count == 0 { String::new() } else { format!(": {}", approved_by(given(request, rule))) };
    format!("{count} of {} approvals so far{names}", rule.min_approvals)
}

fn given<'a>(request: &'a AccessRequest, rule: &'a Requirement) -> impl Iterator<Item = &'a Approval> {
    request.approvals.iter().filter(|approval| approval.rules.contains(&rule.rule))
}

fn is_open(request: &AccessRequest, rule: &Requirement) -> bool {
    request.open_requirements().any(|open| open.rule == rule.rule)
}

/// Those who were asked first; those who are asked too are named apart.
fn deciders(request: &AccessRequest, rule: &Requirement, max: usize) -> String {
    let is_own = |people: &People| matches!(people, People::User(email) if !rule.allow_self && request.requester.email.as_ref() == Some(email));
    let is_further = |people: &People| {
        rule.fallback.as_ref().is_some_and(|further| further.is_used && further.approvers.contains(people))
    };
    let kept = |wanted: &dyn Fn(&People) -> bool| -> Vec<People> {
        rule.approvers.iter().filter(|people| wanted(people)).cloned().collect()
    };
    let first = kept(&|people| !is_own(people) && !is_further(people));
    let named = if first.is_empty() { kept(&|people| !is_own(people)) } else { first };
    let named = if named.is_empty() { rule.approvers.clone() } else { named };
    cut(&people(&named, request.terms.channel.as_deref()), max)
}

/// Who is asked too, or will be; as a further sentence.
fn further(request: &AccessRequest, rule: &Requirement, wait: Wait, max: usize) -> String {
    let Some(fallback) = &rule.fallback else { return String::new() };
    let whom = cut(&whom(request, fallback), max);
    match fallback.after.map(|after| wait.since + after) {
        _ if fallback.is_used => format!(" Asked too: {whom}."),
        Some(at) if at < wait.answer_by => {
            format!(" If it is still open {}, the bot also asks {whom}.", date(at))
        }
        Some(_) => String::new(),
        None => format!(" If they cannot be reached, the bot asks {whom}."),
    }
}

fn whom(request: &AccessRequest, fallback: &Fallback) -> String {
    if fallback.approvers.is_empty() {
        let places: Vec<String> = fallback.notify.iter().map(|name| cut(&destination(name), 100)).collect();
        return format!("in {}", listed(&places, "and"));
    }
    joined(names_of(&fallback.approvers, request.terms.channel.as_deref()), "and")
}
