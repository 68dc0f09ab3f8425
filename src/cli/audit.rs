//! `sym audit`: the trail of a bot that is stopped.

use super::{complain, say};
use crate::access::{Span, Timestamp};
use crate::clock::Clock;
use crate::store::{OpenError, Store};
use clap::{Args, Subcommand};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Read the whole trail and name the first record that was removed, altered, reordered or torn
    ///
    /// Exits with 1 when one was. Also prints the hash that ends the trail: kept elsewhere, it shows
    /// later that nothing before it was rewritten.
    Verify {
        #[command(flatten)]
        data: DataArg,
    },
    /// Write the trail to standard output, one JSON object a line
    Export {
        #[command(flatten)]
        data: DataArg,
        #[command(flatten)]
        range: RangeArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct DataArg {
    /// The folder with the books
    #[arg(long, global = true, env = "SYM_DATA", value_name = "DIR", default_value = "data")]
    pub(super) data: PathBuf,
}

/// A part of the trail.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct RangeArgs {
    /// From then on: a moment such as `2026-11-20T06:00:00Z`, or so long ago, such as `36h`
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(super) since: Option<Timestamp>,
    /// Until before then, written the same way
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub(super) until: Option<Timestamp>,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    if let Some(at) = Timestamp::parse_rfc3339(text) {
        return Ok(at);
    }
    Span::parse(text).map(|ago| Clock::System.now() - ago).map_err(|_| {
        "write a moment such as `2026-11-20T06:00:00Z`, or how long ago, such as `36h` or `7d`".to_owned()
    })
}

pub(super) fn audit(command: &AuditCommand) -> ExitCode {
    match command {
        AuditCommand::Verify { data } => with_store(&data.data, verify),
        AuditCommand::Export { data, range } => with_store(&data.data, |store| export(store, *range)),
    }
}

/// Opens the books of a bot that is stopped; never makes new ones.
fn with_store(data: &Path, work: impl FnOnce(&Store) -> Result<ExitCode, String>) -> ExitCode {
    if !data.join("store").is_dir() {
        complain(&format!(
            "No books are in {}: name the bot's folder with --data or SYM_DATA.",
            data.display()
        ));
        return ExitCode::FAILURE;
    }
    let outcome = match Store::open_whole(data) {
        Ok(store) => work(&store),
        Err(OpenError::InUse { .. }) => {
            Err(format!("A bot is using {}: stop the bot, or use `sym admin audit`.", data.display()))
        }
        Err(error) => Err(format!("The books cannot be read: {error}.")),
    };
    outcome.unwrap_or_else(|why| {
        complain(&why);
        ExitCode::FAILURE
    })
}

fn verify(store: &Store) -> Result<ExitCode, String> {
    let verdict = store.verify().map_err(|error| format!("The trail cannot be read: {error}."))?;
    let Some(flaw) = verdict.flaw else {
        say(&format!("{} records, chain holds", verdict.records));
        say(&format!("it ends with {}", verdict.end));
        return Ok(ExitCode::SUCCESS);
    };
    Err(format!("{} records, and the chain is broken: {flaw}.", verdict.records))
}

fn export(store: &Store, range: RangeArgs) -> Result<ExitCode, String> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for kept in store.trail(range.since, range.until) {
        let kept =
            kept.map_err(|error| format!("The trail cannot be read: {error}. See `sym audit verify`."))?;
        if writeln!(out, "{}", kept.to_json()).is_err() {
            // A closed pipe ends the reader's interest.
            return Ok(ExitCode::SUCCESS);
        }
    }
    drop(out.flush());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_both_ways() {
        assert_eq!(moment("2023-11-14T22:13:20Z"), Ok(Timestamp::from_millis(1_700_000_000_000)));
        let ago = Clock::System.now().since(moment("36h").unwrap());
        assert!(ago >= Span::hours(36) && ago < Span::hours(37), "{ago}");
        assert!(moment("yesterday").is_err());
    }
}
