//! What those who can act are told without having asked: a reminder, and that access was taken in an
//! emergency.

use super::Message;
use super::emergency::{LOUD, passed_over};
use super::words::{bold, joined, what_and_how_long, who};
use crate::access::{AccessRequest, Audience, Card, Email, People, Requirement, Status, Timestamp};
use crate::slack::mrkdwn::{cut, date, destination};

/// The request still waits for this audience.
pub(super) fn reminder(request: &AccessRequest, to: &Audience, answer_by: Timestamp) -> Message {
    let since = match request.status {
        Status::Pending { since, .. } => since,
        _ => request.made_at,
    };
    let named = rules_naming(request.open_requirements(), to);
    let why = if named.is_empty() { String::new() } else { format!(" You are asked by {named}.") };
    Message::of(&[
        format!(
            ":hourglass_flowing_sand: {} still waits for an answer: {}, requested {}.{why}",
            who(request),
            what_and_how_long(request),
            date(since),
        ),
        format!("Approve or deny it {}. It lapses {}.", on_the_card(request, to), date(answer_by)),
    ])
}

/// Access is being taken without asking this audience.
pub(super) fn glass_broken(request: &AccessRequest, to: &Audience, rule: &str) -> Message {
    let first = format!(
        "{LOUD} *Emergency:* {} takes {} without asking anybody first (rule {}).",
        who(request),
        what_and_how_long(request),
        bold(rule),
    );
    let emergency = request.terms.emergency.as_ref();
    let named = emergency.map(|it| rules_naming(it.skipped.iter(), to)).unwrap_or_default();
    let place = on_the_card(request, to);
    let second = if named.is_empty() {
        match emergency.and_then(|it| passed_over(request, it)) {
            Some(people) => format!("Passed over: {people}. One of them must acknowledge it {place}."),
            None => format!("Somebody else must acknowledge it {place}."),
        }
    } else {
        format!(
            "You would have been asked by {named}. You, or somebody else who would have been asked, must \
             acknowledge it {place}."
        )
    };
    Message::of(&[first, second])
}

/// The rules that name the person this goes to; empty when it goes to a channel.
fn rules_naming<'a>(rules: impl Iterator<Item = &'a Requirement>, to: &Audience) -> String {
    let Audience::Channel(name) = to else { return String::new() };
    let Some(address) = name.strip_prefix("user:") else { return String::new() };
    let person = People::User(Email::new(address));
    let named = rules.filter(|rule| rule.approvers.contains(&person));
    joined(named.map(|rule| format!("rule {}", bold(&rule.rule))).collect(), "and")
}

/// Where the buttons are, for whoever reads this.
fn on_the_card(request: &AccessRequest, to: &Audience) -> String {
    let there = || request.cards.iter().filter(|card| card.failed.is_none());
    if there().any(|card| matches!(to, Audience::Channel(name) if *name == card.destination)) {
        return "on the card in this conversation".to_owned();
    }
    match there().find(|card| is_channel(card)) {
        Some(card) => {
            let place = card.place.as_ref().map_or(card.destination.as_str(), |place| place.channel.as_str());
            format!("on the card in {}", cut(&destination(place), 100))
        }
        None => "on its card".to_owned(),
    }
}

fn is_channel(card: &Card) -> bool {
    let place = card.place.as_ref().map_or(card.destination.as_str(), |place| place.channel.as_str());
    place.starts_with(['#', 'C', 'G'])
}
