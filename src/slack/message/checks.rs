//! What every message and view in a test goes through: Slack's published limits, slack-morphism's
//! types, and a look as a person sees it.

use super::Message;
use serde_json::{Value, json};
use slack_morphism::prelude::{SlackBlock, SlackView};

/// The message as a person reads it, after every check.
pub(in crate::slack) fn shown(message: &Message) -> String {
    let value = json!({ "text": message.text, "blocks": message.blocks });
    assert!(!message.text.contains('\n') && !message.text.contains("<!"), "{}", message.text);
    well_typed(&message.blocks);
    limits::message(&value);
    rendered(&value)
}

/// The modal as a person reads it, after every check.
pub(in crate::slack) fn shown_view(view: &Value) -> String {
    well_typed(view["blocks"].as_array().expect("blocks"));
    serde_json::from_value::<SlackView>(view.clone()).expect("a view");
    limits::view(view);
    rendered(view)
}

/// The answer to a suggestion, checked: value and label of each option.
pub(in crate::slack) fn suggested(answer: &Value) -> Vec<(String, String)> {
    limits::suggestion(answer);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let options = answer["options"].as_array().expect("options");
    options.iter().map(|option| (text(&option["value"]), text(&option["text"]["text"]))).collect()
}

fn well_typed(blocks: &[Value]) {
    for block in blocks {
        let typed: SlackBlock = serde_json::from_value(block.clone()).expect("a block");
        assert!(!matches!(typed, SlackBlock::Unknown(_)), "unknown to slack-morphism: {block:#}");
    }
}

#[cfg(feature = "sandbox")]
mod limits {
    use crate::sandbox::slack::limits::{check_message, check_suggestion, check_view, warn_message};
    use serde_json::Value;

    pub(super) fn message(value: &Value) {
        let complaints = check_message(value);
        assert!(complaints.is_empty(), "{complaints:#?} {value:#}");
        assert_eq!(warn_message(value), Vec::<String>::new());
    }

    pub(super) fn view(value: &Value) {
        let complaints = check_view(value);
        assert!(complaints.is_empty(), "{complaints:#?} {value:#}");
        let bytes = value.to_string().len();
        assert!(bytes <= crate::sandbox::slack::limits::VIEW_BYTES, "{bytes} bytes");
    }

    pub(super) fn suggestion(value: &Value) {
        assert_eq!(check_suggestion(value), Vec::<String>::new());
    }
}

#[cfg(not(feature = "sandbox"))]
mod limits {
    use serde_json::Value;

    pub(super) fn message(_: &Value) {}
    pub(super) fn view(_: &Value) {}
    pub(super) fn suggestion(_: &Value) {}
}

/// With the sandbox's own drawing, at 2026-11-20 05:00 UTC.
#[cfg(feature = "sandbox")]
fn rendered(value: &Value) -> String {
    use crate::sandbox::slack::render::{Reader, text};
    let name = |id: &str| match id {
        "UANA" => Some("ana".to_owned()),
        "UBO" => Some("bo".to_owned()),
        "UCY" => Some("cy".to_owned()),
        "C0PROD" => Some("prod".to_owned()),
        _ => None,
    };
    text(value, &Reader { name: &name, tz: "UTC", now: 1_795_150_800_000 })
}

/// Without the sandbox there is no drawing, and nothing to compare with.
#[cfg(not(feature = "sandbox"))]
fn rendered(_: &Value) -> String {
    String::new()
}
