//! Files beside the manifest: facts about people and accounts, and tests of the rules. They hold plain
//! values only, and everything wrong in them is said at once, as for manifests.

mod case;
mod plain;

pub use case::{Expect, TestCase};

use super::arn;
use super::bag::Bag;
use super::complaint::Complaints;
use super::files::Files;
use super::read::{is_channel, is_email};
use super::reader::{Got, Reader};
use super::schema::Schema;
use super::source::{Fault, Log, Place, Sources};
use super::tree::syntax_fault;
use crate::access::{Email, People};
use crate::policy::AccountFacts;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a facts file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FactSheet {
    /// The people.
    pub people: Vec<PersonSheet>,
    /// The accounts.
    pub accounts: Vec<AccountFacts>,
}

/// What a facts file says about one person. What it leaves out is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSheet {
    /// Their address.
    pub email: Email,
    /// The handles of their user groups.
    pub usergroups: Option<BTreeSet<String>>,
    /// The channels they are in.
    pub channels: Option<BTreeSet<String>>,
    /// The names of their groups in Identity Center.
    pub idc_groups: Option<BTreeSet<String>>,
    /// A guest of the workspace.
    pub is_guest: bool,
}

impl FactSheet {
    /// What it says about a person.
    pub fn person(&self, email: &Email) -> Option<&PersonSheet> {
        self.people.iter().find(|person| person.email == *email)
    }

    /// What it says about an account.
    pub fn account(&self, id: &str) -> Option<&AccountFacts> {
        self.accounts.iter().find(|account| account.id == id)
    }

    fn is_empty(&self) -> bool {
        self.people.is_empty() && self.accounts.is_empty()
    }
}

impl PersonSheet {
    /// Whether they are among such people, when the flow's cards go to that channel; `None` when the
    /// file does not say.
    pub fn is_among(&self, people: &People, channel: Option<&str>) -> Option<bool> {
        match people {
            People::User(_) | People::Everyone => None,
            People::Usergroup(handle) => self.usergroups.as_ref().map(|theirs| theirs.contains(handle)),
            People::IdcGroup(name) => self.idc_groups.as_ref().map(|theirs| theirs.contains(name)),
            People::ChannelMembers => match channel {
                Some(channel) => self.channels.as_ref().map(|theirs| theirs.contains(channel)),
                None => Some(false),
            },
        }
    }
}

/// One file of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFile {
    /// Its path, as people are shown it.
    pub name: String,
    /// The facts its tests stand on.
    pub facts: FactSheet,
    /// The tests in the order of the file.
    pub cases: Vec<TestCase>,
}

const FILE: Schema = Schema { attributes: &[], blocks: &["facts", "test"] };
const FACTS: Schema = Schema { attributes: &[], blocks: &["person", "account"] };
const PERSON: Schema = Schema { attributes: &["usergroups", "channels", "idc_groups", "guest"], blocks: &[] };
const ACCOUNT: Schema = Schema { attributes: &["ou", "tags"], blocks: &[] };

/// The schema of a block inside of another.
fn schema_of(word: &str) -> Option<Schema> {
    match word {
        "facts" => Some(FACTS),
        "test" => Some(case::TEST),
        "person" => Some(PERSON),
        "account" => Some(ACCOUNT),
        _ => None,
    }
}

/// Reads a file with facts: `person` and `account` blocks, alone or inside of `facts`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_facts(path: &Path) -> Result<FactSheet, Complaints> {
    let (mut sources, log) = (Sources::default(), Log::default());
    let mut sheet = FactSheet::default();
    let schema = Schema { attributes: &[], blocks: &["facts", "person", "account"] };
    if let Some(file) = open(path, schema, &mut sources, &log) {
        read_sheet(&file, &mut sheet, &log);
        for block in file.blocks.iter().filter(|block| block.kind == "facts") {
            read_sheet(block, &mut sheet, &log);
        }
        if sheet.is_empty() {
            log.add(Fault::new(file.place, "there are no facts in this file"));
        }
    }
    if log.has_errors() { Err(log.complaints(&sources)) } else { Ok(sheet) }
}

/// Reads every `*.test.hcl` of a folder.
///
/// # Errors
/// Everything that is wrong with them, or that there is none.
pub fn read_tests(folder: &Path) -> Result<Vec<TestFile>, Complaints> {
    let (mut sources, log) = (Sources::default(), Log::default());
    let mut found = Vec::new();
    match Files::Disk.list(folder) {
        Ok(paths) => {
            let is_test = |path: &&PathBuf| path.to_string_lossy().ends_with(".test.hcl");
            for path in paths.iter().filter(is_test) {
                found.extend(read_test_file(path, &mut sources, &log));
            }
        }
        Err(error) => {
            let place = Place::new(sources.add(folder.display().to_string(), ""), None);
            log.add(Fault::new(place, format!("the folder `{}` cannot be read: {error}", folder.display())));
        }
    }
    if !log.has_errors() && found.iter().all(|file| file.cases.is_empty()) {
        let place = Place::new(sources.add(folder.display().to_string(), ""), None);
        let fault = Fault::new(place, format!("there are no tests in `{}`", folder.display()));
        log.add(fault.hint("a test is a block `test \"…\" { … }` in a file whose name ends in .test.hcl"));
    }
    if log.has_errors() { Err(log.complaints(&sources)) } else { Ok(found) }
}

