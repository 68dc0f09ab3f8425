//! The room against the simulated AWS, over loopback, with the real SDK.

mod assignments;
mod crashes;
mod groups;
mod histories;
mod inventory;
mod memberships;
mod people;
mod roles;

use super::*;
use crate::access::{Connection, Hop, IntegrationName, RequestId};
use crate::sandbox::aws::{Aws as Sandbox, Call, Fault, Match, Role};
use std::sync::atomic::{AtomicI64, Ordering};

const MANAGEMENT: &str = "111122223333";
const PROD: &str = "444455556666";
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1111222233334444";
const ADMIN: &str = "arn:aws:sso:::permissionSet/ssoins-1111222233334444/ps-1111222233334444";
const STORE: &str = "d-1234567890";
const ANA: &str = "11111111-2222-4333-8444-555555555555";
const BO: &str = "21111111-2222-4333-8444-555555555555";
const OPS: &str = "91111111-2222-4333-8444-555555555555";
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const RUNTIME: &str = "arn:aws:iam::111122223333:role/sym/SymRuntimeMain";
const SSO: &str = "arn:aws:iam::111122223333:role/sym/SymSSOMain";
const IAM: &str = "arn:aws:iam::444455556666:role/sym/SymIAMMain";
const REQUEST: &str = "abcdefghijklm";

/// What sso-connector 2.1 and iam-connector 2.0 allow.
const SSO_ALLOWS: &[&str] = &[
    "sso:CreateAccountAssignment",
    "sso:DeleteAccountAssignment",
    "sso:Describe*",
    "sso:List*",
    "identitystore:CreateGroupMembership",
    "identitystore:DeleteGroupMembership",
    "identitystore:Describe*",
    "identitystore:Get*",
    "identitystore:List*",
    "organizations:ListAccounts",
];
const IAM_ALLOWS: &[&str] = &[
    "iam:AddUserToGroup",
    "iam:RemoveUserFromGroup",
    "iam:GetUser",
    "iam:GetGroup",
    "iam:ListGroupsForUser",
];

/// An AWS with the roles of Sym's modules, a clock turned by hand, and the room.
struct Bench {
    sandbox: Sandbox,
    clock: Arc<AtomicI64>,
    aws: Aws,
    to_sso: Connection,
    to_iam: Connection,
    name: RequestId,
    ana: Email,
}

fn role(trusted: &str, external_id: Option<&str>, allows: &[&str]) -> Role {
    Role {
        trusted: vec![trusted.to_owned()],
        external_id: external_id.map(str::to_owned),
        may_set_source_identity: true,
        allows: allows.iter().map(|&action| action.to_owned()).collect(),
        ..Role::default()
    }
}

fn connection(name: &str, last: &str) -> Connection {
    Connection {
        integration: IntegrationName::new(name),
        region: Some("eu-central-1".to_owned()),
        hops: vec![
            Hop { role_arn: RUNTIME.to_owned(), external_id: Some("sym-1234".to_owned()) },
            Hop { role_arn: last.to_owned(), external_id: None },
        ],
        source_identity: true,
    }
}

fn settings(sandbox: &Sandbox, clock: &Arc<AtomicI64>) -> Settings {
    let hands = Arc::clone(clock);
    Settings {
        endpoint_url: Some(sandbox.endpoint()),
        region: Some("eu-central-1".to_owned()),
        credentials: BaseCredentials::Static {
            access_key_id: KEY.to_owned(),
            secret_access_key: "secret".to_owned(),
        },
        keeps_quotas: false,
        attempts: 1,
        ..Settings::new(Arc::new(move || hands.load(Ordering::SeqCst)))
    }
}

async fn bench() -> Bench {
    let clock = Arc::new(AtomicI64::new(1_700_000_000_000));
    let hands = Arc::clone(&clock);
    let sandbox = Sandbox::start(Arc::new(move || hands.load(Ordering::SeqCst))).await.unwrap();
    sandbox
        .add_account(MANAGEMENT, "management")
        .add_account(PROD, "prod")
        .add_instance(INSTANCE, STORE, "eu-central-1", MANAGEMENT)
        .add_permission_set(INSTANCE, ADMIN, "Admin", "PT8H")
        .add_sso_user(STORE, ANA, "ana@example.com", "ana@example.com")
        .add_sso_user(STORE, BO, "bo", "bo@example.com")
        .add_sso_group(STORE, OPS, "ops")
        .add_iam_user(PROD, "ana@example.com")
        .add_iam_group(PROD, "deployers", "/sym/")
        .add_access_key(KEY, MANAGEMENT, "arn:aws:iam::111122223333:user/bot", &["sts:*"])
        .add_role(RUNTIME, role("arn:aws:iam::111122223333:user/bot", Some("sym-1234"), &["sts:*"]))
        .add_role(SSO, role(RUNTIME, None, SSO_ALLOWS))
        .add_role(IAM, role(RUNTIME, None, IAM_ALLOWS));
    let aws = Aws::new(settings(&sandbox, &clock)).await;
    Bench {
        sandbox,
        clock,
        aws,
        to_sso: connection("sso", SSO),
        to_iam: connection("iam", IAM),
        name: RequestId::new(REQUEST),
        ana: Email::new("ana@example.com"),
    }
}

