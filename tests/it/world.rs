//! The world in which stories happen. No sleeping, no "eventually", no hook in production code.

pub(crate) mod catalog;
pub(crate) mod crash;
pub(crate) mod crowd;
pub(crate) mod custody;
mod person;
mod wire;

pub(crate) use person::{Asked, Someone};
pub(crate) use wire::{only, stories};

use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use sym::access::{AccessRequest, RequestId, Span, Status, Timestamp};
use sym::bot::{Bot, Settings};
use sym::clock::Clock;
use sym::config::Secret;
use sym::demo::Stage;
use sym::engine::Engine;
use sym::manifest::Catalog;
use sym::readiness::Readiness;
use sym::sandbox::aws::{Aws, Holding};
use sym::sandbox::slack::{Message, Slack};
use tempfile::TempDir;

/// When every story begins: 2026-11-20 09:00 UTC.
pub(crate) const MORNING: Timestamp = Timestamp::from_millis(1_795_165_200_000);

/// Waits up to this long are let pass by [`World::settle`]: AWS's polls and first retries.
const SHORT: Span = Span::seconds(30);

pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) clock: Clock,
    catalog: Catalog,
    data: TempDir,
    /// Where the books are, when they were restored elsewhere.
    place: Option<PathBuf>,
    bot: Option<Bot>,
    /// How many messages of each person have been read: direct ones and whispers.
    read: Mutex<HashMap<(String, &'static str), usize>>,
    /// What AWS held before the story, by hand.
    standing: Vec<Holding>,
    /// Whether a bot has used the store before.
    has_run: bool,
}

impl World {
    /// A world around the flows of a file or folder of manifests.
    pub(crate) async fn with(manifests: &str) -> Self {
        Self::around(catalog::load(Path::new(manifests))).await
    }

    pub(crate) async fn around(catalog: Catalog) -> Self {
        let mut world = Self::asleep(catalog).await;
        world.start().await;
        world
    }

