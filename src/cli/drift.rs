//! `sym drift`: what AWS holds and no claim explains, and the other way round.

use super::audit::DataArg;
use super::{block_on, complain, say};
use crate::admin::{Ask, CallError, Line, call};
use clap::Args;
use serde_json::Value;
use std::fmt::Write as _;
use std::process::ExitCode;

/// AWS and the books differ, or could not be compared.
const DIFFERS: u8 = 2;

#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    /// Compare AWS with the books first; otherwise what the last comparison has shown
    #[arg(long)]
    now: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArg,
}

pub(super) fn drift(args: &DriftArgs) -> ExitCode {
    block_on(async {
        let mut found = None;
        let mut take = |line| {
            if let Line::Item(item) = line {
                found = Some(item);
            }
        };
        let asked = call(&args.data.data, &Ask::Drift { now: args.now }, &mut take).await;
        match (asked, found) {
            (Ok(()), Some(found)) => {
                say(&if args.json { format!("{found:#}") } else { table(&found) });
                if found["agrees"] == true { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) }
            }
            (Ok(()), None) => {
                complain("The bot answered nothing: it may be of another version than this command.");
                ExitCode::FAILURE
            }
            (Err(error), _) => {
                complain(&error.to_string());
                if matches!(error, CallError::NoBot { .. }) {
                    complain(
                        "Only a running bot compares AWS with its books, because only it knows what it is about to \
                         give and to take: start it, and say `sym drift --now`.",
                    );
                }
                ExitCode::FAILURE
            }
        }
    })
}

/// For people: a part for each kind of finding, with what to do.
pub(crate) fn table(found: &Value) -> String {
    let list = |name: &str| found[name].as_array().cloned().unwrap_or_default();
    let mut out = headline(found);
    let unclaimed = list("held_and_not_claimed");
    // Writing to a String does not fail.
    if !unclaimed.is_empty() {
        let _ = writeln!(out, "\nHELD AND NOT CLAIMED ({}): nobody removes these but you", unclaimed.len());
        for item in &unclaimed {
            let _ = writeln!(
                out,
                "  {}: {}, since {}\n    {}",
                text(item, "who"),
                text(item, "what"),
                text(item, "since"),
                text(item, "removed_by_hand_with")
            );
        }
    }
    let missing = list("claimed_and_not_held");
    if !missing.is_empty() {
        let _ = writeln!(
            out,
            "\nCLAIMED AND NOT HELD ({}): closed or given again, as the flow says",
            missing.len()
        );
        for item in &missing {
            let requests = item["requests"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let requests: Vec<String> = requests.map(plain).collect();
            let _ = writeln!(
                out,
                "  {}: `sym admin show {}`",
                text(item, "id"),
                requests.join("`, `sym admin show ")
            );
        }
    }
    let unknown = list("unknown");
    if !unknown.is_empty() {
        let _ = writeln!(out, "\nNOT KNOWN ({}): nothing is concluded from these", unknown.len());
        for item in &unknown {
            let (what, since, why) = (text(item, "what"), text(item, "since"), text(item, "why"));
            let _ = writeln!(out, "  {what}, since {since}\n    {why}");
        }
    }
    if let Some(more @ 1..) = found["not_listed"].as_u64() {
        let _ = writeln!(out, "\nAnd {more} more, which are not listed.");
    }
    if found["agrees"] == true {
        out.push_str("They agree.\n");
    }
    out.truncate(out.trim_end().len());
    out
}

/// How old this is, and whether it may be too old.
fn headline(found: &Value) -> String {
    let outdated = match found["outdated"].as_str() {
        Some(why) => format!("OUT OF DATE, because {}. ", plain(why)),
        None => String::new(),
    };
    format!(
        "{outdated}AWS was compared with the books at {} ({} ago); {} parts of it were read whole.\n",
        text(found, "compared"),
        ago(found["seconds_ago"].as_i64().unwrap_or_default()),
        found["read"]
    )
}

fn text(item: &Value, name: &str) -> String {
    plain(item[name].as_str().unwrap_or("–"))
}

fn ago(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3_600),
    }
}

/// Names in AWS are written by others: nothing in them may steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_for_people() {
        let found = json!({
            "compared": "2026-11-20T09:00:00.000Z", "seconds_ago": 3_000, "read": 12, "agrees": false,
            "held_and_not_claimed": [{
                "who": "ana\u{1b}[2J@example.com", "id": "u-1", "what": "Prod admin in account 111122223333",
                "since": "2026-11-20T08:00:00.000Z", "removed_by_hand_with": "aws sso-admin delete-account-assignment",
            }],
            "claimed_and_not_held": [{ "id": "u-2", "requests": ["r1", "r2"] }],
            "unknown": [{ "what": "Prod support", "since": "2026-11-20T08:00:00.000Z", "why": "throttled" }],
        });
        insta::assert_snapshot!(table(&found), @"
        AWS was compared with the books at 2026-11-20T09:00:00.000Z (50 minutes ago); 12 parts of it were read whole.

        HELD AND NOT CLAIMED (1): nobody removes these but you
          ana?[2J@example.com: Prod admin in account 111122223333, since 2026-11-20T08:00:00.000Z
            aws sso-admin delete-account-assignment

        CLAIMED AND NOT HELD (1): closed or given again, as the flow says
          u-2: `sym admin show r1`, `sym admin show r2`

        NOT KNOWN (1): nothing is concluded from these
          Prod support, since 2026-11-20T08:00:00.000Z
            throttled
        ");
    }

    #[test]
    fn what_is_out_of_date_says_so_first() {
        let found = json!({
            "compared": "2026-11-20T09:00:00.000Z", "seconds_ago": 90_000, "read": 12, "agrees": false,
            "outdated": "the last try failed: the store could not be read or written: torn", "not_listed": 7,
            "held_and_not_claimed": [], "claimed_and_not_held": [], "unknown": [],
        });
        insta::assert_snapshot!(table(&found), @"
        OUT OF DATE, because the last try failed: the store could not be read or written: torn. AWS was compared with the books at 2026-11-20T09:00:00.000Z (25 hours ago); 12 parts of it were read whole.

        And 7 more, which are not listed.
        ");
    }

    #[test]
    fn nothing_to_say() {
        let found = json!({
            "compared": "2026-11-20T09:00:00.000Z", "seconds_ago": 7, "read": 12, "agrees": true,
            "held_and_not_claimed": [], "claimed_and_not_held": [], "unknown": [],
        });
        insta::assert_snapshot!(table(&found), @"
        AWS was compared with the books at 2026-11-20T09:00:00.000Z (7 seconds ago); 12 parts of it were read whole.
        They agree.
        ");
    }
}
