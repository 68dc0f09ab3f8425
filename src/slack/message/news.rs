//! What the people who run the bot are told in the error channel.

use super::{Message, words::sentence};
use crate::access::Span;
use crate::slack::mrkdwn::{code, code_block, cut, inline, length};

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

/// Access in AWS that no request covers, each `who: what`.
pub fn unclaimed(found: &[String]) -> Message {
    let count = found.len();
    let times = if count == 1 { "one access".to_owned() } else { format!("{count} accesses") };
    let mut lines = vec![format!(":warning: AWS holds {times} that no request through this bot covers.")];
    if count <= LISTED {
        let found: Vec<String> = found.iter().map(|line| format!("• {}", cut(&inline(line), 180))).collect();
        lines.push(found.join("\n"));
    }
    lines.push(format!(
        "The bot has removed nothing. On its machine, {} shows everything with the command that removes it.",
        code("sym drift")
    ));
    Message::of(&lines)
}

/// AWS could not be compared with the books for so long.
pub fn not_compared(span: Span) -> Message {
    Message::of(&[
        format!(
            ":warning: For {} hours, what AWS holds could not be compared with the bot's books.",
            span.as_millis() / 3_600_000
        ),
        format!(
            "Nobody hears of access given or removed by hand until it can. The bot's log and {} say why.",
            code("sym drift")
        ),
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
