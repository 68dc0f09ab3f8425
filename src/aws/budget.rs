//! What AWS allows per Identity Center instance: 20 calls a second over all its APIs, 10 assignment
//! operations in flight (both fixed quotas), and one operation per account at a time.
//!
//! Whoever cannot be served waits in one queue, the more urgent first and the older first. Nobody waits
//! for ever: after a few seconds they are sent back, have done nothing, and may come again; what they
//! were about may have changed meanwhile.

mod queue;
#[cfg(test)]
mod tests;

use super::{AwsError, ClockMillis};
use queue::{Need, Queue, Seat, Served};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// What has the right of way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// A revocation, or the question how it goes.
    Revocation,
    /// A grant, or a question that somebody waits for.
    Usual,
    /// What nobody waits for.
    Background,
}

/// The budgets of all instances.
pub(super) struct Budgets {
    clock: ClockMillis,
    by_instance: Mutex<HashMap<String, Arc<Budget>>>,
    /// Somebody has begun to wait.
    waits: Arc<Notify>,
}

impl Budgets {
    pub(super) fn new(clock: ClockMillis) -> Self {
        Self { clock, by_instance: Mutex::default(), waits: Arc::default() }
    }

    pub(super) fn of(&self, instance_arn: &str) -> Arc<Budget> {
        let mut all = self.by_instance.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(budget) = all.get(instance_arn) {
            return Arc::clone(budget);
        }
        let budget = Arc::new(Budget {
            clock: Arc::clone(&self.clock),
            queue: Mutex::default(),
            glances: Mutex::default(),
            stirred: Notify::new(),
            waits: Arc::clone(&self.waits),
        });
        all.insert(instance_arn.to_owned(), Arc::clone(&budget));
        budget
    }

    /// How many wait, after everybody has been served who can be served now.
    pub(super) fn waiting(&self) -> usize {
        self.all().iter().map(Budget::waiting).sum()
    }

    /// When the next of those who wait may be served, or is sent back.
    pub(super) fn next_turn(&self) -> Option<i64> {
        self.all().iter().filter_map(|budget| budget.next_turn()).min()
    }

    /// Returns when somebody has begun to wait.
    pub(super) async fn somebody_waits(&self) {
        self.waits.notified().await;
    }

    /// Sends back everybody who waits, and whoever comes later.
    pub(super) fn close(&self) {
        for budget in self.all() {
            budget.queue().close();
            budget.serve();
        }
    }

    fn all(&self) -> Vec<Arc<Budget>> {
        let all = self.by_instance.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().map(Arc::clone).collect()
    }
}

/// The budget of one instance.
pub(super) struct Budget {
    clock: ClockMillis,
    queue: Mutex<Queue<Reply>>,
    glances: Mutex<HashMap<&'static str, Glance>>,
    /// The queue has changed: whoever watches the time looks again.
    stirred: Notify,
    waits: Arc<Notify>,
}

/// What becomes of somebody who waits: nothing more to say about a call, a place for an operation.
type Reply = oneshot::Sender<Result<Option<Place>, AwsError>>;

/// A place among the operations in flight, and the account's only one. Free again when dropped, on
/// whatever path, unless an operation is running in it.
pub(super) struct Place {
    budget: Option<Arc<Budget>>,
    seat: Seat,
}

impl Place {
    /// Where nothing is counted.
    pub(super) fn uncounted() -> Self {
        Self { budget: None, seat: Seat::default() }
    }

    /// The operation is running: it has the place until [`Budget::ended`].
    pub(super) fn keep(self) {
        if let Some(budget) = &self.budget {
            budget.heard_of(&self.seat);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(budget) = self.budget.take() {
            budget.queue().leave(&self.seat);
            budget.serve();
        }
    }
}

/// The operations of one kind that were running a moment ago.
#[derive(Default)]
struct Glance {
    read_at: Option<i64>,
    running: HashSet<String>,
    /// Somebody is reading, since then.
    reading_since: Option<i64>,
    /// When it could not be read: the role may not be allowed to.
    failed_at: Option<i64>,
}

/// What is known about the operations that are running, without a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// The operation was running a moment ago.
    Running,
    /// Somebody is finding out.
    BeingRead,
    /// It was not among those that were running a moment ago: ask about it alone.
    NotRunning,
    /// Nobody has looked lately; the caller should, and say what it saw.
    Unknown,
}

/// What was seen so long ago is not looked up again.
const GLANCE_MS: i64 = 200;
/// Whoever reads for so long has failed.
const READING_MS: i64 = 5_000;
/// Where a look has failed, each operation is asked about by itself for so long.
const FAILED_MS: i64 = 60_000;
/// So many operations in flight are asked about together.
const TOGETHER: usize = 2;

impl Budget {
    /// Waits for a turn to call.
    ///
    /// # Errors
    /// Crowded, without a call, when that took too long.
    pub(super) async fn turn(self: &Arc<Self>, urgency: Urgency) -> Result<(), AwsError> {
        self.wait(urgency, Need::Call).await.map(drop)
    }

