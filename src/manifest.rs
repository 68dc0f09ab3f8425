//! Turns HCL text into a catalog of flows, or into all complaints at once, each with its place.
//!
//! The way through this room: `files` reads, `tree` takes the texts apart, `world` and `eval` say what
//! names and expressions are worth, `bag` and `reader` give blocks their types, `read` makes records of
//! them, and `link` puts the records together.

mod arn;
mod bag;
mod catalog;
mod complaint;
mod describe;
mod eval;
mod expand;
mod files;
mod link;
mod nearest;
mod read;
mod reader;
mod schema;
mod sheet;
mod source;
mod terraform;
mod tree;
mod unclosed;
mod value;
mod variable;
mod world;

pub use catalog::{Catalog, FlowEntry, Identity, Integration};
pub use complaint::{Also, Complaint, Complaints, Severity};
pub use describe::{describe, people as describe_people};
pub use sheet::{Expect, FactSheet, PersonSheet, TestCase, TestFile, read_facts, read_tests};

use files::Files;
use hcl_edit::Span as _;
use source::{Fault, Log, Place, Sources};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use terraform::Known;
use tree::{Parser, Tree};
use variable::Given;
use world::World;

/// What is said beside the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Values of variables by name: `--var` and `SYM_VAR_…`.
    pub vars: BTreeMap<String, String>,
    /// Files with what Terraform knows: `--terraform`. Later ones win.
    pub terraform: Vec<PathBuf>,
    /// The channel of flows that name none: `--channel`, `SYM_CHANNEL`.
    pub channel: Option<String>,
}

/// A manifest in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What it offers.
    pub catalog: Catalog,
    /// What somebody should look at all the same.
    pub warnings: Complaints,
}

/// The room that a deep manifest needs: evaluation calls itself.
const STACK: usize = 64 * 1024 * 1024;

/// Reads the manifest in a folder.
///
/// # Errors
/// Everything that is wrong with it, warnings too, in the order of files and lines.
pub fn load(folder: &Path, options: &Options) -> Result<Loaded, Complaints> {
    load_from(&Files::Disk, folder, options)
}

/// Reads a manifest that is on no disk: texts by file name, in one folder of that name.
///
/// # Errors
/// As for [`load`].
pub fn load_texts(folder: &str, texts: &[(&str, &str)], options: &Options) -> Result<Loaded, Complaints> {
    let folder = Path::new(folder);
    let texts = texts.iter().map(|(name, text)| (folder.join(name), (*text).to_owned())).collect();
    load_from(&Files::Memory(texts), folder, options)
}

/// The folders a manifest is read from: its own, and those of its local modules, wherever they are and
/// whether or not they are there.
pub fn folders(folder: &Path) -> Vec<PathBuf> {
    let (mut sources, log) = (Sources::default(), Log::default());
    let files = Files::Disk;
    let tree = Parser { files: &files, sources: &mut sources, log: &log }.tree(folder);
    let mut all: Vec<PathBuf> = tree.folders.iter().flat_map(tree::Folder::reaches).collect();
    all.sort();
    all.dedup();
    all
}

fn load_from(files: &Files, folder: &Path, options: &Options) -> Result<Loaded, Complaints> {
    std::thread::scope(|scope| {
        let work = || read_all(files, folder, options);
        let thread = std::thread::Builder::new().name("manifest".to_owned()).stack_size(STACK);
        let done = thread.spawn_scoped(scope, work).map(std::thread::ScopedJoinHandle::join);
        match done {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(_)) => Err(outside(folder, "reading this manifest failed: this is a mistake of the bot")),
            Err(error) => Err(outside(folder, &format!("no thread to read this manifest: {error}"))),
        }
    })
}

/// A complaint about no text at all.
fn outside(folder: &Path, message: &str) -> Complaints {
    let (mut sources, log) = (Sources::default(), Log::default());
    let place = Place::new(sources.add(folder.display().to_string(), ""), None);
    log.add(Fault::new(place, message));
    log.complaints(&sources)
}

