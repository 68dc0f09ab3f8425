//! Every Web API method the bot calls, with the bot scopes it needs.

/// A method of the Web API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// As Slack spells it.
    pub name: &'static str,
    /// The bot scopes it needs for what we ask of it.
    pub scopes: &'static [&'static str],
    /// Slack reads its arguments as a form (here: the query), not as JSON.
    pub(super) is_form: bool,
    /// Doing it twice is the same as doing it once.
    pub(super) is_repeatable: bool,
}

impl Method {
    const fn read(name: &'static str, scopes: &'static [&'static str]) -> Self {
        Self { name, scopes, is_form: true, is_repeatable: true }
    }

    const fn set(name: &'static str, scopes: &'static [&'static str]) -> Self {
        Self { name, scopes, is_form: false, is_repeatable: true }
    }

    const fn once(name: &'static str, scopes: &'static [&'static str]) -> Self {
        Self { name, scopes, is_form: false, is_repeatable: false }
    }
}

const CHAT: &[&str] = &["chat:write"];
/// Private channels are `groups`.
const CHANNELS: &[&str] = &["channels:read", "groups:read"];
const USERGROUPS: &[&str] = &["usergroups:read"];

pub(super) const AUTH_TEST: Method = Method::set("auth.test", &[]);
pub(super) const VIEWS_OPEN: Method = Method::once("views.open", &[]);
pub(super) const VIEWS_PUSH: Method = Method::once("views.push", &[]);
pub(super) const VIEWS_UPDATE: Method = Method::set("views.update", &[]);
pub(super) const CHAT_POST: Method = Method::once("chat.postMessage", CHAT);
pub(super) const CHAT_UPDATE: Method = Method::set("chat.update", CHAT);
pub(super) const CHAT_EPHEMERAL: Method = Method::once("chat.postEphemeral", CHAT);
pub(super) const CHAT_PERMALINK: Method = Method::read("chat.getPermalink", &[]);
pub(super) const CONVERSATIONS_OPEN: Method = Method::set("conversations.open", &["im:write"]);
pub(super) const CONVERSATIONS_INFO: Method = Method::read("conversations.info", CHANNELS);
pub(super) const CONVERSATIONS_MEMBERS: Method = Method::read("conversations.members", CHANNELS);
pub(super) const CONVERSATIONS_LIST: Method = Method::read("conversations.list", CHANNELS);
pub(super) const USERS_CONVERSATIONS: Method = Method::read("users.conversations", CHANNELS);
pub(super) const USERS_INFO: Method = Method::read("users.info", &["users:read", "users:read.email"]);
pub(super) const USERS_BY_EMAIL: Method =
    Method::read("users.lookupByEmail", &["users:read", "users:read.email"]);
pub(super) const USERGROUPS_LIST: Method = Method::read("usergroups.list", USERGROUPS);
pub(super) const USERGROUP_USERS: Method = Method::read("usergroups.users.list", USERGROUPS);

/// All of them. A call can be made with nothing else, so `slack-app.yaml` can be checked against it.
pub const METHODS: &[Method] = &[
    AUTH_TEST,
    VIEWS_OPEN,
    VIEWS_PUSH,
    VIEWS_UPDATE,
    CHAT_POST,
    CHAT_UPDATE,
    CHAT_EPHEMERAL,
    CHAT_PERMALINK,
    CONVERSATIONS_OPEN,
    CONVERSATIONS_INFO,
    CONVERSATIONS_MEMBERS,
    CONVERSATIONS_LIST,
    USERS_CONVERSATIONS,
    USERS_INFO,
    USERS_BY_EMAIL,
    USERGROUPS_LIST,
    USERGROUP_USERS,
];

#[cfg(test)]
mod tests {
    use super::METHODS;
    use std::collections::BTreeSet;

    const MANIFEST: &str = include_str!("../../../slack-app.yaml");

    /// The entries of the list under `bot:`, the only list of scopes in the file.
    fn scopes_in_manifest() -> BTreeSet<String> {
        let after = MANIFEST.split_once("\n    bot:\n").expect("a list of bot scopes").1;
        let lines = after.lines().take_while(|line| line.trim_start().starts_with("- "));
        lines.map(|line| line.trim_start_matches([' ', '-']).trim().to_owned()).collect()
    }

    #[test]
    fn the_app_asks_for_the_scopes_its_calls_need_and_no_others() {
        let mut needed: BTreeSet<String> =
            METHODS.iter().flat_map(|method| method.scopes).map(|scope| (*scope).to_owned()).collect();
        needed.insert("commands".to_owned());
        assert_eq!(scopes_in_manifest(), needed);
    }

    #[test]
    fn every_method_is_there_once() {
        let names: BTreeSet<_> = METHODS.iter().map(|method| method.name).collect();
        assert_eq!(names.len(), METHODS.len());
    }

    #[test]
    fn every_method_that_is_defined_is_in_the_table() {
        let source = include_str!("method.rs");
        let defined = source.lines().filter(|line| line.starts_with("pub(super) const ")).count();
        assert_eq!(defined, METHODS.len());
    }

    #[test]
    fn the_manifest_names_the_command_the_shortcut_and_the_socket() {
        for line in [
            "    - command: /sym",
            "      callback_id: request_access",
            "      type: global",
            "  socket_mode_enabled: true",
        ] {
            assert!(MANIFEST.lines().any(|found| found == line), "no line `{line}`");
        }
    }
}
