//! Messages and modals as plain text: for snapshots, and for a story told in a terminal.
use std::fmt::Write as _;

use serde_json::Value;

mod dates;
mod mrkdwn;

pub(super) use mrkdwn::escape;

/// Who reads: how ids are called, in which zone, and when.
pub struct Reader<'a> {
    /// The handle of a user or group, or the name of a channel, by id.
    pub name: &'a dyn Fn(&str) -> Option<String>,
    /// An IANA zone.
    pub tz: &'a str,
    /// Milliseconds since the epoch, for "today" and "yesterday".
    pub now: i64,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("tz", &self.tz).field("now", &self.now).finish_non_exhaustive()
    }
}

/// A message (`{text, blocks}`) or a modal as plain text.
pub fn text(value: &Value, reader: &Reader) -> String {
    let mut out = String::new();
    let modal = value["type"] == "modal";
    if modal {
        line(&mut out, &format!("── {} ──", reader.plain(&value["title"])));
    }
    if let Some(trouble) = value["trouble"].as_str() {
        line(&mut out, &format!("! {trouble}"));
    }
    match value["blocks"].as_array().filter(|blocks| !blocks.is_empty()) {
        Some(blocks) => {
            for block in blocks {
                reader.block(&mut out, block, value);
            }
        }
        None => line(&mut out, &reader.mrkdwn(value["text"].as_str().unwrap_or_default())),
    }
    if modal {
        let close = Some(reader.plain(&value["close"])).filter(|text| !text.is_empty());
        let mut buttons = format!("[{}]", close.unwrap_or_else(|| "Cancel".to_owned()));
        if !value["submit"].is_null() {
            // Writing to a String cannot fail.
            let _ = write!(buttons, " [{}]", reader.plain(&value["submit"]));
        }
        line(&mut out, &buttons);
    }
    out.truncate(out.trim_end().len());
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

impl Reader<'_> {
    /// The text of a text object, whichever kind it is.
    fn plain(&self, object: &Value) -> String {
        let text = object["text"].as_str().unwrap_or_default();
        if object["type"] == "mrkdwn" { self.mrkdwn(text) } else { text.to_owned() }
    }

    fn mrkdwn(&self, text: &str) -> String {
        mrkdwn::plain(text, self)
    }

    fn block(&self, out: &mut String, block: &Value, view: &Value) {
        match block["type"].as_str().unwrap_or_default() {
            "header" => line(out, &format!("# {}", self.plain(&block["text"]))),
            "divider" => line(out, "────"),
            "section" => {
                if !block["text"].is_null() {
                    line(out, &self.plain(&block["text"]));
                }
                for field in list(&block["fields"]) {
                    line(out, &format!("· {}", self.plain(field).replace('\n', " ")));
                }
                if !block["accessory"].is_null() {
                    line(out, &self.element(&block["accessory"], block, view));
                }
            }
            "context" => {
                let parts: Vec<_> = list(&block["elements"]).iter().map(|part| self.small(part)).collect();
                line(out, &format!("({})", parts.join(" ")));
            }
            "actions" => {
                let elements = list(&block["elements"]).iter();
                let parts: Vec<_> = elements.map(|element| self.element(element, block, view)).collect();
                line(out, &parts.join(" "));
            }
            "input" => self.input(out, block, view),
            "image" => line(out, &format!("[image: {}]", block["alt_text"].as_str().unwrap_or_default())),
            "markdown" => line(out, block["text"].as_str().unwrap_or_default()),
            other => line(out, &format!("[{other}]")),
        }
    }

    fn small(&self, part: &Value) -> String {
        if part["type"] == "image" {
            return format!("[image: {}]", part["alt_text"].as_str().unwrap_or_default());
        }
        self.plain(part)
    }

    fn input(&self, out: &mut String, block: &Value, view: &Value) {
        let optional = if block["optional"] == true { " (optional)" } else { "" };
        let label = self.plain(&block["label"]);
        line(out, &format!("{label}{optional}: {}", self.element(&block["element"], block, view)));
        if !block["hint"].is_null() {
            line(out, &format!("  {}", self.plain(&block["hint"])));
        }
        let id = block["block_id"].as_str().unwrap_or_default();
        if let Some(error) = view["errors"][id].as_str() {
            line(out, &format!("  ! {error}"));
        }
    }

    fn element(&self, element: &Value, block: &Value, view: &Value) -> String {
        let kind = element["type"].as_str().unwrap_or_default();
        if kind == "button" {
            return format!("[{}]", self.plain(&element["text"]));
        }
        if kind == "image" {
            return self.small(element);
        }
        let block_id = block["block_id"].as_str().unwrap_or_default();
        let action_id = element["action_id"].as_str().unwrap_or_default();
        let typed = view.get("values").and_then(|values| values.get(block_id)?.get(action_id));
        let initial = super::views::initial(element);
        let value = typed.or(initial.as_ref()).cloned().unwrap_or_default();
        let shown = self.value(kind, &value);
        let placeholder = Some(self.plain(&element["placeholder"])).filter(|text| !text.is_empty());
        let shown =
            if shown.is_empty() { placeholder.map(|text| format!("‹{text}›")) } else { Some(shown) };
        let shown = shown.unwrap_or_default();
        let options = super::forms::all_options(element);
        if options.is_empty() {
            return format!("[{shown}]");
        }
        let names: Vec<_> = options.iter().map(|option| self.plain(&option["text"])).collect();
        format!("[{shown}] of {}", names.join(" | "))
    }

    fn value(&self, kind: &str, value: &Value) -> String {
        let Some((key, _, _)) = super::views::slot(kind) else {
            return String::new();
        };
        let one = |item: &Value| match item {
            Value::String(id) if kind.ends_with("users_select") => {
                (self.name)(id).map_or_else(|| id.clone(), |name| format!("@{name}"))
            }
            Value::String(id) if key == "value" || key == "selected_date" => id.clone(),
            Value::String(id) => (self.name)(id).unwrap_or_else(|| id.clone()),
            Value::Object(_) => self.plain(&item["text"]),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        match &value[key] {
            Value::Array(items) => items.iter().map(one).collect::<Vec<_>>().join(", "),
            item => one(item),
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
