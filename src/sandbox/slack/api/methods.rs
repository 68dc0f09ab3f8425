//! The table of methods: scopes, arguments, body types.
use super::{Args, Outcome, chat, conversations, users, views};
use crate::sandbox::slack::Slack;

pub(super) struct Method {
    name: &'static str,
    /// Any of these will do.
    pub(super) scopes: &'static [&'static str],
    /// Whether Slack reads a JSON body here; everything reads forms.
    pub(super) json: bool,
    pub(super) args: &'static [&'static str],
    pub(super) run: fn(&Slack, &Args) -> Outcome,
}

/// `channels:read` and its kin: which one is needed depends on the conversation.
const READ: &[&str] = &["channels:read", "groups:read", "im:read", "mpim:read"];
const CHAT: &[&str] = &["chat:write"];
const GROUPS: &[&str] = &["usergroups:read"];

const POST: &[&str] = &[
    "channel",
    "text",
    "blocks",
    "attachments",
    "thread_ts",
    "reply_broadcast",
    "mrkdwn",
    "parse",
    "link_names",
    "unfurl_links",
    "unfurl_media",
    "username",
    "icon_emoji",
    "icon_url",
    "metadata",
    "as_user",
    "client_msg_id",
];
const EPHEMERAL: &[&str] = &[
    "channel",
    "user",
    "text",
    "blocks",
    "attachments",
    "thread_ts",
    "parse",
    "link_names",
    "username",
    "icon_emoji",
    "icon_url",
    "as_user",
];
const UPDATE: &[&str] = &[
    "channel",
    "ts",
    "text",
    "blocks",
    "attachments",
    "parse",
    "link_names",
    "metadata",
    "reply_broadcast",
    "as_user",
    "file_ids",
    "unfurl_links",
    "unfurl_media",
];

const fn json(
    name: &'static str,
    scopes: &'static [&'static str],
    args: &'static [&'static str],
    run: fn(&Slack, &Args) -> Outcome,
) -> Method {
    Method { name, scopes, json: true, args, run }
}

const fn form(
    name: &'static str,
    scopes: &'static [&'static str],
    args: &'static [&'static str],
    run: fn(&Slack, &Args) -> Outcome,
) -> Method {
    Method { name, scopes, json: false, args, run }
}

const METHODS: &[Method] = &[
    json("apps.connections.open", &[], &[], users::connections_open),
    json("auth.test", &[], &[], users::auth_test),
    json("chat.postMessage", CHAT, POST, chat::post_message),
    json("chat.update", CHAT, UPDATE, chat::update),
    json("chat.postEphemeral", CHAT, EPHEMERAL, chat::post_ephemeral),
    json("chat.delete", CHAT, &["channel", "ts", "as_user"], chat::delete),
    form("chat.getPermalink", &[], &["channel", "message_ts"], chat::permalink),
    json(
        "conversations.open",
        &["im:write"],
        &["channel", "users", "return_im", "prevent_creation"],
        conversations::open,
    ),
    form(
        "conversations.info",
        READ,
        &["channel", "include_locale", "include_num_members"],
        conversations::info,
    ),
    form("conversations.members", READ, &["channel", "cursor", "limit"], conversations::members),
    form(
        "conversations.list",
        READ,
        &["cursor", "exclude_archived", "limit", "team_id", "types"],
        conversations::list,
    ),
    json("conversations.join", &["channels:join"], &["channel"], conversations::join),
    form("users.info", &["users:read"], &["user", "include_locale"], users::info),
    form("users.lookupByEmail", &["users:read.email"], &["email"], users::by_email),
    form("users.list", &["users:read"], &["cursor", "limit", "include_locale", "team_id"], users::list),
    form(
        "users.conversations",
        READ,
        &["cursor", "exclude_archived", "limit", "team_id", "types", "user"],
        conversations::of_user,
    ),
    form(
        "usergroups.list",
        GROUPS,
        &["include_count", "include_disabled", "include_users", "team_id"],
        users::groups,
    ),
    form("usergroups.users.list", GROUPS, &["usergroup", "include_disabled", "team_id"], users::group_users),
    json("views.open", &[], &["trigger_id", "view", "interactivity_pointer"], views::open),
    json("views.push", &[], &["trigger_id", "view", "interactivity_pointer"], views::push),
    json("views.update", &[], &["view", "view_id", "external_id", "hash"], views::update),
    json("reactions.add", &["reactions:write"], &["channel", "name", "timestamp"], chat::react),
];

pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}
