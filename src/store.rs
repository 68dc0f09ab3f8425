//! Keeps requests, entitlements, due entries, notices and audit records: all or nothing, on disk when
//! it returns. The only room that knows sled.
//!
//! sled 0.34 is used under rules that made it lose nothing in simulated power cuts: one tree, one
//! batch per step, no background flush, one committer that calls `flush` and then `fdatasync` on
//! sled's own files, left-over snapshot files removed before opening. What it cannot be trusted with
//! is checked from outside: a witness file beside the store notices when it comes back empty or older
//! than it was, a sum over all rows (written in every batch, compared when opening; for large books
//! soon after, see [`Store::proven`]) notices when it comes back with some pages older than others,
//! and panics inside it are caught and become errors.
//!
//! What sled costs, it costs per row and per byte: rows are packed (`row.rs`), and old audit records
//! are bound together (`volume.rs`).

mod backup;
mod committer;
mod index;
mod keys;
mod open;
mod prover;
mod read;
mod room;
mod row;
mod survey;
#[cfg(test)]
mod tests;
mod trail;
mod verify;
mod volume;
mod witness;
mod write;

pub use backup::{BackupError, Saved};
pub use committer::{Held, Ticket};
pub use open::OpenError;
pub use room::{Outlook, Room};
pub use trail::Kept;
pub use verify::{Flaw, Verdict, What};

use crate::access::{
    AccessRequest, AuditRecord, Case, Click, Entitlement, EntitlementId, EnvelopeId, Notice, RequestId, Step,
    Sweep, Timestamp,
};
use committer::Committer;
use prover::Prover;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use survey::Survey;

/// What can go wrong with an open store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// sled could not read or write.
    #[error("the store could not be read or written: {0}")]
    Sled(String),
    /// A row does not decode. It stays where it is.
    #[error("row `{key}` of the store cannot be read: {why}")]
    Row {
        /// The row's key, in readable form.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// The audit trail ends before its last record.
    #[error("the audit trail is cut off: records that were written are missing at its end")]
    TrailCut,
    /// Some rows are gone, or older than others.
    #[error(
        "the rows of the store do not add up to what was written down: some are missing, or older than others"
    )]
    DoesNotAddUp,
    /// A write failed before: what memory says may not be on disk, so nothing is taken any more.
    #[error("the store stopped taking writes after one failed: {0}")]
    Poisoned(String),
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        Self::Sled(error.to_string())
    }
}

/// Something that is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// A request owes something.
    Request(RequestId),
    /// An entitlement owes something.
    Entitlement(EntitlementId),
}

/// A notice that has not been sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its place in the queue.
    pub number: u64,
    /// Since when it waits.
    pub since: Timestamp,
    /// What to send.
    pub notice: Notice,
}

/// How much the store has done and holds, for people who watch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Commits since the store was made.
    pub commits: u64,
    /// Flushes since it was opened: many commits can share one.
    pub flushes: u64,
    /// Bytes of its files.
    pub bytes: u64,
}

/// Everything one step changes, written in one batch.
#[derive(Debug, Default)]
pub struct Commit {
    /// When the step happened: since then its notices wait.
    pub at: Timestamp,
    /// Requests to write.
    pub requests: Vec<AccessRequest>,
    /// Entitlements to write.
    pub entitlements: Vec<Entitlement>,
    /// Entitlements that leave the books.
    pub gone: Vec<EntitlementId>,
    /// Notices to queue.
    pub notices: Vec<Notice>,
    /// Notices that were sent.
    pub sent: Vec<(RequestId, u64)>,
    /// Records to add to the audit trail.
    pub audit: Vec<AuditRecord>,
    /// Requests whose cards must be drawn again.
    pub redraw: BTreeSet<RequestId>,
    /// Requests whose cards were drawn, with the mark they had when drawing began.
    pub drawn: Vec<(RequestId, u64)>,
    /// A click to keep until it is decided, with its delivery.
    pub click: Option<Click>,
    /// A click that has been decided.
    pub handled: Option<EnvelopeId>,
    /// Deliveries too old to be repeated.
    pub forget: Vec<EnvelopeId>,
    /// What a comparison with AWS has shown: it takes the place of the one before.
    pub sweep: Option<Sweep>,
}

impl Commit {
    /// The batch for a step that began with `before`: what is in the case is written, what left it is
    /// removed.
    pub fn of(before: &Case, step: Step, at: Timestamp) -> Self {
        let gone = match (&before.entitlement, &step.case.entitlement) {
            (Some(old), None) => vec![old.id.clone()],
            _ => Vec::new(),
        };
        Self {
            at,
            requests: step
                .case
                .requests
                .into_iter()
                .filter(|(id, request)| before.requests.get(id) != Some(request))
                .map(|(_, request)| request)
                .collect(),
            entitlements: step
                .case
                .entitlement
                .into_iter()
                .filter(|new| before.entitlement.as_ref() != Some(new))
                .collect(),
            gone,
            notices: step.notices,
            audit: step.audit,
            redraw: step.redraw,
            ..Self::default()
        }
    }
}

/// The books, open.
#[derive(Debug)]
pub struct Store {
    /// Stopped before the rest is closed.
    prover: Prover,
    db: sled::Db,
    books: Arc<Books>,
    committer: Committer,
    folder: PathBuf,
    /// Held as long as the store is open, and released last.
    _lock: File,
}

