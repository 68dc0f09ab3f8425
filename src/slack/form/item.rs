//! What a form asks, in order: the built-in questions and the flow's own fields.

use super::{BLOCKS, FRAME};
use crate::access::{Flow, PromptField, Target};
use crate::slack::mrkdwn;

/// The block of the target.
pub const TARGET: &str = "target";
/// The block of the duration.
pub const DURATION: &str = "duration";

/// One question of a form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    /// Which target; a field named `target_id` places and labels it.
    Target(Option<&'a PromptField>),
    /// For how long; a field named `duration` places and labels it.
    Duration(Option<&'a PromptField>),
    /// One of the flow's own fields.
    Field(&'a PromptField),
}

/// The block of a field by its name; `target_id` and `duration` are the built-in ones.
pub fn block_of(field: &str) -> String {
    match field {
        "target_id" => TARGET.to_owned(),
        "duration" => DURATION.to_owned(),
        name if mrkdwn::length(name) <= 200 => format!("field:{name}"),
        // Slack's ids end at 255 characters: two long names must still be two ids.
        name => format!("field:{}#{:016x}", mrkdwn::cut(name, 200), fingerprint(name)),
    }
}

/// FNV-1a: the same for the same name, in every version of the bot.
fn fingerprint(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The visible questions of a flow.
pub(super) fn items(flow: &Flow) -> Vec<Item<'_>> {
    let (has_target, has_duration) = (!flow.targets.is_empty(), flow.asks_duration());
    let mut items = Vec::new();
    if has_target && flow.field("target_id").is_none() {
        items.push(Item::Target(None));
    }
    items.extend(flow.fields.iter().filter_map(|field| match field.name.as_str() {
        "target_id" if has_target => Some(Item::Target(Some(field))),
        "duration" if has_duration => Some(Item::Duration(Some(field))),
        _ => field.visible.then_some(Item::Field(field)),
    }));
    if has_duration && flow.field("duration").is_none() {
        items.push(Item::Duration(None));
    }
    items
}

/// As many of them as fit in one view.
pub(super) fn drawn(flow: &Flow) -> Vec<Item<'_>> {
    let mut items = items(flow);
    items.truncate(BLOCKS - FRAME);
    items
}

impl Item<'_> {
    pub(super) fn block_id(&self) -> String {
        match self {
            Self::Target(_) => TARGET.to_owned(),
            Self::Duration(_) => DURATION.to_owned(),
            Self::Field(field) => block_of(&field.name),
        }
    }

    /// Whether it asks for an AWS account that becomes part of a target.
    pub(super) fn is_account(&self, flow: &Flow) -> bool {
        matches!(self, Self::Field(field) if is_account(flow, field))
    }

    /// Whether it is an input, on which an error can be shown: a single target is only told.
    pub(super) fn is_input(&self, flow: &Flow) -> bool {
        !matches!(self, Self::Target(_) if flow.targets.len() == 1)
    }
}

/// Whether this field is the account of some target.
pub(super) fn is_account(flow: &Flow, field: &PromptField) -> bool {
    field.name == "account_id" && binding_targets(flow, field).next().is_some()
}

/// The targets that take a setting from this field.
pub(super) fn binding_targets<'a>(
    flow: &'a Flow,
    field: &'a PromptField,
) -> impl Iterator<Item = &'a Target> {
    flow.targets.iter().filter(|target| binds(target, field))
}

/// Whether this target takes a setting from this field.
pub(super) fn binds(target: &Target, field: &PromptField) -> bool {
    target.bindings.contains(&field.name)
}

/// Whether the form itself insists on this field. One that only some targets bind is insisted on once
/// such a target is chosen.
pub(super) fn is_required(flow: &Flow, field: &PromptField) -> bool {
    let binding = binding_targets(flow, field).count();
    if binding == 0 { field.required } else { binding == flow.targets.len() }
}
