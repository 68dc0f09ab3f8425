//! What the books say about what was read in AWS.

use crate::access::{
    Connection, Custody, EntitlementId, Holding, Memory, Reading, Resource, Scope, Span, Sweep, Timestamp,
    key,
};
use crate::store::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// What claims hold, each resource once, with a way to reach it.
pub(super) fn held_resources(store: &Store) -> BTreeMap<Resource, Connection> {
    let held = store.entitlements().filter(|entitlement| matches!(entitlement.custody, Custody::Held { .. }));
    held.map(|entitlement| (entitlement.resource, entitlement.connection)).collect()
}

/// The keys of what was read and is in the books, in whatever custody, and whether its row can be read
/// or not.
pub(super) fn claimed(store: &Store, readings: &[Reading]) -> Result<BTreeSet<String>, StoreError> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    for reading in readings {
        if let (Scope::Resource(resource), Ok(holders)) = (&reading.scope, &reading.holders) {
            let keys = holders.keys().map(|principal| key(&EntitlementId::of(principal, resource)));
            found.extend(keys);
        }
    }
    let mut claimed = BTreeSet::new();
    for id in store.entitlement_ids() {
        let key = key(&id?);
        if found.contains(&key) {
            claimed.insert(key);
        }
    }
    Ok(claimed)
}

/// What the trail has told since the last time: what people had before they asked, and what has left
/// the books; and why records could not be read.
///
/// What was listed without a claim before somebody asked for it does not become theirs by asking.
pub(super) fn remembered(
    store: &Store,
    previous: Option<&Sweep>,
    now: Timestamp,
) -> Result<(Memory, Vec<StoreError>), StoreError> {
    let mut memory = previous.map(|sweep| sweep.memory.clone()).unwrap_or_default();
    let listed: BTreeSet<String> =
        previous.iter().flat_map(|sweep| &sweep.unclaimed).map(|found| found.holding.key()).collect();
    let is_all_listed = previous.is_none_or(|sweep| sweep.unlisted == 0);
    let (mut unread, mut present) = (Vec::new(), BTreeSet::new());
    for kept in store.trail_from(memory.read_to.map_or(0, |number| number + 1)) {
        let Some(kept) = past_damage(kept.map(Some), &mut unread)? else { continue };
        memory.read_to = Some(kept.number);
        let record = kept.record;
        match (record.action.as_str(), record.request, record.entitlement) {
            ("already_held", Some(request), _) => {
                let request = past_damage(store.request(&request), &mut unread)?;
                let holding = request.and_then(|request| {
                    Some(Holding { principal: request.principal?, resource: request.target?.resource })
                });
                if let Some(own) = holding {
                    present.insert((own.key(), record.at));
                    if is_all_listed && !listed.contains(&own.key()) {
                        memory.own.insert(own);
                    }
                }
            }
            ("custody_absent", _, Some(entitlement)) if now.since(record.at) < Span::hours(1) => {
                memory.left.insert(entitlement, record.at);
            }
            _ => {}
        }
    }
    // What left the books because it was there already was not taken.
    memory.left.retain(|id, left| !present.contains(&(key(id), *left)));
    Ok((memory, unread))
}

/// What cannot be read is noted and passed over: the comparison goes on without it. Anything else is
/// an error.
fn past_damage<T>(
    read: Result<Option<T>, StoreError>,
    unread: &mut Vec<StoreError>,
) -> Result<Option<T>, StoreError> {
    match read {
        Err(error @ StoreError::Row { .. }) => {
            unread.push(error);
            Ok(None)
        }
        read => read,
    }
}

/// That what these rows would have explained is not known.
pub(super) fn in_words(unread: &[StoreError]) -> Option<String> {
    let rows = match unread.len() {
        1 => "One row".to_owned(),
        count => format!("{count} rows"),
    };
    unread.first().map(|first| {
        format!(
            "{rows} of the books could not be read: {first}. What they say people had before they asked is among \
             what is held and not claimed. On a stopped bot, `sym audit verify` names the damaged records."
        )
    })
}
