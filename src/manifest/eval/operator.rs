//! What `+`, `==`, `&&` and their like make of values.

use crate::manifest::value::{self, kind, number, truth};
use hcl_edit::expr::{BinaryOperator, UnaryOperator};
use serde_json::Value;

/// `-x`, `!x`
pub(super) fn unary(operator: UnaryOperator, inside: &Value) -> Result<Value, String> {
    match operator {
        UnaryOperator::Neg => number(inside)
            .map(|number| value::from_f64(-number))
            .ok_or_else(|| format!("`-` needs a number, and this is {}", kind(inside))),
        UnaryOperator::Not => truth(inside)
            .map(|flag| Value::Bool(!flag))
            .ok_or_else(|| format!("`!` needs true or false, and this is {}", kind(inside))),
    }
}

/// The value when the left side alone settles it.
pub(super) fn settled(operator: BinaryOperator, left: &Value) -> Option<Value> {
    match (operator, truth(left)) {
        (BinaryOperator::And, Some(false)) => Some(Value::Bool(false)),
        (BinaryOperator::Or, Some(true)) => Some(Value::Bool(true)),
        _ => None,
    }
}

/// `a + b`, `a == b`, …
pub(super) fn binary(left: &Value, operator: BinaryOperator, right: &Value) -> Result<Value, String> {
    use BinaryOperator as Op;
    match operator {
        Op::Eq => return Ok(Value::Bool(value::same(left, right))),
        Op::NotEq => return Ok(Value::Bool(!value::same(left, right))),
        Op::And | Op::Or => {
            let side = |side: &Value| {
                truth(side).ok_or_else(|| {
                    format!("`{}` needs true or false, and this is {}", operator.as_str(), kind(side))
                })
            };
            let (left, right) = (side(left)?, side(right)?);
            return Ok(Value::Bool(if operator == Op::And { left && right } else { left || right }));
        }
        _ => {}
    }
    let side = |side: &Value| {
        number(side)
            .ok_or_else(|| format!("`{}` needs numbers, and this is {}", operator.as_str(), kind(side)))
    };
    let (left, right) = (side(left)?, side(right)?);
    Ok(match operator {
        Op::LessEq => Value::Bool(left <= right),
        Op::GreaterEq => Value::Bool(left >= right),
        Op::Less => Value::Bool(left < right),
        Op::Greater => Value::Bool(left > right),
        Op::Plus => value::from_f64(left + right),
        Op::Minus => value::from_f64(left - right),
        Op::Mul => value::from_f64(left * right),
        Op::Div | Op::Mod if right == 0.0 => return Err("this divides by zero".to_owned()),
        Op::Div => value::from_f64(left / right),
        Op::Mod => value::from_f64(left % right),
        Op::Eq | Op::NotEq | Op::And | Op::Or => Value::Null,
    })
}
