//! The operations that create and delete assignments: their verdicts, and which are running.

use super::{Assignment, Kind};
use crate::access::OperationId;
use crate::aws::budget::Known;
use crate::aws::reach::Reach;
use crate::aws::{AwsError, Progress};
use aws_sdk_ssoadmin::types::{AccountAssignmentOperationStatus, OperationStatusFilter, StatusValues};

impl Assignment<'_> {
    /// Asks about an operation, and counts it as in flight or no longer.
    pub(super) async fn poll(
        &self,
        reach: &Reach,
        kind: Kind,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        if self.is_still_running(reach, kind, operation).await {
            reach.note(&self.seat(), true);
            return Ok(Progress::Running(operation.clone()));
        }
        let verdict = match self.describe(reach, kind, operation.as_str()).await {
            Ok(status) => self.verdict(kind, status, Some(operation)),
            Err(error) => Err(error),
        };
        match &verdict {
            Ok(Progress::Running(_)) => reach.note(&self.seat(), true),
            Err(error) if !error.ends_operation() => {}
            Ok(Progress::Done) | Err(_) => reach.note(&self.seat(), false),
        }
        verdict
    }

    /// Whether the operation is among those that are running, where many are: one look tells of all of
    /// them. It is only ever believed about what is still running, never about what is over.
    async fn is_still_running(&self, reach: &Reach, kind: Kind, operation: &OperationId) -> bool {
        match reach.known(kind.name(), operation.as_str()) {
            Known::NotRunning => false,
            Known::Running | Known::BeingRead => true,
            Known::Unknown => {
                let running = self.all_running(reach, kind).await.ok();
                reach.saw(kind.name(), running.as_deref());
                running.is_some_and(|ids| ids.iter().any(|id| id == operation.as_str()))
            }
        }
    }

    /// What AWS says about an operation. The last word on a creation; a deletion still needs its read.
    pub(super) fn verdict(
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
    pub(super) async fn running(&self, reach: &Reach, kind: Kind) -> Result<Option<OperationId>, AwsError> {
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
                reach.note(&self.seat(), true);
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
    let signs =
        ["internal", "takes longer than usual", "try again", "throttl", "timed out", "timeout", "503"];
    signs.iter().any(|sign| reason.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_blames_itself_in_these_words() {
        assert!(is_aws_trouble("Received a 500 status error: Internal service exception"));
        assert!(is_aws_trouble("The operation takes longer than usual"));
        assert!(!is_aws_trouble(
            "Received a 404 status error: Not supported policy arn:aws:iam::1:policy/x."
        ));
    }
}
