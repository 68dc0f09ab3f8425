//! Access that was taken in an emergency: loud until somebody else has acknowledged it.

use super::button;
use super::state::{QUOTE, State};
use super::words::{bold, joined, names_of};
use crate::access::{AccessRequest, Emergency, People, Status};
use crate::slack::mrkdwn::{cut, date, quote, user};

pub(super) const LOUD: &str = ":rotating_light:";

/// The state of a card with what must be known about an emergency; as it is when there is none.
pub(super) fn marked(request: &AccessRequest, mut state: State) -> State {
    let Some(emergency) = &request.terms.emergency else { return state };
    state.headline = format!("*Emergency:* {}", state.headline);
    let names = passed_over(request, emergency);
    let passed_over = names.as_ref().map(|names| format!(" Passed over: {names}.")).unwrap_or_default();
    let rule = bold(&emergency.rule);
    let first = format!("Nobody was asked first: the rule {rule} allows that in an emergency.{passed_over}");
    state.lines.insert(0, first);
    if let Some(by) = &emergency.acknowledged {
        state.lines.push(format!("Acknowledged by {} {}.", user(&by.by.user), date(by.at)));
        state.lines.extend(by.comment.as_deref().map(|comment| quote(comment, QUOTE)));
    } else if request.owes_acknowledgement() {
        state.emoji = LOUD;
        let somebody = if names.is_some() { "One of them" } else { "Somebody else" };
        state.lines.push(format!("{somebody} must acknowledge it here."));
        button::acknowledge(request, &mut state.controls);
        let has_comment = matches!(request.status, Status::Pending { .. });
        if request.terms.include_decision_message && !has_comment {
            state.controls.insert(0, button::comment());
        }
    }
    state
}

/// Who would have been asked, beside the requester; `None` when nobody else.
pub(super) fn passed_over(request: &AccessRequest, emergency: &Emergency) -> Option<String> {
    let own = request.requester.email.as_ref();
    let mut all: Vec<People> = Vec::new();
    for people in emergency.skipped.iter().flat_map(|rule| &rule.approvers) {
        let is_own = own.is_some_and(|own| *people == People::User(own.clone()));
        if !is_own && !all.contains(people) {
            all.push(people.clone());
        }
    }
    let names = joined(names_of(&all, request.terms.channel.as_deref()), "and");
    (!names.is_empty()).then(|| cut(&names, 1000))
}
