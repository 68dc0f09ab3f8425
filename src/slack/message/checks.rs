//! What every message and view in a test goes through: Slack's published limits as the sandbox keeps
//! them, slack-morphism's types, and a look as a person sees it.

use super::Message;
use crate::sandbox::slack::limits::{VIEW_BYTES, check_message, check_suggestion, check_view, warn_message};
use crate::sandbox::slack::render::{Reader, text};
use serde_json::{Value, json};
use slack_morphism::prelude::{SlackBlock, SlackView};

/// The message as a person reads it, after every check.
pub(in crate::slack) fn shown(message: &Message) -> String {
    rendered(&checked(message))
}

/// The message as JSON, after every check.
pub(in crate::slack) fn checked(message: &Message) -> Value {
    let value = json!({ "text": message.text, "blocks": message.blocks });
    assert!(!message.text.contains('\n') && !message.text.contains("<!"), "{}", message.text);
    well_typed(&message.blocks);
    none(&check_message(&value), &value);
    none(&warn_message(&value), &value);
    value
}

/// The modal as a person reads it, after every check.
pub(in crate::slack) fn shown_view(view: &Value) -> String {
    well_typed(view["blocks"].as_array().expect("blocks"));
    serde_json::from_value::<SlackView>(view.clone()).expect("a view");
    none(&check_view(view), view);
    let bytes = view.to_string().len();
    assert!(bytes <= VIEW_BYTES, "{bytes} bytes");
    rendered(view)
}

/// The answer to a suggestion, checked: value and label of each option.
pub(in crate::slack) fn suggested(answer: &Value) -> Vec<(String, String)> {
    none(&check_suggestion(answer), answer);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let options = answer["options"].as_array().expect("options");
    options.iter().map(|option| (text(&option["value"]), text(&option["text"]["text"]))).collect()
}

fn none(complaints: &[String], value: &Value) {
    assert!(complaints.is_empty(), "{complaints:#?} {value:#}");
}

fn well_typed(blocks: &[Value]) {
    for block in blocks {
        let typed: SlackBlock = serde_json::from_value(block.clone()).expect("a block");
        assert!(!matches!(typed, SlackBlock::Unknown(_)), "unknown to slack-morphism: {block:#}");
    }
}

/// With the sandbox's own drawing, at 2026-11-20 05:00 UTC.
fn rendered(value: &Value) -> String {
    let name = |id: &str| match id {
        "UANA" => Some("ana".to_owned()),
        "UBO" => Some("bo".to_owned()),
        "UCY" => Some("cy".to_owned()),
        "C0PROD" => Some("prod".to_owned()),
        _ => None,
    };
    text(value, &Reader { name: &name, tz: "UTC", now: 1_795_150_800_000 })
}
