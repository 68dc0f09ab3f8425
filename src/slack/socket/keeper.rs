//! Keeps one place connected: notices when its connection is gone, is about to go or never comes,
//! waits a little where that is wise, and opens another. One whose end was announced is replaced
//! before it goes.

use super::SocketState;
use super::desk::Desk;
use super::link::{Ending, Link, Order, Way, farewell};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A connection that lived so long was a good one: its loss is no failure.
const GOOD: Duration = Duration::from_secs(10);

/// Where all keepers write down how they are.
pub(super) struct Board {
    state: watch::Sender<SocketState>,
    live: Mutex<u32>,
}

impl Board {
    pub(super) fn new(state: watch::Sender<SocketState>) -> Self {
        Self { state, live: Mutex::new(0) }
    }

    /// Without any live connection, why.
    pub(super) fn fail(&self, why: String) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if *live == 0 {
            self.state.send_replace(SocketState::Down { why });
        }
    }

    fn joined(&self) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        *live += 1;
        self.state.send_replace(SocketState::Live { connections: *live });
    }

    fn left(&self, why: &str) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        *live = live.saturating_sub(1);
        self.state.send_replace(match *live {
            0 => SocketState::Down { why: why.to_owned() },
            connections => SocketState::Live { connections },
        });
    }
}

/// A connection at work.
struct Running {
    born: Instant,
    orders: watch::Sender<Order>,
    news: mpsc::UnboundedReceiver<Ending>,
    task: JoinHandle<String>,
}

/// What became of a connection.
enum Turn {
    /// It is gone.
    Lost(String),
    /// Its end was announced; it still works.
    Ending(String),
    /// We are to stop.
    Stopped,
}

impl Running {
    fn was_good(&self) -> bool {
        self.born.elapsed() >= GOOD
    }

    /// Waits for its end.
    async fn end(self) {
        if self.task.await.is_err() {
            warn!("a connection to Slack ended with a panic");
        }
    }
}

/// Keeps one place connected.
pub(super) struct Keeper {
    place: u32,
    way: Arc<Way>,
    desk: Arc<Desk>,
    board: Arc<Board>,
    stop: watch::Receiver<bool>,
    failures: u32,
    /// What Slack said when it ended the last connection, if that is for a person to mend.
    grievance: Option<String>,
}

impl Keeper {
    pub(super) fn new(
        place: u32,
        way: &Arc<Way>,
        desk: &Arc<Desk>,
        board: &Arc<Board>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let (way, desk, board) = (Arc::clone(way), Arc::clone(desk), Arc::clone(board));
        Self { place, way, desk, board, stop, failures: 0, grievance: None }
    }

    /// `url` is the address of the first connection, where it is known.
    pub(super) fn spawn(self, url: Option<String>) -> JoinHandle<()> {
        tokio::spawn(self.run(url))
    }

    async fn run(mut self, mut url: Option<String>) {
        let mut old: Option<Running> = None;
        let mut retired = tokio::task::JoinSet::new();
        loop {
            let Some(link) = self.open(&mut url).await else { break };
            let mut running = self.start(link);
            if let Some(old) = old.take() {
                old.orders.send_replace(Order::Retire);
                let orders = old.orders.clone();
                let mut stop = self.stop.clone();
                retired.spawn(async move {
                    let end = old.end();
                    tokio::pin!(end);
                    tokio::select! {
                        () = &mut end => return,
                        _ = stop.wait_for(|stop| *stop) => orders.send_replace(Order::Stop),
                    };
                    end.await;
                });
            }
            while retired.try_join_next().is_some() {}
            let turn = self.watch(&mut running).await;
            let was_good = running.was_good();
            match turn {
                Turn::Stopped => {
                    old = Some(running);
                    break;
                }
                Turn::Lost(why) => {
                    info!(slack.connection = self.place, "a connection to Slack ended: {why}");
                }
                Turn::Ending(reason) => {
                    let why = farewell(&reason);
                    if matches!(reason.as_str(), "warning" | "refresh_requested") {
                        info!(slack.connection = self.place, slack.reason = %reason, "{why}");
                    } else {
                        warn!(slack.connection = self.place, slack.reason = %reason, "{why}");
                        self.grievance = Some(why);
                    }
                    old = Some(running);
                }
            }
            self.failures = if was_good { 0 } else { self.failures + 1 };
            if self.failures > 0 && !self.pause(pause(self.failures)).await {
                break;
            }
        }
        if let Some(old) = old {
            old.orders.send_replace(Order::Stop);
            old.end().await;
        }
        retired.join_all().await;
    }

    /// Opens a connection, however often it has to be tried; `None` when it is time to stop.
    async fn open(&mut self, url: &mut Option<String>) -> Option<Link> {
        loop {
            let opened = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return None,
                opened = self.way.open(url.take()) => opened,
            };
            let error = match opened {
                Ok(link) => {
                    self.grievance = None;
                    info!(slack.connection = self.place, "connected to Slack");
                    return Some(link);
                }
                Err(error) => error,
            };
            self.failures = self.failures.saturating_add(1);
            let wait = error.retry_after.unwrap_or_default().max(pause(self.failures));
            let why = match &self.grievance {
                Some(grievance) => format!("{grievance} (and now: {})", error.why),
                None => error.why,
            };
            warn!(slack.connection = self.place, wait_ms = wait.as_millis(), "no connection to Slack: {why}");
            self.board.fail(why);
            if !self.pause(wait).await {
                return None;
            }
        }
    }

    fn start(&self, link: Link) -> Running {
        let (orders, ordered) = watch::channel(Order::Serve);
        let (told, news) = mpsc::unbounded_channel();
        let (way, desk, board) = (Arc::clone(&self.way), Arc::clone(&self.desk), Arc::clone(&self.board));
        board.joined();
        let task = tokio::spawn(async move {
            let mut seat = Seat { board, why: "a connection to Slack ended with a panic".to_owned() };
            let why = link.serve(&way, &desk, &told, ordered).await;
            seat.why.clone_from(&why);
            why
        });
        Running { born: Instant::now(), orders, news, task }
    }

    async fn watch(&mut self, running: &mut Running) -> Turn {
        tokio::select! {
            biased;
            _ = self.stop.wait_for(|stop| *stop) => Turn::Stopped,
            Some(Ending { reason }) = running.news.recv() => Turn::Ending(reason),
            ended = &mut running.task => {
                Turn::Lost(ended.unwrap_or_else(|_| "it ended with a panic".to_owned()))
            }
        }
    }

    /// Waits; false when it is time to stop.
    async fn pause(&mut self, time: Duration) -> bool {
        tokio::select! {
            () = sleep(time) => true,
            _ = self.stop.wait_for(|stop| *stop) => false,
        }
    }
}

/// Counts a connection for as long as it lives, also when it panics.
struct Seat {
    board: Arc<Board>,
    why: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.board.left(&self.why);
    }
}

/// How long to wait after so many failures in a row: half of it is chance, so that many bots do not
/// come back in step.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    let full = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    full.mul_f64(rand::random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_chance_and_have_an_end() {
        for failures in 0..2_000 {
            let pause = pause(failures);
            assert!(pause <= LONGEST_PAUSE && pause >= FIRST_PAUSE / 2, "{failures}: {pause:?}");
        }
        assert!(pause(u32::MAX) >= LONGEST_PAUSE / 2);
        assert!(pause(3) <= FIRST_PAUSE * 4);
    }
}
