//! Who is served next. Plain data: the time is handed in.

use super::Urgency;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The quota.
pub(super) const CALLS: usize = 20;
/// The quota is for any one second as AWS sees it; what left here a second apart may arrive closer
/// together.
pub(super) const WINDOW_MS: i64 = 1_050;

pub(super) const OPERATIONS: usize = 10;
/// Places that grants leave free.
pub(super) const KEPT_FOR_REVOCATIONS: usize = 2;

/// An operation that nobody has heard of for so long is no longer counted: to start another is worth
/// a conflict, and to wait for ever is not.
pub(super) const FORGET_AFTER_MS: i64 = 60_000;

/// Where an operation takes place: an account takes one at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(in crate::aws) struct Seat {
    /// The account.
    pub(in crate::aws) account: String,
    /// The assignment. Whatever is started on it next takes the place of what went before.
    pub(in crate::aws) tuple: String,
}

/// How long the turn of a revocation is kept that was sent back.
pub(super) const KEPT_MS: i64 = 1_000;

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    Call,
    Place(Seat),
}

/// What became of somebody.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Served<R> {
    Call(R),
    Place(R, Seat),
    /// Too long in the queue.
    SentBack(R),
}

struct Waiting<R> {
    need: Need,
    until: i64,
    reply: R,
}

/// Calls made, operations in flight, and everybody who waits.
pub(super) struct Queue<R> {
    /// When the last calls were made.
    calls: VecDeque<i64>,
    /// Where operations are running, and when that was last heard of.
    running: HashMap<Seat, i64>,
    /// Where operations are about to be started.
    starting: Vec<Seat>,
    waiting: BTreeMap<(Urgency, u64), Waiting<R>>,
    /// Accounts in which a revocation has just been sent back, and until when its turn is kept: it comes
    /// again at once, and nothing less urgent may slip in meanwhile.
    kept: HashMap<String, i64>,
    tickets: u64,
    is_closed: bool,
    /// Somebody watches the time for those who wait.
    pub(super) is_watched: bool,
}

impl<R> Default for Queue<R> {
    fn default() -> Self {
        Self {
            calls: VecDeque::new(),
            running: HashMap::new(),
            starting: Vec::new(),
            waiting: BTreeMap::new(),
            kept: HashMap::new(),
            tickets: 0,
            is_closed: false,
            is_watched: false,
        }
    }
}

impl Urgency {
    /// How long one waits before being sent back.
    const fn patience_ms(self) -> i64 {
        match self {
            Self::Revocation | Self::Usual => 5_000,
            Self::Background => 30_000,
        }
    }

    /// How many calls may be made in one second with one's own. What nobody waits for leaves room: whoever
    /// comes behind it need not wait a second for it.
    const fn calls(self) -> usize {
        match self {
            Self::Revocation | Self::Usual => CALLS,
            Self::Background => CALLS / 2,
        }
    }

    /// How many operations may be in flight with one's own.
    const fn places(self) -> usize {
        match self {
            Self::Revocation => OPERATIONS,
            Self::Usual | Self::Background => OPERATIONS - KEPT_FOR_REVOCATIONS,
        }
    }
}

impl<R> Queue<R> {
    /// Takes a place in the queue. Says whether the caller must see to it that time is watched.
    pub(super) fn join(&mut self, urgency: Urgency, need: Need, now: i64, reply: R) -> bool {
        let until = now + urgency.patience_ms();
        self.tickets += 1;
        self.waiting.insert((urgency, self.tickets), Waiting { need, until, reply });
        !std::mem::replace(&mut self.is_watched, true)
    }

