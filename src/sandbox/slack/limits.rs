//! Slack's published Block Kit limits, in one place.
//!
//! Source: the Block Kit reference at docs.slack.dev (blocks, block elements, composition objects,
//! views, formatting). A text in an answer reads as Slack's do, with a pointer to the place.
use serde_json::Value;

mod blocks;
mod elements;
mod objects;

/// Characters of a message's text; over it `chat.postMessage` answers `msg_too_long`.
pub const MESSAGE_TEXT: usize = 40_000;
/// Characters of a message's text Slack advises to stay below.
pub const MESSAGE_TEXT_ADVISED: usize = 4000;
/// Bytes of a view; over it `views.open` answers `view_too_large`.
pub const VIEW_BYTES: usize = 250_000;
const MESSAGE_BLOCKS: usize = 50;
const VIEW_BLOCKS: usize = 100;
const ID: usize = 255;
const PRIVATE_METADATA: usize = 3000;
const FRAME_TEXT: usize = 24;

/// Where blocks are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surface {
    Message,
    Modal,
}

/// Complaints so far.
#[derive(Default)]
struct Check {
    complaints: Vec<String>,
    /// How many elements ask to be focused; a view may have one.
    focused: usize,
    inputs: usize,
}

impl Check {
    fn add(&mut self, at: &str, what: impl std::fmt::Display) {
        self.complaints.push(format!("[ERROR] {what} [json-pointer:{at}]"));
    }

    /// An object with no keys but these. False if it is no object at all.
    fn object(&mut self, at: &str, value: &Value, keys: &[&str]) -> bool {
        let Some(object) = value.as_object() else {
            self.add(at, "must be an object");
            return false;
        };
        for key in object.keys().filter(|key| !keys.contains(&key.as_str())) {
            self.add(&format!("{at}/{key}"), format!("no more than the known keys are allowed: {key}"));
        }
        true
    }

    /// A string of so many characters. Absent is fine unless `needed`.
    fn string(&mut self, at: &str, value: &Value, range: std::ops::RangeInclusive<usize>, needed: bool) {
        match value {
            Value::Null if needed => self.add(at, "missing required field"),
            Value::Null => {}
            Value::String(text) => {
                let length = text.chars().count();
                if length < *range.start() {
                    self.add(at, format!("must be at least {} characters", range.start()));
                }
                if length > *range.end() {
                    self.add(at, format!("must be less than {} characters", range.end() + 1));
                }
            }
            _ => self.add(at, "must provide a string"),
        }
    }

    fn flag(&mut self, at: &str, value: &Value) {
        if !value.is_null() && !value.is_boolean() {
            self.add(at, "must be a boolean");
        }
    }

    /// An array of so many items; the items, if it is one.
    fn list<'a>(
        &mut self,
        at: &str,
        value: &'a Value,
        range: std::ops::RangeInclusive<usize>,
    ) -> &'a [Value] {
        let Some(list) = value.as_array() else {
            self.add(at, "must provide an array");
            return &[];
        };
        if list.len() < *range.start() {
            self.add(at, format!("no fewer than {} items allowed", range.start()));
        }
        if list.len() > *range.end() {
            self.add(at, format!("no more than {} items allowed", range.end()));
        }
        list
    }

    /// Ids that are given must not be given twice.
    fn unique<'a>(&mut self, at: &str, what: &str, ids: impl Iterator<Item = &'a Value>) {
        let mut seen = std::collections::HashSet::new();
        for id in ids.filter_map(Value::as_str).filter(|id| !id.is_empty()) {
            if !seen.insert(id) {
                self.add(at, format!("{what} \"{id}\" already exists"));
            }
        }
    }
}

/// What Slack would refuse about a message `{text, blocks}`.
pub fn check_message(message: &Value) -> Vec<String> {
    let mut check = Check::default();
    let text = message["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        check.add("/text", "must not be empty: it is what notifications and screen readers get");
    }
    if text.chars().count() > MESSAGE_TEXT {
        check.add("/text", format!("must be less than {} characters", MESSAGE_TEXT + 1));
    }
    match &message["blocks"] {
        Value::Null => {}
        blocks => check.blocks(blocks, Surface::Message, 0..=MESSAGE_BLOCKS),
    }
    check.complaints
}

/// What Slack advises against in a message.
pub fn warn_message(message: &Value) -> Vec<String> {
    let length = message["text"].as_str().unwrap_or_default().chars().count();
    let long = length > MESSAGE_TEXT_ADVISED;
    long.then(|| format!("text of {length} characters: Slack advises {MESSAGE_TEXT_ADVISED} at most"))
        .into_iter()
        .collect()
}

/// What Slack would refuse about a modal.
pub fn check_view(view: &Value) -> Vec<String> {
    const KEYS: [&str; 11] = [
        "type",
        "title",
        "blocks",
        "close",
        "submit",
        "private_metadata",
        "callback_id",
        "clear_on_close",
        "notify_on_close",
        "external_id",
        "submit_disabled",
    ];
    let mut check = Check::default();
    if !check.object("/view", view, &KEYS) {
        return check.complaints;
    }
    if view["type"] != "modal" {
        check.add("/view/type", "must be one of: modal");
    }
    check.plain("/view/title", &view["title"], 1..=FRAME_TEXT, true);
    check.plain("/view/submit", &view["submit"], 1..=FRAME_TEXT, false);
    check.plain("/view/close", &view["close"], 1..=FRAME_TEXT, false);
    check.string("/view/callback_id", &view["callback_id"], 0..=ID, false);
    check.string("/view/external_id", &view["external_id"], 0..=ID, false);
    check.string("/view/private_metadata", &view["private_metadata"], 0..=PRIVATE_METADATA, false);
    check.flag("/view/clear_on_close", &view["clear_on_close"]);
    check.flag("/view/notify_on_close", &view["notify_on_close"]);
    check.blocks(&view["blocks"], Surface::Modal, 1..=VIEW_BLOCKS);
    if check.inputs > 0 && view["submit"].is_null() {
        check.add("/view/submit", "must be present when there are input blocks");
    }
    if check.focused > 1 {
        check.add("/view/blocks", "only one element may have focus_on_load");
    }
    check.complaints
}

/// What Slack would refuse about the answer to a `block_suggestion`.
pub fn check_suggestion(answer: &Value) -> Vec<String> {
    let mut check = Check::default();
    if check.object("", answer, &["options", "option_groups"]) {
        // Unlike in a block, nothing found is fine.
        let none = answer["options"].as_array().is_some_and(Vec::is_empty);
        if !none {
            check.options("", answer, 100);
        }
    }
    check.complaints
}

/// An address a person can open.
pub(super) fn is_url(text: &str) -> bool {
    let rest =
        ["https://", "http://", "mailto:", "slack://"].iter().find_map(|start| text.strip_prefix(start));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}
