//! What a card says about where its request stands: one arm for each status.

use super::words::{
    approved_by, bold, capital, machine_said, people, sentence, what, what_and_how_long, who, why_ended,
};
use super::{block, button};
use crate::access::{AccessRequest, Cause, Removal, Requirement, Status, Timestamp};
use crate::slack::mrkdwn::{cut, date, quote, user};
use serde_json::Value;

const WAITING: &str = ":hourglass_flowing_sand:";
const GIVEN: &str = ":white_check_mark:";
const SAID_NO: &str = ":no_entry:";
const OVER: &str = ":lock:";
const FAILED: &str = ":warning:";

/// Longest quote of a comment or of AWS.
const QUOTE: usize = 1500;
/// Rules listed one by one.
const RULES: usize = 6;

/// What a card says besides what was asked.
pub(super) struct State {
    pub(super) emoji: &'static str,
    /// Who and what, in one sentence without a full stop.
    pub(super) headline: String,
    /// Paragraphs below the answers.
    pub(super) lines: Vec<String>,
    /// Small print below them.
    pub(super) small: Vec<String>,
    /// Buttons, while they apply.
    pub(super) controls: Vec<Value>,
}

impl State {
    fn new(emoji: &'static str, headline: String) -> Self {
        Self { emoji, headline, lines: Vec::new(), small: Vec::new(), controls: Vec::new() }
    }

    fn line(mut self, text: impl Into<String>) -> Self {
        self.lines.push(text.into());
        self
    }

    fn small(mut self, text: impl Into<String>) -> Self {
        self.small.push(text.into());
        self
    }

    fn control(mut self, block: Value) -> Self {
        self.controls.push(block);
        self
    }

    fn quoted(self, text: Option<&str>) -> Self {
        match text.filter(|text| !text.trim().is_empty()) {
            Some(text) => self.line(quote(text, QUOTE)),
            None => self,
        }
    }

    fn approvals(mut self, request: &AccessRequest) -> Self {
        if request.approvals.is_empty() {
            let nobody = request.terms.requirements.is_empty();
            return if nobody { self.line("No approval was needed.") } else { self };
        }
        self.lines.push(format!("Approved by {}.", approved_by(request)));
        let commented = request.approvals.iter().filter_map(|a| Some((a, a.comment.as_deref()?)));
        for (approval, comment) in commented.take(3) {
            self.lines.push(format!("{}:\n{}", user(&approval.by.user), quote(comment, QUOTE)));
        }
        self
    }
}

/// Where the request stands.
pub(super) fn of(request: &AccessRequest) -> State {
    let (who, what) = (who(request), what(request));
    match &request.status {
        Status::Identifying { .. } => {
            State::new(WAITING, format!("{who} requests {}", what_and_how_long(request)))
                .line("Finding out who they are in AWS.")
        }
        Status::Pending { answer_by } => pending(request, *answer_by),
        Status::Granting { provisional_end, .. } => granting(request, *provisional_end),
        Status::Active { ends_at, .. } => active(request, *ends_at),
        Status::Ending { cause, began: None, .. } => State::new(FAILED, format!("{who} did not get {what}"))
            .line(format!("Why: {}. Making sure that nothing is left.", why_ended(request, cause, false)))
            .quoted(machine_said(cause)),
        Status::Ending { cause, .. } => State::new(WAITING, format!("{what} is being taken from {who}"))
            .line(format!("Why: {}. AWS is taking it back.", why_ended(request, cause, false))),
        Status::Refused { why, at } => State::new(SAID_NO, format!("{who} cannot get {what} this way"))
            .line(sentence(why))
            .small(format!("Refused {}", date(*at))),
        Status::Denied { by, at, comment } => {
            State::new(SAID_NO, format!("{} denied {who}'s request for {what}", user(&by.user)))
                .quoted(comment.as_deref())
                .small(format!("Denied {}", date(*at)))
        }
        Status::Withdrawn { at } => State::new(OVER, format!("{who} took the request for {what} back"))
            .small(format!("Withdrawn {}", date(*at))),
        Status::Lapsed { at } => State::new(OVER, format!("Nobody answered when {who} requested {what}"))
            .line("The request has lapsed and can no longer be approved.")
            .small(format!("Lapsed {}", date(*at))),
        Status::Approved { at } => State::new(GIVEN, format!("{who} may go ahead: {what}"))
            .approvals(request)
            .small(format!("Approved {}", date(*at))),
        Status::AlreadyHeld { at } => State::new(GIVEN, format!("{who} already had {what}"))
            .line("Nothing was changed and nothing will be removed.")
            .small(format!("Seen {}", date(*at))),
        Status::Ended { cause, at, removal, began } => {
            ended(request, &Ended { cause, at: *at, removal: *removal, began: *began })
        }
    }
}

