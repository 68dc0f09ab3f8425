//! Rows as JSON behind one version byte. A row of an older version is read for ever; one of a newer
//! version is not guessed at.

use super::{StoreError, keys};
use serde::{Serialize, de::DeserializeOwned};

/// The version this program writes.
pub(super) const VERSION: u8 = 1;

pub(super) fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![VERSION];
    serde_json::to_writer(&mut bytes, row)
        .map_err(|error| StoreError::Row { key: "(new)".to_owned(), why: error.to_string() })?;
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    let complaint = |why: String| StoreError::Row { key: keys::readable(key), why };
    match bytes.split_first() {
        Some((&VERSION, json)) => serde_json::from_slice(json).map_err(|error| complaint(error.to_string())),
        Some((version, _)) => {
            Err(complaint(format!("it has version {version}, and this program reads {VERSION}")))
        }
        None => Err(complaint("it is empty".to_owned())),
    }
}
