//! `regex` and `regexall`.

use super::{Entry, text_at};
use regex_lite::{Captures, Regex, RegexBuilder};
use serde_json::{Map, Value};

/// The largest program that a pattern may become.
const MAX_SIZE: usize = 1 << 20;

pub(super) const ALL: &[Entry] = &[
    ("regex", 2, 2, |a| {
        let (pattern, text) = (compile(&text_at(a, 0)?)?, text_at(a, 1)?);
        let found = pattern.captures(&text).map(|found| shown(&pattern, &found));
        found.ok_or_else(|| "does not find its pattern in the text".to_owned())
    }),
    ("regexall", 2, 2, |a| {
        let (pattern, text) = (compile(&text_at(a, 0)?)?, text_at(a, 1)?);
        Ok(Value::Array(pattern.captures_iter(&text).map(|found| shown(&pattern, &found)).collect()))
    }),
];

pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(MAX_SIZE)
        .build()
        .map_err(|error| format!("was given a pattern that cannot be read: {error}"))
}

/// The match, or its groups: a list, or a map when they have names.
fn shown(pattern: &Regex, found: &Captures<'_>) -> Value {
    let group =
        |index: usize| found.get(index).map_or(Value::Null, |part| Value::String(part.as_str().to_owned()));
    let names: Vec<Option<&str>> = pattern.capture_names().skip(1).collect();
    if names.is_empty() {
        return group(0);
    }
    if names.iter().all(Option::is_none) {
        return Value::Array((1..=names.len()).map(group).collect());
    }
    let entries =
        names.iter().enumerate().filter_map(|(index, name)| Some(((*name)?.to_owned(), group(index + 1))));
    Value::Object(entries.collect::<Map<_, _>>())
}
