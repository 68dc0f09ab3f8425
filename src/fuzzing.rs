//! What no bytes may break: the readers of everything that comes from outside, each as a function of
//! bytes. Only in tests and under `cargo fuzz` (see `fuzz/`).

#[cfg(test)]
mod tests;

use crate::access::{
    AccessRequest, AuditRecord, Case, Click, Entitlement, Event, Jitter, MachineError, Notice, Timestamp,
    decide,
};
use crate::{manifest, slack, store};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A moment in the stories.
const NOW: Timestamp = Timestamp::from_millis(1_795_165_200_000);

/// The text of a manifest: it loads, or all complaints can be drawn, each in its place.
///
/// # Panics
/// It does not.
pub fn manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match manifest::load_texts("m", &[("m.hcl", text)], &manifest::Options::default()) {
        Ok(loaded) => {
            for complaint in &loaded.warnings {
                assert!(complaint.line > 0, "a warning has no place: {complaint:?}");
            }
            drop(manifest::describe(&loaded.catalog));
        }
        Err(complaints) => {
            let drawn = complaints.render(false);
            assert!(!drawn.trim().is_empty(), "it does not load, and nothing says why");
            assert!(!drawn.contains("a mistake of the bot"), "{drawn}");
        }
    }
}

/// A text frame of Slack's socket.
pub fn inbound(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let frame = slack::inbound::read(text);
    drop(format!("{frame:?}"));
    if let slack::inbound::Frame::Envelope { envelope, .. } = &frame {
        drop(envelope.inbound.kind().to_owned());
    }
}

/// A row of the books: it is refused, or it comes back as it was written, and whatever it says can be
/// lived with.
///
/// # Panics
/// It does not.
pub fn rows(bytes: &[u8]) {
    if let Some(request) = row::<AccessRequest>(bytes) {
        assert!(request.duty().is_none() || !request.is_over(), "a request that is over owes something");
        let case = Case { requests: [(request.id.clone(), request)].into(), entitlement: None };
        drop(decide(&case, &Event::TimePassed, NOW));
    }
    if let Some(entitlement) = row::<Entitlement>(bytes) {
        assert!(entitlement.duty().is_some() || entitlement.owed(NOW).is_none());
        assert!(!entitlement.by_hand().is_empty());
        let case = Case { requests: [].into(), entitlement: Some(entitlement) };
        for event in machine_events() {
            // The laws speak of the books as the bot writes them; here it is enough to live through it.
            drop(decide(&case, &event, NOW));
        }
    }
    let _notice = row::<Notice>(bytes);
    // Its detail is any JSON, in which a fraction may lose its last digit; it is never written again.
    if let Ok(record) = store::read_row::<AuditRecord>(bytes) {
        assert!(!record.at.rfc3339().is_empty());
    }
    if let Some(click) = row::<Click>(bytes) {
        assert!(!click.at.plain().is_empty() && click.at.since(NOW).as_millis() >= 0);
    }
}

fn row<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let row: T = store::read_row(bytes).ok()?;
    let again = store::read_row::<T>(&store::write_row(&row).ok()?);
    assert!(again.as_ref().is_ok_and(|again| *again == row), "{row:?} came back as {again:?}");
    Some(row)
}

fn machine_events() -> Vec<Event> {
    let jitter: Jitter = 999;
    let error = MachineError::transient("no");
    vec![
        Event::TimePassed,
        Event::Looked { is_present: true },
        Event::Looked { is_present: false },
        Event::LookFailed { error: error.clone(), jitter },
        Event::GrantStarted { operation: "op".into() },
        Event::StillRunning,
        Event::GrantConfirmed,
        Event::GrantFailed { error: error.clone(), jitter },
        Event::RevokeStarted { operation: "op".into() },
        Event::RevokeFailed { error, jitter },
        Event::SeenAbsent,
    ]
}
