//! `kill -9`: the real `sym run`, a process of its own on real time and a real disk, is killed at random
//! moments while people ask, decide, take back and give back, and their access runs out. Slack and AWS
//! survive. After each kill, what AWS holds is compared with what the dead bot's files say, and in the end
//! everything has been taken back and the books say so.

mod bot;
mod crowd;
mod reckoning;

use bot::{Bot, sym};
use crowd::{Crowd, PATIENCE};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sym::clock::Clock;
use sym::demo::Stage;
use sym::manifest::{Options, load};
use sym::sandbox::aws::OperationTime;

pub(crate) const MANIFESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/manifests/kills");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_and_leave_nothing() {
    kill(20).await;
}

/// For the nightly run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: .ci/nightly names it"]
async fn two_hundred_kills_lose_nothing_and_leave_nothing() {
    kill(200).await;
}

/// Shown when a test fails, or with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the test runner keeps it")]
fn say(text: &str) {
    println!("{text}");
}

/// Kills the bot so many times.
async fn kill(times: usize) {
    let seed: u64 = rand::random();
    say(&format!("seed {seed}"));
    let mut chance = StdRng::seed_from_u64(seed);
    let stage = stage().await;
    let data = tempfile::tempdir().unwrap();
    let crowd = Arc::new(Crowd::gather(stage.clone()));
    let at_work = crowd.start(seed);
    let mut deaths = Deaths::default();
    for number in 0..times {
        let bot = Bot::start(&stage, data.path());
        await_a_moment(&crowd, &mut chance, number).await;
        let last_words = tokio::task::block_in_place(|| bot.kill());
        deaths.count(&crowd, data.path());
        reckoning::after_a_kill(&crowd, data.path(), &format!("kill {number}, seed {seed}\n{last_words}"));
    }
    deaths.assert_telling(times);
    let mut bot = Bot::start(&stage, data.path());
    crowd.goes_home();
    for worker in at_work {
        worker.await.unwrap();
    }
    everything_ends(&crowd, data.path()).await;
    let said = tokio::task::block_in_place(|| bot.terminate());
    reckoning::at_the_end(&crowd, data.path(), times, &format!("seed {seed}\n{said}"));
}

async fn stage() -> Stage {
    // Everything of the sandbox speaks over plain HTTP; the bot's clients are another process.
    let catalog =
        load(Path::new(MANIFESTS), &Options::default()).map_err(|wrong| wrong.to_string()).unwrap().catalog;
    let stage = Stage::build(&catalog, &Clock::System, None).await.unwrap();
    stage.aws.quotas(false);
    // AWS finishes what was begun, whether the bot that began it lives or not.
    stage.aws.set_operation_time(OperationTime::Millis(20));
    stage.slack.ack_window(Duration::from_secs(2));
    stage.slack.redeliver(2);
    stage
}

/// Some while the bot starts, most after a random number of its calls: counted, so that the bot is at
/// work however slow the machine is, and then a random moment more.
async fn await_a_moment(crowd: &Crowd, chance: &mut StdRng, number: usize) {
    if number % 5 == 4 {
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..400))).await;
        return;
    }
    let more = chance.random_range(1..150);
    let goal = crowd.calls() + more;
    let reached = crowd.stage.slack.until(PATIENCE, |_| (crowd.calls() >= goal).then_some(())).await;
    assert!(reached.is_some(), "the bot does nothing any more");
    tokio::time::sleep(Duration::from_micros(chance.random_range(0..4000))).await;
}

/// Access runs out by itself; what still waits for people is closed by an operator.
async fn everything_ends(crowd: &Crowd, data: &Path) {
    let data = data.to_string_lossy().into_owned();
    let list = || {
        let listed = sym(&["admin", "list", "--json", "--data", &data]);
        let listed = listed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        listed.collect::<Vec<_>>()
    };
    let ready = |slack: &sym::sandbox::slack::Slack| (slack.connections() > 0).then_some(());
    crowd.stage.slack.until(PATIENCE, ready).await.expect("the last bot hears Slack");
    for _ in 0..60 {
        let open = tokio::task::block_in_place(list);
        if open.is_empty() {
            return;
        }
        for request in open.iter().filter(|request| request["status"] == "pending") {
            let id = request["id"].as_str().unwrap().to_owned();
            let ended = tokio::task::block_in_place(|| {
                sym(&["admin", "revoke", &id, "--because", "the day is over", "--data", &data])
            });
            say(&ended);
        }
        // Whatever happens next is shown on a card; what has happened meanwhile is seen in the list.
        let seen = crowd.calls();
        let is_news = |_: &sym::sandbox::slack::Slack| (crowd.calls() > seen).then_some(());
        crowd.stage.slack.until(Duration::from_secs(1), is_news).await;
    }
    panic!("something never ends: {:?}", tokio::task::block_in_place(list));
}

/// What the bots were doing when they were killed.
#[derive(Default)]
struct Deaths {
    holding: usize,
    owing: usize,
}

impl Deaths {
    fn count(&mut self, crowd: &Crowd, data: &Path) {
        self.holding += usize::from(!crowd.stage.aws.holdings().is_empty());
        self.owing += usize::from(reckoning::owes(data));
    }

    /// Bots that are killed at rest show nothing.
    fn assert_telling(&self, times: usize) {
        assert!(self.owing * 2 > times, "only {} of {times} bots owed something", self.owing);
        assert!(self.holding * 4 > times, "AWS held something at only {} of {times} kills", self.holding);
    }
}
