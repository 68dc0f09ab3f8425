//! The fields of a modal as Slack's client treats them: what can be put in, what must be.
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Person, View};
use super::{limits, views};

/// What Slack says under a required field that is empty.
pub(super) const REQUIRED: &str = "Please complete this required field.";

/// The field a person means: by label, action id, block id, or `block_id/action_id`.
pub(super) fn field<'a>(view: &'a View, name: &str) -> Option<(&'a Value, &'a Value)> {
    let blocks = &view.json["blocks"];
    let all = views::elements(blocks);
    let label = |block: &Value| -> String {
        let given = if block["type"] == "input" { &block["label"] } else { &block["text"] };
        let text = given["text"].as_str().unwrap_or_default();
        text.trim_matches(|c: char| "*: ".contains(c)).to_lowercase()
    };
    let wanted = name.trim_matches(|c: char| "*: ".contains(c)).to_lowercase();
    let by_label = all.iter().find(|(block, _)| label(block) == wanted);
    if let Some(found) = by_label {
        return Some(*found);
    }
    if let Some((block_id, action_id)) = name.rsplit_once('/') {
        let exact = |(block, element): &&(&Value, &Value)| {
            block["block_id"] == block_id && element["action_id"] == action_id
        };
        if let Some(found) = all.iter().find(exact) {
            return Some(*found);
        }
    }
    views::find(blocks, name)
}

/// Finds an option: a text is looked for among the labels first, then among the values.
pub(super) fn option<'a>(options: &'a [Value], entry: &Value) -> Option<&'a Value> {
    if let Some(value) = entry.get("value") {
        return options.iter().find(|option| option["value"] == *value);
    }
    let by_text = options.iter().find(|option| option["text"]["text"] == *entry);
    by_text.or_else(|| options.iter().find(|option| option["value"] == *entry))
}

/// All options of a select, groups or not.
pub(super) fn all_options(element: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut options = list(&element["options"]);
    for group in list(&element["option_groups"]) {
        options.extend(list(&group["options"]));
    }
    options
}

/// The options in an answer to `block_suggestion`, and what is wrong with it.
pub(super) fn offered(answer: &Value) -> (Vec<Value>, Vec<String>) {
    let complaints = limits::check_suggestion(answer);
    let complaints = complaints.into_iter().map(|text| format!("block_suggestion: {text}")).collect();
    (all_options(answer), complaints)
}

/// What `view.state.values` holds for an element once a person has put this in.
pub(super) fn chosen(
    element: &Value,
    entry: &Value,
    offered: &[Value],
    people: &BTreeMap<String, Person>,
) -> Result<Value, String> {
    let kind = element["type"].as_str().unwrap_or_default();
    let set = |key: &str, value: Value| Ok(json!({ "type": kind, key: value }));
    if kind == "overflow" {
        let options = all_options(element);
        let found = option(&options, entry).ok_or_else(|| format!("there is no option {entry}"))?;
        return set("selected_option", found.clone());
    }
    let (key, _, empty) = views::slot(kind).ok_or_else(|| format!("nothing can be put into a {kind}"))?;
    if entry.is_null() {
        return set(key, empty);
    }
    let pick = |one: &Value| -> Result<Value, String> {
        if kind.ends_with("users_select") {
            return person(one, people).map(Value::String);
        }
        if kind.contains("conversations_select") || kind.contains("channels_select") {
            return Ok(one.clone());
        }
        let own = all_options(element);
        let options = if kind.ends_with("external_select") { offered } else { &own };
        option(options, one).cloned().ok_or_else(|| format!("there is no option {one}"))
    };
    if empty.is_array() {
        let many = match entry {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        };
        let picked = many.iter().map(pick).collect::<Result<Vec<_>, _>>()?;
        return set(key, Value::Array(picked));
    }
    if key == "value" {
        return set(key, typed(element, entry)?);
    }
    if key.starts_with("selected_date") || key == "selected_time" {
        return set(key, entry.clone());
    }
    let picked = pick(entry)?;
    set(key, picked)
}

