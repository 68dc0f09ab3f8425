//! What the people who run the bot are told in the error channel.

use super::{Message, words::sentence};
use crate::slack::mrkdwn::{code_block, cut, inline, length};

/// Findings listed one by one.
const LISTED: usize = 15;
/// Longest list, and longest text of a complaint.
const LONG: usize = 2800;

/// Rules that nobody could satisfy at this moment, each finding in a sentence.
pub fn unreachable(findings: &[String]) -> Message {
    let mut lines: Vec<String> =
        findings.iter().take(LISTED).map(|finding| format!("• {}", cut(&inline(finding), 180))).collect();
    if findings.len() > LISTED {
        lines.push(format!("• and {} more", findings.len() - LISTED));
    }
    Message::of(&[
        ":warning: These rules cannot be satisfied right now:".to_owned(),
        lines.join("\n"),
        "Requests under them may lapse unanswered.".to_owned(),
    ])
}

/// The manifests have changed and are in force; `what` is a sentence about them, or nothing.
pub fn manifests_reloaded(what: &str) -> Message {
    let what = sentence(what);
    let space = if what.is_empty() { "" } else { " " };
    Message::of(&[format!(":white_check_mark: The changed manifests are in force.{space}{what}")])
}

/// The manifests have changed and are wrong; `what` are the complaints as `sym check` prints them.
pub fn manifests_broken(what: &str) -> Message {
    let block = code_block(what);
    let block = if length(&block) <= LONG { block } else { format!("{}```", cut(&block, LONG - 3)) };
    Message::of(&[":warning: The manifests have errors; the last good ones stay in force.".to_owned(), block])
}
