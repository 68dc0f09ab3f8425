//! The AWS room against moto, an AWS simulation that is not ours: a second opinion on the wire
//! formats. moto grants whatever is asked for, at once, and never says IN_PROGRESS, so that the
//! behaviour is tested against our own simulation; here the point is that both sides understand each
//! other.
//!
//! ```sh
//! python3 -m venv /tmp/moto && /tmp/moto/bin/pip install 'moto[server]'
//! /tmp/moto/bin/moto_server -p 5555 &
//! MOTO_URL=http://127.0.0.1:5555 cargo test --test moto
//! ```

use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use sym::access::{Connection, Email, Hop, IntegrationName, Principal, RequestId, Resource, Span};
use sym::aws::{Aws, BaseCredentials, Progress, Session, Settings};

const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";

/// What the tests need to exist, and the room.
struct Bench {
    aws: Aws,
    sdk: aws_config::SdkConfig,
    connection: Connection,
    request: RequestId,
    instance_arn: String,
    store: String,
    /// Makes names unique, because a server may serve many runs.
    run: String,
}

#[expect(clippy::disallowed_methods, reason = "this program is the composition root of its test")]
fn moto_url() -> String {
    std::env::var("MOTO_URL").expect("set MOTO_URL to the address of a moto server: see tests/moto.rs")
}

#[expect(clippy::disallowed_methods, reason = "moto lives in real time")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

async fn bench(test: &str) -> Bench {
    let run = format!("{test}-{}", now());
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(moto_url())
        .region(Region::new(REGION))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "testing", "testing", None, None, "moto",
        )))
        .load()
        .await;
    let mut hops = Vec::new();
    for (name, external_id) in [("SymRuntime", Some("sym-1234")), ("SymConnector", None)] {
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}"#;
        let role = aws_sdk_iam::Client::new(&sdk)
            .create_role()
            .role_name(format!("{name}-{run}"))
            .path("/sym/")
            .assume_role_policy_document(trust)
            .send()
            .await
            .unwrap();
        let external_id = external_id.map(str::to_owned);
        hops.push(Hop { role_arn: role.role.unwrap().arn, external_id });
    }
    let instances = aws_sdk_ssoadmin::Client::new(&sdk).list_instances().send().await.unwrap();
    let instance = instances.instances().first().unwrap();
    let settings = Settings {
        endpoint_url: Some(moto_url()),
        credentials: BaseCredentials::Static {
            access_key_id: "testing".to_owned(),
            secret_access_key: "testing".to_owned(),
        },
        attempts: 1,
        ..Settings::new(Arc::new(now))
    };
    Bench {
        aws: Aws::new(settings).await,
        connection: Connection {
            integration: IntegrationName::new("moto"),
            region: Some(REGION.to_owned()),
            hops,
            source_identity: true,
        },
        request: RequestId::new("abcdefghijklm"),
        instance_arn: instance.instance_arn().unwrap().to_owned(),
        store: instance.identity_store_id().unwrap().to_owned(),
        sdk,
        run,
    }
}

