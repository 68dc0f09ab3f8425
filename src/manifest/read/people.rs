//! People as a manifest names them.

use crate::access::{Email, People};
use crate::manifest::bag::Text;
use crate::manifest::nearest::did_you_mean;
use crate::manifest::source::Fault;

/// Reads `user:ana@example.com`, `channel_members`, `everyone`.
///
/// # Errors
/// It names nobody, or somebody that cannot be looked up yet.
pub(super) fn people(text: &Text) -> Result<People, Fault> {
    let written = text.text.trim();
    match written.split_once(':') {
        Some(("user", address)) => {
            if is_email(address) {
                return Ok(People::User(Email::new(address)));
            }
            let message = format!("`{address}` is not an e-mail address");
            Err(Fault::new(text.place, message).hint("write `user:ana@example.com`"))
        }
        Some(("usergroup", _)) => Err(not_yet(text, "user groups of Slack are")),
        Some(("idc_group", _)) => Err(not_yet(text, "groups of Identity Center are")),
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
                "write `user:ana@example.com`, `channel_members` or `everyone`".to_owned()
            });
            Err(fault.hint(hint))
        }
    }
}

fn not_yet(text: &Text, what: &str) -> Fault {
    let fault = Fault::new(text.place, format!("{what} not supported yet: `{}`", text.text));
    fault.hint("name people as `user:ana@example.com`, or use `channel_members`")
}

/// Whether a text looks like an e-mail address.
pub(super) fn is_email(text: &str) -> bool {
    let ok = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;\"".contains(c);
    match text.trim().split_once('@') {
        Some((user, domain)) => {
            !user.is_empty() && domain.contains('.') && !domain.contains('@') && text.trim().chars().all(ok)
        }
        None => false,
    }
}
