//! What the workspace remembers.
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::{Value, json};

use super::ids::{self, Ids};
use super::views::{self, Values};

/// A person of the workspace, or one of another workspace (`team_id`).
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are Slack's own flags")]
pub struct Person {
    /// The short name, as in `@ana`.
    pub handle: String,
    /// The name shown.
    pub real_name: String,
    /// Shown to the app only with `users:read.email`.
    pub email: Option<String>,
    /// An IANA zone name; empty is UTC.
    pub tz: String,
    /// A multi-channel guest (`is_restricted`).
    pub is_guest: bool,
    /// A single-channel guest (`is_ultra_restricted`, which implies `is_restricted`).
    pub is_ultra_restricted: bool,
    /// Another app's bot.
    pub is_bot: bool,
    /// A deactivated account.
    pub deleted: bool,
    /// Another workspace's id makes the person a stranger, met through a shared channel.
    pub team_id: Option<String>,
}

impl Person {
    /// A full member called `handle`, with the address `handle@example.com`, in UTC.
    pub fn new(handle: &str) -> Person {
        let mut letters = handle.chars();
        let real_name =
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        Person {
            handle: handle.to_owned(),
            real_name,
            email: Some(format!("{handle}@example.com")),
            tz: "UTC".to_owned(),
            ..Person::default()
        }
    }

    pub(super) fn team(&self) -> &str {
        self.team_id.as_deref().unwrap_or(ids::TEAM)
    }
}

/// A channel or a direct conversation.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// `C…` or `D…`.
    pub id: String,
    /// Without the `#`; empty for direct messages.
    pub name: String,
    /// User ids, with the bot's if it is a member.
    pub members: Vec<String>,
    /// Only members see it.
    pub private: bool,
    /// Nobody can write any more.
    pub archived: bool,
    /// The person the bot talks to, if this is a direct conversation.
    pub im: Option<String>,
}

/// A group of people, as in `@on-call`.
#[derive(Clone, Debug, Default)]
pub struct Usergroup {
    /// `S…`.
    pub id: String,
    /// Without the `@`.
    pub handle: String,
    /// User ids.
    pub users: Vec<String>,
    /// A disabled group is not listed unless asked for.
    pub disabled: bool,
}

/// A message as it is shown now.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The conversation it is in.
    pub channel: String,
    /// Its timestamp, unique in the workspace.
    pub ts: String,
    /// Who wrote it.
    pub user: String,
    /// The text, which is the fallback if there are blocks.
    pub text: String,
    /// The blocks, with the ids Slack adds; an empty array if there are none.
    pub blocks: Value,
    /// When it was changed last, as a timestamp.
    pub edited: Option<String>,
    /// Only this person sees it.
    pub ephemeral_to: Option<String>,
    /// The thread it answers in.
    pub thread_ts: Option<String>,
    /// The metadata sent along, or null.
    pub metadata: Value,
    /// Emoji names, each with who reacted.
    pub reactions: Vec<(String, String)>,
}

impl Message {
    /// Text and blocks, as for `render_text`.
    pub fn content(&self) -> Value {
        json!({ "text": self.text, "blocks": self.blocks })
    }

    /// The message in the shape Slack sends it.
    pub(super) fn wire(&self) -> Value {
        let mut message = json!({
            "type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": ids::TEAM,
        });
        if self.user == ids::BOT_USER {
            message["bot_id"] = json!(ids::BOT);
            message["app_id"] = json!(ids::APP);
        }
        if self.blocks.as_array().is_some_and(|blocks| !blocks.is_empty()) {
            message["blocks"] = self.blocks.clone();
        }
        if let Some(ts) = &self.edited {
            message["edited"] = json!({ "user": self.user, "ts": ts });
        }
        if let Some(ts) = &self.thread_ts {
            message["thread_ts"] = json!(ts);
        }
        if !self.metadata.is_null() {
            message["metadata"] = self.metadata.clone();
        }
        message
    }
}

