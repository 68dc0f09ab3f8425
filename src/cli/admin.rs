//! `sym admin` and `sym backup`: what an operator asks of a bot that runs.

use super::audit::{DataArg, RangeArgs};
use super::{block_on, complain, say};
use crate::access::RequestId;
use crate::admin::{Ask, Line, call};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct AdminArgs {
    #[command(flatten)]
    data: DataArg,
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// List open requests and live claims: id, who, target, status, until when
    List {
        /// Those that are over, too
        #[arg(long)]
        all: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show everything about one request, as JSON
    Show {
        /// The request, as `sym admin list` and its card name it
        #[arg(value_name = "ID")]
        request: String,
    },
    /// End one access now, or close a request that waits; returns when AWS was seen without it
    Revoke {
        /// The request
        #[arg(value_name = "ID")]
        request: String,
        /// Why: the requester, the card and the audit trail say it
        #[arg(long, value_name = "TEXT")]
        because: String,
    },
    /// End all access the bot has given; returns when AWS was seen without any of it
    RevokeAll {
        /// Why: everybody who loses access reads it
        #[arg(long, value_name = "TEXT")]
        because: String,
        /// Yes, all of it
        #[arg(long)]
        yes: bool,
    },
    /// Write the audit trail to standard output, one JSON object a line
    Audit {
        #[command(flatten)]
        range: RangeArgs,
    },
}

pub(super) fn admin(args: &AdminArgs) -> ExitCode {
    let (ask, show): (Ask, fn(&Value)) = match &args.command {
        AdminCommand::List { all, json } => {
            (Ask::List { all: *all }, if *json { print_json } else { print_row })
        }
        AdminCommand::Show { request } => (Ask::Show { request: RequestId::new(request) }, print_pretty),
        AdminCommand::Revoke { request, because } => {
            (Ask::Revoke { request: RequestId::new(request), because: because.clone() }, print_json)
        }
        AdminCommand::RevokeAll { yes: false, .. } => {
            complain("This ends all access the bot has given, at once. Say --yes to do it.");
            return ExitCode::FAILURE;
        }
        AdminCommand::RevokeAll { because, .. } => (Ask::RevokeAll { because: because.clone() }, print_json),
        AdminCommand::Audit { range } => (Ask::Audit { since: range.since, until: range.until }, print_json),
    };
    if matches!(args.command, AdminCommand::List { json: false, .. }) {
        return list(&args.data.data, &ask);
    }
    ask_bot(&args.data.data, &ask, show)
}

/// A table: its head is there when there is an answer, and no answer is no table.
fn list(data: &Path, ask: &Ask) -> ExitCode {
    let head = || say(&row(["REQUEST", "WHO", "STATUS", "UNTIL", "TARGET"]));
    let mut has_head = false;
    let code = ask_and(data, ask, &mut |item| {
        if !std::mem::replace(&mut has_head, true) {
            head();
        }
        print_row(item);
    });
    if code == ExitCode::SUCCESS && !has_head {
        head();
    }
    code
}

/// `sym backup`: the running bot writes the file.
pub(super) fn backup(file: &Path, data: &DataArg) -> ExitCode {
    // The bot may run in another folder.
    match std::path::absolute(file) {
        Ok(file) => ask_bot(&data.data, &Ask::Backup { file }, print_json),
        Err(error) => {
            complain(&format!("{} cannot be written: {error}.", file.display()));
            ExitCode::FAILURE
        }
    }
}

fn ask_bot(data: &Path, ask: &Ask, mut show: fn(&Value)) -> ExitCode {
    ask_and(data, ask, &mut show)
}

fn ask_and(data: &Path, ask: &Ask, show: &mut (dyn FnMut(&Value) + Send)) -> ExitCode {
    block_on(async {
        let mut take = |line| match line {
            Line::Item(item) => show(&item),
            Line::Said(text) => say(&text),
            Line::Done | Line::Failed(_) => {}
        };
        match call(data, ask, &mut take).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error.to_string());
                ExitCode::FAILURE
            }
        }
    })
}

fn print_json(item: &Value) {
    say(&item.to_string());
}

fn print_pretty(item: &Value) {
    say(&format!("{item:#}"));
}

fn print_row(item: &Value) {
    let of = |name: &str| item[name].as_str().unwrap_or("–").to_owned();
    let cells = ["id", "who", "status", "ends", "target"].map(of);
    say(&row(cells.each_ref().map(String::as_str)));
}

fn row(cells: [&str; 5]) -> String {
    let [id, who, status, ends, target] = cells;
    format!("{id:<13}  {who:<12}  {status:<12}  {ends:<24}  {target}")
}

/// The arguments of `sym backup`.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The new file: it must not exist
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) data: DataArg,
}
