//! Functions of text.

use super::{Entry, strings, text_at, texts_at};
use crate::manifest::value;
use serde_json::Value;

pub(super) const ALL: &[Entry] = &[
    ("lower", 1, 1, |a| Ok(text_at(a, 0)?.to_lowercase().into())),
    ("upper", 1, 1, |a| Ok(text_at(a, 0)?.to_uppercase().into())),
    ("title", 1, 1, |a| Ok(title(&text_at(a, 0)?).into())),
    ("trimspace", 1, 1, |a| Ok(text_at(a, 0)?.trim().into())),
    ("trim", 2, 2, |a| {
        let letters: Vec<char> = text_at(a, 1)?.chars().collect();
        Ok(text_at(a, 0)?.trim_matches(letters.as_slice()).into())
    }),
    ("trimprefix", 2, 2, |a| {
        let (text, prefix) = (text_at(a, 0)?, text_at(a, 1)?);
        Ok(text.strip_prefix(prefix.as_str()).unwrap_or(&text).into())
    }),
    ("trimsuffix", 2, 2, |a| {
        let (text, suffix) = (text_at(a, 0)?, text_at(a, 1)?);
        Ok(text.strip_suffix(suffix.as_str()).unwrap_or(&text).into())
    }),
    ("chomp", 1, 1, |a| Ok(text_at(a, 0)?.trim_end_matches(['\n', '\r']).into())),
    ("replace", 3, 3, replace),
    ("split", 2, 2, |a| {
        let (by, text) = (text_at(a, 0)?, text_at(a, 1)?);
        Ok(if by.is_empty() {
            strings(text.chars().map(String::from))
        } else {
            strings(text.split(by.as_str()))
        })
    }),
    ("join", 2, super::MANY, |a| {
        let mut all = Vec::new();
        for index in 1..a.len() {
            all.extend(texts_at(a, index)?);
        }
        Ok(all.join(&text_at(a, 0)?).into())
    }),
    ("substr", 3, 3, substr),
    ("startswith", 2, 2, |a| Ok(text_at(a, 0)?.starts_with(&text_at(a, 1)?).into())),
    ("endswith", 2, 2, |a| Ok(text_at(a, 0)?.ends_with(&text_at(a, 1)?).into())),
    ("strcontains", 2, 2, |a| Ok(text_at(a, 0)?.contains(&text_at(a, 1)?).into())),
    ("strrev", 1, 1, |a| Ok(text_at(a, 0)?.chars().rev().collect::<String>().into())),
    ("basename", 1, 1, |a| {
        let path = text_at(a, 0)?;
        Ok(path.trim_end_matches('/').rsplit('/').next().unwrap_or("").into())
    }),
    ("dirname", 1, 1, |a| {
        let path = text_at(a, 0)?;
        Ok(path.rsplit_once('/').map_or(".", |(folder, _)| folder).into())
    }),
];

fn title(text: &str) -> String {
    let mut start = true;
    let letter = |c: char| {
        let shown = if start { c.to_uppercase().collect::<String>() } else { c.to_string() };
        start = !c.is_alphanumeric() && c != '\'' && c != '_';
        shown
    };
    text.chars().map(letter).collect()
}

fn replace(arguments: &[Value]) -> Result<Value, String> {
    let (text, from, to) = (text_at(arguments, 0)?, text_at(arguments, 1)?, text_at(arguments, 2)?);
    if from.len() > 1 && from.starts_with('/') && from.ends_with('/') {
        let pattern = super::pattern::compile(&from[1..from.len() - 1])?;
        return Ok(pattern.replace_all(&text, to.as_str()).into_owned().into());
    }
    Ok(text.replace(from.as_str(), &to).into())
}

fn substr(arguments: &[Value]) -> Result<Value, String> {
    let letters: Vec<char> = text_at(arguments, 0)?.chars().collect();
    let start = match value::whole(&arguments[1]) {
        Some(start) => start.min(letters.len()),
        // A negative start counts from the end.
        None => letters.len().saturating_sub(back(&arguments[1])?),
    };
    let end = match value::whole(&arguments[2]) {
        Some(length) => start.saturating_add(length).min(letters.len()),
        None if back(&arguments[2])? == 1 => letters.len(),
        None => return Err("needs a length, or -1 for the rest".to_owned()),
    };
    Ok(letters[start..end].iter().collect::<String>().into())
}

fn back(value: &Value) -> Result<usize, String> {
    let negative = value.as_i64().filter(|number| *number < 0).map(i64::unsigned_abs);
    negative
        .and_then(|number| usize::try_from(number).ok())
        .ok_or_else(|| format!("needs a whole number, and this is {}", value::kind(value)))
}
