//! What there is: the accounts of the organization, and how long sessions last.

use super::AwsError;
use super::reach::Reach;
use crate::access::Span;
use aws_sdk_organizations::types::{AccountState, AccountStatus};
use std::collections::BTreeMap;

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

/// Where an account belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedAccount {
    /// Twelve digits.
    pub id: String,
    /// The organizational units it is in, its own and every one above, and the root.
    pub units: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The most that Organizations lists in one page.
const PAGE: i32 = 20;

/// Walks the organization from its roots down: a call or two for every unit, and one for every account
/// when tags are asked for. Organizations allows few calls a second, so they are made one after the
/// other. All or nothing: a rule must not take a place that could not be read for one that does not fit.
pub(super) async fn placed_accounts(
    reach: &Reach,
    accounts: &[Account],
    with_tags: bool,
) -> Result<Vec<PlacedAccount>, AwsError> {
    let mut placed: Vec<PlacedAccount> = Vec::new();
    // Each parent with everything above it, itself first.
    let mut open: Vec<Vec<String>> = roots(reach).await?.into_iter().map(|root| vec![root]).collect();
    while let Some(chain) = open.pop() {
        let Some(parent) = chain.first() else { continue };
        for id in accounts_in(reach, parent).await? {
            // An account that is moved during the walk may turn up twice: it counts where it was seen last.
            placed.retain(|known| known.id != id);
            placed.push(PlacedAccount { id, units: chain.clone(), tags: BTreeMap::new() });
        }
        for unit in units_in(reach, parent).await? {
            open.push(std::iter::once(unit).chain(chain.iter().cloned()).collect());
        }
    }
    if with_tags {
        // Nobody can be given access to an account that is not active: its tags decide nothing.
        placed.retain(|known| accounts.iter().any(|account| account.id == known.id && account.is_active));
        for account in &mut placed {
            account.tags = tags_of(reach, &account.id).await?;
        }
    }
    Ok(placed)
}

async fn roots(reach: &Reach) -> Result<Vec<String>, AwsError> {
    let mut roots = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let call = reach.clients.organizations().list_roots().max_results(PAGE).set_next_token(token);
        let page =
            call.send().await.map_err(|error| reach.clients.failed("organizations:ListRoots", &error))?;
        roots.extend(page.roots.into_iter().flatten().filter_map(|root| root.id));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(roots);
        }
    }
}

/// The units right below a root or a unit.
async fn units_in(reach: &Reach, parent: &str) -> Result<Vec<String>, AwsError> {
    let mut units = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = reach
            .clients
            .organizations()
            .list_organizational_units_for_parent()
            .parent_id(parent)
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| {
                reach.clients.failed("organizations:ListOrganizationalUnitsForParent", &error)
            })?;
        units.extend(page.organizational_units.into_iter().flatten().filter_map(|unit| unit.id));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(units);
        }
    }
}

/// The accounts right below a root or a unit.
async fn accounts_in(reach: &Reach, parent: &str) -> Result<Vec<String>, AwsError> {
    let mut accounts = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = reach
            .clients
            .organizations()
            .list_accounts_for_parent()
            .parent_id(parent)
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| reach.clients.failed("organizations:ListAccountsForParent", &error))?;
        accounts.extend(page.accounts.into_iter().flatten().filter_map(|account| account.id));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(accounts);
        }
    }
}

async fn tags_of(reach: &Reach, account: &str) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    let mut token: Option<String> = None;
    loop {
        let page = reach
            .clients
            .organizations()
            .list_tags_for_resource()
            .resource_id(account)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| reach.clients.failed("organizations:ListTagsForResource", &error))?;
        tags.extend(page.tags.into_iter().flatten().map(|tag| (tag.key, tag.value)));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(tags);
        }
    }
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
