//! One thread that makes commits durable, many at a time: the batches that arrive while the disk is
//! busy share the next flush.

use super::{StoreError, open::Witness};
use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::watch;

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
        let reached = self.on_disk.wait_for(|state| state.as_ref().map_or(true, |done| *done >= number)).await;
        match reached.as_deref() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(StoreError::Poisoned(why.clone())),
            Err(_) => Err(StoreError::Poisoned("the store was closed".to_owned())),
        }
    }
}

#[derive(Debug)]
pub(super) struct Committer {
    wanted: Arc<Wanted>,
    on_disk: watch::Receiver<OnDisk>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Wanted {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    commits: u64,
    stop: bool,
}

impl Committer {
    /// `file` is a handle of our own on sled's data file; `done` commits are on disk already.
    pub(super) fn start(db: sled::Db, file: File, witness: Witness, done: u64) -> std::io::Result<Self> {
        let wanted = Arc::new(Wanted { state: Mutex::new(State { commits: done, stop: false }), changed: Condvar::new() });
        let (sender, on_disk) = watch::channel(Ok(done));
        let worker = Worker { db, file, witness, wanted: Arc::clone(&wanted), sender, done };
        let thread = std::thread::Builder::new().name("sym-committer".to_owned()).spawn(move || worker.run())?;
        Ok(Self { wanted, on_disk, thread: Some(thread) })
    }

    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &*self.on_disk.borrow() {
            Ok(_) => Ok(()),
            Err(why) => Err(StoreError::Poisoned(why.clone())),
        }
    }

    pub(super) async fn broken(&self) {
        let mut on_disk = self.on_disk.clone();
        // The sender going away is the end of the committer, which is as bad.
        drop(on_disk.wait_for(Result::is_err).await);
    }

    pub(super) fn ticket(&self, number: u64) -> Ticket {
        let mut state = self.wanted.state.lock().unwrap_or_else(PoisonError::into_inner);
        if number > state.commits {
            state.commits = number;
            self.wanted.changed.notify_one();
        }
        Ticket { number, on_disk: self.on_disk.clone() }
    }
}

/// Everything taken is on disk before the store is closed.
impl Drop for Committer {
    fn drop(&mut self) {
        self.wanted.state.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.wanted.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Worker {
    db: sled::Db,
    file: File,
    witness: Witness,
    wanted: Arc<Wanted>,
    sender: watch::Sender<OnDisk>,
    done: u64,
}

impl Worker {
    fn run(mut self) {
        loop {
            let (target, stop) = self.next();
            if target > self.done {
                if let Err(why) = self.flush(target) {
                    let _ = self.sender.send_replace(Err(why));
                    return;
                }
                self.done = target;
                let _ = self.sender.send_replace(Ok(target));
            }
            if stop {
                // A clean end leaves an exact witness.
                drop(self.witness.write(self.done));
                return;
            }
        }
    }

    fn next(&self) -> (u64, bool) {
        let state = self.wanted.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self
            .wanted
            .changed
            .wait_while(state, |state| state.commits == self.done && !state.stop)
            .unwrap_or_else(PoisonError::into_inner);
        (state.commits, state.stop)
    }

    /// sled's `flush` writes its pages but leaves the file's size and extents to the file system's
    /// journal; only `fdatasync` makes them survive a power cut.
    fn flush(&mut self, target: u64) -> Result<(), String> {
        #[expect(clippy::disallowed_methods, reason = "this is the committer")]
        self.db.flush().map_err(|error| error.to_string())?;
        self.file.sync_data().map_err(|error| format!("fdatasync failed: {error}"))?;
        self.witness.follow(target).map_err(|error| format!("the witness file could not be written: {error}"))
    }
}
