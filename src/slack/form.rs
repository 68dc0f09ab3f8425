//! Draws the picker and the request form, and reads what people filled in.
//!
//! A form is drawn from its flow and read with the same flow: [`read`] trusts nothing that Slack
//! delivers and checks every answer again. Block ids are stable: [`TARGET`], [`DURATION`] and
//! `field:NAME`; the action id of an element is its block's id.

mod choice;
mod element;
mod help;
mod item;
mod reading;

pub use super::message::Account;
pub use help::{help, unknown};
pub use item::{DURATION, TARGET, block_of};
pub use reading::{Submission, errors, read, takes_errors};

use crate::access::{Flow, FlowName, Span};
use crate::slack::message::block::{context, divider, header, line, marked, plain, section};
use crate::slack::mrkdwn;
use choice::Choice;
use element::Drawing;
use item::Item;
use serde_json::{Value, json};

/// The callback id of the request form.
pub const FORM: &str = "sym_request";
/// The callback id of the flow picker.
pub const PICKER: &str = "sym_pick";
/// The block and action of the picker's only field.
pub const FLOW: &str = "flow";

/// Blocks that Slack takes in a view.
const BLOCKS: usize = 100;
/// Bytes that Slack takes in a view, less some for its own.
const BYTES: usize = 240_000;
/// Blocks of a form that are not fields: two paragraphs, a line, a heading, two notes.
const FRAME: usize = 6;
/// An inventory younger than this needs no remark.
const FRESH: Span = Span::hours(2);

/// What a form needs to know besides its flow.
#[derive(Debug, Clone, Copy, Default)]
pub struct FormContext<'a> {
    /// The accounts of the organization; empty when they are not known.
    pub accounts: &'a [Account],
    /// How long ago they were listed.
    pub accounts_age: Option<Span>,
}

/// The view that asks which flow. `greeting` is one plain sentence above the choice. The choice itself
/// tells us, without a button: its answer goes over the Web API alone, so that no acknowledgement can
/// overtake it.
pub fn picker(flows: &[&Flow], greeting: &str) -> Value {
    let choices = flow_choices(flows);
    if choices.is_empty() {
        return sorry("There is nothing to request from Slack here yet.");
    }
    let mut question = section("*What do you need?*");
    question["block_id"] = json!(FLOW);
    question["accessory"] = choice::select(FLOW, &choices, None, choice::MOST);
    json!({
        "type": "modal",
        "callback_id": PICKER,
        "title": plain("Request access", 24),
        "close": plain("Cancel", 24),
        "blocks": [section(&mrkdwn::escape(greeting)), question],
    })
}

/// The flow chosen in the picker, if it is one of these.
pub fn picked(flows: &[&Flow], texts: &[String]) -> Option<FlowName> {
    let choices = flow_choices(flows);
    texts.first().and_then(|text| choice::resolve(&choices, text)).map(FlowName::new)
}

/// Suggestions for the picker, where there are too many flows for one list.
pub fn picker_options(flows: &[&Flow], query: &str) -> Value {
    choice::suggestions(&flow_choices(flows), query)
}

fn flow_choices(flows: &[&Flow]) -> Vec<Choice> {
    choice::distinct(flows.iter().map(|flow| Choice::new(flow.name.as_str(), &flow.label)))
}

/// The request form of a flow.
pub fn form(flow: &Flow, context: &FormContext<'_>) -> Value {
    let view = drawn(&Drawing { flow, context, most: choice::MOST });
    if view.to_string().len() <= BYTES {
        return view;
    }
    // Many long lists: none of them travels with the form, all are fetched while typing.
    drawn(&Drawing { flow, context, most: 0 })
}

fn drawn(drawing: &Drawing<'_>) -> Value {
    let Drawing { flow, context, .. } = *drawing;
    let mut blocks = vec![section(about(flow))];
    if let Some(text) = flow.additional_header_text.as_deref().filter(|text| !text.trim().is_empty()) {
        // The operator's own words: Slack may make links of them.
        let mut text = marked(text, 3000);
        text["verbatim"] = json!(false);
        blocks.push(json!({ "type": "section", "text": text }));
    }
    blocks.push(divider());
    blocks.push(header(&flow.label));
    let items = item::drawn(flow);
    blocks.extend(items.iter().map(|item| element::block(drawing, item)));
    blocks.extend(notes(flow, &items, context));
    json!({
        "type": "modal",
        "callback_id": FORM,
        "private_metadata": json!({ "flow": mrkdwn::cut(flow.name.as_str(), 1000) }).to_string(),
        "title": plain("Request access", 24),
        "submit": plain("Submit", 24),
        "close": plain("Cancel", 24),
        "blocks": blocks,
    })
}

fn about(flow: &Flow) -> &'static str {
    if flow.targets.is_empty() {
        "A request for people to decide on. It changes nothing in AWS."
    } else if flow.schedule_deescalation {
        "Access in AWS for a limited time. It ends by itself."
    } else {
        "Access in AWS until somebody ends it."
    }
}

/// What the person should know about the form itself.
fn notes(flow: &Flow, drawn: &[Item<'_>], form: &FormContext<'_>) -> Vec<Value> {
    let mut notes = Vec::new();
    let asks_account = drawn.iter().any(|item| item.is_account(flow));
    if let Some(age) =
        form.accounts_age.filter(|age| *age >= FRESH && asks_account && !form.accounts.is_empty())
    {
        notes.push(context(&format!("The list of accounts is {age} old; newer ones are missing.")));
    }
    let all = item::items(flow).len();
    if all > drawn.len() {
        notes.push(context(&format!("{} more fields do not fit in Slack's form.", all - drawn.len())));
    }
    notes
}

/// A view that says one thing and asks nothing: what became of a request that cannot be shown on a
/// field of the form.
pub fn sorry(text: &str) -> Value {
    json!({
        "type": "modal",
        "title": plain("Request access", 24),
        "close": plain("Close", 24),
        "blocks": [section(&mrkdwn::escape(text))],
    })
}

/// The flow a form was drawn for, from its `private_metadata`.
pub fn flow_of(private_metadata: &str) -> Option<FlowName> {
    let value: Value = serde_json::from_str(private_metadata).ok()?;
    value.get("flow")?.as_str().map(FlowName::new)
}

/// Suggestions for a field with too many values for one list. `id` is the field's action id, which is
/// its block id too; an unknown one gets an empty list.
pub fn options(flow: &Flow, id: &str, query: &str, context: &FormContext<'_>) -> Value {
    let items = item::drawn(flow);
    let choices = items
        .iter()
        .find(|item| item.block_id() == id)
        .and_then(|item| element::choices(flow, item, context))
        .unwrap_or_default();
    choice::suggestions(&choices, query)
}

/// A sentence for below a field.
fn error(text: &str) -> String {
    line(text, 250)
}

#[cfg(all(test, feature = "sandbox"))]
mod tests;
