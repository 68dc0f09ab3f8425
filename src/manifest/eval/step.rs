//! Following `.x`, `["y"]` and `[*]` into a value.

use crate::manifest::nearest::did_you_mean;
use crate::manifest::source::{Eval, Fault, Place};
use crate::manifest::value;
use crate::manifest::world::{Env, World};
use hcl_edit::expr::TraversalOperator;
use hcl_edit::{Decorated, Span};
use serde_json::Value;

pub(super) type Step = Decorated<TraversalOperator>;

impl<'a> World<'a> {
    /// Follows `.x`, `["y"]` and `[*]` into a value.
    pub(super) fn steps(
        &self,
        env: &Env<'a>,
        mut at: Value,
        mut place: Place,
        steps: &[Step],
    ) -> Eval<Value> {
        let mut rest = steps;
        while let Some((step, after)) = rest.split_first() {
            place = place.to(Place::new(env.source, step.span()));
            at = match step.value() {
                TraversalOperator::GetAttr(name) => get(at, name.as_str(), place)?,
                TraversalOperator::Index(expression) => match self.eval(env, expression)? {
                    Value::String(key) => get(at, &key, place)?,
                    other => index(at, value::whole(&other), place)?,
                },
                TraversalOperator::LegacyIndex(number) => {
                    index(at, usize::try_from(*number.value()).ok(), place)?
                }
                TraversalOperator::FullSplat(_) => {
                    return splat(at, |item| self.steps(env, item, place, after));
                }
                TraversalOperator::AttrSplat(_) => {
                    let names = after.iter().take_while(|step| attribute(Some(*step)).is_some()).count();
                    let (inside, outside) = after.split_at(names);
                    let list = splat(at, |item| self.steps(env, item, place, inside))?;
                    return self.steps(env, list, place, outside);
                }
            };
            rest = after;
        }
        Ok(at)
    }
}

fn splat(at: Value, each: impl FnMut(Value) -> Eval<Value>) -> Eval<Value> {
    let items = match at {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        only => vec![only],
    };
    Ok(Value::Array(items.into_iter().map(each).collect::<Eval<_>>()?))
}

fn get(at: Value, name: &str, place: Place) -> Eval<Value> {
    match at {
        Value::Object(mut map) => map.remove(name).ok_or_else(|| {
            let known = did_you_mean(name, map.keys().map(String::as_str));
            let keys: Vec<String> = map.keys().map(|key| format!("`{key}`")).take(12).collect();
            let hint = known.or_else(|| (!keys.is_empty()).then(|| format!("there is {}", keys.join(", "))));
            Box::new(Fault::new(place, format!("there is no `{name}` in this")).maybe_hint(hint))
        }),
        other => {
            let message = format!("`{name}` is looked for in {}, which has no names", value::kind(&other));
            Err(Box::new(Fault::new(place, message)))
        }
    }
}

fn index(at: Value, number: Option<usize>, place: Place) -> Eval<Value> {
    let wrong = |message: String| Err(Box::new(Fault::new(place, message)));
    match (at, number) {
        (Value::Array(mut items), Some(number)) if number < items.len() => Ok(items.swap_remove(number)),
        (Value::Array(items), Some(number)) => {
            wrong(format!("there is no item {number}: the list has {}", items.len()))
        }
        (Value::Array(_), None) => wrong("an item of a list is named by a number".to_owned()),
        (Value::Object(map), Some(number)) => get(Value::Object(map), &number.to_string(), place),
        (other, _) => wrong(format!("an item is looked for in {}", value::kind(&other))),
    }
}

pub(super) fn attribute(step: Option<&Step>) -> Option<&str> {
    match step?.value() {
        TraversalOperator::GetAttr(name) => Some(name.value().as_str()),
        _ => None,
    }
}

pub(super) fn is_index(step: Option<&Step>) -> bool {
    matches!(
        step.map(Decorated::value),
        Some(TraversalOperator::Index(_) | TraversalOperator::LegacyIndex(_))
    )
}
