//! The record of who did what. Transitions are found by comparing the books before and after a step,
//! so that none can be forgotten.

use super::{Case, EntitlementId, RequestId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person in Slack.
    Person(UserId),
    /// Somebody at the machine the bot runs on, by their name there.
    Operator(String),
    /// The bot itself: a rule, a deadline, an answer of AWS.
    Bot,
}

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, in one word: `pending`, `approved`, `granting`, `active`, `refused_click`, …
    pub action: String,
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The entitlement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entitlement: Option<EntitlementId>,
    /// The new state in full, or what was refused.
    pub detail: serde_json::Value,
}

/// The records for everything that differs between two states of the books.
pub(super) fn transitions(before: &Case, after: &Case, actor: &Actor, at: Timestamp) -> Vec<AuditRecord> {
    let mut records = Vec::new();
    for (id, request) in &after.requests {
        let old = before.requests.get(id);
        for approval in &request.approvals {
            if !old.is_some_and(|old| old.approvals.contains(approval)) {
                records.push(AuditRecord {
                    at,
                    actor: actor.clone(),
                    action: "approval".to_owned(),
                    request: Some(id.clone()),
                    entitlement: None,
                    detail: json(approval),
                });
            }
        }
        if old.map(|old| &old.status) != Some(&request.status) {
            let detail = if old.is_none() { json(request) } else { json(&request.status) };
            records.push(AuditRecord {
                at,
                actor: actor.clone(),
                action: word(&json(&request.status)),
                request: Some(id.clone()),
                entitlement: request.entitlement(),
                detail,
            });
        }
    }
    let (old, new) = (&before.entitlement, &after.entitlement);
    if old.as_ref().map(|old| &old.custody) != new.as_ref().map(|new| &new.custody)
        && let Some(entitlement) = new.as_ref().or(old.as_ref())
    {
        let custody = new.as_ref().map_or(serde_json::Value::from("absent"), |new| json(&new.custody));
        records.push(AuditRecord {
            at,
            actor: Actor::Bot,
            action: format!("custody_{}", word(&custody)),
            request: None,
            entitlement: Some(entitlement.id.clone()),
            detail: custody,
        });
    }
    records
}

fn json<T: Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// The name of the variant in an externally tagged enum's JSON.
fn word(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Array(_) => String::new(),
    }
}
