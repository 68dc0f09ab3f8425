//! A user's assignment to a permission set in an account. Asynchronous: AWS names an operation, and a
//! tuple has at most one operation at a time (`ConflictException` otherwise). There is no client
//! token, so that repeating means looking first.

mod operation;

use super::budget::OperationSeat;
use super::holders;
use super::reach::Reach;
use super::target::still_there;
use super::{AwsError, Progress, Wanted};
use crate::access::OperationId;
use aws_sdk_ssoadmin::types::{PrincipalType, TargetType};

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

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Deletion => "deletion",
        }
    }
}

impl Assignment<'_> {
    /// Only what is assigned to the user directly: an assignment through a group is not ours.
    pub(super) async fn look(&self, reach: &Reach) -> Result<bool, AwsError> {
        let (instance, set, account) = (self.instance_arn, self.permission_set_arn, self.account_id);
        let users = holders::assigned(reach, instance, set, account, Some(self.user_id)).await?;
        Ok(users.iter().any(|user| user == self.user_id))
    }

    pub(super) async fn grant(
        &self,
        reach: &Reach,
        is_repeat: bool,
        is_wanted: Wanted<'_>,
    ) -> Result<Progress, AwsError> {
        if is_repeat && let Some(progress) = self.resume_grant(reach).await? {
            return Ok(progress);
        }
        let place = reach.place(self.seat()).await?;
        let answer = reach
            .sso_admin_to_give(is_wanted)
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
                    place.keep();
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
        let refusal = match self.delete(reach).await {
            Ok(progress) => return self.prove_or_wait(reach, progress).await,
            Err(error) => error,
        };
        if !refusal.is_missing() && !refusal.is_conflict() {
            return Err(refusal);
        }
        if refusal.is_conflict()
            && let Some(operation) = self.running(reach, Kind::Deletion).await?
        {
            return Ok(Progress::Running(operation));
        }
        self.check_not_being_granted(reach).await?;
        // Nothing is running now. What was running when AWS refused may have granted since, and a read
        // may not show it yet; a second deletion does not depend on reads.
        match self.delete(reach).await {
            Ok(progress) => self.prove_or_wait(reach, progress).await,
            Err(error) if error.is_missing() || error.is_conflict() => self.prove(reach, Some(error)).await,
            Err(error) => Err(error),
        }
    }

    /// Starts the deletion; AWS may answer with its verdict at once.
    async fn delete(&self, reach: &Reach) -> Result<Progress, AwsError> {
        let place = reach.place(self.seat()).await?;
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
            .map_err(|error| reach.clients.failed("sso:DeleteAccountAssignment", &error))?;
        let progress = self.verdict(Kind::Deletion, answer.account_assignment_deletion_status, None)?;
        if matches!(progress, Progress::Running(_)) {
            place.keep();
        }
        Ok(progress)
    }

    pub(super) async fn poll_revoke(
        &self,
        reach: &Reach,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        match self.poll(reach, Kind::Deletion, operation).await {
            Ok(progress) => self.prove_or_wait(reach, progress).await,
            // It failed, or AWS has forgotten it: the read decides.
            Err(error) if error.ends_operation() => {
                self.check_not_being_granted(reach).await?;
                self.prove(reach, Some(error)).await
            }
            Err(error) => Err(error),
        }
    }

    /// What is counted as in flight: AWS runs one operation per account, and whatever is started next
    /// on this assignment takes the place of what went before.
    pub(super) fn seat(&self) -> OperationSeat {
        OperationSeat {
            account: self.account_id.to_owned(),
            tuple: format!("{}|{}", self.permission_set_arn, self.user_id),
        }
    }

    async fn prove_or_wait(&self, reach: &Reach, progress: Progress) -> Result<Progress, AwsError> {
        match progress {
            Progress::Running(operation) => Ok(Progress::Running(operation)),
            Progress::Done => self.prove(reach, None).await,
        }
    }

    /// The read that ends custody. Still there: the trouble AWS reported, if any, and a new try.
    async fn prove(&self, reach: &Reach, trouble: Option<AwsError>) -> Result<Progress, AwsError> {
        match self.look(reach).await {
            Ok(false) => Ok(Progress::Done),
            Ok(true) => Err(trouble.map_or_else(still_there, AwsError::ending_operation)),
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

    /// Where nothing was deleted, a creation that is still running would bring the access back after
    /// a read has shown it absent. Asked before that read, never after it.
    async fn check_not_being_granted(&self, reach: &Reach) -> Result<(), AwsError> {
        match self.running(reach, Kind::Creation).await? {
            None => Ok(()),
            Some(_) => Err(AwsError::transient(
                "The access is not there yet: the operation that grants it is still running.",
            )
            .ending_operation()),
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
}
