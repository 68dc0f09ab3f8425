//! Composition objects: texts, options, confirmation dialogs.
use std::ops::RangeInclusive;

use serde_json::Value;

use super::Check;

const OPTION_TEXT: usize = 75;
const OPTION_VALUE: usize = 150;
const OPTIONS: usize = 100;
const GROUPS: usize = 100;

impl Check {
    /// A text object that must be `plain_text`.
    pub(super) fn plain(&mut self, at: &str, value: &Value, range: RangeInclusive<usize>, needed: bool) {
        self.text(at, value, range, needed, false);
    }

    /// A text object of either kind.
    pub(super) fn any_text(&mut self, at: &str, value: &Value, range: RangeInclusive<usize>, needed: bool) {
        self.text(at, value, range, needed, true);
    }

    fn text(&mut self, at: &str, value: &Value, range: RangeInclusive<usize>, needed: bool, mrkdwn: bool) {
        if value.is_null() {
            if needed {
                self.add(at, "missing required field");
            }
            return;
        }
        let keys: &[&str] = match value["type"].as_str() {
            Some("plain_text") => &["type", "text", "emoji"],
            Some("mrkdwn") if mrkdwn => &["type", "text", "verbatim"],
            _ => {
                let kinds = if mrkdwn { "plain_text, mrkdwn" } else { "plain_text" };
                return self.add(&format!("{at}/type"), format!("must be one of: {kinds}"));
            }
        };
        self.object(at, value, keys);
        self.flag(&format!("{at}/emoji"), &value["emoji"]);
        self.flag(&format!("{at}/verbatim"), &value["verbatim"]);
        self.string(&format!("{at}/text"), &value["text"], range, true);
    }

    /// `options` or `option_groups`, exactly one of them. Returns all options there are.
    pub(super) fn options(&mut self, at: &str, element: &Value, most: usize) -> Vec<Value> {
        let (flat, grouped) = (&element["options"], &element["option_groups"]);
        if flat.is_null() == grouped.is_null() {
            self.add(at, "must have exactly one of: options, option_groups");
            return Vec::new();
        }
        if grouped.is_null() {
            return self.option_list(&format!("{at}/options"), flat, most, element);
        }
        let mut all = Vec::new();
        let groups = self.list(&format!("{at}/option_groups"), grouped, 1..=GROUPS);
        for (n, group) in groups.iter().enumerate() {
            let at = format!("{at}/option_groups/{n}");
            if self.object(&at, group, &["label", "options"]) {
                self.plain(&format!("{at}/label"), &group["label"], 1..=OPTION_TEXT, true);
                all.extend(self.option_list(&format!("{at}/options"), &group["options"], OPTIONS, element));
            }
        }
        all
    }

    fn option_list(&mut self, at: &str, value: &Value, most: usize, element: &Value) -> Vec<Value> {
        let list = self.list(at, value, 1..=most);
        for (n, option) in list.iter().enumerate() {
            self.option(&format!("{at}/{n}"), option, element["type"].as_str().unwrap_or_default());
        }
        self.unique(at, "option value", list.iter().map(|option| &option["value"]));
        list.to_vec()
    }

    /// One option of an element of this kind.
    pub(super) fn option(&mut self, at: &str, option: &Value, kind: &str) {
        let overflow = kind == "overflow";
        let keys: &[&str] = if overflow {
            &["text", "value", "description", "url"]
        } else {
            &["text", "value", "description"]
        };
        if !self.object(at, option, keys) {
            return;
        }
        let rich = matches!(kind, "checkboxes" | "radio_buttons");
        self.text(&format!("{at}/text"), &option["text"], 1..=OPTION_TEXT, true, rich);
        self.text(&format!("{at}/description"), &option["description"], 1..=OPTION_TEXT, false, rich);
        self.string(&format!("{at}/value"), &option["value"], 1..=OPTION_VALUE, true);
        self.url(&format!("{at}/url"), &option["url"]);
    }

    /// An address, if it is given.
    pub(super) fn url(&mut self, at: &str, value: &Value) {
        self.string(at, value, 1..=3000, false);
        if value.as_str().is_some_and(|text| !super::is_url(text)) {
            self.add(at, "must be a valid URL");
        }
    }

    /// A confirmation dialog, if it is given.
    pub(super) fn confirm(&mut self, at: &str, value: &Value) {
        if value.is_null() || !self.object(at, value, &["title", "text", "confirm", "deny", "style"]) {
            return;
        }
        self.plain(&format!("{at}/title"), &value["title"], 1..=100, true);
        self.any_text(&format!("{at}/text"), &value["text"], 1..=300, true);
        self.plain(&format!("{at}/confirm"), &value["confirm"], 1..=30, true);
        self.plain(&format!("{at}/deny"), &value["deny"], 1..=30, true);
        self.style(&format!("{at}/style"), &value["style"]);
    }

    pub(super) fn style(&mut self, at: &str, value: &Value) {
        if !value.is_null() && value != "primary" && value != "danger" {
            self.add(at, "must be one of: primary, danger");
        }
    }
}
