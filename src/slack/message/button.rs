//! The buttons, and what a press on each means.

use super::block::{marked, plain};
use crate::access::{AccessRequest, ClickAction, Resource};
use crate::slack::mrkdwn;
use serde_json::{Value, json};

/// In favour.
pub const APPROVE: &str = "sym_approve";
/// Against.
pub const DENY: &str = "sym_deny";
/// End the access now.
pub const REVOKE: &str = "sym_revoke";
/// Take the request back.
pub const WITHDRAW: &str = "sym_withdraw";
/// The block and the action of the comment that deciders may leave on an open request.
pub const COMMENT: &str = "sym_comment";

/// What the button with this action id says; `None` when it is none of ours.
pub fn action(action_id: &str) -> Option<ClickAction> {
    match action_id {
        APPROVE => Some(ClickAction::Approve),
        DENY => Some(ClickAction::Deny),
        REVOKE => Some(ClickAction::Revoke),
        WITHDRAW => Some(ClickAction::Withdraw),
        _ => None,
    }
}

/// Approve and Deny: one press each, for somebody may be waiting at night.
pub(super) fn decide(request: &AccessRequest) -> Value {
    let mut approve = button(request, APPROVE, "Approve");
    approve["style"] = json!("primary");
    let mut deny = button(request, DENY, "Deny");
    deny["style"] = json!("danger");
    json!({ "type": "actions", "elements": [approve, deny] })
}

/// Room for a comment beside Approve and Deny.
pub(super) fn comment() -> Value {
    json!({
        "type": "input",
        "block_id": COMMENT,
        "optional": true,
        "label": plain("Comment for the requester", 75),
        "element": { "type": "plain_text_input", "action_id": COMMENT, "max_length": 500 },
    })
}

/// Ends the access, after a question: this cannot be taken back.
pub(super) fn revoke(request: &AccessRequest, label: &str) -> Value {
    let name = mrkdwn::cut(&mrkdwn::inline(super::subject(request)), 80);
    let who = mrkdwn::user(&request.requester.user);
    let mut question = format!("AWS takes *{name}* from {who}.");
    if has_sessions(request) {
        question.push_str(" A session that is already open can go on until it expires by itself.");
    }
    let mut button = button(request, REVOKE, label);
    button["style"] = json!("danger");
    button["confirm"] = json!({
        "title": plain("End this access now?", 100),
        "text": marked(&question, 300),
        "confirm": plain("End it now", 30),
        "deny": plain("Keep it", 30),
        "style": "danger",
    });
    json!({ "type": "actions", "elements": [button] })
}

/// Takes an open request back.
pub(super) fn withdraw(request: &AccessRequest) -> Value {
    json!({ "type": "actions", "elements": [button(request, WITHDRAW, "Take it back")] })
}

fn button(request: &AccessRequest, action_id: &str, label: &str) -> Value {
    json!({
        "type": "button",
        "action_id": action_id,
        "text": plain(label, 75),
        "value": mrkdwn::cut(request.id.as_str(), 2000),
    })
}

/// Whether AWS hands out sessions that outlive the grant: Identity Center does, an IAM user's own keys
/// lose the group's rights at once.
pub(super) fn has_sessions(request: &AccessRequest) -> bool {
    request.target.as_ref().is_some_and(|target| match target.resource {
        Resource::SsoPermissionSet { .. } | Resource::SsoGroup { .. } => true,
        Resource::IamGroup { .. } => false,
    })
}
