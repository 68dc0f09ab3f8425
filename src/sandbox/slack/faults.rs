//! How the workspace can be told to misbehave towards the Web API.
use std::sync::Arc;
use std::time::Duration;

use super::Slack;

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// HTTP 429 with `Retry-After` in seconds; the call has no effect.
    RateLimit {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// HTTP 503 with a page instead of JSON; the call has no effect.
    ServerError,
    /// No answer until the faults are cleared, and then the connection closes; no effect.
    Hang,
    /// The connection closes before the call has any effect.
    DropBefore,
    /// The call takes effect, and the connection closes instead of an answer.
    LoseReply,
    /// Slack's own error code; the call has no effect.
    Error(String),
    /// The answer is right, and late.
    Delay(Duration),
}

/// Which calls a fault meets, counted from when it is set.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// All of them, until cleared.
    Always,
    /// The next so many.
    Next(u32),
    /// Only the n-th; 1 is the next.
    Nth(u32),
}

/// On which side of a call's effect the world ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The call is never seen.
    Before,
    /// The call takes effect and the answer is lost.
    After,
}

/// What a gate says about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Let it through.
    Pass,
    /// As `Fault::DropBefore`.
    DropBefore,
    /// As `Fault::LoseReply`.
    DropAfter,
}

type Gatekeeper = Arc<dyn Fn(&str) -> Gate + Send + Sync>;

struct Rule {
    method: String,
    when: When,
    fault: Fault,
}

#[derive(Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    cut: Option<(u32, Cut)>,
    gone: bool,
    gate: Option<Gatekeeper>,
    latency: Duration,
}

/// What happens to one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    pub(super) delay: Duration,
    pub(super) fault: Option<Fault>,
    /// The world ends with this call.
    pub(super) last: bool,
}

impl Faults {
    /// Decides about the next call, and counts it.
    fn fate(&mut self, method: &str) -> Fate {
        if self.gone {
            return Fate { fault: Some(Fault::DropBefore), ..Fate::default() };
        }
        if let Some((left, side)) = &mut self.cut {
            *left = left.saturating_sub(1);
            if *left == 0 {
                let fault = match side {
                    Cut::Before => Fault::DropBefore,
                    Cut::After => Fault::LoseReply,
                };
                self.gone = true;
                self.cut = None;
                return Fate { fault: Some(fault), last: true, delay: self.latency };
            }
        }
        let fault = self.rule(method);
        Fate { fault, delay: self.latency, last: false }
    }

    fn rule(&mut self, method: &str) -> Option<Fault> {
        let mut found = None;
        for rule in &mut self.rules {
            if rule.method != "*" && rule.method != method {
                continue;
            }
            let hit = match &mut rule.when {
                When::Always => true,
                When::Next(0) | When::Nth(0) => false,
                When::Next(left) => {
                    *left -= u32::from(found.is_none());
                    true
                }
                When::Nth(left) => {
                    *left -= 1;
                    *left == 0
                }
            };
            if hit && found.is_none() {
                found = Some(rule.fault.clone());
            }
        }
        self.rules.retain(|rule| !matches!(rule.when, When::Next(0) | When::Nth(0)));
        found
    }
}

impl Slack {
    /// Makes calls of a method (`"*"` is every method, `response_url` a post to one) go wrong.
    pub fn fault(&self, method: &str, when: When, fault: Fault) {
        self.faults().rules.push(Rule { method: method.to_owned(), when, fault });
    }

    /// Forgets all faults and releases the calls that hang.
    pub fn clear_faults(&self) {
        self.faults().rules.clear();
        self.hub.released.notify_waiters();
    }

    /// Ends the world at the n-th call from now (1 is the next): that call is dropped before or after
    /// it takes effect, the sockets break, and everything is refused until [`Slack::restore`].
    pub fn cut_at(&self, n: u32, side: Cut) {
        let mut faults = self.faults();
        faults.cut = (n > 0).then_some((n, side));
        faults.gone = false;
    }

    /// Whether the cut was reached.
    pub fn cut_happened(&self) -> bool {
        self.faults().gone
    }

    /// Ends the world now.
    pub fn cut_now(&self) {
        self.faults().gone = true;
        self.hub.released.notify_waiters();
        self.break_connections();
    }

    /// Takes back a cut.
    pub fn restore(&self) {
        let mut faults = self.faults();
        faults.gone = false;
        faults.cut = None;
    }

    /// Asks a closure about every call: for a cut counted over several simulated worlds.
    pub fn set_gate(&self, gate: Arc<dyn Fn(&str) -> Gate + Send + Sync>) {
        self.faults().gate = Some(gate);
    }

    /// Makes every call take at least this long, in real time.
    pub fn latency(&self, millis: u64) {
        self.faults().latency = Duration::from_millis(millis);
    }

    pub(super) fn fate(&self, method: &str) -> Fate {
        let gate = self.faults().gate.clone();
        // Asked outside the lock: the gate may be anything, even something that asks us.
        let said = gate.map_or(Gate::Pass, |gate| gate(method));
        let mut fate = self.faults().fate(method);
        match said {
            Gate::Pass => {}
            Gate::DropBefore => fate.fault = Some(Fault::DropBefore),
            Gate::DropAfter => fate.fault = fate.fault.or(Some(Fault::LoseReply)),
        }
        if fate.last {
            self.hub.released.notify_waiters();
            self.break_connections();
        }
        fate
    }
}
