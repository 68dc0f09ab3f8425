//! Socket mode: connections, envelopes, acknowledgements, and how they can go wrong.
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::upgrade::Upgraded;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::model::Ack;
use super::server::{self, Answer};
use super::{Slack, ids};

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// How long Slack waits for an acknowledgement.
const ACK_WINDOW: Duration = Duration::from_secs(3);
/// How often Slack pings.
const PING_EVERY: Duration = Duration::from_secs(10);
/// How long an envelope is held back for another to overtake it.
const HOLD: Duration = Duration::from_millis(150);

enum Out {
    Text(String),
    /// Sends nothing any more; `pongs` tells whether pings are still answered.
    Silence {
        pongs: bool,
    },
    Speak,
    /// A proper close.
    Close,
    /// The cable is cut.
    Abort,
}

struct Connection {
    id: u64,
    out: mpsc::UnboundedSender<Out>,
    /// Told to go: gets no more envelopes.
    leaving: bool,
}

struct Sent {
    at: Instant,
    accepts: bool,
    acked: bool,
    waiting: Option<oneshot::Sender<Value>>,
}

pub(super) struct Wires {
    connections: Vec<Connection>,
    next_id: u64,
    turn: usize,
    tickets: HashSet<String>,
    sent: HashMap<String, Sent>,
    refuse: bool,
    twice: bool,
    shuffle: bool,
    held: Option<String>,
    redeliveries: u32,
    window: Duration,
}

impl Default for Wires {
    fn default() -> Self {
        Wires {
            connections: Vec::new(),
            next_id: 0,
            turn: 0,
            tickets: HashSet::new(),
            sent: HashMap::new(),
            refuse: false,
            twice: false,
            shuffle: false,
            held: None,
            redeliveries: 0,
            window: ACK_WINDOW,
        }
    }
}

impl Wires {
    /// Sends on the next connection in turn. False if there is none.
    fn send(&mut self, text: &str) -> bool {
        let open: Vec<usize> = (0..self.connections.len())
            .filter(|at| !self.connections[*at].leaving && !self.connections[*at].out.is_closed())
            .collect();
        if open.is_empty() {
            return false;
        }
        self.turn = self.turn.wrapping_add(1);
        let at = open[self.turn % open.len()];
        self.connections[at]
            .out
            .send(Out::Text(text.to_owned()))
            .is_ok()
    }

    /// Sends as the faults have it: in order or not, once or twice.
    fn dispatch(&mut self, text: &str) -> bool {
        if self.shuffle {
            let Some(held) = self.held.take() else {
                self.held = Some(text.to_owned());
                return !self.connections.is_empty();
            };
            return self.send(text) && self.send(&held);
        }
        let sent = self.send(text);
        if sent && self.twice {
            self.send(text);
        }
        sent
    }

    fn tell_all(&mut self, out: impl Fn() -> Out) {
        // A connection that is gone has nothing to be told.
        self.connections
            .retain(|connection| connection.out.send(out()).is_ok());
    }
}

/// How an envelope fared.
pub(super) struct Delivery {
    pub(super) envelope_id: String,
    /// There was a connection to send it on.
    pub(super) sent: bool,
    /// The acknowledgement's payload, if one came in time.
    pub(super) ack: Option<Value>,
    pub(super) took: Duration,
}

impl Slack {
    /// Delivers an envelope and waits for the acknowledgement, at most the three seconds.
    pub(super) async fn deliver(&self, kind: &str, payload: &Value, accepts: bool) -> Delivery {
        let envelope_id = self.state().ids.envelope();
        let mut envelope = json!({
            "envelope_id": envelope_id, "type": kind, "payload": payload,
            "accepts_response_payload": accepts,
        });
        if kind == "events_api" {
            envelope["retry_attempt"] = json!(0);
            envelope["retry_reason"] = json!("");
        }
        let (waiting, acked) = oneshot::channel();
        let at = Instant::now();
        let (sent, window) = {
            let mut wires = self.wires();
            let entry = Sent {
                at,
                accepts,
                acked: false,
                waiting: Some(waiting),
            };
            wires.sent.insert(envelope_id.clone(), entry);
            (wires.dispatch(&envelope.to_string()), wires.window)
        };
        if !sent {
            return Delivery {
                envelope_id,
                sent,
                ack: None,
                took: Duration::ZERO,
            };
        }
        self.follow_up(envelope);
        let ack = tokio::time::timeout(window, acked)
            .await
            .ok()
            .and_then(Result::ok);
        Delivery {
            envelope_id,
            sent,
            ack,
            took: at.elapsed(),
        }
    }

