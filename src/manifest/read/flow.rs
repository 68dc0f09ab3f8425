//! Flows and the fields of their forms.

use super::target::{MAX_OPTION, short};
use super::{Head, RuleRecord};
use crate::access::{FieldType, Source};
use crate::manifest::bag::{Bag, Entry, Item, Text};
use crate::manifest::nearest::did_you_mean;
use crate::manifest::reader::{Got, Reader, Texts};
use crate::manifest::schema;
use crate::manifest::source::{Fault, Log, Place};

/// The longest text of Slack's that stands by itself.
const MAX_TEXT: usize = 3000;
/// The longest label of a field.
const MAX_LABEL: usize = 150;

/// A `sym_flow`.
#[derive(Debug)]
pub(in crate::manifest) struct FlowRecord {
    pub(in crate::manifest) head: Head,
    pub(in crate::manifest) environment: Got<Text>,
    pub(in crate::manifest) channel: Got<Text>,
    /// Access that somebody removes in AWS itself is given again.
    pub(in crate::manifest) restores: bool,
    pub(in crate::manifest) params: ParamsRecord,
    pub(in crate::manifest) rules: Vec<RuleRecord>,
    /// Whether every rule could be read.
    pub(in crate::manifest) complete: bool,
}

/// The `params` of a flow.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "Sym's flags, which are independent of each other")]
pub(in crate::manifest) struct ParamsRecord {
    pub(in crate::manifest) place: Place,
    pub(in crate::manifest) strategy: Got<Text>,
    pub(in crate::manifest) allow_revoke: bool,
    pub(in crate::manifest) schedule_deescalation: bool,
    pub(in crate::manifest) sources: Vec<Source>,
    pub(in crate::manifest) include_decision_message: bool,
    pub(in crate::manifest) additional_header_text: Option<Text>,
    pub(in crate::manifest) allow_guest_interaction: bool,
    pub(in crate::manifest) fields: Vec<FieldRecord>,
    /// Whether every field could be read.
    pub(in crate::manifest) complete: bool,
}

/// A `prompt_field`.
#[derive(Debug)]
pub(in crate::manifest) struct FieldRecord {
    pub(in crate::manifest) place: Place,
    pub(in crate::manifest) name: Text,
    pub(in crate::manifest) field_type: Option<FieldType>,
    pub(in crate::manifest) label: Option<Text>,
    pub(in crate::manifest) required: bool,
    pub(in crate::manifest) visible: bool,
    pub(in crate::manifest) default: Option<Text>,
    pub(in crate::manifest) allowed_values: Got<Texts>,
}

impl FlowRecord {
    pub(super) fn read(id: String, reader: &Reader<'_>) -> Self {
        let head = Head::read(id, reader);
        check_head(&head, reader);
        python(reader);
        let mut complete = true;
        let mut rules: Vec<RuleRecord> = Vec::new();
        for block in reader.bag.blocks.iter().filter(|block| block.kind == "rule") {
            let Some(rule) = RuleRecord::read(block, reader.log) else {
                complete = false;
                continue;
            };
            if let Some(first) = rules.iter().find(|there| there.name.text == rule.name.text) {
                let message = format!("two rules of this flow are called `{}`", rule.name.text);
                reader.complain(Fault::new(rule.name.place, message).also("the other one", first.name.place));
            }
            rules.push(rule);
        }
        Self {
            environment: reader.id("environment_id"),
            channel: super::simple::channel(reader, "channel"),
            restores: restores(reader),
            params: params(reader),
            head,
            rules,
            complete,
        }
    }
}

fn check_head(head: &Head, reader: &Reader<'_>) {
    if let Some(name) = &head.name {
        let ok = name.text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !ok || name.text.len() > MAX_OPTION {
            let message = "a flow's name is typed in Slack: letters, digits, `-` and `_`, at most 75";
            reader.complain(Fault::new(name.place, message));
        }
    }
    if let Some(label) = &head.label {
        short(reader, "label", label, MAX_OPTION);
    }
}

/// What is done about access that somebody removes in AWS itself. Whoever does that has a reason more
/// often than not, so that it stays removed unless the manifest says otherwise.
fn restores(reader: &Reader<'_>) -> bool {
    let Got::Given(text) = reader.text("when_removed_by_hand") else { return false };
    match text.text.as_str() {
        "close" => false,
        "restore" => true,
        other => {
            let fault = Fault::new(text.place, format!("`when_removed_by_hand` cannot be `{other}`"));
            let near = did_you_mean(other, ["close", "restore"]);
            reader.complain(fault.hint(near.unwrap_or("there is `close` and `restore`".to_owned())));
            false
        }
    }
}

