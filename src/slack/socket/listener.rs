//! Takes frames from the transport, runs the handler and says what to acknowledge.

use super::seen::{Claim, Seen, Ticket};
use super::{Ack, Handler, frame};
use crate::slack::inbound::{self, Envelope, Frame};
use slack_morphism::{SlackSocketModeClientListener, SlackSocketModeWssClientId};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tracing::{debug, error, info, warn};

/// What a connection has to tell its keeper.
#[derive(Debug)]
pub(super) enum News {
    /// Slack is ready to deliver.
    Hello(SlackSocketModeWssClientId),
    /// Slack will close the connection soon; it still works.
    Ending(SlackSocketModeWssClientId),
    /// The connection is gone.
    Lost(SlackSocketModeWssClientId, String),
}

/// What the transport calls.
pub(super) struct Listener {
    pub(super) desk: Arc<Desk>,
    /// One for each connection.
    pub(super) inboxes: Vec<mpsc::UnboundedSender<News>>,
}

impl Listener {
    fn tell(&self, id: &SlackSocketModeWssClientId, news: impl FnOnce(SlackSocketModeWssClientId) -> News) {
        let slot = usize::try_from(id.token_index).ok();
        if let Some(inbox) = slot.and_then(|slot| self.inboxes.get(slot)) {
            // A keeper that is gone was told to stop.
            drop(inbox.send(news(id.clone())));
        }
    }

    async fn receive(&self, id: &SlackSocketModeWssClientId, text: String) -> Option<String> {
        let read = inbound::read(&text);
        let bytes = text.len();
        drop(text);
        match read {
            Frame::Hello => {
                self.tell(id, News::Hello);
                None
            }
            Frame::Disconnect { reason } => {
                info!(slack.connection = id.token_index, slack.reason = %reason, "Slack replaces a connection");
                match reason.as_str() {
                    "warning" | "refresh_requested" => self.tell(id, News::Ending),
                    _ => self.tell(id, |id| News::Lost(id, said(&reason))),
                }
                None
            }
            Frame::Envelope { envelope, accepts_payload } => {
                self.desk.serve(*envelope, accepts_payload).await
            }
            Frame::Unreadable(why) => {
                warn!(frame.bytes = bytes, "a frame from Slack cannot be read: {why}");
                None
            }
        }
    }
}

fn said(reason: &str) -> String {
    match reason {
        "link_disabled" => "socket mode is switched off in the app's settings".to_owned(),
        "too_many_websockets" => "the app has too many connections; is another Sym running?".to_owned(),
        reason => format!("Slack closed the connection: {reason}"),
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Written out as `async_trait` would, whose macro is no dependency of ours.
impl SlackSocketModeClientListener for Listener {
    fn on_message<'life0, 'life1, 'async_trait>(
        &'life0 self,
        client_id: &'life1 SlackSocketModeWssClientId,
        message_body: String,
    ) -> Later<'async_trait, Option<String>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(self.receive(client_id, message_body))
    }

    fn on_error<'life0, 'async_trait>(
        &'life0 self,
        error: Box<dyn std::error::Error + Send + Sync>,
    ) -> Later<'async_trait, ()>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        // Its text may hold a frame.
        drop(error);
        debug!("a connection to Slack failed");
        Box::pin(async {})
    }

    fn on_disconnect<'life0, 'life1, 'async_trait>(
        &'life0 self,
        client_id: &'life1 SlackSocketModeWssClientId,
    ) -> Later<'async_trait, ()>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        self.tell(client_id, |id| News::Lost(id, "the connection broke".to_owned()));
        Box::pin(async {})
    }
}

/// Runs the handler, once for each delivery, whatever happens to it.
pub(super) struct Desk {
    handler: Handler,
    within: Duration,
    seen: Arc<Seen>,
    is_closed: AtomicBool,
    /// How many deliveries are being answered.
    busy: watch::Sender<usize>,
}

/// Counts a delivery for as long as it lives.
struct Busy<'a>(&'a watch::Sender<usize>);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|busy| *busy = busy.saturating_sub(1));
    }
}

impl Desk {
    pub(super) fn new(handler: Handler, within: Duration) -> Self {
        let seen = Arc::new(Seen::default());
        Self { handler, within, seen, is_closed: AtomicBool::new(false), busy: watch::channel(0).0 }
    }

    /// Answers no more, and waits until what is being answered is.
    pub(super) async fn close(&self, patience: Duration) {
        self.is_closed.store(true, Ordering::SeqCst);
        let mut busy = self.busy.subscribe();
        if timeout(patience, busy.wait_for(|busy| *busy == 0)).await.is_err() {
            warn!("stopped while deliveries of Slack were being answered");
        }
    }

    /// The acknowledgement of a delivery; nothing when it is not to be acknowledged.
    pub(super) async fn serve(&self, envelope: Envelope, accepts_payload: bool) -> Option<String> {
        self.busy.send_modify(|busy| *busy += 1);
        let _busy = Busy(&self.busy);
        if self.is_closed.load(Ordering::SeqCst) {
            return None;
        }
        let kind = envelope.inbound.kind().to_owned();
        let mut outcome = match Seen::claim(&self.seen, &envelope.id, Instant::now()) {
            Claim::New(ticket, outcome) => {
                self.run(envelope, accepts_payload, ticket);
                outcome
            }
            Claim::Known(outcome) => {
                debug!(envelope.kind = %kind, "Slack delivers again");
                outcome
            }
        };
        match timeout(self.within, outcome.wait_for(Option::is_some)).await {
            Ok(Ok(ack)) => ack.as_deref().filter(|ack| !ack.is_empty()).map(str::to_owned),
            // The ticket went without an outcome: a panic, which the ticket has reported.
            Ok(Err(_)) => None,
            Err(_) => {
                warn!(envelope.kind = %kind, "a handler was too late to acknowledge");
                None
            }
        }
    }

    fn run(&self, envelope: Envelope, accepts_payload: bool, ticket: Ticket) {
        let handler = Arc::clone(&self.handler);
        tokio::spawn(async move {
            let id = envelope.id.clone();
            let kind = envelope.inbound.kind().to_owned();
            let guard = Guard { kind: &kind, ticket: Some(ticket) };
            let ack = handler(envelope).await;
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
