//! One web socket: how it is opened, what is said on it, how it ends.

use super::Settings;
use super::desk::Desk;
use super::pulse::{Limits, Pulse};
use crate::slack::api::SlackError;
use crate::slack::api::http::{self, Wire};
use crate::slack::inbound::{self, Envelope, Frame};
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use slack_morphism::{SlackClientApiCallContext, SlackClientHttpConnector};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use tracing::{Span, debug, warn};

/// The method that opens connections. Its scope, `connections:write`, is the app token's.
const OPEN: &str = "apps.connections.open";
/// The largest message that is taken in. What is too large for us but below this costs no connection.
const LARGEST: usize = 16 * 1024 * 1024;
/// How long a frame may take to be written.
const WRITE: Duration = Duration::from_secs(5);
/// How long Slack may take to answer a close.
const GOODBYE: Duration = Duration::from_secs(1);
/// How many deliveries are answered at once on one connection; the next ones wait to be read.
const AT_ONCE: usize = 64;
/// How long a replaced connection is still heard: Slack closes it itself.
const RETIRED: Duration = Duration::from_secs(15);

/// The way to Slack's sockets.
pub(super) struct Way {
    wire: Wire,
    tls: Connector,
    settings: Settings,
    /// Slack's own pings were seen on some connection, so that they are missed when they stop.
    pings: AtomicBool,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct Unopened {
    pub(super) why: String,
    pub(super) retry_after: Option<Duration>,
}

impl From<SlackError> for Unopened {
    fn from(error: SlackError) -> Self {
        Self { why: error.to_string(), retry_after: error.retry_after() }
    }
}

impl Unopened {
    fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), retry_after: None }
    }
}

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Deliver.
    Serve,
    /// Another one has taken its place: what still comes is answered.
    Retire,
    /// Take nothing more, answer what is in hand, and close.
    Stop,
}

/// Slack will close the connection, and says why; it still works.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) reason: String,
}

