//! The shapes of AWS's names.

/// Twelve digits.
pub(super) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The part of an ARN after its service, region and account, and the account.
fn parts<'t>(text: &'t str, service: &str) -> Option<(&'t str, &'t str)> {
    let mut parts = text.splitn(6, ':');
    let (arn, partition, found) = (parts.next()?, parts.next()?, parts.next()?);
    let (_region, account, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let ok = arn == "arn" && (partition == "aws" || partition.starts_with("aws-")) && found == service;
    ok.then_some((account, rest))
}

fn is_id(text: &str, prefixes: &[&str]) -> bool {
    let id = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
    id.is_some_and(|id| {
        id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    })
}

/// `arn:aws:sso:::instance/ssoins-…`
pub(super) fn is_instance(text: &str) -> bool {
    parts(text, "sso")
        .and_then(|(_, rest)| rest.strip_prefix("instance/"))
        .is_some_and(|id| is_id(id, &["ssoins-", "ins-"]))
}

/// The instance ARN that `arn:aws:sso:::permissionSet/ssoins-…/ps-…` belongs to.
pub(super) fn instance_of(permission_set: &str) -> Option<String> {
    let (_, rest) = parts(permission_set, "sso")?;
    let (instance, set) = rest.strip_prefix("permissionSet/")?.split_once('/')?;
    let partition = permission_set.split(':').nth(1)?;
    (is_id(instance, &["ssoins-", "ins-"]) && is_id(set, &["ps-"]))
        .then(|| format!("arn:{partition}:sso:::instance/{instance}"))
}

/// The account of `arn:aws:iam::111122223333:role/…`.
pub(super) fn account_of_role(text: &str) -> Option<&str> {
    let (account, rest) = parts(text, "iam")?;
    let name = rest.strip_prefix("role/")?;
    (is_account_id(account) && !name.is_empty() && !name.contains(char::is_whitespace)).then_some(account)
}

/// An identity store's group id.
pub(super) fn is_group_id(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let hex = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex && matches!(lengths.as_slice(), [8, 4, 4, 4, 12] | [10, 8, 4, 4, 4, 12])
}

/// An IAM group's or user's name: no path, no ARN.
pub(super) fn is_iam_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_aws_are_known_by_their_shape() {
        assert!(
            is_account_id("111122223333") && !is_account_id("11112222333") && !is_account_id("11112222333x")
        );
        assert!(is_instance("arn:aws:sso:::instance/ssoins-1111111111111111"));
        assert!(is_instance("arn:aws-us-gov:sso:::instance/ssoins-1111111111111111"));
        assert!(!is_instance("arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111"));
        assert_eq!(
            instance_of("arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111").as_deref(),
            Some("arn:aws:sso:::instance/ssoins-1111111111111111")
        );
        assert_eq!(instance_of("arn:aws:sso:::permissionSet/ssoins-1/ps-1"), None);
        assert_eq!(account_of_role("arn:aws:iam::111122223333:role/sym/Main"), Some("111122223333"));
        assert_eq!(account_of_role("arn:aws:iam::111122223333:user/x"), None);
        assert!(is_group_id("11112222-3333-4444-5555-666677778888"));
        assert!(is_group_id("90670a1bcd-11112222-3333-4444-5555-666677778888"));
        assert!(!is_group_id("prod-support"));
        assert!(is_iam_name("cloudwatch-readonly") && !is_iam_name("/ops/x"));
    }
}
