//! The everyday functions of Terraform.

mod collection;
mod convert;
mod format;
mod number;
mod pattern;
mod text;

use crate::manifest::nearest::did_you_mean;
use crate::manifest::value::{self, kind};
use serde_json::{Map, Value};

/// Why a function has no value.
pub(super) enum CallError {
    /// There is no such function.
    Unknown { hint: Option<String> },
    /// It cannot work with what it was given; continues a sentence that begins with its name.
    Wrong(String),
}

type Function = fn(&[Value]) -> Result<Value, String>;

/// A function's name, the fewest and the most arguments it takes, and what it does.
type Entry = (&'static str, usize, usize, Function);

const MANY: usize = usize::MAX;

/// Calls a function with values.
pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value, CallError> {
    let all = || {
        [text::ALL, pattern::ALL, format::ALL, collection::ALL, number::ALL, convert::ALL]
            .into_iter()
            .flatten()
    };
    let Some((_, fewest, most, function)) = all().find(|(known, ..)| *known == name) else {
        let names = all().map(|(known, ..)| *known).chain(["try", "can", "file", "fileexists"]);
        return Err(CallError::Unknown { hint: did_you_mean(name, names) });
    };
    if arguments.len() < *fewest || arguments.len() > *most {
        let wanted = match (*fewest, *most) {
            (fewest, MANY) => format!("at least {fewest}"),
            (fewest, most) if fewest == most => fewest.to_string(),
            (fewest, most) => format!("{fewest} to {most}"),
        };
        let plural = if wanted == "1" { "value" } else { "values" };
        return Err(CallError::Wrong(format!("takes {wanted} {plural}, not {}", arguments.len())));
    }
    function(arguments).map_err(CallError::Wrong)
}

fn text_at(arguments: &[Value], index: usize) -> Result<String, String> {
    let value = arguments.get(index).unwrap_or(&Value::Null);
    value::text(value).ok_or_else(|| format!("needs text, and this is {}", kind(value)))
}

fn number_at(arguments: &[Value], index: usize) -> Result<f64, String> {
    let value = arguments.get(index).unwrap_or(&Value::Null);
    value::number(value).ok_or_else(|| format!("needs a number, and this is {}", kind(value)))
}

fn whole_at(arguments: &[Value], index: usize) -> Result<usize, String> {
    let value = arguments.get(index).unwrap_or(&Value::Null);
    value::whole(value).ok_or_else(|| format!("needs a whole number, and this is {}", kind(value)))
}

fn list_at(arguments: &[Value], index: usize) -> Result<Vec<Value>, String> {
    match arguments.get(index) {
        Some(Value::Array(items)) => Ok(items.clone()),
        other => Err(format!("needs a list, and this is {}", kind(other.unwrap_or(&Value::Null)))),
    }
}

fn texts_at(arguments: &[Value], index: usize) -> Result<Vec<String>, String> {
    let items = list_at(arguments, index)?;
    let text = |item: &Value| {
        value::text(item).ok_or_else(|| format!("needs a list of texts; this one holds {}", kind(item)))
    };
    items.iter().map(text).collect()
}

fn map_at(arguments: &[Value], index: usize) -> Result<Map<String, Value>, String> {
    match arguments.get(index) {
        Some(Value::Object(map)) => Ok(map.clone()),
        other => Err(format!("needs a map, and this is {}", kind(other.unwrap_or(&Value::Null)))),
    }
}

fn strings(texts: impl IntoIterator<Item = impl Into<String>>) -> Value {
    Value::Array(texts.into_iter().map(|text| Value::String(text.into())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(name: &str, arguments: &Value) -> Value {
        let Value::Array(arguments) = arguments else { panic!("arguments are a list") };
        match call(name, arguments) {
            Ok(value) => value,
            Err(CallError::Unknown { .. }) => json!("unknown"),
            Err(CallError::Wrong(why)) => json!(format!("wrong: {why}")),
        }
    }

    #[test]
    fn functions_do_as_in_terraform() {
        for (name, arguments, expected) in table() {
            assert_eq!(value(name, &arguments), expected, "{name}{arguments}");
        }
    }

    #[expect(clippy::too_many_lines, reason = "one line per example")]
    fn table() -> Vec<(&'static str, Value, Value)> {
        vec![
            ("lower", json!(["ABC"]), json!("abc")),
            ("upper", json!(["abc"]), json!("ABC")),
            ("title", json!(["hello world-wide"]), json!("Hello World-Wide")),
            ("trimspace", json!(["  a "]), json!("a")),
            ("trim", json!(["?!hello?!", "!?"]), json!("hello")),
            ("trimprefix", json!(["helloworld", "hello"]), json!("world")),
            ("trimsuffix", json!(["helloworld", "world"]), json!("hello")),
            ("replace", json!(["1 + 2 + 3", "+", "-"]), json!("1 - 2 - 3")),
            ("split", json!([",", "a,b,c"]), json!(["a", "b", "c"])),
            ("join", json!(["-", ["a", 1, true]]), json!("a-1-true")),
            ("substr", json!(["hello world", 1, 4]), json!("ello")),
            ("substr", json!(["hello world", -5, -1]), json!("world")),
            ("startswith", json!(["hello", "he"]), json!(true)),
            ("endswith", json!(["hello", "lo"]), json!(true)),
            ("strcontains", json!(["hello", "ell"]), json!(true)),
            ("format", json!(["%s-%03d %q %5.1f%%", "a", 7, "b", 2.55]), json!("a-007 \"b\"   2.5%")),
            ("format", json!(["%v %v", [1], null]), json!("[1] null")),
            ("formatlist", json!(["%s!", ["a", "b"]]), json!(["a!", "b!"])),
            ("concat", json!([["a"], ["b", "c"]]), json!(["a", "b", "c"])),
            ("merge", json!([{"a": 1}, {"a": 2, "b": 3}]), json!({"a": 2, "b": 3})),
            ("lookup", json!([{"a": 1}, "a", 0]), json!(1)),
            ("lookup", json!([{"a": 1}, "b", 0]), json!(0)),
            ("keys", json!([{"b": 1, "a": 2}]), json!(["a", "b"])),
            ("values", json!([{"b": 1, "a": 2}]), json!([2, 1])),
            ("length", json!([[1, 2]]), json!(2)),
            ("length", json!(["äb"]), json!(2)),
            ("contains", json!([["a", "b"], "b"]), json!(true)),
            ("element", json!([["a", "b"], 3]), json!("b")),
            ("flatten", json!([[["a"], [["b"], "c"]]]), json!(["a", "b", "c"])),
            ("distinct", json!([["a", "b", "a"]]), json!(["a", "b"])),
            ("coalesce", json!([null, "", "a"]), json!("a")),
            ("compact", json!([["a", "", null, "b"]]), json!(["a", "b"])),
            ("tostring", json!([5]), json!("5")),
            ("tonumber", json!(["5.5"]), json!(5.5)),
            ("tobool", json!(["true"]), json!(true)),
            ("toset", json!([["b", "a", "b"]]), json!(["a", "b"])),
            ("jsonencode", json!([{"a": [1, null]}]), json!("{\"a\":[1,null]}")),
            ("jsondecode", json!(["{\"a\":[1,null]}"]), json!({"a": [1, null]})),
            ("range", json!([3]), json!([0, 1, 2])),
            ("range", json!([1, 7, 3]), json!([1, 4])),
            ("zipmap", json!([["a", "b"], [1, 2]]), json!({"a": 1, "b": 2})),
            ("max", json!([1, 3, 2]), json!(3)),
            ("min", json!([1, 3, 2]), json!(1)),
            ("abs", json!([-2]), json!(2)),
            ("floor", json!([2.7]), json!(2)),
            ("ceil", json!([2.1]), json!(3)),
            ("sum", json!([[1, 2, 3.5]]), json!(6.5)),
            ("sort", json!([["b", "a"]]), json!(["a", "b"])),
            ("reverse", json!([[1, 2]]), json!([2, 1])),
            ("slice", json!([["a", "b", "c"], 1, 3]), json!(["b", "c"])),
            ("setunion", json!([["a", "b"], ["b", "c"]]), json!(["a", "b", "c"])),
            ("setintersection", json!([["a", "b"], ["b", "c"]]), json!(["b"])),
            ("setsubtract", json!([["a", "b"], ["b"]]), json!(["a"])),
            ("one", json!([["a"]]), json!("a")),
            ("index", json!([["a", "b"], "b"]), json!(1)),
            ("alltrue", json!([[true, "true"]]), json!(true)),
            ("anytrue", json!([[false, false]]), json!(false)),
            ("regex", json!(["[a-z]+", "53453453.345345aaabbbccc23454"]), json!("aaabbbccc")),
            ("regex", json!(["(\\d+)-(\\d+)", "x 1-2"]), json!(["1", "2"])),
            ("regex", json!(["(?P<a>\\d)", "x1"]), json!({"a": "1"})),
            ("regex", json!(["y", "x"]), json!("wrong: does not find its pattern in the text")),
            ("regexall", json!(["[a-z]", "a1b"]), json!(["a", "b"])),
            ("replace", json!(["a1b2", "/[0-9]/", "-"]), json!("a-b-")),
            ("lower", json!([]), json!("wrong: takes 1 value, not 0")),
            ("lower", json!([[]]), json!("wrong: needs text, and this is a list")),
            ("lowr", json!(["a"]), json!("unknown")),
            ("slice", json!([["a"], 1, 3]), json!("wrong: has no items 1 to 3 in a list of 1")),
            ("range", json!([1_000_000]), json!("wrong: makes more than 10000 numbers")),
        ]
    }
}
