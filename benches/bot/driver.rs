//! The people: each asks, fills in the form, gets an approval from somebody else, and sees the access
//! given, as fast as the bot lets them.

use crate::flows::{self, CHANNEL, INSTANCE, Wish};
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sym::clock::Clock;
use sym::demo::Stage;
use sym::sandbox::slack::{Change, News, Person, Reply};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

/// People who ask and decide, beside those of the stage.
const PEOPLE: usize = 60;
/// Longer than any step takes; a person who waits for so long has found a mistake.
const PATIENCE: Duration = Duration::from_mins(1);

/// The workspace with its people, and AWS.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    people: Vec<Somebody>,
    general: String,
    desk: Arc<Desk>,
    /// Nobody wishes for the same twice: the second time, AWS would have nothing to do.
    wishes: Mutex<Vec<VecDeque<Wish>>>,
}

#[derive(Debug, Clone)]
struct Somebody {
    user: String,
    sso_user: String,
}

/// Hands out what happens to those whom it concerns.
#[derive(Default)]
struct Desk {
    listeners: Mutex<HashMap<String, UnboundedSender<News>>>,
    hello: tokio::sync::Mutex<Option<UnboundedReceiver<Instant>>>,
}

/// What one cycle took.
#[derive(Debug, Clone)]
pub(crate) struct Cycle {
    /// From the envelope of the command, of the form and of the click to its acknowledgement.
    pub(crate) acks: [Duration; 3],
    /// From the command to the form.
    pub(crate) form: Duration,
    /// From the command to the card that says that the access is there.
    pub(crate) whole: Duration,
}

/// Somebody has asked.
struct Filled {
    wish: Wish,
    news: UnboundedReceiver<News>,
    begin: Instant,
    opened: Instant,
    acks: [Duration; 2],
}

/// What many cycles took.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) cycles: Vec<Cycle>,
    pub(crate) failures: Vec<String>,
    pub(crate) took: Duration,
}

