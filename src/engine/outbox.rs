//! Sends what people are owed: cards drawn again, notices in order. At least once; a message never
//! holds up a duty, and a Slack that is down only makes messages late.

use super::inventory::Listing;
use super::{About, Engine, tasks::Busy};
use crate::access::{
    AccessRequest, Audience, Card, Click, ClickAction, Event, NoticeKind, Place, RequestId, Span, Timestamp,
    UserId,
};
use crate::slack::api::{ChannelStanding, Message, SlackError, hint};
use crate::slack::message::{self, UseHint};
use crate::store::{Commit, Queued, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A notice that could not be sent for this long is given up, loudly.
const GIVE_UP_AFTER: Span = Span::days(1);
/// How many errands are started in one go.
const BATCH: usize = 256;

/// What is being sent, and what waits after a failure.
#[derive(Default)]
pub(super) struct Outbox {
    busy: Busy<Errand>,
    waiting: Mutex<HashMap<Errand, Wait>>,
}

/// One line of work: the cards of a request, or its notices in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Errand {
    Cards(RequestId),
    Notices(RequestId),
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    /// It failed then: a clock that was put back to before it ends the wait.
    since: Timestamp,
    until: Timestamp,
    failures: u32,
}

/// What became of an errand.
enum Sent {
    /// Nothing more to do.
    Done,
    /// Slack would not take it now.
    Later(SlackError),
}

impl Outbox {
    /// When the earliest waiting errand is tried again.
    pub(super) fn next_retry(&self) -> Option<Timestamp> {
        self.lock().values().map(|wait| wait.until).min()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Errand, Wait>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_waiting(&self, errand: &Errand, now: Timestamp) -> bool {
        self.lock().get(errand).is_some_and(|wait| (wait.since..wait.until).contains(&now))
    }

    fn succeeded(&self, errand: &Errand) {
        self.lock().remove(errand);
    }

    fn failed(&self, errand: &Errand, error: &SlackError, now: Timestamp) {
        let mut waiting = self.lock();
        let failures = waiting.get(errand).map_or(0, |wait| wait.failures) + 1;
        let backoff = Span::seconds(1_i64.checked_shl(failures.min(8)).unwrap_or(256));
        let asked =
            error.retry_after().map(|wait| Span::millis(i64::try_from(wait.as_millis()).unwrap_or(1000)));
        waiting.insert(errand.clone(), Wait { since: now, until: now + asked.unwrap_or(backoff), failures });
    }
}

/// The error that asks for the shorter wait: trying again early asks nothing of the place that is closed
/// for longer.
fn sooner(before: Option<SlackError>, error: SlackError) -> SlackError {
    match before {
        Some(before) if before.retry_after() <= error.retry_after() => before,
        _ => error,
    }
}

/// Whether an edit was refused because of where the card is, so that nobody can be reached there. Other
/// refusals are about the message: the card is still there.
fn is_place_gone(error: &SlackError) -> bool {
    let gone = ["channel_not_found", "not_in_channel", "is_archived"];
    matches!(error, SlackError::Refused { code, .. }
        if gone.contains(&code.as_str()) || code.starts_with("restricted_action"))
}

impl Engine {
    /// Starts every errand that is neither in hand nor waiting; returns how many.
    pub(super) fn start_outbox(&self) -> usize {
        let store = &self.shared.store;
        let cards = store.redraws().map(Errand::Cards);
        let notices = store.requests_with_notices().map(Errand::Notices);
        cards.chain(notices).filter(|errand| self.start_errand(errand)).take(BATCH).count()
    }

    fn start_errand(&self, errand: &Errand) -> bool {
        let outbox = &self.shared.outbox;
        if outbox.is_waiting(errand, self.now()) {
            return false;
        }
        let Some(held) = outbox.busy.hold(errand) else { return false };
        let (engine, errand) = (self.clone(), errand.clone());
        self.spawn(async move {
            let outcome = match &errand {
                Errand::Cards(id) => engine.draw_cards(id).await,
                Errand::Notices(id) => engine.send_notices(id).await,
            };
            match outcome {
                Ok(Sent::Done) => engine.shared.outbox.succeeded(&errand),
                Ok(Sent::Later(error)) => {
                    tracing::warn!(error = %error, "a message is late");
                    engine.shared.outbox.failed(&errand, &error, engine.now());
                }
                Err(error) => {
                    engine.store_failed(&error);
                    let error = SlackError::Transient { method: "", why: error.to_string() };
                    engine.shared.outbox.failed(&errand, &error, engine.now());
                }
            }
            drop(held);
            engine.wake();
        });
        true
    }

