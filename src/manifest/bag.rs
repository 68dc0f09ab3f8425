//! The contents of a block with their values and places, whatever form they were written in.

use super::nearest::{did_you_mean, nearest};
use super::schema::{self, Schema};
use super::source::{Eval, Fault, Place};
use super::tree::{header, label_place};
use super::world::{Env, World};
use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Structure};
use serde_json::Value;

/// A text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) place: Place,
}

/// A value and where it stands; lists and maps keep the places of what they hold.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) item: Item,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// It has no value, and that was complained about.
    Broken,
    /// It is of a kind that nobody here looks at, such as Python.
    Unread,
    /// `null`, which is as good as not written.
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// `key = value`
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) node: Node,
}

/// A block, or a map that stands for one.
#[derive(Debug, Clone)]
pub(super) struct Bag {
    /// `sym_flow`, `rule`, …
    pub(super) kind: String,
    /// Its first line.
    pub(super) place: Place,
    pub(super) labels: Vec<Text>,
    pub(super) entries: Vec<Entry>,
    pub(super) blocks: Vec<Bag>,
}

impl Bag {
    /// Takes a misspelt attribute for the one that was most likely meant, so that the same mistake is
    /// not told again as something that is missing.
    fn meant(&mut self, written: &str, place: Place, schema: Schema) {
        let Some(key) = nearest(written, schema.attributes.iter().copied()) else { return };
        if !self.entries.iter().any(|entry| entry.key == key) {
            let node = Node { place, item: Item::Broken };
            self.entries.push(Entry { key: key.to_owned(), key_place: place, node });
        }
    }
}

impl Node {
    /// A value all of which stands at one place.
    pub(super) fn from_value(place: Place, value: Value) -> Self {
        let item = match value {
            Value::Null => Item::Null,
            Value::Bool(flag) => Item::Bool(flag),
            Value::Number(number) => Item::Number(number),
            Value::String(text) => Item::Text(text),
            Value::Array(items) => {
                Item::List(items.into_iter().map(|item| Self::from_value(place, item)).collect())
            }
            Value::Object(map) => {
                let entry =
                    |(key, value)| Entry { key, key_place: place, node: Self::from_value(place, value) };
                Item::Map(map.into_iter().map(entry).collect())
            }
        };
        Self { place, item }
    }
}

impl<'a> World<'a> {
    /// Reads a block; what its schema does not know is complained about and left out.
    pub(super) fn bag(&self, env: &Env<'a>, block: &Block, kind: &str, schema: Schema) -> Bag {
        let mut bag = Bag {
            kind: kind.to_owned(),
            place: header(env.source, block),
            labels: block
                .labels
                .iter()
                .map(|label| Text { text: label.as_str().to_owned(), place: label_place(env.source, label) })
                .collect(),
            entries: Vec::new(),
            blocks: Vec::new(),
        };
        let resource = kind.starts_with("sym_");
        for structure in &block.body {
            match structure {
                Structure::Attribute(attribute) => {
                    let key = attribute.key.as_str();
                    if schema.attributes.contains(&key) {
                        bag.entries.push(self.entry(env, attribute));
                    } else if !(resource && schema::META.contains(&key)) {
                        let place = Place::new(env.source, attribute.key.span());
                        self.log.add(unknown("attribute", key, kind, schema, place));
                        bag.meant(key, place, schema);
                    }
                }
                Structure::Block(inner) => self.inner(env, &mut bag, inner, schema),
            }
        }
        bag
    }

    fn inner(&self, env: &Env<'a>, bag: &mut Bag, block: &Block, schema: Schema) {
        let word = block.ident.as_str();
        let terraforms = ["lifecycle", "provisioner", "connection", "timeouts"];
        if bag.kind.starts_with("sym_") && terraforms.contains(&word) {
            return;
        }
        if word == "dynamic" {
            if let Err(fault) = self.repeat(env, bag, block, schema) {
                self.log.add(*fault);
            }
            return;
        }
        if let Some(inner) = inner_schema(word).filter(|_| schema.blocks.contains(&word)) {
            bag.blocks.push(self.bag(env, block, word, inner));
        } else {
            let place = header(env.source, block);
            self.log.add(unknown("block", word, &bag.kind, schema, place));
            bag.meant(word, place, schema);
        }
    }

    /// A `dynamic` block: its contents once per element.
    fn repeat(&self, env: &Env<'a>, bag: &mut Bag, block: &Block, schema: Schema) -> Eval<()> {
        let place = header(env.source, block);
        let [label] = block.labels.as_slice() else {
            return Err(Box::new(Fault::new(place, "a `dynamic` block names the block it repeats")));
        };
        let word = label.as_str();
        let Some(inner) = inner_schema(word).filter(|_| schema.blocks.contains(&word)) else {
            let at = label_place(env.source, label);
            return Err(Box::new(unknown("block", word, &bag.kind, schema, at)));
        };
        let Some(content) = block.body.get_blocks("content").next() else {
            return Err(Box::new(Fault::new(place, "a `dynamic` block needs a `content` block")));
        };
        for inside in self.dynamic(env, block, word)? {
            let mut made = self.bag(&inside, content, word, inner);
            made.place = place;
            if let Some(labels) = block.body.get_attribute("labels")
                && let Item::List(labels) = self.node(&inside, &labels.value).item
            {
                made.labels = labels.into_iter().filter_map(|label| label.text()).collect();
            }
            bag.blocks.push(made);
        }
        Ok(())
    }

