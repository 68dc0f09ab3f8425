//! How each question is drawn.

use super::choice::{self, Choice};
use super::item::{self, Item, binding_targets};
use super::{FormContext, TARGET};
use crate::access::{FieldType, Flow, PromptField, Span};
use crate::slack::message::account_name;
use crate::slack::message::block::{plain, section};
use crate::slack::mrkdwn::{self, cut, inline};
use serde_json::{Value, json};

/// Longest answer to a field of many lines.
const MANY_LINES: usize = 3000;
/// Longest answer to a field of one line.
const ONE_LINE: usize = 255;
/// Longest list of numbers.
const NUMBERS: usize = 1000;
/// People or items in one answer.
pub(super) const ITEMS: usize = 100;

/// Longest label of a field.
const LABEL: usize = 200;

/// What all questions of one form are drawn with.
pub(super) struct Drawing<'a> {
    pub(super) flow: &'a Flow,
    pub(super) context: &'a FormContext<'a>,
    /// Choices in one list; more are fetched while typing.
    pub(super) most: usize,
}

/// The block of one question.
pub(super) fn block(drawing: &Drawing<'_>, item: &Item<'_>) -> Value {
    let Drawing { flow, most, .. } = *drawing;
    match item {
        Item::Target(field) => target(drawing, *field),
        Item::Duration(field) => {
            let durations = duration_choices(flow);
            let default =
                field.and_then(|field| Span::parse(field.default.as_deref()?).ok()).map(Span::short);
            let initial = default
                .filter(|default| durations.iter().any(|choice| choice.value == *default))
                .or_else(|| durations.first().map(|choice| choice.value.clone()));
            let element = if durations.is_empty() {
                typed(&item.block_id(), ONE_LINE)
            } else {
                choice::select(&item.block_id(), &durations, initial.as_deref(), most)
            };
            input(item, field.map_or("Duration", label), &element)
        }
        Item::Field(field) => {
            let mut block = input(item, label(field), &element(drawing, item, field));
            if !item::is_required(flow, field) {
                block["optional"] = json!(true);
            }
            if let Some(hint) = hint(flow, field) {
                block["hint"] = plain(&hint, 2000);
            }
            block
        }
    }
}

fn label(field: &PromptField) -> &str {
    if field.label.trim().is_empty() { &field.name } else { &field.label }
}

fn input(item: &Item<'_>, label: &str, element: &Value) -> Value {
    json!({
        "type": "input",
        "block_id": item.block_id(),
        "label": plain(label, LABEL),
        "element": element,
    })
}

/// A choice among several targets; a single one is only told.
fn target(drawing: &Drawing<'_>, field: Option<&PromptField>) -> Value {
    let flow = drawing.flow;
    let label = field.map_or("Target", label);
    if let [only] = flow.targets.as_slice() {
        let text = format!("*{}*\n{}", cut(&inline(label), 200), cut(&inline(&only.label), 200));
        let mut block = section(&text);
        block["block_id"] = json!(TARGET);
        return block;
    }
    let default = field.and_then(|field| field.default.as_deref());
    let select = choice::select(TARGET, &target_choices(flow), default, drawing.most);
    input(&Item::Target(field), label, &select)
}

fn hint(flow: &Flow, field: &PromptField) -> Option<String> {
    let binding: Vec<&str> = binding_targets(flow, field).map(|target| target.label.as_str()).collect();
    if !binding.is_empty() && binding.len() < flow.targets.len() {
        return Some(format!("Needed for {}.", cut(&binding.join(", "), 300)));
    }
    let is_list = matches!(field.field_type, FieldType::TextList | FieldType::IntList);
    (is_list && field.allowed_values.is_empty()).then(|| "Several are separated by commas.".to_owned())
}

/// The values on offer for a question; `None` when anything of the type goes.
pub(super) fn choices(flow: &Flow, item: &Item<'_>, context: &FormContext<'_>) -> Option<Vec<Choice>> {
    match item {
        Item::Target(_) => Some(target_choices(flow)),
        Item::Duration(_) => Some(duration_choices(flow)),
        Item::Field(field) => field_choices(flow, field, context),
    }
}

pub(super) fn target_choices(flow: &Flow) -> Vec<Choice> {
    choice::distinct(flow.targets.iter().map(|target| Choice::new(target.name.as_str(), &target.label)))
}

pub(super) fn duration_choices(flow: &Flow) -> Vec<Choice> {
    choice::distinct(flow.durations.iter().map(|span| Choice::new(&span.short(), &span.to_string())))
}

