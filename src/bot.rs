//! Puts the parts together: the running bot of `sym run`, of the demo and of the tests is this one.

pub mod reload;

use crate::aws::Aws;
use crate::clock::Clock;
use crate::config::Secret;
use crate::engine::{Engine, Home, Parts};
use crate::manifest::Catalog;
use crate::readiness::Readiness;
use crate::slack::api::{self, SlackApi, SlackError};
use crate::slack::socket::{self, Socket, SocketState};
use crate::store::{OpenError, Store};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a bot is made from.
pub struct Settings {
    /// The folder with the books.
    pub data: PathBuf,
    /// Where Slack's Web API is, without a slash at the end.
    pub slack_api_url: String,
    /// The app-level token.
    pub app_token: Secret,
    /// The bot token.
    pub bot_token: Secret,
    /// How AWS is reached.
    pub aws: crate::aws::Settings,
    /// The flows.
    pub catalog: Catalog,
    /// The time.
    pub clock: Clock,
    /// Where it is told how the start goes.
    pub readiness: Readiness,
}

/// Why a bot could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The books cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Slack refuses the tokens.
    #[error(transparent)]
    Slack(#[from] SlackError),
}

/// A bot that listens to Slack.
pub struct Bot {
    engine: Engine,
    readiness: Readiness,
    socket: Option<Socket>,
    watching: JoinHandle<()>,
}

/// Slack spreads its deliveries over the connections: while one is replaced the others carry them. It
/// allows ten for an app.
const CONNECTIONS: u32 = 4;

/// How often Slack is asked who the bot is, while it cannot be reached.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

impl Bot {
    /// Opens the books. From here on what is due can be done, with or without Slack.
    ///
    /// # Errors
    /// The books cannot be opened, or this machine cannot speak TLS.
    pub async fn open(settings: Settings) -> Result<(Engine, Listening), StartError> {
        let Settings { data, slack_api_url, app_token, bot_token, aws, catalog, clock, readiness } = settings;
        readiness.has_manifests();
        let store = Store::open(&data)?;
        readiness.has_store();
        let slack = SlackApi::new(&api::Settings {
            api_url: slack_api_url.clone(),
            ..api::Settings::new(bot_token.reveal(), clock.as_function())
        })?;
        let aws = Aws::new(aws).await;
        let engine = Engine::new(Parts { store, clock, slack, aws, catalog });
        let socket = socket::Settings {
            api_url: slack_api_url,
            connections: CONNECTIONS,
            ..socket::Settings::new(app_token.reveal())
        };
        Ok((engine.clone(), Listening { engine, socket, readiness }))
    }
}

/// A bot that is about to listen to Slack.
pub struct Listening {
    engine: Engine,
    socket: socket::Settings,
    readiness: Readiness,
}

impl Listening {
    /// Connects to Slack. While Slack cannot be reached it is tried again; this returns when it has
    /// been.
    ///
    /// # Errors
    /// Slack refuses a token.
    pub async fn start(self) -> Result<Bot, StartError> {
        let Self { engine, socket, readiness } = self;
        let home = Self::home(&engine, &readiness).await?;
        engine.is_at_home(home);
        let (state, changes) = watch::channel(SocketState::Connecting);
        let socket = Socket::start(socket, engine.handler(), state).await?;
        let watching = tokio::spawn(follow(changes, readiness.clone()));
        Ok(Bot { engine, readiness, socket: Some(socket), watching })
    }

    async fn home(engine: &Engine, readiness: &Readiness) -> Result<Home, StartError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match engine.slack().auth_test().await {
                Ok(identity) => {
                    tracing::info!(team = %identity.team, "this bot is at home in a workspace");
                    return Ok(Home {
                        team: identity.team,
                        enterprise: identity.enterprise,
                        bot: identity.bot_user,
                    });
                }
                Err(error) if error.is_transient() => {
                    tracing::warn!(error = %error, "Slack cannot be reached yet");
                    readiness.socket_is_down(error.to_string());
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Bot {
    /// The engine inside.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How it does.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Takes nothing new from Slack, finishes what is in hand, and writes everything down.
    pub async fn stop(mut self) {
        if let Some(socket) = self.socket.take() {
            socket.stop().await;
        }
        self.watching.abort();
        self.engine.finish().await;
    }
}

async fn follow(mut changes: watch::Receiver<SocketState>, readiness: Readiness) {
    loop {
        match &*changes.borrow_and_update() {
            SocketState::Live { .. } => readiness.socket_is_live(),
            SocketState::Connecting => readiness.socket_is_down("connecting"),
            SocketState::Down { why } => readiness.socket_is_down(why.clone()),
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// The clock as AWS's room wants it.
pub fn aws_settings(clock: &Clock) -> crate::aws::Settings {
    crate::aws::Settings::new(clock.as_function())
}
