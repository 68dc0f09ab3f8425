//! Deliveries about one thing are handled in the order in which they were read, whatever else is
//! handled beside them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The last one in each line.
#[derive(Default)]
pub(super) struct Turns(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    last: HashMap<String, (u64, watch::Receiver<()>)>,
    next: u64,
}

/// A place in a line. Dropped, the next one's turn has come.
pub(super) struct Turn {
    turns: Arc<Turns>,
    thing: String,
    number: u64,
    before: Option<watch::Receiver<()>>,
    /// Its end is what the next one waits for.
    _done: watch::Sender<()>,
}

impl Turns {
    /// Takes the place at the end of the line for a thing.
    pub(super) fn take(turns: &Arc<Self>, thing: &str) -> Turn {
        let (done, is_done) = watch::channel(());
        let mut lines = turns.lock();
        let number = lines.next;
        lines.next += 1;
        let before = lines.last.insert(thing.to_owned(), (number, is_done)).map(|(_, before)| before);
        drop(lines);
        Turn { turns: Arc::clone(turns), thing: thing.to_owned(), number, before, _done: done }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Returns when everybody before is done.
    pub(super) async fn comes(&mut self) {
        if let Some(mut before) = self.before.take() {
            // Nothing is ever sent: it ends with its sender.
            drop(before.changed().await);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut lines = self.turns.lock();
        if lines.last.get(&self.thing).is_some_and(|(number, _)| *number == self.number) {
            lines.last.remove(&self.thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_line_moves_in_order_and_leaves_nothing_behind() {
        let turns = Arc::new(Turns::default());
        let order = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let (mut turn, order) = (Turns::take(&turns, "thing"), Arc::clone(&order));
                async move {
                    turn.comes().await;
                    tokio::task::yield_now().await;
                    order.lock().expect("no panic").push(number);
                    drop(turn);
                }
            })
            .rev()
            .map(tokio::spawn)
            .collect();
        let other = Turns::take(&turns, "another thing");
        for task in tasks {
            task.await.expect("no panic");
        }
        let wanted: Vec<i32> = (0..20).rev().collect();
        assert_eq!(*order.lock().expect("no panic"), wanted, "as the places were taken");
        drop(other);
        assert!(turns.lock().last.is_empty());
    }
}
