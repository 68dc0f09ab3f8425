//! What a card says about where its request stands: one arm for each status.

use super::rules::{Wait, who_decides};
use super::words::{
    approved_how, machine_said, made_shorter, sentence, what, what_and_how_long, who, why_ended,
};
use super::{block, button, emergency};
use crate::access::{AccessRequest, Cause, Removal, Status, Timestamp};
use crate::slack::mrkdwn::{date, quote, user};
use serde_json::Value;

const WAITING: &str = ":hourglass_flowing_sand:";
const GIVEN: &str = ":white_check_mark:";
const SAID_NO: &str = ":no_entry:";
const OVER: &str = ":lock:";
const FAILED: &str = ":warning:";

/// Longest quote of a comment or of AWS.
pub(super) const QUOTE: usize = 1500;

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
        let nobody = request.terms.requirements.is_empty() && request.terms.emergency.is_none();
        let how = approved_how(request).map(|how| format!("Approved {how}."));
        self.lines.extend(how.or_else(|| nobody.then(|| "No approval was needed.".to_owned())));
        self.comments(request)
    }

    /// What approvers said, each under their name.
    fn comments(mut self, request: &AccessRequest) -> Self {
        let commented = request.approvals.iter().filter_map(|a| Some((a, a.comment.as_deref()?)));
        for (approval, comment) in commented.take(3) {
            self.lines.push(format!("{}:\n{}", user(&approval.by.user), quote(comment, QUOTE)));
        }
        self
    }
}

/// Where the request stands.
pub(super) fn of(request: &AccessRequest) -> State {
    emergency::marked(request, standing(request))
}

fn standing(request: &AccessRequest) -> State {
    let (who, what) = (who(request), what(request));
    match &request.status {
        Status::Identifying { .. } => {
            State::new(WAITING, format!("{who} requests {}", what_and_how_long(request)))
                .line("Finding out who they are in AWS.")
        }
        Status::Pending { since, answer_by, .. } => {
            pending(request, Wait { since: *since, answer_by: *answer_by })
        }
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

fn pending(request: &AccessRequest, wait: Wait) -> State {
    let headline = format!("{} requests {}", who(request), what_and_how_long(request));
    let mut state = State::new(WAITING, headline).line(who_decides(request, wait)).comments(request);
    state.lines.extend(made_shorter(request));
    let end = match (&request.target, request.duration) {
        (None, _) => "",
        (Some(_), Some(duration)) => &format!(" Access ends {duration} after AWS has confirmed it."),
        (Some(_), None) => " Access has no set end: somebody has to end it.",
    };
    state = state.small(format!("Answer by {}, or the request lapses.{end}", date(wait.answer_by)));
    if request.terms.include_decision_message {
        state = state.control(button::comment());
    }
    state.controls.extend(button::shorten(request));
    state.control(button::decide(request))
}

fn granting(request: &AccessRequest, provisional_end: Option<Timestamp>) -> State {
    let mut state =
        State::new(WAITING, format!("{} is getting {}", who(request), what_and_how_long(request)))
            .approvals(request);
    state.lines.extend(made_shorter(request));
    state = state.line("Waiting for AWS.");
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
    state.lines.extend(made_shorter(request));
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
    let is_failure = matches!(
        end.cause,
        Cause::GrantFailed { .. } | Cause::GrantTimedOut { .. } | Cause::RemovedByHand { restoring: Some(_) }
    );
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
    state.lines.extend(approved_how(request).map(|how| format!("Approved {how}.")));
    if button::has_sessions(request) && end.began.is_some() && end.removal == Removal::SeenAbsent {
        state = state.small("A session opened before can go on until it expires by itself.");
    }
    let held = end.began.map(|began| format!(", after {}", end.at.since(began))).unwrap_or_default();
    state.small(format!("Ended {}{held}", date(end.at)))
}

/// The blocks of a state, in order.
pub(super) fn blocks(state: State) -> Vec<Value> {
    let lines = state.lines.iter().map(|line| block::section(line));
    let small = state.small.iter().map(|line| block::context(line));
    lines.chain(small).chain(state.controls).collect()
}
