//! Rows as JSON behind one version byte. A row of an older version is read for ever; one of a newer
//! version is not guessed at.
//!
//! JSON says the same words in every row, and grows with the program without a plan made beforehand.
//! So it stays JSON, and the words are left out: a row is compressed against a text that holds the
//! names and phrases rows are made of.

use super::{StoreError, keys};
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;

/// JSON as it is.
const PLAIN: u8 = 1;
/// Its length, and the JSON compressed (LZ4) against [`WORDS`].
const PACKED: u8 = 2;
/// The newest version this program knows.
pub(super) const VERSION: u8 = PACKED;

/// What rows are made of. It never changes: what was compressed against it can be read with it only.
const WORDS: &[u8] = include_bytes!("row/words.txt");

/// No row is that long; a length beyond it is damage.
const LONGEST: usize = 64 * 1024 * 1024;

/// A row as it is kept.
pub(super) fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, StoreError> {
    let plain = plain(row)?;
    // What could not be read back is not written.
    if plain.len() > LONGEST {
        let why = format!("it would be {} bytes long, and {LONGEST} can be read back", plain.len());
        return Err(StoreError::Row { key: "(new)".to_owned(), why });
    }
    let packed = pack(plain.get(1..).unwrap_or_default());
    Ok(if packed.len() < plain.len() { packed } else { plain })
}

/// A row in plain JSON, for what is hashed or compressed otherwise.
pub(super) fn plain<T: Serialize>(row: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![PLAIN];
    serde_json::to_writer(&mut bytes, row)
        .map_err(|error| StoreError::Row { key: "(new)".to_owned(), why: error.to_string() })?;
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    let complaint = |why: String| StoreError::Row { key: keys::readable(key), why };
    let json = match bytes.split_first() {
        Some((&PLAIN, json)) => Cow::Borrowed(json),
        Some((&PACKED, _)) => Cow::Owned(unpack(bytes).map_err(complaint)?),
        Some((version, _)) => {
            return Err(complaint(format!("it has version {version}, and this program reads {VERSION}")));
        }
        None => return Err(complaint("it is empty".to_owned())),
    };
    serde_json::from_slice(&json).map_err(|error| complaint(error.to_string()))
}

/// Bytes compressed against the words, behind the version byte.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    [&[PACKED][..], &lz4_flex::block::compress_prepend_size_with_dict(bytes, WORDS)].concat()
}

/// Reads [`pack`]ed bytes back.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let Some((&PACKED, rest)) = packed.split_first() else { return Err("it is not compressed".to_owned()) };
    let (length, rest) = rest.split_first_chunk().ok_or("it is torn")?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    // A short text stands for at most 255 times its length: a wrong length cannot ask for memory.
    if length > LONGEST || length > (rest.len() + WORDS.len()).saturating_mul(255) {
        return Err(format!("it claims to be {length} bytes long"));
    }
    let bytes =
        lz4_flex::block::decompress_with_dict(rest, length, WORDS).map_err(|error| error.to_string())?;
    if bytes.len() == length { Ok(bytes) } else { Err("it is shorter than it claims".to_owned()) }
}
