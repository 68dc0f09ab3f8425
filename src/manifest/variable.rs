//! Where the values of variables come from, and the types they are turned into.

use super::source::{Place, SourceId};
use super::value;
use hcl_edit::expr::{Expression, ObjectKey};
use serde_json::{Map, Value};

/// A value that was handed in from outside.
pub(super) enum Given<'a> {
    /// From a values file.
    Expression { source: SourceId, place: Place, value: &'a Expression },
    /// From the command line or the environment.
    Text { text: String, place: Place },
}

impl Given<'_> {
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Expression { place, .. } | Self::Text { place, .. } => *place,
        }
    }
}

/// Reads a text from the command line: plain text, or an expression when the type says so.
pub(super) fn from_text(text: &str, wanted: Option<&Expression>) -> Result<Value, String> {
    let plain = match wanted {
        None => true,
        Some(Expression::Variable(word)) => !matches!(word.value().as_str(), "list" | "map"),
        Some(_) => false,
    };
    if plain {
        return Ok(Value::String(text.to_owned()));
    }
    let parsed =
        hcl_edit::parser::parse_expr(text).map_err(|error| format!("is not HCL: {}", error.message()))?;
    literal(&parsed).ok_or_else(|| "has to be a plain value".to_owned())
}

/// The value of an expression that refers to nothing.
fn literal(expression: &Expression) -> Option<Value> {
    Some(match expression {
        Expression::Null(_) => Value::Null,
        Expression::Bool(flag) => Value::Bool(*flag.value()),
        Expression::Number(number) => match number.value().as_i64() {
            Some(whole) => Value::from(whole),
            None => value::from_f64(number.value().as_f64()?),
        },
        Expression::String(text) => Value::String(text.value().clone()),
        Expression::Array(items) => Value::Array(items.iter().map(literal).collect::<Option<_>>()?),
        Expression::Object(object) => {
            let mut map = Map::new();
            for (key, value) in object {
                let key = match key {
                    ObjectKey::Ident(word) => word.value().as_str().to_owned(),
                    ObjectKey::Expression(Expression::String(text)) => text.value().clone(),
                    ObjectKey::Expression(_) => return None,
                };
                map.insert(key, literal(value.expr())?);
            }
            Value::Object(map)
        }
        _ => return None,
    })
}

/// Turns a value into the type of its variable. The error ends a sentence that begins with the name.
pub(super) fn convert(value: Value, wanted: Option<&Expression>) -> Result<Value, String> {
    let Some(wanted) = wanted else { return Ok(value) };
    if value.is_null() {
        return Ok(value);
    }
    match wanted {
        Expression::Variable(word) => simple(value, word.value().as_str()),
        Expression::FuncCall(call) => {
            let inside = call.args.iter().next();
            match (call.name.name.value().as_str(), value) {
                ("optional", value) => convert(value, inside),
                ("list" | "set", Value::Array(items)) => {
                    let set = call.name.name.value().as_str() == "set";
                    let items: Result<Vec<Value>, String> =
                        items.into_iter().map(|item| convert(item, inside)).collect();
                    Ok(Value::Array(if set { value::set(items?) } else { items? }))
                }
                ("map", Value::Object(map)) => {
                    let map: Result<Map<String, Value>, String> =
                        map.into_iter().map(|(key, item)| Ok((key, convert(item, inside)?))).collect();
                    map.map(Value::Object)
                }
                ("object", Value::Object(map)) => object(map, inside),
                ("tuple", Value::Array(items)) => Ok(Value::Array(items)),
                (kind, other) => {
                    Err(format!("has to be {}, and this is {}", article(kind), value::kind(&other)))
                }
            }
        }
        Expression::Parenthesis(inside) => convert(value, Some(inside.inner())),
        _ => Ok(value),
    }
}

fn simple(value: Value, word: &str) -> Result<Value, String> {
    let complaint = |value: &Value| {
        let kind = match word {
            "string" => "text",
            other => other,
        };
        format!("has to be {}, and this is {}", article(kind), value::kind(value))
    };
    match word {
        "string" => value::text(&value).map(Value::String).ok_or_else(|| complaint(&value)),
        "number" => match &value {
            Value::Number(_) => Ok(value),
            _ => value::number(&value).map(value::from_f64).ok_or_else(|| complaint(&value)),
        },
        "bool" => value::truth(&value).map(Value::Bool).ok_or_else(|| complaint(&value)),
        "list" | "set" if !value.is_array() => Err(complaint(&value)),
        "map" if !value.is_object() => Err(complaint(&value)),
        _ => Ok(value),
    }
}

fn object(mut given: Map<String, Value>, inside: Option<&Expression>) -> Result<Value, String> {
    let Some(Expression::Object(wanted)) = inside else { return Ok(Value::Object(given)) };
    let mut map = Map::new();
    for (key, wanted) in wanted {
        let key = match key {
            ObjectKey::Ident(word) | ObjectKey::Expression(Expression::Variable(word)) => {
                word.value().as_str().to_owned()
            }
            ObjectKey::Expression(Expression::String(text)) => text.value().clone(),
            ObjectKey::Expression(_) => continue,
        };
        let wanted = wanted.expr();
        let value = match given.remove(&key) {
            Some(value) if !value.is_null() => convert(value, Some(wanted)),
            _ => missing(&key, wanted),
        };
        map.insert(key.clone(), value.map_err(|why| format!("is not as declared: `{key}` {why}"))?);
    }
    Ok(Value::Object(map))
}

fn missing(key: &str, wanted: &Expression) -> Result<Value, String> {
    match wanted {
        Expression::FuncCall(call) if call.name.name.value().as_str() == "optional" => {
            Ok(call.args.iter().nth(1).and_then(literal).unwrap_or(Value::Null))
        }
        _ => Err(format!("is missing, and `{key}` is not optional")),
    }
}

fn article(kind: &str) -> String {
    match kind {
        "text" => "text".to_owned(),
        "object" => "an object".to_owned(),
        other => format!("a {other}"),
    }
}