    /// A world in which the bot does not run yet.
    pub(crate) async fn asleep(catalog: Catalog) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let clock = Clock::manual(MORNING);
        let stage = Stage::build(&catalog, &clock, None).await.unwrap();
        stage.aws.quotas(true);
        stage.aws.strict_account_lanes(true);
        Self {
            stage,
            clock,
            catalog,
            data: TempDir::new().unwrap(),
            place: None,
            bot: None,
            read: Mutex::default(),
            standing: Vec::new(),
            has_run: false,
        }
    }

    /// Starts the bot on the world's store.
    pub(crate) async fn start(&mut self) {
        // sled's own threads may hold its lock for a moment longer than its owner. A copy of the
        // files is as good, and nobody's.
        if std::mem::replace(&mut self.has_run, true) {
            self.data = crash::copy_of(self.data.path());
        }
        let readiness = Readiness::default();
        let settings = Settings {
            data: self.data().to_owned(),
            slack_api_url: self.slack().api_url(),
            app_token: Secret::new(self.slack().app_token()),
            bot_token: Secret::new(self.slack().bot_token()),
            // The engine repeats what the SDK would.
            aws: sym::aws::Settings { attempts: 1, ..self.stage.aws_settings(&self.clock) },
            catalog: self.catalog.clone(),
            clock: self.clock.clone(),
            readiness: readiness.clone(),
        };
        let (_, listening) = Bot::open(settings).await.unwrap();
        self.bot = Some(listening.start().await.unwrap());
        readiness.ready().await;
    }

    /// Stops the bot in good order and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(bot) = self.bot.take() {
            bot.stop().await;
        }
    }

    /// From the next start on the books are there.
    pub(crate) fn moves_to(&mut self, place: &Path) {
        self.place = Some(place.to_owned());
    }

    pub(crate) fn slack(&self) -> &Slack {
        &self.stage.slack
    }

    pub(crate) fn aws(&self) -> &Aws {
        &self.stage.aws
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.bot.as_ref().expect("the bot is running").engine()
    }

    /// What the health page says.
    pub(crate) fn readiness(&self) -> &Readiness {
        self.bot.as_ref().expect("the bot is running").readiness()
    }

    pub(crate) fn person(&self, handle: &str) -> Someone<'_> {
        Someone::new(self, self.stage.player(handle).unwrap().clone())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock without letting anything be done.
    pub(crate) fn jump(&self, to: Timestamp) {
        let Clock::Manual(millis) = &self.clock else { panic!("the world's clock is manual") };
        millis.store(to.millis(), Ordering::SeqCst);
    }

    /// Does what is due, and lets short waits pass, until nothing is left to do for a while.
    pub(crate) async fn settle(&self) {
        for _ in 0..20_000 {
            self.engine().settle().await;
            match self.engine().next_due().unwrap() {
                Some(next) if next <= self.now() + SHORT => self.jump(next.max(self.now())),
                _ => return,
            }
        }
        panic!("the world does not come to rest");
    }

    /// Lets time pass, doing what is due when it is due.
    pub(crate) async fn pass(&self, span: Span) {
        let end = self.now() + span;
        for _ in 0..100_000 {
            self.engine().settle().await;
            match self.engine().next_due().unwrap() {
                Some(next) if next <= end => self.jump(next.max(self.now())),
                _ => {
                    self.jump(end.max(self.now()));
                    self.engine().settle().await;
                    return;
                }
            }
        }
        panic!("the world does not come to rest");
    }

    pub(crate) fn request(&self, asked: &Asked) -> AccessRequest {
        self.engine().store().request(&asked.id).unwrap().expect("the request is in the books")
    }

    pub(crate) fn status(&self, asked: &Asked) -> Status {
        self.request(asked).status
    }

    pub(crate) fn request_ids(&self) -> Vec<RequestId> {
        self.engine().store().requests().map(|request| request.id).collect()
    }

    /// The card of a request in its channel, as this person sees it.
    pub(crate) fn card(&self, asked: &Asked) -> String {
        let message = self.card_message(asked);
        self.slack().shown(&self.stage.player("bo").unwrap().user, &message)
    }

    pub(crate) fn card_message(&self, asked: &Asked) -> Message {
        let request = self.request(asked);
        let place = request.cards.iter().find_map(|card| card.place.clone()).expect("the card is posted");
        let messages = self.slack().messages(place.channel.as_str());
        messages.into_iter().find(|message| message.ts == place.ts.as_str()).expect("the card is there")
    }

    /// Everything in a channel, as text.
    pub(crate) fn channel_text(&self, name: &str) -> Vec<String> {
        let channel = self.stage.channel(name).unwrap();
        let reader = &self.stage.player("bo").unwrap().user;
        self.slack().messages(channel).iter().map(|message| self.slack().shown(reader, message)).collect()
    }

    /// The next message of a kind that nobody has read yet.
    fn next_unread(&self, user: &str, kind: &'static str, messages: &[Message]) -> Option<Message> {
        let mut read = self.read.lock().unwrap();
        let count = read.entry((user.to_owned(), kind)).or_default();
        let message = messages.get(*count).cloned();
        if message.is_some() {
            *count += 1;
        }
        message
    }

    /// From here on, what AWS holds now was there before the bot.
    pub(crate) fn holds_by_hand(&mut self) {
        self.standing = self.aws().holdings();
    }

    /// Nothing that was sent may stay unread.
    pub(crate) fn ignore_messages(&self) {
        for player in self.stage.players() {
            let mut read = self.read.lock().unwrap();
            read.insert((player.user.clone(), "dm"), self.slack().dms(&player.user).len());
            read.insert((player.user.clone(), "whisper"), self.slack().ephemerals(&player.user).len());
        }
    }

    /// The story is over: nothing unread, nothing owed, nothing held, nothing that Slack or AWS would
    /// not have understood.
    pub(crate) async fn finish(mut self) {
        self.settle().await;
        for player in self.stage.players() {
            let unread = |kind, messages: Vec<Message>| {
                if let Some(message) = self.next_unread(&player.user, kind, &messages) {
                    panic!("{} has not read: {}", player.handle, self.slack().shown(&player.user, &message));
                }
            };
            unread("dm", self.slack().dms(&player.user));
            unread("whisper", self.slack().ephemerals(&player.user));
            if let Some(view) = self.slack().view(&player.user) {
                panic!("{} still has a form open: {}", player.handle, self.slack().shown_view(&view));
            }
        }
        assert_eq!(self.engine().next_due().unwrap(), None, "something is still owed");
        assert_eq!(self.engine().store().entitlements().count(), 0, "an entitlement is still in the books");
        assert_eq!(self.aws().holdings(), self.standing, "AWS holds something else than before");
        self.check_strictness();
        let broken =
            self.engine().store().audit().filter(|record| !matches!(record, Ok((_, _, true)))).count();
        assert_eq!(broken, 0, "the audit chain is broken");
        self.stop().await;
    }

    /// The quotas of AWS were kept in every second.
    pub(crate) fn check_quotas(&self) {
        let aws = self.aws();
        assert!(aws.busiest_sso_second() <= 20, "{} calls in a second", aws.busiest_sso_second());
        assert!(aws.most_in_flight() <= 10, "{} operations in flight", aws.most_in_flight());
        assert!(aws.most_in_one_account() <= 1, "{} in one account", aws.most_in_one_account());
    }

    pub(crate) fn check_strictness(&self) {
        self.check_quotas();
        assert_eq!(self.slack().unexpected(), Vec::<String>::new(), "Slack would not have taken this");
        assert_eq!(self.aws().unexpected(), Vec::<String>::new(), "AWS would not have taken this");
    }
}

/// JSON for [`Someone::submits`].
pub(crate) fn values<const N: usize>(pairs: [(&str, &str); N]) -> Value {
    pairs
        .into_iter()
        .map(|(label, value)| (label.to_owned(), Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
