//! Everybody who holds something, by listing it: what a comparison of AWS with the books needs. A list
//! counts only when every page of it was read.

use super::AwsError;
use super::directory::Directory;
use super::iam::check_account;
use super::reach::Reach;
use crate::access::{Principal, Resource};
use aws_sdk_identitystore::types::MemberId;
use aws_sdk_ssoadmin::types::PrincipalType;
use std::collections::BTreeMap;

/// Somebody who holds a resource directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub principal: Principal,
    /// The membership, where a removal by hand needs its id.
    pub membership_id: Option<String>,
}

/// Everybody who holds it directly: users, not groups.
pub(super) async fn of(
    directory: &Directory,
    reach: &Reach,
    resource: &Resource,
) -> Result<Vec<Holder>, AwsError> {
    match resource {
        Resource::SsoPermissionSet { instance_arn, permission_set_arn, account_id } => {
            let users = assigned(reach, instance_arn, permission_set_arn, account_id, None).await?;
            if users.is_empty() {
                return Ok(Vec::new());
            }
            let store = directory.store(reach, instance_arn).await?;
            let holder = |user_id| Holder {
                principal: Principal::SsoUser { identity_store_id: store.clone(), user_id },
                membership_id: None,
            };
            Ok(users.into_iter().map(holder).collect())
        }
        Resource::SsoGroup { instance_arn, group_id } => {
            let store = directory.store(reach, instance_arn).await?;
            members(reach, &store, group_id).await
        }
        Resource::IamGroup { account_id, group_name } => iam_members(reach, account_id, group_name).await,
    }
}

/// The ids of the users to whom it is assigned; no further than to the page that names `sought`.
///
/// # Errors
/// Not every page was read, or an entry names nobody and `sought` was not among the others.
pub(super) async fn assigned(
    reach: &Reach,
    instance: &str,
    set: &str,
    account: &str,
    sought: Option<&str>,
) -> Result<Vec<String>, AwsError> {
    let mut users = Vec::new();
    let (mut all, mut thin) = (0, 0);
    let mut token = None;
    loop {
        let page = reach
            .sso_admin()
            .await?
            .list_account_assignments()
            .instance_arn(instance)
            .account_id(account)
            .permission_set_arn(set)
            .max_results(100)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| reach.clients.failed("sso:ListAccountAssignments", &error))?;
        for found in page.account_assignments() {
            all += 1;
            match (found.principal_type(), found.principal_id().filter(|id| !id.is_empty())) {
                (Some(PrincipalType::Group), Some(_)) => {}
                (Some(PrincipalType::User), Some(id)) => users.push(id.to_owned()),
                _ => thin += 1,
            }
        }
        if sought.is_some_and(|sought| users.iter().any(|user| user == sought)) {
            return Ok(users);
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            whole("sso:ListAccountAssignments", all, thin)?;
            return Ok(users);
        }
    }
}

/// The members of a group of an identity store.
///
/// # Errors
/// Not every page was read, or an entry names nobody.
pub(super) async fn members(reach: &Reach, store: &str, group: &str) -> Result<Vec<Holder>, AwsError> {
    let mut users = Vec::new();
    let (mut all, mut thin) = (0, 0);
    let mut token: Option<String> = None;
    loop {
        let page = reach
            .identity_store()
            .await?
            .list_group_memberships()
            .identity_store_id(store)
            .group_id(group)
            .max_results(100)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| reach.clients.failed("identitystore:ListGroupMemberships", &error))?;
        for found in page.group_memberships {
            all += 1;
            match found.member_id {
                Some(MemberId::UserId(id)) if !id.is_empty() => users.push(Holder {
                    principal: Principal::SsoUser { identity_store_id: store.to_owned(), user_id: id },
                    membership_id: Some(found.membership_id).filter(|id| !id.is_empty()),
                }),
                _ => thin += 1,
            }
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    whole("identitystore:ListGroupMemberships", all, thin)?;
    Ok(users)
}

async fn iam_members(reach: &Reach, account: &str, group: &str) -> Result<Vec<Holder>, AwsError> {
    check_account(reach, account).await?;
    let mut users = Vec::new();
    let (mut all, mut thin) = (0, 0);
    let mut marker: Option<String> = None;
    loop {
        let page = reach
            .clients
            .iam()
            .get_group()
            .group_name(group)
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| reach.clients.failed("iam:GetGroup", &error))?;
        for user in page.users {
            all += 1;
            if user.user_name.is_empty() {
                thin += 1;
                continue;
            }
            let principal = Principal::IamUser { user_name: user.user_name };
            users.push(Holder { principal, membership_id: None });
        }
        marker = match (page.is_truncated, page.marker.filter(|marker| !marker.is_empty())) {
            (false, _) => None,
            (true, Some(marker)) => Some(marker),
            (true, None) => {
                return Err(AwsError::transient("`iam:GetGroup` answered without its next page."));
            }
        };
        if marker.is_none() {
            break;
        }
    }
    whole("iam:GetGroup", all, thin)?;
    Ok(users)
}

/// The accounts in which anybody, or any group, may be assigned the permission set.
pub(super) async fn accounts_with(reach: &Reach, instance: &str, set: &str) -> Result<Vec<String>, AwsError> {
    let mut accounts = Vec::new();
    let mut token = None;
    loop {
        let page = reach
            .sso_admin()
            .await?
            .list_accounts_for_provisioned_permission_set()
            .instance_arn(instance)
            .permission_set_arn(set)
            .max_results(100)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| reach.clients.failed("sso:ListAccountsForProvisionedPermissionSet", &error))?;
        accounts.extend(page.account_ids().iter().cloned());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(accounts);
        }
    }
}

/// What the users of an identity store are called, by id. Who is missing in it is not known.
pub(super) async fn names(reach: &Reach, store: &str) -> Result<BTreeMap<String, String>, AwsError> {
    let mut names = BTreeMap::new();
    let mut token: Option<String> = None;
    loop {
        let page = reach
            .identity_store()
            .await?
            .list_users()
            .identity_store_id(store)
            .max_results(100)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| reach.clients.failed("identitystore:ListUsers", &error))?;
        for user in page.users {
            if let Some(name) = user.user_name.filter(|name| !name.is_empty()) {
                names.insert(user.user_id, name);
            }
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(names);
        }
    }
}

/// A list with an entry that names nobody is not a list of everybody, and proves nobody's absence.
fn whole(action: &str, all: usize, thin: usize) -> Result<(), AwsError> {
    match thin {
        0 => Ok(()),
        thin => Err(AwsError::transient(format!(
            "`{action}` does not say whose {thin} of its {all} entries are."
        ))),
    }
}
