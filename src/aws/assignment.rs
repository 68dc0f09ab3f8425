//! A user's assignment to a permission set in an account. Asynchronous: AWS names an operation, and a
//! tuple has at most one operation at a time (`ConflictException` otherwise). There is no client
//! token, so that repeating means looking first.

use super::reach::Reach;
use super::target::still_there;
use super::{AwsError, Progress};
use crate::access::OperationId;
use aws_sdk_ssoadmin::types::{
    AccountAssignmentOperationStatus, OperationStatusFilter, PrincipalType, StatusValues, TargetType,
};

#[derive(Clone, Copy)]
pub(super) struct Assignment<'a> {
    pub(super) instance_arn: &'a str,
    pub(super) permission_set_arn: &'a str,
    pub(super) account_id: &'a str,
    pub(super) user_id: &'a str,
}

/// The two operations, which AWS offers under different names and otherwise alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Creation,
    Deletion,
}

impl Assignment<'_> {
    /// Only what is assigned to the user directly: an assignment through a group is not ours.
    pub(super) async fn look(&self, reach: &Reach) -> Result<bool, AwsError> {
        let mut token = None;
        loop {
            let page = reach
                .sso_admin()
                .await?
                .list_account_assignments()
                .instance_arn(self.instance_arn)
                .account_id(self.account_id)
                .permission_set_arn(self.permission_set_arn)
                .max_results(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| reach.clients.failed("sso:ListAccountAssignments", &error))?;
            let is_ours = |found: &aws_sdk_ssoadmin::types::AccountAssignment| {
                found.principal_type() == Some(&PrincipalType::User)
                    && found.principal_id() == Some(self.user_id)
            };
            if page.account_assignments().iter().any(is_ours) {
                return Ok(true);
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(false);
            }
        }
    }

    pub(super) async fn grant(&self, reach: &Reach, is_repeat: bool) -> Result<Progress, AwsError> {
        if is_repeat && let Some(progress) = self.resume_grant(reach).await? {
            return Ok(progress);
        }
        let place = reach.place()?;
        let answer = reach
            .sso_admin()
            .await?
            .create_account_assignment()
            .instance_arn(self.instance_arn)
            .target_id(self.account_id)
            .target_type(TargetType::AwsAccount)
            .permission_set_arn(self.permission_set_arn)
            .principal_type(PrincipalType::User)
            .principal_id(self.user_id)
            .send()
            .await
            .map_err(|error| reach.clients.failed("sso:CreateAccountAssignment", &error));
        match answer {
            Ok(answer) => {
                let status = answer.account_assignment_creation_status;
                let verdict = self.verdict(Kind::Creation, status, None);
                if matches!(verdict, Ok(Progress::Running(_))) {
                    place.keep(&self.tuple());
                }
                verdict
            }
            // Either it is there already, or another operation on the tuple is running.
            Err(error) if error.is_conflict() => self.resume_grant(reach).await?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    async fn resume_grant(&self, reach: &Reach) -> Result<Option<Progress>, AwsError> {
        if self.look(reach).await? {
            return Ok(Some(Progress::Done));
        }
        match self.running(reach, Kind::Creation).await {
            Ok(operation) => Ok(operation.map(Progress::Running)),
            // Granting twice does no harm: AWS keeps one assignment per tuple.
            Err(error) if error.is_unavailable() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn poll_grant(
        &self,
        reach: &Reach,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        self.poll(reach, Kind::Creation, operation).await
    }

    /// Deletes first and reads after: AWS's reads lag behind its writes, and a read before might not
    /// show what was granted a moment ago.
    pub(super) async fn revoke(&self, reach: &Reach) -> Result<Progress, AwsError> {
        let place = reach.place()?;
        let answer = reach
            .sso_admin()
            .await?
            .delete_account_assignment()
            .instance_arn(self.instance_arn)
            .target_id(self.account_id)
            .target_type(TargetType::AwsAccount)
            .permission_set_arn(self.permission_set_arn)
            .principal_type(PrincipalType::User)
            .principal_id(self.user_id)
            .send()
            .await
            .map_err(|error| reach.clients.failed("sso:DeleteAccountAssignment", &error));
        match answer {
            Ok(answer) => {
                let status = answer.account_assignment_deletion_status;
                match self.verdict(Kind::Deletion, status, None) {
                    Ok(Progress::Running(operation)) => {
                        place.keep(&self.tuple());
                        Ok(Progress::Running(operation))
                    }
                    verdict => self.proof(reach, verdict.err()).await,
                }
            }
            Err(error) if error.is_missing() => self.proof(reach, Some(error)).await,
            Err(error) if error.is_conflict() => match self.running(reach, Kind::Deletion).await {
                Ok(Some(operation)) => Ok(Progress::Running(operation)),
                _ => self.proof(reach, Some(error)).await,
            },
            Err(error) => Err(error),
        }
    }

    pub(super) async fn poll_revoke(
        &self,
        reach: &Reach,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        match self.poll(reach, Kind::Deletion, operation).await {
            Ok(Progress::Running(operation)) => Ok(Progress::Running(operation)),
            Ok(Progress::Done) => self.proof(reach, None).await,
            // It failed, or AWS has forgotten it: the read decides.
            Err(error) if error.ends_operation() => self.proof(reach, Some(error)).await,
            Err(error) => Err(error),
        }
    }

    async fn poll(&self, reach: &Reach, kind: Kind, operation: &OperationId) -> Result<Progress, AwsError> {
        let verdict = match self.describe(reach, kind, operation.as_str()).await {
            Ok(status) => self.verdict(kind, status, Some(operation)),
            Err(error) => Err(error),
        };
        match &verdict {
            Ok(Progress::Running(_)) => reach.note(&self.tuple(), true),
            Err(error) if !error.ends_operation() => {}
            Ok(Progress::Done) | Err(_) => reach.note(&self.tuple(), false),
        }
        verdict
    }

    /// What is counted as in flight: AWS runs one operation per tuple, so that whatever is started
    /// next takes the place of what went before.
    fn tuple(&self) -> String {
        format!("{}|{}|{}", self.permission_set_arn, self.account_id, self.user_id)
    }

    /// The read that ends custody. Still there: the trouble AWS reported, if any, and a new try.
    async fn proof(&self, reach: &Reach, trouble: Option<AwsError>) -> Result<Progress, AwsError> {
        match self.look(reach).await {
            Ok(true) => Err(trouble.map_or_else(still_there, AwsError::ending_operation)),
            Ok(false) if trouble.is_none() => Ok(Progress::Done),
            // Nothing was deleted. A creation that is still running would bring it back.
            Ok(false) => match self.running(reach, Kind::Creation).await? {
                None => Ok(Progress::Done),
                Some(_) => Err(AwsError::transient(
                    "The access is not there yet: the operation that grants it is still running.",
                )
                .ending_operation()),
            },
            Err(error) if error.is_missing() => {
                if self.is_permission_set_gone(reach).await? {
                    Ok(Progress::Done)
                } else {
                    Err(error.ending_operation())
                }
            }
            Err(error) => Err(error),
        }
    }

    /// AWS deletes a permission set only when nothing is assigned: a set that is gone from an instance
    /// that is there proves the assignment gone.
    async fn is_permission_set_gone(&self, reach: &Reach) -> Result<bool, AwsError> {
        let answer = reach
            .sso_admin()
            .await?
            .describe_permission_set()
            .instance_arn(self.instance_arn)
            .permission_set_arn(self.permission_set_arn)
            .send()
            .await
            .map_err(|error| reach.clients.failed("sso:DescribePermissionSet", &error));
        match answer {
            Err(error) if error.is_missing() => {
                super::directory::identity_store_of(reach, self.instance_arn).await.map(|_| true)
            }
            Err(error) => Err(error),
            Ok(_) => Ok(false),
        }
    }

    /// What AWS says about an operation. The last word on a creation; a deletion still needs its read.
    fn verdict(
        &self,
        kind: Kind,
        status: Option<AccountAssignmentOperationStatus>,
        asked: Option<&OperationId>,
    ) -> Result<Progress, AwsError> {
        let unknown = || AwsError::transient("AWS answered without a status.");
        let status = status.ok_or_else(unknown)?;
        let operation = match (asked, &status.request_id) {
            (Some(asked), _) => asked.clone(),
            (None, Some(named)) => OperationId::new(named),
            (None, None) => return Err(unknown()),
        };
        match status.status {
            Some(StatusValues::InProgress) => Ok(Progress::Running(operation)),
            Some(StatusValues::Succeeded) => Ok(Progress::Done),
            Some(StatusValues::Failed) => Err(self.failed(kind, status.failure_reason.as_deref())),
            _ => Err(unknown()),
        }
    }

    fn failed(&self, kind: Kind, reason: Option<&str>) -> AwsError {
        let what = match kind {
            Kind::Creation => "give",
            Kind::Deletion => "take away",
        };
        let reason = reason.unwrap_or("it gave no reason").trim_end_matches('.');
        let message = format!(
            "Identity Center could not {what} permission set {} in account {}: {reason}.",
            self.permission_set_arn, self.account_id
        );
        let error = AwsError::transient(message).ending_operation();
        if is_aws_trouble(reason) {
            return error;
        }
        let is_denied = reason.contains("403") || reason.to_lowercase().contains("access denied");
        let hint = if is_denied { MANAGEMENT_ACCOUNT } else { "" };
        error.made_permanent().with_hint(hint)
    }

    async fn describe(
        &self,
        reach: &Reach,
        kind: Kind,
        operation: &str,
    ) -> Result<Option<AccountAssignmentOperationStatus>, AwsError> {
        let client = reach.sso_admin().await?;
        let answer = match kind {
            Kind::Creation => client
                .describe_account_assignment_creation_status()
                .instance_arn(self.instance_arn)
                .account_assignment_creation_request_id(operation)
                .send()
                .await
                .map(|answer| answer.account_assignment_creation_status)
                .map_err(|e| reach.clients.failed("sso:DescribeAccountAssignmentCreationStatus", &e)),
            Kind::Deletion => client
                .describe_account_assignment_deletion_status()
                .instance_arn(self.instance_arn)
                .account_assignment_deletion_request_id(operation)
                .send()
                .await
                .map(|answer| answer.account_assignment_deletion_status)
                .map_err(|e| reach.clients.failed("sso:DescribeAccountAssignmentDeletionStatus", &e)),
        };
        answer.map_err(|error| {
            if !error.is_missing() {
                return error;
            }
            // AWS promises no lifetime for operation ids: a forgotten one is not a failed one.
            error.made_transient().ending_operation()
        })
    }

    /// The operation on this very tuple that AWS is working on, if any.
    async fn running(&self, reach: &Reach, kind: Kind) -> Result<Option<OperationId>, AwsError> {
        for operation in self.all_running(reach, kind).await? {
            let status = match self.describe(reach, kind, &operation).await {
                Ok(status) => status,
                Err(error) if error.ends_operation() => continue,
                Err(error) => return Err(error),
            };
            let is_ours = status.is_some_and(|status| {
                status.status() == Some(&StatusValues::InProgress)
                    && status.target_id() == Some(self.account_id)
                    && status.permission_set_arn() == Some(self.permission_set_arn)
                    && status.principal_id() == Some(self.user_id)
            });
            if is_ours {
                reach.note(&self.tuple(), true);
                return Ok(Some(OperationId::new(operation)));
            }
        }
        Ok(None)
    }

    /// The ids of all running operations of the instance; AWS allows ten.
    async fn all_running(&self, reach: &Reach, kind: Kind) -> Result<Vec<String>, AwsError> {
        let filter = OperationStatusFilter::builder().status(StatusValues::InProgress).build();
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let client = reach.sso_admin().await?;
            let (page, next) = match kind {
                Kind::Creation => client
                    .list_account_assignment_creation_status()
                    .instance_arn(self.instance_arn)
                    .filter(filter.clone())
                    .set_next_token(token)
                    .send()
                    .await
                    .map(|page| (page.account_assignments_creation_status, page.next_token))
                    .map_err(|e| reach.clients.failed("sso:ListAccountAssignmentCreationStatus", &e))?,
                Kind::Deletion => client
                    .list_account_assignment_deletion_status()
                    .instance_arn(self.instance_arn)
                    .filter(filter.clone())
                    .set_next_token(token)
                    .send()
                    .await
                    .map(|page| (page.account_assignments_deletion_status, page.next_token))
                    .map_err(|e| reach.clients.failed("sso:ListAccountAssignmentDeletionStatus", &e))?,
            };
            found.extend(page.into_iter().flatten().filter_map(|operation| operation.request_id));
            token = next.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

/// In the management account, and only there, Identity Center uses the rights of the caller.
const MANAGEMENT_ACCOUNT: &str = "If this is the management account: there AWS uses the rights of the \
     role that calls, which then needs `iam:GetSAMLProvider`, `iam:UpdateSAMLProvider`, and on \
     `role/aws-reserved/sso.amazonaws.com/*` `iam:CreateRole`, `iam:GetRole`, `iam:UpdateRole`, \
     `iam:AttachRolePolicy`, `iam:ListAttachedRolePolicies` and `iam:ListRolePolicies`.";

/// Reasons by which AWS blames itself, as seen in the field; the rest is about the assignment.
fn is_aws_trouble(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    let signs = ["internal", "takes longer than usual", "try again", "throttl", "timed out", "timeout", "503"];
    signs.iter().any(|sign| reason.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_blames_itself_in_these_words() {
        assert!(is_aws_trouble("Received a 500 status error: Internal service exception"));
        assert!(is_aws_trouble("The operation takes longer than usual"));
        assert!(!is_aws_trouble("Received a 404 status error: Not supported policy arn:aws:iam::1:policy/x."));
    }
}
