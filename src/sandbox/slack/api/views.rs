//! `views.*`.
use serde_json::{Value, json};

use super::{Args, Failure, Outcome};
use crate::sandbox::slack::model::State;
use crate::sandbox::slack::{Change, Slack, limits, views};

/// How long a trigger id is good for.
const TRIGGER_MS: i64 = 3000;
/// How many modals may be stacked.
pub(super) const STACK: usize = 3;

pub(super) fn open(slack: &Slack, args: &Args) -> Outcome {
    let view = given(args)?;
    let trigger = args.need("trigger_id")?;
    let now = slack.now();
    let mut state = slack.state();
    let user = redeem(&mut state, trigger, now)?;
    duplicate(&mut state, &view)?;
    state.stacks.remove(&user);
    let view = views::push(&mut state, &user, view, now);
    slack.tell(|| Change::Opened { user: user.clone(), view: view.id.clone() });
    Ok(json!({ "view": view.wire() }))
}

pub(super) fn push(slack: &Slack, args: &Args) -> Outcome {
    let view = given(args)?;
    let trigger = args.need("trigger_id")?;
    let now = slack.now();
    let mut state = slack.state();
    let user = redeem(&mut state, trigger, now)?;
    let depth = state.stacks.get(&user).map_or(0, Vec::len);
    if depth == 0 {
        return Err("not_found".into());
    }
    if depth >= STACK {
        return Err("push_limit_reached".into());
    }
    duplicate(&mut state, &view)?;
    let view = views::push(&mut state, &user, view, now);
    Ok(json!({ "view": view.wire() }))
}

pub(super) fn update(slack: &Slack, args: &Args) -> Outcome {
    let json = given(args)?;
    let now = slack.now();
    let mut state = slack.state();
    let id = match (args.text("view_id"), args.text("external_id")) {
        (Some(id), _) => id.to_owned(),
        (None, Some(external)) => {
            let mut open = state.stacks.values().flatten();
            let found = open.find(|view| view.json["external_id"] == external);
            found.map(|view| view.id.clone()).ok_or(Failure::from("not_found"))?
        }
        (None, None) => {
            let message = "[ERROR] either view_id or external_id is needed".to_owned();
            return Err(Failure::with("invalid_arguments", vec![message]));
        }
    };
    let view = state.view(&id).ok_or(Failure::from("not_found"))?;
    if args.text("hash").is_some_and(|hash| hash != view.hash) {
        return Err("hash_conflict".into());
    }
    let view = views::replace(&mut state, &id, json, now).ok_or(Failure::from("not_found"))?;
    Ok(json!({ "view": view.wire() }))
}

/// The view of a call, checked against the limits.
fn given(args: &Args) -> Outcome {
    let Some(view) = args.json("view")? else {
        let message = "[ERROR] missing required field: view".to_owned();
        return Err(Failure::with("invalid_arguments", vec![message]));
    };
    if view.to_string().len() > limits::VIEW_BYTES {
        return Err("view_too_large".into());
    }
    let complaints = limits::check_view(&view);
    if complaints.is_empty() {
        return Ok(view);
    }
    Err(Failure::with("invalid_arguments", complaints))
}

/// Uses a trigger up and tells whose it was.
fn redeem(state: &mut State, id: &str, now: i64) -> Result<String, Failure> {
    let Some(trigger) = state.triggers.get_mut(id) else {
        let message = "invalid `trigger_id`".to_owned();
        return Err(Failure::with("invalid_arguments", vec![message]));
    };
    if trigger.used {
        return Err("exchanged_trigger_id".into());
    }
    if now - trigger.at > TRIGGER_MS {
        return Err("expired_trigger_id".into());
    }
    trigger.used = true;
    Ok(trigger.user.clone())
}

fn duplicate(state: &mut State, view: &Value) -> Result<(), Failure> {
    let external = view["external_id"].as_str().unwrap_or_default();
    let mut open = state.stacks.values().flatten();
    if !external.is_empty() && open.any(|other| other.json["external_id"] == external) {
        return Err("duplicate_external_id".into());
    }
    Ok(())
}