/// What is typed into a text field, as far as the client lets it be typed.
fn typed(element: &Value, entry: &Value) -> Result<Value, String> {
    let text = match entry {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => return Err(format!("a text field does not take {other}")),
    };
    if element["multiline"] != true && text.contains('\n') {
        return Err("a single line does not take a line break".to_owned());
    }
    Ok(if text.is_empty() { Value::Null } else { Value::String(text) })
}

fn person(entry: &Value, people: &BTreeMap<String, Person>) -> Result<String, String> {
    let name = entry.get("value").unwrap_or(entry).as_str().unwrap_or_default();
    let handle = name.trim_start_matches('@');
    let is = |(id, person): &(&String, &Person)| {
        *id == name || person.handle == handle || person.real_name == name
    };
    let found = people.iter().find(is).ok_or_else(|| format!("there is nobody called {name}"))?;
    // Slack's client does not offer accounts that are gone.
    if found.1.deleted {
        return Err(format!("{name} is deactivated"));
    }
    Ok(found.0.clone())
}

/// What keeps Slack's client from submitting: block id, label and text.
pub(super) fn complaints(view: &View) -> Vec<(String, String, String)> {
    let mut wrong = Vec::new();
    for block in view.blocks().iter().filter(|block| block["type"] == "input") {
        let block_id = block["block_id"].as_str().unwrap_or_default();
        let element = &block["element"];
        let action = element["action_id"].as_str().unwrap_or_default();
        let value = view.values.get(block_id).and_then(|actions| actions.get(action));
        if let Some(text) = value.and_then(|value| complaint(element, value, block["optional"] == true)) {
            let label = block["label"]["text"].as_str().unwrap_or_default();
            wrong.push((block_id.to_owned(), label.to_owned(), text));
        }
    }
    wrong
}

pub(super) fn complaint(element: &Value, value: &Value, optional: bool) -> Option<String> {
    let kind = element["type"].as_str().unwrap_or_default();
    let (key, _, _) = views::slot(kind)?;
    let value = &value[key];
    let empty = match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    };
    if empty {
        return (!optional).then(|| REQUIRED.to_owned());
    }
    if let (Some(most), Some(list)) = (element["max_selected_items"].as_u64(), value.as_array())
        && list.len() as u64 > most
    {
        let s = if most == 1 { "" } else { "s" };
        return Some(format!("Please select no more than {most} item{s}."));
    }
    let text = value.as_str().unwrap_or_default();
    match kind {
        "plain_text_input" => length(element, text),
        "number_input" => number(element, text),
        "email_text_input" => (!text.contains('@')).then(|| "Please enter a valid email address.".to_owned()),
        "url_text_input" => (!limits::is_url(text)).then(|| "Please enter a valid URL.".to_owned()),
        _ => None,
    }
}

fn length(element: &Value, text: &str) -> Option<String> {
    let length = text.chars().count() as u64;
    let least = element["min_length"].as_u64().unwrap_or(0);
    let most = element["max_length"].as_u64().unwrap_or(3000);
    if length < least {
        return Some(format!("Please enter at least {least} characters."));
    }
    (length > most).then(|| format!("Please enter no more than {most} characters."))
}

fn number(element: &Value, text: &str) -> Option<String> {
    let bound = |key: &str| element[key].as_str().and_then(|bound| bound.parse::<f64>().ok());
    let Some(number) = text.trim().parse::<f64>().ok().filter(|number| number.is_finite()) else {
        return Some("Please enter a valid number.".to_owned());
    };
    if element["is_decimal_allowed"] != true && text.trim().parse::<i64>().is_err() {
        return Some("Please enter a whole number.".to_owned());
    }
    if let Some(least) = bound("min_value").filter(|least| number < *least) {
        return Some(format!("Please enter a number that is at least {least}."));
    }
    let most = bound("max_value").filter(|most| number > *most)?;
    Some(format!("Please enter a number that is at most {most}."))
}
