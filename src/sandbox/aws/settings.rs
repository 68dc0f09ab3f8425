//! How the simulation behaves, faults aside.
use std::collections::BTreeSet;

/// What can be switched on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Switch {
    InFlightLimit,
    RateLimit,
    StrictAccountLanes,
    AbsentDeleteSucceeds,
    OrphanDeletesFail,
    EmptyFirstPages,
}

/// How the simulation behaves, faults aside.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    on: BTreeSet<Switch>,
    pub(super) page_size: Option<usize>,
    pub(super) latency_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { on: BTreeSet::from([Switch::InFlightLimit]), page_size: None, latency_ms: 0 }
    }
}

impl Settings {
    pub(super) fn is_on(&self, switch: Switch) -> bool {
        self.on.contains(&switch)
    }

    pub(super) fn turn(&mut self, switch: Switch, on: bool) {
        if on {
            self.on.insert(switch);
        } else {
            self.on.remove(&switch);
        }
    }
}
