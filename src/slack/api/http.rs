//! The way out: one HTTPS connector with a time-out, for the Web API and the socket.

use super::SlackError;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use slack_morphism::hyper_tokio::SlackClientHyperConnector;
use slack_morphism::{SlackApiToken, SlackApiTokenValue};
use std::time::Duration;

/// slack-morphism's HTTP side over our connector.
pub(in crate::slack) type Wire = SlackClientHyperConnector<TimeoutConnector<HttpsConnector<HttpConnector>>>;

/// How long a TCP and TLS handshake may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Builds the connector for one base URL. Connections are kept alive and shared by all calls.
///
/// `silence` cuts a connection on which nothing arrives for so long, also an idle one: it is for
/// callers that cannot put a time-out around their calls.
pub(in crate::slack) fn wire(api_url: &str, silence: Option<Duration>) -> Result<Wire, SlackError> {
    let roots = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| {
            SlackError::Unusable(format!("cannot read this machine's root certificates: {error}"))
        })?;
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(Duration::from_mins(1)));
    let mut connector = TimeoutConnector::new(roots.https_or_http().enable_http1().wrap_connector(http));
    connector.set_connect_timeout(Some(CONNECT));
    connector.set_read_timeout(silence);
    Ok(Wire::with_connector(connector).with_slack_api_url(api_url.trim_end_matches('/')))
}

/// Wraps a token for slack-morphism, whose `Debug` shows its length only.
pub(in crate::slack) fn token(text: &str) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(text.to_owned()))
}
