//! Reading the books. sled panics on some damage, and its iterators repeat an error for ever: both end
//! here.

use super::{Due, Queued, Store, StoreError, keys, row};
use crate::access::{
    AccessRequest, Click, Entitlement, EntitlementId, EnvelopeId, RequestId, Sweep, Timestamp, UserId,
};
use sled::IVec;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls sled, and makes an error of a panic inside it.
pub(super) fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::Sled("sled stopped at a broken invariant".to_owned())),
    }
}

pub(super) fn get(db: &sled::Db, key: &[u8]) -> Result<Option<IVec>, StoreError> {
    guarded(|| db.get(key))
}

/// Rows in the order of their keys. It ends after the first error.
pub(super) struct Scan<'a> {
    db: &'a sled::Db,
    rows: Option<sled::Iter>,
    is_long: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn prefix(db: &'a sled::Db, prefix: &[u8]) -> Self {
        Self { db, rows: Some(db.scan_prefix(prefix)), is_long: false }
    }

    pub(super) fn range(db: &'a sled::Db, from: &[u8], to: &[u8]) -> Self {
        Self { db, rows: Some(db.range(from..to)), is_long: false }
    }

    /// For scans that may see the whole store. sled evicts nothing from a part of its cache until that
    /// part was used 64 times, and it has 256 parts: looking at every page once would leave 16 000
    /// pages in memory, whatever the cache's capacity. Asking for each row once more makes it evict.
    pub(super) fn that_is_long(self) -> Self {
        Self { is_long: true, ..self }
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<(IVec, IVec), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.rows.as_mut()?;
        let entry = guarded(|| {
            let entry = rows.next().transpose()?;
            if let (true, Some((key, _))) = (self.is_long, &entry) {
                self.db.get(key)?;
            }
            Ok(entry)
        });
        if !matches!(entry, Ok(Some(_))) {
            self.rows = None;
        }
        entry.transpose()
    }
}

impl Store {
    /// The request of that id.
    ///
    /// # Errors
    /// The store or the row cannot be read.
    pub fn request(&self, id: &RequestId) -> Result<Option<AccessRequest>, StoreError> {
        self.get(&keys::request(id))
    }

    /// The entitlement of that id, while something is owed for it.
    ///
    /// # Errors
    /// The store or the row cannot be read.
    pub fn entitlement(&self, id: &EntitlementId) -> Result<Option<Entitlement>, StoreError> {
        self.get(&keys::entitlement(id))
    }