/// What a commit and the reading of all rows both go on from.
#[derive(Debug)]
struct Books {
    head: Mutex<Head>,
    /// While the rows are still being read. Locked only by who holds the head.
    survey: Mutex<Option<Survey>>,
    /// With the newest version of rows. Changed only by who holds the head.
    is_marked: AtomicBool,
}

impl Books {
    fn head(&self) -> MutexGuard<'_, Head> {
        // The head is replaced whole, so a panic elsewhere cannot have left it half-changed.
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn survey(&self) -> MutexGuard<'_, Option<Survey>> {
        self.survey.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the next commit continues from. It is part of every batch.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Head {
    /// Commits so far.
    commits: u64,
    /// The next number for a notice, a redraw mark or an audit record.
    next: u64,
    /// The hash that ends the audit chain.
    chain: [u8; 32],
    /// The sum over all rows but the head and the audit trail, which has its chain.
    sum: u128,
    /// Records of the trail in rows of their own.
    single: u64,
}

/// Reads a row as the books do.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_row<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    row::decode(b"r/row", bytes)
}

/// Writes a row as the books do.
#[cfg(any(test, fuzzing))]
pub(crate) fn write_row<T: serde::Serialize>(row: &T) -> Result<Vec<u8>, StoreError> {
    row::encode(row)
}

impl Store {
    /// Opens or creates the books in `folder`. Large books are open before all of their rows have been
    /// read: see [`Store::proven`].
    ///
    /// # Errors
    /// Another process has them open, they are damaged, empty though they were not, older than the
    /// witness, of a newer version, or cannot be written; the message says what to do. We delete
    /// nothing, but sled cuts off the end of a file that it cannot read, before we can look at it.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_after(folder, open::ROWS)
    }

    /// Opens or creates the books when so many rows have been read; the rest is read beside the work.
    ///
    /// # Errors
    /// As with [`Store::open`].
    pub fn open_after(folder: &Path, rows: usize) -> Result<Self, OpenError> {
        open::open(folder, rows)
    }

    /// Opens the books when every row has been read, however many there are: what is said about them is
    /// said about all of them.
    ///
    /// # Errors
    /// As with [`Store::open`], and damage anywhere.
    pub fn open_whole(folder: &Path) -> Result<Self, OpenError> {
        Self::open_after(folder, usize::MAX)
    }

    /// Writes a batch. It is visible to readers when this returns, and on disk when the ticket says
    /// so: nothing may leave the process before.
    ///
    /// # Errors
    /// The batch cannot be written and nothing of it is: the store was poisoned before, or it would
    /// replace a row that cannot be read, whose due entry is therefore unknown and which may be the
    /// only evidence of access. When sled itself fails halfway, the store is poisoned.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is used up: a second time its notices would go out twice"
    )]
    pub fn commit(&self, commit: Commit) -> Result<Ticket, StoreError> {
        self.committer.check()?;
        let mut head = self.lock();
        let is_marked = self.books.is_marked.load(Ordering::Relaxed);
        let (writes, after) = write::batch(&self.db, &head, &commit, is_marked)?;
        if let Some(survey) = self.books.survey().as_mut() {
            for write in &writes {
                survey.follow(&write.key, write.old.as_deref(), write.new.as_deref());
            }
        }
        let mut batch = sled::Batch::default();
        for write in writes {
            match write.new {
                Some(value) => batch.insert(write.key, value),
                None => batch.remove(write.key),
            }
        }
        #[expect(clippy::disallowed_methods, reason = "this is `Store::commit`")]
        let applied = read::guarded(|| self.db.apply_batch(batch));
        if let Err(error) = applied {
            // Memory may hold half of the batch now.
            self.committer.poison(&error.to_string());
            return Err(error);
        }
        let ticket = self.committer.ticket(after.commits);
        *head = after;
        self.books.is_marked.store(true, Ordering::Relaxed);
        Ok(ticket)
    }

    fn lock(&self) -> MutexGuard<'_, Head> {
        self.books.head()
    }

    /// Returns when every row has been read and all of them add up to what was written: nothing is
    /// missing, and nothing is older than the rest. Small books are proven when they are open; of large
    /// ones the rest is read meanwhile. What is owed can be done before; new access must wait for it.
    ///
    /// # Errors
    /// The books are damaged. Nothing is taken any more from then on, and [`Store::broken`] returns.
    pub async fn proven(&self) -> Result<(), StoreError> {
        self.prover.proven().await
    }

    /// Waits until everything committed so far is on disk.
    ///
    /// # Errors
    /// The disk refused.
    pub async fn settle(&self) -> Result<(), StoreError> {
        let commits = self.lock().commits;
        self.committer.ticket(commits).on_disk().await
    }

    /// Keeps every commit after the `last`-th from the disk as long as the result lives, as a disk does
    /// that takes its time: to see that nothing leaves the process before its commit is on disk.
    pub fn hold_after(&self, last: u64) -> Held {
        self.committer.hold_after(last)
    }

    /// Returns when a write has failed: from then on nothing is taken any more.
    pub async fn broken(&self) {
        self.committer.broken().await;
    }

    /// How much the store has done and holds.
    pub fn figures(&self) -> Figures {
        let commits = self.lock().commits;
        Figures { commits, flushes: self.committer.flushes(), bytes: open::bytes(&self.folder) }
    }
}
