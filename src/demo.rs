//! `sym demo`: the real bot, its real Slack and AWS clients and a real store, against a simulated Slack
//! and a simulated AWS on loopback.

mod panel;
mod script;
mod stage;

pub use panel::{holdings, show};
pub use script::play;
pub use stage::{Player, Stage};

use crate::bot::{Bot, Settings, StartError};
use crate::clock::Clock;
use crate::config::Secret;
use crate::engine::Engine;
use crate::manifest::Catalog;
use crate::readiness::Readiness;
use std::net::SocketAddr;
use tempfile::TempDir;

/// A bot on its stage.
pub struct Demo {
    /// The simulated Slack and AWS.
    pub stage: Stage,
    /// The bot's engine.
    pub engine: Engine,
    /// The clock of everybody.
    pub clock: Clock,
    bot: Bot,
    _data: TempDir,
}

/// Why a demo could not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No place to listen or to write.
    #[error(
        "this machine does not let the demo listen or write: {0}. If the port is taken, choose another one with --port"
    )]
    Io(#[from] std::io::Error),
    /// The bot did not start.
    #[error(transparent)]
    Bot(#[from] StartError),
}

impl Demo {
    /// Builds the stage for these flows and starts the bot on it, with its books in a temporary folder.
    ///
    /// # Errors
    /// The address is taken, or the bot cannot start.
    pub async fn start(catalog: Catalog, address: Option<SocketAddr>) -> Result<Self, DemoError> {
        let clock = Clock::ahead();
        let stage = Stage::build(&catalog, &clock, address).await?;
        let data = TempDir::with_prefix("sym-demo-")?;
        let readiness = Readiness::default();
        let settings = Settings {
            data: data.path().to_owned(),
            slack_api_url: stage.slack.api_url(),
            app_token: Secret::new(stage.slack.app_token()),
            bot_token: Secret::new(stage.slack.bot_token()),
            aws: stage.aws_settings(&clock),
            catalog,
            clock: clock.clone(),
            readiness: readiness.clone(),
        };
        let (engine, listening) = Bot::open(settings).await?;
        tokio::spawn({
            let engine = engine.clone();
            async move { engine.run().await }
        });
        let bot = listening.start().await?;
        readiness.ready().await;
        Ok(Self { stage, engine, clock, bot, _data: data })
    }

    /// Lets what is in hand finish; the books go with the temporary folder.
    pub async fn stop(self) {
        self.bot.stop().await;
    }
}
