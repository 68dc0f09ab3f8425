//! Does what is owed: lapse, warn, identify, look, grant, poll, end, revoke. What is owed is read off
//! the books, so this is the recovery after a crash as well.

use super::{About, Engine, Shared, jitter};
use crate::access::{
    Connection, Entitlement, EntitlementDuty, EntitlementId, Event, MachineError, RequestDuty, RequestId,
    Span, Timestamp,
};
use crate::aws::{AwsError, Progress, Session};
use crate::store::{Due, StoreError};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How many pieces of work are looked at in one go, beside those in hand.
pub(super) const BATCH: usize = 256;

/// The bot looks at the wall clock at least this often. Sleep is measured on another clock, which
/// stands still while the machine sleeps and does not know when the wall clock is set.
const LONGEST_NAP: Duration = Duration::from_secs(1);

/// How long work is left alone whose row made trouble.
const LEFT_ALONE: Span = Span::minutes(1);

impl Engine {
    /// Starts everything that is due and not in hand, as far as there are hands for it; returns how many
    /// pieces of work were looked at for the first time.
    pub(super) fn start_due(&self) -> usize {
        if self.shared.is_finishing.load(Ordering::SeqCst) {
            return 0;
        }
        let now = self.now();
        let Shared { busy, hands, .. } = &*self.shared;
        // What is in hand, held back or in trouble must not hide what is due behind it.
        let limit = busy.len() + hands.held_back() + self.shared.troubles(now) + BATCH;
        let due = match self.shared.store.due(now, limit) {
            Ok(due) => due,
            Err(error) => {
                self.store_failed(&error);
                return 0;
            }
        };
        let mut found = 0;
        let mut held_back = HashMap::new();
        let due = due.into_iter().map(|(at, what)| (what, Some(at)));
        let offered = self.offered(now).into_iter().map(|what| (what, None));
        for (what, due) in due.chain(offered) {
            let is_offered = due.is_none();
            let is_troubled = self.shared.troubled(&what, now);
            let Some(held) = (!is_troubled).then(|| busy.hold(&what)).flatten() else {
                if is_offered {
                    self.shared.offers.add(what);
                }
                continue;
            };
            let known = due.and_then(|at| hands.known(&what, at));
            let is_new = known.is_none();
            let load = known.unwrap_or_else(|| self.load(&what, now));
            let Some(hand) = hands.take(&load) else {
                drop(held);
                match due {
                    Some(at) => {
                        found += usize::from(is_new);
                        held_back.insert(what, (at, load));
                    }
                    None => self.shared.offers.add(what),
                }
                continue;
            };
            let engine = self.clone();
            found += 1;
            self.spawn(async move {
                let outcome = match &what {
                    Due::Request(id) => engine.do_for_request(id).await,
                    Due::Entitlement(id) => engine.do_for_entitlement(id).await,
                };
                if let Err(error) = outcome {
                    // The row stays where it is and the others go on.
                    engine.store_failed(&error);
                    engine.shared.trouble(&what, engine.now());
                    if is_offered {
                        engine.shared.offers.add(what);
                    }
                }
                drop((held, hand));
                engine.wake();
            });
        }
        hands.hold_back(held_back);
        found + self.start_outbox()
    }

    /// Returns when there may be something to do.
    pub(super) async fn wait_for_work(&self) {
        let now = self.now();
        let nap = nap(now, self.next_start().unwrap_or_default());
        drop(tokio::time::timeout(nap, self.shared.wake.notified()).await);
    }

    async fn do_for_request(&self, id: &RequestId) -> Result<(), StoreError> {
        let Some(request) = self.shared.store.request(id)? else { return Ok(()) };
        let Some(duty) = request.owed(self.now()) else { return Ok(()) };
        // What was read may have been written a moment ago: nothing leaves before it is on disk.
        self.shared.store.settle().await?;
        match duty {
            RequestDuty::Identify => self.identify(&request).await,
            RequestDuty::Lapse | RequestDuty::Remind | RequestDuty::FallBack | RequestDuty::Warn => {
                self.take(&About::Request(id.clone()), &Event::TimePassed).await
            }
        }
    }

    async fn do_for_entitlement(&self, id: &EntitlementId) -> Result<(), StoreError> {
        let owed = || -> Result<_, StoreError> {
            let entitlement = self.shared.store.entitlement(id)?;
            Ok(entitlement.and_then(|held| held.owed(self.now()).map(|duty| (held, duty))))
        };
        let mut found = owed()?;
        if matches!(found, Some((_, EntitlementDuty::Grant))) {
            // Books that may have lost something give nothing new; what they know of is ended meanwhile. This
            // one, too: while it is in hand nothing else is done for it, so that it is let go soon.
            let Ok(proven) = tokio::time::timeout(LONGEST_NAP, self.shared.store.proven()).await else {
                return Ok(());
            };
            proven?;
            found = owed()?;
        }
        let Some((entitlement, duty)) = found else { return Ok(()) };
        self.shared.store.settle().await?;
        let event = match duty {
            EntitlementDuty::TimePasses => Event::TimePassed,
            EntitlementDuty::Look
            | EntitlementDuty::Grant
            | EntitlementDuty::PollGrant
            | EntitlementDuty::Revoke
            | EntitlementDuty::PollRevoke => {
                let Some(event) = self.ask_aws(&entitlement, duty).await else {
                    // Others had the right of way, and nothing was tried: it is still due, and what is
                    // owed may be something else by now.
                    if entitlement.duty().is_some_and(|(_, due)| due > self.now()) {
                        self.shared.offers.add(Due::Entitlement(id.clone()));
                    }
                    return Ok(());
                };
                event
            }
        };
        self.take(&About::Entitlement(id.clone()), &event).await
    }

