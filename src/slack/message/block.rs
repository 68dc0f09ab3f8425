//! The few blocks our messages and forms are made of, each cut to Slack's limits.

use crate::slack::mrkdwn;
use serde_json::{Value, json};

/// A `plain_text` object: on one line, at most `max` long, never empty.
pub(in crate::slack) fn plain(text: &str, max: usize) -> Value {
    json!({ "type": "plain_text", "text": line(text, max), "emoji": true })
}

/// Cleaned text on one line, at most `max` long, never empty.
pub(in crate::slack) fn line(text: &str, max: usize) -> String {
    let text = mrkdwn::clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "–".to_owned() } else { mrkdwn::cut(&text, max) }
}

/// A `mrkdwn` object in which Slack makes no links and mentions of its own.
pub(in crate::slack) fn marked(text: &str, max: usize) -> Value {
    let text = if text.trim().is_empty() { "–" } else { text };
    json!({ "type": "mrkdwn", "text": mrkdwn::cut(text, max), "verbatim": true })
}

/// A paragraph.
pub(in crate::slack) fn section(text: &str) -> Value {
    json!({ "type": "section", "text": marked(text, 3000) })
}

/// Short texts in two columns; at most ten.
pub(in crate::slack) fn fields(texts: &[String]) -> Value {
    let fields: Vec<Value> = texts.iter().take(10).map(|text| marked(text, 2000)).collect();
    json!({ "type": "section", "fields": fields })
}

/// Small print.
pub(in crate::slack) fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [marked(text, 3000)] })
}

/// A heading.
pub(in crate::slack) fn header(text: &str) -> Value {
    json!({ "type": "header", "text": plain(text, 150) })
}

/// A line across.
pub(in crate::slack) fn divider() -> Value {
    json!({ "type": "divider" })
}
