//! Turns a commit into one batch: rows, their due entries, the audit chain, and the head with the sum.

use super::{Commit, Due, Head, StoreError, keys, read, row, trail, volume};
use crate::access::{AccessRequest, Entitlement, Timestamp};
use sha2::{Digest, Sha256};
use sled::IVec;
use std::collections::BTreeMap;

/// A row that changes.
pub(super) struct Write {
    pub(super) key: Vec<u8>,
    pub(super) old: Option<IVec>,
    pub(super) new: Option<Vec<u8>>,
}

/// The writes of a commit, and the head after it. Where the books are not `is_marked` with the newest
/// version yet, they are with this commit, which may write rows of it: an older program must not take
/// them for its own.
pub(super) fn batch(
    db: &sled::Db,
    before: &Head,
    commit: &Commit,
    is_marked: bool,
) -> Result<(Vec<Write>, Head), StoreError> {
    let head = Head { commits: before.commits + 1, ..before.clone() };
    let mut draft = Draft { db, head, writes: BTreeMap::new() };
    if !is_marked {
        draft.put(keys::VERSION.to_vec(), vec![row::VERSION]);
    }
    draft.rows(commit)?;
    draft.queue(commit)?;
    draft.marks(commit)?;
    draft.records(commit)?;
    draft.finish()
}