/// What Sym ran and we do not.
fn python(reader: &Reader<'_>) {
    if let Some(entry) = reader.entry("implementation") {
        let fault = Fault::warning(entry.key_place, "`implementation` is Python of Sym, which is not run");
        reader.complain(fault.hint(
            "say in `rule` blocks of this flow who may ask and who decides; without one, the members of \
             the flow's channel decide",
        ));
    }
    if let Got::Given(template) = reader.text("template")
        && !template.text.starts_with("sym:template:approval:")
    {
        let message = format!("unknown template `{}`", template.text);
        reader.complain(Fault::new(template.place, message).hint("there is `sym:template:approval:1.0.0`"));
    }
}

/// The `params` of a flow: a block, or the map of the older form.
fn params(reader: &Reader<'_>) -> ParamsRecord {
    let mut blocks = reader.bag.blocks.iter().filter(|block| block.kind == "params");
    let block = blocks.next();
    for more in blocks {
        let fault = Fault::new(more.place, "a flow has one `params`");
        reader.complain(match block {
            Some(first) => fault.also("the first one", first.place),
            None => fault,
        });
    }
    let mut bag = Bag {
        kind: "params".to_owned(),
        place: reader.bag.place,
        labels: Vec::new(),
        entries: Vec::new(),
        blocks: Vec::new(),
    };
    let Some(entry) = reader.entry("params") else {
        return read_params(block.unwrap_or(&bag), reader.log);
    };
    if block.is_some() {
        reader.complain(Fault::new(entry.key_place, "a flow has one `params`"));
    }
    bag.place = entry.key_place;
    let mut broken = false;
    match &entry.node.item {
        Item::Map(entries) => bag.entries.clone_from(entries),
        Item::Broken => broken = true,
        _ => {
            broken = true;
            let message = format!("`params` has to be a block or a map, and this is {}", entry.node.kind());
            reader.complain(Fault::new(entry.node.place, message));
        }
    }
    let own = Reader::new(&bag, reader.log);
    own.check_names(schema::PARAMS, &[&schema::OLD_PARAMS[..], &["prompt_field"]].concat());
    let mut record = read_params(&bag, reader.log);
    record.complete &= !broken;
    record
}

fn read_params(bag: &Bag, log: &Log) -> ParamsRecord {
    let reader = Reader::new(bag, log);
    let mut complete = true;
    let header = reader.text("additional_header_text").given();
    if let Some(text) = &header {
        short(&reader, "additional_header_text", text, MAX_TEXT);
    }
    let record = ParamsRecord {
        place: bag.place,
        strategy: reader.id("strategy_id"),
        allow_revoke: reader.flag("allow_revoke", true),
        schedule_deescalation: reader.flag("schedule_deescalation", true),
        sources: sources(&reader),
        include_decision_message: reader.flag("include_decision_message", false),
        additional_header_text: header,
        allow_guest_interaction: reader.flag("allow_guest_interaction", false),
        fields: fields(&reader, &mut complete),
        complete,
    };
    if !record.allow_revoke && !record.schedule_deescalation {
        let entry = reader.entry("schedule_deescalation").or(reader.entry("allow_revoke"));
        let place = entry.map_or(bag.place, |entry| entry.key_place);
        let message = "with neither `schedule_deescalation` nor `allow_revoke`, access would never end";
        reader.complain(Fault::new(place, message));
    }
    record
}

