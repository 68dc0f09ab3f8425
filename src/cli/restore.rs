//! `sym restore`: puts a backup into an empty folder, and compares it with AWS.

use super::{block_on, complain, say};
use crate::access::{Custody, Entitlement, RequestId, Timestamp};
use crate::aws::{Aws, Session, Settings};
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
    if args.verify { block_on(compare(&store, environment)) } else { ExitCode::SUCCESS }
}

async fn compare(store: &Store, environment: &Environment) -> ExitCode {
    let clock = Clock::System;
    let settings = Settings {
        endpoint_url: environment.get("AWS_ENDPOINT_URL").map(str::to_owned),
        region: environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION")).map(str::to_owned),
        ..Settings::new(clock.as_function())
    };
    let aws = Aws::new(settings).await;
    let (mut all, mut different) = (0, 0);
    for entitlement in store.entitlements() {
        all += 1;
        let seen = look(&aws, &entitlement).await;
        if let Some(what) = difference(&entitlement, &seen, clock.now()) {
            different += 1;
            say(&format!("{}: {what}", entitlement.id));
        }
    }
    say(&format!("{all} entitlements compared with AWS, {different} different"));
    if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A read; nothing here can write.
async fn look(aws: &Aws, entitlement: &Entitlement) -> Result<bool, String> {
    let name = RequestId::new("sym-restore");
    let session = Session {
        connection: &entitlement.connection,
        name: &name,
        source_identity: entitlement.holder.email.as_ref(),
    };
    aws.look(&session, &entitlement.principal, &entitlement.resource).await.map_err(|error| error.to_string())
}

/// What a person should know before the bot starts on these books.
fn difference(entitlement: &Entitlement, seen: &Result<bool, String>, now: Timestamp) -> Option<String> {
    let seen = match seen {
        Ok(seen) => *seen,
        Err(why) => return Some(format!("AWS could not be read, so nothing is known: {why}")),
    };
    let is_overdue = !entitlement.claims.is_empty()
        && entitlement.claims.values().all(|claim| claim.latest_end().is_some_and(|end| end <= now));
    let said = match (&entitlement.custody, seen) {
        (Custody::Held { .. }, true) if is_overdue => {
            "its time is up and AWS still holds it; the bot takes it when it starts"
        }
        (Custody::Held { .. } | Custody::Granting { .. }, true)
        | (Custody::Revoking { .. } | Custody::Looking { .. }, false) => return None,
        (Custody::Held { .. }, false) => "held in the books, and AWS does not hold it: it was taken since",
        (Custody::Granting { .. }, false) => {
            "being given in the books, and AWS does not hold it; the bot gives it when it starts, if its time has not passed"
        }
        (Custody::Revoking { .. }, true) => "being taken in the books, and AWS holds it; the bot takes it when it starts",
        (Custody::Looking { .. }, true) => {
            "not yet given in the books, and AWS holds it: the bot will take it for access the person already had, \
             and leave it. If the bot gave it after the backup, take it by hand"
        }
    };
    let by_hand = if seen { format!(". By hand: {}", entitlement.by_hand()) } else { String::new() };
    Some(format!("{said}{by_hand}"))
}
