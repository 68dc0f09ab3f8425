//! A catalog in words, for `sym check`.

use super::catalog::{Catalog, FlowEntry};
use crate::access::{Flow, People, PromptField, Source, Span, Target, TargetKind};
use crate::policy::{DEFAULT_ANSWER_WITHIN, Decision, Rule};
use std::fmt::Write as _;

/// What each flow offers, who may ask, who decides, and where the card goes.
pub fn describe(catalog: &Catalog) -> String {
    let mut out = String::new();
    for entry in &catalog.flows {
        flow(&mut out, entry);
        out.push('\n');
    }
    if !catalog.identities.is_empty() {
        line(&mut out, 0, "Identities written down:");
        for identity in &catalog.identities {
            let names = [("Identity Center", &identity.aws_sso), ("IAM", &identity.aws_iam)];
            let names: Vec<String> = names
                .iter()
                .filter_map(|(where_, name)| name.as_ref().map(|name| format!("{name} in {where_}")))
                .collect();
            line(&mut out, 1, &format!("{} is {}", identity.email, names.join(", ")));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn line(out: &mut String, indent: usize, text: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{}{text}", "  ".repeat(indent));
}

fn flow(out: &mut String, entry: &FlowEntry) {
    let flow = &entry.flow;
    line(out, 0, &format!("{} — {} ({})", flow.name, flow.label, entry.place));
    let sources: Vec<&str> = flow
        .allowed_sources
        .iter()
        .map(|source| match source {
            Source::Slack => "Slack",
            Source::Api => "the API",
        })
        .collect();
    match sources.as_slice() {
        [] => line(out, 1, "cannot be started: `allowed_sources` is empty"),
        some => line(out, 1, &format!("asked for in {}", some.join(" and "))),
    }
    if flow.targets.is_empty() {
        line(out, 1, "grants nothing: approval only");
    } else {
        line(out, 1, "offers");
        for target in &flow.targets {
            line(out, 2, &format!("{} ({}): {}", target.label, target.name, granted(target)));
        }
    }
    if !flow.targets.is_empty() {
        let ends = match (flow.schedule_deescalation, flow.allow_revoke) {
            (true, true) => format!("for {}; may be ended early", spans(&flow.durations)),
            (true, false) => format!("for {}; ends by time only", spans(&flow.durations)),
            (false, _) => "until somebody ends it".to_owned(),
        };
        line(out, 1, &ends);
        if flow.restores {
            line(out, 1, "given again when somebody removes it in AWS");
        }
    }
    fields(out, flow);
    let channel = flow.channel.as_deref().unwrap_or("nowhere: it has no channel");
    line(out, 1, &format!("cards go to {channel}"));
    if let Some(errors) = &flow.error_channel {
        line(out, 1, &format!("errors go to {errors}"));
    }
    line(out, 1, "rules (every one that matches a request binds)");
    for each in &entry.rules {
        rule(out, each);
    }
    if let Some(target) = flow.targets.first() {
        let hops: Vec<&str> = target.connection.hops.iter().map(|hop| hop.role_arn.as_str()).collect();
        let way = if hops.is_empty() {
            "with the bot's own credentials".to_owned()
        } else {
            format!("as {}", hops.join(", then "))
        };
        line(out, 1, &format!("reaches AWS {way}"));
    }
}

fn fields(out: &mut String, flow: &Flow) {
    if !flow.fields.is_empty() {
        line(out, 1, "the form asks for");
        for field in &flow.fields {
            let mut notes = vec![field.field_type.name().to_owned()];
            notes.push(required(flow, field));
            if !field.visible {
                notes.push("hidden".to_owned());
            }
            if !field.allowed_values.is_empty() {
                notes.push(format!("one of {}", field.allowed_values.join(", ")));
            }
            if let Some(default) = &field.default {
                notes.push(format!("else {default}"));
            }
            line(out, 2, &format!("{} ({}): {}", field.label, field.name, notes.join(", ")));
        }
    }
}

/// Whether the form insists on a field: one that only some targets take is asked for with those only.
fn required(flow: &Flow, field: &PromptField) -> String {
    let binding: Vec<&str> = flow
        .targets
        .iter()
        .filter(|target| target.bindings.contains(&field.name))
        .map(|target| target.name.as_str())
        .collect();
    if binding.is_empty() {
        return if field.required { "required" } else { "optional" }.to_owned();
    }
    if binding.len() == flow.targets.len() {
        return "required".to_owned();
    }
    format!("required for {}, else not used", binding.join(", "))
}

fn granted(target: &Target) -> String {
    let setting = |name: &str| {
        target.settings.get(name).cloned().unwrap_or_else(|| format!("the {name} that the request names"))
    };
    match target.kind {
        TargetKind::AwsSsoPermissionSet => {
            let arn = setting("permission_set_arn");
            let short = arn.rsplit_once('/').map_or(arn.as_str(), |(_, set)| set);
            let account = match target.settings.get("account_id") {
                Some(account) => format!("account {account}"),
                None => "the account that the request names".to_owned(),
            };
            format!("permission set {short} in {account}")
        }
        TargetKind::AwsSsoGroup => format!("Identity Center group {}", setting("group_id")),
        TargetKind::AwsIamGroup => {
            format!("IAM group {} in account {}", setting("iam_group"), target.iam_account_id)
        }
    }
}

fn rule(out: &mut String, rule: &Rule) {
    let who =
        if rule.requesters.is_empty() { "every full member".to_owned() } else { people(&rule.requesters) };
    let mut what = if rule.targets.is_empty() {
        "any target".to_owned()
    } else {
        rule.targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    if !rule.accounts.is_empty() {
        let _ = write!(
            what,
            " in {}",
            rule.accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        );
    }
    let limit = rule.max_duration.map_or(String::new(), |span| format!(", at most {span}"));
    let decided = match rule.decision {
        Decision::Deny => "never".to_owned(),
        Decision::Auto => auto(rule),
        Decision::BreakGlass if rule.approvers.is_empty() => {
            "in an emergency without asking anybody first; the approvers of the other rules acknowledge it"
                .to_owned()
        }
        Decision::BreakGlass => format!(
            "in an emergency without asking anybody first; acknowledged by one of {}, never by themselves",
            people(&rule.approvers)
        ),
        Decision::Ask => asked(rule),
    };
    let notify =
        if rule.notify.is_empty() { String::new() } else { format!("; card to {}", rule.notify.join(", ")) };
    line(out, 2, &format!("{}: {who} for {what}{limit}: {decided}{notify}", rule.name));
}

fn auto(rule: &Rule) -> String {
    let Some(cap) = rule.cap else { return "without asking anybody".to_owned() };
    let often = if cap.max_uses == 1 { "once".to_owned() } else { format!("{} times", cap.max_uses) };
    let beyond = if rule.approvers.is_empty() { "not at all".to_owned() } else { asked(rule) };
    format!("without asking anybody, {often} per person in {}; beyond that {beyond}", cap.per)
}

fn asked(rule: &Rule) -> String {
    let number = match rule.min_approvals {
        1 => "one of".to_owned(),
        number => format!("{number} of"),
    };
    let own = if rule.allow_self { ", also their own" } else { ", never their own" };
    let wait = rule.answer_within.unwrap_or(DEFAULT_ANSWER_WITHIN);
    let mut text = format!("decided by {number} {}{own}, within {wait}", people(&rule.approvers));
    if let Some(fallback) = &rule.fallback {
        let when = match fallback.after {
            Some(after) => format!("after {after} without enough of them, or when no card reaches them"),
            None => "when no card reaches them".to_owned(),
        };
        let _ = write!(text, "; {when},");
        if !fallback.approvers.is_empty() {
            let _ = write!(text, " also {}", people(&fallback.approvers));
        }
        if !fallback.notify.is_empty() {
            let _ = write!(text, " with a card to {}", fallback.notify.join(", "));
        }
    }
    text
}

/// People in words.
pub fn people(people: &[People]) -> String {
    let names: Vec<String> = people
        .iter()
        .map(|people| match people {
            People::User(email) => email.to_string(),
            People::Usergroup(handle) => format!("the user group {handle}"),
            People::ChannelMembers => "the channel's members".to_owned(),
            People::IdcGroup(name) => format!("the Identity Center group {name}"),
            People::Everyone => "all full members".to_owned(),
        })
        .collect();
    names.join(", ")
}

fn spans(spans: &[Span]) -> String {
    spans.iter().map(|span| span.short()).collect::<Vec<_>>().join(", ")
}
