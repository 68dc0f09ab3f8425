//! Layout blocks: which there are, what they hold, on which surface.
use std::ops::RangeInclusive;

use serde_json::Value;

use super::{Check, ID, Surface};

const SECTION_TEXT: usize = 3000;
const SECTION_FIELDS: usize = 10;
const FIELD_TEXT: usize = 2000;
const HEADER_TEXT: usize = 150;
const CONTEXT_ELEMENTS: usize = 10;
const CONTEXT_TEXT: usize = 3000;
const ACTIONS: usize = 25;
const LABEL: usize = 2000;
const MARKDOWN: usize = 12_000;
const ALT_TEXT: usize = 2000;

impl Check {
    pub(super) fn blocks(&mut self, blocks: &Value, surface: Surface, range: RangeInclusive<usize>) {
        let root = if surface == Surface::Modal { "/view/blocks" } else { "/blocks" };
        let list = self.list(root, blocks, range);
        self.unique(root, "block_id", list.iter().map(|block| &block["block_id"]));
        for (n, block) in list.iter().enumerate() {
            let at = format!("{root}/{n}");
            self.string(&format!("{at}/block_id"), &block["block_id"], 0..=ID, false);
            self.block(&at, block, surface);
        }
    }

    fn block(&mut self, at: &str, block: &Value, surface: Surface) {
        match block["type"].as_str().unwrap_or_default() {
            "section" => self.section(at, block, surface),
            "header" => {
                self.object(at, block, &["type", "block_id", "text"]);
                self.plain(&format!("{at}/text"), &block["text"], 1..=HEADER_TEXT, true);
            }
            "divider" => {
                self.object(at, block, &["type", "block_id"]);
            }
            "context" => self.context(at, block),
            "actions" => {
                self.object(at, block, &["type", "block_id", "elements"]);
                let elements = self.list(&format!("{at}/elements"), &block["elements"], 1..=ACTIONS);
                self.unique(at, "action_id", elements.iter().map(|element| &element["action_id"]));
                for (n, element) in elements.iter().enumerate() {
                    self.element(&format!("{at}/elements/{n}"), element, "actions", surface);
                }
            }
            "input" => self.input(at, block, surface),
            "image" => {
                self.object(at, block, &["type", "block_id", "image_url", "slack_file", "alt_text", "title"]);
                self.image(at, block);
                self.plain(&format!("{at}/title"), &block["title"], 1..=2000, false);
            }
            "markdown" if surface == Surface::Message => {
                self.object(at, block, &["type", "block_id", "text"]);
                self.string(&format!("{at}/text"), &block["text"], 1..=MARKDOWN, true);
            }
            "rich_text" => {
                self.object(at, block, &["type", "block_id", "elements"]);
                self.list(&format!("{at}/elements"), &block["elements"], 1..=usize::MAX);
            }
            other => self.add(&format!("{at}/type"), format!("unsupported type: {other}")),
        }
    }

    fn section(&mut self, at: &str, block: &Value, surface: Surface) {
        self.object(at, block, &["type", "block_id", "text", "fields", "accessory", "expand"]);
        self.flag(&format!("{at}/expand"), &block["expand"]);
        self.any_text(&format!("{at}/text"), &block["text"], 1..=SECTION_TEXT, false);
        if block["text"].is_null() && block["fields"].is_null() {
            self.add(at, "must have at least one of: text, fields");
        }
        if !block["fields"].is_null() {
            let fields = self.list(&format!("{at}/fields"), &block["fields"], 1..=SECTION_FIELDS);
            for (n, field) in fields.iter().enumerate() {
                self.any_text(&format!("{at}/fields/{n}"), field, 1..=FIELD_TEXT, true);
            }
        }
        if !block["accessory"].is_null() {
            self.element(&format!("{at}/accessory"), &block["accessory"], "section", surface);
        }
    }

    fn context(&mut self, at: &str, block: &Value) {
        self.object(at, block, &["type", "block_id", "elements"]);
        let elements = self.list(&format!("{at}/elements"), &block["elements"], 1..=CONTEXT_ELEMENTS);
        for (n, element) in elements.iter().enumerate() {
            let at = format!("{at}/elements/{n}");
            if element["type"] == "image" {
                self.object(&at, element, &["type", "image_url", "slack_file", "alt_text"]);
                self.image(&at, element);
            } else {
                self.any_text(&at, element, 1..=CONTEXT_TEXT, true);
            }
        }
    }

    fn input(&mut self, at: &str, block: &Value, surface: Surface) {
        let keys = ["type", "block_id", "label", "element", "dispatch_action", "hint", "optional"];
        self.object(at, block, &keys);
        self.inputs += 1;
        self.plain(&format!("{at}/label"), &block["label"], 1..=LABEL, true);
        self.plain(&format!("{at}/hint"), &block["hint"], 1..=LABEL, false);
        self.flag(&format!("{at}/optional"), &block["optional"]);
        self.flag(&format!("{at}/dispatch_action"), &block["dispatch_action"]);
        if block["element"].is_null() {
            return self.add(&format!("{at}/element"), "missing required field");
        }
        self.element(&format!("{at}/element"), &block["element"], "input", surface);
    }

    pub(super) fn image(&mut self, at: &str, image: &Value) {
        self.string(&format!("{at}/alt_text"), &image["alt_text"], 1..=ALT_TEXT, true);
        if image["image_url"].is_null() == image["slack_file"].is_null() {
            self.add(at, "must have exactly one of: image_url, slack_file");
        }
        self.url(&format!("{at}/image_url"), &image["image_url"]);
    }
}
