//! Blocks as Slack keeps them, and the modals on people's screens.
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{State, View};

/// The blocks with what Slack adds to them: block ids, action ids, `emoji`, `verbatim`.
pub(super) fn completed(state: &mut State, blocks: &Value) -> Value {
    let mut blocks = blocks.clone();
    let Some(list) = blocks.as_array_mut() else {
        return json!([]);
    };
    for block in list {
        if block["block_id"].as_str().is_none_or(str::is_empty) {
            block["block_id"] = json!(state.ids.made_up());
        }
        texts(block);
        for element in elements_mut(block) {
            let named = element["action_id"].as_str().is_some_and(|id| !id.is_empty());
            if !named && element["type"] != "image" {
                element["action_id"] = json!(state.ids.made_up());
            }
        }
    }
    blocks
}

/// Adds what Slack adds to text objects.
fn texts(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(texts),
        Value::Object(object) => {
            let text = object.get("text").is_some_and(Value::is_string);
            match object.get("type").and_then(Value::as_str) {
                Some("plain_text") if text => {
                    object.entry("emoji").or_insert(json!(true));
                }
                Some("mrkdwn") if text => {
                    object.entry("verbatim").or_insert(json!(false));
                }
                _ => object.values_mut().for_each(texts),
            }
        }
        _ => {}
    }
}

fn elements_mut(block: &mut Value) -> Vec<&mut Value> {
    let Some(object) = block.as_object_mut() else {
        return Vec::new();
    };
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "section" => object.get_mut("accessory").into_iter().collect(),
        "input" => object.get_mut("element").into_iter().collect(),
        "actions" => object
            .get_mut("elements")
            .and_then(Value::as_array_mut)
            .map(|list| list.iter_mut().collect())
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// All elements a person can act on, each with its block.
pub(super) fn elements(blocks: &Value) -> Vec<(&Value, &Value)> {
    let mut found = Vec::new();
    for block in blocks.as_array().map_or(&[] as &[Value], Vec::as_slice) {
        match block["type"].as_str().unwrap_or_default() {
            "section" if block["accessory"].is_object() && block["accessory"]["type"] != "image" => {
                found.push((block, &block["accessory"]));
            }
            "input" => found.push((block, &block["element"])),
            "actions" => {
                let elements = block["elements"].as_array().map_or(&[] as &[Value], Vec::as_slice);
                found.extend(elements.iter().map(|element| (block, element)));
            }
            _ => {}
        }
    }
    found
}

/// The element with this action id (or, for an input, in the block of this id).
pub(super) fn find<'a>(blocks: &'a Value, id: &str) -> Option<(&'a Value, &'a Value)> {
    let all = elements(blocks);
    let by_action = all.iter().find(|(_, element)| element["action_id"] == id);
    by_action.or_else(|| all.iter().find(|(block, _)| block["block_id"] == id)).copied()
}

/// What an untouched element has in `view.state.values`; buttons and menus have nothing.
pub(super) fn initial(element: &Value) -> Option<Value> {
    let kind = element["type"].as_str()?;
    let (to, from, empty) = slot(kind)?;
    let given = match &element[from] {
        Value::Null => empty,
        value => value.clone(),
    };
    Some(json!({ "type": kind, to: given }))
}

/// For a kind of element: the key in the state, the key of the initial value, and the empty value.
pub(super) fn slot(kind: &str) -> Option<(&'static str, &'static str, Value)> {
    Some(match kind {
        "plain_text_input" | "number_input" | "email_text_input" | "url_text_input" => {
            ("value", "initial_value", Value::Null)
        }
        "rich_text_input" => ("rich_text_value", "initial_value", Value::Null),
        "static_select" | "external_select" | "radio_buttons" => {
            ("selected_option", "initial_option", Value::Null)
        }
        "multi_static_select" | "multi_external_select" | "checkboxes" => {
            ("selected_options", "initial_options", json!([]))
        }
        "users_select" => ("selected_user", "initial_user", Value::Null),
        "multi_users_select" => ("selected_users", "initial_users", json!([])),
        "conversations_select" => ("selected_conversation", "initial_conversation", Value::Null),
        "multi_conversations_select" => ("selected_conversations", "initial_conversations", json!([])),
        "channels_select" => ("selected_channel", "initial_channel", Value::Null),
        "multi_channels_select" => ("selected_channels", "initial_channels", json!([])),
        "datepicker" => ("selected_date", "initial_date", Value::Null),
        "timepicker" => ("selected_time", "initial_time", Value::Null),
        "datetimepicker" => ("selected_date_time", "initial_date_time", Value::Null),
        _ => return None,
    })
}

/// What is typed and chosen: block id -> action id -> value.
pub(super) type Values = BTreeMap<String, BTreeMap<String, Value>>;

/// The state of freshly shown blocks.
pub(super) fn fresh(blocks: &Value) -> Values {
    let mut values = Values::new();
    for (block, element) in elements(blocks) {
        let block_id = block["block_id"].as_str().unwrap_or_default();
        let action_id = element["action_id"].as_str().unwrap_or_default();
        if let Some(value) = initial(element) {
            values.entry(block_id.to_owned()).or_default().insert(action_id.to_owned(), value);
        }
    }
    values
}

/// The state of blocks that are shown instead of others: what was put in stays where block id, action
/// id and kind do.
pub(super) fn kept(blocks: &Value, before: &Values) -> Values {
    let mut values = fresh(blocks);
    for (block, actions) in &mut values {
        for (action, value) in actions {
            let typed = before.get(block).and_then(|actions| actions.get(action));
            if let Some(typed) = typed.filter(|typed| typed["type"] == value["type"]) {
                *value = typed.clone();
            }
        }
    }
    values
}

/// Puts a modal on top of a person's stack.
pub(super) fn push(state: &mut State, user: &str, mut json: Value, now: i64) -> View {
    json["blocks"] = completed(state, &json["blocks"]);
    complete_frame(&mut json);
    let id = state.ids.id("V");
    let stack = state.stacks.entry(user.to_owned()).or_default();
    let root = stack.first().map_or_else(|| id.clone(), |view| view.root.clone());
    let previous = stack.last().map(|view| view.id.clone());
    let view = View {
        id,
        user: user.to_owned(),
        values: fresh(&json["blocks"]),
        json,
        hash: state.ids.hash(now),
        root,
        previous,
        ..View::default()
    };
    stack.push(view.clone());
    view
}

/// Shows something else in an open modal. What is typed stays where block id, action id and kind do.
pub(super) fn replace(state: &mut State, id: &str, mut json: Value, now: i64) -> Option<View> {
    json["blocks"] = completed(state, &json["blocks"]);
    complete_frame(&mut json);
    let hash = state.ids.hash(now);
    let view = state.view(id)?;
    view.values = kept(&json["blocks"], &view.values);
    view.json = json;
    view.hash = hash;
    view.errors.clear();
    view.trouble = None;
    Some(view.clone())
}

fn complete_frame(json: &mut Value) {
    for key in ["title", "submit", "close"] {
        texts(&mut json[key]);
    }
}
