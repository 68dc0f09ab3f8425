//! Names and numbers that look like Slack's and are the same in every run.

pub(super) const TEAM: &str = "T0SANDBOX1";
pub(super) const DOMAIN: &str = "sandbox";
pub(super) const TEAM_NAME: &str = "Sandbox";
pub(super) const APP: &str = "A0SYMAPP01";
pub(super) const BOT: &str = "B0SYMBOT01";
pub(super) const BOT_USER: &str = "U0SYMBOT01";
pub(super) const SLACKBOT: &str = "USLACKBOT";
pub(super) const APP_TOKEN: &str = "xapp-1-A0SYMAPP01-0000000001-sandbox";
pub(super) const BOT_TOKEN: &str = "xoxb-0000000001-0000000002-sandbox";
/// The verification token of old: still sent, never to be relied on.
pub(super) const VERIFICATION: &str = "sandbox-verification-token";

/// What the app may do unless a test says otherwise.
pub(super) const SCOPES: [&str; 13] = [
    "commands",
    "chat:write",
    "channels:read",
    "groups:read",
    "im:read",
    "im:write",
    "mpim:read",
    "users:read",
    "users:read.email",
    "usergroups:read",
    "channels:join",
    "reactions:write",
    "team:read",
];

/// Counters behind the ids, one for each kind.
#[derive(Default)]
pub(super) struct Ids {
    next: std::collections::HashMap<&'static str, u64>,
    last_us: i64,
}

impl Ids {
    fn next(&mut self, kind: &'static str) -> u64 {
        let n = self.next.entry(kind).or_default();
        *n += 1;
        *n
    }

    /// `U0000000001`, `C…`, `D…`, `V…`, `S…`.
    pub(super) fn id(&mut self, kind: &'static str) -> String {
        format!("{kind}{:010}", self.next(kind))
    }

    /// An envelope id: shaped like a uuid, counted.
    pub(super) fn envelope(&mut self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.next("envelope"))
    }

    /// A trigger id, such as `1700000001.1700000000.0000…`.
    pub(super) fn trigger(&mut self, now: i64) -> String {
        format!("{}.{}.{:032x}", now, 1_700_000_000_000_i64, self.next("trigger"))
    }

    /// The secret part of a response URL or of a socket ticket.
    pub(super) fn secret(&mut self, kind: &'static str) -> String {
        format!("{kind}{:016x}", self.next(kind))
    }

    /// A message timestamp: from the clock, unique, increasing.
    pub(super) fn ts(&mut self, now: i64) -> String {
        self.last_us = (now * 1000).max(self.last_us + 100);
        format!("{}.{:06}", self.last_us / 1_000_000, self.last_us % 1_000_000)
    }

    /// The hash of a view: changes with each change of the view.
    pub(super) fn hash(&mut self, now: i64) -> String {
        format!("{}.{:08x}", now / 1000, self.next("hash"))
    }

    /// A block id Slack makes up when the app gave none.
    pub(super) fn made_up(&mut self) -> String {
        format!("b{:04x}", self.next("block"))
    }
}
