//! The way out: one HTTPS connector with a time-out, for the Web API and the socket.

use super::SlackError;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use slack_morphism::hyper_tokio::SlackClientHyperConnector;
use slack_morphism::{SlackApiToken, SlackApiTokenValue};
use std::sync::Arc;
use std::time::Duration;

/// slack-morphism's HTTP side over our connector.
pub(in crate::slack) type Wire = SlackClientHyperConnector<TimeoutConnector<HttpsConnector<HttpConnector>>>;

/// How long a TCP and TLS handshake may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Builds the connector for one base URL. Connections are kept alive and shared by all calls.
pub(in crate::slack) fn wire(api_url: &str) -> Result<Wire, SlackError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(Duration::from_mins(1)));
    let secure = HttpsConnectorBuilder::new()
        .with_tls_config(tls()?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    let mut connector = TimeoutConnector::new(secure);
    connector.set_connect_timeout(Some(CONNECT));
    Ok(Wire::with_connector(connector).with_slack_api_url(api_url.trim_end_matches('/')))
}

/// TLS with this machine's roots, for the Web API and the socket alike.
pub(in crate::slack) fn tls() -> Result<ClientConfig, SlackError> {
    let unusable = |error: &dyn std::fmt::Display| {
        SlackError::Unusable(format!("this machine cannot speak TLS: {error}"))
    };
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_native_roots()
        .map_err(|error| {
            SlackError::Unusable(format!("cannot read this machine's root certificates: {error}"))
        })?;
    Ok(config.with_no_client_auth())
}

/// Wraps a token for slack-morphism, whose `Debug` shows its length only.
pub(in crate::slack) fn token(text: &str) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(text.to_owned()))
}
