//! The three kinds of access, behind the same six questions.

use super::assignment::Assignment;
use super::budget::OperationSeat;
use super::iam::IamMembership;
use super::membership::Membership;
use super::reach::Reach;
use super::{AwsError, Progress, Wanted};
use crate::access::{OperationId, Principal, Resource};

/// A principal and a resource that fit together.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    Assignment(Assignment<'a>),
    Membership(Membership<'a>),
    Iam(IamMembership<'a>),
}

impl<'a> Target<'a> {
    pub(super) fn of(principal: &'a Principal, resource: &'a Resource) -> Result<Self, AwsError> {
        match (principal, resource) {
            (
                Principal::SsoUser { user_id, .. },
                Resource::SsoPermissionSet { instance_arn, permission_set_arn, account_id },
            ) => Ok(Self::Assignment(Assignment { instance_arn, permission_set_arn, account_id, user_id })),
            (Principal::SsoUser { identity_store_id, user_id }, Resource::SsoGroup { group_id, .. }) => {
                Ok(Self::Membership(Membership { identity_store_id, group_id, user_id }))
            }
            (Principal::IamUser { user_name }, Resource::IamGroup { account_id, group_name }) => {
                Ok(Self::Iam(IamMembership { account_id, group_name, user_name }))
            }
            (Principal::IamUser { .. }, _) => {
                Err(AwsError::permanent("An IAM user cannot be given something of Identity Center."))
            }
            (Principal::SsoUser { .. }, Resource::IamGroup { .. }) => {
                Err(AwsError::permanent("A user of Identity Center cannot be in an IAM group."))
            }
        }
    }

    /// Where an operation takes place that gives or takes it; memberships need none.
    pub(super) fn seat(&self) -> Option<OperationSeat> {
        match self {
            Self::Assignment(target) => Some(target.seat()),
            Self::Membership(_) | Self::Iam(_) => None,
        }
    }

    pub(super) async fn look(&self, reach: &Reach) -> Result<bool, AwsError> {
        match self {
            Self::Assignment(target) => target.look(reach).await,
            Self::Membership(target) => target.look(reach).await,
            Self::Iam(target) => target.look(reach).await,
        }
    }

    pub(super) async fn grant(
        &self,
        reach: &Reach,
        is_repeat: bool,
        is_wanted: Wanted<'_>,
    ) -> Result<Progress, AwsError> {
        match self {
            Self::Assignment(target) => target.grant(reach, is_repeat, is_wanted).await,
            Self::Membership(target) => target.grant(reach, is_wanted).await,
            Self::Iam(target) => target.grant(reach, is_wanted).await,
        }
    }

    pub(super) async fn poll_grant(
        &self,
        reach: &Reach,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        match self {
            Self::Assignment(target) => target.poll_grant(reach, operation).await,
            Self::Membership(_) | Self::Iam(_) => Err(synchronous()),
        }
    }

    pub(super) async fn revoke(&self, reach: &Reach) -> Result<Progress, AwsError> {
        match self {
            Self::Assignment(target) => target.revoke(reach).await,
            Self::Membership(target) => target.revoke(reach).await,
            Self::Iam(target) => target.revoke(reach).await,
        }
    }

    pub(super) async fn poll_revoke(
        &self,
        reach: &Reach,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        match self {
            Self::Assignment(target) => target.poll_revoke(reach, operation).await,
            Self::Membership(_) | Self::Iam(_) => Err(synchronous()),
        }
    }
}

/// Memberships are changed at once; nobody can hold an operation of theirs.
fn synchronous() -> AwsError {
    AwsError::transient("Group memberships have no operations to ask about.").ending_operation()
}

/// After AWS has taken a removal, reads may lag behind.
pub(super) fn still_there() -> AwsError {
    AwsError::transient("AWS reported the removal done, but still lists the access.").ending_operation()
}
