//! What was asked of the simulated AWS, for assertions.
use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::wire::Service;

/// How a call ended, seen from AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out and answered.
    Done,
    /// It was answered with this error code; nothing was changed.
    Failed(String),
    /// The connection was dropped before anything was done.
    Dropped,
    /// It was carried out (or refused, with this code), and the answer was lost.
    Lost(Option<String>),
    /// It was never answered, nothing was done.
    Hung,
}

/// One call, in the order of arrival.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The service.
    pub service: Service,
    /// The operation, such as `CreateAccountAssignment`.
    pub operation: String,
    /// When, in milliseconds on the clock the simulation was started with.
    pub at: i64,
    /// The access key it was signed with; empty when unsigned.
    pub access_key: String,
    /// ARN of whoever the key belongs to; empty when the key is unknown.
    pub caller: String,
    /// ARN of the role, when the key belongs to a role session.
    pub role: Option<String>,
    /// Name of the role session.
    pub session_name: Option<String>,
    /// `SourceIdentity` of the role session.
    pub source_identity: Option<String>,
    /// The operation changes something in AWS.
    pub write: bool,
    /// The members of the request.
    pub input: Map<String, Value>,
    /// How it ended.
    pub outcome: Outcome,
}

#[derive(Debug)]
pub(super) struct Log {
    pub(super) keep: bool,
    pub(super) calls: Vec<Call>,
    pub(super) unexpected: Vec<String>,
    pub(super) total: u64,
    last_second: VecDeque<i64>,
    pub(super) busiest_second: usize,
    sso_last_second: VecDeque<i64>,
    pub(super) busiest_sso_second: usize,
    sso_admitted: VecDeque<i64>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            keep: true,
            calls: Vec::new(),
            unexpected: Vec::new(),
            total: 0,
            last_second: VecDeque::new(),
            busiest_second: 0,
            sso_last_second: VecDeque::new(),
            busiest_sso_second: 0,
            sso_admitted: VecDeque::new(),
        }
    }
}

impl Log {
    /// Counts a call.
    pub(super) fn count(&mut self, service: Service, now: i64) {
        self.total += 1;
        self.busiest_second = self.busiest_second.max(tick(&mut self.last_second, now));
        if matches!(service, Service::SsoAdmin | Service::IdentityStore) {
            let rate = tick(&mut self.sso_last_second, now);
            self.busiest_sso_second = self.busiest_sso_second.max(rate);
        }
    }

    /// May Identity Center take one more call now? Calls that were refused do not count.
    pub(super) fn sso_admits(&mut self, now: i64, most: usize) -> bool {
        forget(&mut self.sso_admitted, now);
        let admitted = self.sso_admitted.len() < most;
        if admitted {
            self.sso_admitted.push_back(now);
        }
        admitted
    }

    /// Forgets the calls and the counters, but not the calls of the last second: a quota does not
    /// care who is looking.
    pub(super) fn clear(&mut self) {
        self.calls.clear();
        self.total = 0;
        self.busiest_second = 0;
        self.busiest_sso_second = 0;
    }
}

fn tick(window: &mut VecDeque<i64>, now: i64) -> usize {
    forget(window, now);
    window.push_back(now);
    window.len()
}

/// Forgets what is a second old, or in the future of a clock that was turned back.
fn forget(window: &mut VecDeque<i64>, now: i64) {
    while window.front().is_some_and(|&at| at <= now - 1000 || at > now) {
        window.pop_front();
    }
}