impl Scene {
    /// Builds the stage for the flows in `folder`, which it writes.
    pub(crate) async fn build(folder: &Path) -> crate::Outcome<Self> {
        let manifests = crate::fresh(folder, "manifests")?;
        let catalog = flows::write(&manifests)?;
        let stage = Stage::build(&catalog, &Clock::System, None).await?;
        stage.slack.keep_calls(false);
        stage.aws.keep_calls(false);
        stage.aws.quotas(false);
        let store = stage.store_of(INSTANCE).ok_or("there is no identity store")?.to_owned();
        let general = stage.channel("general").ok_or("there is no #general")?.to_owned();
        let cards = stage.channel(CHANNEL).ok_or("there is no channel for cards")?.to_owned();
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            let handle = format!("person{number}");
            let user = stage.slack.add_person(Person::new(&handle));
            let sso_user = format!("{number:08}-3333-4333-8444-555555555555");
            let email = format!("{handle}@example.com");
            stage.aws.add_sso_user(&store, &sso_user, &email, &email);
            stage.slack.add_member(&general, &user);
            stage.slack.add_member(&cards, &user);
            people.push(Somebody { user, sso_user });
        }
        let desk = Desk::open(stage.slack.feed(), cards);
        // Everybody begins somewhere else, so that no permission set is crowded.
        let all = flows::wishes();
        let step = all.len() / PEOPLE;
        let rotated = |number: usize| {
            let mut own: VecDeque<Wish> = all.clone().into();
            own.rotate_left(number * step % all.len());
            own
        };
        let wishes = Mutex::new((0..PEOPLE).map(rotated).collect());
        Ok(Self { stage, people, general, desk, wishes })
    }

    /// When the next connection of the bot is greeted.
    pub(crate) async fn hello(&self) -> crate::Outcome<Instant> {
        let mut hello = self.desk.hello.lock().await;
        let hello = hello.as_mut().ok_or("nobody listens")?;
        Ok(tokio::time::timeout(PATIENCE, hello.recv()).await?.ok_or("the workspace is gone")?)
    }

    /// So many people do so many cycles together.
    pub(crate) async fn run(self: &Arc<Self>, at_once: usize, cycles: usize) -> Run {
        let begin = Instant::now();
        let workers = (0..at_once).map(|worker| {
            let scene = Arc::clone(self);
            let own = cycles / at_once + usize::from(worker < cycles % at_once);
            tokio::spawn(async move { scene.work(worker, at_once, own).await })
        });
        let mut run = Run::default();
        for worker in workers.collect::<Vec<_>>() {
            match worker.await {
                Ok((cycles, failures)) => {
                    run.cycles.extend(cycles);
                    run.failures.extend(failures);
                }
                Err(error) => run.failures.push(error.to_string()),
            }
        }
        run.took = begin.elapsed();
        run
    }

    /// One worker plays every so-manieth person in turn.
    async fn work(&self, worker: usize, at_once: usize, cycles: usize) -> (Vec<Cycle>, Vec<String>) {
        let (mut done, mut failures) = (Vec::new(), Vec::new());
        let own: Vec<usize> = (worker..PEOPLE).step_by(at_once.max(1)).collect();
        for who in own.iter().cycle().take(cycles) {
            match self.cycle(*who).await {
                Ok(cycle) => done.push(cycle),
                Err(error) => failures.push(error.to_string()),
            }
        }
        (done, failures)
    }

    /// So many people ask, each so often, up to the card; then `between` happens, and they ask again and
    /// decide about those cards: what these acknowledgements took, and what failed.
    pub(crate) async fn ask_twice(
        self: &Arc<Self>,
        people: usize,
        each: usize,
        between: impl FnOnce(),
    ) -> (Vec<Duration>, Vec<String>) {
        let (mut acks, mut failures) = (Vec::new(), Vec::new());
        let people: Vec<usize> = (0..people.min(PEOPLE)).collect();
        let asking = people.iter().map(|who| {
            let (scene, who) = (Arc::clone(self), *who);
            tokio::spawn(async move {
                let mut cards = Vec::new();
                for _ in 0..each {
                    let mut form = scene.fill_in(who).await?;
                    let seen = |change: &Change| shown(change, "requests");
                    cards.push(until(&mut form.news, "the card", seen).await?.1);
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>((who, cards))
            })
        });
        let mut asked = Vec::new();
        for task in asking.collect::<Vec<_>>() {
            match task.await {
                Ok(Ok(cards)) => asked.push(cards),
                Ok(Err(error)) => failures.push(error.to_string()),
                Err(error) => failures.push(error.to_string()),
            }
        }
        between();
        let deciding = asked.into_iter().map(|(who, cards)| {
            let scene = Arc::clone(self);
            tokio::spawn(async move {
                let (mut acks, mut failures) = (Vec::new(), Vec::new());
                for (channel, ts) in cards {
                    match scene.fill_in(who).await {
                        Ok(form) => acks.extend(form.acks),
                        Err(error) => failures.push(error.to_string()),
                    }
                    match scene.approve(who, &channel, &ts).await {
                        Ok(took) => acks.push(took),
                        Err(error) => failures.push(error.to_string()),
                    }
                }
                (acks, failures)
            })
        });
        for task in deciding.collect::<Vec<_>>() {
            match task.await {
                Ok((own, failed)) => {
                    acks.extend(own);
                    failures.extend(failed);
                }
                Err(error) => failures.push(error.to_string()),
            }
        }
        (acks, failures)
    }

    /// The people, in Slack and in Identity Center.
    pub(crate) fn people(&self) -> impl Iterator<Item = (&str, &str)> {
        self.people.iter().map(|person| (person.user.as_str(), person.sso_user.as_str()))
    }

    async fn cycle(&self, who: usize) -> crate::Outcome<Cycle> {
        let me = &self.people[who];
        let Filled { wish, mut news, begin, opened, acks: [command, submit] } = self.fill_in(who).await?;
        let (_, (channel, ts)) = until(&mut news, "the card", |change| shown(change, "requests")).await?;
        let click = self.approve(who, &channel, &ts).await?;
        let (given, _) = until(&mut news, "the access", |change| shown(change, "has")).await?;
        if !self.stage.aws.holds_assignment(INSTANCE, &wish.permission_set, &wish.account, &me.sso_user) {
            return Err("the card says that the access is there, and AWS does not hold it".into());
        }
        let acks = [command, submit, click];
        Ok(Cycle { acks, form: opened.duration_since(begin), whole: given.duration_since(begin) })
    }

    /// Asks: the command and the form.
    async fn fill_in(&self, who: usize) -> crate::Outcome<Filled> {
        let me = &self.people[who];
        let wish = {
            let mut wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
            wishes[who].pop_front().ok_or("this person has asked for everything")?
        };
        let mut news = self.desk.listen(&me.user);
        let begin = Instant::now();
        let slack = &self.stage.slack;
        let command =
            slack.command(&me.user, &self.general, "/sym", &format!("request {}", wish.flow)).await?;
        acknowledged("command", &command)?;
        let (opened, view) = until(&mut news, "the form", |change| match change {
            Change::Opened { view, .. } => Some(Ok(view.clone())),
            Change::Hello | Change::Shown { .. } => None,
        })
        .await?;
        let answers = json!({ "Target": wish.label, "Reason": "INC-42: the payment queue is stuck" });
        let submit = slack.submit(&me.user, &view, answers).await?;
        acknowledged("form", &submit)?;
        if !submit.errors().is_empty() {
            return Err(format!("the form has errors: {:?}", submit.errors()).into());
        }
        Ok(Filled { wish, news, begin, opened, acks: [command.took, submit.took] })
    }

    /// Somebody else presses the button.
    async fn approve(&self, who: usize, channel: &str, ts: &str) -> crate::Outcome<Duration> {
        let decider = &self.people[(who + 1) % self.people.len()].user;
        let click = self.stage.slack.click(decider, channel, ts, "sym_approve", "").await?;
        acknowledged("click", &click)?;
        Ok(click.took)
    }

    /// What neither Slack nor AWS would have understood.
    pub(crate) fn unexpected(&self) -> Vec<String> {
        let mut all = self.stage.slack.unexpected();
        all.extend(self.stage.aws.unexpected());
        all
    }
}

