//! Keeps requests, entitlements, due entries, notices and audit records: all or nothing, on disk when
//! it returns. The only room that knows sled.
//!
//! sled 0.34 is used under rules that made it lose nothing in simulated power cuts: one tree, one
//! batch per step, no background flush, one committer that calls `flush` and then `fdatasync` on
//! sled's own file, left-over snapshot files removed before opening, and a witness file beside the
//! store that notices when the store comes back empty or older than it was.

mod committer;
mod keys;
mod open;
mod row;

pub use committer::Ticket;
pub use open::OpenError;

use crate::access::{
    AccessRequest, AuditRecord, Case, Click, Entitlement, EntitlementId, EnvelopeId, Notice, RequestId, Step,
    Timestamp,
};
use committer::Committer;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

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
    /// A flush failed before: what memory says may not be on disk, so nothing is taken any more.
    #[error("the store stopped taking writes after a failed flush: {0}")]
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
    db: sled::Db,
    head: Mutex<Head>,
    committer: Committer,
}

/// What the next commit continues from.
#[derive(Debug)]
struct Head {
    /// The next number for a notice, a redraw mark or an audit record.
    next: u64,
    /// Commits so far.
    commits: u64,
    /// The hash that ends the audit chain.
    chain: [u8; 32],
}

impl Store {
    /// Opens or creates the books in `folder`.
    ///
    /// # Errors
    /// Another process has them open, they are damaged, empty though they were not, older than the
    /// witness, of a newer version, or cannot be written. Nothing is deleted; the message says what to do.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        open::open(folder)
    }

    /// Writes a batch. It is visible to readers when this returns, and on disk when the ticket says
    /// so: nothing may leave the process before.
    ///
    /// # Errors
    /// The batch cannot be written; nothing of it is.
    pub fn commit(&self, commit: Commit) -> Result<Ticket, StoreError> {
        self.committer.check()?;
        let mut head = self.lock();
        let mut batch = sled::Batch::default();
        let mut draft = Head { next: head.next, commits: head.commits + 1, chain: head.chain };
        self.write(commit, &mut draft, &mut batch)?;
        batch.insert(keys::HEAD, &keys::head(draft.commits, draft.next));
        #[expect(clippy::disallowed_methods, reason = "this is `Store::commit`")]
        self.db.apply_batch(batch)?;
        let ticket = self.committer.ticket(draft.commits);
        *head = draft;
        Ok(ticket)
    }

    fn write(&self, commit: Commit, head: &mut Head, batch: &mut sled::Batch) -> Result<(), StoreError> {
        for request in &commit.requests {
            let key = keys::request(&request.id);
            let old = self.request(&request.id)?.and_then(|old| old.duty()).map(|(_, at)| at);
            let new = request.duty().map(|(_, at)| at);
            move_due(batch, &Due::Request(request.id.clone()), old, new);
            batch.insert(key, row::encode(request)?);
        }
        for entitlement in &commit.entitlements {
            let old = self.entitlement(&entitlement.id)?.and_then(|old| old.duty()).map(|(_, at)| at);
            let new = entitlement.duty().map(|(_, at)| at);
            move_due(batch, &Due::Entitlement(entitlement.id.clone()), old, new);
            batch.insert(keys::entitlement(&entitlement.id), row::encode(entitlement)?);
        }
        for id in &commit.gone {
            let old = self.entitlement(id)?.and_then(|old| old.duty()).map(|(_, at)| at);
            move_due(batch, &Due::Entitlement(id.clone()), old, None);
            batch.remove(keys::entitlement(id));
        }
        Self::write_queue(&commit, head, batch)?;
        self.write_marks(&commit, head, batch)?;
        for record in &commit.audit {
            let text = row::encode(record)?;
            head.chain = link(&head.chain, &text);
            batch.insert(keys::audit(take(head)), [&head.chain[..], &text[..]].concat());
        }
        Ok(())
    }

    fn write_queue(commit: &Commit, head: &mut Head, batch: &mut sled::Batch) -> Result<(), StoreError> {
        for notice in &commit.notices {
            batch.insert(keys::notice(&notice.request, take(head)), row::encode(&(commit.at, notice))?);
        }
        for (id, number) in &commit.sent {
            batch.remove(keys::notice(id, *number));
        }
        if let Some(click) = &commit.click {
            batch.insert(keys::click(&click.envelope), row::encode(click)?);
            batch.insert(keys::seen(&click.envelope), &click.at.millis().to_be_bytes());
        }
        if let Some(envelope) = &commit.handled {
            batch.remove(keys::click(envelope));
        }
        for envelope in &commit.forget {
            batch.remove(keys::seen(envelope));
        }
        Ok(())
    }

    /// A card that was drawn is clean only if nothing has marked it since drawing began.
    fn write_marks(&self, commit: &Commit, head: &mut Head, batch: &mut sled::Batch) -> Result<(), StoreError> {
        for (id, mark) in &commit.drawn {
            let key = keys::redraw(id);
            let current = self.db.get(&key)?;
            if current.as_deref() == Some(&mark.to_be_bytes()[..]) && !commit.redraw.contains(id) {
                batch.remove(key);
            }
        }
        for id in &commit.redraw {
            batch.insert(keys::redraw(id), &take(head).to_be_bytes());
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Head> {
        // The head is replaced whole, so a panic elsewhere cannot have left it half-changed.
        self.head.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits until everything committed so far is on disk.
    ///
    /// # Errors
    /// The disk refused.
    pub async fn settle(&self) -> Result<(), StoreError> {
        let commits = self.lock().commits;
        self.committer.ticket(commits).on_disk().await
    }

    /// Returns when a flush has failed: from then on nothing is taken any more.
    pub async fn broken(&self) {
        self.committer.broken().await;
    }

    /// The request of that id.
    ///
    /// # Errors
    /// The store or the row cannot be read.
    pub fn request(&self, id: &RequestId) -> Result<Option<AccessRequest>, StoreError> {
        self.get(keys::request(id))
    }

    /// The entitlement of that id, while something is owed for it.
    ///
    /// # Errors
    /// The store or the row cannot be read.
    pub fn entitlement(&self, id: &EntitlementId) -> Result<Option<Entitlement>, StoreError> {
        self.get(keys::entitlement(id))
    }

    /// What is due at `until`, most overdue first, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, Due)>, StoreError> {
        let end = keys::due_end(until);
        let mut found = Vec::new();
        for entry in self.db.range(keys::DUE.to_vec()..end).take(limit) {
            let (key, _) = entry?;
            if let Some(due) = keys::read_due(&key) {
                found.push(due);
            }
        }
        Ok(found)
    }

    /// When the next thing is due.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let first = self.db.scan_prefix(keys::DUE).keys().next().transpose()?;
        Ok(first.and_then(|key| keys::read_due(&key)).map(|(at, _)| at))
    }

    /// The notices that wait for a request, oldest first.
    ///
    /// # Errors
    /// The store or a row cannot be read.
    pub fn notices(&self, id: &RequestId) -> Result<Vec<Queued>, StoreError> {
        let mut found = Vec::new();
        for entry in self.db.scan_prefix(keys::notices(id)) {
            let (key, value) = entry?;
            let (since, notice) = row::decode(&key, &value)?;
            found.push(Queued { number: keys::read_number(&key), since, notice });
        }
        Ok(found)
    }

    /// The requests with notices that wait, each once. The store is read as the iterator moves.
    pub fn requests_with_notices(&self) -> impl Iterator<Item = RequestId> + '_ {
        let mut from = keys::NOTICE.to_vec();
        std::iter::from_fn(move || {
            let (key, _) = self.db.range(from.clone()..keys::after(keys::NOTICE)).next()?.ok()?;
            let id = keys::read_notice(&key)?;
            from = keys::after(&keys::notices(&id));
            Some(id)
        })
    }

    /// The requests whose cards must be drawn again. The store is read as the iterator moves.
    pub fn redraws(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.db.scan_prefix(keys::REDRAW).keys().filter_map(|key| {
            let key = key.ok()?;
            Some(RequestId::new(String::from_utf8_lossy(&key[keys::REDRAW.len()..])))
        })
    }

    /// The mark under which a request's cards must be drawn again; `None` when they are right.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn redraw_mark(&self, id: &RequestId) -> Result<Option<u64>, StoreError> {
        Ok(self.db.get(keys::redraw(id))?.map(|mark| keys::read_number(&mark)))
    }

    /// The clicks that wait for their decision.
    ///
    /// # Errors
    /// The store or a row cannot be read.
    pub fn clicks(&self) -> Result<Vec<Click>, StoreError> {
        self.all(keys::CLICK).map(|rows| rows.into_values().collect())
    }

    /// Whether this delivery has been taken before.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn has_seen(&self, envelope: &EnvelopeId) -> Result<bool, StoreError> {
        Ok(self.db.contains_key(keys::seen(envelope))?)
    }

    /// The deliveries taken before `before`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn seen_before(&self, before: Timestamp) -> Result<Vec<EnvelopeId>, StoreError> {
        let mut found = Vec::new();
        for entry in self.db.scan_prefix(keys::SEEN) {
            let (key, value) = entry?;
            if i64::from_be_bytes(value[..].try_into().unwrap_or_default()) < before.millis() {
                let id = String::from_utf8_lossy(&key[keys::SEEN.len()..]).into_owned();
                found.push(EnvelopeId::new(id));
            }
        }
        Ok(found)
    }

    /// Every entitlement in the books. Rows that cannot be read are passed over here; they are named
    /// when they are due.
    pub fn entitlements(&self) -> impl Iterator<Item = Entitlement> + '_ {
        self.db
            .scan_prefix(keys::ENTITLEMENT)
            .filter_map(Result::ok)
            .filter_map(|(key, value)| row::decode(&key, &value).ok())
    }

    /// Every request in the books, over or not. Rows that cannot be read are passed over.
    pub fn requests(&self) -> impl Iterator<Item = AccessRequest> + '_ {
        self.db
            .scan_prefix(keys::REQUEST)
            .filter_map(Result::ok)
            .filter_map(|(key, value)| row::decode(&key, &value).ok())
    }

    /// The audit trail, oldest first: number, record, and whether the chain holds up to it.
    pub fn audit(&self) -> impl Iterator<Item = Result<(u64, AuditRecord, bool), StoreError>> + '_ {
        let mut chain = [0_u8; 32];
        self.db.scan_prefix(keys::AUDIT).map(move |entry| {
            let (key, value) = entry?;
            let (hash, text) = value.split_at_checked(32).unwrap_or((&[], &value[..]));
            chain = link(&chain, text);
            let holds = hash == chain;
            Ok((keys::read_number(&key), row::decode(&key, text)?, holds))
        })
    }

    fn get<T: serde::de::DeserializeOwned>(&self, key: Vec<u8>) -> Result<Option<T>, StoreError> {
        let Some(value) = self.db.get(&key)? else { return Ok(None) };
        row::decode(&key, &value).map(Some)
    }

    fn all<T: serde::de::DeserializeOwned>(&self, prefix: &[u8]) -> Result<BTreeMap<Vec<u8>, T>, StoreError> {
        let mut found = BTreeMap::new();
        for entry in self.db.scan_prefix(prefix) {
            let (key, value) = entry?;
            found.insert(key.to_vec(), row::decode(&key, &value)?);
        }
        Ok(found)
    }
}

/// State and due entry are computed in one place, so that they cannot disagree.
fn move_due(batch: &mut sled::Batch, what: &Due, old: Option<Timestamp>, new: Option<Timestamp>) {
    if old == new {
        return;
    }
    if let Some(old) = old {
        batch.remove(keys::due(old, what));
    }
    if let Some(new) = new {
        batch.insert(keys::due(new, what), &[]);
    }
}

fn take(head: &mut Head) -> u64 {
    let number = head.next;
    head.next += 1;
    number
}

/// The next link of the audit chain.
fn link(chain: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(chain);
    hash.update(text);
    hash.finalize().into()
}
