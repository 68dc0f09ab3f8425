//! Everything one person sees, for the page to draw.
use serde_json::{Value, json};

use crate::sandbox::slack::model::{Channel, Message, State, View};
use crate::sandbox::slack::{Slack, ids, lock};

/// How many messages of a conversation the page shows.
const SHOWN: usize = 200;

impl Slack {
    pub(super) fn page_state(&self, user: &str) -> Value {
        let now = self.now();
        let version = *self.hub.version.borrow();
        let (notice, controls) = {
            let slots = lock(&self.hub.page);
            let controls = slots.controls.iter();
            let controls: Vec<Value> =
                controls.map(|control| json!({ "id": control.id, "label": control.label })).collect();
            (slots.notice.clone(), controls)
        };
        let mut state = self.state();
        let known = state.people.contains_key(user);
        // The conversation with the app is in everybody's list, written to or not.
        let im = known.then(|| state.im(user));
        let state = &*state;
        let channels = state.channels.values().filter(|channel| sees(channel, user));
        let conversations: Vec<Value> =
            channels.map(|channel| conversation(state, channel, user, im.as_deref())).collect();
        let stack = state.stacks.get(user).map_or(&[] as &[View], Vec::as_slice);
        json!({
            "version": version,
            "now": now,
            "workspace": ids::TEAM_NAME,
            "domain": ids::DOMAIN,
            "notice": notice,
            "controls": controls,
            "people": people(state),
            "groups": state.usergroups.values()
                .map(|group| json!({ "id": group.id, "handle": group.handle })).collect::<Vec<_>>(),
            "conversations": conversations,
            "views": stack.iter().map(view).collect::<Vec<_>>(),
            "commands": state.commands,
            "shortcuts": state.shortcuts.iter()
                .map(|(id, name)| json!({ "id": id, "name": name })).collect::<Vec<_>>(),
        })
    }
}

fn sees(channel: &Channel, user: &str) -> bool {
    channel.members.iter().any(|member| member == user)
}

fn people(state: &State) -> Vec<Value> {
    let one = |(id, person): (&String, &crate::sandbox::slack::Person)| {
        json!({
            "id": id, "handle": person.handle, "name": person.real_name, "tz": person.tz,
            "guest": person.is_guest || person.is_ultra_restricted,
            "stranger": person.team_id.is_some(), "deleted": person.deleted,
            "bot": person.is_bot || id == ids::SLACKBOT, "app": super::is_app(id),
            // For the dot on a person nobody is acting as just now.
            "im": state.ims.get(id),
            "im_ts": state.ims.get(id).and_then(|im| state.messages.get(im)?.last()).map(|last| &last.ts),
        })
    };
    state.people.iter().map(one).collect()
}

fn conversation(state: &State, channel: &Channel, user: &str, im: Option<&str>) -> Value {
    let shared = state.messages.get(&channel.id).map_or(&[] as &[Message], Vec::as_slice);
    let shared = &shared[shared.len().saturating_sub(SHOWN)..];
    let own = state.ephemerals.get(user).map_or(&[] as &[Message], Vec::as_slice);
    let own = &own[own.len().saturating_sub(SHOWN)..];
    let own = own.iter().filter(|message| message.channel == channel.id);
    let mut messages: Vec<&Message> = shared.iter().chain(own).collect();
    messages.sort_by(|a, b| a.ts.cmp(&b.ts));
    json!({
        "id": channel.id,
        "name": channel.name,
        "private": channel.private,
        "archived": channel.archived,
        "im": channel.im.is_some(),
        "mine": im == Some(channel.id.as_str()),
        "members": channel.members.len(),
        "messages": messages.into_iter().map(|one| message(state, one, user)).collect::<Vec<_>>(),
    })
}

fn message(state: &State, message: &Message, user: &str) -> Value {
    json!({
        "ts": message.ts,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
        "values": state.inputs_of(user, message),
        "edited": message.edited.is_some(),
        "ephemeral": message.ephemeral_to.is_some(),
        "thread": message.thread_ts,
        "reactions": message.reactions.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    })
}

fn view(view: &View) -> Value {
    json!({
        "id": view.id,
        "hash": view.hash,
        "view": view.json,
        "values": view.values,
        "errors": view.errors,
        "trouble": view.trouble,
    })
}
