//! One thread that makes commits durable, many at a time: the batches that arrive while the disk is
//! busy share the next flush.

use super::{StoreError, read, witness::Witness};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// What the disk has: every commit up to this number, or an error for good.
type OnDisk = Result<u64, String>;

/// A promise to be on disk.
#[derive(Debug, Clone)]
pub struct Ticket {
    number: u64,
    on_disk: watch::Receiver<OnDisk>,
}

impl Ticket {
    /// Returns when the commit is on disk: only then may anything leave the process.
    ///
    /// # Errors
    /// The disk refused; the commit may or may not be there after a restart.
    pub async fn on_disk(mut self) -> Result<(), StoreError> {
        let number = self.number;
        let reached =
            self.on_disk.wait_for(|state| state.as_ref().map_or(true, |done| *done >= number)).await;
        match reached.as_deref() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(StoreError::Poisoned(why.clone())),
            Err(_) => Err(StoreError::Poisoned("the store was closed".to_owned())),
        }
    }
}

/// A disk that takes its time: while this lives, no commit after a certain one is flushed. Commits are
/// taken and readers see them, but no ticket of theirs says that they are on disk, so that nothing may
/// come of them. A store that is closed flushes everything all the same.
#[derive(Debug)]
pub struct Held {
    wanted: Arc<Wanted>,
}