    /// Who is served now, if anybody: the most urgent first, and of those the one who came first. One
    /// who cannot be served holds up nobody who waits for something else.
    pub(super) fn next(&mut self, now: i64) -> Option<Served<R>> {
        self.pass(now);
        let is_served = |waiting: &Waiting<R>| now >= waiting.until || self.is_closed;
        let leaves = |waiting: &Waiting<R>, urgency: Urgency| match &waiting.need {
            Need::Call => self.calls.len() < urgency.calls(),
            Need::Place(seat) => self.has_place(urgency, seat),
        };
        let key = self
            .waiting
            .iter()
            .find(|((urgency, _), waiting)| leaves(waiting, *urgency) || is_served(waiting))
            .map(|(key, _)| *key)?;
        let is_closed = self.is_closed;
        let Waiting { need, reply, .. } = self.waiting.remove(&key)?;
        Some(match need {
            _ if is_closed => Served::SentBack(reply),
            Need::Call if self.calls.len() < key.0.calls() => {
                self.calls.push_back(now);
                Served::Call(reply)
            }
            Need::Place(seat) if self.has_place(key.0, &seat) => {
                self.starting.push(seat.clone());
                Served::Place(reply, seat)
            }
            Need::Place(seat) => {
                if key.0 == Urgency::Revocation {
                    self.kept.insert(seat.account, now + KEPT_MS);
                }
                Served::SentBack(reply)
            }
            Need::Call => Served::SentBack(reply),
        })
    }

    /// Forgets what is over. A clock that was set back must not stop the calls until it has caught up.
    fn pass(&mut self, now: i64) {
        for at in self.calls.iter_mut().chain(self.running.values_mut()) {
            *at = (*at).min(now);
        }
        for waiting in self.waiting.values_mut() {
            waiting.until = waiting.until.min(now + Urgency::Background.patience_ms());
        }
        while self.calls.front().is_some_and(|at| *at <= now - WINDOW_MS) {
            self.calls.pop_front();
        }
        self.running.retain(|_, heard_at| *heard_at > now - FORGET_AFTER_MS);
        self.kept.retain(|_, until| (now + 1..=now + KEPT_MS).contains(until));
    }

    fn has_place(&self, urgency: Urgency, wanted: &Seat) -> bool {
        // Asked for everybody who waits: the common answer must not take a look at each.
        if self.in_flight() >= urgency.places() && !self.running.contains_key(wanted) {
            return false;
        }
        if urgency != Urgency::Revocation && self.kept.contains_key(&wanted.account) {
            return false;
        }
        let others = || self.running.keys().filter(|seat| *seat != wanted).chain(&self.starting);
        others().count() < urgency.places() && others().all(|seat| seat.account != wanted.account)
    }

    /// A call was not made after all.
    pub(super) fn return_call(&mut self) {
        self.calls.pop_back();
    }

    /// Whoever has gone need not be served.
    pub(super) fn forget_closed(&mut self, has_gone: impl Fn(&R) -> bool) {
        self.waiting.retain(|_, waiting| !has_gone(&waiting.reply));
    }

    /// Nothing is about to be started there any more.
    pub(super) fn leave(&mut self, seat: &Seat) {
        if let Some(at) = self.starting.iter().position(|starting| starting == seat) {
            self.starting.swap_remove(at);
        }
    }

    /// An operation is running there.
    pub(super) fn run(&mut self, seat: &Seat, now: i64) {
        self.running.insert(seat.clone(), now);
    }

    /// None is running there.
    pub(super) fn end(&mut self, seat: &Seat) {
        self.running.remove(seat);
    }

    /// Operations in flight or about to be.
    pub(super) fn in_flight(&self) -> usize {
        self.running.len() + self.starting.len()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Everybody is sent back from now on.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// When time itself next changes something for those who wait.
    pub(super) fn next_moment(&mut self, now: i64) -> Option<i64> {
        self.pass(now);
        let patience = self.waiting.values().map(|waiting| waiting.until).min()?;
        let callers = self.waiting.iter().filter(|(_, waiting)| waiting.need == Need::Call);
        let in_the_way = callers.filter_map(|((urgency, _), _)| self.calls.len().checked_sub(urgency.calls()));
        let call = in_the_way.min().and_then(|last| self.calls.get(last)).map(|at| at + WINDOW_MS);
        let forgotten = self.running.values().map(|heard_at| heard_at + FORGET_AFTER_MS).min();
        let kept = self.kept.values().min().copied();
        Some([call, forgotten, kept].into_iter().flatten().fold(patience, i64::min))
    }
}