fn admin() -> Resource {
    Resource::SsoPermissionSet {
        instance_arn: INSTANCE.to_owned(),
        permission_set_arn: ADMIN.to_owned(),
        account_id: PROD.to_owned(),
    }
}

fn ops() -> Resource {
    Resource::SsoGroup { instance_arn: INSTANCE.to_owned(), group_id: OPS.to_owned() }
}

fn deployers() -> Resource {
    Resource::IamGroup { account_id: PROD.to_owned(), group_name: "deployers".to_owned() }
}

fn sso_user(id: &str) -> Principal {
    Principal::SsoUser { identity_store_id: STORE.to_owned(), user_id: id.to_owned() }
}

fn iam_user(name: &str) -> Principal {
    Principal::IamUser { user_name: name.to_owned() }
}

impl Bench {
    fn session(&self, resource: &Resource) -> Session<'_> {
        let connection = match resource {
            Resource::IamGroup { .. } => &self.to_iam,
            _ => &self.to_sso,
        };
        Session { connection, name: &self.name, source_identity: Some(&self.ana) }
    }

    fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    fn holds(&self, user: &str) -> bool {
        self.sandbox.holds_assignment(INSTANCE, ADMIN, PROD, user)
    }

    /// The names of the calls since the last time.
    fn calls(&self) -> Vec<String> {
        let calls = self.sandbox.calls().into_iter().map(|call: Call| call.operation).collect();
        self.sandbox.clear_calls();
        calls
    }

    async fn look(&self, principal: &Principal, resource: &Resource) -> Result<bool, AwsError> {
        self.aws.look(&self.session(resource), principal, resource).await
    }

    async fn grant(
        &self,
        principal: &Principal,
        resource: &Resource,
        is_repeat: bool,
    ) -> Result<Progress, AwsError> {
        self.aws.grant(&self.session(resource), principal, resource, is_repeat, &|| true).await
    }

    async fn revoke(&self, principal: &Principal, resource: &Resource) -> Result<Progress, AwsError> {
        self.aws.revoke(&self.session(resource), principal, resource).await
    }

    async fn poll_grant(
        &self,
        principal: &Principal,
        resource: &Resource,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        self.aws.poll_grant(&self.session(resource), principal, resource, operation).await
    }

    async fn poll_revoke(
        &self,
        principal: &Principal,
        resource: &Resource,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        self.aws.poll_revoke(&self.session(resource), principal, resource, operation).await
    }

    async fn find(
        &self,
        resource: &Resource,
        email: &str,
        over: Option<&str>,
    ) -> Result<Principal, AwsError> {
        self.aws.find_principal(&self.session(resource), resource, &Email::new(email), over).await
    }

    /// Grants to the end.
    async fn give(&self, principal: &Principal, resource: &Resource) {
        let mut progress = self.grant(principal, resource, false).await.unwrap();
        while let Progress::Running(operation) = progress {
            progress = self.poll_grant(principal, resource, &operation).await.unwrap();
        }
    }

    /// Revokes to the end.
    async fn take(&self, principal: &Principal, resource: &Resource) {
        let mut progress = self.revoke(principal, resource).await.unwrap();
        while let Progress::Running(operation) = progress {
            progress = self.poll_revoke(principal, resource, &operation).await.unwrap();
        }
    }

    fn denies(&self, operation: &str) {
        let fault = Fault::Error {
            code: "AccessDeniedException".to_owned(),
            message: "User is not authorized".to_owned(),
            status: 403,
        };
        self.sandbox.fault(Match::every(operation), fault);
    }

    fn finish(&self) {
        assert_eq!(self.sandbox.unexpected(), Vec::<String>::new());
    }
}

fn running(progress: Result<Progress, AwsError>) -> OperationId {
    match progress {
        Ok(Progress::Running(operation)) => operation,
        other => panic!("an operation was expected, not {other:?}"),
    }
}
