//! The panel beside the workspace: what AWS holds right now, in words, and the buttons that skip time.

use super::Stage;
use crate::access::{Span, Status, Target};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::manifest::Catalog;
use crate::sandbox::aws::Holding;
use crate::sandbox::slack::Control;
use serde_json::{Value, json};
use std::sync::Arc;

/// The skips on offer.
const SKIPS: [(&str, &str, Span); 3] = [
    ("skip-10m", "Skip 10 minutes", Span::minutes(10)),
    ("skip-1h", "Skip an hour", Span::hours(1)),
    ("skip-8h", "Skip 8 hours", Span::hours(8)),
];

/// Puts the panel on the page.
pub fn show(stage: &Stage, engine: &Engine, clock: &Clock) {
    let (shown, books) = (stage.clone(), engine.clone());
    stage.slack.set_side_panel(Arc::new(move || describe(&shown, &books)));
    let controls = SKIPS
        .iter()
        .map(|(id, label, _)| Control { id: (*id).to_owned(), label: (*label).to_owned() })
        .collect();
    let (clock, engine) = (clock.clone(), engine.clone());
    stage.slack.set_controls(
        controls,
        Arc::new(move |id| {
            let skip = SKIPS.iter().find(|(known, _, _)| *known == id);
            if let Some((_, _, span)) = skip {
                clock.advance(*span);
                engine.wake();
            }
            let said = skip.map_or_else(String::new, |(_, _, span)| format!("{span} later"));
            Box::pin(async move { said })
        }),
    );
}

fn describe(stage: &Stage, engine: &Engine) -> Value {
    let mut held = holdings(stage, &engine.catalog());
    if held.is_empty() {
        held.push("Nobody holds anything.".to_owned());
    }
    let requests: Vec<String> = engine
        .store()
        .requests()
        .filter(|request| !request.is_over())
        .map(|request| {
            let target = request.target.as_ref().map_or("", |target| target.label.as_str());
            format!("{target}: {}", word(&request.status))
        })
        .collect();
    let requests = if requests.is_empty() { vec!["None.".to_owned()] } else { requests };
    json!({
        "title": "AWS right now",
        "sections": [
            { "heading": "Held in the simulated AWS", "lines": held },
            { "heading": "Open in the bot's books", "lines": requests },
        ],
    })
}

fn word(status: &Status) -> String {
    match status {
        Status::Identifying { .. } => "finding out who asks".to_owned(),
        Status::Pending { answer_by, .. } => format!("waits for an answer until {}", answer_by.plain()),
        Status::Granting { .. } => "AWS is giving it".to_owned(),
        Status::Active { ends_at: Some(ends_at), .. } => format!("active until {}", ends_at.plain()),
        Status::Active { .. } => "active until somebody ends it".to_owned(),
        Status::Ending { .. } => "AWS is taking it".to_owned(),
        _ => "over".to_owned(),
    }
}

/// What AWS holds, one line each, with names instead of ids.
pub fn holdings(stage: &Stage, catalog: &Catalog) -> Vec<String> {
    let targets: Vec<&Target> = catalog.flows.iter().flat_map(|entry| &entry.flow.targets).collect();
    let label = |id: &str| {
        let named = targets.iter().find(|target| target.settings.values().any(|value| value == id));
        named.map_or_else(|| id.to_owned(), |target| format!("“{}”", target.label))
    };
    let who = |id: &str| {
        let named = stage.players().find(|player| player.sso_user == id || player.iam_user == id);
        named.map_or_else(|| id.to_owned(), |player| player.handle.clone())
    };
    let line = |holding: &Holding| match holding {
        Holding::Assignment(held) => {
            format!(
                "{} has {} in account {}",
                who(&held.principal),
                label(&held.permission_set),
                held.account
            )
        }
        Holding::GroupMember { group, user, .. } => format!("{} is in the group {}", who(user), label(group)),
        Holding::IamGroupMember { account, group, user } => {
            format!("{} is in the IAM group {} of account {account}", who(user), label(group))
        }
    };
    stage.aws.holdings().iter().map(line).collect()
}