/// An open modal of one person.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// `V…`.
    pub id: String,
    /// Whose screen it is on.
    pub user: String,
    /// What the app sent: title, blocks, submit, … with the ids Slack adds.
    pub json: Value,
    /// Changes with each change of the view.
    pub hash: String,
    /// What is typed and chosen now: block id -> action id -> value, as in `view.state.values`.
    pub values: BTreeMap<String, BTreeMap<String, Value>>,
    /// The message under each field: block id -> text.
    pub errors: BTreeMap<String, String>,
    /// "We had some trouble connecting. Try again?", when the app did not answer.
    pub trouble: Option<String>,
    /// The bottom of the stack it is in.
    pub root: String,
    /// The view below it.
    pub previous: Option<String>,
    /// Options an external select has offered: action id -> options.
    pub offered: BTreeMap<String, Vec<Value>>,
}

impl View {
    /// The title of the modal.
    pub fn title(&self) -> &str {
        self.json["title"]["text"].as_str().unwrap_or_default()
    }

    /// The blocks.
    pub fn blocks(&self) -> &[Value] {
        self.json["blocks"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The view in the shape Slack sends it.
    pub(super) fn wire(&self) -> Value {
        let given = |key: &str, otherwise: Value| match &self.json[key] {
            Value::Null => otherwise,
            value => value.clone(),
        };
        json!({
            "id": self.id,
            "team_id": ids::TEAM,
            "type": "modal",
            "blocks": self.json["blocks"],
            "private_metadata": given("private_metadata", json!("")),
            "callback_id": given("callback_id", json!("")),
            "state": { "values": self.values },
            "hash": self.hash,
            "title": self.json["title"],
            "clear_on_close": given("clear_on_close", json!(false)),
            "notify_on_close": given("notify_on_close", json!(false)),
            "close": self.json["close"],
            "submit": self.json["submit"],
            "previous_view_id": self.previous,
            "root_view_id": self.root,
            "app_id": ids::APP,
            "external_id": given("external_id", json!("")),
            "app_installed_team_id": ids::TEAM,
            "bot_id": ids::BOT,
        })
    }
}

/// One call of the Web API, or a post to a response URL (method `response_url`).
#[derive(Clone, Debug)]
pub struct Call {
    /// Such as `chat.postMessage`.
    pub method: String,
    /// The arguments, without the token.
    pub args: Value,
    /// When, by the workspace's clock.
    pub at: i64,
    /// Whether it succeeded.
    pub ok: bool,
    /// Slack's error code if it did not, or what the fault did.
    pub error: Option<String>,
}

/// An acknowledgement the bot sent.
#[derive(Clone, Debug)]
pub struct Ack {
    /// The envelope it answers.
    pub envelope_id: String,
    /// Its payload, or null.
    pub payload: Value,
    /// When, by the workspace's clock.
    pub at: i64,
    /// Real time since the envelope was first sent.
    pub took: Duration,
}

/// The right to open a modal: three seconds, once.
pub(super) struct Trigger {
    pub(super) user: String,
    pub(super) at: i64,
    pub(super) used: bool,
}

/// A response URL: thirty minutes, five times.
#[derive(Clone)]
pub(super) struct Hook {
    pub(super) user: String,
    pub(super) channel: String,
    pub(super) at: i64,
    pub(super) uses: u8,
    /// The message the person clicked in, if it was a click.
    pub(super) message: Option<String>,
}

pub(super) struct State {
    pub(super) ids: Ids,
    pub(super) people: BTreeMap<String, Person>,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) ims: HashMap<String, String>,
    pub(super) usergroups: BTreeMap<String, Usergroup>,
    pub(super) messages: HashMap<String, Vec<Message>>,
    pub(super) ephemerals: HashMap<String, Vec<Message>>,
    /// What people have put into the inputs of messages, by person and message.
    pub(super) inputs: HashMap<(String, String), Values>,
    pub(super) stacks: HashMap<String, Vec<View>>,
    pub(super) triggers: HashMap<String, Trigger>,
    pub(super) hooks: HashMap<String, Hook>,
    pub(super) calls: Vec<Call>,
    pub(super) keep_calls: bool,
    pub(super) acks: Vec<Ack>,
    pub(super) unexpected: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) page_size: Option<usize>,
    pub(super) shortcuts: Vec<(String, String)>,
    pub(super) commands: Vec<String>,
    pub(super) started: i64,
}