    /// What is due at `until`, most overdue first, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, Due)>, StoreError> {
        let end = keys::due_end(until);
        let mut found = Vec::new();
        for entry in Scan::range(&self.db, keys::DUE, &end).take(limit) {
            let (key, _) = entry?;
            if let Some(due) = keys::read_due(&key) {
                found.push(due);
            }
        }
        Ok(found)
    }

    /// Everything that is due after a moment, or at any time, the first first: one after the other, because
    /// all of it may be much. It ends after the first error.
    pub fn owed(
        &self,
        after: Option<Timestamp>,
    ) -> impl Iterator<Item = Result<(Timestamp, Due), StoreError>> + '_ {
        let from = after.map_or_else(|| keys::DUE.to_vec(), keys::due_end);
        let to = keys::due_end(Timestamp::from_millis(i64::MAX));
        let entries = Scan::range(&self.db, &from, &to).that_is_long();
        entries.filter_map(|entry| entry.map(|(key, _)| keys::read_due(&key)).transpose())
    }

    /// When the next thing is due.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.next_due_beside(|_| false)
    }

    /// When the next thing is due, beside what is in hand.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn next_due_beside(
        &self,
        is_in_hand: impl Fn(&Due) -> bool,
    ) -> Result<Option<Timestamp>, StoreError> {
        for entry in Scan::prefix(&self.db, keys::DUE) {
            if let Some((at, _)) = keys::read_due(&entry?.0).filter(|(_, what)| !is_in_hand(what)) {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// What a person has asked for since a moment, oldest first.
    ///
    /// # Errors
    /// The store or a row cannot be read.
    pub fn requests_of(&self, user: &UserId, since: Timestamp) -> Result<Vec<AccessRequest>, StoreError> {
        let mut found = Vec::new();
        for entry in Scan::range(&self.db, &keys::by_user_since(user, since), &keys::by_user_end(user)) {
            let (key, _) = entry?;
            found.extend(self.request(&keys::read_by_user(&key, user))?);
        }
        Ok(found)
    }

    /// The notices that wait for a request, oldest first. One that cannot be read does not hold up the
    /// others.
    ///
    /// # Errors
    /// The store cannot be read, or none of the notices that wait can.
    pub fn notices(&self, id: &RequestId) -> Result<Vec<Queued>, StoreError> {
        let mut found = Vec::new();
        let mut unreadable = None;
        for entry in Scan::prefix(&self.db, &keys::notices(id)) {
            let (key, value) = entry?;
            match row::decode(&key, &value) {
                Ok((since, notice)) => {
                    found.push(Queued { number: keys::read_number(&key), since, notice });
                }
                Err(error) => unreadable = Some(error),
            }
        }
        match unreadable {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// The requests with notices that wait, each once. The store is read as the iterator moves.
    pub fn requests_with_notices(&self) -> impl Iterator<Item = RequestId> + '_ {
        let mut from = keys::NOTICE.to_vec();
        let end = keys::after(keys::NOTICE);
        std::iter::from_fn(move || {
            loop {
                let (key, _) = Scan::range(&self.db, &from, &end).next()?.map_err(log).ok()?;
                if let Some(id) = keys::read_notice(&key) {
                    from = keys::after(&keys::notices(&id));
                    return Some(id);
                }
                from = [&key[..], &[0]].concat();
            }
        })
    }

    /// The requests whose cards must be drawn again. The store is read as the iterator moves.
    pub fn redraws(&self) -> impl Iterator<Item = RequestId> + '_ {
        Scan::prefix(&self.db, keys::REDRAW).filter_map(|entry| {
            let (key, _) = entry.map_err(log).ok()?;
            Some(RequestId::new(String::from_utf8_lossy(&key[keys::REDRAW.len()..])))
        })
    }

    /// The mark under which a request's cards must be drawn again; `None` when they are right.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn redraw_mark(&self, id: &RequestId) -> Result<Option<u64>, StoreError> {
        Ok(get(&self.db, &keys::redraw(id))?.map(|mark| keys::read_number(&mark)))
    }

    /// The clicks that wait for their decision. One that cannot be read is named in the log and stays;
    /// it does not hold up the others.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn clicks(&self) -> Result<Vec<Click>, StoreError> {
        let mut found = Vec::new();
        for entry in Scan::prefix(&self.db, keys::CLICK) {
            let (key, value) = entry?;
            found.extend(row::decode(&key, &value).map_err(log));
        }
        Ok(found)
    }

    /// Whether this click still waits for its decision.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn has_click(&self, envelope: &EnvelopeId) -> Result<bool, StoreError> {
        Ok(get(&self.db, &keys::click(envelope))?.is_some())
    }

    /// Whether this delivery has been taken before.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn has_seen(&self, envelope: &EnvelopeId) -> Result<bool, StoreError> {
        Ok(get(&self.db, &keys::seen(envelope))?.is_some())
    }

    /// The deliveries taken before `before`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn seen_before(&self, before: Timestamp) -> Result<Vec<EnvelopeId>, StoreError> {
        let mut found = Vec::new();
        for entry in Scan::prefix(&self.db, keys::SEEN) {
            let (key, value) = entry?;
            if i64::from_be_bytes(value[..].try_into().unwrap_or_default()) < before.millis() {
                let id = String::from_utf8_lossy(&key[keys::SEEN.len()..]).into_owned();
                found.push(EnvelopeId::new(id));
            }
        }
        Ok(found)
    }

    /// What the last comparison with AWS has shown. A row that cannot be read is named in the log, and
    /// as good as none: the next comparison replaces it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn sweep(&self) -> Result<Option<Sweep>, StoreError> {
        match self.get(keys::SWEEP) {
            Err(error @ StoreError::Row { .. }) => {
                log(error);
                Ok(None)
            }
            found => found,
        }
    }

    /// The id of every entitlement in the books, whether its row can be read or not.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn entitlement_ids(&self) -> impl Iterator<Item = Result<EntitlementId, StoreError>> + '_ {
        Scan::prefix(&self.db, keys::ENTITLEMENT).that_is_long().map(|entry| {
            let (key, _) = entry?;
            Ok(EntitlementId::new(String::from_utf8_lossy(&key[keys::ENTITLEMENT.len()..])))
        })
    }

    /// Every entitlement in the books. Rows that cannot be read are named in the log and passed over.
    pub fn entitlements(&self) -> impl Iterator<Item = Entitlement> + '_ {
        self.rows(keys::ENTITLEMENT)
    }

    /// Every request in the books, over or not. Rows that cannot be read are named in the log and
    /// passed over.
    pub fn requests(&self) -> impl Iterator<Item = AccessRequest> + '_ {
        self.rows(keys::REQUEST)
    }

    fn rows<T: serde::de::DeserializeOwned>(&self, prefix: &[u8]) -> impl Iterator<Item = T> + use<'_, T> {
        Scan::prefix(&self.db, prefix)
            .that_is_long()
            .filter_map(|entry| entry.and_then(|(key, value)| row::decode(&key, &value)).map_err(log).ok())
    }

    fn get<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        let Some(value) = get(&self.db, key)? else { return Ok(None) };
        row::decode(key, &value).map(Some)
    }
}

fn log(error: StoreError) -> StoreError {
    tracing::error!(error = %error, "a row is passed over");
    error
}