fn pending(request: &AccessRequest, answer_by: Timestamp) -> State {
    let headline = format!("{} requests {}", who(request), what_and_how_long(request));
    let mut state = State::new(WAITING, headline);
    if !request.approvals.is_empty() {
        state = state.approvals(request);
    }
    state = state.line(who_decides(request));
    let end = match (&request.target, request.duration) {
        (None, _) => "",
        (Some(_), Some(duration)) => &format!(" Access ends {duration} after AWS has confirmed it."),
        (Some(_), None) => " Access has no set end: somebody has to end it.",
    };
    state = state.small(format!("Answer by {}, or the request lapses.{end}", date(answer_by)));
    if request.terms.include_decision_message {
        state = state.control(button::comment());
    }
    state.control(button::decide(request))
}

fn granting(request: &AccessRequest, provisional_end: Option<Timestamp>) -> State {
    let mut state =
        State::new(WAITING, format!("{} is getting {}", who(request), what_and_how_long(request)))
            .approvals(request)
            .line("Waiting for AWS.");
    if let Some(end) = provisional_end {
        state = state.small(format!("Ends {} at the latest", date(end)));
    }
    with_revoke(request, state)
}

fn active(request: &AccessRequest, ends_at: Option<Timestamp>) -> State {
    let until = match ends_at {
        Some(end) => format!(" until {}", date(end)),
        None => ", with no set end".to_owned(),
    };
    let mut state =
        State::new(GIVEN, format!("{} has {}{until}", who(request), what(request))).approvals(request);
    if button::has_sessions(request) {
        state = state.small("A session that is open at the end can go on until it expires by itself.");
    }
    with_revoke(request, state)
}

fn with_revoke(request: &AccessRequest, state: State) -> State {
    if request.terms.allow_revoke { state.control(button::revoke(request, "Revoke")) } else { state }
}

struct Ended<'a> {
    cause: &'a Cause,
    at: Timestamp,
    removal: Removal,
    began: Option<Timestamp>,
}

fn ended(request: &AccessRequest, end: &Ended<'_>) -> State {
    let (who, what) = (who(request), what(request));
    let is_failure = matches!(end.cause, Cause::GrantFailed { .. } | Cause::GrantTimedOut { .. });
    let headline = match end.removal {
        Removal::StillClaimed => format!("{who} keeps {what} through another request; this one has ended"),
        Removal::NeverGiven => format!("{who} did not get {what}"),
        Removal::SeenAbsent if end.began.is_none() => format!("{who} did not get {what}"),
        Removal::SeenAbsent => format!("{who} no longer has {what}"),
    };
    let proof = match (end.removal, end.began) {
        (Removal::SeenAbsent, Some(_)) => " AWS was read afterwards: it is gone.",
        (Removal::SeenAbsent, None) => " AWS was read afterwards: nothing is left.",
        (Removal::StillClaimed, _) => "",
        (Removal::NeverGiven, _) => " Nothing was given in AWS.",
    };
    let mut state = State::new(if is_failure { FAILED } else { OVER }, headline)
        .line(format!("Why: {}.{proof}", why_ended(request, end.cause, false)))
        .quoted(machine_said(end.cause));
    if !request.approvals.is_empty() {
        state.lines.push(format!("Approved by {}.", approved_by(request)));
    }
    if button::has_sessions(request) && end.began.is_some() && end.removal == Removal::SeenAbsent {
        state = state.small("A session opened before can go on until it expires by itself.");
    }
    let held = end.began.map(|began| format!(", after {}", end.at.since(began))).unwrap_or_default();
    state.small(format!("Ended {}{held}", date(end.at)))
}

/// Who may press, and how many of them it takes.
fn who_decides(request: &AccessRequest) -> String {
    match request.terms.requirements.as_slice() {
        [] => "No approval is needed.".to_owned(),
        [only] => {
            let names = deciders(request, only, 1500);
            let rule = bold(&only.rule);
            let count = match only.min_approvals {
                0 | 1 => String::new(),
                needed => format!("{} of {needed} approvals so far. ", given(request, only)),
            };
            format!("{count}{} can approve or deny (rule {rule}).", capital(&names))
        }
        all => {
            let mut lines = vec!["Each of these rules must be satisfied:".to_owned()];
            lines.extend(all.iter().take(RULES).map(|rule| {
                let names = deciders(request, rule, 250);
                let (given, needed) = (given(request, rule), rule.min_approvals);
                format!("• {}: {given} of {needed} approvals so far, from {names}", bold(&rule.rule))
            }));
            if all.len() > RULES {
                lines.push(format!("• and {} more", all.len() - RULES));
            }
            lines.join("\n")
        }
    }
}

fn deciders(request: &AccessRequest, requirement: &Requirement, max: usize) -> String {
    cut(&people(&requirement.approvers, request.terms.channel.as_deref()), max)
}

fn given(request: &AccessRequest, requirement: &Requirement) -> usize {
    request.approvals.iter().filter(|approval| approval.rules.contains(&requirement.rule)).count()
}

/// The blocks of a state, in order.
pub(super) fn blocks(state: State) -> Vec<Value> {
    let lines = state.lines.iter().map(|line| block::section(line));
    let small = state.small.iter().map(|line| block::context(line));
    lines.chain(small).chain(state.controls).collect()
}
