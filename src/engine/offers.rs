//! What is to be done although the index of what is due does not show it: it was written for a time
//! that is further away than any pause, before the clock was put back. It is found by looking at every
//! row that waits, and offered until it has been taken in hand.

use super::Engine;
use crate::access::Timestamp;
use crate::store::{Due, StoreError};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A clock that goes back by less is being kept right.
const CLOCKS_DIFFER_MS: i64 = 1_000;

/// What is offered, and when the clock was last looked at.
#[derive(Default)]
pub(super) struct Offers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// None before the first look of a run: the clock may have been put back while the bot was down.
    looked_at: Option<Timestamp>,
    offered: BTreeSet<Due>,
}

impl Offers {
    /// Offers it, or offers it again because it could not be taken in hand.
    pub(super) fn add(&self, what: Due) {
        self.state().offered.insert(what);
    }

    fn take(&self) -> BTreeSet<Due> {
        std::mem::take(&mut self.state().offered)
    }

    /// Whether the rows are to be looked at: in the first look of a run, and when the clock was put back.
    fn must_look(&self, now: Timestamp) -> bool {
        let Some(before) = self.state().looked_at.replace(now) else { return true };
        let back = before.since(now).as_millis();
        if back > CLOCKS_DIFFER_MS {
            tracing::warn!(by_ms = back, "the clock was put back");
        }
        back > CLOCKS_DIFFER_MS
    }

    /// The rows could not be looked at.
    fn look_again(&self) {
        self.state().looked_at = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// What is offered now. Where the rows are to be looked at, that is done beside everything else, and
    /// what it finds is offered next.
    pub(super) fn offered(&self, now: Timestamp) -> BTreeSet<Due> {
        if self.shared.offers.must_look(now) {
            let engine = self.clone();
            self.spawn(async move {
                let reader = engine.clone();
                match tokio::task::spawn_blocking(move || reader.put_off()).await {
                    Ok(Ok(found)) => engine.shared.offers.state().offered.extend(found),
                    Ok(Err(error)) => {
                        engine.store_failed(&error);
                        engine.shared.offers.look_again();
                    }
                    Err(_) => engine.shared.offers.look_again(),
                }
                engine.wake();
            });
        }
        self.shared.offers.take()
    }

    /// What waits for a time that is further away than any pause.
    fn put_off(&self) -> Result<Vec<Due>, StoreError> {
        let store = &self.shared.store;
        let now = self.now();
        let mut found = Vec::new();
        // What is due in any case is not read.
        for entry in store.owed(Some(now)) {
            let (_, what) = entry?;
            // A row that cannot be read makes trouble in its own time.
            let is_owed = match &what {
                Due::Request(id) => {
                    matches!(store.request(id), Ok(Some(request)) if request.owed(now).is_some())
                }
                Due::Entitlement(id) => {
                    matches!(store.entitlement(id), Ok(Some(held)) if held.owed(now).is_some())
                }
            };
            if is_owed {
                found.push(what);
            }
        }
        Ok(found)
    }
}
