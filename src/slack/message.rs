//! All words of messages: cards, direct messages, refusals. Pure.
//!
//! *Deny* is what a person does, *refuse* what the bot does, *fail* what a machine does. One emoji per
//! state at most: an hourglass waits for somebody, a tick has been given, a no-entry sign has been said
//! no to, a lock is over, a warning sign is AWS's failure, and a rotating light wants somebody at once.
//! Every message keeps to Slack's limits,
//! whatever people have typed.

pub(in crate::slack) mod block;
mod button;
mod card;
mod emergency;
mod news;
mod notice;
mod refusal;
mod rules;
mod state;
mod urgent;
mod words;

pub use super::api::Message;
pub use button::{ACKNOWLEDGE, APPROVE, COMMENT, DENY, REVOKE, SHORTEN, WITHDRAW, action};
pub use card::card;
pub use news::{manifests_broken, manifests_reloaded, not_compared, unclaimed, unreachable};
pub use notice::notice;
pub use refusal::refusal;

use crate::access::{AccessRequest, Span};
use crate::slack::mrkdwn;
use serde_json::Value;
use words::subject;

/// An AWS account as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Its name in the organization.
    pub name: String,
}

/// What is known about how access is used, for the message that says it is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct UseHint<'a> {
    /// The address of the AWS access portal.
    pub portal_url: Option<&'a str>,
    /// The region of the Identity Center instance; the connection's when not given.
    pub region: Option<&'a str>,
    /// How long a session of the permission set may last.
    pub session: Option<Span>,
    /// The accounts whose names are known.
    pub accounts: &'a [Account],
}

/// One paragraph in Slack's `mrkdwn`.
pub fn said(text: &str) -> Message {
    Message::of(&[text.to_owned()])
}

/// A card that takes the place of one that was deleted, and says so.
pub fn posted_anew(mut card: Message) -> Message {
    card.blocks.push(block::context("Posted again, because the first card was deleted."));
    card
}

/// What a card becomes that was posted by mistake beside the one that the bot keeps right.
pub fn stray(request: &AccessRequest) -> Message {
    Message::of(&[format!(
        "The request of {} for {} was posted here twice by mistake. The other message shows where it stands.",
        words::who(request),
        words::what(request)
    )])
}

/// Whether somebody can still do something on a card.
pub fn has_buttons(card: &Message) -> bool {
    card.blocks.iter().any(|block| block["type"] == "actions")
}

/// Notifications show about this much.
const SPOKEN: usize = 1000;

impl Message {
    /// A message of these blocks, said in one line.
    fn new(spoken: &str, blocks: Vec<Value>) -> Self {
        Self { text: mrkdwn::cut(&mrkdwn::spoken(spoken), SPOKEN), blocks }
    }

    /// A message of a few paragraphs.
    pub(in crate::slack) fn of(paragraphs: &[String]) -> Self {
        let blocks = paragraphs.iter().map(|text| block::section(text)).collect();
        Self::new(&paragraphs.join("\n"), blocks)
    }

    /// The same with one more block below.
    fn with(mut self, block: Value) -> Self {
        self.blocks.push(block);
        self
    }
}

/// The name of an account in an inventory.
pub(in crate::slack) fn account_name<'a>(accounts: &'a [Account], id: &str) -> Option<&'a str> {
    accounts.iter().find(|account| account.id == id).map(|account| account.name.as_str())
}

/// How the request is asked for again.
fn ask_again(request: &AccessRequest) -> String {
    mrkdwn::code(&mrkdwn::cut(&format!("/sym request {}", request.flow), 200))
}

#[cfg(all(test, feature = "sandbox"))]
pub(in crate::slack) mod checks;
#[cfg(all(test, feature = "sandbox"))]
mod tests;
