//! Applies events one at a time and does what is due. The only room where the adapters meet.
//!
//! An event is applied under one lock: load, decide, commit. The lock is let go before the disk
//! answers, so that many commits share one flush; but nothing leaves the process (no acknowledgement,
//! no call to AWS, no message) before its own commit is on disk. The loop that does what is due is
//! also the recovery after a crash: there is no other recovery code.

mod clicks;
mod deciders;
mod denial;
mod drift;
mod due;
mod hands;
mod identify;
mod inbound;
mod insight;
mod inventory;
mod offers;
mod outbox;
mod people;
mod reachability;
mod reload;
mod tasks;

pub use drift::LastSweep;
pub use insight::{Insight, Named};
pub use reachability::Finding;

use crate::access::{
    Case, Entitlement, EntitlementId, EnvelopeId, Event, Jitter, Refusal, RequestId, Span, Step, TeamId,
    Timestamp, UserId, decide,
};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::manifest::Catalog;
use crate::slack::api::SlackApi;
use crate::store::{Commit, Due, Store, StoreError};
use drift::Drift;
use hands::Hands;
use inventory::Inventory;
use offers::Offers;
use outbox::Outbox;
use people::Directory;
use reachability::Reachability;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use tasks::{Busy, Tasks};
use tokio::sync::Notify;

/// How long a delivery is remembered, so that a repeated one is not taken twice.
const DELIVERY_MEMORY: Span = Span::hours(1);

/// The bot's own place in Slack.
#[derive(Debug, Clone)]
pub struct Home {
    /// Its workspace.
    pub team: TeamId,
    /// Its organisation, on Enterprise Grid.
    pub enterprise: Option<String>,
    /// Itself.
    pub bot: UserId,
}

/// What the engine is made of.
pub struct Parts {
    /// The books.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Slack's Web API.
    pub slack: SlackApi,
    /// AWS.
    pub aws: Aws,
    /// The flows.
    pub catalog: Catalog,
}

/// The running bot. Cheap to clone: all clones are the same bot.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    clock: Clock,
    slack: SlackApi,
    aws: Aws,
    catalog: RwLock<Arc<Catalog>>,
    /// Known once Slack has been reached; the bot ends access without it.
    home: OnceLock<Home>,
    /// Held while one event is decided and committed.
    gate: Mutex<()>,
    people: Directory,
    inventory: Inventory,
    reachability: Reachability,
    drift: Drift,
    outbox: Outbox,
    tasks: Tasks,
    /// The duties in hand.
    busy: Busy<Due>,
    /// How much of it waits for AWS, and what must wait for that.
    hands: Hands,
    /// The clicks in hand.
    clicks: Busy<EnvelopeId>,
    /// Duties whose rows made trouble, and until when they are left alone.
    troubles: Mutex<HashMap<Due, Timestamp>>,
    /// When old deliveries were last forgotten.
    tidied: Mutex<Option<Timestamp>>,
    /// What is to be done although the index of what is due does not show it.
    offers: Offers,
    /// Nothing new is started.
    is_finishing: AtomicBool,
    /// Manifests were offered that do not load, and people were told.
    is_behind: AtomicBool,
    /// There is too little room on the disk to take new requests.
    is_short: AtomicBool,
    /// Something may have become due. A hint: a lost one costs at most a second.
    wake: Notify,
}

/// What an event is about: the part of the books to load.
#[derive(Debug, Clone)]
pub(crate) enum About {
    Request(RequestId),
    /// A request and the entitlement that it is about to claim.
    Claim(RequestId, EntitlementId),
    Entitlement(EntitlementId),
}

