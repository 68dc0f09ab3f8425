//! Functions of numbers, and of truths in lists.

use super::{Entry, MANY, list_at, number_at};
use crate::manifest::value::{from_f64, number, truth};
use serde_json::Value;

/// The longest list that `range` makes.
const MAX_RANGE: usize = 10_000;

pub(super) const ALL: &[Entry] = &[
    ("max", 1, MANY, |a| Ok(from_f64(numbers(a)?.into_iter().fold(f64::NEG_INFINITY, f64::max)))),
    ("min", 1, MANY, |a| Ok(from_f64(numbers(a)?.into_iter().fold(f64::INFINITY, f64::min)))),
    ("abs", 1, 1, |a| Ok(from_f64(number_at(a, 0)?.abs()))),
    ("floor", 1, 1, |a| Ok(from_f64(number_at(a, 0)?.floor()))),
    ("ceil", 1, 1, |a| Ok(from_f64(number_at(a, 0)?.ceil()))),
    ("sum", 1, 1, |a| {
        let items = list_at(a, 0)?;
        let numbers: Option<Vec<f64>> = items.iter().map(number).collect();
        Ok(from_f64(numbers.ok_or("needs a list of numbers")?.into_iter().sum()))
    }),
    ("range", 1, 3, range),
    ("alltrue", 1, 1, |a| Ok(list_at(a, 0)?.iter().all(|item| truth(item) == Some(true)).into())),
    ("anytrue", 1, 1, |a| Ok(list_at(a, 0)?.iter().any(|item| truth(item) == Some(true)).into())),
];

fn numbers(arguments: &[Value]) -> Result<Vec<f64>, String> {
    (0..arguments.len()).map(|index| number_at(arguments, index)).collect()
}

fn range(arguments: &[Value]) -> Result<Value, String> {
    let (start, end, step) = match numbers(arguments)?.as_slice() {
        [end] => (0.0, *end, if *end < 0.0 { -1.0 } else { 1.0 }),
        [start, end] => (*start, *end, if end < start { -1.0 } else { 1.0 }),
        [start, end, step, ..] => (*start, *end, *step),
        [] => return Err("needs a number".to_owned()),
    };
    if step == 0.0 {
        return Err("cannot go on by steps of zero".to_owned());
    }
    let (mut made, mut at) = (Vec::new(), start);
    while (step > 0.0 && at < end) || (step < 0.0 && at > end) {
        if made.len() >= MAX_RANGE {
            return Err(format!("makes more than {MAX_RANGE} numbers"));
        }
        made.push(from_f64(at));
        at += step;
    }
    Ok(Value::Array(made))
}
