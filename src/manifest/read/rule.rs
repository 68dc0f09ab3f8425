//! `rule` blocks: who may ask for what, for how long, and who decides.

mod accounts;
mod values;

use crate::access::{People, Span};
use crate::manifest::bag::{Bag, Item, Text};
use crate::manifest::reader::{Got, Reader, Texts};
use crate::manifest::source::{Fault, Log, Place};
use crate::policy::{AccountSelector, Cap, DEFAULT_ANSWER_WITHIN, Decision};
use values::{approvals, cap, channels, decision, folk, span};

/// A `rule` block.
#[derive(Debug)]
pub(in crate::manifest) struct RuleRecord {
    pub(in crate::manifest) place: Place,
    pub(in crate::manifest) name: Text,
    pub(in crate::manifest) targets: Got<Texts>,
    pub(in crate::manifest) accounts: Vec<(AccountSelector, Place)>,
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
    pub(in crate::manifest) decision_place: Option<Place>,
    pub(in crate::manifest) fallback: Option<FallbackRecord>,
    pub(in crate::manifest) cap: Option<Cap>,
    /// Whether everything in it could be read.
    pub(in crate::manifest) complete: bool,
}

/// The `fallback` of a rule.
#[derive(Debug)]
pub(in crate::manifest) struct FallbackRecord {
    pub(in crate::manifest) after: Option<(Span, Place)>,
    pub(in crate::manifest) notify: Vec<String>,
    pub(in crate::manifest) approvers: Vec<(People, Place)>,
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
        let decision = decision(&reader, &mut complete);
        let says_decision = complete;
        let entry_place = |name: &str| reader.entry(name).map(|entry| entry.node.place);
        let mut record = Self {
            place: bag.place,
            name,
            targets: reader.ids("targets"),
            accounts: accounts::read(&reader, &mut complete),
            requesters: folk(&reader, "requesters", &mut complete),
            max_duration: span(&reader, "max_duration", &mut complete),
            approvers: folk(&reader, "approvers", &mut complete),
            approvers_place: entry_place("approvers"),
            min_approvals: approvals(&reader, &mut complete),
            min_approvals_place: entry_place("min_approvals"),
            allow_self: reader.flag("allow_self", false),
            notify: channels(&reader),
            answer_within: span(&reader, "answer_within", &mut complete).map(|(span, _)| span),
            decision,
            decision_place: entry_place("decision"),
            fallback: fallback(&reader, &mut complete),
            cap: cap(&reader, &mut complete),
            complete,
        };
        record.complete = complete;
        // What could not be read may have meant anything.
        if says_decision {
            record.check(&reader);
        }
        if let Some(fallback) = &record.fallback {
            record.check_fallback(fallback, &reader);
        }
        Some(record)
    }

    /// What would be passed over in silence is a mistake: a rule that asks nobody must not read as if
    /// it did.
    fn check(&self, reader: &Reader<'_>) {
        let asking: &[&str] = &["min_approvals", "allow_self", "answer_within", "fallback"];
        let capped = reader.entry("max_uses").is_some() || reader.entry("per").is_some();
        let (pointless, why): (Vec<&[&str]>, &str) = match self.decision {
            Decision::Ask => (vec![&["max_uses", "per"]], "limits a rule whose decision is `auto`"),
            Decision::Auto if !capped => {
                let why = "means nothing in a rule whose decision is `auto`, unless `max_uses` limits it";
                (vec![&["approvers"], asking], why)
            }
            Decision::Auto if self.approvers.is_empty() => {
                (vec![asking], "means nothing in a rule that names no approvers")
            }
            Decision::Auto => return,
            Decision::BreakGlass => {
                let why = "means nothing in a rule whose decision is `break_glass`: nobody is waited for, and \
                           one other person acknowledges it afterwards";
                (vec![asking, &["max_uses", "per"]], why)
            }
            Decision::Deny => {
                let all: &[&str] = &["approvers", "max_duration", "notify", "max_uses", "per"];
                (vec![all, asking], "means nothing in a rule whose decision is `deny`")
            }
        };
        for name in pointless.into_iter().flatten() {
            let block = reader.bag.blocks.iter().find(|block| block.kind == *name).map(|block| block.place);
            if let Some(place) = reader.entry(name).map(|entry| entry.key_place).or(block) {
                reader
                    .complain(Fault::new(place, format!("`{name}` {why}")).hint("leave one of the two out"));
            }
        }
    }

    fn check_fallback(&self, fallback: &FallbackRecord, reader: &Reader<'_>) {
        let wait = self.answer_within.unwrap_or(DEFAULT_ANSWER_WITHIN);
        if let Some((after, place)) = fallback.after
            && after >= wait
        {
            let message = format!(
                "the fallback comes too late: a request waits {wait} for people, and `after` is {after}"
            );
            reader.complain(
                Fault::new(place, message).hint("choose a shorter `after` or a longer `answer_within`"),
            );
        }
        for (people, place) in &fallback.approvers {
            if self.approvers.iter().any(|(there, _)| there == people) {
                let message = "they are approvers of this rule already, so the fallback adds nobody";
                reader.complain(Fault::warning(*place, message));
            }
        }
    }
}

fn fallback(reader: &Reader<'_>, complete: &mut bool) -> Option<FallbackRecord> {
    let mut blocks = reader.bag.blocks.iter().filter(|block| block.kind == "fallback");
    let block = blocks.next()?;
    for more in blocks {
        let fault = Fault::new(more.place, "a rule has one `fallback`");
        reader.complain(fault.also("the first one", block.place));
    }
    let own = Reader::new(block, reader.log);
    let mut whole = true;
    let record = FallbackRecord {
        after: span(&own, "after", &mut whole),
        notify: channels(&own),
        approvers: folk(&own, "approvers", &mut whole),
    };
    let says = |name: &str| {
        own.entry(name)
            .is_some_and(|entry| !matches!(&entry.node.item, Item::List(items) if items.is_empty()))
    };
    if !says("notify") && !says("approvers") {
        let fault = Fault::new(block.place, "this fallback asks nobody");
        reader.complain(fault.hint("name further people in `approvers`, or another channel in `notify`"));
    }
    *complete &= whole;
    Some(record)
}
