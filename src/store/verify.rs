//! Whether the audit trail is whole, and where it is not.
//!
//! Each record carries the hash of itself and of everything before it, and the head of the books the
//! hash of the last one. Who can write to the files can also write a whole new trail with a new head:
//! only a hash kept elsewhere shows that, which is why exports carry them.

use super::volume::Trail;
use super::{Store, StoreError, keys, row, trail};
use crate::access::{AuditRecord, Timestamp};
use std::fmt;

/// What a reading of the whole trail has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many records are there.
    pub records: u64,
    /// The first thing that is wrong.
    pub flaw: Option<Flaw>,
    /// The hash that ends the trail as it stands: kept elsewhere, it proves the trail later.
    pub end: String,
}

/// The first thing that is wrong with a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The record where it shows; for a cut end the last one that is left, `None` when none is.
    pub number: Option<u64>,
    /// When that record says it happened, and what; `None` when it cannot be read.
    pub claims: Option<(Timestamp, String)>,
    /// What is wrong.
    pub what: What,
}

/// The ways in which a trail can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The record is too short to be one, or no longer text that can be read.
    Torn(String),
    /// It does not follow from the one before it.
    Altered,
    /// It is genuine, but belongs behind the record of this number.
    Moved(u64),
    /// It was not written by the bot: it stands behind the end of the trail.
    Added,
    /// The records behind it are missing.
    CutOff,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claims = match &self.claims {
            Some((at, action)) => format!(" ({}, `{action}`)", at.rfc3339()),
            None => String::new(),
        };
        let Some(number) = self.number else {
            return f.write_str("every record is missing: the whole trail was removed");
        };
        match &self.what {
            What::Torn(why) => write!(f, "record {number} is torn or altered: {why}"),
            What::Altered => write!(
                f,
                "record {number}{claims} does not follow from what stands before it: it was altered, or \
                 records right before it were removed"
            ),
            What::Moved(behind) => write!(
                f,
                "record {number}{claims} stands in the wrong place: records were reordered, and it \
                 belongs behind what is now record {behind}"
            ),
            What::Added => write!(f, "record {number}{claims} was added behind the end of the trail"),
            What::CutOff => write!(
                f,
                "the records behind number {number}{claims} are missing: the end of the trail was removed"
            ),
        }
    }
}

impl Store {
    /// Reads the whole trail and names the first record that was removed, altered, moved or torn. For
    /// books that nobody writes to meanwhile.
    ///
    /// # Errors
    /// The store itself cannot be read.
    pub fn verify(&self) -> Result<Verdict, StoreError> {
        let head = self.lock().clone();
        let mut chain = [0_u8; 32];
        let mut records = 0_u64;
        let mut last = None;
        let mut flaw = None;
        for entry in Trail::of(&self.db) {
            let (key, value) = entry?;
            records += 1;
            let number = keys::read_number(&key);
            let is_ours = key.len() == keys::audit(number).len() && number < head.next;
            if flaw.is_none() {
                let found = self.judge(&chain, &key, &value, is_ours)?;
                flaw = found.map(|what| Flaw { what, ..place(number, &key, &value) });
            }
            if let Ok((hash, _)) = trail::split(&key, &value) {
                chain = *hash;
            }
            last = Some((key, value));
        }
        if flaw.is_none() && chain != head.chain {
            let none = Flaw { number: None, claims: None, what: What::CutOff };
            flaw = Some(last.map_or(none, |(key, value)| place(keys::read_number(&key), &key, &value)));
        }
        Ok(Verdict { records, flaw, end: trail::hex(&chain) })
    }

    /// What is wrong with one record.
    fn judge(
        &self,
        chain: &[u8; 32],
        key: &[u8],
        value: &[u8],
        is_ours: bool,
    ) -> Result<Option<What>, StoreError> {
        let (hash, text) = match trail::split(key, value) {
            Ok(parts) => parts,
            Err(error) => return Ok(Some(What::Torn(error.to_string()))),
        };
        // Goes on from what the record before claims, so that only the first break counts.
        let follows = trail::link(chain, text) == *hash;
        if let Err(error) = row::decode::<AuditRecord>(key, text) {
            return Ok(Some(What::Torn(error.to_string())));
        }
        if !is_ours {
            return Ok(Some(What::Added));
        }
        if follows { Ok(None) } else { self.origin(hash, text).map(Some) }
    }

    /// A record that follows from another one is genuine and was moved.
    fn origin(&self, hash: &[u8; 32], text: &[u8]) -> Result<What, StoreError> {
        for entry in Trail::of(&self.db) {
            let (key, value) = entry?;
            if let Some((other, _)) = value.split_first_chunk::<32>()
                && trail::link(other, text) == *hash
            {
                return Ok(What::Moved(keys::read_number(&key)));
            }
        }
        Ok(What::Altered)
    }
}

fn place(number: u64, key: &[u8], value: &[u8]) -> Flaw {
    let record = trail::split(key, value).and_then(|(_, text)| row::decode::<AuditRecord>(key, text));
    let claims = record.ok().map(|record| (record.at, record.action));
    Flaw { number: Some(number), claims, what: What::CutOff }
}
