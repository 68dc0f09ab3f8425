//! Rules for emergencies: access that nobody is asked for first has to end soon, be explained, and be
//! acknowledged by somebody.

use super::Linker;
use crate::access::{FieldType, People, PromptField};
use crate::manifest::read::{FlowRecord, RuleRecord};
use crate::manifest::source::Fault;
use crate::policy::{AccountSelector, Decision, Rule};

/// The fields in which people say why.
const REASONS: [&str; 2] = ["reason", "justification"];

impl Linker<'_> {
    pub(super) fn check_emergency(
        &self,
        flow: &FlowRecord,
        rules: &[(Rule, &RuleRecord)],
        fields: &[PromptField],
        grants: bool,
    ) {
        let mut glasses = rules.iter().filter(|(rule, _)| rule.decision == Decision::BreakGlass).peekable();
        let Some((_, first)) = glasses.peek() else { return };
        if flow.params.complete && !fields.iter().any(says_why) {
            let place = first.decision_place.unwrap_or(first.place);
            let message = "a flow with emergencies has to ask why: it has no required text field `reason`";
            let hint = "add `prompt_field { name = \"reason\" type = \"string\" }` to its `params`";
            self.log.add(Fault::new(place, message).hint(hint));
        }
        for (glass, record) in glasses {
            let place = record.decision_place.unwrap_or(record.place);
            if grants && !flow.params.schedule_deescalation {
                let message =
                    "access taken in an emergency has to end by itself, and this flow has no timed removal";
                self.log.add(Fault::new(place, message).hint("set `schedule_deescalation = true`"));
            } else if grants && glass.max_duration.is_none() {
                let message =
                    format!("the rule `{}` needs `max_duration`: an emergency does not last", glass.name);
                self.log.add(Fault::new(place, message).hint("as in `max_duration = \"1h\"`"));
            }
            let acknowledges = |(rule, _): &&(Rule, &RuleRecord)| {
                rule.decision != Decision::Deny && !rule.approvers.is_empty() && may_meet(glass, rule)
            };
            let mut witnesses = rules.iter().filter(acknowledges).peekable();
            if witnesses.peek().is_none() {
                let message =
                    format!("nobody could acknowledge an emergency under the rule `{}`", glass.name);
                let hint = "name them: `approvers = [\"channel_members\"]`";
                self.log.add(Fault::new(place, message).hint(hint));
            } else if witnesses.all(|(rule, _)| is_only(&rule.approvers, &glass.requesters)) {
                let message = format!(
                    "nobody could acknowledge an emergency under the rule `{}`: nobody may acknowledge their own",
                    glass.name
                );
                self.log.add(Fault::new(place, message).hint("name further people in `approvers`"));
            }
        }
    }
}

/// A field that everybody has to fill in with words of their own or one of the choices.
fn says_why(field: &PromptField) -> bool {
    let named = REASONS.iter().any(|reason| field.name.eq_ignore_ascii_case(reason));
    named && field.field_type == FieldType::Text && field.required && field.visible
}

/// Whether one request can match both rules, as far as the manifest tells.
fn may_meet(a: &Rule, b: &Rule) -> bool {
    let targets = a.targets.is_empty()
        || b.targets.is_empty()
        || a.targets.iter().any(|target| b.targets.contains(target));
    let ids = |rule: &Rule| -> Option<Vec<String>> {
        let id = |selector: &AccountSelector| match selector {
            AccountSelector::Id(id) => Some(id.clone()),
            AccountSelector::Ou(_) | AccountSelector::Tag { .. } => None,
        };
        rule.accounts.iter().map(id).collect::<Option<Vec<_>>>().filter(|ids| !ids.is_empty())
    };
    let accounts = match (ids(a), ids(b)) {
        (Some(a), Some(b)) => a.iter().any(|id| b.contains(id)),
        _ => true,
    };
    let requesters = match (one_by_one(&a.requesters), one_by_one(&b.requesters)) {
        (true, true) => a.requesters.iter().any(|people| b.requesters.contains(people)),
        _ => true,
    };
    targets && accounts && requesters
}

fn one_by_one(people: &[People]) -> bool {
    !people.is_empty() && people.iter().all(|people| matches!(people, People::User(_)))
}

/// Whether the only one who could acknowledge is the only one who could ask.
fn is_only(approvers: &[People], requesters: &[People]) -> bool {
    match (approvers, requesters) {
        ([People::User(approver)], [People::User(requester)]) => approver == requester,
        _ => false,
    }
}
