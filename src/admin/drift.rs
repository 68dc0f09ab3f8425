//! What the last comparison of AWS with the books has shown, for an operator.

use crate::access::{Holding, Principal, Span, Sweep};
use crate::engine::Engine;
use serde_json::{Value, json};

pub(super) async fn answer(engine: &Engine, now: bool) -> Result<Value, String> {
    if now {
        engine.sweep().await.map_err(|error| error.to_string())?;
    }
    let last = engine.last_sweep().map_err(|error| error.to_string())?;
    let (sweep, age) = last.sweep.ok_or_else(|| {
        let failed = last.outdated.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        format!(
            "AWS has not been compared with the books yet{failed}: the first time is two minutes after the bot has \
             reached Slack at the latest; `sym drift --now` does it at once"
        )
    })?;
    Ok(line_of(&sweep, age, last.outdated.as_deref()))
}

fn line_of(sweep: &Sweep, age: Span, outdated: Option<&str>) -> Value {
    let unclaimed: Vec<Value> = sweep
        .unclaimed
        .iter()
        .map(|found| {
            json!({
                "who": found.name.as_deref().unwrap_or_else(|| who(&found.holding)),
                "id": who(&found.holding),
                "what": found.what,
                "flow": found.flow,
                "resource": found.holding.resource,
                "since": found.since.rfc3339(),
                "removed_by_hand_with": found.by_hand(),
            })
        })
        .collect();
    let missing: Vec<Value> = sweep
        .missing
        .iter()
        .map(|missing| {
            json!({
                "id": who(&missing.holding),
                "resource": missing.holding.resource,
                "requests": missing.requests,
            })
        })
        .collect();
    let unknown: Vec<Value> = sweep
        .unknown
        .iter()
        .map(|unknown| json!({ "what": unknown.what, "why": unknown.why, "since": unknown.since.rfc3339() }))
        .collect();
    json!({
        "compared": sweep.at.rfc3339(),
        "seconds_ago": age.as_millis() / 1000,
        "read": sweep.read,
        "outdated": outdated,
        "agrees": sweep.is_clean() && outdated.is_none(),
        "not_listed": sweep.unlisted,
        "held_and_not_claimed": unclaimed,
        "claimed_and_not_held": missing,
        "unknown": unknown,
    })
}

fn who(holding: &Holding) -> &str {
    match &holding.principal {
        Principal::SsoUser { user_id, .. } => user_id,
        Principal::IamUser { user_name } => user_name,
    }
}
