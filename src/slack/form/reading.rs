//! Reads a submitted form. Whatever Slack delivers is checked again: a view can be tampered with, and
//! the flow may have changed since it was drawn.

use super::choice;
use super::element::{ITEMS, duration_choices, field_choices, longest, target_choices};
use super::item::{self, Item, binding_targets, binds, block_of};
use super::{DURATION, FormContext, TARGET, error};
use crate::access::{Answer, AnswerValue, FieldType, Flow, PromptField, Resource, Span, Target, TargetName};
use crate::slack::mrkdwn;
use std::collections::BTreeMap;

/// A form that was filled in properly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The target; `None` in an approval-only flow.
    pub target: Option<TargetName>,
    /// What the target grants with these answers.
    pub resource: Option<Resource>,
    /// The answers in the form's order, without target and duration, and without settings of other
    /// targets than the chosen one.
    pub answers: Vec<Answer>,
    /// For how long; `None` in a flow without timed removal.
    pub duration: Option<Span>,
}

/// Reads what was filled in. `texts` gives the texts of a block: one for a typed or chosen value,
/// several for a list, none for a field left empty.
///
/// # Errors
/// Sentences for the person by block id, to be answered as `response_action: errors`.
pub fn read(
    flow: &Flow,
    texts: &dyn Fn(&str) -> Vec<String>,
    context: &FormContext<'_>,
) -> Result<Submission, BTreeMap<String, String>> {
    let mut wrong: Vec<(String, String)> = Vec::new();
    let mut note = |name: &str, text: String| wrong.push((name.to_owned(), text));
    let target = target(flow, &texts(TARGET)).map_err(|text| note("target_id", text)).ok().flatten();
    let duration = duration(flow, &texts(DURATION)).map_err(|text| note("duration", text)).ok().flatten();
    let mut answers = Vec::new();
    for field in own_fields(flow) {
        let given = if field.visible { texts(&block_of(&field.name)) } else { Vec::new() };
        match answer(&Asked { flow, target, field, context }, &given) {
            Ok(Some(value)) => {
                answers.push(Answer { name: field.name.clone(), label: field.label.clone(), value });
            }
            Ok(None) => {}
            Err(text) => note(&field.name, text),
        }
    }
    let mut resource = None;
    if let (Some(target), true) = (target, wrong.is_empty()) {
        match target.resource(&answers) {
            Ok(found) => resource = Some(found),
            Err(refused) => wrong.push((refused.setting, refused.message)),
        }
    }
    if wrong.is_empty() {
        Ok(Submission { target: target.map(|target| target.name.clone()), resource, answers, duration })
    } else {
        Err(errors(flow, wrong))
    }
}

/// Sentences by field name as sentences by block id. A field that is not an input of this form (a
/// single target, an invisible field) hands its sentence to the first one that is; a form without any
/// input ([`takes_errors`]) cannot show errors: answer with [`super::sorry`] then.
pub fn errors(flow: &Flow, by_field: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let inputs: Vec<String> =
        item::drawn(flow).iter().filter(|item| item.is_input(flow)).map(Item::block_id).collect();
    let mut errors: BTreeMap<String, String> = BTreeMap::new();
    for (field, text) in by_field {
        let wanted = block_of(&field);
        let block = if inputs.contains(&wanted) { wanted } else { inputs.first().cloned().unwrap_or(wanted) };
        let told = errors.entry(block).or_default();
        *told = error(&format!("{told} {text}"));
    }
    errors
}

/// Whether this flow's form has an input on which an error can be shown.
pub fn takes_errors(flow: &Flow) -> bool {
    item::drawn(flow).iter().any(|item| item.is_input(flow))
}

/// The fields that are not the built-in ones.
fn own_fields(flow: &Flow) -> impl Iterator<Item = &PromptField> {
    let (has_target, has_duration) = (!flow.targets.is_empty(), flow.asks_duration());
    flow.fields.iter().filter(move |field| {
        !(has_target && field.name == "target_id" || has_duration && field.name == "duration")
    })
}

fn target<'a>(flow: &'a Flow, given: &[String]) -> Result<Option<&'a Target>, String> {
    match flow.targets.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        _ => {
            let choices = target_choices(flow);
            let name = chosen(&choices, given, "Please choose a target.")?;
            Ok(flow.target(&TargetName::new(name)))
        }
    }
}

fn duration(flow: &Flow, given: &[String]) -> Result<Option<Span>, String> {
    if !flow.asks_duration() {
        return Ok(None);
    }
    let choices = duration_choices(flow);
    let short = chosen(&choices, given, "Please choose how long.")?;
    Ok(flow.durations.iter().copied().find(|span| span.short() == short))
}

