//! The Web API calls the bot makes, over slack-morphism's client.
//!
//! Every call goes through [`call::Caller`] with a method of [`METHODS`], so the scopes of the app and
//! the calls it makes cannot drift apart. Answers are read into our own small types: what we do not
//! use cannot break us.

use crate::access::{ChannelId, Email, MessageTs, Place, TeamId, UserId};
use answer::{Done, Opened, Posted};
use call::Caller;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

mod answer;
mod call;
mod directory;
mod error;
mod gates;
pub(super) mod http;
mod method;
mod standing;

pub use error::{SlackError, hint};
pub use gates::Now;
pub use method::{METHODS, Method};
pub use standing::{ChannelStanding, UsergroupStanding};

/// How to reach Slack.
#[derive(Clone)]
pub struct Settings {
    /// The Web API without a slash at the end: `https://slack.com/api`.
    pub api_url: String,
    /// `xoxb-…`.
    pub bot_token: String,
    /// How long a call may take.
    pub timeout: Duration,
    /// How long a call waits by itself when Slack asks it to; longer waits are the caller's.
    pub patience: Duration,
    /// The time, for the waits that Slack asks for.
    pub now: Now,
}

impl Settings {
    /// Slack itself, with ten seconds for a call and two for a rate limit.
    pub fn new(bot_token: impl Into<String>, now: Now) -> Self {
        Self {
            api_url: "https://slack.com/api".to_owned(),
            bot_token: bot_token.into(),
            now,
            timeout: Duration::from_secs(10),
            patience: Duration::from_secs(2),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

/// Who the bot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its workspace.
    pub team: TeamId,
    /// The workspace's name.
    pub team_name: String,
    /// The bot's own user.
    pub bot_user: UserId,
    /// The bot, as messages name it.
    pub bot_id: Option<String>,
    /// The organisation the workspace belongs to.
    pub enterprise: Option<String>,
}

/// A modal that is on somebody's screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedView {
    /// Slack's id.
    pub id: String,
    /// Its version.
    pub hash: Option<String>,
}

/// A message to be sent.
#[derive(Clone, PartialEq, Serialize, Default)]
pub struct Message {
    /// What notifications and screen readers say.
    pub text: String,
    /// What is shown.
    pub blocks: Vec<Value>,
}

/// What people wrote stays out of logs.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} blocks)", self.blocks.len())
    }
}

/// A person as Slack describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of Slack's, and all combine")]
pub struct Profile {
    /// The user.
    pub id: UserId,
    /// The workspace they belong to.
    pub team: Option<TeamId>,
    /// The organisation they belong to.
    pub enterprise: Option<String>,
    /// Their address, unless Slack says that they never confirmed it: an address is what AWS knows
    /// people by, and anybody can claim one.
    pub email: Option<Email>,
    /// The name to show.
    pub name: String,
    /// Their time zone, as in the tz database.
    pub tz: Option<String>,
    /// A single-channel or multi-channel guest.
    pub is_guest: bool,
    /// A bot or an app.
    pub is_bot: bool,
    /// The account was deactivated.
    pub is_deactivated: bool,
    /// Somebody of another organisation, seen through a shared channel.
    pub is_stranger: bool,
}

/// Slack's Web API, with the bot's token.
pub struct SlackApi {
    caller: Caller,
    dms: Mutex<BTreeMap<UserId, ChannelId>>,
    names: directory::Names,
}

