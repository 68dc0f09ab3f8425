//! IAM users and their groups. Synchronous; names are compared without case, as IAM does.

use super::reach::Reach;
use super::target::still_there;
use super::{AwsError, Progress, Wanted};
use crate::access::{Email, Principal};

#[derive(Clone, Copy)]
pub(super) struct IamMembership<'a> {
    pub(super) account_id: &'a str,
    pub(super) group_name: &'a str,
    pub(super) user_name: &'a str,
}

/// The IAM user whose name is the address, or what the manifest says instead: a name, or an ARN, which
/// is how Sym kept IAM identities.
pub(super) async fn find_user(
    reach: &Reach,
    account_id: &str,
    email: &Email,
    override_: Option<&str>,
) -> Result<Principal, AwsError> {
    let name = match override_ {
        Some(arn) if arn.starts_with("arn:") => {
            if arn.split(':').nth(4) != Some(account_id) {
                return Err(nobody(account_id, override_));
            }
            arn.rsplit('/').next().unwrap_or(arn)
        }
        Some(name) => name,
        None => email.as_str(),
    };
    check_account(reach, account_id).await?;
    let answer = reach.clients.iam().get_user().user_name(name).send().await;
    let user = match answer.map_err(|error| reach.clients.failed("iam:GetUser", &error)) {
        Ok(answer) => answer.user,
        Err(error) if error.is_missing() || is_name_refused(&error) => None,
        Err(error) => return Err(error),
    };
    let Some(user) = user else { return Err(nobody(account_id, override_)) };
    Ok(Principal::IamUser { user_name: user.user_name })
}

/// An address with characters no IAM name can have belongs to no IAM user.
fn is_name_refused(error: &AwsError) -> bool {
    error.code().is_some_and(|code| code.starts_with("ValidationError"))
}

fn nobody(account_id: &str, override_: Option<&str>) -> AwsError {
    AwsError::permanent(match override_ {
        Some(name) => format!(
            "Account {account_id} has no IAM user named `{name}`, which is what the manifest says you are. \
             Ask your administrator to correct the `identity` block."
        ),
        None => format!(
            "Account {account_id} has no IAM user named like the e-mail address of your Slack profile. Ask \
             your administrator to add an `identity` block with the name of your IAM user to the manifest."
        ),
    })
}

/// Another account may have a group and a user of the same names: what is changed there was never ours to
/// change, and what is not there proves nothing.
///
/// # Errors
/// The calls act in another account, or AWS did not say in which.
pub(super) async fn check_account(reach: &Reach, account_id: &str) -> Result<(), AwsError> {
    let found = reach.clients.account().await?;
    if found == account_id {
        return Ok(());
    }
    let hint = match reach.clients.role_arn() {
        Some(_) => "the integration of the target names the wrong role.",
        None => "start the bot with credentials of that account, or give the integration a role there.",
    };
    Err(AwsError::permanent(format!(
        "The IAM group is in account {account_id}, but {} acts in account {found}: {hint}",
        reach.clients.actor()
    )))
}

impl IamMembership<'_> {
    pub(super) async fn look(&self, reach: &Reach) -> Result<bool, AwsError> {
        check_account(reach, self.account_id).await?;
        match self.is_in_groups_of_user(reach).await {
            Err(error) if error.is_missing() => Ok(false),
            Err(error) if error.is_unavailable() => match self.is_in_users_of_group(reach).await {
                Err(second) if second.is_missing() => Ok(false),
                Err(second) if second.is_unavailable() => Err(error.with_hint(
                    "The role needs `iam:ListGroupsForUser` (or `iam:GetGroup`), which the iam-connector \
                     module allows from version 2.0 on: otherwise the bot could never prove that access is \
                     gone.",
                )),
                answer => answer,
            },
            answer => answer,
        }
    }

    pub(super) async fn grant(&self, reach: &Reach, is_wanted: Wanted<'_>) -> Result<Progress, AwsError> {
        check_account(reach, self.account_id).await?;
        reach
            .iam_to_give(is_wanted)?
            .add_user_to_group()
            .group_name(self.group_name)
            .user_name(self.user_name)
            .send()
            .await
            .map_err(|error| reach.clients.failed("iam:AddUserToGroup", &error))?;
        Ok(Progress::Done)
    }

    pub(super) async fn revoke(&self, reach: &Reach) -> Result<Progress, AwsError> {
        check_account(reach, self.account_id).await?;
        let answer = reach
            .clients
            .iam()
            .remove_user_from_group()
            .group_name(self.group_name)
            .user_name(self.user_name)
            .send()
            .await
            .map_err(|error| reach.clients.failed("iam:RemoveUserFromGroup", &error));
        if let Err(error) = answer
            && !error.is_missing()
        {
            return Err(error);
        }
        if self.look(reach).await? { Err(still_there()) } else { Ok(Progress::Done) }
    }

    async fn is_in_groups_of_user(&self, reach: &Reach) -> Result<bool, AwsError> {
        let mut marker: Option<String> = None;
        loop {
            let page = reach
                .clients
                .iam()
                .list_groups_for_user()
                .user_name(self.user_name)
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| reach.clients.failed("iam:ListGroupsForUser", &error))?;
            if page.groups.iter().any(|group| group.group_name.eq_ignore_ascii_case(self.group_name)) {
                return Ok(true);
            }
            marker = page.marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(false);
            }
        }
    }

    async fn is_in_users_of_group(&self, reach: &Reach) -> Result<bool, AwsError> {
        let mut marker: Option<String> = None;
        loop {
            let page = reach
                .clients
                .iam()
                .get_group()
                .group_name(self.group_name)
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| reach.clients.failed("iam:GetGroup", &error))?;
            if page.users.iter().any(|user| user.user_name.eq_ignore_ascii_case(self.user_name)) {
                return Ok(true);
            }
            marker = page.marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(false);
            }
        }
    }
}