fn chosen<'a>(choices: &'a [choice::Choice], given: &[String], ask: &str) -> Result<&'a str, String> {
    let Some(text) = given.iter().find(|text| !text.trim().is_empty()) else { return Err(ask.to_owned()) };
    choice::resolve(choices, text).ok_or_else(|| not_offered(text))
}

fn not_offered(text: &str) -> String {
    format!("“{}” is not one of the choices.", mrkdwn::cut(text, 60))
}

/// A field and what its answer depends on.
struct Asked<'a> {
    flow: &'a Flow,
    target: Option<&'a Target>,
    field: &'a PromptField,
    context: &'a FormContext<'a>,
}

fn answer(asked: &Asked<'_>, given: &[String]) -> Result<Option<AnswerValue>, String> {
    let mut field = asked.field.clone();
    if binding_targets(asked.flow, asked.field).next().is_some() {
        let Some(target) = asked.target else { return Ok(None) };
        if !binds(target, &field) {
            // The chosen target has its own value: what was typed here would only mislead.
            return Ok(None);
        }
        field.required = true;
        if item::is_account(asked.flow, asked.field) {
            return account(&field, given, asked.context).map(|id| id.map(AnswerValue::Text));
        }
    }
    let texts = given_texts(asked, given)?;
    let value = field.read(&texts)?;
    if let (Some(value), Some(target)) = (&value, asked.target)
        && binds(target, &field)
    {
        setting(target, &field.name, value.plain().trim())?;
    }
    Ok(value)
}

/// What was given as the texts of the field's type.
fn given_texts(asked: &Asked<'_>, given: &[String]) -> Result<Vec<String>, String> {
    let field = asked.field;
    let is_list = matches!(field.field_type, FieldType::TextList | FieldType::IntList);
    if let Some(choices) = field_choices(asked.flow, field, asked.context) {
        let texts = given.iter().filter(|text| !text.trim().is_empty());
        let values = texts
            .map(|text| choice::resolve(&choices, text).map(str::to_owned).ok_or_else(|| not_offered(text)));
        return values.collect();
    }
    if given.iter().any(|text| mrkdwn::length(text) > longest(field)) {
        return Err(format!("This is too long: {} characters at most.", longest(field)));
    }
    let texts: Vec<String> = if is_list {
        given.iter().flat_map(|text| text.split([',', '\n'])).map(|text| text.trim().to_owned()).collect()
    } else {
        given.to_vec()
    };
    if texts.len() > ITEMS {
        return Err(format!("These are too many: {ITEMS} at most."));
    }
    let is_people = matches!(field.field_type, FieldType::SlackUser | FieldType::SlackUserList);
    match texts.iter().find(|text| is_people && !text.is_empty() && !mrkdwn::is_user(text)) {
        Some(odd) => Err(format!("“{}” is not a person in Slack.", mrkdwn::cut(odd, 60))),
        None => Ok(texts),
    }
}

/// A twelve-digit account, with or without the dashes AWS's console shows.
fn account(
    field: &PromptField,
    given: &[String],
    context: &FormContext<'_>,
) -> Result<Option<String>, String> {
    let typed = given.iter().map(|text| text.trim()).find(|text| !text.is_empty());
    let Some(text) = typed.or(field.default.as_deref()) else {
        return if field.visible { Err("Please fill this in.".to_owned()) } else { Ok(None) };
    };
    let id: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    if !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("An AWS account ID is twelve digits and nothing else.".to_owned());
    }
    if id.len() != 12 {
        return Err(format!("An AWS account ID is twelve digits; this has {}.", id.len()));
    }
    if !field.allowed_values.is_empty() && !field.allowed_values.contains(&id) {
        return Err(not_offered(&id));
    }
    if !context.accounts.is_empty() && !context.accounts.iter().any(|account| account.id == id) {
        let age = context.accounts_age.filter(|age| *age >= Span::minutes(1));
        let age = age.map(|age| format!(" (as of {age} ago)")).unwrap_or_default();
        return Err(format!("There is no account {id} in your organization{age}."));
    }
    Ok(Some(id))
}

/// A bound setting has the shape AWS gives it, so that nothing else can be smuggled into a name.
fn setting(target: &Target, name: &str, value: &str) -> Result<(), String> {
    let all = |extra: &str| {
        !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    let instance = target.instance_arn.rsplit('/').next().unwrap_or_default();
    match name {
        "iam_group" if !all("_+=,.@-") || value.len() > 128 => {
            Err("An IAM group's name has letters, digits and _+=,.@- only.".to_owned())
        }
        "group_id" if !all("-") || value.len() > 47 => {
            Err("This is not the ID of an Identity Center group.".to_owned())
        }
        "permission_set_arn" if !all(":/-") || !value.contains(&format!(":permissionSet/{instance}/")) => {
            Err("This is not a permission set of this Identity Center instance.".to_owned())
        }
        _ => Ok(()),
    }
}
