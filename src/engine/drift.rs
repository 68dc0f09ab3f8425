//! Compares AWS with the books from time to time: what somebody holds and no claim explains is told,
//! what a claim says is held and AWS does not have is put to the books. Nothing is removed here.

mod books;
mod missing;
mod plan;
mod reading;
mod telling;

use super::{Engine, jitter};
use crate::access::{
    Holding, Principal, RequestId, Resource, Scope, Span, Sweep, Timestamp, Unclaimed, unknown,
};
use crate::aws::Session;
use crate::store::{Commit, Store, StoreError};
use books::{claimed, held_resources, in_words, remembered};
use missing::{absent, is_likely};
use plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use telling::{Failing, outdated};
use tokio::sync::watch;

/// The first sweep comes so soon after the bot knows where it is at home, and up to as long again.
const FIRST: Span = Span::minutes(1);
/// How often AWS is compared with the books, give or take.
const HOURLY: Span = Span::hours(1);
/// So much later at most: bots that were started together do not all ask at once.
const SPREAD: Span = Span::minutes(6);
/// How soon it is told again what Slack would not take.
const RETRY: Span = Span::minutes(15);

/// When AWS is compared with the books next.
pub(super) struct Drift {
    times: Mutex<Times>,
    /// Held by the one sweep there is.
    turn: tokio::sync::Mutex<()>,
    is_over: watch::Sender<bool>,
    /// Findings about people for whom AWS has no name.
    nameless: Mutex<BTreeSet<Holding>>,
}

#[derive(Default)]
struct Times {
    next: Option<Timestamp>,
    /// When people are told what Slack would not take.
    tell: Option<Timestamp>,
    /// The comparisons fail.
    failing: Option<Failing>,
}

impl Default for Drift {
    fn default() -> Self {
        Self {
            times: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            is_over: watch::Sender::new(false),
            nameless: Mutex::default(),
        }
    }
}

impl Drift {
    /// A sweep that runs is given up: nobody waits for it when the bot stops.
    pub(super) fn stop(&self) {
        self.is_over.send_replace(true);
    }

    fn nameless(&self) -> BTreeSet<Holding> {
        self.nameless.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a sweep is due, and the time of the next one. The first moment only sets the time: the
    /// bot has just started.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut times = self.times();
        let spread = |span: Span| Span::millis(span.as_millis() / 1000 * i64::from(jitter()));
        match times.next {
            None => {
                times.next = Some(now + FIRST + spread(FIRST));
                false
            }
            // A clock that was set back must not put it off for ever.
            Some(next) if next > now && next <= now + HOURLY + SPREAD => false,
            Some(_) => {
                times.next = Some(now + HOURLY + spread(SPREAD));
                true
            }
        }
    }
}

/// What is known of the last comparison that was finished.
#[derive(Debug, Clone)]
pub struct LastSweep {
    /// What it has shown, and how long ago it began; nothing before the first one.
    pub sweep: Option<(Sweep, Span)>,
    /// Why that may not be how AWS is now.
    pub outdated: Option<String>,
}

impl Engine {
    /// Starts a sweep when its time has come, and tells what could not be told before.
    pub(super) fn watch_drift(&self) {
        if self.shared.home.get().is_none() {
            return;
        }
        let now = self.now();
        let is_late = {
            let mut times = self.shared.drift.times();
            times.tell.take_if(|tell| *tell <= now || *tell > now + RETRY).is_some()
        };
        if self.shared.drift.is_due(now) {
            let engine = self.clone();
            self.spawn(async move {
                // One that somebody asked for serves as well.
                let Ok(_turn) = engine.shared.drift.turn.try_lock() else { return };
                let mut is_over = engine.shared.drift.is_over.subscribe();
                let swept = tokio::select! {
                    _ = is_over.wait_for(|is_over| *is_over) => return,
                    swept = engine.compare() => swept,
                };
                if let Err(error) = swept {
                    engine.store_failed(&error);
                    engine.tell_of_failing().await;
                }
                engine.tell_of_drift().await;
            });
        } else if is_late {
            let engine = self.clone();
            self.spawn(async move {
                let _turn = engine.shared.drift.turn.lock().await;
                engine.tell_of_drift().await;
            });
        }
    }

    /// Compares AWS with the books now; behind a comparison that is running.
    ///
    /// # Errors
    /// The books cannot be read or written.
    pub async fn sweep(&self) -> Result<Sweep, StoreError> {
        let sweep = {
            let _turn = self.shared.drift.turn.lock().await;
            self.compare().await?
        };
        let engine = self.clone();
        // Slack may be gone, and whoever asked does not wait for it.
        self.spawn(async move {
            let _turn = engine.shared.drift.turn.lock().await;
            engine.tell_of_drift().await;
        });
        Ok(sweep)
    }

    /// What the last comparison has shown.
    ///
    /// # Errors
    /// The books cannot be read.
    pub fn last_sweep(&self) -> Result<LastSweep, StoreError> {
        let now = self.now();
        let sweep = self.shared.store.sweep()?.map(|sweep| {
            let age = now.since(sweep.at);
            (sweep, age)
        });
        let age = sweep.as_ref().map(|(_, age)| *age);
        Ok(LastSweep { outdated: outdated(age, self.shared.drift.times().failing.as_ref()), sweep })
    }

