//! Blocks that hold plain values only: nothing is evaluated.

use super::schema_of;
use crate::manifest::bag::{Bag, Entry, Item, Node, Text, unknown};
use crate::manifest::schema::Schema;
use crate::manifest::source::{Fault, Log, Place, SourceId};
use crate::manifest::tree::{header, label_place};
use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Block, Body, Structure};

/// A whole file as one bag.
pub(super) fn file(source: SourceId, body: &Body, schema: Schema, log: &Log) -> Bag {
    let mut bag = Bag {
        kind: "file".to_owned(),
        place: Place::new(source, None),
        labels: Vec::new(),
        entries: Vec::new(),
        blocks: Vec::new(),
    };
    fill(&mut bag, source, body, schema, log);
    bag
}

fn block(source: SourceId, block: &Block, schema: Schema, log: &Log) -> Bag {
    let mut bag = Bag {
        kind: block.ident.as_str().to_owned(),
        place: header(source, block),
        labels: block
            .labels
            .iter()
            .map(|label| Text { text: label.as_str().to_owned(), place: label_place(source, label) })
            .collect(),
        entries: Vec::new(),
        blocks: Vec::new(),
    };
    fill(&mut bag, source, &block.body, schema, log);
    bag
}

fn fill(bag: &mut Bag, source: SourceId, body: &Body, schema: Schema, log: &Log) {
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let key = attribute.key.as_str();
                let key_place = Place::new(source, attribute.key.span());
                if schema.attributes.contains(&key) {
                    let node = node(source, &attribute.value, log);
                    bag.entries.push(Entry { key: key.to_owned(), key_place, node });
                } else {
                    log.add(unknown("attribute", key, &bag.kind, schema, key_place));
                }
            }
            Structure::Block(inner) => {
                let word = inner.ident.as_str();
                match schema_of(word).filter(|_| schema.blocks.contains(&word)) {
                    Some(inside) => bag.blocks.push(block(source, inner, inside, log)),
                    None => log.add(unknown("block", word, &bag.kind, schema, header(source, inner))),
                }
            }
        }
    }
}

fn node(source: SourceId, expression: &Expression, log: &Log) -> Node {
    let place = Place::new(source, expression.span());
    let item = match expression {
        Expression::Null(_) => Item::Null,
        Expression::Bool(flag) => Item::Bool(*flag.value()),
        Expression::Number(number) => match number.value().to_string().parse() {
            Ok(number) => Item::Number(number),
            Err(_) => Item::Broken,
        },
        Expression::String(text) => Item::Text(text.value().clone()),
        Expression::Array(items) => Item::List(items.iter().map(|item| node(source, item, log)).collect()),
        Expression::Object(object) => {
            let entry = |(key, value): (&ObjectKey, &hcl_edit::expr::ObjectValue)| {
                let name = match key {
                    ObjectKey::Ident(ident) => ident.as_str().to_owned(),
                    ObjectKey::Expression(Expression::String(text)) => text.value().clone(),
                    ObjectKey::Expression(Expression::Variable(name)) => name.as_str().to_owned(),
                    ObjectKey::Expression(_) => return None,
                };
                let key_place = Place::new(source, key.span());
                Some(Entry { key: name, key_place, node: node(source, value.expr(), log) })
            };
            match object.iter().map(entry).collect::<Option<Vec<Entry>>>() {
                Some(entries) => Item::Map(entries),
                None => broken(place, log),
            }
        }
        _ => broken(place, log),
    };
    Node { place, item }
}

fn broken(place: Place, log: &Log) -> Item {
    let fault = Fault::new(place, "only plain values stand here: texts in quotes, numbers, lists and maps");
    log.add(fault);
    Item::Broken
}