impl Way {
    pub(super) fn new(settings: Settings) -> Result<Self, SlackError> {
        let wire = http::wire(&settings.api_url)?;
        let tls = Connector::Rustls(Arc::new(http::tls()?));
        Ok(Self { wire, tls, settings, pings: AtomicBool::new(false) })
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Asks Slack for the address of a connection. It is good once, and is a secret.
    pub(super) async fn ask(&self) -> Result<String, SlackError> {
        #[derive(Deserialize)]
        struct Answer {
            url: String,
        }
        let token = http::token(&self.settings.app_token);
        let span = Span::none();
        let context = SlackClientApiCallContext {
            rate_control_params: None,
            token: Some(&token),
            tracing_span: &span,
            is_sensitive_url: true,
        };
        let body = json!({});
        let call = self.wire.http_post::<_, Answer>(OPEN, &body, context);
        match timeout(self.settings.hello_within, call).await {
            Ok(Ok(Answer { url })) => Ok(url),
            Ok(Err(error)) => Err(SlackError::from_client(OPEN, error)),
            Err(_) => Err(SlackError::Transient { method: OPEN, why: "no answer".to_owned() }),
        }
    }

    /// Opens a connection and waits for Slack's hello on it.
    pub(super) async fn open(&self, url: Option<String>) -> Result<Link, Unopened> {
        let url = match url {
            Some(url) => url,
            None => self.ask().await?,
        };
        if self.settings.api_url.starts_with("https:") && !url.starts_with("wss:") {
            return Err(Unopened::because("Slack named a connection that is not encrypted"));
        }
        match timeout(self.settings.hello_within, self.greet(&url)).await {
            Ok(opened) => opened,
            Err(_) => Err(Unopened::because("Slack said no hello in time")),
        }
    }

    async fn greet(&self, url: &str) -> Result<Link, Unopened> {
        let config = WebSocketConfig::default().max_message_size(Some(LARGEST));
        let opened = connect_async_tls_with_config(url, Some(config), true, Some(self.tls.clone())).await;
        let (mut stream, _) =
            opened.map_err(|error| Unopened::because(format!("the connection failed: {}", said(&error))))?;
        loop {
            match stream.next().await {
                Some(Ok(Message::Text(text))) => match inbound::read(&text) {
                    Frame::Hello => return Ok(Link { stream }),
                    Frame::Disconnect { reason } => return Err(Unopened::because(farewell(&reason))),
                    Frame::Envelope { .. } | Frame::Unreadable(_) => {}
                },
                Some(Ok(Message::Close(_))) | None => {
                    return Err(Unopened::because("Slack hung up before it said hello"));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    return Err(Unopened::because(format!("the connection broke: {}", said(&error))));
                }
            }
        }
    }
}

/// A connection on which Slack has said hello.
pub(super) struct Link {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Link {
    /// Answers what is delivered until the connection ends; returns why it did.
    pub(super) async fn serve(
        mut self,
        way: &Way,
        desk: &Desk,
        news: &mpsc::UnboundedSender<Ending>,
        mut orders: watch::Receiver<Order>,
    ) -> String {
        let settings = way.settings();
        let deaf = settings.ping_every * settings.missed_pongs.max(1);
        let pulse = Pulse::new(Limits { deaf, quiet: settings.quiet }, Instant::now());
        let mut heard = Ear { pulse, farewell: None };
        let mut beat = interval(settings.ping_every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answers = FuturesUnordered::new();
        let mut order = Order::Serve;
        let mut until = Instant::now();
        loop {
            if order == Order::Stop && answers.is_empty() {
                return self.close("the bot stops").await;
            }
            tokio::select! {
                biased;
                Some(answer) = answers.next(), if !answers.is_empty() => {
                    let Some(answer) = answer else { continue };
                    if let Err(why) = self.say(Message::text::<String>(answer)).await {
                        return why;
                    }
                }
                Ok(()) = orders.changed() => {
                    order = *orders.borrow_and_update();
                    until = Instant::now() + if order == Order::Stop { settings.handler_within } else { RETIRED };
                }
                () = sleep_until(until), if order != Order::Serve => {
                    if !answers.is_empty() {
                        warn!("a connection was closed while deliveries of Slack were being answered");
                    }
                    return self.close("another connection has taken its place").await;
                }
                _ = beat.tick() => {
                    // While nothing is read nothing can be heard.
                    if answers.len() >= AT_ONCE {
                        heard.pulse.spoke(Instant::now());
                    }
                    if let Some(why) = heard.pulse.judge(Instant::now(), way.pings.load(Ordering::Relaxed)) {
                        return why;
                    }
                    if let Err(why) = self.say(Message::Ping(Vec::new().into())).await {
                        return why;
                    }
                }
                frame = self.stream.next(), if order != Order::Stop && answers.len() < AT_ONCE => {
                    match heard.take(frame, Instant::now()) {
                        Heard::Nothing => {}
                        Heard::Ping => way.pings.store(true, Ordering::Relaxed),
                        Heard::Delivery { envelope, accepts_payload } => {
                            answers.push(desk.take(*envelope, accepts_payload));
                        }
                        // A keeper that is gone has told us to stop.
                        Heard::Ending(reason) => drop(news.send(Ending { reason })),
                        Heard::End(why) => return why,
                    }
                }
            }
        }
    }

    async fn say(&mut self, message: Message) -> Result<(), String> {
        match timeout(WRITE, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the connection broke: {}", said(&error))),
            Err(_) => Err("Slack takes nothing on it any more".to_owned()),
        }
    }

    async fn close(mut self, why: &str) -> String {
        // Slack's own close is the proof that it has read what was said before. Whoever is gone need not
        // be waited for long.
        let goodbye = async {
            if self.stream.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        drop(timeout(GOODBYE, goodbye).await);
        why.to_owned()
    }
}

/// What one frame means.
enum Heard {
    Nothing,
    /// Slack's own.
    Ping,
    Delivery {
        envelope: Box<Envelope>,
        accepts_payload: bool,
    },
    /// Slack will end the connection, for this reason.
    Ending(String),
    /// The connection is gone.
    End(String),
}

/// Listens on one connection.
struct Ear {
    pulse: Pulse,
    /// What Slack said when it announced the end.
    farewell: Option<String>,
}

impl Ear {
    fn take(&mut self, frame: Option<Result<Message, tungstenite::Error>>, now: Instant) -> Heard {
        match frame {
            Some(Ok(Message::Text(text))) => {
                self.pulse.spoke(now);
                self.read(&text)
            }
            Some(Ok(Message::Ping(_))) => {
                self.pulse.spoke(now);
                Heard::Ping
            }
            Some(Ok(Message::Pong(_))) => {
                self.pulse.answered(now);
                Heard::Nothing
            }
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                debug!("a frame from Slack that is no text");
                Heard::Nothing
            }
            Some(Ok(Message::Close(_))) | None => self.end("Slack closed the connection".to_owned()),
            Some(Err(error)) => self.end(format!("the connection broke: {}", said(&error))),
        }
    }

    fn read(&mut self, text: &str) -> Heard {
        match inbound::read(text) {
            Frame::Hello => Heard::Nothing,
            Frame::Envelope { envelope, accepts_payload } => Heard::Delivery { envelope, accepts_payload },
            Frame::Disconnect { reason } => {
                self.farewell = Some(farewell(&reason));
                Heard::Ending(reason)
            }
            Frame::Unreadable(why) => {
                warn!(frame.bytes = text.len(), "a frame from Slack cannot be read: {why}");
                Heard::Nothing
            }
        }
    }

    fn end(&mut self, why: String) -> Heard {
        Heard::End(self.farewell.take().unwrap_or(why))
    }
}

/// Slack's reason for ending a connection, in words.
pub(super) fn farewell(reason: &str) -> String {
    match reason {
        "warning" | "refresh_requested" => "Slack replaces its connections".to_owned(),
        "link_disabled" => {
            "socket mode is switched off in the app's settings; switch it on under “Socket Mode”".to_owned()
        }
        "too_many_websockets" => "the app has too many connections; is another Sym running?".to_owned(),
        reason => format!("Slack closed the connection: {reason}"),
    }
}

/// An error of the transport without what was sent and without addresses, which hold tickets.
fn said(error: &tungstenite::Error) -> String {
    use tungstenite::Error;
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "it was closed".to_owned(),
        Error::Io(error) => error.kind().to_string(),
        Error::Tls(_) => "TLS failed; is the certificate of Slack, or of a proxy, trusted here?".to_owned(),
        Error::Http(answer) => format!("Slack answered with HTTP {}", answer.status().as_u16()),
        Error::Capacity(_) => "a frame was too large".to_owned(),
        Error::Protocol(error) => error.to_string(),
        _ => "the transport failed".to_owned(),
    }
}
