//! What AWS refused, in words a Slack user can pass on to an administrator, and whether trying
//! again can help.

use crate::access::MachineError;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;

/// Something AWS would not do. The message is complete: what was tried, what AWS said, what can be
/// done. It may name roles, accounts and permission sets, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AwsError {
    message: String,
    is_transient: bool,
    ends_operation: bool,
    is_crowded: bool,
    code: Option<String>,
    status: Option<u16>,
}

impl From<AwsError> for MachineError {
    fn from(error: AwsError) -> Self {
        Self {
            message: error.message,
            is_transient: error.is_transient,
            ends_operation: error.ends_operation,
        }
    }
}

impl AwsError {
    /// Whether trying again may help. Everything unknown is worth another try.
    pub fn is_transient(&self) -> bool {
        self.is_transient
    }

    /// Whether the asynchronous operation that was asked about is over or unknown to AWS.
    pub fn ends_operation(&self) -> bool {
        self.ends_operation
    }

    /// Whether nothing was tried, because others had the right of way: it is not a failed attempt, and
    /// what was to be done may be tried at once.
    pub fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// AWS's error code, when AWS answered: `AccessDeniedException`, `NoSuchEntity`, ….
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    pub(super) fn transient(message: impl Into<String>) -> Self {
        Self { is_transient: true, ..Self::permanent(message) }
    }

    pub(super) fn crowded(message: impl Into<String>) -> Self {
        Self { is_crowded: true, ..Self::transient(message) }
    }

    pub(super) fn permanent(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            message,
            is_transient: false,
            ends_operation: false,
            is_crowded: false,
            code: None,
            status: None,
        }
    }

    pub(super) fn ending_operation(mut self) -> Self {
        self.ends_operation = true;
        self
    }

    /// The same error with one more sentence.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        if !hint.is_empty() {
            self.message.push(' ');
            self.message.push_str(hint);
        }
        self
    }

    /// The same error after a call was made: now it is a failed attempt.
    pub(super) fn after_a_call(mut self) -> Self {
        self.is_crowded = false;
        self
    }

    /// The same error, worth another try.
    pub(super) fn made_transient(mut self) -> Self {
        self.is_transient = true;
        self
    }

    /// The same error, not to be tried again.
    pub(super) fn made_permanent(mut self) -> Self {
        self.is_transient = false;
        self
    }

    /// From a call of the SDK; `action` is named as IAM policies name it, `actor` says who called.
    pub(super) fn from_sdk<E>(action: &str, actor: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = error.code().map(str::to_owned);
        let said = match (&code, error.message().filter(|text| !text.is_empty())) {
            (Some(code), Some(text)) => format!("{code}: {text}"),
            (Some(code), None) => code.clone(),
            (None, _) => unanswered(error, status),
        };
        let message = sentence(&format!("`{action}` as {actor} failed: {said}"));
        let is_transient = is_transient(code.as_deref(), status);
        let error = Self { message, is_transient, ends_operation: false, is_crowded: false, code, status };
        if error.is_denied() { error.with_hint(denied_hint(action)) } else { error }
    }

    pub(super) fn is_denied(&self) -> bool {
        self.code_starts(&["AccessDenied", "UnauthorizedOperation", "NotAuthorized"])
    }

    /// The thing that was named does not exist.
    pub(super) fn is_missing(&self) -> bool {
        self.code_starts(&["ResourceNotFound", "NoSuchEntity"])
    }

    pub(super) fn is_conflict(&self) -> bool {
        self.code_starts(&["Conflict"])
    }

    /// The credentials of the session are over, or AWS no longer knows them: new ones may do.
    pub(super) fn is_stale_session(&self) -> bool {
        self.code_starts(&["ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient"])
    }

    /// The call is not there: forbidden, or not offered by whatever answers at this endpoint
    /// (moto and its kind answer 500 with a page of HTML). Another call may tell the same.
    pub(super) fn is_unavailable(&self) -> bool {
        let is_unknown = self.code.is_none() && self.status.is_some_and(|status| status >= 500);
        let is_unoffered = self.code_starts(&["UnknownOperation", "NotImplemented", "InvalidAction"]);
        self.is_denied() || is_unknown || is_unoffered
    }

    fn code_starts(&self, starts: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| starts.iter().any(|start| code.starts_with(start)))
    }
}

/// Codes that stay as they are however often one tries; everything else may pass. The list is what
/// the service models of sso-admin, identitystore, IAM, STS and Organizations declare as the
/// caller's fault, minus conflicts, which sso-admin documents as "an earlier write has not
/// propagated, retry".
const PERMANENT: &[&str] = &[
    "AccessDenied",
    "UnauthorizedOperation",
    "NotAuthorized",
    "Validation",
    "InvalidInput",
    "InvalidParameter",
    "InvalidClientTokenId",
    "UnrecognizedClient",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
    "MalformedPolicyDocument",
    "PackedPolicyTooLarge",
    "RegionDisabled",
    "ServiceQuotaExceeded",
    "LimitExceeded",
    "ResourceNotFound",
    "NoSuchEntity",
    "AWSOrganizationsNotInUse",
    "UnsupportedUserEdition",
    "OptInRequired",
];

fn is_transient(code: Option<&str>, status: Option<u16>) -> bool {
    if status.is_some_and(|status| status >= 500 || status == 429) {
        return true;
    }
    !code.is_some_and(|code| PERMANENT.iter().any(|start| code.starts_with(start)))
}

