//! `conversations.*` and `users.conversations`.
use serde_json::{Value, json};

use super::{Args, Failure, Outcome, page};
use crate::sandbox::slack::model::{Channel, State};
use crate::sandbox::slack::{Slack, ids};

pub(super) fn open(slack: &Slack, args: &Args) -> Outcome {
    let mut state = slack.state();
    let user = match (args.text("users"), args.text("channel")) {
        (Some(users), _) if users.contains(',') => {
            drop(state);
            slack.note_unexpected("conversations.open: group conversations are not simulated".to_owned());
            return Err("not_enough_users".into());
        }
        (Some(user), _) => user.to_owned(),
        (None, Some(channel)) => {
            let im = state.channels.get(channel).and_then(|channel| channel.im.clone());
            im.ok_or(Failure::from("channel_not_found"))?
        }
        (None, None) => return Err("users_list_not_supplied".into()),
    };
    let person = state.people.get(&user).ok_or(Failure::from("user_not_found"))?;
    if person.deleted {
        return Err("user_disabled".into());
    }
    if person.is_bot {
        return Err("cannot_dm_bot".into());
    }
    let known = state.ims.contains_key(&user);
    let id = state.im(&user);
    let mut answer = json!({ "channel": { "id": id } });
    if known {
        answer["no_op"] = json!(true);
        answer["already_open"] = json!(true);
    }
    if args.flag("return_im") {
        answer["channel"] = wire(&state, &state.channels[&id]);
    }
    Ok(answer)
}

pub(super) fn info(slack: &Slack, args: &Args) -> Outcome {
    let state = slack.state();
    let channel = visible(&state, args.need("channel")?)?;
    let mut json = wire(&state, channel);
    if args.flag("include_num_members") {
        json["num_members"] = json!(channel.members.len());
    }
    Ok(json!({ "channel": json }))
}

pub(super) fn members(slack: &Slack, args: &Args) -> Outcome {
    let state = slack.state();
    let channel = visible(&state, args.need("channel")?)?;
    let (members, next) = page(channel.members.clone(), args, state.page_size, 100)?;
    Ok(json!({ "members": members, "response_metadata": { "next_cursor": next } }))
}

pub(super) fn list(slack: &Slack, args: &Args) -> Outcome {
    listing(slack, args, |channel| {
        !channel.private && channel.im.is_none()
            || channel.members.iter().any(|member| member == ids::BOT_USER)
    })
}

pub(super) fn of_user(slack: &Slack, args: &Args) -> Outcome {
    let user = args.text("user").unwrap_or(ids::BOT_USER).to_owned();
    if !slack.state().people.contains_key(&user) {
        return Err("user_not_found".into());
    }
    listing(slack, args, move |channel| {
        let has = |who: &str| channel.members.iter().any(|member| member == who);
        has(&user) && (has(ids::BOT_USER) || !channel.private)
    })
}

fn listing(slack: &Slack, args: &Args, keep: impl Fn(&Channel) -> bool) -> Outcome {
    let types = args.text("types").unwrap_or("public_channel");
    let types: Vec<&str> = types.split(',').map(str::trim).collect();
    let state = slack.state();
    for kind in &types {
        let scope = match *kind {
            "public_channel" => "channels:read",
            "private_channel" => "groups:read",
            "im" => "im:read",
            "mpim" => "mpim:read",
            _ => return Err("invalid_types".into()),
        };
        if !state.scope(scope) {
            return Err(Failure::missing(scope));
        }
    }
    let exclude_archived = args.flag("exclude_archived");
    let channels = state.channels.values();
    let found: Vec<Value> = channels
        .filter(|channel| types.contains(&kind(channel)) && keep(channel))
        .filter(|channel| !(exclude_archived && channel.archived))
        .map(|channel| wire(&state, channel))
        .collect();
    let (channels, next) = page(found, args, state.page_size, 100)?;
    Ok(json!({ "channels": channels, "response_metadata": { "next_cursor": next } }))
}

pub(super) fn join(slack: &Slack, args: &Args) -> Outcome {
    let mut state = slack.state();
    let id = args.need("channel")?;
    let channel = state.channels.get_mut(id).ok_or(Failure::from("channel_not_found"))?;
    if channel.im.is_some() || channel.private {
        return Err("method_not_supported_for_channel_type".into());
    }
    if channel.archived {
        return Err("is_archived".into());
    }
    let already = channel.members.iter().any(|member| member == ids::BOT_USER);
    if !already {
        channel.members.push(ids::BOT_USER.to_owned());
    }
    let mut answer = json!({ "channel": wire(&state, &state.channels[id]) });
    if already {
        answer["warning"] = json!("already_in_channel");
    }
    Ok(answer)
}

fn kind(channel: &Channel) -> &'static str {
    match (&channel.im, channel.private) {
        (Some(_), _) => "im",
        (None, true) => "private_channel",
        (None, false) => "public_channel",
    }
}

/// A conversation the bot may look at: its own kind of scope granted, and private only as a member.
fn visible<'a>(state: &'a State, id: &str) -> Result<&'a Channel, Failure> {
    let channel = state.channels.get(id).ok_or(Failure::from("channel_not_found"))?;
    let scope = match kind(channel) {
        "im" => "im:read",
        "private_channel" => "groups:read",
        _ => "channels:read",
    };
    if !state.scope(scope) {
        return Err(Failure::missing(scope));
    }
    if channel.private && !channel.members.iter().any(|member| member == ids::BOT_USER) {
        return Err("channel_not_found".into());
    }
    Ok(channel)
}

fn wire(state: &State, channel: &Channel) -> Value {
    let is_member = channel.members.iter().any(|member| member == ids::BOT_USER);
    let created = state.started / 1000;
    if let Some(user) = &channel.im {
        return json!({
            "id": channel.id, "created": created, "is_im": true, "is_org_shared": false,
            "context_team_id": ids::TEAM, "user": user, "is_archived": channel.archived,
            "is_user_deleted": state.people.get(user).is_some_and(|person| person.deleted),
        });
    }
    let foreign = |id: &String| state.people.get(id).is_some_and(|person| person.team_id.is_some());
    let shared = channel.members.iter().any(foreign);
    json!({
        "id": channel.id, "name": channel.name, "name_normalized": channel.name,
        "is_channel": !channel.private, "is_group": channel.private, "is_im": false, "is_mpim": false,
        "is_private": channel.private, "created": created, "is_archived": channel.archived,
        "is_general": false, "unlinked": 0, "is_shared": shared, "is_org_shared": false,
        "is_pending_ext_shared": false, "pending_shared": [], "context_team_id": ids::TEAM,
        "creator": ids::SLACKBOT, "is_ext_shared": shared, "shared_team_ids": [ids::TEAM],
        "is_member": is_member,
        "topic": { "value": "", "creator": "", "last_set": 0 },
        "purpose": { "value": "", "creator": "", "last_set": 0 },
    })
}
