//! The simulation, driven by the real SDK clients.
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ssoadmin::types::{PrincipalType, StatusValues, TargetType};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;

use super::*;

mod assigning;
mod faults;
mod others;
mod parts;
mod roles;

const MANAGEMENT: &str = "111122223333";
const PROD: &str = "444455556666";
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1111222233334444";
const ADMIN: &str = "arn:aws:sso:::permissionSet/ssoins-1111222233334444/ps-1111222233334444";
const STORE: &str = "d-1234567890";
const ANA: &str = "11111111-2222-4333-8444-555555555555";
const BO: &str = "21111111-2222-4333-8444-555555555555";
const OPS: &str = "91111111-2222-4333-8444-555555555555";
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// A small AWS with a clock turned by hand and a key that may do everything.
struct Bench {
    aws: Aws,
    clock: Arc<AtomicI64>,
    config: SdkConfig,
}

async fn bench() -> Bench {
    let clock = Arc::new(AtomicI64::new(1_700_000_000_000));
    let hands = Arc::clone(&clock);
    let now: Now = Arc::new(move || hands.load(Ordering::SeqCst));
    let aws = Aws::start(now).await.unwrap();
    aws.add_account(MANAGEMENT, "management")
        .add_account(PROD, "prod")
        .add_instance(INSTANCE, STORE, "eu-central-1", MANAGEMENT)
        .add_permission_set(INSTANCE, ADMIN, "Admin", "PT1H")
        .add_sso_user(STORE, ANA, "ana", "ana@example.com")
        .add_sso_user(STORE, BO, "bo", "bo@example.com")
        .add_sso_group(STORE, OPS, "ops")
        .add_access_key(KEY, MANAGEMENT, "arn:aws:iam::111122223333:user/sym", &["*"]);
    let config = config(&aws.endpoint(), KEY, None);
    Bench { aws, clock, config }
}

fn config(endpoint: &str, key: &str, token: Option<&str>) -> SdkConfig {
    use aws_smithy_http_client::{Builder, tls};
    // One client for all tests: reading the system's certificates takes a while.
    static HTTP: std::sync::OnceLock<aws_smithy_runtime_api::client::http::SharedHttpClient> =
        std::sync::OnceLock::new();
    let http = HTTP.get_or_init(|| {
        let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        Builder::new().tls_provider(ring).build_https()
    });
    let credentials =
        aws_sdk_sts::config::Credentials::new(key, "secret", token.map(str::to_owned), None, "test");
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(5));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint)
        .http_client(http.clone())
        .credentials_provider(aws_sdk_sts::config::SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
        .build()
}

impl Bench {
    fn sso(&self) -> aws_sdk_ssoadmin::Client {
        aws_sdk_ssoadmin::Client::new(&self.config)
    }

    fn pass(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    fn holds(&self, user: &str) -> bool {
        self.aws.holds_assignment(INSTANCE, ADMIN, PROD, user)
    }

    async fn create(&self, user: &str) -> Result<String, String> {
        let call = self.sso().create_account_assignment().instance_arn(INSTANCE).target_id(PROD);
        let call = call.target_type(TargetType::AwsAccount).permission_set_arn(ADMIN);
        let sent = call.principal_type(PrincipalType::User).principal_id(user).send().await;
        let reply = sent.map_err(|error| code(&error))?;
        Ok(reply.account_assignment_creation_status.unwrap().request_id.unwrap())
    }

    async fn delete(&self, user: &str) -> Result<String, String> {
        let call = self.sso().delete_account_assignment().instance_arn(INSTANCE).target_id(PROD);
        let call = call.target_type(TargetType::AwsAccount).permission_set_arn(ADMIN);
        let sent = call.principal_type(PrincipalType::User).principal_id(user).send().await;
        let reply = sent.map_err(|error| code(&error))?;
        Ok(reply.account_assignment_deletion_status.unwrap().request_id.unwrap())
    }

    async fn created(&self, id: &str) -> (StatusValues, Option<String>) {
        let call = self.sso().describe_account_assignment_creation_status();
        let sent = call.instance_arn(INSTANCE).account_assignment_creation_request_id(id).send();
        let status = sent.await.unwrap().account_assignment_creation_status.unwrap();
        (status.status.unwrap(), status.failure_reason)
    }

    async fn deleted(&self, id: &str) -> (StatusValues, Option<String>) {
        let call = self.sso().describe_account_assignment_deletion_status();
        let sent = call.instance_arn(INSTANCE).account_assignment_deletion_request_id(id).send();
        let status = sent.await.unwrap().account_assignment_deletion_status.unwrap();
        (status.status.unwrap(), status.failure_reason)
    }
}

/// The error code of a failed call; `transport` when there was no answer.
fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(answer) => answer.err().code().unwrap_or("no code").to_owned(),
        _ => "transport".to_owned(),
    }
}