/// Why there is no answer of the service to quote.
fn unanswered<E: Error + 'static>(error: &SdkError<E, HttpResponse>, status: Option<u16>) -> String {
    match (error, status) {
        (SdkError::TimeoutError(_), _) => "no answer in time".to_owned(),
        (_, Some(status)) => format!("HTTP status {status} without an explanation"),
        (other, None) => {
            let mut innermost: &dyn Error = other;
            while let Some(source) = innermost.source() {
                innermost = source;
            }
            without_an_answer(&innermost.to_string())
        }
    }
}

/// What the SDK says when nothing left this machine, or nothing came back. Where it looked for credentials
/// it lists line by line, which tells an operator less than what to set.
fn without_an_answer(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower.contains("credential") {
        return "the bot has no AWS credentials that work. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a \
                profile with AWS_PROFILE, or give the machine, container or service account a role"
            .to_owned();
    }
    if lower.contains("region") {
        return "no AWS region is known. Set AWS_REGION, or `region` in the settings of the integration"
            .to_owned();
    }
    format!("no answer ({})", text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// AWS's texts end with or without a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// What a missing permission usually means with the connector roles of the Sym modules.
fn denied_hint(action: &str) -> &'static str {
    match action {
        "sso:CreateAccountAssignment" | "sso:DeleteAccountAssignment" | "sso:ListAccountAssignments" => {
            "The role needs this permission on the instance, the permission set and the account. If it \
             lives in a delegated administrator account, it may touch neither the management account \
             nor a permission set that is also provisioned there."
        }
        "sso:ListInstances" | "sso:DescribePermissionSet" => {
            "The role needs `sso:List*` and `sso:Describe*`."
        }
        "sso:ListAccountsForProvisionedPermissionSet" => {
            "The role needs `sso:ListAccountsForProvisionedPermissionSet` (`sso:List*` covers it)."
        }
        "identitystore:ListGroupMemberships" => {
            "The role needs `identitystore:ListGroupMemberships` to see who is in the group."
        }
        "iam:GetGroup" => "The role needs `iam:GetGroup` to see who is in the group.",
        "identitystore:GetGroupMembershipId"
        | "identitystore:ListGroupMembershipsForMember"
        | "identitystore:CreateGroupMembership"
        | "identitystore:DeleteGroupMembership" => {
            "The sso-connector module allows group memberships from version 2.0 on: update it, or allow \
             `identitystore:Get*`, `List*`, `CreateGroupMembership` and `DeleteGroupMembership`."
        }
        "identitystore:ListUsers" | "identitystore:GetUserId" => {
            "The role needs `identitystore:ListUsers` to find people by their e-mail address."
        }
        "iam:AddUserToGroup" | "iam:RemoveUserFromGroup" => {
            "The iam-connector module allows only groups under the path of its `group_config` (`/sym/` \
             unless set otherwise): move the group there, or widen `group_config`."
        }
        "iam:GetUser" => "The role needs `iam:GetUser` to find people by their e-mail address.",
        "organizations:ListAccounts" => {
            "The sso-connector module allows this from version 2.1 on, and AWS only to the management \
             account or a delegated administrator."
        }
        "organizations:ListRoots"
        | "organizations:ListOrganizationalUnitsForParent"
        | "organizations:ListAccountsForParent" => {
            "Rules that name accounts by `ou:` need `organizations:ListRoots`, \
             `ListOrganizationalUnitsForParent` and `ListAccountsForParent` for this role, beside \
             `ListAccounts`; AWS allows them only to the management account or a delegated administrator."
        }
        "organizations:ListTagsForResource" => {
            "Rules that name accounts by `tag:` need `organizations:ListTagsForResource` for this role."
        }
        "identitystore:GetGroupId" | "identitystore:ListGroups" => {
            "The role needs `identitystore:GetGroupId` or `identitystore:ListGroups` to find groups by name."
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_change_is_permanent() {
        let table = [
            (Some("ThrottlingException"), Some(400), true),
            (Some("TooManyRequestsException"), Some(400), true),
            (Some("ConflictException"), Some(409), true),
            (Some("ConcurrentModification"), Some(409), true),
            (Some("InternalServerException"), Some(500), true),
            (Some("ServiceException"), Some(500), true),
            (Some("ExpiredTokenException"), Some(403), true),
            (Some("RequestExpired"), Some(400), true),
            (Some("EntityTemporarilyUnmodifiable"), Some(409), true),
            (Some("SomethingNobodyHasSeen"), Some(400), true),
            (None, Some(502), true),
            (None, Some(429), true),
            (None, None, true),
            (Some("ValidationException"), Some(400), false),
            (Some("ServiceQuotaExceededException"), Some(400), false),
            (Some("LimitExceeded"), Some(409), false),
            (Some("AccessDeniedException"), Some(403), false),
            (Some("AccessDenied"), Some(403), false),
            (Some("ResourceNotFoundException"), Some(400), false),
            (Some("NoSuchEntity"), Some(404), false),
            (Some("AccessDeniedException"), Some(503), true),
        ];
        for (code, status, expected) in table {
            assert_eq!(is_transient(code, status), expected, "{code:?} {status:?}");
        }
    }

    #[test]
    fn what_is_missing_on_this_machine_is_said_in_a_sentence() {
        let texts = [
            "the credential provider was not enabled\n  attempted: environment\n  attempted: profile",
            "Invalid Configuration: Missing Region",
            "dns error:\n  no such host",
        ];
        insta::assert_snapshot!(texts.map(without_an_answer).join("\n"), @"
        the bot has no AWS credentials that work. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with AWS_PROFILE, or give the machine, container or service account a role
        no AWS region is known. Set AWS_REGION, or `region` in the settings of the integration
        no answer (dns error: no such host)
        ");
    }

    #[test]
    fn a_text_ends_once() {
        assert_eq!(sentence("no"), "no.");
        assert_eq!(sentence("no. "), "no.");
    }
}
