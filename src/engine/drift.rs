//! Compares AWS with the books from time to time: what somebody holds and no claim explains is told,
//! what a claim says is held and AWS does not have is put to the books. Nothing is removed here.

mod plan;
mod reading;

use super::{About, Engine, jitter};
use crate::access::{
    Custody, EntitlementId, Event, FlowName, Holding, Memory, Missing, Principal, Reading, RequestId,
    Resource, Scope, Span, Sweep, Timestamp, Unclaimed, key, unknown,
};
use crate::aws::Session;
use crate::slack::message;
use crate::store::{Commit, Store, StoreError};
use plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The first sweep comes so soon after the bot knows where it is at home, and up to as long again.
const FIRST: Span = Span::minutes(1);
/// How often AWS is compared with the books, give or take.
const HOURLY: Span = Span::hours(1);
/// So much later at most: bots that were started together do not all ask at once.
const SPREAD: Span = Span::minutes(6);
/// How soon it is told again what Slack would not take.
const RETRY: Span = Span::minutes(15);

/// More than so many claims …
const MANY: usize = 10;
/// … and this part of all: AWS is more likely to have answered wrongly than to have lost them.
const PART: usize = 2;

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

    /// What the last comparison has shown, and how long ago it began.
    ///
    /// # Errors
    /// The books cannot be read.
    pub fn last_sweep(&self) -> Result<Option<(Sweep, Span)>, StoreError> {
        let now = self.now();
        Ok(self.shared.store.sweep()?.map(|sweep| {
            let age = now.since(sweep.at);
            (sweep, age)
        }))
    }

    async fn compare(&self) -> Result<Sweep, StoreError> {
        let at = self.now();
        let previous = self.shared.store.sweep()?;
        let held = self.in_the_books(|store| Ok(held_resources(store))).await?;
        let plan = Plan::of(&self.catalog(), |integration| {
            self.shared.inventory.listing(integration).map(|(_, listing)| listing)
        });
        // AWS is read first and the books after it: what is given meanwhile is in them before AWS is
        // called, and what was taken meanwhile is in the trail.
        let readings = self.read_all(plan, held).await;
        let memory = previous.as_ref().map(|sweep| sweep.memory.clone()).unwrap_or_default();
        let (readings, absent, held, claimed, memory) = self
            .in_the_books(move |store| {
                let (absent, held) = absent(store, &readings);
                let claimed = claimed(store, &readings)?;
                let memory = remembered(store, memory, at)?;
                Ok((readings, absent, held, claimed, memory))
            })
            .await?;
        let mut sweep = Sweep::of(previous.as_ref(), &readings, &claimed, memory, at);
        let is_likely = absent.len() <= MANY || absent.len() * PART <= held;
        for id in absent {
            self.put_to_the_books(&id, is_likely, previous.as_ref(), &mut sweep).await?;
        }
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

    /// What a list has not shown is looked at by itself, and only then put to the books, which may
    /// know better by now. `is_likely` says whether so much can be missing at once.
    async fn put_to_the_books(
        &self,
        id: &EntitlementId,
        is_likely: bool,
        previous: Option<&Sweep>,
        sweep: &mut Sweep,
    ) -> Result<(), StoreError> {
        let Some(entitlement) = self.shared.store.entitlement(id)? else { return Ok(()) };
        let connection = self.connection(&entitlement);
        let session = session(&connection);
        let (principal, resource) = (entitlement.principal.clone(), entitlement.resource.clone());
        let why = if is_likely {
            match self.shared.aws.look_in_background(&session, &principal, &resource).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    let event = Event::FoundAbsent { since: sweep.at };
                    let requests = entitlement.claims.keys().cloned().collect();
                    if self.apply(&About::Entitlement(id.clone()), &event).await?.is_ok() {
                        tracing::warn!(entitlement = %id, "somebody removed access in AWS that was claimed");
                        sweep.missing.push(Missing { holding: Holding { principal, resource }, requests });
                    }
                    return Ok(());
                }
                Err(error) => error.to_string(),
            }
        } else {
            "AWS shows none of most claims at once, which is more likely a mistake of the reading than the \
             truth. Nothing was closed: look at one of them by hand."
                .to_owned()
        };
        let requests: Vec<&str> = entitlement.claims.keys().map(RequestId::as_str).collect();
        let what = format!("the access of request {}", requests.join(", "));
        let scope = Scope::Claim(id.clone());
        sweep.unknown.push(unknown(previous, scope, what, why, sweep.at));
        Ok(())
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

    /// Tells each error channel once what is new. What Slack would not take is told later.
    async fn tell_of_drift(&self) {
        let told = self.told_of_drift().await;
        match told {
            Ok(true) => {}
            Ok(false) => self.shared.drift.times().tell = Some(self.now() + RETRY),
            Err(error) => self.store_failed(&error),
        }
    }

    async fn told_of_drift(&self) -> Result<bool, StoreError> {
        let Some(mut sweep) = self.shared.store.sweep()? else { return Ok(true) };
        let mut flows: BTreeMap<Option<String>, BTreeSet<FlowName>> = BTreeMap::new();
        let catalog = self.catalog();
        for found in sweep.unclaimed.iter().filter(|found| !found.is_told) {
            let channel = catalog.flow(&found.flow).and_then(|entry| entry.flow.error_channel.clone());
            flows.entry(channel).or_default().insert(found.flow.clone());
        }
        let mut is_done = true;
        for (channel, flows) in flows {
            let is_meant = |found: &Unclaimed| !found.is_told && flows.contains(&found.flow);
            if let Some(channel) = channel {
                let lines: Vec<String> =
                    sweep.unclaimed.iter().filter(|found| is_meant(found)).map(line_of).collect();
                match self.post(&channel, &message::unclaimed(&lines)).await {
                    Ok(()) => {}
                    Err(error) if error.is_transient() => {
                        is_done = false;
                        continue;
                    }
                    Err(error) => tracing::warn!(error = %error, "an error channel could not be told"),
                }
            }
            for found in &mut sweep.unclaimed {
                found.is_told |= flows.contains(&found.flow);
            }
            let told = Commit { at: self.now(), sweep: Some(sweep.clone()), ..Commit::default() };
            self.record(told).await?;
        }
        Ok(is_done)
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

/// Who has what, for people.
fn line_of(found: &Unclaimed) -> String {
    let who = match (&found.name, &found.holding.principal) {
        (Some(name), _) | (None, Principal::IamUser { user_name: name }) => name.clone(),
        (None, Principal::SsoUser { user_id, .. }) => format!("user {user_id} (AWS gives no name)"),
    };
    format!("{who}: {}", found.what)
}

/// What claims hold, each resource once, with a way to reach it.
fn held_resources(store: &Store) -> BTreeMap<Resource, crate::access::Connection> {
    let held = store.entitlements().filter(|entitlement| matches!(entitlement.custody, Custody::Held { .. }));
    held.map(|entitlement| (entitlement.resource, entitlement.connection)).collect()
}

/// What claims hold and a list that was read whole has not shown; and how much claims hold in those.
fn absent(store: &Store, readings: &[Reading]) -> (Vec<EntitlementId>, usize) {
    let by_resource: BTreeMap<&Resource, &Reading> = readings
        .iter()
        .filter(|reading| reading.holders.is_ok())
        .filter_map(|reading| match &reading.scope {
            Scope::Resource(resource) => Some((resource, reading)),
            Scope::PermissionSet { .. } | Scope::Target { .. } | Scope::Claim(_) => None,
        })
        .collect();
    let mut absent = Vec::new();
    let mut held = 0;
    for entitlement in store.entitlements() {
        if !matches!(entitlement.custody, Custody::Held { .. }) {
            continue;
        }
        let Some(reading) = by_resource.get(&entitlement.resource) else { continue };
        held += 1;
        let holding = Holding { principal: entitlement.principal, resource: entitlement.resource };
        if reading.shows_absent(&holding) {
            absent.push(entitlement.id);
        }
    }
    (absent, held)
}

/// The keys of what was read and is in the books, in whatever custody, and whether its row can be read
/// or not.
fn claimed(store: &Store, readings: &[Reading]) -> Result<BTreeSet<String>, StoreError> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    for reading in readings {
        if let (Scope::Resource(resource), Ok(holders)) = (&reading.scope, &reading.holders) {
            let keys = holders.keys().map(|principal| key(&EntitlementId::of(principal, resource)));
            found.extend(keys);
        }
    }
    let mut claimed = BTreeSet::new();
    for id in store.entitlement_ids() {
        let key = key(&id?);
        if found.contains(&key) {
            claimed.insert(key);
        }
    }
    Ok(claimed)
}

/// What the trail has told since the last time: what people had before they asked, and what has left
/// the books.
fn remembered(store: &Store, mut memory: Memory, now: Timestamp) -> Result<Memory, StoreError> {
    for kept in store.trail_from(memory.read_to.map_or(0, |number| number + 1)) {
        let kept = kept?;
        memory.read_to = Some(kept.number);
        let record = kept.record;
        match (record.action.as_str(), record.request, record.entitlement) {
            ("already_held", Some(request), _) => {
                let request = store.request(&request)?;
                let holding = request.and_then(|request| {
                    Some(Holding { principal: request.principal?, resource: request.target?.resource })
                });
                memory.own.extend(holding);
            }
            ("custody_absent", _, Some(entitlement)) if now.since(record.at) < Span::hours(1) => {
                memory.left.insert(entitlement, record.at);
            }
            _ => {}
        }
    }
    Ok(memory)
}
