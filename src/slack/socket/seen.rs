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
    pub(super) fn claim(seen: &Arc<Self>, id: &EnvelopeId, now: Instant) -> Claim {
        let mut memory = seen.lock();
        memory.forget_old(now);
        if let Some(known) = memory.entries.get(id) {
            return Claim::Known(known.outcome.clone());
        }
        let (sender, outcome) = watch::channel(None);
        let number = memory.next;
        memory.next += 1;
        let entry = Entry { number, at: now, bytes: 0, outcome: outcome.clone() };
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
    fn forget_old(&mut self, now: Instant) {
        while let Some((id, number)) = self.order.front() {
            let entry = self.entries.get(id).filter(|entry| entry.number == *number);
            let is_old = entry.is_none_or(|entry| now.saturating_duration_since(entry.at) > KEPT);
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
            if let Some(entry) = memory.entries.get_mut(&self.id).filter(|entry| entry.number == self.number)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn is_new(seen: &Arc<Seen>, id: &str, ack: &str, now: Instant) -> bool {
        match Seen::claim(seen, &EnvelopeId::new(id), now) {
            Claim::New(ticket, _) => {
                ticket.finish(Some(ack.to_owned()));
                true
            }
            Claim::Known(outcome) => {
                assert_eq!(outcome.borrow().as_deref(), Some(ack));
                false
            }
        }
    }

    #[test]
    fn a_delivery_is_remembered_for_an_hour() {
        let (seen, start) = (Arc::new(Seen::default()), Instant::now());
        assert!(is_new(&seen, "a", "ack", start));
        assert!(!is_new(&seen, "a", "ack", start + KEPT));
        assert!(is_new(&seen, "a", "ack", start + KEPT + Duration::from_secs(1)));
    }

    #[test]
    fn memory_is_bounded_in_number_and_size() {
        let (seen, now) = (Arc::new(Seen::default()), Instant::now());
        for number in 0..2 * MOST {
            assert!(is_new(&seen, &number.to_string(), "ack", now));
        }
        assert!(seen.lock().entries.len() <= MOST + 1 && seen.lock().order.len() <= MOST + 1);
        assert!(!is_new(&seen, &(2 * MOST - 1).to_string(), "ack", now));
        let large = "x".repeat(MOST_BYTES / 4);
        for number in 0..20 {
            assert!(is_new(&seen, &format!("large {number}"), &large, now));
        }
        assert!(seen.lock().bytes <= MOST_BYTES * 3 / 2);
        assert!(seen.lock().entries.len() < 10);
    }

    #[tokio::test]
    async fn what_is_dropped_or_not_acknowledged_is_new_again() {
        let (seen, now) = (Arc::new(Seen::default()), Instant::now());
        let Claim::New(ticket, mut outcome) = Seen::claim(&seen, &"a".into(), now) else { panic!("known") };
        let Claim::Known(_) = Seen::claim(&seen, &"a".into(), now) else { panic!("new") };
        drop(ticket);
        assert!(outcome.wait_for(Option::is_some).await.is_err());
        let Claim::New(ticket, _) = Seen::claim(&seen, &"a".into(), now) else { panic!("known") };
        ticket.finish(None);
        assert!(is_new(&seen, "a", "ack", now));
        assert!(!is_new(&seen, "a", "ack", now));
    }
}
