//! One test of the rules.

use super::Uses;
use crate::access::{Email, FlowName, People, Span, TargetName};
use crate::manifest::arn;
use crate::manifest::bag::{Bag, Text};
use crate::manifest::nearest::did_you_mean;
use crate::manifest::read::{is_email, people};
use crate::manifest::reader::{Got, Reader};
use crate::manifest::schema::Schema;
use crate::manifest::source::{Fault, Log, Place, Sources};

/// What a test may hold.
pub(super) const TEST: Schema = Schema {
    attributes: &[
        "as",
        "flow",
        "target",
        "account",
        "duration",
        "emergency",
        "uses",
        "expect",
        "approvers",
        "can_approve",
        "cannot_approve",
        "rules",
        "max_duration",
        "because",
    ],
    blocks: &[],
};

/// What a test expects the rules to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expect {
    /// People are asked.
    Ask,
    /// Nobody needs to be asked.
    Auto,
    /// Nobody is asked first, in an emergency.
    BreakGlass,
    /// A rule denies it.
    Deny,
    /// No for another reason.
    Refuse,
}

impl Expect {
    const ALL: [Self; 5] = [Self::Ask, Self::Auto, Self::BreakGlass, Self::Deny, Self::Refuse];

    /// As the test writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Auto => "auto",
            Self::BreakGlass => "break_glass",
            Self::Deny => "deny",
            Self::Refuse => "refuse",
        }
    }
}

/// A `test` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCase {
    /// Its label.
    pub name: String,
    /// `manifests/prod.test.hcl:12`
    pub place: String,
    pub(super) at: Place,
    /// Who asks.
    pub asks: Email,
    /// With which flow.
    pub flow: FlowName,
    /// For what.
    pub target: Option<TargetName>,
    /// In which account, where the request names it.
    pub account: Option<String>,
    /// For how long.
    pub duration: Option<Span>,
    /// In an emergency.
    pub is_emergency: bool,
    /// How often they have used each capped rule.
    pub uses: Uses,
    /// What the rules must say.
    pub expect: Expect,
    /// Who must be named as approvers, exactly.
    pub approvers: Option<Vec<People>>,
    /// Whose approval must count; in an emergency, who must be able to acknowledge it.
    pub can_approve: Vec<Email>,
    /// Whose must not.
    pub cannot_approve: Vec<Email>,
    /// The rules that must match, exactly.
    pub rules: Option<Vec<String>>,
    /// The longest access the rules must allow.
    pub max_duration: Option<Span>,
    /// What the reason for a refusal must contain.
    pub because: Option<String>,
}

pub(super) fn read(bag: &Bag, sources: &Sources, log: &Log) -> Option<TestCase> {
    let reader = Reader::new(bag, log);
    let [label] = bag.labels.as_slice() else {
        log.add(
            Fault::new(bag.place, "a `test` needs one name").hint("write `test \"prod needs a lead\" { … }`"),
        );
        return None;
    };
    let asks = reader.need_text("as").given().and_then(|text| email(&reader, &text));
    let flow = reader.need_text("flow").given();
    let expect = expected(&reader);
    let account = reader.text("account").given();
    if let Some(account) = account.as_ref().filter(|account| !arn::is_account_id(&account.text)) {
        let message = format!("`{}` is not an account id: twelve digits in quotes", account.text);
        log.add(Fault::new(account.place, message));
    }
    let approvers = match reader.texts("approvers") {
        Got::Given(texts) => Some(texts.items.iter().filter_map(|text| log_err(log, people(text))).collect()),
        Got::Absent | Got::Broken => None,
    };
    let rules = match reader.texts("rules") {
        Got::Given(texts) => Some(texts.items.into_iter().map(|text| text.text).collect()),
        Got::Absent | Got::Broken => None,
    };
    let because = reader.text("because").given();
    let (duration, max_duration) = (span(&reader, "duration"), span(&reader, "max_duration"));
    let (can_approve, cannot_approve) = (emails(&reader, "can_approve"), emails(&reader, "cannot_approve"));
    let uses = uses(&reader);
    let expect = expect?;
    if let Some(because) = because.as_ref().filter(|_| !matches!(expect, Expect::Deny | Expect::Refuse)) {
        let message = "`because` is about a refusal: it has to be part of what the requester is told";
        log.add(Fault::new(because.place, message));
    }
    Some(TestCase {
        name: label.text.clone(),
        place: sources.line_of(bag.place),
        at: label.place,
        asks: asks?,
        flow: FlowName::new(flow?.text),
        target: reader.text("target").given().map(|text| TargetName::new(text.text)),
        account: account.map(|text| text.text),
        duration,
        is_emergency: reader.flag("emergency", false),
        uses,
        expect,
        approvers,
        can_approve,
        cannot_approve,
        rules,
        max_duration,
        because: because.map(|text| text.text),
    })
}

fn log_err<T>(log: &Log, read: Result<T, Fault>) -> Option<T> {
    read.map_err(|fault| log.add(fault)).ok()
}

fn expected(reader: &Reader<'_>) -> Option<Expect> {
    let text = reader.need_text("expect").given()?;
    let found = Expect::ALL.into_iter().find(|expect| expect.name() == text.text);
    if found.is_none() {
        let fault = Fault::new(text.place, format!("unknown outcome `{}`", text.text));
        let near = did_you_mean(&text.text, Expect::ALL.map(Expect::name));
        let all = "there is `ask`, `auto`, `break_glass`, `deny` and `refuse`";
        reader.complain(fault.hint(near.unwrap_or_else(|| all.to_owned())));
    }
    found
}

fn email(reader: &Reader<'_>, text: &Text) -> Option<Email> {
    if is_email(&text.text) {
        return Some(Email::new(&text.text));
    }
    reader.complain(Fault::new(text.place, format!("`{}` is not an e-mail address", text.text)));
    None
}

fn emails(reader: &Reader<'_>, name: &str) -> Vec<Email> {
    let texts = reader.texts(name).given().unwrap_or_default();
    texts.items.iter().filter_map(|text| email(reader, text)).collect()
}

fn span(reader: &Reader<'_>, name: &str) -> Option<Span> {
    let text = reader.text(name).given()?;
    match Span::parse(&text.text) {
        Ok(span) => Some(span),
        Err(error) => {
            reader.complain(Fault::new(text.place, format!("`{name}`: {error}")));
            None
        }
    }
}

fn uses(reader: &Reader<'_>) -> Uses {
    let mut uses = Uses::new();
    for (rule, setting) in reader.settings("uses").items {
        if let Ok(number) = setting.value.text.parse() {
            uses.insert(rule, number);
        } else {
            let message = format!("`{}` is not a number of uses", setting.value.text);
            reader.complain(Fault::new(setting.value.place, message));
        }
    }
    uses
}
