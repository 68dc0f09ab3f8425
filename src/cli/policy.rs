//! `sym explain`, `sym policy test`, `sym policy diff`: the rules without the bot.

use super::check::load;
use super::live::Way;
use super::{block_on, complain, complain_about, say};
use crate::access::{AccessRequest, Email, FlowName, RequestId, Span, TargetName};
use crate::admin;
use crate::config::{Environment, ManifestArgs, manifest_options};
use crate::manifest::{Complaints, FactSheet, Options, read_facts, read_tests};
use crate::rehearsal::{self, Change, Outcome, Report, Wish};
use crate::store::Store;
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `sym explain` is asked.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The folder with the flows
    #[arg(value_name = "DIR", env = "SYM_MANIFESTS", default_value = "manifests")]
    folder: PathBuf,
    /// Who asks, by e-mail address
    #[arg(long = "as", value_name = "EMAIL")]
    asks: String,
    /// With which flow
    #[arg(long)]
    flow: String,
    /// For which target
    #[arg(long)]
    target: Option<String>,
    /// In which account, where the request names it
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// For how long, such as `2h`
    #[arg(long)]
    duration: Option<String>,
    /// Say that it is an emergency
    #[arg(long)]
    emergency: bool,
    /// An answer to another field of the form; repeatable
    #[arg(long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// How often the person has used a capped rule; repeatable
    #[arg(long = "uses", value_name = "RULE=NUMBER")]
    uses: Vec<String>,
    /// What is known about people and accounts; Slack and AWS are not asked then
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
    /// Where Slack's Web API is
    #[arg(long, env = "SYM_SLACK_API_URL", value_name = "URL", default_value = "https://slack.com/api")]
    slack_api_url: String,
    #[command(flatten)]
    manifest: ManifestArgs,
}

/// `sym policy …`
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Run the tests in the *.test.hcl files beside the manifests
    Test {
        /// The folder with the flows
        #[arg(value_name = "DIR", env = "SYM_MANIFESTS", default_value = "manifests")]
        folder: PathBuf,
        #[command(flatten)]
        manifest: ManifestArgs,
    },
    /// Say what a change of the manifests newly allows or forbids
    ///
    /// Ends with 0 when nothing differs, with 2 when something does, with 1 when that could not be found out.
    Diff {
        /// The folder with the flows as they are
        old: PathBuf,
        /// The folder with the flows as they would be
        new: PathBuf,
        /// What is known about people and accounts
        #[arg(long, value_name = "FILE")]
        facts: Option<PathBuf>,
        /// The folder with the books: live access that the new rules would not allow is listed
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// A bot runs on these books: ask it, over the socket of `sym admin`
        #[arg(long, requires = "data")]
        live: bool,
        #[command(flatten)]
        manifest: ManifestArgs,
    },
}

/// What keeps a command from being done. Complaints about manifests have been made.
type Stopped = ExitCode;

pub(super) fn explain(args: &ExplainArgs, environment: &Environment) -> ExitCode {
    finish(try_to_explain(args, environment))
}

pub(super) fn policy(command: &PolicyCommand, environment: &Environment) -> ExitCode {
    finish(match command {
        PolicyCommand::Test { folder, manifest } => test(folder, manifest, environment),
        PolicyCommand::Diff { old, new, facts, data, live, manifest } => {
            let books = data
                .as_deref()
                .map(|folder| if *live { Books::Live(folder) } else { Books::Stopped(folder) });
            diff((old, new), facts.as_deref(), books, manifest, environment)
        }
    })
}

fn finish(done: Result<Report, Stopped>) -> ExitCode {
    match done {
        Ok(report) if report.outcome == Outcome::Failed && report.text.starts_with("error: ") => {
            complain(report.text.trim_end());
            ExitCode::from(report.outcome.exit_code())
        }
        Ok(report) => {
            say(report.text.trim_end());
            ExitCode::from(report.outcome.exit_code())
        }
        Err(code) => code,
    }
}

fn options(args: &ManifestArgs, environment: &Environment) -> Result<Options, Stopped> {
    manifest_options(args, environment).map_err(|wrong| complain_about("The settings are not right:", &wrong))
}

fn told<T>(read: Result<T, Complaints>) -> Result<T, Stopped> {
    read.map_err(|complaints| {
        complain(&complaints.render(std::io::stderr().is_terminal()));
        ExitCode::FAILURE
    })
}

fn facts(path: Option<&Path>) -> Result<Option<FactSheet>, Stopped> {
    path.map(|path| told(read_facts(path))).transpose()
}

fn try_to_explain(args: &ExplainArgs, environment: &Environment) -> Result<Report, Stopped> {
    let options = options(&args.manifest, environment)?;
    let wish = wish(args).map_err(|wrong| complain_about("The question is not right:", &wrong))?;
    let catalog = load(&args.folder, &options).ok_or(ExitCode::FAILURE)?;
    let sheet = facts(args.facts.as_deref())?;
    if sheet.is_none()
        && let Some(way) = Way::of(environment, &args.slack_api_url)
    {
        return super::live::explain(way, catalog, &wish);
    }
    Ok(rehearsal::explain(&catalog, sheet.as_ref(), &wish))
}

