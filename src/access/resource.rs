//! What AWS may hold for a person: the two halves of an entitlement, and the way to reach them.

use super::{EntitlementId, IntegrationName, TargetKind};
use serde::{Deserialize, Serialize};

/// What a person can be given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A permission set in an account of an Identity Center instance.
    SsoPermissionSet {
        /// `arn:aws:sso:::instance/ssoins-…`
        instance_arn: String,
        /// `arn:aws:sso:::permissionSet/ssoins-…/ps-…`
        permission_set_arn: String,
        /// Twelve digits.
        account_id: String,
    },
    /// Membership of a group in the identity store of an Identity Center instance.
    SsoGroup {
        /// `arn:aws:sso:::instance/ssoins-…`
        instance_arn: String,
        /// The identity store's group id, not its name.
        group_id: String,
    },
    /// Membership of an IAM group.
    IamGroup {
        /// The account of the group, twelve digits.
        account_id: String,
        /// The group's name, without path.
        group_name: String,
    },
}

impl Resource {
    /// The kind of target that grants it.
    pub const fn kind(&self) -> TargetKind {
        match self {
            Self::SsoPermissionSet { .. } => TargetKind::AwsSsoPermissionSet,
            Self::SsoGroup { .. } => TargetKind::AwsSsoGroup,
            Self::IamGroup { .. } => TargetKind::AwsIamGroup,
        }
    }

    /// The AWS account this grants something in, when it is about one account.
    pub fn account_id(&self) -> Option<&str> {
        match self {
            Self::SsoPermissionSet { account_id, .. } | Self::IamGroup { account_id, .. } => Some(account_id),
            Self::SsoGroup { .. } => None,
        }
    }
}

/// Who AWS knows the person as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// A user of an identity store.
    SsoUser {
        /// `d-…`
        identity_store_id: String,
        /// The identity store's user id: it survives a change of name or address.
        user_id: String,
    },
    /// An IAM user.
    IamUser {
        /// The user's name, without path.
        user_name: String,
    },
}

impl EntitlementId {
    /// The one id of the pair: the same person and the same resource always meet here, so that
    /// overlapping requests are claims on one entitlement.
    pub fn of(principal: &Principal, resource: &Resource) -> Self {
        let who = match principal {
            Principal::SsoUser { user_id, .. } => user_id,
            Principal::IamUser { user_name } => user_name,
        };
        Self::new(match resource {
            Resource::SsoPermissionSet { permission_set_arn, account_id, .. } => {
                format!("sso-permission-set|{permission_set_arn}|{account_id}|{who}")
            }
            Resource::SsoGroup { instance_arn, group_id } => {
                format!("sso-group|{instance_arn}|{group_id}|{who}")
            }
            Resource::IamGroup { account_id, group_name } => {
                format!("iam-group|{account_id}|{group_name}|{who}")
            }
        })
    }
}

/// One step of a role chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hop {
    /// The role to assume.
    pub role_arn: String,
    /// The STS external id the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// How AWS is reached for an integration: bot → runtime role → connector role, every hop optional.
/// It is copied to the entitlement, so that a manifest that forgot the integration cannot strand a
/// revocation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Connection {
    /// The integration's name in the manifest.
    pub integration: IntegrationName,
    /// The region of the Identity Center instance, or of the IAM endpoint's partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The roles to assume, first hop first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<Hop>,
    /// Whether sessions carry `SourceIdentity` = the requester.
    #[serde(default)]
    pub source_identity: bool,
}
