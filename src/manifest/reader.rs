//! Takes typed values out of a [`Bag`], complaining about what is of another type.

use super::bag::{Bag, Entry, Item, Node, Text, unknown};
use super::schema::Schema;
use super::source::{Fault, Log, Place};
use std::collections::BTreeMap;

/// A value that may not be there, or not be usable.
#[derive(Debug, Clone)]
pub(super) enum Got<T> {
    /// Not written.
    Absent,
    /// Written, and wrong; that was complained about.
    Broken,
    /// Here it is.
    Given(T),
}

impl<T> Got<T> {
    pub(super) fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Broken => None,
        }
    }

    pub(super) fn as_given(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Broken => None,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    pub(super) fn is_broken(&self) -> bool {
        matches!(self, Self::Broken)
    }
}

/// Several texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    pub(super) items: Vec<Text>,
    /// Whether all that was written is in `items`.
    pub(super) complete: bool,
    pub(super) place: Option<Place>,
}

/// Texts by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) items: BTreeMap<String, Setting>,
    /// Whether all that was written is in `items`.
    pub(super) complete: bool,
}

/// One of the [`Settings`].
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) key_place: Place,
    pub(super) value: Text,
}

impl Settings {
    pub(super) fn get(&self, name: &str) -> Option<&Text> {
        self.items.get(name).map(|setting| &setting.value)
    }
}

/// A bag and where to complain.
pub(super) struct Reader<'b> {
    pub(super) bag: &'b Bag,
    pub(super) log: &'b Log,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bag: &'b Bag, log: &'b Log) -> Self {
        Self { bag, log }
    }

    pub(super) fn complain(&self, fault: Fault) {
        self.log.add(fault);
    }

    pub(super) fn entry(&self, name: &str) -> Option<&'b Entry> {
        self.bag.entries.iter().find(|entry| entry.key == name && !matches!(entry.node.item, Item::Null))
    }

    fn wrong(&self, name: &str, node: &Node, wanted: &str) {
        let message = format!("`{name}` has to be {wanted}, and this is {}", node.kind());
        self.complain(Fault::new(node.place, message));
    }

    /// A text that may be left out.
    pub(super) fn text(&self, name: &str) -> Got<Text> {
        let Some(entry) = self.entry(name) else { return Got::Absent };
        if matches!(entry.node.item, Item::Broken) {
            return Got::Broken;
        }
        match entry.node.text() {
            Some(text) if text.text.trim().is_empty() => {
                self.complain(Fault::new(text.place, format!("`{name}` is empty")));
                Got::Broken
            }
            Some(text) => Got::Given(text),
            None => {
                self.wrong(name, &entry.node, "text");
                Got::Broken
            }
        }
    }

    /// A text that must be there.
    pub(super) fn need_text(&self, name: &str) -> Got<Text> {
        let got = self.text(name);
        if got.is_absent() {
            let message = format!("a `{}` needs `{name}`", self.bag.kind);
            self.complain(Fault::new(self.bag.place, message));
        }
        got
    }

    /// True or false.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        let Some(entry) = self.entry(name) else { return default };
        match &entry.node.item {
            Item::Broken => default,
            Item::Bool(flag) => *flag,
            Item::Text(text) if text == "true" => true,
            Item::Text(text) if text == "false" => false,
            _ => {
                self.wrong(name, &entry.node, "true or false");
                default
            }
        }
    }

    /// A list of texts that may be left out.
    pub(super) fn texts(&self, name: &str) -> Got<Texts> {
        self.list(name, "text", Node::text)
    }

    /// A list of references: ids, or the blocks themselves.
    pub(super) fn ids(&self, name: &str) -> Got<Texts> {
        self.list(name, "a reference", reference)
    }

    /// A reference that may be left out.
    pub(super) fn id(&self, name: &str) -> Got<Text> {
        match self.entry(name) {
            Some(Entry { node, .. }) if matches!(node.item, Item::Map(_)) => {
                if let Some(text) = reference(node) {
                    let message = format!("`{name}` takes the id");
                    let hint = "add `.id` to the reference";
                    self.complain(Fault::new(text.place, message).hint(hint));
                    return Got::Broken;
                }
                self.text(name)
            }
            _ => self.text(name),
        }
    }

    fn list(&self, name: &str, wanted: &str, read: impl Fn(&Node) -> Option<Text>) -> Got<Texts> {
        let Some(entry) = self.entry(name) else { return Got::Absent };
        let items = match &entry.node.item {
            Item::Broken => return Got::Broken,
            Item::List(items) => items,
            _ => {
                self.wrong(name, &entry.node, "a list");
                return Got::Broken;
            }
        };
        let mut texts = Texts { items: Vec::new(), complete: true, place: Some(entry.node.place) };
        for node in items {
            if let Some(text) = read(node) {
                texts.items.push(text);
                continue;
            }
            texts.complete = false;
            if !matches!(node.item, Item::Broken) {
                let message = format!("`{name}` holds {wanted} only, and this is {}", node.kind());
                self.complain(Fault::new(node.place, message));
            }
        }
        Got::Given(texts)
    }

    /// A map of texts; none at all when it is left out.
    pub(super) fn settings(&self, name: &str) -> Settings {
        let mut settings = Settings { items: BTreeMap::new(), complete: true };
        let Some(entry) = self.entry(name) else { return settings };
        let Item::Map(entries) = &entry.node.item else {
            settings.complete = false;
            if !matches!(entry.node.item, Item::Broken) {
                self.wrong(name, &entry.node, "a map");
            }
            return settings;
        };
        for Entry { key, key_place, node } in entries {
            match (node.text(), &node.item) {
                (Some(value), _) => {
                    settings.items.insert(key.clone(), Setting { key_place: *key_place, value });
                }
                (None, Item::Null) => {}
                (None, Item::Broken) => settings.complete = false,
                (None, _) => {
                    settings.complete = false;
                    self.wrong(key, node, "text");
                }
            }
        }
        settings
    }

    /// Complains about entries that a bag made from a map should not have.
    pub(super) fn check_names(&self, schema: Schema, also: &[&str]) {
        for entry in &self.bag.entries {
            let key = entry.key.as_str();
            if !schema.attributes.contains(&key) && !also.contains(&key) {
                self.complain(unknown("attribute", key, &self.bag.kind, schema, entry.key_place));
            }
        }
    }
}

/// The id of a block that stands as a whole, or the text itself.
fn reference(node: &Node) -> Option<Text> {
    if let Item::Map(entries) = &node.item {
        let id = entries.iter().find(|entry| entry.key == "id")?;
        return id.node.text().map(|text| Text { place: node.place, ..text });
    }
    match node.item {
        Item::Text(_) => node.text(),
        _ => None,
    }
}