/// The question, or everything that is wrong with it.
fn wish(args: &ExplainArgs) -> Result<Wish, Vec<String>> {
    let mut wrong = Vec::new();
    if !args.asks.contains('@') {
        wrong.push(format!("--as `{}` is not an e-mail address", args.asks));
    }
    let duration = args.duration.as_deref().map(Span::parse).transpose();
    let duration = duration.unwrap_or_else(|error| {
        wrong.push(format!("--duration: {error}"));
        None
    });
    let pairs = |name: &str, given: &[String], wrong: &mut Vec<String>| {
        let mut pairs = BTreeMap::new();
        for text in given {
            match text.split_once('=') {
                Some((key, value)) if !key.is_empty() => {
                    pairs.insert(key.to_owned(), value.to_owned());
                }
                _ => wrong.push(format!("{name} `{text}` is not of the form NAME=VALUE")),
            }
        }
        pairs
    };
    let fields = pairs("--field", &args.fields, &mut wrong);
    let mut uses = BTreeMap::new();
    for (rule, number) in pairs("--uses", &args.uses, &mut wrong) {
        match number.parse() {
            Ok(number) => {
                uses.insert(rule, number);
            }
            Err(_) => wrong.push(format!("--uses `{rule}={number}`: that is not a number")),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok(Wish {
        asks: Email::new(&args.asks),
        flow: FlowName::new(args.flow.as_str()),
        target: args.target.as_deref().map(TargetName::new),
        account: args.account.clone(),
        duration,
        is_emergency: args.emergency,
        uses,
        fields,
    })
}

fn test(folder: &Path, args: &ManifestArgs, environment: &Environment) -> Result<Report, Stopped> {
    let options = options(args, environment)?;
    let catalog = load(folder, &options).ok_or(ExitCode::FAILURE)?;
    let files = told(read_tests(folder))?;
    Ok(rehearsal::verify(&catalog, &files))
}

fn diff(
    (old, new): (&Path, &Path),
    facts_file: Option<&Path>,
    books: Option<Books<'_>>,
    args: &ManifestArgs,
    environment: &Environment,
) -> Result<Report, Stopped> {
    let options = options(args, environment)?;
    let (old, new) = (load(old, &options), load(new, &options));
    let (Some(old), Some(new)) = (old, new) else { return Err(ExitCode::FAILURE) };
    let sheet = facts(facts_file)?;
    let live = books.map(requests).transpose()?;
    let change = Change { old: &old, new: &new, sheet: sheet.as_ref(), live: live.as_deref() };
    Ok(rehearsal::compare(&change))
}

/// Where the requests are.
#[derive(Clone, Copy)]
enum Books<'a> {
    /// In the folder of a bot that is stopped.
    Stopped(&'a Path),
    /// In the hands of the bot that runs on this folder.
    Live(&'a Path),
}

fn requests(books: Books<'_>) -> Result<Vec<AccessRequest>, Stopped> {
    let stop = |what: String| {
        complain(&what);
        ExitCode::FAILURE
    };
    let data = match books {
        Books::Stopped(data) => data,
        Books::Live(data) => return open_requests(data).map_err(stop),
    };
    // Opening what is not there would make it.
    if !data.is_dir() {
        return Err(stop(format!("--data `{}` is not a folder", data.display())));
    }
    let store = Store::open_whole(data).map_err(|error| stop(error.to_string()))?;
    Ok(store.requests().collect())
}

/// The open requests of the bot that runs on this folder. One that is over by the time it is asked about
/// is over in the answer too.
fn open_requests(data: &Path) -> Result<Vec<AccessRequest>, String> {
    let mut read = Err("the bot was not asked".to_owned());
    block_on(async {
        read = ask_for_requests(data).await;
        ExitCode::SUCCESS
    });
    read
}

async fn ask_for_requests(data: &Path) -> Result<Vec<AccessRequest>, String> {
    let mut listed = Vec::new();
    items(data, &admin::Ask::List { all: false }, &mut listed).await?;
    let mut shown = Vec::new();
    for item in &listed {
        let id = item["id"].as_str().unwrap_or_default();
        items(data, &admin::Ask::Show { request: RequestId::new(id) }, &mut shown).await?;
    }
    let unreadable = |error| format!("the bot's answer cannot be read: {error}. Is it of another version?");
    shown
        .into_iter()
        .map(|mut item| serde_json::from_value(item["request"].take()).map_err(unreadable))
        .collect()
}

async fn items(data: &Path, ask: &admin::Ask, found: &mut Vec<serde_json::Value>) -> Result<(), String> {
    let mut take = |line| {
        if let admin::Line::Item(item) = line {
            found.push(item);
        }
    };
    admin::call(data, ask, &mut take).await.map_err(|error| error.to_string())
}
