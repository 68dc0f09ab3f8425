//! Old records of the audit trail, bound together.
//!
//! A record is written as a row of its own, so that a step costs no more than it says. But most of what
//! the books ever hold is old records, and what sled costs in memory and on disk, it costs per row.
//! So, as soon as there are enough, the oldest single records become one row, a volume, in the same
//! batch as the step that follows. Nothing of them is lost or computed anew: every record keeps its
//! number, its text and the hash it was written with.

use super::read::Scan;
use super::{StoreError, keys, row, trail};
use sled::IVec;

/// Records in one volume. sled keeps 8 to 16 rows in one page, and pages over 128 kB in files of their
/// own.
pub(super) const BOUND: usize = 32;
/// Number and length of text of a record.
const ENTRY: usize = 8 + 4;

/// A record as a row: its key, and its hash and text.
pub(super) type Record = (Vec<u8>, Vec<u8>);

/// Makes one row of records; `None` when one of them is not whole, and is better left as it is.
///
/// ```text
/// how many (4 bytes), the hash of each, compressed: (number, length of text) of each, each text
/// ```
pub(super) fn bind(records: &[Record]) -> Option<Vec<u8>> {
    let mut bound = u32::try_from(records.len()).ok()?.to_be_bytes().to_vec();
    let (mut entries, mut texts): (Vec<u8>, Vec<u8>) = Default::default();
    for (key, value) in records {
        let number = keys::read_number(key);
        let (hash, text) = trail::split(key, value).ok().filter(|_| *key == keys::audit(number))?;
        bound.extend(hash);
        entries.extend(number.to_be_bytes());
        entries.extend(u32::try_from(text.len()).ok()?.to_be_bytes());
        texts.extend(text);
    }
    entries.extend(texts);
    bound.extend(row::pack(&entries));
    Some(bound)
}

/// The records of a volume, as the rows they were.
pub(super) fn open(key: &[u8], bound: &[u8]) -> Result<Vec<Record>, StoreError> {
    let complaint = |why: &str| StoreError::Row { key: keys::readable(key), why: why.to_owned() };
    let torn = || complaint("it is torn");
    let (count, rest) = bound.split_first_chunk().ok_or_else(torn)?;
    let count = usize::try_from(u32::from_be_bytes(*count)).unwrap_or(usize::MAX);
    let (hashes, packed) = rest.split_at_checked(count.saturating_mul(32)).ok_or_else(torn)?;
    let unpacked = row::unpack(packed).map_err(|why| complaint(&why))?;
    let (entries, mut texts) = unpacked.split_at_checked(count.saturating_mul(ENTRY)).ok_or_else(torn)?;
    let mut records: Vec<Record> = Vec::new();
    for (hash, entry) in hashes.chunks_exact(32).zip(entries.chunks_exact(ENTRY)) {
        let (number, length) = entry.split_first_chunk::<8>().ok_or_else(torn)?;
        let length = length.try_into().map(u32::from_be_bytes).map_err(|_| torn())?;
        if records.last().is_some_and(|(last, _)| keys::read_number(last) >= u64::from_be_bytes(*number)) {
            return Err(torn());
        }
        let (text, rest) = texts.split_at_checked(length as usize).ok_or_else(torn)?;
        texts = rest;
        records.push((keys::audit(u64::from_be_bytes(*number)), [hash, text].concat()));
    }
    let is_first =
        records.first().is_some_and(|(first, _)| keys::read_number(first) == keys::read_number(key));
    if texts.is_empty() && is_first { Ok(records) } else { Err(torn()) }
}

/// The whole trail in order, bound or not. What is bound while it is read is neither missed nor read
/// twice; a row that stands where none should is handed out too, and breaks the chain there.
pub(super) struct Trail<'a> {
    db: &'a sled::Db,
    /// Where to go on among the single records, and among the volumes.
    places: [Vec<u8>; 2],
    /// What is left of the open volume.
    open: std::vec::IntoIter<Record>,
    /// The number read last.
    last: Option<u64>,
    is_over: bool,
}

impl<'a> Trail<'a> {
    pub(super) fn of(db: &'a sled::Db) -> Self {
        let places = [keys::AUDIT.to_vec(), keys::VOLUME.to_vec()];
        Self { db, places, open: Vec::new().into_iter(), last: None, is_over: false }
    }

    /// From this number on.
    pub(super) fn from(db: &'a sled::Db, number: u64) -> Self {
        let whole = Self::of(db);
        let Some(last) = number.checked_sub(1) else { return whole };
        // It may be in the middle of a volume.
        let volumes = db.range(keys::VOLUME.to_vec()..=keys::volume(number));
        let around = super::read::guarded(|| volumes.keys().next_back().transpose());
        let around = around.ok().flatten().map_or_else(|| keys::volume(number), |key| key.to_vec());
        Self { places: [keys::audit(number), around], last: Some(last), ..whole }
    }

    fn first(&self, place: usize, prefix: &[u8]) -> Result<Option<(IVec, IVec)>, StoreError> {
        Scan::range(self.db, &self.places[place], &keys::after(prefix)).that_is_long().next().transpose()
    }

    fn advance(&mut self) -> Result<Option<Record>, StoreError> {
        loop {
            if let Some(record) = self.open.next() {
                let number = keys::read_number(&record.0);
                // It was read before it was bound.
                if self.last.is_some_and(|last| last >= number) {
                    continue;
                }
                self.last = Some(number);
                return Ok(Some(record));
            }
            // In this order: what is bound in between is found in its volume.
            let single = self.first(0, keys::AUDIT)?;
            let volume = self.first(1, keys::VOLUME)?;
            if let Some((key, bound)) = volume
                && single
                    .as_ref()
                    .is_none_or(|(single, _)| keys::read_number(&key) <= keys::read_number(single))
            {
                self.places[1] = [&key[..], &[0]].concat();
                // One that cannot be read is handed out as a record that cannot be read.
                let unreadable = |_| vec![(keys::audit(keys::read_number(&key)), Vec::new())];
                self.open = open(&key, &bound).unwrap_or_else(unreadable).into_iter();
                continue;
            }
            let Some((key, value)) = single else { return Ok(None) };
            self.places[0] = [&key[..], &[0]].concat();
            self.last = Some(keys::read_number(&key));
            return Ok(Some((key.to_vec(), value.to_vec())));
        }
    }
}

impl Iterator for Trail<'_> {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let found = self.advance().transpose();
        self.is_over = !matches!(found, Some(Ok(_)));
        found
    }
}
