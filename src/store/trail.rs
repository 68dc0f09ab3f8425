//! The audit trail: records that are only ever added, each bound to all before it.

use super::volume::{Record, Trail};
use super::{Store, StoreError, keys, row};
use crate::access::{AuditRecord, Timestamp};
use sha2::{Digest, Sha256};

/// A record of the trail as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its place. Numbers only grow, but they have gaps.
    pub number: u64,
    /// What binds it to everything before it.
    pub hash: [u8; 32],
    /// What happened.
    pub record: AuditRecord,
}

impl Kept {
    /// As one line of an export.
    pub fn to_json(&self) -> serde_json::Value {
        let Self { number, hash, record } = self;
        serde_json::json!({
            "number": number,
            "at": record.at.rfc3339(),
            "actor": record.actor,
            "action": record.action,
            "request": record.request,
            "entitlement": record.entitlement,
            "detail": record.detail,
            "hash": hex(hash),
        })
    }
}

/// Bytes as people compare them.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Store {
    /// The records of a time, oldest first, with their hashes; whether the chain holds is another
    /// question: see [`Store::verify`].
    pub fn trail(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> impl Iterator<Item = Result<Kept, StoreError>> + '_ {
        self.trail_from(0).filter(move |kept| {
            let at =
                |is_in: &dyn Fn(Timestamp) -> bool| kept.as_ref().map_or(true, |kept| is_in(kept.record.at));
            since.is_none_or(|since| at(&|moment| moment >= since))
                && until.is_none_or(|until| at(&|moment| moment < until))
        })
    }

    /// The records from this number on, oldest first.
    pub fn trail_from(&self, number: u64) -> impl Iterator<Item = Result<Kept, StoreError>> + '_ {
        Trail::from(&self.db, number).map(|entry| {
            let (key, value) = entry?;
            let (hash, text) = split(&key, &value)?;
            Ok(Kept { number: keys::read_number(&key), hash: *hash, record: row::decode(&key, text)? })
        })
    }

    /// The audit trail, oldest first: number, record, and whether it follows from what stands before
    /// it. A record that was changed, removed or moved breaks the chain there and, as a rule, at the
    /// next record; a trail whose end is missing ends with [`StoreError::TrailCut`].
    pub fn audit(&self) -> impl Iterator<Item = Result<(u64, AuditRecord, bool), StoreError>> + '_ {
        // What is committed while this is read is not part of it.
        let (next, end) = {
            let head = self.lock();
            (head.next, head.chain)
        };
        let mut chain = [0_u8; 32];
        let is_older = move |entry: &Result<Record, StoreError>| {
            entry.as_ref().map_or(true, |(key, _)| *key < keys::audit(next))
        };
        let mut scan = Trail::of(&self.db).take_while(is_older);
        let mut is_over = false;
        std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            match scan.next() {
                Some(Ok((key, value))) => Some(check(&mut chain, &key, &value)),
                Some(Err(error)) => {
                    is_over = true;
                    Some(Err(error))
                }
                None => {
                    is_over = true;
                    (chain != end).then_some(Err(StoreError::TrailCut))
                }
            }
        })
    }
}

/// Goes on from what the record itself claims, so that every break is reported where it is.
fn check(chain: &mut [u8; 32], key: &[u8], value: &[u8]) -> Result<(u64, AuditRecord, bool), StoreError> {
    let (hash, text) = split(key, value)?;
    let holds = link(chain, text) == *hash;
    *chain = *hash;
    Ok((keys::read_number(key), row::decode(key, text)?, holds))
}

/// Hash and record of a row.
pub(super) fn split<'a>(key: &[u8], value: &'a [u8]) -> Result<(&'a [u8; 32], &'a [u8]), StoreError> {
    value
        .split_first_chunk::<32>()
        .ok_or_else(|| StoreError::Row { key: keys::readable(key), why: "it is torn".to_owned() })
}

/// The next link of the audit chain.
pub(super) fn link(chain: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(chain);
    hash.update(text);
    hash.finalize().into()
}
