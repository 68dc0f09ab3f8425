//! The keys of the one tree. Numbers are big-endian, so that their order is the order of bytes.

use super::{Due, Head};
use crate::access::{AccessRequest, EntitlementId, EnvelopeId, RequestId, Timestamp, UserId};

/// `r/<request>` → the request.
pub(super) const REQUEST: &[u8] = b"r/";
/// `e/<entitlement>` → the entitlement.
pub(super) const ENTITLEMENT: &[u8] = b"e/";
/// `u/<user>\0<milliseconds><request>` → nothing: a person's requests by time.
pub(super) const BY_USER: &[u8] = b"u/";
/// `d/<milliseconds><r or e><id>` → nothing.
pub(super) const DUE: &[u8] = b"d/";
/// `n/<request>\0<number>` → a notice that waits.
pub(super) const NOTICE: &[u8] = b"n/";
/// `c/<request>` → the mark under which its cards must be drawn again.
pub(super) const REDRAW: &[u8] = b"c/";
/// `i/<envelope>` → a click that waits for its decision.
pub(super) const CLICK: &[u8] = b"i/";
/// `x/<envelope>` → when it was taken.
pub(super) const SEEN: &[u8] = b"x/";
/// `a/<number>` → hash and record.
pub(super) const AUDIT: &[u8] = b"a/";
/// `b/<number>` → records bound together, the first of which has this number: see [`volume`](super::volume).
pub(super) const VOLUME: &[u8] = b"b/";
/// What the last comparison with AWS has shown.
pub(super) const SWEEP: &[u8] = b"s/last";
/// How far the books have come: see [`Head`].
pub(super) const HEAD: &[u8] = b"m/head";
/// The format of the rows.
pub(super) const VERSION: &[u8] = b"m/version";
/// The random name of this store, also in its witness.
pub(super) const NAME: &[u8] = b"m/name";

/// A person's requests from a moment on.
pub(super) fn by_user_since(user: &UserId, since: Timestamp) -> Vec<u8> {
    [BY_USER, user.as_str().as_bytes(), &[0], &moment(since)].concat()
}

/// The first key behind a person's requests.
pub(super) fn by_user_end(user: &UserId) -> Vec<u8> {
    after(&[BY_USER, user.as_str().as_bytes(), &[0]].concat())
}

pub(super) fn by_user(request: &AccessRequest) -> Vec<u8> {
    join(&by_user_since(&request.requester.user, request.made_at), request.id.as_str().as_bytes())
}

/// The request of such a key.
pub(super) fn read_by_user(key: &[u8], user: &UserId) -> RequestId {
    let start = BY_USER.len() + user.as_str().len() + 1 + 8;
    RequestId::new(String::from_utf8_lossy(key.get(start..).unwrap_or_default()))
}

fn join(prefix: &[u8], rest: &[u8]) -> Vec<u8> {
    [prefix, rest].concat()
}

pub(super) fn request(id: &RequestId) -> Vec<u8> {
    join(REQUEST, id.as_str().as_bytes())
}

pub(super) fn entitlement(id: &EntitlementId) -> Vec<u8> {
    join(ENTITLEMENT, id.as_str().as_bytes())
}

pub(super) fn redraw(id: &RequestId) -> Vec<u8> {
    join(REDRAW, id.as_str().as_bytes())
}

pub(super) fn click(id: &EnvelopeId) -> Vec<u8> {
    join(CLICK, id.as_str().as_bytes())
}

pub(super) fn seen(id: &EnvelopeId) -> Vec<u8> {
    join(SEEN, id.as_str().as_bytes())
}

/// Where the notices of a request begin.
pub(super) fn notices(id: &RequestId) -> Vec<u8> {
    [NOTICE, id.as_str().as_bytes(), &[0]].concat()
}

pub(super) fn notice(id: &RequestId, number: u64) -> Vec<u8> {
    join(&notices(id), &number.to_be_bytes())
}

