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

/// The command that removes somebody's access by hand, for the day the bot cannot or may not. The id of
/// a membership is looked up by the command itself where it is not known.
pub fn by_hand(principal: &Principal, resource: &Resource, membership_id: Option<&str>) -> String {
    let who = match principal {
        Principal::SsoUser { user_id, .. } => word(user_id),
        Principal::IamUser { user_name } => word(user_name),
    };
    match resource {
        Resource::SsoPermissionSet { instance_arn, permission_set_arn, account_id } => format!(
            "aws sso-admin delete-account-assignment --instance-arn {} --permission-set-arn {} \
             --target-type AWS_ACCOUNT --target-id {} --principal-type USER --principal-id {who}",
            word(instance_arn),
            word(permission_set_arn),
            word(account_id)
        ),
        Resource::SsoGroup { group_id, .. } => {
            let store = match principal {
                Principal::SsoUser { identity_store_id, .. } => word(identity_store_id),
                Principal::IamUser { .. } => "STORE".to_owned(),
            };
            let group = word(group_id);
            let membership = membership_id.map_or_else(
                || {
                    format!(
                        "\"$(aws identitystore get-group-membership-id --identity-store-id {store} --group-id \
                         {group} --member-id UserId={who} --query MembershipId --output text)\""
                    )
                },
                word,
            );
            format!(
                "aws identitystore delete-group-membership --identity-store-id {store} --membership-id {membership}"
            )
        }
        Resource::IamGroup { group_name, .. } => {
            format!("aws iam remove-user-from-group --group-name {} --user-name {who}", word(group_name))
        }
    }
}

/// One word of a shell command, whatever is in it.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@+=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let shown: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", shown.replace('\'', "'\\''"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn every_resource() -> [Resource; 3] {
        let (instance_arn, account_id) = ("arn:i".to_owned(), "111122223333".to_owned());
        [
            Resource::SsoPermissionSet {
                instance_arn: instance_arn.clone(),
                permission_set_arn: "arn:p".into(),
                account_id: account_id.clone(),
            },
            Resource::SsoGroup { instance_arn, group_id: "g-1".into() },
            Resource::IamGroup { account_id, group_name: "ops".into() },
        ]
    }

    #[test]
    fn a_resource_knows_its_kind_its_account_and_its_name_among_entitlements() {
        let all = every_resource();
        let kinds = [TargetKind::AwsSsoPermissionSet, TargetKind::AwsSsoGroup, TargetKind::AwsIamGroup];
        assert_eq!(all.each_ref().map(Resource::kind), kinds);
        let account = Some("111122223333");
        assert_eq!(all.each_ref().map(Resource::account_id), [account, None, account]);
        let ana = Principal::SsoUser { identity_store_id: "d-1".into(), user_id: "u-1".into() };
        let ids = all.each_ref().map(|resource| EntitlementId::of(&ana, resource).to_string());
        let expected = [
            "sso-permission-set|arn:p|111122223333|u-1",
            "sso-group|arn:i|g-1|u-1",
            "iam-group|111122223333|ops|u-1",
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_word_of_a_command_is_quoted_unless_it_is_plain() {
        let table = [
            ("ana", "ana"),
            ("a-n_a.1:/@+=,", "a-n_a.1:/@+=,"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$a", "'$a'"),
            ("a\n\tb", "'ab'"),
            ("é", "'é'"),
        ];
        for (text, expected) in table {
            assert_eq!(word(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_removed_by_hand_is_removed_by_one_command() {
        let ana = Principal::SsoUser { identity_store_id: "d-1".into(), user_id: "u-1".into() };
        let group = Resource::SsoGroup { instance_arn: "i".into(), group_id: "g-1".into() };
        insta::assert_snapshot!(by_hand(&ana, &group, Some("m-1")), @"aws identitystore delete-group-membership --identity-store-id d-1 --membership-id m-1");
        insta::assert_snapshot!(by_hand(&ana, &group, None), @r#"aws identitystore delete-group-membership --identity-store-id d-1 --membership-id "$(aws identitystore get-group-membership-id --identity-store-id d-1 --group-id g-1 --member-id UserId=u-1 --query MembershipId --output text)""#);
        let [set, ..] = every_resource();
        insta::assert_snapshot!(by_hand(&ana, &set, None), @"aws sso-admin delete-account-assignment --instance-arn arn:i --permission-set-arn arn:p --target-type AWS_ACCOUNT --target-id 111122223333 --principal-type USER --principal-id u-1");
        let hostile = Principal::IamUser { user_name: "ana'; rm -rf /\n".into() };
        let group = Resource::IamGroup { account_id: "1".into(), group_name: "a$(b)".into() };
        insta::assert_snapshot!(by_hand(&hostile, &group, None), @r"aws iam remove-user-from-group --group-name 'a$(b)' --user-name 'ana'\''; rm -rf /'");
    }
}
