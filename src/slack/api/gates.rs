//! What Slack has asked us not to do for a while, by method and, where it counts by them, by channel.
//!
//! A call that Slack would refuse is not made: one refusal closes the gate for everybody. Posts to one
//! channel go one after the other, so that the second one knows what became of the first.

use super::SlackError;
use crate::access::{Span, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Milliseconds since the epoch.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// More lines than channels that a bot talks to in an hour.
const MOST: usize = 10_000;

pub(super) struct Gates {
    now: Now,
    gates: Mutex<HashMap<(&'static str, String), Arc<Gate>>>,
}

/// The gate of one method, or of one method in one channel.
#[derive(Default)]
pub(super) struct Gate {
    closed: Mutex<Option<Closed>>,
    turn: tokio::sync::Mutex<()>,
}

/// For how long. Before it began is after a clock was put back, which makes no wait longer.
#[derive(Clone, Copy)]
struct Closed {
    since: Timestamp,
    until: Timestamp,
}

impl Closed {
    /// What is left of it.
    fn rest(&self, now: Timestamp) -> Option<Span> {
        (self.since <= now && now < self.until).then(|| self.until.since(now))
    }
}

impl Gates {
    pub(super) fn new(now: Now) -> Self {
        Self { now, gates: Mutex::default() }
    }

    /// The gate of a method; `channel` is empty where Slack does not count by channel.
    pub(super) fn of(&self, method: &'static str, channel: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= MOST {
            let now = self.now();
            gates.retain(|_, gate| {
                Arc::strong_count(gate) > 1 || gate.lock().is_some_and(|closed| closed.rest(now).is_some())
            });
        }
        Arc::clone(gates.entry((method, channel.to_owned())).or_default())
    }

    /// Refuses where Slack would.
    pub(super) fn check(&self, gate: &Gate, method: &'static str) -> Result<(), SlackError> {
        let mut closed = gate.lock();
        let Some(rest) = closed.and_then(|closed| closed.rest(self.now())) else {
            *closed = None;
            return Ok(());
        };
        let rest = Duration::from_millis(u64::try_from(rest.as_millis()).unwrap_or(0));
        Err(SlackError::RateLimited { method, retry_after: rest })
    }

    /// Slack has asked to wait.
    pub(super) fn close(&self, gate: &Gate, wait: Duration) {
        let wait = Span::millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        let since = self.now();
        *gate.lock() = Some(Closed { since, until: since + wait });
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis((self.now)())
    }
}

impl Gate {
    /// Returns when it is this call's turn, which lasts as long as what is returned.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    fn lock(&self) -> MutexGuard<'_, Option<Closed>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