/// The request of a notice's key.
pub(super) fn read_notice(key: &[u8]) -> Option<RequestId> {
    let rest = key.strip_prefix(NOTICE)?;
    let id = rest.get(..rest.len().checked_sub(9)?)?;
    Some(RequestId::new(String::from_utf8_lossy(id)))
}

pub(super) fn audit(number: u64) -> Vec<u8> {
    join(AUDIT, &number.to_be_bytes())
}

/// The volume that begins with this record.
pub(super) fn volume(first: u64) -> Vec<u8> {
    join(VOLUME, &first.to_be_bytes())
}

/// The first key behind every key with this prefix.
pub(super) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

/// The number at the end of a key, or a value that is one.
pub(super) fn read_number(bytes: &[u8]) -> u64 {
    let tail = bytes.len().saturating_sub(8);
    bytes[tail..].try_into().map(u64::from_be_bytes).unwrap_or_default()
}

/// Times before 1970 sort as 1970: they are due in any case.
fn moment(at: Timestamp) -> [u8; 8] {
    u64::try_from(at.millis()).unwrap_or_default().to_be_bytes()
}

pub(super) fn due(at: Timestamp, what: &Due) -> Vec<u8> {
    let (kind, id) = match what {
        Due::Request(id) => (b'r', id.as_str()),
        Due::Entitlement(id) => (b'e', id.as_str()),
    };
    [DUE, &moment(at), &[kind], id.as_bytes()].concat()
}

/// The first key that is due after `until`.
pub(super) fn due_end(until: Timestamp) -> Vec<u8> {
    let next = u64::try_from(until.millis()).unwrap_or_default().saturating_add(1);
    join(DUE, &next.to_be_bytes())
}

pub(super) fn read_due(key: &[u8]) -> Option<(Timestamp, Due)> {
    let rest = key.strip_prefix(DUE)?;
    let (moment, rest) = rest.split_at_checked(8)?;
    let millis = i64::try_from(u64::from_be_bytes(moment.try_into().ok()?)).ok()?;
    let (kind, id) = rest.split_first()?;
    let id = std::str::from_utf8(id).ok()?;
    let what = match kind {
        b'r' => Due::Request(RequestId::new(id)),
        b'e' => Due::Entitlement(EntitlementId::new(id)),
        _ => return None,
    };
    Some((Timestamp::from_millis(millis), what))
}

/// A key for people: bytes that are not text are shown in hexadecimal.
pub(super) fn readable(key: &[u8]) -> String {
    match std::str::from_utf8(key) {
        Ok(text) if !text.contains(char::is_control) => text.to_owned(),
        _ => {
            let (prefix, rest) = key.split_at(key.len().min(2));
            let start = String::from_utf8_lossy(prefix).into_owned();
            rest.iter().fold(start, |text, byte| format!("{text}{byte:02x}"))
        }
    }
}

/// The value of [`HEAD`]: commits, next number, chain, sum, single records.
pub(super) fn head(head: &Head) -> Vec<u8> {
    let Head { commits, next, chain, sum, single } = head;
    [&commits.to_be_bytes()[..], &next.to_be_bytes(), chain, &sum.to_be_bytes(), &single.to_be_bytes()]
        .concat()
}

/// Reads it back, if it is one.
pub(super) fn read_head(value: &[u8]) -> Option<Head> {
    let (commits, rest) = value.split_first_chunk()?;
    let (next, rest) = rest.split_first_chunk()?;
    let (chain, rest) = rest.split_first_chunk()?;
    let (sum, single) = rest.split_first_chunk()?;
    Some(Head {
        commits: u64::from_be_bytes(*commits),
        next: u64::from_be_bytes(*next),
        chain: *chain,
        sum: u128::from_be_bytes(*sum),
        // Heads once ended here. Counting from none again costs nothing but some rows.
        single: if single.is_empty() { 0 } else { u64::from_be_bytes(single.try_into().ok()?) },
    })
}