impl Engine {
    /// Puts the parts together. Nothing runs yet.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, clock, slack, aws, catalog } = parts;
        Self {
            shared: Arc::new(Shared {
                store,
                clock,
                slack,
                aws,
                catalog: RwLock::new(Arc::new(catalog)),
                home: OnceLock::new(),
                gate: Mutex::new(()),
                people: Directory::default(),
                inventory: Inventory::default(),
                reachability: Reachability::default(),
                drift: Drift::default(),
                outbox: Outbox::default(),
                tasks: Tasks::default(),
                busy: Busy::default(),
                hands: Hands::default(),
                clicks: Busy::default(),
                troubles: Mutex::default(),
                tidied: Mutex::default(),
                offers: Offers::default(),
                is_finishing: AtomicBool::default(),
                is_behind: AtomicBool::default(),
                is_short: AtomicBool::default(),
                wake: Notify::new(),
            }),
        }
    }

    /// The books, for reading.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Says where the bot is at home. Until then nobody's rights can be told, and nobody has any.
    pub fn is_at_home(&self, home: Home) {
        drop(self.shared.home.set(home));
        self.resume_clicks();
        self.wake();
    }

    /// Slack's Web API.
    pub fn slack(&self) -> &SlackApi {
        &self.shared.slack
    }

    /// The flows in force.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.shared.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Takes up what an earlier run left and keeps doing what is due, until the future is dropped.
    pub async fn run(&self) {
        self.resume_clicks();
        loop {
            self.tend();
            // A full batch may not be all.
            while self.start_due() >= due::BATCH {}
            self.wait_for_work().await;
        }
    }

    /// Starts what is done from time to time and owed to nobody in particular, where its time has come:
    /// reading the accounts, forgetting old deliveries, looking whether approvers can be reached, comparing
    /// AWS with the books.
    pub fn tend(&self) {
        self.refresh_inventory();
        self.forget_old_deliveries();
        self.report_reachability();
        self.watch_drift();
    }

    /// Does everything that is due now, and everything that follows from it, and returns when nothing
    /// is left to do at this moment. For tests and for a clock that stands still.
    pub async fn settle(&self) {
        self.refresh_inventory();
        self.resume_clicks();
        loop {
            self.at_rest().await;
            if self.start_due() == 0 && self.is_at_rest() {
                return;
            }
        }
    }

    /// Returns when all that is in hand waits for AWS's quotas, and with them for time to pass.
    async fn at_rest(&self) {
        loop {
            let ended = self.shared.tasks.one_ends();
            if self.is_at_rest() {
                return;
            }
            tokio::select! {
                () = ended => {}
                () = self.shared.aws.somebody_waits() => {}
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        self.shared.tasks.running() <= self.shared.aws.waiting()
    }

    /// When the next thing is to be done, however far away: a duty that is not in hand, a message, or
    /// a turn of a duty that waits for AWS's quotas.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let turn = self.shared.aws.next_turn().map(Timestamp::from_millis);
        Ok([self.next_start()?, turn].into_iter().flatten().min())
    }

    /// Whether there is too little room on the disk to take new requests. Everything else goes on.
    pub fn is_short_of_room(&self, is_short: bool) {
        self.shared.is_short.store(is_short, Ordering::SeqCst);
    }

    /// When the next thing is to be started.
    fn next_start(&self) -> Result<Option<Timestamp>, StoreError> {
        let Shared { store, busy, hands, .. } = &*self.shared;
        let due = store.next_due_beside(|what| busy.has(what) || hands.holds_back(what))?;
        Ok([due, self.shared.outbox.next_retry()].into_iter().flatten().min())
    }

    /// Lets what is in hand finish, and starts nothing more. What is not finished then is in the books and goes on at the next
    /// start.
    pub async fn finish(&self) {
        self.shared.is_finishing.store(true, Ordering::SeqCst);
        self.shared.aws.stop_waiting();
        self.shared.drift.stop();
        self.shared.tasks.idle().await;
        if let Err(error) = self.shared.store.settle().await {
            tracing::error!(error = %error, "the last commits may not be on disk");
        }
    }

    /// Returns when the books cannot be written any more. Nothing can be promised then.
    pub async fn broken(&self) {
        self.shared.store.broken().await;
    }

    /// Held while one event is decided and committed.
    fn gate(&self) -> MutexGuard<'_, ()> {
        self.shared.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides one event and returns when the outcome is on disk.
    async fn apply(&self, about: &About, event: &Event) -> Result<Result<(), Refusal>, StoreError> {
        let ticket = {
            let _one_at_a_time = self.gate();
            let at = self.now();
            let case = self.case(about)?;
            match decide(&case, event, at) {
                Ok(step) => self.shared.store.commit(Commit::of(&case, step, at))?,
                Err(refusal) => return Ok(Err(refusal)),
            }
        };
        ticket.on_disk().await?;
        self.wake();
        Ok(Ok(()))
    }

    /// What an operator decided at the machine: in the books when this returns, and done next.
    ///
    /// # Errors
    /// The books cannot be read or written. A [`Refusal`] says why it changes nothing.
    pub async fn operator(&self, id: &RequestId, event: &Event) -> Result<Result<(), Refusal>, StoreError> {
        self.apply(&About::Request(id.clone()), event).await
    }

    /// Writes a step that needed nothing from the books.
    async fn record(&self, commit: Commit) -> Result<(), StoreError> {
        let ticket = {
            let _one_at_a_time = self.gate();
            self.shared.store.commit(commit)?
        };
        ticket.on_disk().await?;
        self.wake();
        Ok(())
    }

    /// Slack repeats a delivery within minutes: what is older need not be remembered.
    fn forget_old_deliveries(&self) {
        let now = self.now();
        {
            let mut last = self.shared.tidied.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| now.since(last) < DELIVERY_MEMORY) {
                return;
            }
            *last = Some(now);
        }
        let engine = self.clone();
        self.spawn(async move {
            let old = engine.shared.store.seen_before(now - DELIVERY_MEMORY);
            let forgotten = match old {
                Ok(old) if old.is_empty() => return,
                Ok(forget) => engine.record(Commit { at: now, forget, ..Commit::default() }).await,
                Err(error) => Err(error),
            };
            if let Err(error) = forgotten {
                engine.store_failed(&error);
            }
        });
    }

    /// The part of the books that an event can touch.
    fn case(&self, about: &About) -> Result<Case, StoreError> {
        let store = &self.shared.store;
        let mut requests = BTreeMap::new();
        let entitlement = match about {
            About::Entitlement(id) => store.entitlement(id)?,
            About::Request(id) | About::Claim(id, _) => {
                let request = store.request(id)?;
                let claims = match about {
                    About::Claim(_, entitlement) => Some(entitlement.clone()),
                    About::Request(_) | About::Entitlement(_) => {
                        request.as_ref().and_then(crate::access::AccessRequest::entitlement)
                    }
                };
                requests.extend(request.map(|request| (id.clone(), request)));
                claims.map(|id| store.entitlement(&id)).transpose()?.flatten()
            }
        };
        for id in entitlement.iter().flat_map(claimants) {
            if !requests.contains_key(id)
                && let Some(request) = store.request(id)?
            {
                requests.insert(id.clone(), request);
            }
        }
        Ok(Case { requests, entitlement })
    }

    /// Something may have become due: the clock was moved, or the books were changed.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// Runs a piece of work beside everything else; it is waited for at the end.
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, work: F) {
        self.shared.tasks.spawn(work);
    }

    /// A write to the books failed. Nothing more can be promised, so this is said as loudly as can be;
    /// what was not committed was not acknowledged either.
    #[expect(clippy::unused_self, reason = "it belongs to the bot that failed")]
    fn store_failed(&self, error: &StoreError) {
        tracing::error!(error = %error, "the books could not be read or written");
    }
}

fn claimants(entitlement: &Entitlement) -> impl Iterator<Item = &RequestId> {
    entitlement.claims.keys().chain(&entitlement.ending)
}

fn jitter() -> Jitter {
    rand::random_range(0..1000)
}

/// The first commit of a new request.
fn opening(step: Step, at: Timestamp) -> Commit {
    Commit::of(&Case::default(), step, at)
}
