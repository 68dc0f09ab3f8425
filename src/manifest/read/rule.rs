//! `rule` blocks: who may ask for what, for how long, and who decides.

use super::people::people;
use super::simple::is_channel;
use crate::access::{People, Span};
use crate::manifest::arn;
use crate::manifest::bag::{Bag, Text};
use crate::manifest::nearest::did_you_mean;
use crate::manifest::reader::{Got, Reader, Texts};
use crate::manifest::source::{Fault, Log, Place};
use crate::policy::Decision;

/// A `rule` block.
#[derive(Debug)]
pub(in crate::manifest) struct RuleRecord {
    pub(in crate::manifest) place: Place,
    pub(in crate::manifest) name: Text,
    pub(in crate::manifest) targets: Got<Texts>,
    pub(in crate::manifest) accounts: Vec<Text>,
    pub(in crate::manifest) requesters: Vec<(People, Place)>,
    pub(in crate::manifest) max_duration: Option<(Span, Place)>,
    pub(in crate::manifest) approvers: Vec<(People, Place)>,
    pub(in crate::manifest) approvers_place: Option<Place>,
    pub(in crate::manifest) min_approvals: u32,
    pub(in crate::manifest) min_approvals_place: Option<Place>,
    pub(in crate::manifest) allow_self: bool,
    pub(in crate::manifest) notify: Vec<String>,
    pub(in crate::manifest) answer_within: Option<Span>,
    pub(in crate::manifest) decision: Decision,
    /// Whether everything in it could be read.
    pub(in crate::manifest) complete: bool,
}

impl RuleRecord {
    pub(super) fn read(bag: &Bag, log: &Log) -> Option<Self> {
        let reader = Reader::new(bag, log);
        let name = match bag.labels.as_slice() {
            [name] if !name.text.trim().is_empty() => name.clone(),
            _ => {
                let fault = Fault::new(bag.place, "a `rule` needs one name");
                reader.complain(fault.hint("write `rule \"prod\" { … }`"));
                return None;
            }
        };
        let mut complete = true;
        unsupported(&reader);
        let decision = decision(&reader, &mut complete);
        let requesters = folk(&reader, "requesters", &mut complete);
        let approvers = folk(&reader, "approvers", &mut complete);
        let max_duration = span(&reader, "max_duration", &mut complete);
        let min_approvals = approvals(&reader, &mut complete);
        let entry_place = |name: &str| reader.entry(name).map(|entry| entry.node.place);
        let record = Self {
            place: bag.place,
            name,
            targets: reader.ids("targets"),
            accounts: accounts(&reader, &mut complete),
            requesters,
            max_duration,
            approvers,
            approvers_place: entry_place("approvers"),
            min_approvals,
            min_approvals_place: entry_place("min_approvals"),
            allow_self: reader.flag("allow_self", false),
            notify: notify(&reader),
            answer_within: span(&reader, "answer_within", &mut complete).map(|(span, _)| span),
            decision,
            complete,
        };
        record.check(&reader);
        Some(record)
    }

    /// A rule that asks nobody must not read as if it did.
    fn check(&self, reader: &Reader<'_>) {
        let pointless: &[&str] = match self.decision {
            Decision::Ask => &[],
            Decision::Auto => &["approvers", "min_approvals", "allow_self", "answer_within"],
            Decision::Deny => {
                &["approvers", "min_approvals", "allow_self", "answer_within", "max_duration", "notify"]
            }
        };
        let word = if self.decision == Decision::Auto { "auto" } else { "deny" };
        for entry in pointless.iter().filter_map(|name| reader.entry(name)) {
            let message = format!("`{}` means nothing in a rule whose decision is `{word}`", entry.key);
            reader.complain(Fault::new(entry.key_place, message).hint("leave one of the two out"));
        }
    }
}

/// What the language has and the bot has not yet. It is never passed over in silence.
fn unsupported(reader: &Reader<'_>) {
    for name in ["max_uses", "per"] {
        if let Some(entry) = reader.entry(name) {
            reader.complain(Fault::new(entry.key_place, format!("`{name}` is not supported yet")));
        }
    }
    for block in reader.bag.blocks.iter().filter(|block| block.kind == "fallback") {
        reader.complain(Fault::new(block.place, "`fallback` is not supported yet"));
    }
}

