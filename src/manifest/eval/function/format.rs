//! `format` and `formatlist`.

use super::{Entry, MANY, text_at};
use crate::manifest::value::{self, kind};
use serde_json::Value;

pub(super) const ALL: &[Entry] = &[
    ("format", 1, MANY, |a| format(&text_at(a, 0)?, &a[1..]).map(Value::String)),
    ("formatlist", 1, MANY, format_list),
];

/// What stands between `%` and its letter.
#[derive(Default)]
struct Flags {
    left: bool,
    zero: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
}

fn format(pattern: &str, arguments: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut letters = pattern.chars().peekable();
    let mut rest = arguments.iter();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let mut flags = Flags::default();
        while let Some(flag) = letters.next_if(|c| "-0+ #".contains(*c)) {
            flags.left |= flag == '-';
            flags.zero |= flag == '0';
            flags.plus |= flag == '+';
        }
        flags.width = count(&mut letters).unwrap_or(0);
        if letters.next_if_eq(&'.').is_some() {
            flags.precision = Some(count(&mut letters).unwrap_or(0));
        }
        let verb = letters.next().ok_or("ends with a `%` that has no letter")?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        let argument = rest.next().ok_or_else(|| format!("has no value for `%{verb}`"))?;
        out.push_str(&pad(&shown(verb, argument, &flags)?, &flags));
    }
    if rest.next().is_some() {
        return Err("was given more values than its pattern shows".to_owned());
    }
    Ok(out)
}

fn count(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut digits = String::new();
    while let Some(digit) = letters.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    // Nobody pads to more than that on purpose.
    digits.parse().ok().map(|width: usize| width.min(1000))
}

fn shown(verb: char, argument: &Value, flags: &Flags) -> Result<String, String> {
    let number = || {
        value::number(argument).ok_or_else(|| format!("needs a number for `%{verb}`, not {}", kind(argument)))
    };
    let signed = |text: String| if flags.plus && !text.starts_with('-') { format!("+{text}") } else { text };
    Ok(match verb {
        's' | 'v' => {
            let text = match value::text(argument) {
                Some(text) => text,
                None if verb == 'v' => argument.to_string(),
                None => return Err(format!("needs text for `%s`, not {}", kind(argument))),
            };
            match flags.precision {
                Some(precision) => text.chars().take(precision).collect(),
                None => text,
            }
        }
        'q' => value::text(argument)
            .map(|text| Value::String(text).to_string())
            .ok_or_else(|| format!("needs text for `%q`, not {}", kind(argument)))?,
        'd' => signed(format!("{:.0}", number()?.trunc())),
        'f' => signed(format!("{:.*}", flags.precision.unwrap_or(6), number()?)),
        'g' => signed(number()?.to_string()),
        't' => value::truth(argument)
            .map(|flag| flag.to_string())
            .ok_or_else(|| format!("needs true or false for `%t`, not {}", kind(argument)))?,
        'x' => format!("{:x}", value::whole(argument).ok_or("needs a whole number for `%x`")?),
        'X' => format!("{:X}", value::whole(argument).ok_or("needs a whole number for `%X`")?),
        other => return Err(format!("does not know `%{other}`")),
    })
}

fn pad(text: &str, flags: &Flags) -> String {
    let missing = flags.width.saturating_sub(text.chars().count());
    if flags.left {
        return format!("{text}{}", " ".repeat(missing));
    }
    if !flags.zero {
        return format!("{}{text}", " ".repeat(missing));
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    format!("{sign}{}{digits}", "0".repeat(missing))
}

fn format_list(arguments: &[Value]) -> Result<Value, String> {
    let pattern = text_at(arguments, 0)?;
    let lengths = arguments[1..].iter().filter_map(Value::as_array).map(Vec::len);
    let length = lengths.max().unwrap_or(1);
    let mut made = Vec::new();
    for index in 0..length {
        let mut row = Vec::new();
        for argument in &arguments[1..] {
            row.push(match argument {
                Value::Array(items) => items.get(index).cloned().ok_or("needs lists of one length")?,
                other => other.clone(),
            });
        }
        made.push(Value::String(format(&pattern, &row)?));
    }
    Ok(Value::Array(made))
}
