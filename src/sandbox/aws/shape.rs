//! The shapes of AWS's identifiers, as the service models state them.

/// Twelve digits.
pub(super) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `arn:aws:sso:::instance/ssoins-` and sixteen characters.
pub(super) fn is_instance_arn(arn: &str) -> bool {
    sso_resource(arn).and_then(|rest| rest.strip_prefix("instance/")).is_some_and(is_instance_id)
}

/// `arn:aws:sso:::permissionSet/INSTANCE/ps-` and sixteen characters.
pub(super) fn is_permission_set_arn(arn: &str) -> bool {
    let rest = sso_resource(arn).and_then(|rest| rest.strip_prefix("permissionSet/"));
    let parts = rest.and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(instance, set)| {
        is_instance_id(instance) && set.strip_prefix("ps-").is_some_and(|id| is_id(id, "-./"))
    })
}

fn sso_resource(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let arn = parts.next()? == "arn";
    let partition = matches!(parts.next()?, "aws" | "aws-us-gov" | "aws-cn" | "aws-iso" | "aws-iso-b");
    let service = parts.next()? == "sso" && parts.next()?.is_empty() && parts.next()?.is_empty();
    let rest = parts.next()?;
    (arn && partition && service).then_some(rest)
}

fn is_instance_id(id: &str) -> bool {
    id.strip_prefix("ssoins-").or_else(|| id.strip_prefix("ins-")).is_some_and(|id| is_id(id, "-."))
}

fn is_id(id: &str, also: &str) -> bool {
    id.len() == 16 && id.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

/// A UUID in lower case.
pub(super) fn is_uuid(text: &str) -> bool {
    is_any_uuid(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_any_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The id of a user, group or membership: a UUID, with ten hex digits before it in older stores.
pub(super) fn is_resource_id(text: &str) -> bool {
    is_any_uuid(text)
        || text.split_once('-').is_some_and(|(prefix, rest)| is_hex(prefix, 10) && is_any_uuid(rest))
}

/// `d-` and ten hex digits, or a UUID.
pub(super) fn is_store_id(text: &str) -> bool {
    text.strip_prefix("d-").is_some_and(|id| is_hex(id, 10)) || is_uuid(text)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Letters, digits and `_+=,.@-`, between `least` and `most` of them: names of sessions, source
/// identities, IAM users and groups.
pub(super) fn is_name(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

/// An external id: like a name, with `:` and `/`, from two to 1224 characters.
pub(super) fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c))
}
