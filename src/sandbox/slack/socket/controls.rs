//! How a test misuses the socket.
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Out, Sent};
use crate::sandbox::slack::Slack;

impl Slack {
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
            let entry = Sent { at: Instant::now(), accepts: true, acked: false, waiting: None };
            wires.sent.entry(id).or_insert(entry);
        }
        wires.send(text)
    }

    /// How many connections take envelopes: those that are open and have not been told to go.
    pub fn connections(&self) -> usize {
        self.wires().connections.iter().filter(|connection| !connection.leaving).count()
    }

    /// How many of the envelopes that were sent have not been acknowledged.
    pub fn unanswered(&self) -> usize {
        self.wires().sent.values().filter(|sent| !sent.acked).count()
    }

    /// All connections stay open and say nothing any more, not even pongs. New ones are healthy.
    pub fn silence(&self) {
        self.wires().doom_all(|| Out::Silence { pongs: false });
    }

    /// All connections stay open and answer pings, and deliver nothing. New ones are healthy.
    pub fn silence_but_pong(&self) {
        self.wires().doom_all(|| Out::Silence { pongs: true });
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
        wires.doom_all(|| Out::Text(frame.to_string()));
        if reason != "warning" {
            wires.tell_all(|| Out::Close);
            for connection in &mut wires.connections {
                connection.leaving = true;
            }
        }
    }

    /// Slack lets go of the connections that are silent, and of those whose end it has announced.
    pub fn forget_connections(&self) {
        for connection in self.wires().connections.iter_mut().filter(|connection| connection.doomed) {
            connection.leaving = true;
            // One that is gone has nothing to be told.
            drop(connection.out.send(Out::Abort));
        }
    }

    /// Cuts all connections without a word.
    pub fn break_connections(&self) {
        let mut wires = self.wires();
        wires.tell_all(|| Out::Abort);
        for connection in &mut wires.connections {
            connection.leaving = true;
        }
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
}
