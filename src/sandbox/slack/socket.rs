//! Socket mode: connections, envelopes, acknowledgements, and how they can go wrong.
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::model::Ack;
use super::{Slack, ids};

mod controls;
mod wire;

pub(super) use wire::upgrade;

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
    /// Silent, or told that its end will come.
    doomed: bool,
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
        self.connections[at].out.send(Out::Text(text.to_owned())).is_ok()
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

    /// Long runs do not keep every envelope: one that is a minute old is done with.
    fn forget(&mut self) {
        if self.sent.len() > 8192 {
            self.sent.retain(|_, sent| sent.at.elapsed() < Duration::from_mins(1));
        }
    }

    /// The same, and from now on they can be let go.
    fn doom_all(&mut self, out: impl Fn() -> Out) {
        self.tell_all(out);
        for connection in &mut self.connections {
            connection.doomed = true;
        }
    }

    fn tell_all(&mut self, out: impl Fn() -> Out) {
        // A connection that is gone has nothing to be told.
        self.connections.retain(|connection| connection.out.send(out()).is_ok());
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
            wires.forget();
            let entry = Sent { at, accepts, acked: false, waiting: Some(waiting) };
            wires.sent.insert(envelope_id.clone(), entry);
            (wires.dispatch(&envelope.to_string()), wires.window)
        };
        if !sent {
            return Delivery { envelope_id, sent, ack: None, took: Duration::ZERO };
        }
        self.follow_up(envelope);
        let ack = tokio::time::timeout(window, acked).await.ok().and_then(Result::ok);
        Delivery { envelope_id, sent, ack, took: at.elapsed() }
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
                let id = envelope["envelope_id"].as_str().unwrap_or_default().to_owned();
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

    /// A one-time address for a connection.
    pub(super) fn ticket(&self) -> String {
        let ticket = self.state().ids.secret("ticket");
        self.wires().tickets.insert(ticket.clone());
        format!("ws://{}/link/?ticket={ticket}&app_id={}", self.hub.addr, ids::APP)
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
            let full = payload.as_object().is_some_and(|payload| !payload.is_empty());
            let complaint = (full && !sent.accepts).then(|| format!("socket: payload not accepted for {id}"));
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
            state.acks.push(Ack { envelope_id: id.to_owned(), payload, at, took });
        }
        drop(state);
        self.touch();
    }

    fn join(&self) -> (u64, usize, mpsc::UnboundedReceiver<Out>) {
        let (out, rx) = mpsc::unbounded_channel();
        let mut wires = self.wires();
        wires.next_id += 1;
        let id = wires.next_id;
        wires.connections.push(Connection { id, out, leaving: false, doomed: false });
        let count = wires.connections.len();
        drop(wires);
        self.touch();
        (id, count, rx)
    }

    fn leave(&self, id: u64) {
        self.wires().connections.retain(|connection| connection.id != id);
        self.touch();
    }
}