pub(super) fn field_choices(
    flow: &Flow,
    field: &PromptField,
    context: &FormContext<'_>,
) -> Option<Vec<Choice>> {
    let allowed = &field.allowed_values;
    if item::is_account(flow, field) {
        return account_choices(allowed, context);
    }
    match field.field_type {
        FieldType::SlackUser | FieldType::SlackUserList => None,
        FieldType::Bool => Some(vec![Choice::new("true", "Yes"), Choice::new("false", "No")]),
        _ if allowed.is_empty() => None,
        FieldType::Duration => Some(choice::distinct(allowed.iter().map(|text| {
            let label = Span::parse(text).map_or_else(|_| text.clone(), |span| span.to_string());
            Choice::new(text, &label)
        }))),
        FieldType::Text | FieldType::Int | FieldType::TextList | FieldType::IntList => {
            Some(choice::distinct(allowed.iter().map(|text| Choice::new(text, text))))
        }
    }
}

/// The accounts on offer: those the manifest allows, of those the organization has.
fn account_choices(allowed: &[String], context: &FormContext<'_>) -> Option<Vec<Choice>> {
    if !allowed.is_empty() {
        return Some(choice::distinct(allowed.iter().map(|id| match account_name(context.accounts, id) {
            Some(name) => Choice::account(id, name),
            None => Choice::new(id, id),
        })));
    }
    let known = context.accounts.iter().map(|account| Choice::account(&account.id, &account.name));
    (!context.accounts.is_empty()).then(|| choice::distinct(known))
}

/// The longest text a field takes.
pub(super) fn longest(field: &PromptField) -> usize {
    match field.field_type {
        FieldType::Text if !is_long(field) => ONE_LINE,
        FieldType::Int | FieldType::Duration | FieldType::Bool => ONE_LINE,
        FieldType::IntList => NUMBERS,
        FieldType::Text | FieldType::TextList | FieldType::SlackUser | FieldType::SlackUserList => MANY_LINES,
    }
}

/// Reasons deserve room.
fn is_long(field: &PromptField) -> bool {
    matches!(field.name.to_lowercase().as_str(), "reason" | "justification")
}

fn element(drawing: &Drawing<'_>, item: &Item<'_>, field: &PromptField) -> Value {
    let Drawing { flow, context, most } = *drawing;
    let id = item.block_id();
    let default = field.default.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if let Some(choices) = field_choices(flow, field, context) {
        let is_list = matches!(field.field_type, FieldType::TextList | FieldType::IntList);
        return if is_list && !item::is_account(flow, field) {
            let initial: Vec<String> = default
                .into_iter()
                .flat_map(|text| text.split(','))
                .map(|text| text.trim().to_owned())
                .collect();
            choice::multi_select(&id, &choices, &initial, most)
        } else {
            choice::select(&id, &choices, default, most)
        };
    }
    if item::is_account(flow, field) {
        return with_initial(placed(typed(&id, 40), "111122223333"), default);
    }
    match field.field_type {
        FieldType::SlackUser => json!({
            "type": "users_select",
            "action_id": id,
            "placeholder": plain("Choose a person", 150),
        }),
        FieldType::SlackUserList => json!({
            "type": "multi_users_select",
            "action_id": id,
            "placeholder": plain("Choose people", 150),
            "max_selected_items": ITEMS,
        }),
        FieldType::Int => {
            let number = json!({ "type": "number_input", "action_id": id, "is_decimal_allowed": false });
            with_initial(number, default.filter(|text| text.parse::<i64>().is_ok()))
        }
        FieldType::Duration => with_initial(placed(typed(&id, ONE_LINE), "30m, 4h or 2d"), default),
        FieldType::Text if is_long(field) => {
            let mut text = typed(&id, MANY_LINES);
            text["multiline"] = json!(true);
            with_initial(text, default)
        }
        FieldType::Text | FieldType::Bool | FieldType::TextList | FieldType::IntList => {
            with_initial(typed(&id, longest(field)), default)
        }
    }
}

fn typed(id: &str, max: usize) -> Value {
    json!({ "type": "plain_text_input", "action_id": id, "max_length": max })
}

fn placed(mut element: Value, placeholder: &str) -> Value {
    element["placeholder"] = plain(placeholder, 150);
    element
}

fn with_initial(mut element: Value, default: Option<&str>) -> Value {
    if let Some(text) = default {
        let max =
            element["max_length"].as_u64().and_then(|max| usize::try_from(max).ok()).unwrap_or(ONE_LINE);
        element["initial_value"] = json!(mrkdwn::cut(text, max));
    }
    element
}
