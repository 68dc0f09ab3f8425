//! Who is in the workspace, and what the app may do there.
use super::model::{Channel, Message, Person, Usergroup};
use super::{Slack, ids};

impl Slack {
    /// Adds a person and returns the user id.
    pub fn add_person(&self, person: Person) -> String {
        let mut state = self.state();
        let id = state.ids.id("U");
        state.people.insert(id.clone(), person);
        drop(state);
        self.touch();
        id
    }

    /// Changes a person: deactivates, makes a guest, moves, …
    pub fn change_person(&self, user: &str, change: impl FnOnce(&mut Person)) {
        if let Some(person) = self.state().people.get_mut(user) {
            change(person);
        }
        self.touch();
    }

    /// Adds a channel and returns its id. `members` are user ids.
    pub fn add_channel(&self, name: &str, members: &[&str], private: bool, bot_in: bool) -> String {
        let mut state = self.state();
        let id = state.ids.id("C");
        let mut members: Vec<String> = members.iter().map(ToString::to_string).collect();
        if bot_in {
            members.push(ids::BOT_USER.to_owned());
        }
        let name = name.trim_start_matches('#').to_owned();
        let channel = Channel { id: id.clone(), name, members, private, ..Channel::default() };
        state.channels.insert(id.clone(), channel);
        drop(state);
        self.touch();
        id
    }

    fn change_channel(&self, channel: &str, change: impl FnOnce(&mut Channel)) {
        if let Some(channel) = self.state().channels.get_mut(channel) {
            change(channel);
        }
        self.touch();
    }

    /// Archives a channel.
    pub fn archive(&self, channel: &str) {
        self.change_channel(channel, |channel| channel.archived = true);
    }

    /// Takes a channel out of the archive.
    pub fn unarchive(&self, channel: &str) {
        self.change_channel(channel, |channel| channel.archived = false);
    }

    /// Renames a channel; its id stays.
    pub fn rename(&self, channel: &str, name: &str) {
        self.change_channel(channel, |channel| name.clone_into(&mut channel.name));
    }

    /// Removes the bot from a channel.
    pub fn remove_bot(&self, channel: &str) {
        self.remove_member(channel, ids::BOT_USER);
    }

    /// Invites the bot into a channel.
    pub fn invite_bot(&self, channel: &str) {
        self.add_member(channel, ids::BOT_USER);
    }

    /// Adds a member to a channel.
    pub fn add_member(&self, channel: &str, user: &str) {
        self.change_channel(channel, |channel| {
            if !channel.members.iter().any(|member| member == user) {
                channel.members.push(user.to_owned());
            }
        });
    }

    /// Removes a member from a channel.
    pub fn remove_member(&self, channel: &str, user: &str) {
        self.change_channel(channel, |channel| {
            channel.members.retain(|member| member != user);
        });
    }

    /// Adds a user group and returns its id. `users` are user ids.
    pub fn add_usergroup(&self, handle: &str, users: &[&str], disabled: bool) -> String {
        let mut state = self.state();
        let id = state.ids.id("S");
        let users = users.iter().map(ToString::to_string).collect();
        let handle = handle.trim_start_matches('@').to_owned();
        let group = Usergroup { id: id.clone(), handle, users, disabled };
        state.usergroups.insert(id.clone(), group);
        id
    }

    /// Changes a user group.
    pub fn change_usergroup(&self, group: &str, change: impl FnOnce(&mut Usergroup)) {
        if let Some(group) = self.state().usergroups.get_mut(group) {
            change(group);
        }
    }

    /// A person writes an ordinary message; the bot is not told. Returns its timestamp.
    pub fn say(&self, user: &str, channel: &str, text: &str) -> String {
        let now = self.now();
        let mut state = self.state();
        let ts = state.ids.ts(now);
        let message = Message {
            channel: channel.to_owned(),
            ts: ts.clone(),
            user: user.to_owned(),
            text: super::render::escape(text),
            blocks: serde_json::json!([]),
            ..Message::default()
        };
        state.messages.entry(channel.to_owned()).or_default().push(message);
        drop(state);
        self.touch();
        ts
    }

    /// Somebody who may, an administrator, deletes a message; the bot is not told.
    pub fn delete(&self, channel: &str, ts: &str) {
        if let Some(messages) = self.state().messages.get_mut(channel) {
            messages.retain(|message| message.ts != ts);
        }
        self.touch();
    }

    /// The bot's scopes from now on. The default is everything the sandbox knows.
    pub fn set_scopes(&self, scopes: &[&str]) {
        self.state().scopes = scopes.iter().map(ToString::to_string).collect();
    }

    /// The slash commands the app has registered. The default is `/sym`.
    pub fn set_commands(&self, commands: &[&str]) {
        self.state().commands = commands.iter().map(ToString::to_string).collect();
    }

    /// The global shortcuts the app has registered: callback id and name.
    pub fn set_shortcuts(&self, shortcuts: &[(&str, &str)]) {
        let owned = |(id, name): &(&str, &str)| ((*id).to_owned(), (*name).to_owned());
        self.state().shortcuts = shortcuts.iter().map(owned).collect();
        self.touch();
    }

    /// Cuts every list into pages of at most this size, however much the bot asks for.
    pub fn set_page_size(&self, size: usize) {
        self.state().page_size = Some(size.max(1));
    }

    /// Whether calls and acknowledgements are remembered (they are; a long benchmark may not want it).
    pub fn keep_calls(&self, keep: bool) {
        self.state().keep_calls = keep;
    }
}
