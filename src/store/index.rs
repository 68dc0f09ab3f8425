//! The due entries are an index over the rows. What a row owes is computed, so a new version of the
//! program may compute it differently; the index is made to agree when the books are opened.

use super::read::{Scan, get, guarded};
use super::survey::owed;
use super::{Due, Head, StoreError, keys, write};
use std::collections::BTreeSet;

/// Makes these due entries agree with their rows, where they do not. A row that cannot be read keeps the
/// entry it has, so that it is named again and again until somebody looks.
pub(super) fn mend(db: &sled::Db, mut head: Head, entries: &[Vec<u8>]) -> Result<Head, StoreError> {
    let mut batch = sled::Batch::default();
    let mut mended = 0;
    for due in entries {
        let Some(is_missing) = is_wrong(db, due)? else { continue };
        let weight = write::weight(due, &[]);
        if is_missing {
            head.sum = head.sum.wrapping_add(weight);
            batch.insert(&due[..], &[]);
        } else {
            head.sum = head.sum.wrapping_sub(weight);
            batch.remove(&due[..]);
        }
        mended += 1;
    }
    if mended == 0 {
        return Ok(head);
    }
    tracing::warn!(entries = mended, "the index of what is due did not agree with the books and was mended");
    batch.insert(keys::HEAD, keys::head(&head));
    #[expect(clippy::disallowed_methods, reason = "the index is mended before the first commit")]
    guarded(|| db.apply_batch(batch))?;
    Ok(head)
}

/// Whether an entry is missing (`true`), or there without being owed (`false`).
fn is_wrong(db: &sled::Db, due: &[u8]) -> Result<Option<bool>, StoreError> {
    let Some((_, what)) = keys::read_due(due) else { return Ok(None) };
    let key = match &what {
        Due::Request(id) => keys::request(id),
        Due::Entitlement(id) => keys::entitlement(id),
    };
    let Ok(owed) = get(db, &key)?.map_or(Ok(None), |value| owed(&key, &value)) else { return Ok(None) };
    let is_owed = owed.as_deref() == Some(due);
    Ok((get(db, due)?.is_some() != is_owed).then_some(is_owed))
}

/// The entries that are missing or too many. Others may commit meanwhile, which makes some of them right
/// and none of the others wrong.
pub(super) fn wrong(db: &sled::Db) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut wrong = BTreeSet::new();
    for prefix in [keys::REQUEST, keys::ENTITLEMENT] {
        for entry in Scan::prefix(db, prefix).that_is_long() {
            let (key, value) = entry?;
            if let Ok(Some(due)) = owed(&key, &value)
                && get(db, &due)?.is_none()
            {
                wrong.insert(due);
            }
        }
    }
    for entry in Scan::prefix(db, keys::DUE).that_is_long() {
        let (due, _) = entry?;
        if is_wrong(db, &due)?.is_some() {
            wrong.insert(due.to_vec());
        }
    }
    Ok(wrong.into_iter().collect())
}
