//! `count` and `for_each`: from a block to its instances.

use super::source::{Eval, Fault, Place};
use super::value;
use super::world::{Env, Key, Shape, World};
use hcl_edit::Span;
use hcl_edit::structure::Block;
use serde_json::{Map, Value};

/// More instances than anybody declares on purpose.
const MAX_INSTANCES: usize = 1000;

/// The instances of a block, each with what `each` or `count` mean in it.
pub(super) struct Instances<'a> {
    pub(super) shape: Shape,
    pub(super) items: Vec<(Key, Env<'a>)>,
}

impl<'a> World<'a> {
    /// One instance, or as many as `count` or `for_each` say.
    pub(super) fn instances(&self, env: &Env<'a>, block: &Block) -> Eval<Instances<'a>> {
        let count = block.body.get_attribute("count");
        let for_each = block.body.get_attribute("for_each");
        match (count, for_each) {
            (None, None) => Ok(Instances { shape: Shape::Only, items: vec![(Key::Only, env.clone())] }),
            (Some(_), Some(both)) => {
                let place = Place::new(env.source, both.key.span());
                Err(Box::new(Fault::new(place, "`count` and `for_each` cannot stand together")))
            }
            (Some(count), None) => {
                let place = Place::new(env.source, count.value.span());
                let found = self.eval(env, &count.value)?;
                let number = value::whole(&found).filter(|number| *number <= MAX_INSTANCES);
                let number = number
                    .ok_or_else(|| Box::new(Fault::new(place, "`count` is a whole number from 0 to 1000")))?;
                let items = (0..number).map(|index| {
                    let mut each = Map::new();
                    each.insert("index".to_owned(), Value::from(index));
                    (Key::Index(index), env.with("count", Value::Object(each)))
                });
                Ok(Instances { shape: Shape::Count, items: items.collect() })
            }
            (None, Some(for_each)) => {
                let place = Place::new(env.source, for_each.value.span());
                let found = self.eval(env, &for_each.value)?;
                let items = each(found, place)?.into_iter().map(|(key, value)| {
                    let mut each = Map::new();
                    each.insert("key".to_owned(), Value::String(key.clone()));
                    each.insert("value".to_owned(), value);
                    (Key::Name(key), env.with("each", Value::Object(each)))
                });
                Ok(Instances { shape: Shape::Each, items: items.collect() })
            }
        }
    }

    /// The contents of a `dynamic` block: one environment per element.
    pub(super) fn dynamic(&self, env: &Env<'a>, block: &Block, label: &str) -> Eval<Vec<Env<'a>>> {
        let Some(for_each) = block.body.get_attribute("for_each") else {
            let place = Place::new(env.source, block.ident.span());
            return Err(Box::new(Fault::new(place, "a `dynamic` block needs `for_each`")));
        };
        let iterator = block.body.get_attribute("iterator").map(|name| name.value.to_string());
        let name = iterator.as_deref().map_or(label, str::trim);
        let place = Place::new(env.source, for_each.value.span());
        let pairs = match self.eval(env, &for_each.value)? {
            // Unlike a resource, a block may be repeated for the same value.
            Value::Array(items) if items.len() <= MAX_INSTANCES => {
                items.into_iter().enumerate().map(|(i, item)| (Value::from(i), item)).collect()
            }
            other => {
                let pairs = each(other, place)?;
                let pairs = pairs.into_iter().map(|(key, value)| (Value::String(key), value));
                pairs.collect::<Vec<_>>()
            }
        };
        let environments = pairs.into_iter().map(|(key, value)| {
            let mut each = Map::new();
            each.insert("key".to_owned(), key);
            each.insert("value".to_owned(), value);
            env.with(name, Value::Object(each))
        });
        Ok(environments.collect())
    }
}

/// The keys and values that `for_each` goes through.
fn each(found: Value, place: Place) -> Eval<Vec<(String, Value)>> {
    let wrong = |message: String| Err(Box::new(Fault::new(place, message)));
    let pairs: Vec<(String, Value)> = match found {
        Value::Object(map) => map.into_iter().collect(),
        Value::Array(items) => {
            let mut pairs: Vec<(String, Value)> = Vec::new();
            for item in items {
                let Value::String(key) = &item else {
                    return wrong(format!(
                        "`for_each` needs a map or a set of texts; this holds {}",
                        value::kind(&item)
                    ));
                };
                if pairs.iter().any(|(there, _)| there == key) {
                    return wrong(format!("`for_each` has `{key}` twice"));
                }
                pairs.push((key.clone(), item));
            }
            pairs
        }
        other => {
            return wrong(format!(
                "`for_each` needs a map or a set of texts, and this is {}",
                value::kind(&other)
            ));
        }
    };
    if pairs.len() > MAX_INSTANCES {
        return wrong("`for_each` has more than 1000 elements".to_owned());
    }
    Ok(pairs)
}
