//! Response URLs, and what a command's acknowledgement says: both write to where the person is.
use hyper::StatusCode;
use serde_json::{Value, json};

use super::{before, chat, instead};
use crate::sandbox::slack::faults::Fault;
use crate::sandbox::slack::model::{Hook, Message};
use crate::sandbox::slack::server::{self, Answer, Asked, Dropped};
use crate::sandbox::slack::{Slack, ids, views};

const HOOK_MS: i64 = 30 * 60 * 1000;
const HOOK_USES: u8 = 5;
const KEYS: [&str; 10] = [
    "text",
    "blocks",
    "response_type",
    "replace_original",
    "delete_original",
    "thread_ts",
    "mrkdwn",
    "unfurl_links",
    "unfurl_media",
    "metadata",
];

/// Where an answer appears: to whom, in which conversation, on which message.
pub(in crate::sandbox::slack) struct Scene {
    pub(in crate::sandbox::slack) user: String,
    pub(in crate::sandbox::slack) channel: String,
    pub(in crate::sandbox::slack) message: Option<String>,
}

/// A post to a response URL.
pub(in crate::sandbox::slack) async fn hook(
    slack: &Slack,
    id: &str,
    asked: Asked,
) -> Result<Answer, Dropped> {
    const NAME: &str = "response_url";
    let id = id.rsplit('/').next().unwrap_or_default();
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let fate = slack.fate(NAME);
    before(slack, NAME, &body, fate.delay, fate.fault.as_ref()).await?;
    if let Some(answer) = instead(slack, NAME, &body, fate.fault.as_ref()) {
        return Ok(answer);
    }
    let outcome = redeem(slack, id).and_then(|scene| slack.answer_in(&scene, &body));
    let lost = matches!(fate.fault, Some(Fault::LoseReply));
    let error = outcome.err();
    slack.record(NAME, body, error.is_none(), error.clone());
    if lost {
        return Err(Dropped);
    }
    Ok(match error {
        None => server::answer(StatusCode::OK, "text/html", "ok"),
        Some(code) => server::answer(StatusCode::NOT_FOUND, "text/html", code),
    })
}

fn redeem(slack: &Slack, id: &str) -> Result<Scene, String> {
    let now = slack.now();
    let mut state = slack.state();
    let hook: &mut Hook = state.hooks.get_mut(id).ok_or("no_such_url")?;
    if now - hook.at > HOOK_MS {
        return Err("expired_url".to_owned());
    }
    if hook.uses >= HOOK_USES {
        return Err("used_url".to_owned());
    }
    hook.uses += 1;
    let (user, channel) = (hook.user.clone(), hook.channel.clone());
    Ok(Scene { user, channel, message: hook.message.clone() })
}

impl Slack {
    /// Writes an answer where the person is: new, in place of a message, or nothing in its place.
    pub(in crate::sandbox::slack) fn answer_in(&self, scene: &Scene, body: &Value) -> Result<(), String> {
        let Some(object) = body.as_object() else {
            self.note_unexpected("answer: not a JSON object".to_owned());
            return Err("invalid_payload".to_owned());
        };
        if let Some(key) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
            self.note_unexpected(format!("answer: unknown key {key}"));
            return Err("invalid_payload".to_owned());
        }
        if body["delete_original"] == true {
            self.replace(scene, None);
            return Ok(());
        }
        let text = body["text"].as_str().unwrap_or_default();
        let given = |value: &Value| {
            if value.is_array() { value.clone() } else { json!([]) }
        };
        let content = json!({ "text": text, "blocks": given(&body["blocks"]) });
        if let Err(failure) = chat::check(self, &content) {
            let why = format!("answer: {} {}", failure.code, failure.messages.join("; "));
            self.note_unexpected(why);
            return Err(failure.code);
        }
        if body["replace_original"] == true {
            self.replace(scene, Some(content));
            return Ok(());
        }
        let to_all = body["response_type"] == "in_channel";
        self.append(scene, &content, to_all, ids::BOT_USER);
        Ok(())
    }

    fn replace(&self, scene: &Scene, content: Option<Value>) {
        let Some(ts) = &scene.message else { return };
        let now = self.now();
        let mut state = self.state();
        let state = &mut *state;
        let filled = content.map(|content| {
            let blocks = views::completed(state, &content["blocks"]);
            (content["text"].as_str().unwrap_or_default().to_owned(), blocks, state.ids.ts(now))
        });
        let shared = state.messages.get_mut(&scene.channel);
        let own = state.ephemerals.get_mut(&scene.user);
        for list in shared.into_iter().chain(own) {
            match &filled {
                None => list.retain(|message| message.ts != *ts),
                Some((text, blocks, edited)) => {
                    for message in list.iter_mut().filter(|message| message.ts == *ts) {
                        message.text.clone_from(text);
                        message.blocks = blocks.clone();
                        message.edited = Some(edited.clone());
                    }
                }
            }
        }
        self.touch();
    }

    /// Adds a message for everybody, or for the person alone.
    pub(in crate::sandbox::slack) fn append(&self, scene: &Scene, content: &Value, to_all: bool, from: &str) {
        let now = self.now();
        let mut state = self.state();
        let message = Message {
            channel: scene.channel.clone(),
            ts: state.ids.ts(now),
            user: from.to_owned(),
            text: content["text"].as_str().unwrap_or_default().to_owned(),
            blocks: views::completed(&mut state, &content["blocks"]),
            ephemeral_to: (!to_all).then(|| scene.user.clone()),
            ..Message::default()
        };
        let list = if to_all {
            state.messages.entry(scene.channel.clone()).or_default()
        } else {
            state.ephemerals.entry(scene.user.clone()).or_default()
        };
        list.push(message);
        drop(state);
        self.touch();
    }
}
