//! Access that was taken in an emergency: loud until somebody else has acknowledged it.

use super::state::{QUOTE, State};
use super::words::{bold, joined, names_of};
use super::button;
use crate::access::{AccessRequest, Emergency, People};
use crate::slack::mrkdwn::{cut, date, quote, user};

pub(super) const LOUD: &str = ":rotating_light:";

/// The state of a card with what must be known about an emergency; as it is when there is none.
pub(super) fn marked(request: &AccessRequest, mut state: State) -> State {
    let Some(emergency) = &request.terms.emergency else { return state };
    state.headline = format!("*Emergency:* {}", state.headline);
    let mut lines = vec![format!(
        "Nobody was asked first: the rule {} allows that in an emergency. {}",
        bold(&emergency.rule),
        passed_over(request, emergency)
    )];
    if let Some(by) = &emergency.acknowledged {
        lines.push(format!("Acknowledged by {} {}.", user(&by.by.user), date(by.at)));
        lines.extend(by.comment.as_deref().map(|comment| quote(comment, QUOTE)));
    } else if request.owes_acknowledgement() {
        state.emoji = LOUD;
        lines.push("One of them must acknowledge it here.".to_owned());
        state.controls.insert(0, button::acknowledge(request));
        if request.terms.include_decision_message {
            state.controls.insert(0, button::comment());
        }
    }
    lines.append(&mut state.lines);
    state.lines = lines;
    state
}

/// Who would have been asked, in a sentence.
pub(super) fn passed_over(request: &AccessRequest, emergency: &Emergency) -> String {
    let own = request.requester.email.as_ref();
    let mut all: Vec<People> = Vec::new();
    for people in emergency.skipped.iter().flat_map(|rule| &rule.approvers) {
        let is_own = own.is_some_and(|own| *people == People::User(own.clone()));
        if !is_own && !all.contains(people) {
            all.push(people.clone());
        }
    }
    let names = joined(names_of(&all, request.terms.channel.as_deref()), "and");
    if names.is_empty() { String::new() } else { format!("Passed over: {}.", cut(&names, 1000)) }
}
