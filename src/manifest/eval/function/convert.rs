//! Functions from one kind of value to another.

use super::{Entry, list_at, map_at, text_at};
use crate::manifest::value::{self, kind};
use serde_json::Value;

pub(super) const ALL: &[Entry] = &[
    ("tostring", 1, 1, |a| match &a[0] {
        Value::Null => Ok(Value::Null),
        _ => text_at(a, 0).map(Value::String),
    }),
    ("tonumber", 1, 1, |a| match &a[0] {
        Value::Null | Value::Number(_) => Ok(a[0].clone()),
        other => value::number(other)
            .map(value::from_f64)
            .ok_or_else(|| format!("needs a number, and this is {}", kind(other))),
    }),
    ("tobool", 1, 1, |a| match &a[0] {
        Value::Null => Ok(Value::Null),
        other => value::truth(other)
            .map(Value::Bool)
            .ok_or_else(|| format!("needs true or false, and this is {}", kind(other))),
    }),
    ("tolist", 1, 1, |a| list_at(a, 0).map(Value::Array)),
    ("toset", 1, 1, |a| Ok(Value::Array(value::set(list_at(a, 0)?)))),
    ("tomap", 1, 1, |a| map_at(a, 0).map(Value::Object)),
    ("jsonencode", 1, 1, |a| Ok(a[0].to_string().into())),
    ("jsondecode", 1, 1, |a| {
        serde_json::from_str(&text_at(a, 0)?).map_err(|error| format!("was not given JSON: {error}"))
    }),
    ("sensitive", 1, 1, |a| Ok(a[0].clone())),
    ("nonsensitive", 1, 1, |a| Ok(a[0].clone())),
];