impl SlackApi {
    /// Prepares the connections; calls nothing.
    ///
    /// # Errors
    /// When the machine's root certificates cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, SlackError> {
        Ok(Self { caller: Caller::new(settings)?, dms: Mutex::default(), names: directory::Names::default() })
    }

    /// Asks who the bot is, which also proves the token.
    ///
    /// # Errors
    /// As every call: see [`SlackError`].
    pub async fn auth_test(&self) -> Result<Identity, SlackError> {
        let answer: answer::Auth = self.caller.post(&method::AUTH_TEST, &json!({})).await?;
        Ok(Identity {
            team: TeamId::new(answer.team_id),
            team_name: answer.team,
            bot_user: UserId::new(answer.user_id),
            bot_id: answer.bot_id,
            enterprise: answer.enterprise_id,
        })
    }

    /// Opens a modal. A lost answer is not repeated: the modal may be open.
    ///
    /// # Errors
    /// As every call; `expired_trigger_id` after three seconds.
    pub async fn open_view(&self, trigger_id: &str, view: &Value) -> Result<OpenedView, SlackError> {
        let answer: Opened = self
            .caller
            .post(&method::VIEWS_OPEN, &ViewCall { trigger_id: Some(trigger_id), ..ViewCall::of(view) })
            .await?;
        Ok(answer.into())
    }

    /// Opens a modal on top of another.
    ///
    /// # Errors
    /// As every call; `expired_trigger_id` after three seconds.
    pub async fn push_view(&self, trigger_id: &str, view: &Value) -> Result<OpenedView, SlackError> {
        let answer: Opened = self
            .caller
            .post(&method::VIEWS_PUSH, &ViewCall { trigger_id: Some(trigger_id), ..ViewCall::of(view) })
            .await?;
        Ok(answer.into())
    }

    /// Changes a modal; with a `hash`, only if it is still that version.
    ///
    /// # Errors
    /// As every call; `not_found` when it was closed, `hash_conflict` when it has changed.
    pub async fn update_view(
        &self,
        view_id: &str,
        hash: Option<&str>,
        view: &Value,
    ) -> Result<OpenedView, SlackError> {
        let answer: Opened = self
            .caller
            .post(&method::VIEWS_UPDATE, &ViewCall { view_id: Some(view_id), hash, ..ViewCall::of(view) })
            .await?;
        Ok(answer.into())
    }

    /// Posts to a conversation, or to a person's direct messages. A lost answer is not repeated: the
    /// message may be there.
    ///
    /// # Errors
    /// As every call; `not_in_channel`, `channel_not_found`, `is_archived`.
    pub async fn post_message(&self, channel: &str, message: &Message) -> Result<Place, SlackError> {
        self.post(channel, message, None).await
    }

    /// Posts below a message.
    ///
    /// # Errors
    /// As [`SlackApi::post_message`].
    pub async fn reply(&self, to: &Place, message: &Message) -> Result<Place, SlackError> {
        self.post(to.channel.as_str(), message, Some(to.ts.as_str())).await
    }

    async fn post(
        &self,
        channel: &str,
        message: &Message,
        thread_ts: Option<&str>,
    ) -> Result<Place, SlackError> {
        let body = Chat { thread_ts, ..Chat::of(channel, message) };
        let answer: Posted = self.caller.post_in(&method::CHAT_POST, channel, &body).await?;
        Ok(Place { channel: ChannelId::new(answer.channel), ts: MessageTs::new(answer.ts) })
    }

    /// Replaces a message of ours.
    ///
    /// # Errors
    /// As every call; `message_not_found` when it was deleted.
    pub async fn update_message(&self, place: &Place, message: &Message) -> Result<(), SlackError> {
        let body = Chat { ts: Some(place.ts.as_str()), ..Chat::of(place.channel.as_str(), message) };
        let answer: Done = self.caller.post_in(&method::CHAT_UPDATE, place.channel.as_str(), &body).await?;
        answer.check(&method::CHAT_UPDATE)
    }

    /// Shows a message to one person in a conversation.
    ///
    /// # Errors
    /// As every call; `user_not_in_channel`.
    pub async fn post_ephemeral(
        &self,
        channel: &str,
        user: &UserId,
        message: &Message,
    ) -> Result<(), SlackError> {
        let body = Chat { user: Some(user.as_str()), ..Chat::of(channel, message) };
        let answer: Done = self.caller.post_in(&method::CHAT_EPHEMERAL, channel, &body).await?;
        answer.check(&method::CHAT_EPHEMERAL)
    }

    /// Answers an interaction to the person alone.
    ///
    /// # Errors
    /// `Unusable` when the URL is not one of Slack's; else as every call.
    pub async fn respond(&self, response_url: &str, text: &str) -> Result<(), SlackError> {
        let body = json!({ "response_type": "ephemeral", "replace_original": false, "text": text });
        self.caller.respond(response_url, &body).await
    }

    /// Answers an interaction to the person alone, with blocks.
    ///
    /// # Errors
    /// As [`SlackApi::respond`].
    pub async fn respond_with(&self, response_url: &str, message: &Message) -> Result<(), SlackError> {
        let body = json!({
            "response_type": "ephemeral", "replace_original": false,
            "text": message.text, "blocks": message.blocks,
        });
        self.caller.respond(response_url, &body).await
    }

    /// The address of a message in a browser.
    ///
    /// # Errors
    /// As every call; `message_not_found`.
    pub async fn permalink(&self, place: &Place) -> Result<String, SlackError> {
        let form = vec![
            ("channel", Some(place.channel.as_str().to_owned())),
            ("message_ts", Some(place.ts.as_str().to_owned())),
        ];
        let answer: answer::Permalink = self.caller.get(&method::CHAT_PERMALINK, &form).await?;
        Ok(answer.permalink)
    }
}

/// The arguments of `views.*`.
#[derive(Serialize)]
struct ViewCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    view_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<&'a str>,
    view: &'a Value,
}

impl<'a> ViewCall<'a> {
    fn of(view: &'a Value) -> Self {
        Self { trigger_id: None, view_id: None, hash: None, view }
    }
}

/// The arguments of `chat.*`.
#[derive(Serialize)]
struct Chat<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    text: &'a str,
    blocks: &'a [Value],
}

impl<'a> Chat<'a> {
    fn of(channel: &'a str, message: &'a Message) -> Self {
        Self { channel, ts: None, thread_ts: None, user: None, text: &message.text, blocks: &message.blocks }
    }
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;