fn decision(reader: &Reader<'_>, complete: &mut bool) -> Decision {
    let got = reader.text("decision");
    *complete &= !got.is_broken();
    let Some(text) = got.given() else { return Decision::Ask };
    match text.text.as_str() {
        "ask" => return Decision::Ask,
        "auto" => return Decision::Auto,
        "deny" => return Decision::Deny,
        "break_glass" => {
            reader.complain(Fault::new(text.place, "`break_glass` is not supported yet"));
        }
        other => {
            let fault = Fault::new(text.place, format!("unknown decision `{other}`"));
            let near = did_you_mean(other, ["ask", "auto", "deny"]);
            reader.complain(fault.hint(near.unwrap_or("there is `ask`, `auto` and `deny`".to_owned())));
        }
    }
    *complete = false;
    Decision::Ask
}

fn folk(reader: &Reader<'_>, name: &str, complete: &mut bool) -> Vec<(People, Place)> {
    let texts = match reader.texts(name) {
        Got::Absent => return Vec::new(),
        Got::Broken => {
            *complete = false;
            return Vec::new();
        }
        Got::Given(texts) => texts,
    };
    *complete &= texts.complete;
    // An empty list would read as "anybody" for requesters, the opposite of what it says.
    if texts.items.is_empty() && texts.complete && name == "requesters" {
        let fault =
            Fault::new(texts.place.unwrap_or(reader.bag.place), "`requesters` is empty: nobody could ask");
        reader.complain(fault.hint("leave it out if every full member may ask"));
    }
    let mut found: Vec<(People, Place)> = Vec::new();
    for text in &texts.items {
        match people(text) {
            Ok(people) if found.iter().any(|(there, _)| *there == people) => {
                reader.complain(Fault::warning(text.place, format!("`{}` is named twice", text.text)));
            }
            Ok(people) => found.push((people, text.place)),
            Err(fault) => {
                *complete = false;
                reader.complain(fault);
            }
        }
    }
    found
}

fn accounts(reader: &Reader<'_>, complete: &mut bool) -> Vec<Text> {
    let texts = match reader.texts("accounts") {
        Got::Absent => return Vec::new(),
        Got::Broken => {
            *complete = false;
            return Vec::new();
        }
        Got::Given(texts) => texts,
    };
    *complete &= texts.complete;
    if texts.items.is_empty() && texts.complete {
        let fault =
            Fault::new(texts.place.unwrap_or(reader.bag.place), "`accounts` is empty: no account matches");
        reader.complain(fault.hint("leave it out if any account is meant"));
    }
    let mut found = Vec::new();
    for text in texts.items {
        let written = text.text.as_str();
        if arn::is_account_id(written) {
            found.push(text);
            continue;
        }
        *complete = false;
        let fault = if written.starts_with("ou:") {
            Fault::new(text.place, "organizational units (`ou:`) are not supported yet")
                .hint("list the accounts: twelve digits each")
        } else if written.starts_with("tag:") {
            Fault::new(text.place, "tags of accounts (`tag:`) are not supported yet")
                .hint("list the accounts: twelve digits each")
        } else {
            Fault::new(text.place, format!("`{written}` is not an account id: twelve digits in quotes"))
        };
        reader.complain(fault);
    }
    found
}

fn span(reader: &Reader<'_>, name: &str, complete: &mut bool) -> Option<(Span, Place)> {
    let got = reader.text(name);
    *complete &= !got.is_broken();
    let text = got.given()?;
    match Span::parse(&text.text) {
        Ok(span) => Some((span, text.place)),
        Err(error) => {
            *complete = false;
            reader.complain(Fault::new(text.place, format!("`{name}`: {error}")));
            None
        }
    }
}

fn approvals(reader: &Reader<'_>, complete: &mut bool) -> u32 {
    let got = reader.text("min_approvals");
    *complete &= !got.is_broken();
    let Some(text) = got.given() else { return 1 };
    match text.text.parse::<u32>() {
        Ok(number) if (1..=100).contains(&number) => number,
        _ => {
            *complete = false;
            let message = "`min_approvals` has to be a whole number from 1 to 100";
            reader.complain(Fault::new(text.place, message));
            1
        }
    }
}

fn notify(reader: &Reader<'_>) -> Vec<String> {
    let texts = reader.texts("notify").given().unwrap_or_default();
    let mut found = Vec::new();
    for text in texts.items {
        if is_channel(&text.text) {
            found.push(text.text);
        } else {
            let message = format!("`{}` is not a Slack channel: write `#name` or its id", text.text);
            reader.complain(Fault::new(text.place, message));
        }
    }
    found
}