impl State {
    pub(super) fn new(started: i64) -> State {
        let bot = Person { is_bot: true, email: None, real_name: "Sym".to_owned(), ..Person::new("sym") };
        let slackbot = Person { real_name: "Slackbot".to_owned(), email: None, ..Person::new("slackbot") };
        State {
            ids: Ids::default(),
            people: BTreeMap::from([(ids::BOT_USER.to_owned(), bot), (ids::SLACKBOT.to_owned(), slackbot)]),
            channels: BTreeMap::new(),
            ims: HashMap::new(),
            usergroups: BTreeMap::new(),
            messages: HashMap::new(),
            ephemerals: HashMap::new(),
            inputs: HashMap::new(),
            stacks: HashMap::new(),
            triggers: HashMap::new(),
            hooks: HashMap::new(),
            calls: Vec::new(),
            keep_calls: true,
            acks: Vec::new(),
            unexpected: Vec::new(),
            warnings: Vec::new(),
            scopes: ids::SCOPES.iter().map(ToString::to_string).collect(),
            page_size: None,
            shortcuts: Vec::new(),
            commands: vec!["/sym".to_owned()],
            started,
        }
    }

    pub(super) fn scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// The direct conversation between the bot and a person, opened if need be.
    pub(super) fn im(&mut self, user: &str) -> String {
        if let Some(id) = self.ims.get(user) {
            return id.clone();
        }
        let id = self.ids.id("D");
        let members = vec![ids::BOT_USER.to_owned(), user.to_owned()];
        let im = Some(user.to_owned());
        let channel = Channel { id: id.clone(), members, im, ..Channel::default() };
        self.channels.insert(id.clone(), channel);
        self.ims.insert(user.to_owned(), id.clone());
        id
    }

    /// What this person has put into the inputs of a message as it is shown now.
    pub(super) fn inputs_of(&self, user: &str, message: &Message) -> Values {
        let put_in = self.inputs.get(&(user.to_owned(), message.ts.clone()));
        views::kept(&message.blocks, put_in.unwrap_or(&Values::new()))
    }

    pub(super) fn message(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        let list = self.messages.get_mut(channel)?;
        let at = list.binary_search_by(|message| message.ts.as_str().cmp(ts)).ok()?;
        list.get_mut(at)
    }

    /// A new trigger id; stale ones are forgotten now and then.
    pub(super) fn trigger(&mut self, user: &str, now: i64) -> String {
        if self.triggers.len() > 4096 {
            self.triggers.retain(|_, trigger| now - trigger.at < 60_000);
        }
        let id = self.ids.trigger(now);
        let trigger = Trigger { user: user.to_owned(), at: now, used: false };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// A new response URL's secret; stale ones are forgotten now and then.
    pub(super) fn hook(&mut self, hook: Hook) -> String {
        if self.hooks.len() > 4096 {
            let now = hook.at;
            self.hooks.retain(|_, old| now - old.at < 3_600_000);
        }
        let id = self.ids.secret("hook");
        self.hooks.insert(id.clone(), hook);
        id
    }

    /// The open view with this id, whoever has it open.
    pub(super) fn view(&mut self, id: &str) -> Option<&mut View> {
        self.stacks.values_mut().flatten().find(|view| view.id == id)
    }

    /// The open view of one person with this id: what a person acts on.
    pub(super) fn view_of(&mut self, user: &str, id: &str) -> Option<&mut View> {
        self.stacks.get_mut(user)?.iter_mut().find(|view| view.id == id)
    }
}
