//! What Slack sends when people act, in Slack's own shape.
use serde_json::{Value, json};

use super::model::{Channel, Hook, Message, View};
use super::render;
use super::{Slack, ids};

impl Slack {
    fn user(&self, id: &str) -> Value {
        let state = self.state();
        let person = state.people.get(id);
        let name = person.map(|person| person.handle.clone()).unwrap_or_default();
        let team = person.map_or(ids::TEAM, |person| person.team());
        json!({ "id": id, "username": name, "name": name, "team_id": team })
    }

    /// What all interactive payloads share.
    fn frame(&self, kind: &str, user: &str) -> Value {
        json!({
            "type": kind,
            "team": { "id": ids::TEAM, "domain": ids::DOMAIN },
            "user": self.user(user),
            "api_app_id": ids::APP,
            "token": ids::VERIFICATION,
            "enterprise": null,
            "is_enterprise_install": false,
        })
    }

    pub(super) fn new_trigger(&self, user: &str) -> String {
        let now = self.now();
        self.state().trigger(user, now)
    }

    fn response_url(&self, path: &str, user: &str, channel: &str, message: Option<&str>) -> String {
        let hook = Hook {
            user: user.to_owned(),
            channel: channel.to_owned(),
            at: self.now(),
            uses: 0,
            message: message.map(str::to_owned),
        };
        let secret = self.state().hook(hook);
        format!("http://{}/hooks/{path}/{}/{secret}", self.hub.addr, ids::TEAM)
    }

    pub(super) fn command_payload(&self, user: &str, channel: &Channel, command: &str, text: &str) -> Value {
        let name = self.user(user)["name"].clone();
        let channel_name = match (&channel.im, channel.private) {
            (Some(_), _) => "directmessage",
            (None, true) => "privategroup",
            (None, false) => &channel.name,
        };
        json!({
            "token": ids::VERIFICATION,
            "team_id": ids::TEAM,
            "team_domain": ids::DOMAIN,
            "channel_id": channel.id,
            "channel_name": channel_name,
            "user_id": user,
            "user_name": name,
            "command": command,
            "text": render::escape(text),
            "api_app_id": ids::APP,
            "is_enterprise_install": "false",
            "response_url": self.response_url("commands", user, &channel.id, None),
            "trigger_id": self.new_trigger(user),
        })
    }

    pub(super) fn shortcut_payload(&self, user: &str, callback_id: &str) -> Value {
        let mut payload = self.frame("shortcut", user);
        let now = self.now();
        payload["action_ts"] = json!(self.state().ids.ts(now));
        payload["callback_id"] = json!(callback_id);
        payload["trigger_id"] = json!(self.new_trigger(user));
        payload
    }

    /// A click or a choice in a message.
    pub(super) fn message_action(&self, user: &str, message: &Message, action: &Value) -> Value {
        let (kind, name) = {
            let state = self.state();
            let channel = state.channels.get(&message.channel);
            let im = channel.is_some_and(|channel| channel.im.is_some());
            let private = channel.is_some_and(|channel| channel.private);
            let name = channel.map(|channel| channel.name.clone()).unwrap_or_default();
            (im, if private { "privategroup".to_owned() } else { name })
        };
        let name = if kind { "directmessage".to_owned() } else { name };
        let ephemeral = message.ephemeral_to.is_some();
        let values = self.state().inputs_of(user, message);
        let mut payload = self.frame("block_actions", user);
        payload["container"] = json!({
            "type": "message", "message_ts": message.ts, "channel_id": message.channel,
            "is_ephemeral": ephemeral,
        });
        payload["trigger_id"] = json!(self.new_trigger(user));
        payload["channel"] = json!({ "id": message.channel, "name": name });
        // Of an ephemeral message Slack keeps nothing, and sends nothing back.
        if !ephemeral {
            payload["message"] = message.wire();
        }
        payload["state"] = json!({ "values": values });
        let url = self.response_url("actions", user, &message.channel, Some(&message.ts));
        payload["response_url"] = json!(url);
        payload["actions"] = json!([action]);
        payload
    }

    /// A click or a choice in a modal.
    pub(super) fn view_action(&self, view: &View, action: &Value) -> Value {
        let mut payload = self.frame("block_actions", &view.user);
        payload["container"] = json!({ "type": "view", "view_id": view.id });
        payload["trigger_id"] = json!(self.new_trigger(&view.user));
        payload["view"] = view.wire();
        payload["actions"] = json!([action]);
        payload
    }

    pub(super) fn submission(&self, view: &View) -> Value {
        let mut payload = self.frame("view_submission", &view.user);
        payload["trigger_id"] = json!(self.new_trigger(&view.user));
        payload["view"] = view.wire();
        payload["response_urls"] = json!([]);
        payload
    }

    pub(super) fn closed(&self, view: &View, cleared: bool) -> Value {
        let mut payload = self.frame("view_closed", &view.user);
        payload["view"] = view.wire();
        payload["is_cleared"] = json!(cleared);
        payload
    }

    pub(super) fn suggestion(&self, view: &View, block: &Value, element: &Value, query: &str) -> Value {
        let mut payload = self.frame("block_suggestion", &view.user);
        payload["container"] = json!({ "type": "view", "view_id": view.id });
        payload["view"] = view.wire();
        payload["name"] = element["action_id"].clone();
        payload["action_id"] = element["action_id"].clone();
        payload["block_id"] = block["block_id"].clone();
        payload["value"] = json!(query);
        payload
    }

    /// One entry of `actions`: the element, what it is set to, and when.
    pub(super) fn action(&self, block: &Value, element: &Value, set: Option<&Value>) -> Value {
        let now = self.now();
        let mut action = json!({
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "action_ts": self.state().ids.ts(now),
        });
        let copied = ["text", "value", "style", "confirm", "placeholder", "url"];
        let copied = if element["type"] == "button" { &copied[..] } else { &copied[3..5] };
        for key in copied {
            if !element[*key].is_null() {
                action[*key] = element[*key].clone();
            }
        }
        if let (Some(Value::Object(set)), Some(action)) = (set, action.as_object_mut()) {
            action.extend(set.clone());
        }
        action
    }
}
