//! Keeps one connection open: notices when it is gone or never comes, waits a little, opens another.

use super::listener::News;
use super::{Settings, SocketState};
use crate::slack::api::SlackError;
use crate::slack::api::http::{self, Wire};
use serde::Deserialize;
use serde_json::json;
use slack_morphism::clients_manager::SlackSocketModeClientsManager;
use slack_morphism::{SlackClientApiCallContext, SlackClientHttpConnector, SlackSocketModeWssClientId};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedMutexGuard, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing::{Span, info, warn};

/// The method that opens connections. Its scope, `connections:write`, is the app token's.
pub(super) const OPEN: &str = "apps.connections.open";
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
    /// Held while a connection that still works is replaced, so that they are replaced one by one.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Board {
    pub(super) fn new(state: watch::Sender<SocketState>) -> Self {
        Self { state, live: Mutex::new(0), turn: Arc::default() }
    }

    /// Without any live connection, why.
    pub(super) fn fail(&self, why: String) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if *live == 0 {
            self.state.send_replace(SocketState::Down { why });
        }
    }

    fn count(&self, change: impl FnOnce(u32) -> u32) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        *live = change(*live);
        self.state.send_replace(match *live {
            0 => SocketState::Connecting,
            connections => SocketState::Live { connections },
        });
    }
}

/// Asks Slack for a connection without using it: only so is there a reason when there is none.
pub(super) async fn ask(wire: &Wire, settings: &Settings) -> Result<(), SlackError> {
    /// Slack's answer; the address in it is a secret, and is dropped.
    #[derive(Deserialize)]
    struct Answer {}
    let token = http::token(&settings.app_token);
    let span = Span::none();
    let context = SlackClientApiCallContext {
        rate_control_params: None,
        token: Some(&token),
        tracing_span: &span,
        is_sensitive_url: true,
    };
    let body = json!({});
    let call = wire.http_post::<_, Answer>(OPEN, &body, context);
    match timeout(settings.hello_within, call).await {
        Ok(Ok(Answer {})) => Ok(()),
        Ok(Err(error)) => Err(SlackError::from_client(OPEN, error)),
        Err(_) => Err(SlackError::Transient { method: OPEN, why: "no answer".to_owned() }),
    }
}

/// How a connection ended.
enum End {
    /// Slack never said hello on it.
    Unborn,
    /// It broke.
    Lost { was_good: bool },
    /// Slack announced its end; it still works.
    Ending { was_good: bool },
    /// We are to stop.
    Stopped,
}

/// Keeps one connection.
pub(super) struct Keeper {
    id: SlackSocketModeWssClientId,
    manager: Arc<dyn SlackSocketModeClientsManager + Send + Sync>,
    board: Arc<Board>,
    news: mpsc::UnboundedReceiver<News>,
    stop: watch::Receiver<bool>,
}

impl Keeper {
    pub(super) fn new(
        slot: u32,
        manager: Arc<dyn SlackSocketModeClientsManager + Send + Sync>,
        board: Arc<Board>,
        news: mpsc::UnboundedReceiver<News>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { id: SlackSocketModeWssClientId::new(slot, slot, 0), manager, board, news, stop }
    }

    /// `is_up` tells whether Slack gave out connections a moment ago; if not, the transport's first
    /// attempt has failed without a word.
    pub(super) fn spawn(self, wire: Wire, settings: Settings, is_up: bool) -> JoinHandle<()> {
        tokio::spawn(self.run(wire, settings, is_up))
    }

    /// The transport does not tell when an attempt fails, only `hello_within` does. So after a loss
    /// Slack is asked for a connection first, which fails at once and with a reason, until it agrees.
    async fn run(mut self, wire: Wire, settings: Settings, mut is_up: bool) {
        let mut failures: u32 = 0;
        let mut turn = None;
        loop {
            let end = if is_up { self.live(settings.hello_within, turn.take()).await } else { End::Unborn };
            is_up = true;
            let mut must_ask = false;
            match end {
                End::Stopped => return,
                End::Ending { was_good } => {
                    failures = if was_good { 0 } else { failures + 1 };
                    turn = Some(Arc::clone(&self.board.turn).lock_owned().await);
                }
                End::Lost { was_good } => {
                    failures = if was_good { 0 } else { failures + 1 };
                    must_ask = true;
                }
                End::Unborn => {
                    failures += 1;
                    must_ask = true;
                }
            }
            if must_ask && !self.until_open(&wire, &settings, &mut failures).await {
                return;
            }
            if failures > 0 && !self.pause(pause(failures)).await {
                return;
            }
            self.manager.restart_client(&self.id).await;
            self.id = self.id.new_reconnected_id();
        }
    }

    /// Sees one connection through, from the handshake to its end. `turn` is given back at its hello.
    async fn live(&mut self, hello_within: Duration, turn: Option<OwnedMutexGuard<()>>) -> End {
        let born = match timeout(hello_within, self.next()).await {
            Err(_) => return self.unborn("Slack said no hello in time"),
            Ok(None) => return End::Stopped,
            Ok(Some(News::Lost(_, why))) => return self.unborn(&why),
            Ok(Some(News::Ending(_))) => return End::Lost { was_good: false },
            Ok(Some(News::Hello(_))) => Instant::now(),
        };
        drop(turn);
        info!(slack.connection = self.id.token_index, "connected to Slack");
        self.board.count(|live| live + 1);
        let end = loop {
            match self.next().await {
                None => break End::Stopped,
                Some(News::Hello(_)) => {}
                Some(News::Ending(_)) => break End::Ending { was_good: born.elapsed() >= GOOD },
                Some(News::Lost(_, why)) => {
                    info!(slack.connection = self.id.token_index, "a connection to Slack ended: {why}");
                    break End::Lost { was_good: born.elapsed() >= GOOD };
                }
            }
        };
        self.board.count(|live| live.saturating_sub(1));
        end
    }

    fn unborn(&self, why: &str) -> End {
        warn!(slack.connection = self.id.token_index, "no connection to Slack: {why}");
        self.board.fail(why.to_owned());
        End::Unborn
    }

    /// The next news about the connection of now; `None` when it is time to stop.
    async fn next(&mut self) -> Option<News> {
        loop {
            let news = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return None,
                news = self.news.recv() => news?,
            };
            let (News::Hello(id) | News::Ending(id) | News::Lost(id, _)) = &news;
            if *id == self.id {
                return Some(news);
            }
        }
    }

    /// Waits until Slack gives out connections again; false when it is time to stop.
    async fn until_open(&mut self, wire: &Wire, settings: &Settings, failures: &mut u32) -> bool {
        loop {
            let error = match ask(wire, settings).await {
                Ok(()) => return true,
                Err(error) => error,
            };
            let wait = error.retry_after().unwrap_or_default().max(pause(*failures));
            warn!(
                slack.connection = self.id.token_index,
                wait_ms = wait.as_millis(),
                "no connection to Slack: {error}"
            );
            self.board.fail(error.to_string());
            *failures = failures.saturating_add(1);
            if !self.pause(wait).await {
                return false;
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
