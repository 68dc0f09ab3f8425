//! The rules of a flow, and whether anybody can satisfy them.

use super::Linker;
use crate::access::{Email, People, Target, TargetName};
use crate::manifest::bag::Text;
use crate::manifest::nearest::did_you_mean;
use crate::manifest::read::{FlowRecord, RuleRecord};
use crate::manifest::reader::Got;
use crate::manifest::source::Fault;
use crate::policy::{Decision, Rule};

impl Linker<'_> {
    /// The rules of a flow with their records.
    pub(super) fn rules<'r>(
        &self,
        flow: &'r FlowRecord,
        targets: &[Target],
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
        }
        rules
    }

    fn rule(&self, record: &RuleRecord, targets: &[Target], grants: bool) -> Rule {
        Rule {
            name: record.name.text.clone(),
            place: self.sources.line_of(record.place),
            targets: self.rule_targets(record, targets, grants),
            accounts: record.accounts.iter().map(|account| account.text.clone()).collect(),
            requesters: record.requesters.iter().map(|(people, _)| people.clone()).collect(),
            max_duration: record.max_duration.map(|(span, _)| span),
            approvers: record.approvers.iter().map(|(people, _)| people.clone()).collect(),
            min_approvals: record.min_approvals,
            allow_self: record.allow_self,
            notify: record.notify.clone(),
            answer_within: record.answer_within,
            decision: record.decision,
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
        if names.is_empty() && !self.log.has_errors() {
            // An empty list would mean every target, the opposite of what was written.
            let place = texts.place.unwrap_or(record.place);
            self.log.add(Fault::new(place, "none of these targets is known"));
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
                None if self.partial => return None,
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
        if rule.decision != Decision::Ask {
            return;
        }
        if rule.approvers.is_empty() {
            let place = record.approvers_place.unwrap_or(record.place);
            let message = format!("nobody can approve under the rule `{}`: it names no approvers", rule.name);
            let hint = "add `approvers = [\"channel_members\"]`, or `decision = \"auto\"` or `\"deny\"`";
            self.log.add(Fault::new(place, message).hint(hint));
            return;
        }
        let Some(approvers) = users(&rule.approvers) else { return };
        let place = record.min_approvals_place.or(record.approvers_place).unwrap_or(record.place);
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
        let Some(requesters) = users(&rule.requesters).filter(|users| !users.is_empty()) else {
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
        for account in &record.accounts {
            if !about.iter().any(|target| may_have(target, &account.text)) {
                let message =
                    format!("no target of the rule `{}` is in the account {}", rule.name, account.text);
                self.log.add(Fault::warning(account.place, message));
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
                about && (rule.accounts.is_empty() || rule.accounts.iter().any(|id| may_have(target, id)))
            });
            if !covered {
                let message = format!("no rule lets anybody have the target `{}`", target.name);
                self.log.add(Fault::warning(flow.head.place, message));
            }
        }
    }
}

/// Whether a request for the target can be about the account.
fn may_have(target: &Target, account: &str) -> bool {
    match target.kind {
        crate::access::TargetKind::AwsSsoPermissionSet => {
            target.settings.get("account_id").is_none_or(|written| written == account)
        }
        crate::access::TargetKind::AwsSsoGroup => false,
        crate::access::TargetKind::AwsIamGroup => target.iam_account_id == account,
    }
}

/// The addresses, when all are named one by one.
fn users(people: &[People]) -> Option<Vec<&Email>> {
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
