//! Values as expressions make them: JSON's, which are Terraform's without sets and unknowns.

use serde_json::Value;

/// What people call a value's kind.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// The value as text, where Terraform would turn it into text by itself.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number_text(number)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn number_text(number: &serde_json::Number) -> String {
    // 3.0 is 3 to everybody who writes a manifest.
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
            format!("{float:.0}")
        }
        _ => number.to_string(),
    }
}

/// The value as a truth, where Terraform would take it as one by itself.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        _ => None,
    }
}

/// The value as a number, where Terraform would take it as one by itself.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// The value as a whole number that counts something.
pub(super) fn whole(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| exact(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .and_then(|number| usize::try_from(number).ok())
}

fn exact(float: f64) -> Option<u64> {
    let text = format!("{float:.0}");
    (float.fract() == 0.0 && float >= 0.0).then(|| text.parse().ok()).flatten()
}

/// A number as a value, whole where it is whole.
pub(super) fn from_f64(float: f64) -> Value {
    if float.fract() == 0.0 && float.abs() < 9e15 {
        let text = format!("{float:.0}");
        if let Ok(whole) = text.parse::<i64>() {
            return Value::from(whole);
        }
    }
    serde_json::Number::from_f64(float).map_or(Value::Null, Value::Number)
}

/// Whether two values are the same; `1` and `1.0` are.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// What a set holds: each value once, texts in order.
pub(super) fn set(values: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for value in values {
        if !kept.iter().any(|there| same(there, &value)) {
            kept.push(value);
        }
    }
    kept.sort_by(|a, b| match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(std::cmp::Ordering::Equal)
        }
        _ => std::cmp::Ordering::Equal,
    });
    kept
}
