//! Whether the books and AWS agree: for books that come from a backup.

use crate::access::{Custody, Entitlement, RequestId, Timestamp};
use crate::aws::{Aws, Session};
use crate::store::Store;

/// What a comparison has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// How many entitlements the books have.
    pub all: usize,
    /// What a person should know before the bot starts on these books, a line for each.
    pub differences: Vec<String>,
}

/// Compares every entitlement in the books with what AWS holds. Reads only.
pub async fn compare(store: &Store, aws: &Aws, now: Timestamp) -> Compared {
    let mut compared = Compared { all: 0, differences: Vec::new() };
    for entitlement in store.entitlements() {
        compared.all += 1;
        let seen = look(aws, &entitlement).await;
        let what = difference(&entitlement, &seen, now);
        compared.differences.extend(what.map(|what| format!("{}: {what}", entitlement.id)));
    }
    compared
}

/// A read; nothing here can write.
async fn look(aws: &Aws, entitlement: &Entitlement) -> Result<bool, String> {
    let name = RequestId::new("sym-restore");
    let session = Session {
        connection: &entitlement.connection,
        name: &name,
        source_identity: entitlement.holder.email.as_ref(),
    };
    aws.look(&session, &entitlement.principal, &entitlement.resource).await.map_err(|error| error.to_string())
}

/// What a person should know before the bot starts on these books.
fn difference(entitlement: &Entitlement, seen: &Result<bool, String>, now: Timestamp) -> Option<String> {
    let seen = match seen {
        Ok(seen) => *seen,
        Err(why) => return Some(format!("AWS could not be read, so nothing is known: {why}")),
    };
    let is_overdue = !entitlement.claims.is_empty()
        && entitlement.claims.values().all(|claim| claim.latest_end().is_some_and(|end| end <= now));
    let said = match (&entitlement.custody, seen) {
        (Custody::Held { .. }, true) if is_overdue => {
            "its time is up and AWS still holds it; the bot takes it when it starts"
        }
        (Custody::Held { .. } | Custody::Granting { .. }, true)
        | (Custody::Revoking { .. } | Custody::Looking { .. }, false) => return None,
        (Custody::Held { .. }, false) => "held in the books, and AWS does not hold it: it was taken since",
        (Custody::Granting { .. }, false) => {
            "being given in the books, and AWS does not hold it; the bot gives it when it starts, if its time has not passed"
        }
        (Custody::Revoking { .. }, true) => {
            "being taken in the books, and AWS holds it; the bot takes it when it starts"
        }
        (Custody::Looking { .. }, true) => {
            "not yet given in the books, and AWS holds it: the bot will take it for access the person already had, \
             and leave it. If the bot gave it after the backup, take it by hand"
        }
    };
    let by_hand = if seen { format!(". By hand: {}", entitlement.by_hand()) } else { String::new() };
    Some(format!("{said}{by_hand}"))
}
