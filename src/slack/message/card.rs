//! The message that shows a request to those who decide, edited in place as it goes on.

use super::words::bold;
use super::{Account, Message, account_name, block, state};
use crate::access::{AccessRequest, Answer, AnswerValue, Resource};
use crate::slack::mrkdwn::{code, cut, inline, length, quote, user};
use serde_json::Value;

/// Answers shown on a card; the others are counted.
const ANSWERS: usize = 30;
/// Characters of answers shown on a card.
const ROOM: usize = 9000;
/// Longest answer that stands beside others.
const SHORT: usize = 80;
/// Longest answer that is shown whole.
const LONG: usize = 2800;
/// Longest item of a list.
const ITEM: usize = 200;
/// People or items of one answer that are named.
const ITEMS: usize = 20;

/// The card of a request in its present state. `accounts` are those whose names are known; may be empty.
pub fn card(request: &AccessRequest, accounts: &[Account]) -> Message {
    let state = state::of(request);
    let mut spoken = format!("{}.", state.headline);
    if let Some(line) = state.lines.first().filter(|line| !line.starts_with('>')) {
        spoken = format!("{spoken} {line}");
    }
    let mut blocks = vec![block::section(&format!("{} {}", state.emoji, state.headline))];
    blocks.push(block::context(&place(request, accounts)));
    blocks.extend(answers(request));
    blocks.extend(state::blocks(state));
    Message::new(&spoken, blocks)
}

/// Where the access would be, with which flow it was asked for, and its id for the audit.
fn place(request: &AccessRequest, accounts: &[Account]) -> String {
    let mut parts = Vec::new();
    if let Some(target) = &request.target {
        if let Some(id) = target.resource.account_id() {
            parts.push(match account_name(accounts, id) {
                Some(name) => format!("Account {} ({})", bold(name), inline(id)),
                None => format!("Account {}", inline(id)),
            });
        }
        if let Resource::IamGroup { group_name, .. } = &target.resource {
            parts.push(format!("IAM group {}", bold(group_name)));
        }
        parts.push(format!("Flow {}", bold(&request.flow_label)));
    } else {
        parts.push("Grants nothing in AWS".to_owned());
    }
    parts.push(format!("Request {}", code(&cut(request.id.as_str(), 100))));
    parts.join("  ·  ")
}

/// The answers in the form's order: short ones side by side, long ones as quotes, the rest counted.
fn answers(request: &AccessRequest) -> Vec<Value> {
    let shown_above = |answer: &&Answer| {
        let resource = request.target.as_ref().map(|target| &target.resource);
        answer.name == "account_id"
            && resource.and_then(Resource::account_id) == Some(answer.value.plain().as_str())
    };
    let all: Vec<&Answer> = request.answers.iter().filter(|answer| !shown_above(answer)).collect();
    let mut rows = Rows::default();
    let mut room = ROOM;
    let mut shown = 0;
    for answer in all.iter().take(ANSWERS) {
        let drawn = drawn(answer);
        let (Drawn::Short(text) | Drawn::Long(text)) = &drawn;
        let Some(left) = room.checked_sub(length(text)) else { break };
        room = left;
        shown += 1;
        match drawn {
            Drawn::Short(text) => rows.beside(text),
            Drawn::Long(text) => rows.below(block::section(&text)),
        }
    }
    if all.len() > shown {
        let rest = all.len() - shown;
        rows.below(block::context(&format!("… and {rest} more answers; the audit record has them all.")));
    }
    rows.finish()
}

/// Blocks in the making, and the short texts that wait to be put side by side.
#[derive(Default)]
struct Rows {
    blocks: Vec<Value>,
    row: Vec<String>,
}

impl Rows {
    fn beside(&mut self, text: String) {
        self.row.push(text);
        if self.row.len() == 10 {
            self.flush();
        }
    }

    fn below(&mut self, block: Value) {
        self.flush();
        self.blocks.push(block);
    }

    fn flush(&mut self) {
        if !self.row.is_empty() {
            self.blocks.push(block::fields(&self.row));
            self.row.clear();
        }
    }

    fn finish(mut self) -> Vec<Value> {
        self.flush();
        self.blocks
    }
}

/// One answer below its label.
enum Drawn {
    /// Fits beside others.
    Short(String),
    /// Needs the whole width.
    Long(String),
}

fn drawn(answer: &Answer) -> Drawn {
    let label = bold(&answer.label);
    let plain = match &answer.value {
        AnswerValue::Text(text) => text.clone(),
        AnswerValue::Int(number) => number.to_string(),
        AnswerValue::Bool(flag) => if *flag { "Yes" } else { "No" }.to_owned(),
        AnswerValue::Duration(span) => span.to_string(),
        AnswerValue::TextList(texts) => some(texts.iter().map(|text| cut(text, ITEM)), texts.len()),
        AnswerValue::IntList(numbers) => some(numbers.iter().map(ToString::to_string), numbers.len()),
        AnswerValue::SlackUsers(users) => {
            let names = some(users.iter().map(user), users.len());
            return Drawn::Short(format!("{label}\n{}", cut(&names, 1000)));
        }
    };
    let line = inline(&plain);
    if line.is_empty() {
        Drawn::Short(format!("{label}\n–"))
    } else if length(&plain) <= SHORT && !plain.trim().contains('\n') {
        Drawn::Short(format!("{label}\n{line}"))
    } else {
        Drawn::Long(format!("{label}\n{}", quote(&plain, LONG)))
    }
}

fn some(items: impl Iterator<Item = String>, count: usize) -> String {
    let mut named: Vec<String> = items.take(ITEMS).collect();
    if count > ITEMS {
        named.push(format!("and {} more", count - ITEMS));
    }
    named.join(", ")
}