    /// What is due on an envelope later: the release of a held one, the redelivery of an unanswered one.
    fn follow_up(&self, mut envelope: Value) {
        let (redeliveries, window, held) = {
            let wires = self.wires();
            (wires.redeliveries, wires.window, wires.held.is_some())
        };
        if held {
            let slack = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(HOLD).await;
                let mut wires = slack.wires();
                if let Some(text) = wires.held.take() {
                    wires.send(&text);
                }
            });
        }
        if redeliveries == 0 {
            return;
        }
        let slack = self.clone();
        tokio::spawn(async move {
            for attempt in 1..=redeliveries {
                tokio::time::sleep(window).await;
                let id = envelope["envelope_id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let mut wires = slack.wires();
                if wires.sent.get(&id).is_none_or(|sent| sent.acked) {
                    return;
                }
                envelope["retry_attempt"] = json!(attempt);
                envelope["retry_reason"] = json!("timeout");
                wires.send(&envelope.to_string());
            }
        });
    }

    /// Sends a frame as it is, on the next connection. False if there is none.
    pub fn send_envelope(&self, envelope: &Value) -> bool {
        self.send_raw(&envelope.to_string())
    }

    /// Sends a text frame as it is, JSON or not, on the next connection. False if there is none.
    pub fn send_raw(&self, text: &str) -> bool {
        let id = serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|frame| frame["envelope_id"].as_str().map(str::to_owned));
        let mut wires = self.wires();
        if let Some(id) = id {
            let entry = Sent {
                at: Instant::now(),
                accepts: true,
                acked: false,
                waiting: None,
            };
            wires.sent.entry(id).or_insert(entry);
        }
        wires.send(text)
    }

    /// How many connections the bot has open.
    pub fn connections(&self) -> usize {
        self.wires().connections.len()
    }

    /// All connections stay open and say nothing any more, not even pongs. New ones are healthy.
    pub fn silence(&self) {
        self.wires().tell_all(|| Out::Silence { pongs: false });
    }

    /// All connections stay open and answer pings, and deliver nothing. New ones are healthy.
    pub fn silence_but_pong(&self) {
        self.wires().tell_all(|| Out::Silence { pongs: true });
    }

    /// Silent connections speak again.
    pub fn speak(&self) {
        self.wires().tell_all(|| Out::Speak);
    }

    /// Sends a `disconnect` frame on all connections. After a `warning` they stay; after any other
    /// reason (`refresh_requested`, `link_disabled`) they close.
    pub fn disconnect_all(&self, reason: &str) {
        let frame = json!({
            "type": "disconnect", "reason": reason, "debug_info": { "host": "applink-sandbox-1" },
        });
        let mut wires = self.wires();
        wires.tell_all(|| Out::Text(frame.to_string()));
        if reason != "warning" {
            wires.tell_all(|| Out::Close);
            for connection in &mut wires.connections {
                connection.leaving = true;
            }
        }
    }

    /// Cuts all connections without a word.
    pub fn break_connections(&self) {
        self.wires().tell_all(|| Out::Abort);
    }

    /// Refuses new connections with HTTP 503, or accepts them again.
    pub fn refuse_connections(&self, refuse: bool) {
        self.wires().refuse = refuse;
    }

    /// Delivers each envelope twice, on two connections if there are.
    pub fn deliver_twice(&self, twice: bool) {
        self.wires().twice = twice;
    }

    /// Swaps each two envelopes; a lone one is late by 150 ms.
    pub fn out_of_order(&self, shuffle: bool) {
        self.wires().shuffle = shuffle;
    }

    /// Sends an unacknowledged envelope again, so many times, each after the window has passed.
    pub fn redeliver(&self, times: u32) {
        self.wires().redeliveries = times;
    }

    /// How long to wait for an acknowledgement: 3 s unless a test is in a hurry.
    pub fn ack_window(&self, window: Duration) {
        self.wires().window = window;
    }

    /// A one-time address for a connection.
    pub(super) fn ticket(&self) -> String {
        let ticket = self.state().ids.secret("ticket");
        self.wires().tickets.insert(ticket.clone());
        format!(
            "ws://{}/link/?ticket={ticket}&app_id={}",
            self.hub.addr,
            ids::APP
        )
    }

    /// Takes an acknowledgement in.
    fn receive(&self, text: &str) {
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            return self.note_unexpected(format!("socket: not JSON: {text}"));
        };
        let Some(id) = frame["envelope_id"].as_str() else {
            return self.note_unexpected(format!("socket: no envelope_id: {text}"));
        };
        let payload = frame["payload"].clone();
        let (took, complaint) = {
            let mut wires = self.wires();
            let Some(sent) = wires.sent.get_mut(id) else {
                drop(wires);
                return self.note_unexpected(format!("socket: unknown envelope {id}"));
            };
            let full = payload
                .as_object()
                .is_some_and(|payload| !payload.is_empty());
            let complaint =
                (full && !sent.accepts).then(|| format!("socket: payload not accepted for {id}"));
            sent.acked = true;
            if let Some(waiting) = sent.waiting.take() {
                // The person may have stopped waiting: then nobody reads it.
                drop(waiting.send(payload.clone()));
            }
            (sent.at.elapsed(), complaint)
        };
        let at = self.now();
        let mut state = self.state();
        state.unexpected.extend(complaint);
        if state.keep_calls {
            state.acks.push(Ack {
                envelope_id: id.to_owned(),
                payload,
                at,
                took,
            });
        }
    }

    fn join(&self) -> (u64, usize, mpsc::UnboundedReceiver<Out>) {
        let (out, rx) = mpsc::unbounded_channel();
        let mut wires = self.wires();
        wires.next_id += 1;
        let id = wires.next_id;
        wires.connections.push(Connection {
            id,
            out,
            leaving: false,
        });
        (id, wires.connections.len(), rx)
    }

    fn leave(&self, id: u64) {
        self.wires()
            .connections
            .retain(|connection| connection.id != id);
    }
}