fn read_test_file(path: &Path, sources: &mut Sources, log: &Log) -> Option<TestFile> {
    let file = open(path, FILE, sources, log)?;
    let mut facts = FactSheet::default();
    for block in file.blocks.iter().filter(|block| block.kind == "facts") {
        read_sheet(block, &mut facts, log);
    }
    let tests = file.blocks.iter().filter(|block| block.kind == "test");
    let cases: Vec<TestCase> = tests.filter_map(|block| case::read(block, sources, log)).collect();
    for (index, case) in cases.iter().enumerate() {
        if cases[..index].iter().any(|before| before.name == case.name) {
            log.add(Fault::new(case.at, format!("two tests of this file are called `{}`", case.name)));
        }
    }
    Some(TestFile { name: path.display().to_string(), facts, cases })
}

/// The file as one bag, if it can be read.
fn open(path: &Path, schema: Schema, sources: &mut Sources, log: &Log) -> Option<Bag> {
    let name = path.display().to_string();
    let text = match Files::Disk.read(path) {
        Ok(text) => text,
        Err(error) => {
            let place = Place::new(sources.add(name, ""), None);
            log.add(Fault::new(place, format!("this file cannot be read: {error}")));
            return None;
        }
    };
    let source = sources.add(name, &text);
    match hcl_edit::parser::parse_body(&text) {
        Ok(body) => Some(plain::file(source, &body, schema, log)),
        Err(error) => {
            log.add(syntax_fault(source, &text, &error));
            None
        }
    }
}

fn read_sheet(bag: &Bag, sheet: &mut FactSheet, log: &Log) {
    for block in &bag.blocks {
        let reader = Reader::new(block, log);
        let label = match block.labels.as_slice() {
            [label] => label,
            _ if block.kind == "facts" || block.kind == "test" => continue,
            _ => {
                log.add(Fault::new(block.place, format!("a `{}` needs one name", block.kind)));
                continue;
            }
        };
        match block.kind.as_str() {
            "person" if !is_email(&label.text) => {
                log.add(Fault::new(label.place, format!("`{}` is not an e-mail address", label.text)));
            }
            "person" if sheet.person(&Email::new(&label.text)).is_some() => {
                log.add(Fault::new(label.place, format!("`{}` is described twice", label.text)));
            }
            "person" => sheet.people.push(PersonSheet {
                email: Email::new(&label.text),
                usergroups: names(&reader, "usergroups", |text| text.trim_start_matches('@').to_owned()),
                channels: channels(&reader),
                idc_groups: names(&reader, "idc_groups", str::to_owned),
                is_guest: reader.flag("guest", false),
            }),
            "account" if !arn::is_account_id(&label.text) => {
                let message = format!("`{}` is not an account id: twelve digits in quotes", label.text);
                log.add(Fault::new(label.place, message));
            }
            "account" if sheet.account(&label.text).is_some() => {
                log.add(Fault::new(label.place, format!("`{}` is described twice", label.text)));
            }
            "account" => sheet.accounts.push(account(&reader, &label.text)),
            _ => {}
        }
    }
}

/// An account is known as a whole or not at all: half of it could hide a `deny`.
fn account(reader: &Reader<'_>, id: &str) -> AccountFacts {
    for name in ["ou", "tags"] {
        if reader.entry(name).is_none() {
            let fault =
                Fault::new(reader.bag.place, format!("an `account` needs `{name}`, which may be empty"));
            reader.complain(
                fault.hint("as in `ou = [\"ou-ab12-11111111\", \"r-ab12\"]` and `tags = { env = \"prod\" }`"),
            );
        }
    }
    let units = names(reader, "ou", |text| text.trim_start_matches("ou:").to_owned()).unwrap_or_default();
    let tags = reader.settings("tags").items;
    AccountFacts {
        id: id.to_owned(),
        units: units.into_iter().collect(),
        tags: tags.into_iter().map(|(key, setting)| (key, setting.value.text)).collect(),
    }
}

/// A list of names; `None` when it is not there.
fn names(reader: &Reader<'_>, name: &str, tidy: impl Fn(&str) -> String) -> Option<BTreeSet<String>> {
    match reader.texts(name) {
        Got::Given(texts) => Some(texts.items.iter().map(|text| tidy(&text.text)).collect()),
        Got::Absent | Got::Broken => None,
    }
}

fn channels(reader: &Reader<'_>) -> Option<BTreeSet<String>> {
    if let Got::Given(texts) = reader.texts("channels") {
        for text in texts.items.iter().filter(|text| !is_channel(&text.text)) {
            let message = format!("`{}` is not a Slack channel: write `#name` or its id", text.text);
            reader.complain(Fault::new(text.place, message));
        }
    }
    names(reader, "channels", str::to_owned)
}

/// Counts by name.
type Uses = BTreeMap<String, u32>;
