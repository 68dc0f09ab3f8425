//! `sym restore`: puts a backup into an empty folder, and compares it with AWS.

use super::{block_on, complain, say};
use crate::admin::compare;
use crate::aws::{Aws, Settings};
use crate::clock::Clock;
use crate::config::Environment;
use crate::store::Store;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of `sym restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder for the books: empty, or not there yet
    #[arg(long, env = "SYM_DATA", value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Compare every entitlement in the restored books with what AWS holds. Reads only
    #[arg(long)]
    verify: bool,
}

pub(super) fn restore(args: &RestoreArgs, environment: &Environment) -> ExitCode {
    let (store, saved) = match Store::restore(&args.file, &args.data) {
        Ok(restored) => restored,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::FAILURE;
        }
    };
    say(&format!(
        "{} rows restored to {}, up to commit {}. Access given after the backup was made is not in them.",
        saved.rows,
        args.data.display(),
        saved.commits
    ));
    match store.verify() {
        Ok(verdict) => match verdict.flaw {
            None => say(&format!("{} audit records, chain holds", verdict.records)),
            Some(flaw) => {
                complain(&format!("The audit trail was broken before the backup: {flaw}."));
                return ExitCode::FAILURE;
            }
        },
        Err(error) => {
            complain(&format!("The audit trail cannot be read: {error}."));
            return ExitCode::FAILURE;
        }
    }
    if args.verify { block_on(compared(&store, environment)) } else { ExitCode::SUCCESS }
}

async fn compared(store: &Store, environment: &Environment) -> ExitCode {
    let clock = Clock::System;
    let settings = Settings {
        endpoint_url: environment.get("AWS_ENDPOINT_URL").map(str::to_owned),
        region: environment
            .get("AWS_REGION")
            .or_else(|| environment.get("AWS_DEFAULT_REGION"))
            .map(str::to_owned),
        ..Settings::new(clock.as_function())
    };
    let aws = Aws::new(settings).await;
    let compared = compare(store, &aws, clock.now()).await;
    for difference in &compared.differences {
        say(difference);
    }
    say(&format!(
        "{} entitlements compared with AWS, {} different",
        compared.all,
        compared.differences.len()
    ));
    if compared.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