/// Answers the request for a socket.
pub(super) fn upgrade(slack: Slack, mut request: Request<Incoming>) -> Answer {
    let refuse = |status, why: &'static str| server::answer(status, "text/plain", why);
    let query = server::form(request.uri().query().unwrap_or_default().as_bytes());
    let ticket = query
        .get("ticket")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if slack.cut_happened() || slack.wires().refuse {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "refused");
    }
    if !slack.wires().tickets.remove(ticket) {
        return refuse(StatusCode::UNAUTHORIZED, "the ticket is unknown or used");
    }
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        return refuse(StatusCode::BAD_REQUEST, "not a websocket");
    };
    let accept = derive_accept_key(key.as_bytes());
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let io = TokioIo::new(upgraded);
        serve(
            slack,
            WebSocketStream::from_raw_socket(io, Role::Server, None).await,
        )
        .await;
    });
    let switched = hyper::Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .body(Full::new(Bytes::new()));
    switched
        .unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "no answer could be made"))
}

async fn serve(slack: Slack, socket: Socket) {
    let (id, count, mut rx) = slack.join();
    let (mut sink, mut stream) = socket.split();
    let hello = json!({
        "type": "hello",
        "num_connections": count,
        "debug_info": {
            "host": "applink-sandbox-1", "build_number": 1, "approximate_connection_time": 18060,
        },
        "connection_info": { "app_id": ids::APP },
    });
    if sink.send(Frame::text(hello.to_string())).await.is_ok() {
        talk(&slack, &mut sink, &mut stream, &mut rx).await;
    }
    slack.leave(id);
}

/// Speaks and listens until one side has had enough.
async fn talk(
    slack: &Slack,
    sink: &mut SplitSink<Socket, Frame>,
    stream: &mut SplitStream<Socket>,
    rx: &mut mpsc::UnboundedReceiver<Out>,
) {
    let mut stop = slack.hub.stop.clone();
    let mut ping = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let (mut mute, mut deaf) = (false, false);
    loop {
        tokio::select! {
            biased;
            _ = stop.changed() => return,
            out = rx.recv() => match out {
                Some(Out::Text(_)) if mute => {}
                Some(Out::Text(text)) => if sink.send(Frame::text(text)).await.is_err() { return },
                Some(Out::Silence { pongs }) => (mute, deaf) = (true, !pongs),
                Some(Out::Speak) => (mute, deaf) = (false, false),
                Some(Out::Close) => {
                    // The other side may be gone already, and then it is closed.
                    drop(sink.send(Frame::Close(None)).await);
                }
                Some(Out::Abort) | None => return,
            },
            // Not reading is what makes a silent connection not even answer pings.
            frame = stream.next(), if !deaf => match frame {
                Some(Ok(Frame::Text(text))) => slack.receive(text.as_str()),
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            _ = ping.tick(), if !mute => {
                let beat = Bytes::from_static(b"Ping from applink-sandbox-1");
                if sink.send(Frame::Ping(beat)).await.is_err() { return }
            }
        }
    }
}