fn read_all(files: &Files, folder: &Path, options: &Options) -> Result<Loaded, Complaints> {
    let (mut sources, log) = (Sources::default(), Log::default());
    let tree = Parser { files, sources: &mut sources, log: &log }.tree(folder);
    let known = terraform_files(files, options, &mut sources, &log);
    let texts = command_line(options, &tree, &mut sources, &log);
    let channel = options.channel.clone().filter(|channel| {
        let ok = read::is_channel(channel);
        if !ok {
            let source = sources.add("--channel", channel);
            let place = Place { source, start: 0, end: channel.len() };
            log.add(Fault::new(place, "this has to be a Slack channel: `#name` or its id"));
        }
        ok
    });
    let mut world = World::new(&tree, files, &log, &known);
    world.given = given(&tree, texts, &log);
    let records = read::read(&world);
    let partial = tree.folders.iter().any(|folder| folder.partial);
    let linker = link::Linker { records: &records, sources: &sources, log: &log, channel, partial };
    let catalog = linker.catalog();
    let complete = catalog.flows.len() == records.flows.len();
    if !complete && !log.has_errors() {
        // Never reached as long as whatever leaves a flow out complains; but nothing wrong may load.
        return Err(outside(folder, "a flow could not be read, and nothing says why: a mistake of the bot"));
    }
    let complaints = log.complaints(&sources);
    if log.has_errors() { Err(complaints) } else { Ok(Loaded { catalog, warnings: complaints }) }
}

fn terraform_files(files: &Files, options: &Options, sources: &mut Sources, log: &Log) -> Known {
    let mut known = Known::default();
    for path in &options.terraform {
        match files.read(path) {
            Ok(text) => known.add(path, &text, sources, log),
            Err(error) => {
                let place = Place::new(sources.add(path.display().to_string(), ""), None);
                log.add(Fault::new(place, format!("this file cannot be read: {error}")));
            }
        }
    }
    known
}

/// The values from the command line, each with a place of its own.
fn command_line(
    options: &Options,
    tree: &Tree,
    sources: &mut Sources,
    log: &Log,
) -> Vec<(String, String, Place)> {
    let mut texts = Vec::new();
    for (name, text) in &options.vars {
        let shown = format!("{name}={text}");
        let source = sources.add(format!("--var {name}"), &shown);
        let place = Place { source, start: name.len() + 1, end: shown.len() };
        let declared =
            tree.folders.first().is_none_or(|root| root.partial || root.variables.contains_key(name));
        if !declared {
            let place = Place { source, start: 0, end: name.len() };
            log.add(Fault::warning(place, format!("there is no variable `{name}`")));
        }
        texts.push((name.clone(), text.clone(), place));
    }
    texts
}

/// The values of the operator's variables: files first, the command line last.
fn given<'a>(tree: &'a Tree, texts: Vec<(String, String, Place)>, log: &Log) -> BTreeMap<String, Given<'a>> {
    let mut given = BTreeMap::new();
    for (source, body) in &tree.values {
        for structure in body {
            let Some(attribute) = structure.as_attribute() else {
                let place = Place::new(*source, structure.span());
                log.add(Fault::new(place, "a values file holds `name = value` only"));
                continue;
            };
            let name = attribute.key.as_str();
            let key_place = Place::new(*source, attribute.key.span());
            let root = tree.folders.first();
            if root.is_some_and(|root| !root.partial && !root.variables.contains_key(name)) {
                log.add(Fault::warning(key_place, format!("there is no variable `{name}`")));
            }
            let place = Place::new(*source, attribute.value.span());
            let value = Given::Expression { source: *source, place, value: &attribute.value };
            given.insert(name.to_owned(), value);
        }
    }
    for (name, text, place) in texts {
        given.insert(name, Given::Text { text, place });
    }
    given
}

#[cfg(test)]
mod tests;
