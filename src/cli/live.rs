//! `sym explain` with Slack and AWS: the look-ups are the running bot's, on books that nobody keeps.

use super::{block_on, complain};
use crate::access::{AskedTarget, People};
use crate::clock::Clock;
use crate::config::{Environment, Secret};
use crate::engine::{Engine, Home, Parts};
use crate::manifest::Catalog;
use crate::policy::Verdict;
use crate::rehearsal::{AskedFor, Live, Report, Wish, asked_for, explain_live};
use crate::slack::api::{self, SlackApi};
use crate::store::Store;
use std::process::ExitCode;

/// How Slack and AWS are reached.
pub(super) struct Way {
    bot_token: Secret,
    slack_api_url: String,
    aws_endpoint_url: Option<String>,
    aws_region: Option<String>,
}

impl Way {
    /// The way that the environment names; `None` where it has no token for Slack.
    pub(super) fn of(environment: &Environment, slack_api_url: &str) -> Option<Self> {
        let bot_token = environment.get("SLACK_BOT_TOKEN").map(str::trim)?;
        let region = environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"));
        Some(Self {
            bot_token: Secret::new(bot_token),
            slack_api_url: slack_api_url.trim_end_matches('/').to_owned(),
            aws_endpoint_url: environment.get("AWS_ENDPOINT_URL").map(str::to_owned),
            aws_region: region.map(str::to_owned),
        })
    }
}

/// Asks them. What keeps the question from being answered at all has been said.
pub(super) fn explain(way: Way, mut catalog: Catalog, wish: &Wish) -> Result<Report, ExitCode> {
    // Other flows need no look-up.
    catalog.flows.retain(|entry| entry.flow.name == wish.flow);
    let mut report = Err(ExitCode::FAILURE);
    block_on(async {
        match ask(way, catalog, wish).await {
            Ok(answer) => report = Ok(answer),
            Err(why) => complain(&format!("error: {why}")),
        }
        ExitCode::SUCCESS
    });
    report
}

async fn ask(way: Way, catalog: Catalog, wish: &Wish) -> Result<Report, String> {
    let asked = asked_for(&catalog, wish)?;
    // The look-ups are the engine's, and it does not go without books. Nothing is ever written there.
    let books =
        tempfile::tempdir().map_err(|error| format!("there is no room for a temporary folder: {error}"))?;
    let engine = engine(way, catalog.clone(), books.path()).await?;
    let target = target(&asked);
    let slack_failed =
        |error: api::SlackError| format!("Slack does not say who has the address {}: {error}", wish.asks);
    let insight = engine.insight(asked.entry, &wish.asks, target.as_ref()).await.map_err(slack_failed)?;
    let mut played = asked.with(wish, insight.requester, insight.account);
    let mut live =
        Live { failures: insight.failures, stranger_to_aws: insight.stranger_to_aws, ..Live::default() };
    if let Verdict::Allowed(allowed) = played.verdict.clone() {
        let allowed = match allowed.with_deciders(&insight.standings) {
            Ok(allowed) => {
                played.verdict = Verdict::Allowed(allowed.clone());
                allowed
            }
            Err(refused) => {
                played.verdict = Verdict::Refused(refused);
                return Ok(explain_live(&played, wish, &live));
            }
        };
        let skipped = allowed.emergency.iter().flat_map(|emergency| &emergency.skipped);
        let asks = allowed.requirements.iter().chain(skipped);
        let mut people: Vec<People> = asks.flat_map(|it| it.approvers.clone()).collect();
        people.sort();
        people.dedup();
        let named = engine.named(played.entry, &people).await;
        live.people = named.people;
        live.unread = named.unread;
        live.failures
            .extend(named.failures.into_iter().filter(|it| !live.failures.contains(it)).collect::<Vec<_>>());
    }
    Ok(explain_live(&played, wish, &live))
}

fn target(asked: &AskedFor<'_>) -> Option<AskedTarget> {
    let target = asked.target?;
    Some(AskedTarget {
        name: target.name.clone(),
        label: target.label.clone(),
        resource: asked.resource.clone()?,
        connection: target.connection.clone(),
    })
}

/// A bot that is asked and never runs.
async fn engine(way: Way, catalog: Catalog, books: &std::path::Path) -> Result<Engine, String> {
    let clock = Clock::System;
    let settings = api::Settings {
        api_url: way.slack_api_url,
        ..api::Settings::new(way.bot_token.reveal(), clock.as_function())
    };
    let slack = SlackApi::new(&settings).map_err(|error| error.to_string())?;
    let identity =
        slack.auth_test().await.map_err(|error| format!("Slack does not answer this bot: {error}"))?;
    let aws = crate::aws::Aws::new(crate::aws::Settings {
        endpoint_url: way.aws_endpoint_url,
        region: way.aws_region,
        ..crate::aws::Settings::new(clock.as_function())
    })
    .await;
    let store = Store::open(books).map_err(|error| error.to_string())?;
    let engine = Engine::new(Parts { store, clock, slack, aws, catalog });
    engine.is_at_home(Home { team: identity.team, enterprise: identity.enterprise, bot: identity.bot_user });
    Ok(engine)
}
