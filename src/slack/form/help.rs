//! What the slash command answers in words.

use crate::access::Flow;
use crate::slack::message::Message;
use crate::slack::mrkdwn::{code, cut, inline};

/// Flows listed one by one.
const LISTED: usize = 20;

/// `/sym help`.
pub fn help(flows: &[&Flow]) -> Message {
    let commands = [
        "*Sym* gives access in AWS for a limited time, after people have approved it.",
        "• `/sym request` asks what you need",
        "• `/sym request FLOW` opens that form at once",
        "• `/sym help` shows this",
    ];
    Message::of(&[commands.join("\n"), listed(flows)])
}

/// The answer to a flow that does not exist, with the nearest one that does.
pub fn unknown(name: &str, flows: &[&Flow]) -> Message {
    let mut first = format!("There is no flow named {}.", code(&cut(name, 80)));
    if let Some(near) = nearest(name, flows) {
        first = format!("{first} Did you mean {}?", code(&format!("/sym request {}", cut(near, 200))));
    }
    Message::of(&[first, listed(flows)])
}

fn listed(flows: &[&Flow]) -> String {
    if flows.is_empty() {
        return "There is nothing to request from Slack here yet.".to_owned();
    }
    let mut lines = vec!["You can request:".to_owned()];
    lines.extend(flows.iter().take(LISTED).map(|flow| {
        let name = code(&cut(flow.name.as_str(), 60));
        if flow.label == flow.name.as_str() {
            format!("• {name}")
        } else {
            format!("• {name} {}", cut(&inline(&flow.label), 60))
        }
    }));
    if flows.len() > LISTED {
        lines.push(format!("• and {} more: `/sym request` has them all", flows.len() - LISTED));
    }
    lines.join("\n")
}

/// The flow whose name is a few letters away, or contains what was typed.
fn nearest<'a>(name: &str, flows: &[&'a Flow]) -> Option<&'a str> {
    let typed = name.trim().to_lowercase();
    if typed.is_empty() || typed.len() > 100 {
        return None;
    }
    let most = (typed.chars().count() / 3).clamp(1, 3);
    flows
        .iter()
        .map(|flow| flow.name.as_str())
        .map(|name| {
            let known = name.to_lowercase();
            let is_part = typed.len() >= 3 && known.contains(&typed);
            (if is_part { 1 } else { distance(&typed, &known) }, name)
        })
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

/// How many letters must change, come or go to make one word of the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (b, above) in to.iter().zip(row.iter_mut().skip(1)) {
            let next = if a == *b { corner } else { 1 + corner.min(*above).min(left) };
            corner = *above;
            *above = next;
            left = next;
        }
    }
    row.last().copied().unwrap_or_default()
}
