//! The service clients of one session. All share one HTTP connection pool; each is made when it is
//! first needed, because a request uses two of the five.

use super::{AwsError, BaseCredentials, Settings};
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::config::{
    AppName, BehaviorVersion, Credentials, IdentityCache, Region, SharedCredentialsProvider,
    SharedHttpClient, SharedIdentityCache, StalledStreamProtectionConfig,
};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::OnceCell;

/// The configuration every client is derived from. AWS's own default has no time limit on answers:
/// a black-holed endpoint would hang the engine for ever.
pub(super) async fn base_config(settings: &Settings) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(15))
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(settings.attempts.max(1))
        .with_initial_backoff(Duration::from_millis(100))
        .with_max_backoff(Duration::from_secs(2));
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client(settings))
        .timeout_config(timeouts)
        .retry_config(retries)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let BaseCredentials::Static { access_key_id, secret_access_key } = &settings.credentials {
        loader = loader.credentials_provider(Credentials::new(
            access_key_id,
            secret_access_key,
            None,
            None,
            "settings",
        ));
    }
    if let Ok(name) = AppName::new("sym") {
        loader = loader.app_name(name);
    }
    loader.load().await
}

/// One connection pool for all services. Reading the system's certificates takes a while, and a
/// simulation needs none.
fn http_client(settings: &Settings) -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    let is_plain = settings.endpoint_url.as_deref().is_some_and(|url| url.starts_with("http://"));
    match settings.credentials {
        BaseCredentials::Static { .. } if is_plain => builder.build_http(),
        _ => builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
    }
}

/// Clients that act as one session until it ends.
pub(super) struct Clients {
    config: SdkConfig,
    /// The role the session is of; `None` for the bot's own identity.
    role_arn: Option<String>,
    /// Who acts, for error messages.
    actor: String,
    /// When the session is over, in milliseconds since 1970; `None` for the bot's own credentials,
    /// which the SDK refreshes.
    ends_at: Option<i64>,
    /// Every call of Identity Center has its turn: the SDK must not repeat one by itself.
    counts_calls: bool,
    sso_admin: OnceLock<aws_sdk_ssoadmin::Client>,
    identity_store: OnceLock<aws_sdk_identitystore::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
    organizations: OnceLock<aws_sdk_organizations::Client>,
    /// The account the bot's own identity acts in, once it was asked for.
    own_account: OnceCell<String>,
}

impl Clients {
    /// With the bot's own credentials.
    pub(super) fn of_the_bot(base: &SdkConfig, region: &str, counts_calls: bool) -> Self {
        let config = base.to_builder().region(Region::new(region.to_owned())).build();
        Self::new(config, None, None, counts_calls)
    }

    /// With the credentials of an assumed role. They bypass the SDK's identity cache, which keeps an
    /// entry per provider for ever.
    pub(super) fn of_a_role(base: &Self, role_arn: &str, credentials: Credentials, ends_at: i64) -> Self {
        let config = base
            .config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .identity_cache(SharedIdentityCache::new(IdentityCache::no_cache()))
            .build();
        Self::new(config, Some(role_arn.to_owned()), Some(ends_at), base.counts_calls)
    }

    fn new(config: SdkConfig, role_arn: Option<String>, ends_at: Option<i64>, counts_calls: bool) -> Self {
        let actor = match &role_arn {
            Some(arn) => format!("role {arn}"),
            None => "the bot's own AWS identity".to_owned(),
        };
        Self {
            config,
            role_arn,
            actor,
            ends_at,
            counts_calls,
            sso_admin: OnceLock::new(),
            identity_store: OnceLock::new(),
            iam: OnceLock::new(),
            sts: OnceLock::new(),
            organizations: OnceLock::new(),
            own_account: OnceCell::new(),
        }
    }

    /// The account that calls act in: the role's, or what AWS says of the bot's own identity. That
    /// question needs no permission.
    ///
    /// # Errors
    /// AWS did not say.
    pub(super) async fn account(&self) -> Result<&str, AwsError> {
        if let Some(role) = &self.role_arn {
            return Ok(role.split(':').nth(4).unwrap_or_default());
        }
        let ask = || async {
            let answer = self.sts().get_caller_identity().send().await;
            let identity = answer.map_err(|error| self.failed("sts:GetCallerIdentity", &error))?;
            identity
                .account
                .ok_or_else(|| AwsError::transient("AWS did not say which account the bot is in."))
        };
        self.own_account.get_or_try_init(ask).await.map(String::as_str)
    }

    /// Who acts, for error messages.
    pub(super) fn actor(&self) -> &str {
        &self.actor
    }

    /// The role that acts, if any.
    pub(super) fn role_arn(&self) -> Option<&str> {
        self.role_arn.as_deref()
    }

    /// The region of the calls.
    pub(super) fn region(&self) -> &str {
        self.config.region().map_or("", |region| region.as_ref())
    }

    /// Whether the session lasts at least five more minutes: enough for any chain of calls.
    pub(super) fn is_fresh(&self, now: i64) -> bool {
        self.ends_at.is_none_or(|end| now + 5 * 60_000 < end)
    }

    /// An SDK error in words, with who called what.
    pub(super) fn failed<E>(&self, action: &str, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        AwsError::from_sdk(action, &self.actor, error)
    }

    pub(super) fn sso_admin(&self) -> &aws_sdk_ssoadmin::Client {
        self.sso_admin.get_or_init(|| {
            let config = aws_sdk_ssoadmin::config::Builder::from(&self.config);
            let once = RetryConfig::disabled();
            let config = if self.counts_calls { config.retry_config(once) } else { config };
            aws_sdk_ssoadmin::Client::from_conf(config.build())
        })
    }

    pub(super) fn identity_store(&self) -> &aws_sdk_identitystore::Client {
        self.identity_store.get_or_init(|| {
            let config = aws_sdk_identitystore::config::Builder::from(&self.config);
            let once = RetryConfig::disabled();
            let config = if self.counts_calls { config.retry_config(once) } else { config };
            aws_sdk_identitystore::Client::from_conf(config.build())
        })
    }

    pub(super) fn iam(&self) -> &aws_sdk_iam::Client {
        self.iam.get_or_init(|| aws_sdk_iam::Client::new(&self.config))
    }

    pub(super) fn sts(&self) -> &aws_sdk_sts::Client {
        self.sts.get_or_init(|| aws_sdk_sts::Client::new(&self.config))
    }

    pub(super) fn organizations(&self) -> &aws_sdk_organizations::Client {
        self.organizations.get_or_init(|| aws_sdk_organizations::Client::new(&self.config))
    }
}
