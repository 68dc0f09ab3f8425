//! Values on offer: how Slack's selects carry them, and how they come back.

use crate::slack::message::block::{line, plain};
use crate::slack::mrkdwn;
use serde_json::{Value, json};

/// Options Slack takes in one list; over it, they are fetched while typing.
pub(super) const MOST: usize = 100;
/// Longest label of an option.
const LABEL: usize = 75;
/// Longest value of an option.
const VALUE: usize = 150;

/// One value on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// What is meant.
    pub(super) value: String,
    /// What is read.
    pub(super) label: String,
}

impl Choice {
    pub(super) fn new(value: &str, label: &str) -> Self {
        let label = if label.trim().is_empty() { value } else { label };
        Self { value: value.to_owned(), label: label.to_owned() }
    }

    /// An AWS account: of a long name the id stays readable.
    pub(super) fn account(id: &str, name: &str) -> Self {
        let room = LABEL.saturating_sub(mrkdwn::length(id) + 3);
        Self { value: id.to_owned(), label: format!("{} ({id})", line(name, room)) }
    }
}

/// The choices without those whose value was there before: Slack refuses a list that repeats one.
pub(super) fn distinct(choices: impl Iterator<Item = Choice>) -> Vec<Choice> {
    let mut seen = std::collections::BTreeSet::new();
    choices.filter(|choice| !choice.value.trim().is_empty() && seen.insert(choice.value.clone())).collect()
}

/// A choice as Slack's value: itself, or a beginning with its number when it is too long.
fn wire(number: usize, choice: &Choice) -> String {
    if mrkdwn::length(&choice.value) <= VALUE {
        choice.value.clone()
    } else {
        format!("{}#{number}", mrkdwn::cut(&choice.value, VALUE - 10))
    }
}

/// The value that came back from Slack, if it is on offer. Slack may have escaped it on the way.
pub(super) fn resolve<'a>(choices: &'a [Choice], given: &str) -> Option<&'a str> {
    let given = given.trim();
    let plain = given.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let find = |text: &str| choices.iter().enumerate().find(|(n, choice)| wire(*n, choice).trim() == text);
    find(given).or_else(|| find(&plain)).map(|(_, choice)| choice.value.as_str())
}

fn option(number: usize, choice: &Choice) -> Value {
    json!({ "text": plain(&choice.label, LABEL), "value": wire(number, choice) })
}

fn options_of<'a>(
    choices: &'a [Choice],
    wanted: impl Fn(&Choice) -> bool + 'a,
) -> impl Iterator<Item = Value> + 'a {
    choices.iter().enumerate().filter(move |(_, choice)| wanted(choice)).map(|(n, choice)| option(n, choice))
}

/// A select for one value; over `most` choices it fetches them.
pub(super) fn select(id: &str, choices: &[Choice], initial: Option<&str>, most: usize) -> Value {
    let mut element = json!({ "action_id": id });
    if choices.len() > most {
        element["type"] = json!("external_select");
        element["min_query_length"] = json!(0);
        element["placeholder"] = plain("Type to search", 150);
    } else {
        element["type"] = json!("static_select");
        element["options"] = options_of(choices, |_| true).collect();
        element["placeholder"] = plain("Choose one", 150);
    }
    if let Some(initial) =
        initial.and_then(|value| options_of(choices, move |choice| choice.value == value).next())
    {
        element["initial_option"] = initial;
    }
    element
}

/// A select for several values; over `most` choices it fetches them.
pub(super) fn multi_select(id: &str, choices: &[Choice], initial: &[String], most: usize) -> Value {
    let mut element = json!({ "action_id": id });
    if choices.len() > most {
        element["type"] = json!("multi_external_select");
        element["min_query_length"] = json!(0);
        element["placeholder"] = plain("Type to search", 150);
    } else {
        element["type"] = json!("multi_static_select");
        element["options"] = options_of(choices, |_| true).collect();
        element["placeholder"] = plain("Choose some", 150);
    }
    let initial: Vec<Value> =
        options_of(choices, |choice| initial.contains(&choice.value)).take(MOST).collect();
    if !initial.is_empty() {
        element["initial_options"] = Value::Array(initial);
    }
    element
}

/// The answer to `block_suggestion`: the choices whose label or value contains the query, whatever
/// the case.
pub(super) fn suggestions(choices: &[Choice], query: &str) -> Value {
    let query = query.trim().to_lowercase();
    let fits = |choice: &Choice| {
        choice.label.to_lowercase().contains(&query) || choice.value.to_lowercase().contains(&query)
    };
    json!({ "options": options_of(choices, fits).take(MOST).collect::<Vec<_>>() })
}
