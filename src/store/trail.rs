//! The audit trail: records that are only ever added, each bound to all before it.

use super::{Store, StoreError, keys, read, row};
use crate::access::AuditRecord;
use sha2::{Digest, Sha256};

impl Store {
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
        let mut scan = read::Scan::range(&self.db, &keys::audit(0), &keys::audit(next)).that_is_long();
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
    let Some((hash, text)) = value.split_first_chunk::<32>() else {
        return Err(StoreError::Row { key: keys::readable(key), why: "it is torn".to_owned() });
    };
    let holds = link(chain, text) == *hash;
    *chain = *hash;
    Ok((keys::read_number(key), row::decode(key, text)?, holds))
}

/// The next link of the audit chain.
pub(super) fn link(chain: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(chain);
    hash.update(text);
    hash.finalize().into()
}