    /// Waits for a place for an operation about to be started.
    ///
    /// # Errors
    /// Crowded, without a call, when that took too long.
    pub(super) async fn place(self: &Arc<Self>, urgency: Urgency, seat: Seat) -> Result<Place, AwsError> {
        Ok(self.wait(urgency, Need::Place(seat)).await?.unwrap_or_else(Place::uncounted))
    }

    async fn wait(self: &Arc<Self>, urgency: Urgency, need: Need) -> Result<Option<Place>, AwsError> {
        let (reply, answer) = oneshot::channel();
        let now = (self.clock)();
        let must_watch = self.queue().join(urgency, need, now, reply);
        self.serve();
        self.stirred.notify_one();
        self.waits.notify_one();
        if must_watch {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
        answer.await.unwrap_or_else(|_| Err(crowded()))
    }

    /// Serves everybody who can be served now.
    fn serve(self: &Arc<Self>) {
        let mut returned = Vec::new();
        {
            let now = (self.clock)();
            let mut queue = self.queue();
            queue.forget_closed(oneshot::Sender::is_closed);
            while let Some(served) = queue.next(now) {
                let (reply, answer, is_call) = match served {
                    Served::Call(reply) => (reply, Ok(None), true),
                    Served::Place(reply, seat) => {
                        (reply, Ok(Some(Place { budget: Some(Arc::clone(self)), seat })), false)
                    }
                    Served::SentBack(reply) => (reply, Err(crowded()), false),
                };
                if let Err(unheard) = reply.send(answer) {
                    if is_call {
                        queue.return_call();
                    }
                    returned.push(unheard);
                }
            }
        }
        // A place that nobody took is given free as it is dropped, which takes the lock.
        drop(returned);
    }

    fn waiting(self: &Arc<Self>) -> usize {
        self.serve();
        self.queue().len()
    }

    fn next_turn(&self) -> Option<i64> {
        self.queue().next_moment((self.clock)())
    }

    /// An operation is running there.
    pub(super) fn heard_of(&self, seat: &Seat) {
        let now = (self.clock)();
        self.queue().run(seat, now);
    }

    /// None is running there.
    pub(super) fn ended(self: &Arc<Self>, seat: &Seat) {
        self.queue().end(seat);
        self.serve();
    }

    /// What is known about an operation without a call. So many as are in flight would use up all
    /// calls by being asked about one by one; one look at those that are running tells of all.
    pub(super) fn known(&self, kind: &'static str, operation: &str) -> Known {
        if self.queue().in_flight() < TOGETHER {
            return Known::NotRunning;
        }
        let now = (self.clock)();
        let mut glances = self.glances();
        let glance = glances.entry(kind).or_default();
        let is_recent = |at: i64, span: i64| (0..span).contains(&(now - at));
        if glance.read_at.is_some_and(|at| is_recent(at, GLANCE_MS)) {
            return if glance.running.contains(operation) { Known::Running } else { Known::NotRunning };
        }
        if glance.reading_since.is_some_and(|at| is_recent(at, READING_MS)) {
            return Known::BeingRead;
        }
        if glance.failed_at.is_some_and(|at| is_recent(at, FAILED_MS)) {
            return Known::NotRunning;
        }
        glance.reading_since = Some(now);
        Known::Unknown
    }

    /// What a look at the running operations of a kind has shown; `None` when it failed.
    pub(super) fn saw(&self, kind: &'static str, running: Option<&[String]>) {
        let now = (self.clock)();
        let mut glances = self.glances();
        let glance = glances.entry(kind).or_default();
        glance.reading_since = None;
        glance.failed_at = running.is_none().then_some(now);
        if let Some(running) = running {
            glance.read_at = Some(now);
            glance.running = running.iter().cloned().collect();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Reply>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn glances(&self) -> MutexGuard<'_, HashMap<&'static str, Glance>> {
        self.glances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves whoever waits as time passes, until nobody waits.
async fn watch(budget: Weak<Budget>) {
    loop {
        let Some(budget) = budget.upgrade() else { return };
        budget.serve();
        let now = (budget.clock)();
        let next = {
            let mut queue = budget.queue();
            let next = queue.next_moment(now);
            queue.is_watched = next.is_some();
            next
        };
        let Some(next) = next else { return };
        // The clock may be another than the one this sleeps by: it is looked at again soon.
        let nap = u64::try_from(next - now).unwrap_or(0).clamp(1, 1_000);
        drop(tokio::time::timeout(Duration::from_millis(nap), budget.stirred.notified()).await);
    }
}

fn crowded() -> AwsError {
    AwsError::crowded(
        "Identity Center allows 20 calls a second, 10 assignment operations at a time and one in each \
         account, and others went first.",
    )
}

pub(super) use queue::Seat as OperationSeat;
