//! What there is: the accounts of the organization, and how long sessions last.

use super::AwsError;
use super::reach::Reach;
use crate::access::Span;
use aws_sdk_organizations::types::{AccountState, AccountStatus};

/// An AWS account of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// The name given in Organizations.
    pub name: String,
    /// Neither suspended nor pending: access to it can be given.
    pub is_active: bool,
}

/// Organizations may return an empty page with a token: only the missing token ends the list.
pub(super) async fn accounts(reach: &Reach) -> Result<Vec<Account>, AwsError> {
    let mut accounts = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = reach
            .clients
            .organizations()
            .list_accounts()
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| reach.clients.failed("organizations:ListAccounts", &error))?;
        accounts.extend(page.accounts.into_iter().flatten().filter_map(account));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(accounts);
        }
    }
}

/// AWS is replacing `Status` by `State`: the newer one counts where it is given.
fn account(found: aws_sdk_organizations::types::Account) -> Option<Account> {
    let is_active = match (&found.state, &found.status) {
        (Some(state), _) => *state == AccountState::Active,
        (None, status) => *status == Some(AccountStatus::Active),
    };
    let id = found.id?;
    Some(Account { name: found.name.unwrap_or_else(|| id.clone()), id, is_active })
}

pub(super) async fn session_length(
    reach: &Reach,
    instance_arn: &str,
    permission_set_arn: &str,
) -> Result<Option<Span>, AwsError> {
    let answer = reach
        .sso_admin()
        .await?
        .describe_permission_set()
        .instance_arn(instance_arn)
        .permission_set_arn(permission_set_arn)
        .send()
        .await
        .map_err(|error| reach.clients.failed("sso:DescribePermissionSet", &error));
    match answer {
        Ok(answer) => {
            let set = answer.permission_set;
            Ok(set.and_then(|set| set.session_duration).as_deref().and_then(parse_iso_duration))
        }
        Err(error) if error.is_denied() => Ok(None),
        Err(error) => Err(error),
    }
}

/// ISO 8601 as AWS writes session durations: `PT1H`, `PT8H30M`, `PT5400S`.
fn parse_iso_duration(text: &str) -> Option<Span> {
    let mut rest = text.strip_prefix("PT")?;
    let mut total = Span::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok().filter(|number| *number <= 1_000_000)?;
        let unit = match rest.as_bytes().get(digits)? {
            b'H' => Span::hours(number),
            b'M' => Span::minutes(number),
            b'S' => Span::seconds(number),
            _ => return None,
        };
        total = total + unit;
        rest = &rest[digits + 1..];
    }
    Some(total).filter(|total| *total > Span::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_durations_as_aws_writes_them() {
        let table = [
            ("PT1H", Some(Span::hours(1))),
            ("PT8H30M", Some(Span::minutes(510))),
            ("PT5400S", Some(Span::minutes(90))),
            ("P1D", None),
            ("PT", None),
            ("PT9", None),
            ("PTxH", None),
            ("PT99999999999H", None),
            ("3600", None),
            ("PT1é", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_iso_duration(text), expected, "{text}");
        }
    }
}
