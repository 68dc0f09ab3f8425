//! Remembers deliveries, so that a second one does not happen twice.

use crate::access::EnvelopeId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Slack gives up on a delivery long before.
const KEPT: Duration = Duration::from_hours(1);
/// How many are remembered.
const MOST: usize = 10_000;
/// How much of their acknowledgements: lists of options are long.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// An acknowledgement once it is known; empty when there is none to be sent.
pub(super) type Outcome = watch::Receiver<Option<Arc<str>>>;

/// The deliveries of the last hour.
#[derive(Default)]
pub(super) struct Seen(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    entries: HashMap<EnvelopeId, Entry>,
    /// The oldest first.
    order: VecDeque<(EnvelopeId, u64)>,
    next: u64,
    bytes: usize,
}

struct Entry {
    number: u64,
    at: Instant,
    bytes: usize,
    outcome: Outcome,
}

/// Whether a delivery is the first of its name.
pub(super) enum Claim {
    /// It is: it has to be handled, and the ticket be finished.
    New(Ticket, Outcome),
    /// It is not: this is, or will be, what became of the first.
    Known(Outcome),
}

/// The duty to handle a delivery. Dropped without an outcome, the delivery is forgotten.
pub(super) struct Ticket {
    seen: Arc<Seen>,
    id: EnvelopeId,
    number: u64,
    outcome: watch::Sender<Option<Arc<str>>>,
    is_kept: bool,
}

impl Seen {
    /// Looks a delivery up and enters it if it is new.
    pub(super) fn claim(seen: &Arc<Self>, id: &EnvelopeId) -> Claim {
        let mut memory = seen.lock();
        memory.forget_old();
        if let Some(known) = memory.entries.get(id) {
            return Claim::Known(known.outcome.clone());
        }
        let (sender, outcome) = watch::channel(None);
        let number = memory.next;
        memory.next += 1;
        let entry = Entry { number, at: Instant::now(), bytes: 0, outcome: outcome.clone() };
        memory.entries.insert(id.clone(), entry);
        memory.order.push_back((id.clone(), number));
        drop(memory);
        let ticket =
            Ticket { seen: Arc::clone(seen), id: id.clone(), number, outcome: sender, is_kept: false };
        Claim::New(ticket, outcome)
    }

    /// Sound after any panic: at worst an entry is counted twice.
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn forget_old(&mut self) {
        while let Some((id, number)) = self.order.front() {
            let entry = self.entries.get(id).filter(|entry| entry.number == *number);
            let is_old = entry.is_none_or(|entry| entry.at.elapsed() > KEPT);
            if !is_old && self.order.len() <= MOST && self.bytes <= MOST_BYTES {
                return;
            }
            let (id, number) = (id.clone(), *number);
            self.order.pop_front();
            self.forget(&id, number);
        }
    }

    /// Forgets an entry, unless a later delivery of that name has taken its place.
    fn forget(&mut self, id: &EnvelopeId, number: u64) {
        if self.entries.get(id).is_some_and(|entry| entry.number == number)
            && let Some(entry) = self.entries.remove(id)
        {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
        }
    }
}

impl Ticket {
    /// Says what to acknowledge. What is not acknowledged is forgotten: Slack may deliver it again.
    pub(super) fn finish(mut self, ack: Option<String>) {
        let text: Arc<str> = ack.unwrap_or_default().into();
        if !text.is_empty() {
            self.is_kept = true;
            let mut memory = self.seen.lock();
            let bytes = text.len();
            if let Some(entry) =
                memory.entries.get_mut(&self.id).filter(|entry| entry.number == self.number)
            {
                entry.bytes = bytes;
                memory.bytes += bytes;
            }
        }
        self.outcome.send_replace(Some(text));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_kept {
            self.seen.lock().forget(&self.id, self.number);
        }
    }
}
