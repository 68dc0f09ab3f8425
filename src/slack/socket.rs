//! The socket-mode connections: Slack delivers, we answer.
//!
//! A [`keeper`] keeps each of a few places connected. A [`link`] is one web socket: it reads, answers
//! each delivery as soon as its handler is done, however many are in hand, and watches its [`pulse`],
//! so that one that is deaf is given up. The [`desk`] runs the handler, deliveries about one thing in
//! their order ([`turns`]). What was acknowledged is remembered by [`seen`], so that a second delivery
//! gets the first one's acknowledgement.

use crate::slack::api::SlackError;
use crate::slack::inbound::Envelope;
use desk::Desk;
use keeper::{Board, Keeper};
use link::Way;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

mod desk;
mod keeper;
mod link;
mod pulse;
mod seen;
mod turns;

/// Half of the ten that Slack allows for an app: each can be replaced before it goes.
const MOST_CONNECTIONS: u32 = 5;

/// How to listen.
#[derive(Clone)]
pub struct Settings {
    /// The Web API without a slash at the end: `https://slack.com/api`.
    pub api_url: String,
    /// `xapp-…`, with the scope `connections:write`.
    pub app_token: String,
    /// How many connections to hold: with several, one that is lost leaves no gap.
    pub connections: u32,
    /// How often each connection is tested.
    pub ping_every: Duration,
    /// After how many unanswered tests a connection is given up.
    pub missed_pongs: u32,
    /// A connection that answers, but on which Slack itself has sent nothing for so long, is given up.
    /// Slack pings every ten seconds.
    pub quiet: Duration,
    /// How long a connection may take until Slack says hello.
    pub hello_within: Duration,
    /// How long a handler may take before its acknowledgement would come too late for Slack.
    pub handler_within: Duration,
}

impl Settings {
    /// Slack itself, over two connections.
    pub fn new(app_token: impl Into<String>) -> Self {
        Self {
            api_url: "https://slack.com/api".to_owned(),
            app_token: app_token.into(),
            connections: 2,
            ping_every: Duration::from_secs(5),
            missed_pongs: 3,
            quiet: Duration::from_secs(40),
            hello_within: Duration::from_secs(10),
            handler_within: Duration::from_millis(2500),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Settings");
        shown.field("api_url", &self.api_url).field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// Decides what to answer. It runs in a task of its own: it may panic, and when it is late, what it
/// says is kept for the next delivery.
pub type Handler = Arc<dyn Fn(Envelope) -> Pin<Box<dyn Future<Output = Ack> + Send>> + Send + Sync>;

/// What Slack is told about a delivery.
#[derive(Clone, PartialEq)]
pub enum Ack {
    /// It has arrived. Closes the modal, when it is a submission.
    Empty,
    /// The modal stays, with these complaints below its blocks.
    Errors(BTreeMap<String, String>),
    /// `options` or `option_groups` of a select; a list is taken to be options.
    Options(Value),
    /// The modal shows another view. Keep it small: Slack drops large ones without a word.
    Update(Value),
    /// All modals close.
    Clear,
    /// The answer to a command, shown to the person alone.
    Message(Value),
    /// Nothing is said; Slack delivers again, or tells the person that it did not work.
    NotAcked,
}

/// What people wrote stays out of logs.
impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Errors(_) => "Errors",
            Self::Options(_) => "Options",
            Self::Update(_) => "Update",
            Self::Clear => "Clear",
            Self::Message(_) => "Message",
            Self::NotAcked => "NotAcked",
        })
    }
}

impl Ack {
    /// The payload of the acknowledgement.
    fn payload(self) -> Option<Value> {
        Some(match self {
            Self::Empty | Self::NotAcked => return None,
            Self::Errors(errors) => {
                let errors: Map<_, _> =
                    errors.into_iter().map(|(block, text)| (block, text.into())).collect();
                json!({ "response_action": "errors", "errors": errors })
            }
            Self::Options(options) if options.is_array() => json!({ "options": options }),
            Self::Options(options) => options,
            Self::Update(view) => json!({ "response_action": "update", "view": view }),
            Self::Clear => json!({ "response_action": "clear" }),
            Self::Message(mut message) => {
                if let Some(fields) = message.as_object_mut() {
                    fields.entry("response_type").or_insert_with(|| "ephemeral".into());
                }
                message
            }
        })
    }
}

/// Whether Slack reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketState {
    /// No connection yet, or between two.
    Connecting,
    /// Slack delivers.
    Live {
        /// On so many connections.
        connections: u32,
    },
    /// Slack does not deliver, and the last attempt failed.
    Down {
        /// In words, for operators.
        why: String,
    },
}

/// The running connections. To be [stopped](Socket::stop): dropped, the connections stay open for as
/// long as they happen to last.
pub struct Socket {
    stop: watch::Sender<bool>,
    keepers: Vec<JoinHandle<()>>,
}

impl Socket {
    /// Opens the connections and keeps them open. Returns when Slack has accepted the token, not when
    /// it delivers: `state` tells that.
    ///
    /// # Errors
    /// When Slack refuses the token, or this machine cannot speak TLS. When Slack cannot be reached,
    /// it is tried again for ever.
    pub async fn start(
        settings: Settings,
        handler: Handler,
        state: watch::Sender<SocketState>,
    ) -> Result<Self, SlackError> {
        state.send_replace(SocketState::Connecting);
        let desk = Arc::new(Desk::new(handler, settings.handler_within));
        let connections = settings.connections.clamp(1, MOST_CONNECTIONS);
        let way = Arc::new(Way::new(settings)?);
        let board = Arc::new(Board::new(state));
        let mut url = match way.ask().await {
            Ok(url) => Some(url),
            Err(error) if error.is_transient() => {
                board.fail(error.to_string());
                None
            }
            Err(error) => return Err(error),
        };
        let (stop, stopped) = watch::channel(false);
        let keepers = (0..connections)
            .map(|place| Keeper::new(place, &way, &desk, &board, stopped.clone()).spawn(url.take()))
            .collect();
        Ok(Self { stop, keepers })
    }

    /// Takes no more deliveries, lets the running handlers finish and be acknowledged, and closes.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for keeper in self.keepers {
            // A keeper that panicked has nothing left to do either.
            drop(keeper.await);
        }
    }
}

/// The acknowledgement frame.
fn frame(envelope_id: &str, payload: Option<Value>) -> String {
    let mut frame = Map::new();
    frame.insert("envelope_id".to_owned(), envelope_id.into());
    if let Some(payload) = payload {
        frame.insert("payload".to_owned(), payload);
    }
    Value::Object(frame).to_string()
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;
