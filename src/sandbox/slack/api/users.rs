//! `users.*`, `usergroups.*`, `auth.test` and `apps.connections.open`.
use serde_json::{Value, json};

use super::{Args, Failure, Outcome, page};
use crate::sandbox::slack::model::{Person, State};
use crate::sandbox::slack::{Slack, ids, zone};

#[expect(clippy::unnecessary_wraps, reason = "the table of methods has one shape for all")]
pub(super) fn connections_open(slack: &Slack, _args: &Args) -> Outcome {
    Ok(json!({ "url": slack.ticket() }))
}

#[expect(clippy::unnecessary_wraps, reason = "the table of methods has one shape for all")]
pub(super) fn auth_test(_slack: &Slack, _args: &Args) -> Outcome {
    Ok(json!({
        "url": format!("https://{}.slack.com/", ids::DOMAIN), "team": ids::TEAM_NAME, "user": "sym",
        "team_id": ids::TEAM, "user_id": ids::BOT_USER, "bot_id": ids::BOT,
        "is_enterprise_install": false,
    }))
}

pub(super) fn info(slack: &Slack, args: &Args) -> Outcome {
    let now = slack.now();
    let state = slack.state();
    let id = args.need("user")?;
    let person = state.people.get(id).ok_or(Failure::from("user_not_found"))?;
    Ok(json!({ "user": wire(&state, id, person, now) }))
}

pub(super) fn by_email(slack: &Slack, args: &Args) -> Outcome {
    let now = slack.now();
    let email = args.need("email")?;
    let state = slack.state();
    let same = |person: &Person| {
        let theirs = person.email.as_deref().unwrap_or_default();
        theirs.eq_ignore_ascii_case(email) && !person.deleted && person.team_id.is_none()
    };
    let found = state.people.iter().find(|(_, person)| same(person));
    let (id, person) = found.ok_or(Failure::from("users_not_found"))?;
    Ok(json!({ "user": wire(&state, id, person, now) }))
}

pub(super) fn list(slack: &Slack, args: &Args) -> Outcome {
    let now = slack.now();
    let state = slack.state();
    let people = state.people.iter().map(|(id, person)| wire(&state, id, person, now)).collect();
    let (members, next) = page(people, args, state.page_size, 1000)?;
    let answer = json!({
        "members": members, "cache_ts": now / 1000, "response_metadata": { "next_cursor": next },
    });
    Ok(answer)
}

#[expect(clippy::unnecessary_wraps, reason = "the table of methods has one shape for all")]
pub(super) fn groups(slack: &Slack, args: &Args) -> Outcome {
    let state = slack.state();
    let disabled = args.flag("include_disabled");
    let groups: Vec<Value> = state
        .usergroups
        .values()
        .filter(|group| disabled || !group.disabled)
        .map(|group| {
            let mut json = json!({
                "id": group.id, "team_id": ids::TEAM, "is_usergroup": true, "is_subteam": true,
                "name": group.handle, "handle": group.handle, "description": "",
                "is_external": false, "date_create": state.started / 1000,
                "date_update": state.started / 1000,
                "date_delete": if group.disabled { state.started / 1000 } else { 0 },
                "auto_type": null, "created_by": ids::SLACKBOT, "updated_by": ids::SLACKBOT,
                "deleted_by": null, "prefs": { "channels": [], "groups": [] },
            });
            if args.flag("include_users") {
                json["users"] = json!(group.users);
            }
            if args.flag("include_count") {
                json["user_count"] = json!(group.users.len());
            }
            json
        })
        .collect();
    Ok(json!({ "usergroups": groups }))
}

pub(super) fn group_users(slack: &Slack, args: &Args) -> Outcome {
    let state = slack.state();
    let group = state.usergroups.get(args.need("usergroup")?);
    let group = group.filter(|group| args.flag("include_disabled") || !group.disabled);
    let group = group.ok_or(Failure::from("no_such_subteam"))?;
    Ok(json!({ "users": group.users }))
}

/// A user object. The address is there only if the scope is, and never for strangers.
fn wire(state: &State, id: &str, person: &Person, now: i64) -> Value {
    let tz = if person.tz.is_empty() { "UTC" } else { &person.tz };
    let stranger = person.team_id.is_some();
    let mut profile = json!({
        "title": "", "phone": "", "skype": "", "real_name": person.real_name,
        "real_name_normalized": person.real_name, "display_name": person.handle,
        "display_name_normalized": person.handle, "status_text": "", "status_emoji": "",
        "avatar_hash": "g00000000000", "team": person.team(),
    });
    let shows = state.scope("users:read.email") && !stranger;
    if let Some(email) = person.email.as_ref().filter(|_| shows) {
        profile["email"] = json!(email);
    }
    let mut user = json!({
        "id": id, "team_id": person.team(), "name": person.handle, "deleted": person.deleted,
        "real_name": person.real_name, "profile": profile, "is_bot": person.is_bot,
        "is_app_user": false, "updated": state.started / 1000,
    });
    if person.deleted {
        // A deactivated account is described by less.
        return user;
    }
    let more = json!({
        "color": "9f69e7", "tz": tz, "tz_label": tz, "tz_offset": zone::offset(tz, now / 1000),
        "is_admin": false, "is_owner": false, "is_primary_owner": false,
        "is_restricted": person.is_guest || person.is_ultra_restricted,
        "is_ultra_restricted": person.is_ultra_restricted,
        "is_email_confirmed": person.email.is_some(), "who_can_share_contact_card": "EVERYONE",
    });
    if let (Some(user), Value::Object(more)) = (user.as_object_mut(), more) {
        user.extend(more);
    }
    if stranger {
        user["is_stranger"] = json!(true);
    }
    user
}