impl Bench {
    fn session(&self) -> Session<'_> {
        Session { connection: &self.connection, name: &self.request, source_identity: None }
    }

    async fn add_user(&self, name: &str, email: &str) -> String {
        let email = aws_sdk_identitystore::types::Email::builder().value(email).primary(true).build();
        let person = aws_sdk_identitystore::types::Name::builder().given_name("A").family_name("L").build();
        let user = aws_sdk_identitystore::Client::new(&self.sdk)
            .create_user()
            .identity_store_id(&self.store)
            .user_name(name)
            .display_name(name)
            .name(person)
            .emails(email)
            .send()
            .await
            .unwrap();
        user.user_id
    }

    async fn add_permission_set(&self) -> String {
        let set = aws_sdk_ssoadmin::Client::new(&self.sdk)
            .create_permission_set()
            .instance_arn(&self.instance_arn)
            .name("Admin")
            .session_duration("PT8H")
            .send()
            .await
            .unwrap();
        set.permission_set.unwrap().permission_set_arn.unwrap()
    }

    /// AWS provisions what is assigned by itself; moto wants to be told.
    async fn provision(&self, permission_set_arn: &str) {
        aws_sdk_ssoadmin::Client::new(&self.sdk)
            .provision_permission_set()
            .instance_arn(&self.instance_arn)
            .permission_set_arn(permission_set_arn)
            .target_type(aws_sdk_ssoadmin::types::ProvisionTargetType::AllProvisionedAccounts)
            .send()
            .await
            .unwrap();
    }

    async fn add_group(&self) -> String {
        let group = aws_sdk_identitystore::Client::new(&self.sdk)
            .create_group()
            .identity_store_id(&self.store)
            .display_name(format!("ops-{}", self.run))
            .send()
            .await
            .unwrap();
        group.group_id
    }

    async fn find(&self, resource: &Resource, email: &str, over: Option<&str>) -> Principal {
        let email = Email::new(email);
        self.aws.find_principal(&self.session(), resource, &email, over).await.unwrap()
    }

    async fn look(&self, principal: &Principal, resource: &Resource) -> bool {
        self.aws.look(&self.session(), principal, resource).await.unwrap()
    }

    async fn give(&self, principal: &Principal, resource: &Resource) {
        let mut progress =
            self.aws.grant(&self.session(), principal, resource, false, &|| true).await.unwrap();
        while let Progress::Running(operation) = progress {
            let session = self.session();
            progress = self.aws.poll_grant(&session, principal, resource, &operation).await.unwrap();
        }
    }

    async fn take(&self, principal: &Principal, resource: &Resource) {
        let mut progress = self.aws.revoke(&self.session(), principal, resource).await.unwrap();
        while let Progress::Running(operation) = progress {
            let session = self.session();
            progress = self.aws.poll_revoke(&session, principal, resource, &operation).await.unwrap();
        }
    }

    /// Whether the list of everybody who holds it names them.
    async fn is_listed(&self, principal: &Principal, resource: &Resource) -> bool {
        let holders = self.aws.holders(&self.session(), resource).await.unwrap();
        holders.iter().any(|holder| holder.principal == *principal)
    }

    /// Absent, given, repeated, taken, absent.
    async fn lives(&self, principal: &Principal, resource: &Resource) {
        assert!(!self.look(principal, resource).await && !self.is_listed(principal, resource).await);
        self.give(principal, resource).await;
        assert!(self.look(principal, resource).await && self.is_listed(principal, resource).await);
        let repeated = self.aws.grant(&self.session(), principal, resource, true, &|| true).await;
        assert_eq!(repeated.unwrap(), Progress::Done);
        self.take(principal, resource).await;
        assert!(!self.look(principal, resource).await && !self.is_listed(principal, resource).await);
    }
}