fn sources(reader: &Reader<'_>) -> Vec<Source> {
    let all = vec![Source::Slack, Source::Api];
    let old = reader.entry("allowed_sources_json").map(|_| json_list(reader, "allowed_sources_json"));
    let got = match old {
        Some(entry) => {
            let bag = Bag {
                kind: "params".to_owned(),
                place: reader.bag.place,
                labels: Vec::new(),
                entries: entry.into_iter().collect(),
                blocks: Vec::new(),
            };
            Reader::new(&bag, reader.log).texts("allowed_sources_json")
        }
        None => reader.texts("allowed_sources"),
    };
    let texts = match got {
        Got::Absent | Got::Broken => return all,
        Got::Given(texts) => texts,
    };
    if texts.items.is_empty() && texts.complete {
        let place = texts.place.unwrap_or(reader.bag.place);
        reader.complain(Fault::warning(place, "nobody can start this flow: `allowed_sources` is empty"));
    }
    let mut found = Vec::new();
    for text in &texts.items {
        match text.text.as_str() {
            "slack" => found.push(Source::Slack),
            "api" => found.push(Source::Api),
            other => {
                let fault = Fault::new(text.place, format!("unknown source `{other}`"));
                let near = did_you_mean(other, ["slack", "api"]);
                reader.complain(fault.hint(near.unwrap_or("there is `slack` and `api`".to_owned())));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// A list that the older form wrote as JSON.
fn json_list(reader: &Reader<'_>, name: &str) -> Option<Entry> {
    let entry = reader.entry(name)?;
    let Item::Text(text) = &entry.node.item else { return Some(entry.clone()) };
    match serde_json::from_str(text) {
        Ok(json) => {
            let node = crate::manifest::bag::Node::from_value(entry.node.place, json);
            Some(Entry { node, ..entry.clone() })
        }
        Err(error) => {
            reader.complain(Fault::new(entry.node.place, format!("`{name}` is not JSON: {error}")));
            None
        }
    }
}

fn fields(reader: &Reader<'_>, complete: &mut bool) -> Vec<FieldRecord> {
    let mut bags: Vec<Bag> =
        reader.bag.blocks.iter().filter(|block| block.kind == "prompt_field").cloned().collect();
    for name in ["prompt_fields_json", "prompt_fields", "prompt_field"] {
        if reader.entry(name).is_none() {
            continue;
        }
        let Some(entry) = json_list(reader, name) else {
            *complete = false;
            continue;
        };
        match entry.node.item {
            Item::List(items) => {
                for item in items {
                    if let Item::Map(entries) = item.item {
                        let kind = "prompt_field".to_owned();
                        let (labels, blocks) = (Vec::new(), Vec::new());
                        bags.push(Bag { kind, place: item.place, labels, entries, blocks });
                        continue;
                    }
                    *complete = false;
                    if !matches!(item.item, Item::Broken) {
                        reader.complain(Fault::new(item.place, "a prompt field is a map"));
                    }
                }
            }
            Item::Broken => *complete = false,
            _ => {
                *complete = false;
                reader.complain(Fault::new(entry.node.place, format!("`{name}` has to be a list")));
            }
        }
    }
    let mut found: Vec<FieldRecord> = Vec::new();
    for bag in &bags {
        let Some(field) = FieldRecord::read(&Reader::new(bag, reader.log)) else {
            *complete = false;
            continue;
        };
        if let Some(first) = found.iter().find(|there| there.name.text == field.name.text) {
            let message = format!("two fields are called `{}`", field.name.text);
            reader.complain(Fault::new(field.name.place, message).also("the other one", first.name.place));
            continue;
        }
        found.push(field);
    }
    found
}

impl FieldRecord {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        reader.check_names(schema::PROMPT_FIELD, &[]);
        let name = reader.need_text("name").given();
        if let Some(label) = reader.text("label").given() {
            short(reader, "label", &label, MAX_LABEL);
        }
        if let Some(entry) = reader.entry("prefetch")
            && reader.flag("prefetch", false)
        {
            let fault = Fault::new(entry.key_place, "`prefetch` needs Python of Sym, which is not run");
            reader.complain(fault.hint("list the choices in `allowed_values`"));
        }
        if let Some(entry) = reader.entry("on_change") {
            let message = "`on_change` is Python of Sym, which is not run";
            reader.complain(Fault::warning(entry.key_place, message));
        }
        let record = Self {
            place: reader.bag.place,
            name: name?,
            field_type: field_type(reader),
            label: reader.text("label").given(),
            required: reader.flag("required", true),
            visible: reader.flag("visible", true),
            default: reader.text("default").given(),
            allowed_values: reader.texts("allowed_values"),
        };
        if record.name.text.chars().count() > MAX_LABEL {
            short(reader, "name", &record.name, MAX_LABEL);
        }
        Some(record)
    }
}

fn field_type(reader: &Reader<'_>) -> Option<FieldType> {
    let text = reader.need_text("type").given()?;
    // The older form's `list` was a text with choices.
    if text.text == "list" {
        return Some(FieldType::Text);
    }
    let found = FieldType::ALL.into_iter().find(|known| known.name() == text.text);
    if found.is_none() {
        let names = FieldType::ALL.map(FieldType::name);
        let fault = Fault::new(text.place, format!("unknown type `{}`", text.text));
        let all: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let hint = did_you_mean(&text.text, names).unwrap_or(format!("there is {}", all.join(", ")));
        reader.complain(fault.hint(hint));
    }
    found
}
