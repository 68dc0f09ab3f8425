//! Pieces of work that run beside each other, counted, so that one can wait until none is left.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The work in hand.
#[derive(Default)]
pub(super) struct Tasks {
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    running: AtomicUsize,
    ended: Notify,
}

/// Counts down also when the work panics.
struct Running(Arc<Count>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.ended.notify_waiters();
    }
}

impl Tasks {
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(&self, work: F) {
        self.count.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(Arc::clone(&self.count));
        tokio::spawn(async move {
            work.await;
            drop(running);
        });
    }

    /// How many run.
    pub(super) fn running(&self) -> usize {
        self.count.running.load(Ordering::SeqCst)
    }

    /// Returns when one has ended. Interest is registered at once, so that whoever looks afterwards
    /// cannot miss the last one.
    pub(super) fn one_ends(&self) -> Notified<'_> {
        self.count.ended.notified()
    }

    /// Returns when nothing runs.
    pub(super) async fn idle(&self) {
        loop {
            let ended = self.one_ends();
            if self.running() == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// Things that are being worked on: each at most once at a time.
#[derive(Debug)]
pub(super) struct Busy<T> {
    set: Arc<Mutex<HashSet<T>>>,
}

impl<T> Default for Busy<T> {
    fn default() -> Self {
        Self { set: Arc::default() }
    }
}

/// Gives the thing free again when dropped.
pub(super) struct Held<T: Eq + Hash> {
    set: Arc<Mutex<HashSet<T>>>,
    thing: T,
}

impl<T: Eq + Hash> Drop for Held<T> {
    fn drop(&mut self) {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.thing);
    }
}

impl<T: Eq + Hash + Clone> Busy<T> {
    /// Takes the thing, unless it is taken.
    pub(super) fn hold(&self, thing: &T) -> Option<Held<T>> {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        set.insert(thing.clone()).then(|| Held { set: Arc::clone(&self.set), thing: thing.clone() })
    }

    /// Whether it is taken.
    pub(super) fn has(&self, thing: &T) -> bool {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).contains(thing)
    }

    pub(super) fn len(&self) -> usize {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
