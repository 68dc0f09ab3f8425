//! Accounts as a rule names them.

use crate::manifest::arn;
use crate::manifest::bag::Text;
use crate::manifest::reader::{Got, Reader};
use crate::manifest::source::{Fault, Place};
use crate::policy::AccountSelector;

/// The longest key of a tag in AWS.
const MAX_KEY: usize = 128;
/// The longest value.
const MAX_VALUE: usize = 256;

pub(super) fn read(reader: &Reader<'_>, complete: &mut bool) -> Vec<(AccountSelector, Place)> {
    let texts = match reader.texts("accounts") {
        Got::Absent => return Vec::new(),
        Got::Broken => {
            *complete = false;
            return Vec::new();
        }
        Got::Given(texts) => texts,
    };
    *complete &= texts.complete;
    if texts.items.is_empty() && texts.complete {
        let fault =
            Fault::new(texts.place.unwrap_or(reader.bag.place), "`accounts` is empty: no account matches");
        reader.complain(fault.hint("leave it out if any account is meant"));
    }
    let mut found: Vec<(AccountSelector, Place)> = Vec::new();
    for text in texts.items {
        match selector(&text) {
            Ok(selector) if found.iter().any(|(there, _)| *there == selector) => {
                reader.complain(Fault::warning(text.place, format!("`{}` is named twice", text.text)));
            }
            Ok(selector) => found.push((selector, text.place)),
            Err(fault) => {
                *complete = false;
                reader.complain(fault);
            }
        }
    }
    found
}

fn selector(text: &Text) -> Result<AccountSelector, Fault> {
    let written = text.text.as_str();
    let wrong = |message: String, hint: &str| Err(Fault::new(text.place, message).hint(hint));
    if arn::is_account_id(written) {
        return Ok(AccountSelector::Id(written.to_owned()));
    }
    match written.split_once(':') {
        Some(("ou", unit)) if is_unit(unit) => Ok(AccountSelector::Ou(unit.to_owned())),
        Some(("ou", unit)) => wrong(
            format!("`{unit}` is not the id of an organizational unit or of a root"),
            "write `ou:ou-ab12-11111111`, or `ou:r-ab12` for the whole organization",
        ),
        Some(("tag", tag)) => match tag.split_once('=') {
            Some((key, value)) if is_tag_part(key, 1, MAX_KEY) && is_tag_part(value, 0, MAX_VALUE) => {
                Ok(AccountSelector::Tag { key: key.to_owned(), value: value.to_owned() })
            }
            _ => wrong(format!("`{tag}` is not a tag of AWS with its value"), "write `tag:env=prod`"),
        },
        _ => wrong(
            format!("`{written}` is not an account id: twelve digits in quotes"),
            "there is also `ou:ou-ab12-11111111` and `tag:env=prod`",
        ),
    }
}

/// AWS's own pattern for the ids of organizational units and roots.
fn is_unit(text: &str) -> bool {
    let part = |text: &str, least: usize| {
        (least..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    match text.split('-').collect::<Vec<_>>().as_slice() {
        ["r", root] => part(root, 4),
        ["ou", root, unit] => part(root, 4) && part(unit, 8),
        _ => false,
    }
}

/// AWS's own pattern for keys and values of tags.
fn is_tag_part(text: &str, least: usize, most: usize) -> bool {
    let ok = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    (least..=most).contains(&text.chars().count()) && text.trim() == text && text.chars().all(ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_tags_have_the_forms_of_aws() {
        for good in ["r-ab12", "ou-ab12-11111111", "ou-0123456789-abcdefgh12"] {
            assert!(is_unit(good), "{good}");
        }
        for bad in ["", "r-", "r-AB12", "ou-ab12", "ou-ab12-1111111", "ou-ab12-11111111-x", "prod"] {
            assert!(!is_unit(bad), "{bad}");
        }
        assert!(is_tag_part("cost center", 1, 128) && is_tag_part("", 0, 256));
        assert!(!is_tag_part("", 1, 128) && !is_tag_part(" env", 1, 128) && !is_tag_part("a*", 1, 128));
    }
}
