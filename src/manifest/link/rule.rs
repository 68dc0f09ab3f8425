//! The rules of a flow, and whether anybody can satisfy them.

mod emergency;

use super::Linker;
use crate::access::{Email, Fallback, People, PromptField, Target, TargetKind, TargetName};
use crate::manifest::bag::Text;
use crate::manifest::nearest::did_you_mean;
use crate::manifest::read::{FlowRecord, RuleRecord};
use crate::manifest::reader::Got;
use crate::manifest::source::Fault;
use crate::policy::{AccountSelector, Decision, Rule};
use std::collections::BTreeSet;

impl Linker<'_> {
    /// The rules of a flow with their records.
    pub(super) fn rules<'r>(
        &self,
        flow: &'r FlowRecord,
        targets: &[Target],
        fields: &[PromptField],
        grants: bool,
    ) -> Vec<(Rule, &'r RuleRecord)> {
        let mut rules = Vec::new();
        for record in &flow.rules {
            let rule = self.rule(record, targets, grants);
            self.check_rule(record, &rule, targets);
            rules.push((rule, record));
        }
        let complete = flow.complete && flow.rules.iter().all(|rule| rule.complete);
        if complete && !rules.is_empty() {
            self.check_coverage(flow, &rules, targets);
            self.check_emergency(flow, &rules, fields, grants);
        }
        rules
    }

    fn rule(&self, record: &RuleRecord, targets: &[Target], grants: bool) -> Rule {
        Rule {
            name: record.name.text.clone(),
            place: self.sources.line_of(record.place),
            targets: self.rule_targets(record, targets, grants),
            accounts: record.accounts.iter().map(|(account, _)| account.clone()).collect(),
            requesters: record.requesters.iter().map(|(people, _)| people.clone()).collect(),
            max_duration: record.max_duration.map(|(span, _)| span),
            approvers: record.approvers.iter().map(|(people, _)| people.clone()).collect(),
            min_approvals: record.min_approvals,
            allow_self: record.allow_self,
            notify: record.notify.clone(),
            answer_within: record.answer_within,
            decision: record.decision,
            fallback: record.fallback.as_ref().map(|fallback| Fallback {
                after: fallback.after.map(|(span, _)| span),
                notify: fallback.notify.clone(),
                approvers: fallback.approvers.iter().map(|(people, _)| people.clone()).collect(),
                is_used: false,
            }),
            cap: record.cap,
        }
    }

    /// The targets a rule is about, given by reference or by name.
    fn rule_targets(&self, record: &RuleRecord, targets: &[Target], grants: bool) -> Vec<TargetName> {
        let Got::Given(texts) = &record.targets else { return Vec::new() };
        if !grants {
            if let Some(place) = texts.place {
                let message = "a flow without a strategy has no targets";
                self.log.add(Fault::new(place, message));
            }
            return Vec::new();
        }
        if texts.items.is_empty() && texts.complete {
            let fault =
                Fault::new(texts.place.unwrap_or(record.place), "`targets` is empty: no request matches");
            self.log.add(fault.hint("leave it out if every target is meant"));
        }
        let mut names = Vec::new();
        for text in &texts.items {
            if let Some(name) = self.rule_target(text, targets)
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    fn rule_target(&self, text: &Text, targets: &[Target]) -> Option<TargetName> {
        let by_id = self.records.targets.iter().find(|target| target.head.id == text.text);
        let by_name = || {
            let name = |target: &&crate::manifest::read::TargetRecord| {
                target.head.name.as_ref().is_some_and(|name| name.text == text.text)
            };
            self.records.targets.iter().find(name)
        };
        let Some(record) = by_id.or_else(by_name) else {
            let other = self.records.ids.iter().find(|(id, _)| *id == text.text);
            let message = match other {
                Some((_, kind)) if kind == "sym_target" => return None,
                Some((_, kind)) => format!("this is a `{kind}`, and a `sym_target` is needed"),
                None => format!("there is no target `{}`", text.text),
            };
            let near = did_you_mean(&text.text, targets.iter().map(|target| target.name.as_str()));
            self.log.add(Fault::new(text.place, message).maybe_hint(near));
            return None;
        };
        let name = record.head.name.as_ref()?;
        let found = targets.iter().find(|target| target.name.as_str() == name.text);
        if found.is_none() && !targets.is_empty() {
            let message = format!("the target `{}` is not in this flow's strategy", name.text);
            self.log.add(Fault::new(text.place, message).also("the target", record.head.place));
        }
        found.map(|target| target.name.clone())
    }

    fn check_rule(&self, record: &RuleRecord, rule: &Rule, targets: &[Target]) {
        if !record.complete {
            return;
        }
        self.check_accounts(record, rule, targets);
        let asks = match rule.decision {
            Decision::Ask => true,
            // Beyond its cap it asks its approvers, if it names any.
            Decision::Auto => !rule.approvers.is_empty(),
            Decision::BreakGlass | Decision::Deny => false,
        };
        if asks {
            self.check_approvers(record, rule);
        }
    }

    fn check_approvers(&self, record: &RuleRecord, rule: &Rule) {
        let later = rule.fallback.as_ref().map(|fallback| fallback.approvers.as_slice()).unwrap_or_default();
        let place = record.approvers_place.unwrap_or(record.place);
        if rule.approvers.is_empty() && later.is_empty() {
            let message = format!("nobody can approve under the rule `{}`: it names no approvers", rule.name);
            let hint = "add `approvers = [\"channel_members\"]`, or `decision = \"auto\"` or `\"deny\"`";
            self.log.add(Fault::new(place, message).hint(hint));
            return;
        }
        let all: Vec<People> = rule.approvers.iter().chain(later).cloned().collect();
        let Some(approvers) = distinct_users(&all) else { return };
        let place = record.min_approvals_place.unwrap_or(place);
        let needed = rule.min_approvals as usize;
        if approvers.len() < needed {
            let message = format!(
                "nobody can satisfy the rule `{}`: it wants {needed} approvals and names {}",
                rule.name,
                count(approvers.len())
            );
            self.log.add(Fault::new(place, message));
            return;
        }
        let first = distinct_users(&rule.approvers).map_or(0, |first| first.len());
        let waits = rule.fallback.as_ref().is_some_and(|fallback| fallback.after.is_some());
        if first < needed && !waits {
            let message = format!(
                "nobody can satisfy the rule `{}`: it wants {needed} approvals, names {}, and its fallback comes \
                 only when they cannot be reached",
                rule.name,
                count(first)
            );
            self.log.add(Fault::new(place, message).hint("give the `fallback` a time: `after = \"20m\"`"));
            return;
        }
        let Some(requesters) = distinct_users(&rule.requesters).filter(|users| !users.is_empty()) else {
            return;
        };
        let enough = |requester: &&Email| {
            let others = approvers.iter().filter(|approver| *approver != requester).count();
            rule.allow_self || others >= needed
        };
        let stuck: Vec<&Email> = requesters.iter().filter(|who| !enough(who)).copied().collect();
        if stuck.len() == requesters.len() {
            let message = format!(
                "nobody can satisfy the rule `{}`: its requesters cannot decide on their own requests",
                rule.name
            );
            self.log.add(Fault::new(place, message).hint("name other approvers, or set `allow_self = true`"));
        } else if let Some(one) = stuck.first() {
            let message = format!(
                "a request of {one} cannot be approved under the rule `{}`: nobody may decide on their own",
                rule.name
            );
            self.log.add(Fault::warning(place, message));
        }
    }

    /// A rule about accounts that no target can have never matches.
    fn check_accounts(&self, record: &RuleRecord, rule: &Rule, targets: &[Target]) {
        let about: Vec<&Target> = targets
            .iter()
            .filter(|target| rule.targets.is_empty() || rule.targets.contains(&target.name))
            .collect();
        if about.is_empty() {
            return;
        }
        for (selector, place) in &record.accounts {
            if !about.iter().any(|target| may_have(target, selector)) {
                let message = match selector {
                    AccountSelector::Id(id) => {
                        format!("no target of the rule `{}` is in the account {id}", rule.name)
                    }
                    AccountSelector::Ou(_) | AccountSelector::Tag { .. } => {
                        format!(
                            "no target of the rule `{}` is in an account, so `{selector}` never matches",
                            rule.name
                        )
                    }
                };
                self.log.add(Fault::warning(*place, message));
            }
        }
    }

    fn check_coverage(&self, flow: &FlowRecord, rules: &[(Rule, &RuleRecord)], targets: &[Target]) {
        let granting: Vec<&Rule> =
            rules.iter().map(|(rule, _)| rule).filter(|rule| rule.decision != Decision::Deny).collect();
        if granting.is_empty() {
            let message =
                format!("every rule of the flow `{}` denies: nobody can have anything", flow.head.shown());
            self.log.add(Fault::warning(flow.head.place, message));
            return;
        }
        for target in targets {
            let covered = granting.iter().any(|rule| {
                let about = rule.targets.is_empty() || rule.targets.contains(&target.name);
                about
                    && (rule.accounts.is_empty()
                        || rule.accounts.iter().any(|selector| may_have(target, selector)))
            });
            if !covered {
                let message = format!("no rule lets anybody have the target `{}`", target.name);
                self.log.add(Fault::warning(flow.head.place, message));
            }
        }
    }
}

/// Whether a request for the target can be about such an account.
fn may_have(target: &Target, selector: &AccountSelector) -> bool {
    let written = match target.kind {
        TargetKind::AwsSsoPermissionSet => target.settings.get("account_id"),
        TargetKind::AwsSsoGroup => return false,
        TargetKind::AwsIamGroup => Some(&target.iam_account_id),
    };
    match selector {
        AccountSelector::Id(id) => written.is_none_or(|written| written == id),
        // Where an account belongs is not in the manifest.
        AccountSelector::Ou(_) | AccountSelector::Tag { .. } => true,
    }
}

/// The different addresses, when all are named one by one.
fn distinct_users(people: &[People]) -> Option<BTreeSet<&Email>> {
    people
        .iter()
        .map(|people| match people {
            People::User(email) => Some(email),
            People::Usergroup(_) | People::ChannelMembers | People::IdcGroup(_) | People::Everyone => None,
        })
        .collect()
}

fn count(people: usize) -> String {
    if people == 1 { "one person".to_owned() } else { format!("{people} people") }
}
