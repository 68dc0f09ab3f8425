//! The one way a call leaves: time-out, wait on a short rate limit, one repeat of what may be repeated.

use super::gates::{Gate, Gates};
use super::http::{self, Wire};
use super::method::Method;
use super::{Settings, SlackError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use slack_morphism::{SlackApiToken, SlackClientApiCallContext, SlackClientHttpConnector};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tracing::{Span, debug};

/// Slack's hosts for response URLs; a URL from a payload is followed only to these and to the host
/// of the API itself.
const RESPONSE_HOSTS: [&str; 2] = ["https://hooks.slack.com/", "https://hooks.slack-gov.com/"];

/// Makes calls with one token.
pub(super) struct Caller {
    wire: Wire,
    token: SlackApiToken,
    api_url: String,
    timeout: Duration,
    patience: Duration,
    gates: Gates,
}

/// The arguments of a method that reads forms.
pub(super) type Form = Vec<(&'static str, Option<String>)>;

impl Caller {
    pub(super) fn new(settings: &Settings) -> Result<Self, SlackError> {
        Ok(Self {
            wire: http::wire(&settings.api_url)?,
            token: http::token(&settings.bot_token),
            api_url: settings.api_url.clone(),
            timeout: settings.timeout,
            patience: settings.patience,
            gates: Gates::new(Arc::clone(&settings.now)),
        })
    }

    /// Calls a method that takes JSON.
    pub(super) async fn post<A: DeserializeOwned + Send>(
        &self,
        method: &Method,
        body: &(impl Serialize + Send + Sync),
    ) -> Result<A, SlackError> {
        let gate = self.gates.of(method.name, "");
        self.gates.check(&gate, method.name)?;
        let answer = match self.post_once(method, body).await {
            Ok(answer) => Ok(answer),
            Err(error) => match self.prepare_repeat(method, error).await {
                Ok(()) => self.post_once(method, body).await,
                Err(error) => Err(error),
            },
        };
        self.heed(&gate, answer)
    }

    /// Calls a method that Slack counts by channel. Waiting is the caller's: the messages behind this one
    /// wait with it.
    pub(super) async fn post_in<A: DeserializeOwned + Send>(
        &self,
        method: &Method,
        channel: &str,
        body: &(impl Serialize + Send + Sync),
    ) -> Result<A, SlackError> {
        let gate = self.gates.of(method.name, channel);
        let _turn = gate.turn().await;
        self.gates.check(&gate, method.name)?;
        let answer = match self.post_once(method, body).await {
            Err(SlackError::Transient { .. }) if method.is_repeatable => self.post_once(method, body).await,
            answer => answer,
        };
        self.heed(&gate, answer)
    }

    /// A wait that Slack asks for is everybody's.
    fn heed<A>(&self, gate: &Gate, answer: Result<A, SlackError>) -> Result<A, SlackError> {
        if let Err(SlackError::RateLimited { retry_after, .. }) = &answer {
            self.gates.close(gate, *retry_after);
        }
        answer
    }

    async fn post_once<A: DeserializeOwned + Send>(
        &self,
        method: &Method,
        body: &(impl Serialize + Send + Sync),
    ) -> Result<A, SlackError> {
        debug_assert!(!method.is_form, "{} reads a form", method.name);
        let span = Span::none();
        self.within(method.name, self.wire.http_post(method.name, body, self.context(&span))).await
    }

    /// Calls a method that takes a form.
    pub(super) async fn get<A: DeserializeOwned + Send>(
        &self,
        method: &Method,
        form: &Form,
    ) -> Result<A, SlackError> {
        let gate = self.gates.of(method.name, "");
        self.gates.check(&gate, method.name)?;
        let answer = match self.get_once(method, form).await {
            Ok(answer) => Ok(answer),
            Err(error) => match self.prepare_repeat(method, error).await {
                Ok(()) => self.get_once(method, form).await,
                Err(error) => Err(error),
            },
        };
        self.heed(&gate, answer)
    }

    async fn get_once<A: DeserializeOwned + Send>(
        &self,
        method: &Method,
        form: &Form,
    ) -> Result<A, SlackError> {
        debug_assert!(method.is_form, "{} reads JSON", method.name);
        let span = Span::none();
        self.within(method.name, self.wire.http_get(method.name, form, self.context(&span))).await
    }

    /// Posts to a response URL, which stands for itself: the token stays here.
    pub(super) async fn respond(
        &self,
        url: &str,
        body: &(impl Serialize + Send + Sync),
    ) -> Result<(), SlackError> {
        const NAME: &str = "response_url";
        if !self.may_follow(url) {
            return Err(SlackError::Unusable("the response URL is not one of Slack's".to_owned()));
        }
        let Ok(url) = url.parse() else {
            return Err(SlackError::Unusable("the response URL is not a URL".to_owned()));
        };
        let span = Span::none();
        let context = SlackClientApiCallContext {
            rate_control_params: None,
            token: None,
            tracing_span: &span,
            is_sensitive_url: true,
        };
        let answer = self.wire.http_post_uri::<_, serde_json::Value>(url, body, context);
        self.within(NAME, answer).await.map(drop)
    }

    /// Compared as text up to the slash that ends the host, so that no two readings of a URL differ.
    fn may_follow(&self, url: &str) -> bool {
        let own = origin(&self.api_url);
        RESPONSE_HOSTS.iter().any(|host| url.starts_with(host))
            || own.is_some_and(|own| url.strip_prefix(own).is_some_and(|rest| rest.starts_with('/')))
    }

    fn context<'a>(&'a self, span: &'a Span) -> SlackClientApiCallContext<'a> {
        SlackClientApiCallContext {
            rate_control_params: None,
            token: Some(&self.token),
            tracing_span: span,
            // Queries carry e-mail addresses, and slack-morphism prints the URLs of others.
            is_sensitive_url: true,
        }
    }

    async fn within<A>(
        &self,
        name: &'static str,
        call: impl Future<Output = slack_morphism::ClientResult<A>>,
    ) -> Result<A, SlackError> {
        match timeout(self.timeout, call).await {
            Ok(answer) => answer.map_err(|error| SlackError::from_client(name, error)),
            Err(_) => Err(SlackError::Transient {
                method: name,
                why: format!("no answer in {} s", self.timeout.as_secs_f32()),
            }),
        }
    }

    /// Makes ready for a second and last try: after a short wait that Slack asked for, since it did
    /// nothing then; and at once when the connection failed and doing it twice does no harm.
    async fn prepare_repeat(&self, method: &Method, error: SlackError) -> Result<(), SlackError> {
        match error {
            SlackError::RateLimited { retry_after, .. } if retry_after <= self.patience => {
                debug!(slack.method = method.name, wait_ms = retry_after.as_millis(), "waiting for Slack");
                sleep(retry_after).await;
                Ok(())
            }
            SlackError::Transient { .. } if method.is_repeatable => Ok(()),
            error => Err(error),
        }
    }
}

/// Scheme and host of a URL, without the slash.
fn origin(url: &str) -> Option<&str> {
    let host = url.find("://")? + 3;
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    Some(&url[..end])
}
