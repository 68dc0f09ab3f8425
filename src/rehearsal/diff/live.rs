//! Live access that the new rules would not allow.

use super::Change;
use crate::access::{AccessRequest, Email};
use crate::policy::{Question, Refused, Verdict, evaluate};
use crate::rehearsal::play::facts_of;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Lists it. Says whether there is any.
pub(super) fn report(out: &mut String, change: &Change<'_>, requests: &[AccessRequest]) -> bool {
    let live: Vec<&AccessRequest> = requests.iter().filter(|request| request.is_claiming()).collect();
    let mut lines = Vec::new();
    let mut is_different = false;
    for request in &live {
        if let Some((line, is_refused)) = judge(change, request) {
            is_different |= is_refused;
            lines.push(line);
        }
    }
    let _ = writeln!(out, "\nlive access: {}", live.len());
    for line in &lines {
        let _ = writeln!(out, "  {line}");
    }
    if lines.is_empty() && !live.is_empty() {
        out.push_str("  the new rules would allow all of it\n");
    }
    is_different
}

/// What is wrong with a live request under the new rules, and whether that is certain.
fn judge(change: &Change<'_>, request: &AccessRequest) -> Option<(String, bool)> {
    let nobody = Email::new("unknown");
    let email = request.requester.email.as_ref().unwrap_or(&nobody);
    let target = request.target.as_ref();
    let what = target.map_or_else(|| request.flow.to_string(), |target| target.name.to_string());
    let account_id = target.and_then(|target| target.resource.account_id());
    let place = account_id.map(|id| format!(" in {id}")).unwrap_or_default();
    let head = format!("{} {email}: {what}{place}", request.id);
    let Some(entry) = change.new.flow(&request.flow) else {
        return Some((format!("{head}: no longer allowed: the flow {} is gone", request.flow), true));
    };
    if let Some(target) = target {
        let Some(there) = entry.flow.target(&target.name) else {
            return Some((format!("{head}: no longer allowed: the target is gone"), true));
        };
        if there.resource(&request.answers).is_ok_and(|now| now != target.resource) {
            return Some((
                format!("{head}: no longer allowed: the target now stands for something else"),
                true,
            ));
        }
    }
    let account = account_id.and_then(|id| change.sheet?.account(id));
    let facts = facts_of(entry, change.sheet, email);
    let uses = BTreeMap::new();
    let question = Question {
        target: target.map(|target| &target.name),
        account_id,
        account,
        duration: request.duration,
        facts: &facts,
        is_emergency: request.is_emergency,
        uses: &uses,
    };
    match evaluate(&entry.rules, &question) {
        Verdict::Allowed(_) => None,
        Verdict::Refused(Refused::Unknown { rule }) => {
            let line = format!("{head}: unknown whether the rule {rule} is about it; --facts FILE can say");
            Some((line, false))
        }
        Verdict::Refused(refused) => {
            Some((format!("{head}: no longer allowed: {}", refused.sentence()), true))
        }
    }
}