    /// A machine's word. One that comes too late changes nothing and needs no answer.
    pub(super) async fn take(&self, about: &About, event: &Event) -> Result<(), StoreError> {
        if let Err(refusal) = self.apply(about, event).await? {
            tracing::debug!(?refusal, "an answer came too late to matter");
        }
        Ok(())
    }

    /// What AWS says; nothing where it was not asked, because others went first.
    async fn ask_aws(&self, entitlement: &Entitlement, duty: EntitlementDuty) -> Option<Event> {
        let connection = self.connection(entitlement);
        let name = entitlement.claims.keys().chain(&entitlement.ending).next_back();
        let nobody = RequestId::new("sym");
        let session = Session {
            connection: &connection,
            name: name.unwrap_or(&nobody),
            source_identity: entitlement.holder.email.as_ref(),
        };
        let (who, what) = (&entitlement.principal, &entitlement.resource);
        let work = entitlement.custody.work();
        let aws = &self.shared.aws;
        let is_poll = matches!(duty, EntitlementDuty::PollGrant | EntitlementDuty::PollRevoke);
        let event = match (duty, work.operation) {
            (EntitlementDuty::Look, _) => looked(tried(aws.look(&session, who, what).await)?),
            (EntitlementDuty::Grant, _) => {
                // What the books said may have changed while it waited for its turn.
                let is_wanted = || {
                    let held = self.shared.store.entitlement(&entitlement.id);
                    matches!(held, Ok(Some(held)) if held.is_to_be_given(self.now()))
                };
                let answer = aws.grant(&session, who, what, work.attempts > 0, &is_wanted).await;
                granted(tried(answer)?)
            }
            (EntitlementDuty::Revoke, _) => revoked(tried(aws.revoke(&session, who, what).await)?),
            (EntitlementDuty::PollGrant, Some(operation)) => {
                granted(tried(aws.poll_grant(&session, who, what, operation).await)?)
            }
            (EntitlementDuty::PollRevoke, Some(operation)) => {
                revoked(tried(aws.poll_revoke(&session, who, what, operation).await)?)
            }
            (EntitlementDuty::PollGrant | EntitlementDuty::PollRevoke, None)
            | (EntitlementDuty::TimePasses, _) => Event::TimePassed,
        };
        Some(match event {
            Event::GrantStarted { .. } | Event::RevokeStarted { .. } if is_poll => Event::StillRunning,
            event => event,
        })
    }

    /// The way to AWS as the manifest has it today; as it was when the access was given, where the
    /// manifest has forgotten the integration.
    pub(super) fn connection(&self, entitlement: &Entitlement) -> Connection {
        let catalog = self.catalog();
        catalog
            .integrations
            .get(&entitlement.connection.integration)
            .map_or_else(|| entitlement.connection.clone(), |integration| integration.connection.clone())
    }
}

/// How long the bot may sleep until something is to be started.
fn nap(now: Timestamp, next: Option<Timestamp>) -> Duration {
    match next {
        Some(next) if next > now => {
            Duration::from_millis(u64::try_from(next.since(now).as_millis()).unwrap_or(0)).min(LONGEST_NAP)
        }
        // What is due and not in hand has made trouble, and is left alone for a while.
        Some(_) | None => LONGEST_NAP,
    }
}

/// An answer, unless nothing was tried.
fn tried<T>(answer: Result<T, AwsError>) -> Option<Result<T, AwsError>> {
    match answer {
        Err(error) if error.is_crowded() => None,
        answer => Some(answer),
    }
}

fn looked(answer: Result<bool, AwsError>) -> Event {
    match answer {
        Ok(is_present) => Event::Looked { is_present },
        Err(error) => Event::LookFailed { error: MachineError::from(error), jitter: jitter() },
    }
}

fn granted(answer: Result<Progress, AwsError>) -> Event {
    match answer {
        Ok(Progress::Done) => Event::GrantConfirmed,
        Ok(Progress::Running(operation)) => Event::GrantStarted { operation },
        Err(error) => Event::GrantFailed { error: MachineError::from(error), jitter: jitter() },
    }
}

fn revoked(answer: Result<Progress, AwsError>) -> Event {
    match answer {
        Ok(Progress::Done) => Event::SeenAbsent,
        Ok(Progress::Running(operation)) => Event::RevokeStarted { operation },
        Err(error) => Event::RevokeFailed { error: MachineError::from(error), jitter: jitter() },
    }
}

impl Shared {
    /// Work whose row could not be read or written is left alone for a minute; not for longer where the
    /// clock was put back.
    fn troubled(&self, what: &Due, now: Timestamp) -> bool {
        let troubles = self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        troubles.get(what).is_some_and(|until| *until > now && *until <= now + LEFT_ALONE)
    }

    /// How many are left alone.
    fn troubles(&self, now: Timestamp) -> usize {
        let mut troubles = self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        troubles.retain(|_, until| *until > now && *until <= now + LEFT_ALONE);
        troubles.len()
    }

    fn trouble(&self, what: &Due, now: Timestamp) {
        let mut troubles = self.troubles.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        troubles.insert(what.clone(), now + LEFT_ALONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bot_wakes_at_the_very_moment_and_never_sleeps_long() {
        let now = Timestamp::from_millis(1_000_000);
        let table = [
            (None, 1_000),
            (Some(Span::millis(1)), 1),
            (Some(Span::millis(999)), 999),
            (Some(Span::hours(3)), 1_000),
            // In hand already, or in trouble.
            (Some(Span::millis(0)), 1_000),
            (Some(Span::millis(-5)), 1_000),
        ];
        for (ahead, expected) in table {
            assert_eq!(nap(now, ahead.map(|span| now + span)), Duration::from_millis(expected), "{ahead:?}");
        }
    }
}