/// The writes of one commit while they are collected. Later ones see earlier ones, so that a commit
/// that names a row twice is right too.
struct Draft<'a> {
    db: &'a sled::Db,
    head: Head,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Draft<'_> {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.insert(key, Some(value));
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }

    fn take(&mut self) -> u64 {
        let number = self.head.next;
        self.head.next += 1;
        number
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => Ok(read::get(self.db, key)?.map(|value| value.to_vec())),
        }
    }

    fn rows(&mut self, commit: &Commit) -> Result<(), StoreError> {
        for request in &commit.requests {
            let key = keys::request(&request.id);
            if self.get(&key)?.is_none() {
                self.put(keys::by_user(request), Vec::new());
            }
            let old = self.old_due(&key, |row: &AccessRequest| row.duty().map(|(_, at)| at))?;
            let new = request.duty().map(|(_, at)| at);
            if self.get(&key)?.is_none() {
                self.put(keys::by_user(request), Vec::new());
            }
            self.move_due(&Due::Request(request.id.clone()), old, new);
            self.put(key, row::encode(request)?);
        }
        for entitlement in &commit.entitlements {
            let key = keys::entitlement(&entitlement.id);
            let old = self.old_due(&key, |row: &Entitlement| row.duty().map(|(_, at)| at))?;
            let new = entitlement.duty().map(|(_, at)| at);
            self.move_due(&Due::Entitlement(entitlement.id.clone()), old, new);
            self.put(key, row::encode(entitlement)?);
        }
        for id in &commit.gone {
            let key = keys::entitlement(id);
            let old = self.old_due(&key, |row: &Entitlement| row.duty().map(|(_, at)| at))?;
            self.move_due(&Due::Entitlement(id.clone()), old, None);
            self.remove(key);
        }
        Ok(())
    }

    fn old_due<T: serde::de::DeserializeOwned>(
        &self,
        key: &[u8],
        due: impl Fn(&T) -> Option<Timestamp>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        Ok(due(&row::decode(key, &value)?))
    }

    /// State and due entry are computed in one place, so that they cannot disagree.
    fn move_due(&mut self, what: &Due, old: Option<Timestamp>, new: Option<Timestamp>) {
        if let Some(old) = old {
            self.remove(keys::due(old, what));
        }
        if let Some(new) = new {
            self.put(keys::due(new, what), Vec::new());
        }
    }

    fn queue(&mut self, commit: &Commit) -> Result<(), StoreError> {
        for notice in &commit.notices {
            let key = keys::notice(&notice.request, self.take());
            self.put(key, row::encode(&(commit.at, notice))?);
        }
        for (id, number) in &commit.sent {
            self.remove(keys::notice(id, *number));
        }
        if let Some(click) = &commit.click {
            self.put(keys::click(&click.envelope), row::encode(click)?);
            self.put(keys::seen(&click.envelope), click.at.millis().to_be_bytes().to_vec());
        }
        if let Some(envelope) = &commit.handled {
            self.remove(keys::click(envelope));
        }
        for envelope in &commit.forget {
            self.remove(keys::seen(envelope));
        }
        if let Some(sweep) = &commit.sweep {
            self.put(keys::SWEEP.to_vec(), row::encode(sweep)?);
        }
        Ok(())
    }

    /// A card that was drawn is clean only if nothing has marked it since drawing began.
    fn marks(&mut self, commit: &Commit) -> Result<(), StoreError> {
        for (id, mark) in &commit.drawn {
            let key = keys::redraw(id);
            if self.get(&key)?.as_deref() == Some(&mark.to_be_bytes()[..]) {
                self.remove(key);
            }
        }
        for id in &commit.redraw {
            let mark = self.take().to_be_bytes().to_vec();
            self.put(keys::redraw(id), mark);
        }
        Ok(())
    }

    fn records(&mut self, commit: &Commit) -> Result<(), StoreError> {
        for record in &commit.audit {
            let text = row::plain(record)?;
            self.head.chain = trail::link(&self.head.chain, &text);
            let key = keys::audit(self.take());
            self.put(key, [&self.head.chain[..], &text[..]].concat());
            self.head.single += 1;
        }
        while !commit.audit.is_empty() && self.head.single >= 2 * volume::BOUND as u64 {
            if !self.bind()? {
                break;
            }
        }
        Ok(())
    }

    /// Binds the oldest records; `false` when they are fewer than was thought, or not whole.
    fn bind(&mut self) -> Result<bool, StoreError> {
        let mut records: Vec<volume::Record> = Vec::new();
        for entry in read::Scan::prefix(self.db, keys::AUDIT) {
            let (key, value) = entry?;
            if !self.writes.contains_key(&key[..]) {
                records.push((key.to_vec(), value.to_vec()));
            }
            if records.len() == volume::BOUND {
                break;
            }
        }
        let (old, wanted) = (records.len(), volume::BOUND - records.len());
        // Numbers only grow: those of this commit come after all others.
        let own = self.writes.range(keys::AUDIT.to_vec()..keys::after(keys::AUDIT));
        let own = own.filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
        records.extend(own.take(wanted));
        let first = records.first().map(|(key, _)| keys::read_number(key));
        let (Some(first), true) = (first, records.len() == volume::BOUND) else { return Ok(false) };
        let Some(bound) = volume::bind(&records) else { return Ok(false) };
        for (place, (key, _)) in records.into_iter().enumerate() {
            if place < old {
                self.remove(key);
            } else {
                self.writes.remove(&key);
            }
        }
        self.put(keys::volume(first), bound);
        self.head.single -= volume::BOUND as u64;
        Ok(true)
    }

    fn finish(self) -> Result<(Vec<Write>, Head), StoreError> {
        let Self { db, mut head, writes } = self;
        let mut changes = Vec::new();
        for (key, new) in writes {
            let mut old = None;
            if is_summed(&key) {
                old = read::get(db, &key)?;
                let minus = old.as_ref().map_or(0, |old| weight(&key, old));
                let plus = new.as_ref().map_or(0, |new| weight(&key, new));
                head.sum = head.sum.wrapping_sub(minus).wrapping_add(plus);
            }
            changes.push(Write { key, old, new });
        }
        changes.push(Write { key: keys::HEAD.to_vec(), old: None, new: Some(keys::head(&head)) });
        Ok((changes, head))
    }
}

/// The head holds the sum, and the audit trail is guarded by its chain: reading all of it at every
/// start would cost too much.
pub(super) fn is_summed(key: &[u8]) -> bool {
    key != keys::HEAD && !key.starts_with(keys::AUDIT) && !key.starts_with(keys::VOLUME)
}

/// What a row adds to the sum.
pub(super) fn weight(key: &[u8], value: &[u8]) -> u128 {
    let mut hash = Sha256::new();
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(value);
    let digest = hash.finalize();
    digest.iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}