    async fn compare(&self) -> Result<Sweep, StoreError> {
        let swept = self.compare_all().await;
        let mut times = self.shared.drift.times();
        times.failing = match &swept {
            Ok(_) => None,
            Err(error) => Some(Failing::again(times.failing.take(), self.now(), error.to_string())),
        };
        drop(times);
        swept
    }

    async fn compare_all(&self) -> Result<Sweep, StoreError> {
        let at = self.now();
        let previous = self.shared.store.sweep()?;
        let held = self.in_the_books(|store| Ok(held_resources(store))).await?;
        let plan = Plan::of(&self.catalog(), |integration| {
            self.shared.inventory.listing(integration).map(|(_, listing)| listing)
        });
        // AWS is read first and the books after it: what is given meanwhile is in them before AWS is
        // called, and what was taken meanwhile is in the trail.
        let readings = self.read_all(plan, held).await;
        let read_until = self.now();
        let before = previous.clone();
        let (readings, absent, held, claimed, (memory, unread)) = self
            .in_the_books(move |store| {
                let (absent, held) = absent(store, &readings);
                let claimed = claimed(store, &readings)?;
                let memory = remembered(store, before.as_ref(), at)?;
                Ok((readings, absent, held, claimed, memory))
            })
            .await?;
        let mut sweep = Sweep::of(previous.as_ref(), &readings, &claimed, memory, at, read_until);
        if let Some(why) = in_words(&unread) {
            let what = "what people had before they asked".to_owned();
            sweep.unknown.push(unknown(previous.as_ref(), Scope::Trail, what, why, at));
        }
        let is_likely = is_likely(absent.len(), held);
        for id in absent {
            match self.put_to_the_books(&id, is_likely, previous.as_ref(), &mut sweep).await {
                Err(error @ StoreError::Row { .. }) => {
                    let (what, why) = ("access that is claimed".to_owned(), error.to_string());
                    sweep.unknown.push(unknown(previous.as_ref(), Scope::Claim(id), what, why, at));
                }
                done => done?,
            }
        }
        sweep.shorten();
        self.name_the_new(&mut sweep).await;
        for unknown in &sweep.unknown {
            tracing::warn!(why = unknown.why, what = unknown.what, "what AWS holds could not be compared");
        }
        tracing::info!(
            read = sweep.read,
            unclaimed = sweep.unclaimed.len(),
            missing = sweep.missing.len(),
            unknown = sweep.unknown.len(),
            "AWS was compared with the books"
        );
        self.record(Commit { at: self.now(), sweep: Some(sweep.clone()), ..Commit::default() }).await?;
        Ok(sweep)
    }

    /// Asks AWS what those are called whose name is not known. Those it has no name for are not asked
    /// about again.
    async fn name_the_new(&self, sweep: &mut Sweep) {
        let mut nameless = self.shared.drift.nameless();
        nameless.retain(|holding| sweep.unclaimed.iter().any(|found| found.holding == *holding));
        let is_new = |found: &Unclaimed| found.name.is_none() && !nameless.contains(&found.holding);
        let mut stores: BTreeMap<String, Result<BTreeMap<String, String>, ()>> = BTreeMap::new();
        let mut gone = BTreeSet::new();
        let catalog = self.catalog();
        for found in sweep.unclaimed.iter_mut().filter(|found| is_new(found)) {
            let Principal::SsoUser { identity_store_id, user_id } = &found.holding.principal else {
                continue;
            };
            let (Resource::SsoPermissionSet { instance_arn, .. } | Resource::SsoGroup { instance_arn, .. }) =
                &found.holding.resource
            else {
                continue;
            };
            if !stores.contains_key(identity_store_id) {
                let connection = catalog.flow(&found.flow).and_then(|entry| {
                    let mut targets = entry.flow.targets.iter();
                    targets
                        .find(|target| target.instance_arn == *instance_arn)
                        .map(|it| it.connection.clone())
                });
                let Some(connection) = connection else { continue };
                let names =
                    self.shared.aws.user_names(&session(&connection), instance_arn, identity_store_id).await;
                let names = names.map_err(|error| tracing::warn!(error = %error, "nobody could be named"));
                stores.insert(identity_store_id.clone(), names);
            }
            if let Some(Ok(names)) = stores.get(identity_store_id) {
                found.name = names.get(user_id).cloned();
                if found.name.is_none() {
                    gone.insert(found.holding.clone());
                }
            }
        }
        nameless.extend(gone);
        *self.shared.drift.nameless.lock().unwrap_or_else(PoisonError::into_inner) = nameless;
    }

    /// Long readings of the books, beside everything else.
    async fn in_the_books<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let engine = self.clone();
        let read = tokio::task::spawn_blocking(move || read(&engine.shared.store)).await;
        read.unwrap_or_else(|error| Err(StoreError::Sled(error.to_string())))
    }
}

/// AWS's own log shows what these calls are for.
fn session(connection: &crate::access::Connection) -> Session<'_> {
    static NAME: std::sync::LazyLock<RequestId> = std::sync::LazyLock::new(|| RequestId::new("sym-drift"));
    Session { connection, name: &NAME, source_identity: None }
}
