//! Pieces of work that run beside each other, counted, so that one can wait until none is left.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The work in hand.
#[derive(Default)]
pub(super) struct Tasks {
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    running: AtomicUsize,
    idle: Notify,
}

/// Counts down also when the work panics.
struct Running(Arc<Count>);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
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

    pub(super) fn is_idle(&self) -> bool {
        self.count.running.load(Ordering::SeqCst) == 0
    }

    /// Returns when nothing runs.
    pub(super) async fn idle(&self) {
        loop {
            // Interest is registered before looking, so that the last one to end cannot be missed.
            let idle = self.count.idle.notified();
            if self.is_idle() {
                return;
            }
            idle.await;
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

    pub(super) fn len(&self) -> usize {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
