//! What AWS allows per Identity Center instance: 20 calls a second over all its APIs, and 10
//! assignment operations in flight (both fixed quotas). Revocations go ahead of grants: they may wait
//! longer for a turn, and two of the ten places are theirs alone. Background work goes behind both: it
//! takes a turn only when nobody has taken one for a while.

use super::{AwsError, ClockMillis};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Together the most calls in any one second, which is the quota: so many at once after a pause …
const AT_ONCE: u32 = 4;
/// … and so many a second in the long run.
const CALLS_PER_SECOND: u32 = 16;

const OPERATIONS: usize = 10;
const KEPT_FOR_REVOCATIONS: usize = 2;

/// An operation nobody asked about for so long is no longer counted.
const FORGET_AFTER_MS: i64 = 15 * 60_000;

/// Whether a call takes access away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// A revocation, or the question how it goes.
    Revocation,
    /// Everything that people wait for.
    Usual,
    /// What nobody waits for.
    Background,
}

impl Urgency {
    fn patience(self) -> Duration {
        match self {
            Self::Revocation => Duration::from_secs(4),
            Self::Usual => Duration::from_secs(2),
            Self::Background => Duration::from_mins(1),
        }
    }

    fn places(self) -> usize {
        match self {
            Self::Revocation => OPERATIONS,
            Self::Usual | Self::Background => OPERATIONS - KEPT_FOR_REVOCATIONS,
        }
    }
}

/// The budgets of all instances.
pub(super) struct Budgets {
    clock: ClockMillis,
    by_instance: Mutex<HashMap<String, Arc<Budget>>>,
}

impl Budgets {
    pub(super) fn new(clock: ClockMillis) -> Self {
        Self { clock, by_instance: Mutex::default() }
    }

    pub(super) fn of(&self, instance_arn: &str) -> Arc<Budget> {
        let mut all = self.by_instance.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = all.get(instance_arn) {
            return Arc::clone(budget);
        }
        let budget = Arc::new(Budget { clock: Arc::clone(&self.clock), state: Mutex::default() });
        all.insert(instance_arn.to_owned(), Arc::clone(&budget));
        budget
    }
}

/// The budget of one instance.
pub(super) struct Budget {
    clock: ClockMillis,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the next call would go out if all turns given so far are used at the even pace.
    even: Option<Instant>,
    /// What operations are running on, and when that was last heard of.
    running: HashMap<String, i64>,
    /// Operations about to be started.
    starting: usize,
}

/// A place among the operations in flight, free again when dropped without being kept.
pub(super) struct Place(Option<Arc<Budget>>);

impl Place {
    /// Where nothing is counted.
    pub(super) fn uncounted() -> Self {
        Self(None)
    }

