//! Functions of lists, sets and maps.

use super::{Entry, MANY, list_at, map_at, strings, text_at, texts_at, whole_at};
use crate::manifest::value::{self, kind, same};
use serde_json::{Map, Value};

pub(super) const ALL: &[Entry] = &[
    ("concat", 0, MANY, |a| {
        let mut all = Vec::new();
        for index in 0..a.len() {
            all.extend(list_at(a, index)?);
        }
        Ok(Value::Array(all))
    }),
    ("merge", 0, MANY, |a| {
        let mut all = Map::new();
        for index in (0..a.len()).filter(|index| !a[*index].is_null()) {
            all.extend(map_at(a, index)?);
        }
        Ok(Value::Object(all))
    }),
    ("lookup", 2, 3, |a| {
        let (map, key) = (map_at(a, 0)?, text_at(a, 1)?);
        map.get(&key).or(a.get(2)).cloned().ok_or_else(|| format!("finds no `{key}`, and has no default"))
    }),
    ("keys", 1, 1, |a| Ok(strings(map_at(a, 0)?.into_iter().map(|(key, _)| key)))),
    ("values", 1, 1, |a| Ok(Value::Array(map_at(a, 0)?.into_iter().map(|(_, value)| value).collect()))),
    ("length", 1, 1, |a| match &a[0] {
        Value::Array(items) => Ok(items.len().into()),
        Value::Object(map) => Ok(map.len().into()),
        Value::String(text) => Ok(text.chars().count().into()),
        other => Err(format!("needs a list, a map or text, and this is {}", kind(other))),
    }),
    ("contains", 2, 2, |a| Ok(list_at(a, 0)?.iter().any(|item| same(item, &a[1])).into())),
    ("index", 2, 2, |a| {
        let found = list_at(a, 0)?.iter().position(|item| same(item, &a[1]));
        found.map(Value::from).ok_or_else(|| "does not find this in the list".to_owned())
    }),
    ("element", 2, 2, |a| {
        let (items, index) = (list_at(a, 0)?, whole_at(a, 1)?);
        let at = index.checked_rem(items.len()).ok_or("needs a list that is not empty")?;
        Ok(items[at].clone())
    }),
    ("flatten", 1, 1, |a| {
        let mut flat = Vec::new();
        flatten(list_at(a, 0)?, &mut flat);
        Ok(Value::Array(flat))
    }),
    ("distinct", 1, 1, |a| {
        let mut kept: Vec<Value> = Vec::new();
        for item in list_at(a, 0)? {
            if !kept.iter().any(|there| same(there, &item)) {
                kept.push(item);
            }
        }
        Ok(Value::Array(kept))
    }),
    ("compact", 1, 1, |a| {
        let empty = |item: &Value| item.is_null() || item.as_str() == Some("");
        Ok(Value::Array(list_at(a, 0)?.into_iter().filter(|item| !empty(item)).collect()))
    }),
    ("coalesce", 1, MANY, |a| {
        let found = a.iter().find(|item| !item.is_null() && item.as_str() != Some(""));
        found.cloned().ok_or_else(|| "finds nothing that has a value".to_owned())
    }),
    ("coalescelist", 1, MANY, |a| {
        let found = a.iter().find(|item| item.as_array().is_some_and(|items| !items.is_empty()));
        found.cloned().ok_or_else(|| "finds no list that has items".to_owned())
    }),
    ("zipmap", 2, 2, |a| {
        let (keys, values) = (texts_at(a, 0)?, list_at(a, 1)?);
        if keys.len() != values.len() {
            return Err(format!("needs as many keys ({}) as values ({})", keys.len(), values.len()));
        }
        Ok(Value::Object(keys.into_iter().zip(values).collect()))
    }),
    ("sort", 1, 1, |a| {
        let mut texts = texts_at(a, 0)?;
        texts.sort();
        Ok(strings(texts))
    }),
    ("reverse", 1, 1, |a| Ok(Value::Array(list_at(a, 0)?.into_iter().rev().collect()))),
    ("slice", 3, 3, |a| {
        let (items, from, to) = (list_at(a, 0)?, whole_at(a, 1)?, whole_at(a, 2)?);
        items
            .get(from..to)
            .map(|some| Value::Array(some.to_vec()))
            .ok_or_else(|| format!("has no items {from} to {to} in a list of {}", items.len()))
    }),
    ("setunion", 1, MANY, |a| {
        let mut all = Vec::new();
        for index in 0..a.len() {
            all.extend(list_at(a, index)?);
        }
        Ok(Value::Array(value::set(all)))
    }),
    ("setintersection", 1, MANY, |a| {
        let mut kept = list_at(a, 0)?;
        for index in 1..a.len() {
            let other = list_at(a, index)?;
            kept.retain(|item| other.iter().any(|there| same(there, item)));
        }
        Ok(Value::Array(value::set(kept)))
    }),
    ("setsubtract", 2, 2, |a| {
        let without = list_at(a, 1)?;
        let mut kept = list_at(a, 0)?;
        kept.retain(|item| !without.iter().any(|there| same(there, item)));
        Ok(Value::Array(value::set(kept)))
    }),
    ("one", 1, 1, |a| match list_at(a, 0)?.as_slice() {
        [] => Ok(Value::Null),
        [only] => Ok(only.clone()),
        more => Err(format!("needs a list of at most one item, and this has {}", more.len())),
    }),
];

fn flatten(items: Vec<Value>, flat: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::Array(inside) => flatten(inside, flat),
            other => flat.push(other),
        }
    }
}
