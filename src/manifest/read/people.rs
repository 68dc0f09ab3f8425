//! People as a manifest names them.

use crate::access::{Email, People};
use crate::manifest::bag::Text;
use crate::manifest::nearest::did_you_mean;
use crate::manifest::source::Fault;

/// Reads `user:ana@example.com`, `usergroup:sre`, `idc_group:Admins`, `channel_members`, `everyone`.
///
/// # Errors
/// It names nobody.
pub(in crate::manifest) fn people(text: &Text) -> Result<People, Fault> {
    let written = text.text.trim();
    match written.split_once(':') {
        Some(("user", address)) => {
            if is_email(address) {
                return Ok(People::User(Email::new(address)));
            }
            let message = format!("`{address}` is not an e-mail address");
            Err(Fault::new(text.place, message).hint("write `user:ana@example.com`"))
        }
        Some(("usergroup", handle)) => {
            // Slack writes it with an `@` in messages and without one in its settings.
            let bare = handle.strip_prefix('@').unwrap_or(handle);
            if is_handle(bare) {
                return Ok(People::Usergroup(bare.to_owned()));
            }
            let message = format!("`{handle}` is not the handle of a user group");
            Err(Fault::new(text.place, message).hint("write `usergroup:sre`, as in `@sre`, or its id `S…`"))
        }
        Some(("idc_group", name)) => {
            if !name.is_empty() && name.trim() == name && !name.chars().any(char::is_control) {
                return Ok(People::IdcGroup(name.to_owned()));
            }
            let message = format!("`{name}` is not the name of a group of Identity Center");
            Err(Fault::new(text.place, message).hint("write `idc_group:Admins`, its display name"))
        }
        None if written == "channel_members" => Ok(People::ChannelMembers),
        None if written == "everyone" => Ok(People::Everyone),
        _ => {
            let kinds = ["user:", "usergroup:", "idc_group:", "channel_members", "everyone"];
            let fault = Fault::new(text.place, format!("`{written}` names nobody"));
            let near = match written.split_once(':') {
                Some((kind, _)) => did_you_mean(&format!("{kind}:"), kinds),
                None if is_email(written) => Some(format!("did you mean `user:{written}`?")),
                None => did_you_mean(written, kinds),
            };
            let hint = near.unwrap_or_else(|| {
                "write `user:ana@example.com`, `usergroup:sre`, `idc_group:Admins`, `channel_members` or `everyone`"
                    .to_owned()
            });
            Err(fault.hint(hint))
        }
    }
}

/// Slack's handles are in lower case; its ids are capitals and digits.
fn is_handle(text: &str) -> bool {
    let ok = |c: char| c.is_alphanumeric() && !c.is_uppercase() || "-_.".contains(c);
    let is_id = text.len() >= 9
        && text.starts_with('S')
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_id || (!text.is_empty() && text.chars().count() <= 80 && text.chars().all(ok))
}

/// Whether a text looks like an e-mail address.
pub(in crate::manifest) fn is_email(text: &str) -> bool {
    let ok = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;\"".contains(c);
    match text.trim().split_once('@') {
        Some((user, domain)) => {
            !user.is_empty() && domain.contains('.') && !domain.contains('@') && text.trim().chars().all(ok)
        }
        None => false,
    }
}
