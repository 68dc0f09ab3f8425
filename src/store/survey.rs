//! Whether every row is there and of its own time: what the rows add up to is compared with the sum
//! that every commit carries forward.
//!
//! Small books are read whole before they open. Large ones go on being read beside the work, part by
//! part, and commits that touch a part that was read are followed. Whatever is missing stays missing
//! in both sums however much is written meanwhile, so it is found in the end; and until then nothing
//! new is given: see [`Store::proven`](super::Store::proven).

use super::read::Scan;
use super::{Due, StoreError, keys, row, write};
use crate::access::{AccessRequest, Entitlement, Timestamp};

/// What the rows up to a place have shown.
#[derive(Debug)]
pub(super) struct Survey {
    /// The first key that was not read; `None` when there is none.
    from: Option<Vec<u8>>,
    /// What the rows before it add up to.
    sum: u128,
    /// What due entries and duties before it differ by.
    difference: u128,
    is_readable: bool,
}

impl Survey {
    pub(super) fn begin() -> Self {
        Self { from: Some(Vec::new()), sum: 0, difference: 0, is_readable: true }
    }

    /// Reads so many rows on.
    pub(super) fn advance(&mut self, db: &sled::Db, rows: usize) -> Result<(), StoreError> {
        let Some(mut from) = self.from.take() else { return Ok(()) };
        let mut left = rows;
        // Around the trail and its volumes, which are neighbours and have their chain.
        for (begin, end) in [(&[][..], keys::AUDIT), (&keys::after(keys::VOLUME)[..], &[u8::MAX][..])] {
            if from[..] >= *end {
                continue;
            }
            from = from.max(begin.to_vec());
            for entry in Scan::range(db, &from, end).that_is_long() {
                if left == 0 {
                    self.from = Some(from);
                    return Ok(());
                }
                let (key, value) = entry?;
                self.count(&key, &value, u128::wrapping_add);
                from = [&key[..], &[0]].concat();
                left -= 1;
            }
            from = end.to_vec();
        }
        Ok(())
    }

    /// Whether every row was read.
    pub(super) fn is_over(&self) -> bool {
        self.from.is_none()
    }

    /// A commit has replaced a row.
    pub(super) fn follow(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        if self.from.as_ref().is_some_and(|from| key >= &from[..]) {
            return;
        }
        if let Some(old) = old {
            self.count(key, old, u128::wrapping_sub);
        }
        if let Some(new) = new {
            self.count(key, new, u128::wrapping_add);
        }
    }

    fn count(&mut self, key: &[u8], value: &[u8], add: fn(u128, u128) -> u128) {
        if !write::is_summed(key) {
            return;
        }
        let weight = write::weight(key, value);
        self.sum = add(self.sum, weight);
        if key.starts_with(keys::DUE) {
            self.difference = add(self.difference, weight);
        } else if key.starts_with(keys::REQUEST) || key.starts_with(keys::ENTITLEMENT) {
            match owed(key, value) {
                // The one that is owed balances the one that is there.
                Ok(Some(due)) => {
                    self.difference = add(self.difference, write::weight(&due, &[]).wrapping_neg());
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(error = %error, "what this row owes is not done");
                    self.is_readable = false;
                }
            }
        }
    }

    /// An error when the rows are not those that were written.
    pub(super) fn compare(&self, sum: u128) -> Result<(), StoreError> {
        if self.sum == sum { Ok(()) } else { Err(StoreError::DoesNotAddUp) }
    }

    /// Whether due entries and duties are the same.
    pub(super) fn is_index_right(&self) -> bool {
        self.is_readable && self.difference == 0
    }
}

/// The due entry that a row should have.
pub(super) fn owed(key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let (what, at): (Due, Option<Timestamp>) = if key.starts_with(keys::REQUEST) {
        let request: AccessRequest = row::decode(key, value)?;
        let at = request.duty().map(|(_, at)| at);
        (Due::Request(request.id), at)
    } else {
        let entitlement: Entitlement = row::decode(key, value)?;
        let at = entitlement.duty().map(|(_, at)| at);
        (Due::Entitlement(entitlement.id), at)
    };
    Ok(at.map(|at| keys::due(at, &what)))
}