    fn entry(&self, env: &Env<'a>, attribute: &Attribute) -> Entry {
        let key = attribute.key.as_str().to_owned();
        let key_place = Place::new(env.source, attribute.key.span());
        let place = Place::new(env.source, attribute.value.span());
        // Python is not run, so it does not matter whether its file is there.
        let node = if matches!(key.as_str(), "implementation" | "on_change" | "vars") {
            Node { place, item: Item::Unread }
        } else {
            self.node(env, &attribute.value)
        };
        Entry { key, key_place, node }
    }

    /// The value of an expression with the places of its parts. Faults are written down.
    pub(super) fn node(&self, env: &Env<'a>, expression: &Expression) -> Node {
        let place = Place::new(env.source, expression.span());
        match expression {
            Expression::Array(items) => {
                let items = items.iter().map(|item| self.node(env, item)).collect();
                Node { place, item: Item::List(items) }
            }
            Expression::Object(object) => {
                let mut entries = Vec::new();
                for (key, value) in object {
                    let key_place = Place::new(env.source, key.span());
                    let Some(name) = self.log.keep(self.object_key(env, key)) else {
                        return Node { place, item: Item::Broken };
                    };
                    let node = match value.expr() {
                        // The older form writes lists as JSON; their places are worth keeping.
                        Expression::FuncCall(call)
                            if name.ends_with("_json") && call.name.name.as_str() == "jsonencode" =>
                        {
                            match call.args.iter().next() {
                                Some(inside) => self.node(env, inside),
                                None => self.node(env, value.expr()),
                            }
                        }
                        other => self.node(env, other),
                    };
                    entries.push(Entry { key: name, key_place, node });
                }
                Node { place, item: Item::Map(entries) }
            }
            Expression::Parenthesis(inside) => self.node(env, inside.inner()),
            other => match self.log.keep(self.eval(env, other)) {
                Some(value) => Node::from_value(place, value),
                None => Node { place, item: Item::Broken },
            },
        }
    }
}

impl Node {
    /// Text, or what becomes text by itself.
    pub(super) fn text(&self) -> Option<Text> {
        let text = match &self.item {
            Item::Text(text) => text.clone(),
            Item::Bool(flag) => flag.to_string(),
            Item::Number(number) => super::value::text(&Value::Number(number.clone()))?,
            Item::Broken | Item::Unread | Item::Null | Item::List(_) | Item::Map(_) => return None,
        };
        Some(Text { text, place: self.place })
    }

    /// What people call its kind.
    pub(super) fn kind(&self) -> &'static str {
        match &self.item {
            Item::Broken | Item::Unread => "unknown",
            Item::Null => "null",
            Item::Bool(_) => "a bool",
            Item::Number(_) => "a number",
            Item::Text(_) => "text",
            Item::List(_) => "a list",
            Item::Map(_) => "a map",
        }
    }
}

/// What a block inside of another may hold.
fn inner_schema(word: &str) -> Option<Schema> {
    match word {
        "params" => Some(schema::PARAMS),
        "prompt_field" => Some(schema::PROMPT_FIELD),
        "rule" => Some(schema::RULE),
        "fallback" => Some(schema::FALLBACK),
        _ => None,
    }
}

/// A complaint about a name that means nothing where it stands.
pub(super) fn unknown(what: &str, name: &str, kind: &str, schema: Schema, place: Place) -> Fault {
    let fault = Fault::new(place, format!("unknown {what} `{name}` in `{kind}`"));
    let all = || schema.attributes.iter().chain(schema.blocks).copied();
    if what == "block" && schema.attributes.contains(&name) {
        return Fault::new(place, format!("`{name}` is not a block")).hint(format!("write `{name} = …`"));
    }
    if what == "attribute" && schema.blocks.contains(&name) {
        return Fault::new(place, format!("`{name}` is a block")).hint(format!("write `{name} {{ … }}`"));
    }
    if let Some(hint) = did_you_mean(name, all()) {
        return fault.hint(hint);
    }
    let elsewhere = [
        ("sym_flow", schema::of("sym_flow")),
        ("params", Some(schema::PARAMS)),
        ("prompt_field", Some(schema::PROMPT_FIELD)),
        ("rule", Some(schema::RULE)),
    ];
    let home = elsewhere.into_iter().find(|(_, schema)| {
        schema.is_some_and(|schema| schema.attributes.contains(&name) || schema.blocks.contains(&name))
    });
    match home {
        Some((home, _)) if home != kind => fault.hint(format!("`{name}` belongs into `{home}`")),
        _ => fault,
    }
}