#[tokio::test]
async fn a_permission_set_is_assigned_and_taken_away() {
    let bench = bench("set").await;
    let (name, permission_set_arn) = (format!("ana-{}", bench.run), bench.add_permission_set().await);
    let user_id = bench.add_user(&name, &format!("{name}@example.com")).await;
    let resource = Resource::SsoPermissionSet {
        instance_arn: bench.instance_arn.clone(),
        permission_set_arn: permission_set_arn.clone(),
        account_id: ACCOUNT.to_owned(),
    };
    let ana = bench.find(&resource, "other@example.com", Some(&name)).await;
    assert_eq!(ana, Principal::SsoUser { identity_store_id: bench.store.clone(), user_id });
    bench.lives(&ana, &resource).await;
    bench.give(&ana, &resource).await;
    bench.provision(&permission_set_arn).await;
    let accounts = bench.aws.accounts_with(&bench.session(), &bench.instance_arn, &permission_set_arn).await;
    assert_eq!(accounts.unwrap(), [ACCOUNT]);
    let names = bench.aws.user_names(&bench.session(), &bench.instance_arn, &bench.store).await.unwrap();
    assert!(names.values().any(|found| *found == name), "{names:?}");
    bench.take(&ana, &resource).await;
    let length = bench.aws.session_length(&bench.session(), &bench.instance_arn, &permission_set_arn).await;
    assert_eq!(length.unwrap(), Some(Span::hours(8)));
    // moto lacks ListAccountAssignmentCreationStatus, and without it nobody can say that no creation
    // is on its way: the answer is "not proven", never "done".
    let error = bench.aws.revoke(&bench.session(), &ana, &resource).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn people_are_found_by_name_and_address() {
    let bench = bench("people").await;
    let resource =
        Resource::SsoGroup { instance_arn: bench.instance_arn.clone(), group_id: "any".to_owned() };
    let (by_name, by_email) = (format!("{}@n.com", bench.run), format!("{}@e.com", bench.run));
    let capitals = format!("{}@C.com", bench.run);
    let mut ids = Vec::new();
    for (name, email) in [
        (by_name.clone(), "x@example.com".to_owned()),
        (format!("u2-{}", bench.run), by_email.clone()),
        (format!("u3-{}", bench.run), capitals.clone()),
    ] {
        ids.push(bench.add_user(&name, &email).await);
    }
    for (email, id) in [by_name, by_email, capitals].iter().zip(ids) {
        let found = bench.find(&resource, email, None).await;
        assert_eq!(found, Principal::SsoUser { identity_store_id: bench.store.clone(), user_id: id });
    }
    let nobody = Email::new("nobody@example.com");
    let error = bench.aws.find_principal(&bench.session(), &resource, &nobody, None).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("`identity` block"), "{error}");
}

#[tokio::test]
async fn a_group_of_identity_center() {
    let bench = bench("group").await;
    let (email, group_id) = (format!("{}@example.com", bench.run), bench.add_group().await);
    bench.add_user(&email, &email).await;
    let resource = Resource::SsoGroup { instance_arn: bench.instance_arn.clone(), group_id };
    let ana = bench.find(&resource, &email, None).await;
    // moto lacks GetGroupMembershipId: this goes by the list.
    assert!(!bench.look(&ana, &resource).await);
    bench.give(&ana, &resource).await;
    assert!(bench.look(&ana, &resource).await && bench.is_listed(&ana, &resource).await);
    bench.take(&ana, &resource).await;
    assert!(!bench.look(&ana, &resource).await && !bench.is_listed(&ana, &resource).await);
}

#[tokio::test]
async fn an_iam_group() {
    let bench = bench("iam").await;
    let (user, group) = (format!("{}@example.com", bench.run), format!("deployers-{}", bench.run));
    let iam = aws_sdk_iam::Client::new(&bench.sdk);
    iam.create_user().user_name(&user).send().await.unwrap();
    iam.create_group().group_name(&group).path("/sym/").send().await.unwrap();
    let resource = Resource::IamGroup { account_id: ACCOUNT.to_owned(), group_name: group };
    let ana = bench.find(&resource, &user, None).await;
    assert_eq!(ana, Principal::IamUser { user_name: user });
    bench.lives(&ana, &resource).await;
    let nobody = Email::new("nobody@example.com");
    let error = bench.aws.find_principal(&bench.session(), &resource, &nobody, None).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    let elsewhere = Resource::IamGroup { account_id: "999999999999".to_owned(), group_name: "x".to_owned() };
    let error = bench.aws.revoke(&bench.session(), &ana, &elsewhere).await.unwrap_err();
    assert!(error.to_string().contains("names the wrong role"), "{error}");
}

#[tokio::test]
async fn accounts_of_the_organization() {
    let bench = bench("accounts").await;
    let organizations = aws_sdk_organizations::Client::new(&bench.sdk);
    // There may be one from an earlier run.
    let _ = organizations.create_organization().send().await;
    let name = format!("prod-{}", bench.run);
    let email = format!("{name}@example.com");
    organizations.create_account().account_name(&name).email(email).send().await.unwrap();
    let accounts = bench.aws.accounts(&bench.session()).await.unwrap();
    assert!(accounts.iter().any(|account| account.name == name && account.is_active), "{accounts:?}");
}
