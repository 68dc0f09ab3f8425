//! What a test or the page can see.
use std::time::Duration;

use serde_json::Value;

use super::model::{Ack, Call, Channel, Message, Person, View};
use super::{Slack, render};

impl Slack {
    /// The messages of a channel everybody in it sees, oldest first.
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.state().messages.get(channel).cloned().unwrap_or_default()
    }

    /// The conversation between the bot and a person, oldest first.
    pub fn dms(&self, user: &str) -> Vec<Message> {
        let state = self.state();
        let channel = state.ims.get(user);
        channel.and_then(|id| state.messages.get(id)).cloned().unwrap_or_default()
    }

    /// The last message of a channel: cheaper than `messages()`.
    pub fn last_message(&self, channel: &str) -> Option<Message> {
        self.state().messages.get(channel)?.last().cloned()
    }

    /// The last message between the bot and a person: cheaper than `dms()`.
    pub fn last_dm(&self, user: &str) -> Option<Message> {
        let state = self.state();
        state.messages.get(state.ims.get(user)?)?.last().cloned()
    }

    /// Looks again after every change until there is something to see, for at most this long in real
    /// time. For demos and benchmarks; a test that knows what it waits for needs no such thing.
    pub async fn until<T>(&self, most: Duration, look: impl Fn(&Slack) -> Option<T>) -> Option<T> {
        let mut version = self.hub.version.subscribe();
        let looking = async {
            loop {
                version.mark_unchanged();
                if let Some(found) = look(self) {
                    return Some(found);
                }
                version.changed().await.ok()?;
            }
        };
        tokio::time::timeout(most, looking).await.ok().flatten()
    }

    /// The id of the conversation between the bot and a person, if it is open.
    pub fn dm_channel(&self, user: &str) -> Option<String> {
        self.state().ims.get(user).cloned()
    }

    /// What only this person saw, in any conversation, oldest first.
    pub fn ephemerals(&self, user: &str) -> Vec<Message> {
        self.state().ephemerals.get(user).cloned().unwrap_or_default()
    }

    /// The modals on this person's screen, the topmost last.
    pub fn views(&self, user: &str) -> Vec<View> {
        self.state().stacks.get(user).cloned().unwrap_or_default()
    }

    /// The modal this person sees.
    pub fn view(&self, user: &str) -> Option<View> {
        self.state().stacks.get(user)?.last().cloned()
    }

    /// A person by user id.
    pub fn person(&self, user: &str) -> Option<Person> {
        self.state().people.get(user).cloned()
    }

    /// A channel by id.
    pub fn channel(&self, id: &str) -> Option<Channel> {
        self.state().channels.get(id).cloned()
    }

    /// The acknowledgements received, oldest first.
    pub fn acks(&self) -> Vec<Ack> {
        self.state().acks.clone()
    }

    /// The calls received, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// How many calls of a method were received: cheaper than `calls()`.
    pub fn call_count(&self, method: &str) -> usize {
        self.state().calls.iter().filter(|call| call.method == method).count()
    }

    /// Forgets calls and acknowledgements.
    pub fn clear_calls(&self) {
        let mut state = self.state();
        state.calls.clear();
        state.acks.clear();
    }

    /// What a well-behaved bot would not have sent. A test ends by finding this empty.
    pub fn unexpected(&self) -> Vec<String> {
        self.state().unexpected.clone()
    }

    /// What Slack accepts and advises against, such as a text over 4000 characters.
    pub fn warnings(&self) -> Vec<String> {
        self.state().warnings.clone()
    }

    pub(super) fn note_unexpected(&self, what: String) {
        self.state().unexpected.push(what);
    }

    /// A message (`{text, blocks}`) or a view as plain text, dates in UTC.
    pub fn render_text(&self, value: &Value) -> String {
        self.render_text_in(value, "UTC")
    }

    /// The same with dates in an IANA zone, such as a person's.
    pub fn render_text_in(&self, value: &Value, tz: &str) -> String {
        let state = self.state();
        let name = |id: &str| -> Option<String> {
            if let Some(person) = state.people.get(id) {
                return Some(person.handle.clone());
            }
            if let Some(channel) = state.channels.get(id) {
                return Some(channel.name.clone());
            }
            state.usergroups.get(id).map(|group| group.handle.clone())
        };
        render::text(value, &render::Reader { name: &name, tz, now: self.now() })
    }

    /// A message as plain text, as this person sees it: handles, and dates in their zone.
    pub fn shown(&self, user: &str, message: &Message) -> String {
        let tz = self.person(user).map(|person| person.tz).unwrap_or_default();
        self.render_text_in(&message.content(), &tz)
    }

    /// A modal as plain text, with what is typed in it and the errors under its fields.
    pub fn shown_view(&self, view: &View) -> String {
        let tz = self.person(&view.user).map(|person| person.tz).unwrap_or_default();
        let mut json = view.json.clone();
        json["values"] = serde_json::json!(view.values);
        json["errors"] = serde_json::json!(view.errors);
        json["trouble"] = serde_json::json!(view.trouble);
        self.render_text_in(&json, &tz)
    }
}