fn acknowledged(what: &str, reply: &Reply) -> crate::Outcome<()> {
    if reply.acked { Ok(()) } else { Err(format!("the {what} was not acknowledged in three seconds").into()) }
}

/// Where a card is, once it says that somebody `does` something.
fn shown(change: &Change, does: &str) -> Option<crate::Outcome<(String, String)>> {
    let Change::Shown { channel, ts, text } = change else { return None };
    let said = text.split_once("> ")?.1.split(' ').next()?;
    if said == does {
        return Some(Ok((channel.clone(), ts.clone())));
    }
    let is_on_the_way = matches!(said, "requests" | "is");
    (!is_on_the_way).then(|| Err(format!("the card says: {text}").into()))
}

/// Waits for something that matters.
async fn until<T>(
    news: &mut UnboundedReceiver<News>,
    what: &str,
    look: impl Fn(&Change) -> Option<crate::Outcome<T>>,
) -> crate::Outcome<(Instant, T)> {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let news = news.recv().await.ok_or("the workspace is gone")?;
            if let Some(found) = look(&news.change) {
                return found.map(|found| (news.at, found));
            }
        }
    });
    found.await.map_err(|_| format!("{what} did not come in {} s", PATIENCE.as_secs()))?
}

impl Desk {
    fn open(mut feed: UnboundedReceiver<News>, cards: String) -> Arc<Self> {
        let (greeted, hello) = unbounded_channel();
        let desk = Arc::new(Self { hello: tokio::sync::Mutex::new(Some(hello)), ..Self::default() });
        let handed = Arc::clone(&desk);
        tokio::spawn(async move {
            while let Some(news) = feed.recv().await {
                let user = match &news.change {
                    Change::Hello => {
                        // Nobody may be waiting for it any more.
                        let _ = greeted.send(news.at);
                        continue;
                    }
                    Change::Opened { user, .. } => user.as_str(),
                    Change::Shown { channel, text, .. } if *channel == cards => requester(text),
                    Change::Shown { .. } => continue,
                };
                let listeners = handed.listeners.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(listener) = listeners.get(user) {
                    drop(listener.send(news));
                }
            }
        });
        desk
    }

    fn listen(&self, user: &str) -> UnboundedReceiver<News> {
        let (sender, receiver) = unbounded_channel();
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.insert(user.to_owned(), sender);
        receiver
    }
}

/// The person a card is about, whom it names first.
fn requester(text: &str) -> &str {
    text.split_once("<@").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(user, _)| user)
}
