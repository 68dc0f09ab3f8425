//! Runs the handler for what was delivered, and says what to acknowledge.

use super::seen::{Claim, Outcome, Seen, Ticket};
use super::turns::Turns;
use super::{Ack, Handler, frame};
use crate::slack::inbound::Envelope;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tracing::{debug, error, warn};

/// Runs the handler, once for each delivery, whatever happens to it.
pub(super) struct Desk {
    handler: Handler,
    within: Duration,
    seen: Arc<Seen>,
    turns: Arc<Turns>,
}

impl Desk {
    pub(super) fn new(handler: Handler, within: Duration) -> Self {
        Self { handler, within, seen: Arc::default(), turns: Arc::default() }
    }

    /// Takes a delivery; the future is its acknowledgement, or nothing when it is not to be
    /// acknowledged. The delivery has its place in the order when this returns.
    pub(super) fn take(
        &self,
        envelope: Envelope,
        accepts_payload: bool,
    ) -> impl Future<Output = Option<String>> + Send + use<> {
        let kind = envelope.inbound.kind().to_owned();
        let outcome = match Seen::claim(&self.seen, &envelope.id, Instant::now()) {
            Claim::New(ticket, outcome) => {
                self.run(envelope, accepts_payload, ticket);
                outcome
            }
            Claim::Known(outcome) => {
                debug!(envelope.kind = %kind, "Slack delivers again");
                outcome
            }
        };
        answer(kind, outcome, self.within)
    }

    fn run(&self, envelope: Envelope, accepts_payload: bool, ticket: Ticket) {
        let handler = Arc::clone(&self.handler);
        let turn = envelope.inbound.about().map(|thing| Turns::take(&self.turns, thing));
        let within = self.within;
        tokio::spawn(async move {
            let id = envelope.id.clone();
            let kind = envelope.inbound.kind().to_owned();
            let guard = Guard { kind: &kind, ticket: Some(ticket) };
            let mut turn = turn;
            if let Some(turn) = &mut turn {
                // One that hangs does not keep the others from being answered.
                drop(timeout(within, turn.comes()).await);
            }
            let ack = handler(envelope).await;
            drop(turn);
            let text = match ack {
                Ack::NotAcked => None,
                ack => {
                    let payload = ack.payload();
                    if payload.is_some() && !accepts_payload {
                        error!(envelope.kind = %kind, "Slack takes no answer with this acknowledgement");
                    }
                    Some(frame(id.as_str(), payload.filter(|_| accepts_payload)))
                }
            };
            guard.finish(text);
        });
    }
}

async fn answer(kind: String, mut outcome: Outcome, within: Duration) -> Option<String> {
    match timeout(within, outcome.wait_for(Option::is_some)).await {
        Ok(Ok(ack)) => ack.as_deref().filter(|ack| !ack.is_empty()).map(str::to_owned),
        // The ticket went without an outcome: a panic, which the ticket has reported.
        Ok(Err(_)) => None,
        Err(_) => {
            warn!(envelope.kind = %kind, "a handler was too late to acknowledge");
            None
        }
    }
}

/// Notices when the handler does not come back.
struct Guard<'a> {
    kind: &'a str,
    ticket: Option<Ticket>,
}

impl Guard<'_> {
    fn finish(mut self, ack: Option<String>) {
        if let Some(ticket) = self.ticket.take() {
            ticket.finish(ack);
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() && std::thread::panicking() {
            error!(envelope.kind = %self.kind, "a handler panicked; the delivery is not acknowledged");
        }
    }
}
