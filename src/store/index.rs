//! The due entries are an index over the rows. What a row owes is computed, so a new version of the
//! program may compute it differently; the index is made to agree when the books are opened.

use super::read::{Scan, get, guarded};
use super::survey::{Survey, owed};
use super::{Due, Head, StoreError, keys, write};
use std::collections::BTreeMap;

/// Makes every due entry agree with its row. A row that cannot be read keeps the entry it has, so that
/// it is named again and again until somebody looks.
pub(super) fn mend(db: &sled::Db, mut head: Head, survey: &Survey) -> Result<Head, StoreError> {
    if survey.is_index_right() {
        return Ok(head);
    }
    let wrong = wrong(db)?;
    if wrong.is_empty() {
        return Ok(head);
    }
    tracing::warn!(
        entries = wrong.len(),
        "the index of what is due did not agree with the books and was mended"
    );
    let mut batch = sled::Batch::default();
    for (key, is_missing) in wrong {
        let weight = write::weight(&key, &[]);
        if is_missing {
            head.sum = head.sum.wrapping_add(weight);
            batch.insert(key, &[]);
        } else {
            head.sum = head.sum.wrapping_sub(weight);
            batch.remove(key);
        }
    }
    batch.insert(keys::HEAD, keys::head(&head));
    #[expect(clippy::disallowed_methods, reason = "the index is mended before the first commit")]
    guarded(|| db.apply_batch(batch))?;
    Ok(head)
}

/// The entries that are missing (`true`) or too many (`false`).
fn wrong(db: &sled::Db) -> Result<BTreeMap<Vec<u8>, bool>, StoreError> {
    let mut wrong = BTreeMap::new();
    for prefix in [keys::REQUEST, keys::ENTITLEMENT] {
        for entry in Scan::prefix(db, prefix).that_is_long() {
            let (key, value) = entry?;
            if let Ok(Some(due)) = owed(&key, &value)
                && get(db, &due)?.is_none()
            {
                wrong.insert(due, true);
            }
        }
    }
    for entry in Scan::prefix(db, keys::DUE).that_is_long() {
        let (due, _) = entry?;
        let Some((_, what)) = keys::read_due(&due) else { continue };
        let key = match &what {
            Due::Request(id) => keys::request(id),
            Due::Entitlement(id) => keys::entitlement(id),
        };
        let owed = get(db, &key)?.map_or(Ok(None), |value| owed(&key, &value));
        if owed.is_ok_and(|owed| owed.as_deref() != Some(&due[..])) {
            wrong.insert(due.to_vec(), false);
        }
    }
    Ok(wrong)
}
