//! The buttons, and what a press on each means.

use super::block::{marked, plain};
use crate::access::{AccessRequest, ClickAction, Resource, Span};
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
/// Acknowledge an emergency.
pub const ACKNOWLEDGE: &str = "sym_acknowledge";
/// The block and the action of the shorter duration that an approver may choose.
pub const SHORTEN: &str = "sym_shorten";

/// Shorter durations on offer: Slack takes a hundred options.
const SHORTER: usize = 99;

/// What the button with this action id says; `None` when it is none of ours.
pub fn action(action_id: &str) -> Option<ClickAction> {
    match action_id {
        APPROVE => Some(ClickAction::Approve),
        DENY => Some(ClickAction::Deny),
        REVOKE => Some(ClickAction::Revoke),
        WITHDRAW => Some(ClickAction::Withdraw),
        ACKNOWLEDGE => Some(ClickAction::Acknowledge),
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

/// Shorter durations, for an approver who would give it but not for so long.
pub(super) fn shorten(request: &AccessRequest) -> Option<Value> {
    let duration = request.duration?;
    let shorter = request.terms.shorter.iter().filter(|span| **span < duration).take(SHORTER);
    let mut options: Vec<Value> = shorter.map(|span| option(&span.to_string(), *span)).collect();
    if options.is_empty() {
        return None;
    }
    let whole = match request.asked_duration {
        None => format!("as asked: {duration}"),
        Some(_) => format!("as it is now: {duration}"),
    };
    // A choice in a message cannot be undone but by another choice.
    options.push(option(&whole, duration));
    Some(json!({
        "type": "section",
        "block_id": SHORTEN,
        "text": marked("Approve for at most", 3000),
        "accessory": {
            "type": "static_select",
            "action_id": SHORTEN,
            "placeholder": plain(&whole, 150),
            "options": options,
        },
    }))
}

fn option(label: &str, value: Span) -> Value {
    json!({ "text": plain(label, 75), "value": value.short() })
}

/// Says that an emergency has been seen; in front of the other buttons, if there are any.
pub(super) fn acknowledge(request: &AccessRequest, controls: &mut Vec<Value>) {
    let mut button = button(request, ACKNOWLEDGE, "Acknowledge");
    button["style"] = json!("primary");
    match controls.last_mut().and_then(|block| block.get_mut("elements")?.as_array_mut()) {
        Some(buttons) => buttons.insert(0, button),
        None => controls.push(json!({ "type": "actions", "elements": [button] })),
    }
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
