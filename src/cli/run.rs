//! `sym run`: the bot in production.

mod reload;
mod shortage;

use super::{block_on, check, complain, complain_about};
use crate::bot::reload::{Manifests, Watch, homeless};
use crate::bot::{Bot, Settings, StartError};
use crate::clock::Clock;
use crate::config::{Environment, RunArgs, RunSettings, settings};
use crate::engine::Engine;
use crate::manifest::Catalog;
use crate::readiness::Readiness;
use crate::store::Room;
use crate::{admin, http, telemetry};
use shortage::Shortage;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// How long what is in hand may take at the end; the rest is in the books and goes on at the next start.
const LAST_WORK: Duration = Duration::from_secs(4);

pub(super) fn run(args: &RunArgs, environment: &Environment, log: &str) -> ExitCode {
    let settings = match settings(args, environment) {
        Ok(settings) => settings,
        Err(wrong) => return complain_about("The bot cannot start with these settings:", &wrong),
    };
    if let Err(error) = telemetry::start(log) {
        complain(&error);
        return ExitCode::FAILURE;
    }
    let Some(catalog) = check::load(&settings.manifests, &settings.manifest) else {
        complain("The manifests have errors, so the bot does not start. `sym check` shows them too.");
        return ExitCode::FAILURE;
    };
    let homeless = homeless(&catalog);
    if !homeless.is_empty() {
        return complain_about("Some flows have no channel for their cards:", &homeless);
    }
    block_on(serve(settings, catalog))
}

async fn serve(settings: RunSettings, catalog: Catalog) -> ExitCode {
    let readiness = Readiness::default();
    let (address, health) = match http::listen(settings.listen, readiness.clone()).await {
        Ok(listening) => listening,
        Err(error) => {
            return complain_about(
                "The bot cannot start:",
                &[format!("--listen / SYM_LISTEN {}: {error}. Is another bot running?", settings.listen)],
            );
        }
    };
    let health = tokio::spawn(health);
    tracing::info!(%address, "health is served");
    let manifests = Manifests { folder: settings.manifests.clone(), options: settings.manifest.clone() };
    let data = settings.data.clone();
    let watch = settings.watch.then(|| Watch::new(&manifests));
    let mut shortage = Shortage::new(Room::new(&settings.data, settings.keep_free), readiness.clone());
    // A full disk may need what was held back on it, to open the books at all.
    shortage.look();
    let (engine, listening) = match Bot::open(bot_settings(settings, catalog, readiness.clone())).await {
        Ok(opened) => opened,
        Err(error) => return cannot_start(&error),
    };
    let operators = hear_operators(&engine, &data);
    let work = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run().await }
    });
    let reloading = tokio::spawn(reload::keep_up(manifests, watch, engine.clone()));
    let room = tokio::spawn(shortage.keep_watch(engine.clone()));
    let announce = tokio::spawn(async move {
        readiness.ready().await;
        tracing::info!("ready");
    });
    // Ending access does not wait for Slack: the work has begun, whatever Slack says.
    let code = tokio::select! {
        started = listening.start() => match started {
            Ok(bot) => {
                let code = until_told_to_stop(&engine).await;
                finish(bot.stop()).await;
                code
            }
            Err(error) => without_slack(&engine, &error).await,
        },
        code = until_told_to_stop(&engine) => {
            finish(engine.finish()).await;
            code
        }
    };
    work.abort();
    reloading.abort();
    room.abort();
    announce.abort();
    health.abort();
    operators.inspect(JoinHandle::abort);
    code
}

/// Opens the socket for `sym admin`. A bot without it goes on: ending access on time matters more.
fn hear_operators(engine: &Engine, data: &Path) -> Option<JoinHandle<()>> {
    match admin::listen(data) {
        Ok(listener) => {
            tracing::info!("operators are heard");
            Some(tokio::spawn(listener.serve(engine.clone())))
        }
        Err(error) => {
            tracing::error!(error = %error, "`sym admin` and `sym backup` cannot reach this bot");
            None
        }
    }
}

fn bot_settings(settings: RunSettings, catalog: Catalog, readiness: Readiness) -> Settings {
    let clock = Clock::System;
    let aws = crate::aws::Settings {
        endpoint_url: settings.aws_endpoint_url,
        region: settings.aws_region,
        keeps_quotas: settings.keeps_quotas,
        ..crate::aws::Settings::new(clock.as_function())
    };
    Settings {
        data: settings.data,
        slack_api_url: settings.slack_api_url,
        app_token: settings.app_token,
        bot_token: settings.bot_token,
        aws,
        catalog,
        clock,
        readiness,
    }
}

fn cannot_start(error: &StartError) -> ExitCode {
    complain_about("The bot cannot start:", &[error.to_string()])
}

/// Slack refuses the tokens. A bot that owes nothing stops at once; one that has given access stays to
/// end it.
async fn without_slack(engine: &Engine, error: &StartError) -> ExitCode {
    if engine.store().entitlements().next().is_none() {
        return cannot_start(error);
    }
    tracing::error!(error = %error, "Slack refuses this bot; it goes on to end the access it has given");
    until_told_to_stop(engine).await;
    finish(engine.finish()).await;
    ExitCode::FAILURE
}

/// Returns when a person or the system asks the bot to stop, or when the books cannot be written any
/// more: a bot that cannot write must not act.
async fn until_told_to_stop(engine: &Engine) -> ExitCode {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
        () = engine.broken() => {
            tracing::error!("the books cannot be written any more, so the bot stops");
            return ExitCode::FAILURE;
        }
    }
    tracing::info!("asked to stop");
    ExitCode::SUCCESS
}

async fn finish(work: impl Future<Output = ()>) {
    if tokio::time::timeout(LAST_WORK, work).await.is_err() {
        tracing::warn!("not everything was finished; it goes on at the next start");
    }
    tracing::info!("stopped");
}