    /// Posts or edits every card of a request to show where it stands now.
    async fn draw_cards(&self, id: &RequestId) -> Result<Sent, StoreError> {
        let Some(mark) = self.shared.store.redraw_mark(id)? else { return Ok(Sent::Done) };
        let drawn = Commit { at: self.now(), drawn: vec![(id.clone(), mark)], ..Commit::default() };
        let Some(request) = self.shared.store.request(id)? else {
            self.record(drawn).await?;
            return Ok(Sent::Done);
        };
        // What was read may have been written a moment ago: nothing leaves before it is on disk.
        self.shared.store.settle().await?;
        let around = self.accounts_around(&request);
        let shown = message::card(&request, &around.accounts);
        let anew = message::posted_anew(shown.clone());
        let mut late = None;
        for card in &request.cards {
            let outcome = match &card.place {
                Some(place) => {
                    let shown = if card.is_anew { &anew } else { &shown };
                    self.edit_card(&request, card, place, shown).await?
                }
                None if card.failed.is_some() => Ok(()),
                None => self.post_card(&request, card, &shown).await?,
            };
            // A place that has to wait holds up no other.
            if let Err(error) = outcome {
                late = Some(sooner(late, error));
            }
        }
        if let Some(error) = late {
            return Ok(Sent::Later(error));
        }
        self.record(drawn).await?;
        Ok(Sent::Done)
    }

    /// Shows the state on a card that was posted. One that somebody deleted is posted again, once, while
    /// it has buttons for somebody; one that can no longer be reached is told to those who can mend it.
    async fn edit_card(
        &self,
        request: &AccessRequest,
        card: &Card,
        place: &Place,
        shown: &Message,
    ) -> Result<Result<(), SlackError>, StoreError> {
        let about = About::Request(request.id.clone());
        let (id, destination) = (request.id.clone(), card.destination.clone());
        match self.shared.slack.update_message(place, shown).await {
            Ok(()) if card.failed.is_none() => {}
            Ok(()) => {
                let event = Event::CardPosted { request: id, destination, place: place.clone() };
                self.take(&about, &event).await?;
            }
            Err(error) if error.is_transient() => return Ok(Err(error)),
            Err(error) if error.is_refused_with("message_not_found") => {
                tracing::warn!(request = %id, "a card was deleted");
                if !message::has_buttons(shown) {
                    return Ok(Ok(()));
                }
                if !card.is_anew {
                    // That it was posted again is said with the next edit, which follows at once.
                    return self.post_card(request, card, shown).await;
                }
                // Somebody who deletes every message would get one for each.
                let event = Event::CardFailed { request: id, destination, why: in_words(&error) };
                self.take(&about, &event).await?;
            }
            Err(error) if is_place_gone(&error) => {
                tracing::warn!(error = %error, "a card cannot be edited any more");
                let event = Event::CardFailed { request: id, destination, why: in_words(&error) };
                self.take(&about, &event).await?;
            }
            // The card is there with its buttons, and people can be reached by it.
            Err(error) => tracing::warn!(error = %error, "a card could not be edited and shows an old state"),
        }
        Ok(Ok(()))
    }

    /// A card that was pressed but is none of the request's: its posting was never confirmed, so that
    /// another one was posted. It is put right, once, and its buttons go.
    pub(super) async fn settle_stray(&self, click: &Click) -> Result<(), StoreError> {
        let Some(place) = &click.place else { return Ok(()) };
        if !matches!(click.action, ClickAction::Approve | ClickAction::Deny) {
            return Ok(());
        }
        let Some(request) = self.shared.store.request(&click.request)? else { return Ok(()) };
        let places = || request.cards.iter().filter_map(|card| card.place.as_ref());
        if places().any(|known| known == place) || !places().any(|known| known.channel == place.channel) {
            return Ok(());
        }
        let shown = message::stray(&request);
        if let Err(error) = self.shared.slack.update_message(place, &shown).await {
            tracing::warn!(error = %error, "a stray card could not be put right");
        }
        Ok(())
    }

    async fn post_card(
        &self,
        request: &AccessRequest,
        card: &Card,
        shown: &Message,
    ) -> Result<Result<(), SlackError>, StoreError> {
        let posted = match self.destination(&card.destination).await {
            Ok(channel) => self.shared.slack.post_message(&channel, shown).await,
            Err(error) => Err(error),
        };
        let about = About::Request(request.id.clone());
        let destination = card.destination.clone();
        let event = match posted {
            Ok(place) => Event::CardPosted { request: request.id.clone(), destination, place },
            Err(error) if error.is_transient() => return Ok(Err(error)),
            Err(error) => {
                let why = self.why_not(&card.destination, &error).await;
                Event::CardFailed { request: request.id.clone(), destination, why }
            }
        };
        self.take(&about, &event).await?;
        Ok(Ok(()))
    }

    /// Why nothing can be posted there. Slack finds archived channels by their ids only, so that one which
    /// is named looks as if it were not there.
    async fn why_not(&self, destination: &str, error: &SlackError) -> String {
        if error.code() == "channel_not_found"
            && let Ok(ChannelStanding::Archived) = self.shared.slack.channel_standing(destination).await
        {
            return words_of("is_archived").unwrap_or_else(|| in_words(error));
        }
        in_words(error)
    }