    /// The operation is running, on this: it has the place until [`Budget::ended`].
    pub(super) fn keep(self, on: &str) {
        if let Some(budget) = &self.0 {
            budget.heard_of(on);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(budget) = &self.0 {
            let mut state = budget.state();
            state.starting = state.starting.saturating_sub(1);
        }
    }
}

impl Budget {
    /// Waits for a turn to call, a few seconds at most. On real time: AWS counts real seconds, also
    /// when a test stops our clock.
    ///
    /// # Errors
    /// Transient, without a call, when too many are waiting already.
    pub(super) async fn turn(&self, urgency: Urgency) -> Result<(), AwsError> {
        if urgency == Urgency::Background {
            return self.turn_behind_all(Instant::now() + urgency.patience()).await;
        }
        let wait = self.book(Instant::now(), urgency)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Waits until no turn is in use or spoken for, and takes one then: whoever comes next still finds
    /// several at once. Others may come in between again and again, so that this can fail.
    async fn turn_behind_all(&self, patience: Instant) -> Result<(), AwsError> {
        loop {
            let now = Instant::now();
            let Some(until) = self.book_behind_all(now) else { return Ok(()) };
            if until > patience {
                return Err(AwsError::transient(
                    "Identity Center allows 20 calls a second, and more urgent ones took all of them.",
                ));
            }
            tokio::time::sleep(until.saturating_duration_since(now)).await;
        }
    }

    /// Books a turn if none is in use; otherwise says when that may be so.
    fn book_behind_all(&self, now: Instant) -> Option<Instant> {
        let mut state = self.state();
        if let Some(even) = state.even.filter(|even| *even > now) {
            return Some(even);
        }
        state.even = Some(now + Duration::from_secs(1) / CALLS_PER_SECOND);
        None
    }

    /// Books the next turn: a few at once, then evenly spread.
    fn book(&self, now: Instant, urgency: Urgency) -> Result<Duration, AwsError> {
        let step = Duration::from_secs(1) / CALLS_PER_SECOND;
        let mut state = self.state();
        let even = state.even.map_or(now, |even| even.max(now));
        let wait = even.saturating_duration_since(now + step * (AT_ONCE - 1));
        if wait > urgency.patience() {
            return Err(AwsError::transient(
                "Identity Center allows 20 calls a second, and as many are waiting already.",
            ));
        }
        state.even = Some(even + step);
        Ok(wait)
    }

    /// Takes a place for an operation about to be started.
    ///
    /// # Errors
    /// Transient when all places are taken.
    pub(super) fn place(self: &Arc<Self>, urgency: Urgency) -> Result<Place, AwsError> {
        let horizon = (self.clock)() - FORGET_AFTER_MS;
        let mut state = self.state();
        state.running.retain(|_, heard_at| *heard_at > horizon);
        if state.running.len() + state.starting >= urgency.places() {
            return Err(AwsError::transient(
                "Identity Center runs ten account assignment operations at a time, and as many are \
                 running already.",
            ));
        }
        state.starting += 1;
        Ok(Place(Some(Arc::clone(self))))
    }

    /// An operation on this is running.
    pub(super) fn heard_of(&self, on: &str) {
        let now = (self.clock)();
        self.state().running.insert(on.to_owned(), now);
    }

    /// None is running on this.
    pub(super) fn ended(&self, on: &str) {
        self.state().running.remove(on);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    fn budget() -> (Arc<AtomicI64>, Arc<Budget>) {
        let time = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&time);
        let budgets = Budgets::new(Arc::new(move || clock.load(Ordering::Relaxed)));
        (time, budgets.of("arn:aws:sso:::instance/ssoins-1"))
    }

    #[test]
    fn no_second_has_more_calls_than_the_quota() {
        let (_, budget) = budget();
        let start = Instant::now();
        let mut sent = Vec::new();
        let spread = [0, 0, 0, 0, 0, 0, 0, 0, 10, 20, 20, 2_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_500];
        for ms in (0..20).flat_map(|round| spread.map(|ms| round * 5_600 + ms)) {
            let now = start + Duration::from_millis(ms);
            if let Ok(wait) = budget.book(now, Urgency::Revocation) {
                sent.push(now + wait);
            }
        }
        sent.sort();
        assert!(sent[3] == start && sent[4] > start, "four at once");
        for first in &sent {
            let end = *first + Duration::from_secs(1);
            let count = sent.iter().filter(|at| *at >= first && **at < end).count();
            assert!(count <= 20, "{count} calls in a second");
        }
    }

    #[test]
    fn revocations_may_still_wait_when_grants_are_turned_away() {
        let (_, budget) = budget();
        let now = Instant::now();
        let usual = (0..100).take_while(|_| budget.book(now, Urgency::Usual).is_ok()).count();
        let urgent = (0..100).take_while(|_| budget.book(now, Urgency::Revocation).is_ok()).count();
        assert_eq!((usual, urgent), (36, 32));
        assert!(budget.book(now, Urgency::Revocation).unwrap_err().is_transient());
        assert!(budget.book(now + Duration::from_secs(1), Urgency::Revocation).is_ok());
    }

    #[test]
    fn background_work_takes_a_turn_only_when_nobody_uses_one_and_delays_nobody() {
        let (_, budget) = budget();
        let now = Instant::now();
        assert_eq!(budget.book_behind_all(now), None);
        let next = budget.book_behind_all(now).unwrap();
        assert!(next > now, "one at a time");
        // Who comes right behind it does not wait.
        assert_eq!(budget.book(now, Urgency::Usual).unwrap(), Duration::ZERO);
        assert_eq!(budget.book(now, Urgency::Revocation).unwrap(), Duration::ZERO);
        let queue = (0..20).map(|_| budget.book(now, Urgency::Usual).unwrap()).max().unwrap();
        let free = budget.book_behind_all(now).unwrap();
        assert!(free > now + queue, "behind everybody who waits");
        assert!(budget.book_behind_all(free - Duration::from_millis(1)).is_some());
        assert_eq!(budget.book_behind_all(free), None);
    }

    #[tokio::test]
    async fn background_work_that_would_wait_too_long_is_turned_away() {
        let (_, budget) = budget();
        assert!(budget.turn_behind_all(Instant::now()).await.is_ok());
        let error = budget.turn_behind_all(Instant::now()).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }

    #[test]
    fn two_places_are_for_revocations_alone() {
        let (time, budget) = budget();
        for n in 0..8 {
            budget.place(Urgency::Usual).unwrap().keep(&format!("op-{n}"));
        }
        assert!(budget.place(Urgency::Usual).is_err());
        let (ninth, tenth) =
            (budget.place(Urgency::Revocation).unwrap(), budget.place(Urgency::Revocation).unwrap());
        assert!(budget.place(Urgency::Revocation).is_err());
        drop(ninth);
        assert!(budget.place(Urgency::Revocation).is_ok());
        tenth.keep("op-8");
        budget.ended("op-0");
        budget.ended("op-8");
        assert!(budget.place(Urgency::Usual).is_ok());
        time.store(FORGET_AFTER_MS + 1, Ordering::Relaxed);
        let all: Vec<_> = (0..8).map(|_| budget.place(Urgency::Usual)).collect();
        assert!(all.iter().all(Result::is_ok));
    }
}