impl Held {
    /// Returns when there is a commit that is kept from the disk.
    pub async fn withholds(&self) {
        loop {
            let news = self.wanted.withheld.notified();
            if self.wanted.lock().is_held() {
                return;
            }
            news.await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.wanted.lock().last = None;
        self.wanted.changed.notify_one();
    }
}

/// After this long without a commit the witness catches up.
const REST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Committer {
    wanted: Arc<Wanted>,
    on_disk: Arc<watch::Sender<OnDisk>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Wanted {
    state: Mutex<State>,
    changed: Condvar,
    /// A commit came that is kept from the disk.
    withheld: Notify,
    flushes: AtomicU64,
}

impl Wanted {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct State {
    commits: u64,
    /// No commit after this one is flushed for now.
    last: Option<u64>,
    stop: bool,
}

impl State {
    /// The next flush would bring a commit to the disk that is kept from it.
    fn is_held(&self) -> bool {
        self.last.is_some_and(|last| self.commits > last)
    }
}

impl Committer {
    /// `done` commits are on disk already.
    pub(super) fn start(disk: Disk, witness: Witness, done: u64) -> std::io::Result<Self> {
        let state = Mutex::new(State { commits: done, ..State::default() });
        let wanted = Arc::new(Wanted { state, ..Wanted::default() });
        let on_disk = Arc::new(watch::Sender::new(Ok(done)));
        let worker =
            Worker { disk, witness, wanted: Arc::clone(&wanted), on_disk: Arc::clone(&on_disk), done };
        let thread =
            std::thread::Builder::new().name("sym-committer".to_owned()).spawn(move || worker.run())?;
        Ok(Self { wanted, on_disk, thread: Some(thread) })
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &*self.on_disk.borrow() {
            Ok(_) => Ok(()),
            Err(why) => Err(StoreError::Poisoned(why.clone())),
        }
    }

    /// Nothing is taken any more, and every ticket that is still waited for fails.
    pub(super) fn poison(&self, why: &str) {
        report(&self.on_disk, Err(why.to_owned()));
    }

    /// What stops the books from another thread.
    pub(super) fn doom(&self) -> impl FnOnce(&str) + Send + use<> {
        let on_disk = Arc::clone(&self.on_disk);
        move |why| {
            report(&on_disk, Err(why.to_owned()));
        }
    }

    pub(super) async fn broken(&self) {
        // It cannot be closed while `self` holds the sender.
        drop(self.on_disk.subscribe().wait_for(Result::is_err).await);
    }

    pub(super) fn ticket(&self, number: u64) -> Ticket {
        let mut state = self.wanted.lock();
        if number > state.commits {
            state.commits = number;
            if state.is_held() {
                self.wanted.withheld.notify_one();
            }
            self.wanted.changed.notify_one();
        }
        Ticket { number, on_disk: self.on_disk.subscribe() }
    }

    pub(super) fn hold_after(&self, last: u64) -> Held {
        self.wanted.lock().last = Some(last);
        Held { wanted: Arc::clone(&self.wanted) }
    }

    pub(super) fn flushes(&self) -> u64 {
        self.wanted.flushes.load(Ordering::Relaxed)
    }
}

/// The first error stays: nothing that comes after it can be trusted.
fn report(on_disk: &watch::Sender<OnDisk>, news: OnDisk) -> bool {
    on_disk.send_if_modified(|state| {
        let was_well = state.is_ok();
        if was_well {
            *state = news;
        }
        was_well
    })
}

/// Everything taken is on disk before the store is closed.
impl Drop for Committer {
    fn drop(&mut self) {
        self.wanted.lock().stop = true;
        self.wanted.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Worker {
    disk: Disk,
    witness: Witness,
    wanted: Arc<Wanted>,
    on_disk: Arc<watch::Sender<OnDisk>>,
    done: u64,
}

impl Worker {
    fn run(mut self) {
        loop {
            let (target, stop) = self.next();
            if target > self.done {
                let flushed = self.disk.flush().map(|()| target);
                let is_well = flushed.is_ok();
                self.wanted.flushes.fetch_add(1, Ordering::Relaxed);
                if !report(&self.on_disk, flushed) || !is_well {
                    return;
                }
                self.done = target;
                let followed = self.witness.follow(target);
                Self::judge(followed);
            } else if self.witness.lags(self.done) {
                let caught_up = self.witness.write(self.done);
                Self::judge(caught_up);
            }
            if stop {
                // A clean end leaves an exact witness.
                let last = self.witness.write(self.done);
                return Self::judge(last);
            }
        }
    }

    /// The commits themselves are on disk: a bot that stopped here could no longer revoke, which is
    /// worse than a witness that says too little.
    fn judge(witnessed: std::io::Result<()>) {
        if let Err(error) = witnessed {
            tracing::error!(error = %error, "the witness file could not be written; the store goes on without");
        }
    }

    /// Waits for work, or for the witness's time to catch up.
    fn next(&self) -> (u64, bool) {
        let state = self.wanted.lock();
        let has_none = |state: &mut State| (state.commits == self.done || state.is_held()) && !state.stop;
        let state = if self.witness.lags(self.done) {
            let waited = self.wanted.changed.wait_timeout_while(state, REST, has_none);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            self.wanted.changed.wait_while(state, has_none).unwrap_or_else(PoisonError::into_inner)
        };
        // Its time may be up while commits are held.
        let target = if state.is_held() && !state.stop { self.done } else { state.commits };
        (target, state.stop)
    }
}

/// sled and its files, as far as durability goes.
pub(super) struct Disk {
    db: sled::Db,
    /// A handle of our own on sled's data file.
    file: File,
    /// Where sled puts nodes with large rows, each in a file of its own, without any sync.
    blobs: PathBuf,
    /// The blobs that are on disk, and how long they were then.
    synced: BTreeMap<OsString, u64>,
}

impl Disk {
    pub(super) fn new(db: sled::Db, place: &Path) -> std::io::Result<Self> {
        let file = File::open(place.join("db"))?;
        Ok(Self { db, file, blobs: place.join("blobs"), synced: BTreeMap::new() })
    }

    /// sled's `flush` writes its pages but leaves the file's size and extents to the file system's
    /// journal; only `fdatasync` makes them survive a power cut.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        #[expect(clippy::disallowed_methods, reason = "this is the committer")]
        read::guarded(|| self.db.flush()).map_err(|error| error.to_string())?;
        self.sync_blobs().map_err(|error| format!("a large row could not be synced: {error}"))?;
        self.file.sync_data().map_err(|error| format!("fdatasync failed: {error}"))
    }

    /// A blob is written once, from front to back. The next commit may be writing one right now: it is
    /// longer when that commit is flushed, and synced again.
    fn sync_blobs(&mut self) -> std::io::Result<()> {
        let mut present = BTreeMap::new();
        for entry in fs::read_dir(&self.blobs)? {
            let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
            let blob = match File::open(path) {
                Ok(blob) => blob,
                // sled removes those it has rewritten.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let length = blob.metadata()?.len();
            if self.synced.get(&name) != Some(&length) {
                blob.sync_data()?;
            }
            present.insert(name, length);
        }
        if present != self.synced {
            File::open(&self.blobs)?.sync_all()?;
            self.synced = present;
        }
        Ok(())
    }
}