    /// A channel's name or id as it is; an address is the direct message to that person.
    async fn destination(&self, destination: &str) -> Result<String, SlackError> {
        let address = destination.strip_prefix("user:").unwrap_or(destination);
        if !address.contains('@') {
            let id = self.channel_id(destination).await?;
            return Ok(id.map_or_else(|| destination.to_owned(), |id| id.as_str().to_owned()));
        }
        let user = self.shared.slack.user_by_email(&crate::access::Email::new(address)).await?;
        let user = user.ok_or_else(|| SlackError::Refused {
            method: "users.lookupByEmail",
            code: "users_not_found".to_owned(),
            detail: None,
        })?;
        Ok(self.shared.slack.open_dm(&user).await?.as_str().to_owned())
    }

    /// Sends the waiting notices of a request, oldest first. What has to wait holds up only what is for
    /// the same people.
    async fn send_notices(&self, id: &RequestId) -> Result<Sent, StoreError> {
        let request = self.shared.store.request(id)?;
        let waiting = self.shared.store.notices(id)?;
        self.shared.store.settle().await?;
        let mut late = None;
        let mut behind: Vec<Audience> = Vec::new();
        for queued in waiting {
            if behind.contains(&queued.notice.to) {
                continue;
            }
            let sent = match &request {
                Some(request) => self.send(&queued, request).await,
                None => self.send_unknown(&queued).await,
            };
            match sent {
                Ok(()) => {}
                Err(error) if error.is_transient() && self.now().since(queued.since) < GIVE_UP_AFTER => {
                    late = Some(sooner(late, error));
                    behind.push(queued.notice.to);
                    continue;
                }
                Err(error) => {
                    tracing::error!(error = %error, request = %id, "a message was given up");
                }
            }
            let done =
                Commit { at: self.now(), sent: vec![(id.clone(), queued.number)], ..Commit::default() };
            self.record(done).await?;
        }
        Ok(late.map_or(Sent::Done, Sent::Later))
    }

    async fn send(&self, queued: &Queued, request: &AccessRequest) -> Result<(), SlackError> {
        let catalog = self.catalog();
        let integration = request
            .target
            .as_ref()
            .and_then(|target| catalog.integrations.get(&target.connection.integration));
        let around = self.accounts_around(request);
        let hint = UseHint {
            portal_url: integration.and_then(|integration| integration.portal_url.as_deref()),
            region: integration.and_then(|integration| integration.connection.region.as_deref()),
            session: None,
            accounts: &around.accounts,
        };
        let shown = message::notice(&queued.notice, request, &hint);
        self.deliver(&queued.notice.to, &shown).await
    }

    /// What is known about the accounts where the request's target is.
    fn accounts_around(&self, request: &AccessRequest) -> Arc<Listing> {
        let integration = request.target.as_ref().map(|target| &target.connection.integration);
        let listed = integration.and_then(|integration| self.shared.inventory.listing(integration));
        listed.map(|(_, listing)| listing).unwrap_or_default()
    }

    /// A click on a request that is not in the books is still answered.
    async fn send_unknown(&self, queued: &Queued) -> Result<(), SlackError> {
        let NoticeKind::ClickRefused { refusal } = &queued.notice.kind else { return Ok(()) };
        let text = message::refusal(refusal, None);
        self.deliver(&queued.notice.to, &message::said(&text)).await
    }

    /// A message that no request is about, at most once.
    pub(super) async fn post(&self, destination: &str, shown: &Message) -> Result<(), SlackError> {
        let channel = self.destination(destination).await?;
        self.shared.slack.post_message(&channel, shown).await.map(drop)
    }

    pub(super) async fn deliver_directly(&self, user: &UserId, shown: &Message) -> Result<(), SlackError> {
        let channel = self.shared.slack.open_dm(user).await?;
        self.shared.slack.post_message(channel.as_str(), shown).await.map(drop)
    }

    async fn deliver(&self, to: &Audience, shown: &Message) -> Result<(), SlackError> {
        match to {
            Audience::Person(user) => self.deliver_directly(user, shown).await,
            Audience::Whisper { channel, user } => {
                match self.shared.slack.post_ephemeral(channel.as_str(), user, shown).await {
                    // Who reads a channel without being in it can press, and cannot be whispered to.
                    Err(error) if !error.is_transient() => self.deliver_directly(user, shown).await,
                    sent => sent,
                }
            }
            Audience::Channel(name) => self.post(name, shown).await,
        }
    }
}

/// What can be done first, what Slack said second.
fn in_words(error: &SlackError) -> String {
    words_of(error.code()).unwrap_or_else(|| error.to_string())
}

fn words_of(code: &str) -> Option<String> {
    hint(code).map(|hint| format!("{hint} (Slack says `{code}`)"))
}
