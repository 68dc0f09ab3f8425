//! What people are told as a request goes on: direct messages to the requester, and the few things
//! that channels must hear.

use super::words::{
    approved_how, listed, machine_said, made_shorter, sentence, what, what_and_how_long, who, why_ended,
};
use super::{Message, UseHint, account_name, ask_again, block, button, refusal, urgent};
use crate::access::{
    AccessRequest, Audience, Cause, Notice, NoticeKind, Principal, Removal, Resource, Timestamp,
};
use crate::slack::mrkdwn::{self, code, code_block, cut, date, destination, inline, prose, quote, user};

/// Longest quote of a comment or of AWS.
const QUOTE: usize = 1500;
/// Destinations listed one by one.
const LISTED: usize = 10;

/// The message of a notice about this request. `hint` is only needed for [`NoticeKind::Granted`].
pub fn notice(notice: &Notice, request: &AccessRequest, hint: &UseHint<'_>) -> Message {
    let is_channel = matches!(notice.to, Audience::Channel(_));
    let what = what(request);
    match &notice.kind {
        NoticeKind::Submitted { destinations, answer_by } => submitted(request, destinations, *answer_by),
        NoticeKind::Undeliverable { failures } => undeliverable(request, failures, is_channel),
        NoticeKind::Refused { why } => Message::of(&[
            format!(":no_entry: Your request for {what} was refused."),
            sentence(why),
            format!("When that has changed, ask again with {}.", ask_again(request)),
        ]),
        NoticeKind::Granted { ends_at } => granted(request, *ends_at, hint),
        NoticeKind::Approved => approved(request),
        NoticeKind::AlreadyHeld => Message::of(&[format!(
            "You already have {what}. Nothing was changed and nothing will be removed."
        )]),
        NoticeKind::Denied { by, comment } => {
            let mut lines = vec![format!(":no_entry: {} denied your request for {what}.", user(by))];
            lines.extend(quoted(comment.as_deref()));
            Message::of(&lines)
        }
        NoticeKind::Withdrawn => {
            Message::of(&[format!("You took your request for {what} back. Nobody can approve it any more.")])
        }
        NoticeKind::Lapsed => Message::of(&[format!(
            "Nobody answered your request for {what} in time, so it has lapsed. Ask again with {}.",
            ask_again(request)
        )]),
        NoticeKind::EndsSoon { ends_at } => ends_soon(request, *ends_at),
        NoticeKind::Ended { cause, removal } => ended(request, cause, *removal),
        NoticeKind::RemovedByHand { is_restored: true, ends_at } => {
            let until = ends_at.map(|end| format!(", until {}", date(end))).unwrap_or_default();
            removed_by_hand(request, is_channel, format!("The bot gives it again{until} as agreed."))
        }
        NoticeKind::RemovedByHand { is_restored: false, .. } if is_channel => {
            removed_by_hand(request, is_channel, "The request is closed.".to_owned())
        }
        NoticeKind::RemovedByHand { is_restored: false, .. } => {
            let then = format!(
                "The request is closed. If you still need it, ask again with {}.",
                ask_again(request)
            );
            removed_by_hand(request, is_channel, then)
        }
        NoticeKind::GrantFailed { cause } => grant_failed(request, cause, is_channel),
        NoticeKind::RevokeOverdue { since, attempts, last, by_hand } => {
            let overdue = Overdue { since: *since, attempts: *attempts, last, by_hand };
            revoke_overdue(request, &overdue)
        }
        NoticeKind::Reminder { answer_by } => urgent::reminder(request, &notice.to, *answer_by),
        NoticeKind::GlassBroken { rule } => urgent::glass_broken(request, &notice.to, rule),
        NoticeKind::Acknowledged { by } => {
            let given = request.terms.emergency.as_ref().and_then(|it| it.acknowledged.as_ref());
            let mut lines = vec![format!("{} acknowledged your emergency access to {what}.", user(by))];
            lines.extend(quoted(given.and_then(|given| given.comment.as_deref())));
            Message::of(&lines)
        }
        NoticeKind::ClickRefused { refusal: why } => Message::of(&[refusal(why, Some(request))]),
    }
}

fn quoted(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| quote(text, QUOTE))
}

fn submitted(request: &AccessRequest, destinations: &[String], answer_by: Timestamp) -> Message {
    let mut names: Vec<String> =
        destinations.iter().take(LISTED).map(|name| cut(&destination(name), 100)).collect();
    if destinations.len() > LISTED {
        names.push(format!("{} more", destinations.len() - LISTED));
    }
    let place =
        if names.is_empty() { String::new() } else { format!(" has gone to {}", listed(&names, "and")) };
    Message::of(&[format!(
        "Your request for {}{place}. It lapses {} if nobody answers.",
        what_and_how_long(request),
        date(answer_by)
    )])
    .with(button::withdraw(request))
}

fn undeliverable(request: &AccessRequest, failures: &[(String, String)], is_channel: bool) -> Message {
    // It was there once, and the bot has lost its place.
    let is_lost = failures.iter().any(|(place, _)| {
        request.cards.iter().any(|card| card.destination == *place && card.place.is_some())
    });
    let first = if is_channel && is_lost {
        format!(
            ":warning: The card of {}'s request for {} can no longer be changed, so it may show an old state.",
            who(request),
            what(request)
        )
    } else if is_lost {
        format!(":warning: Your request for {} can no longer be decided where it was posted.", what(request))
    } else if is_channel {
        let reached_somebody = request.cards.iter().any(|card| card.place.is_some());
        let how = if reached_somebody { "could not be posted everywhere" } else { "reached nobody" };
        format!(":warning: The request of {} for {} {how}.", who(request), what(request))
    } else {
        format!(":warning: Your request for {} reached nobody.", what(request))
    };
    let mut lines: Vec<String> = failures
        .iter()
        .take(LISTED)
        .map(|(place, why)| format!("• {}: {}", cut(&destination(place), 100), prose(why, 250)))
        .collect();
    if failures.len() > LISTED {
        lines.push(format!("• and {} more", failures.len() - LISTED));
    }
    let last = if is_channel {
        "Invite the bot to these channels, or correct their names in the manifest.".to_owned()
    } else {
        let whom = match request.terms.error_channel.as_deref() {
            Some(channel) => format!(
                "The people who run this bot are told in {}: ask there, then ask again with {}.",
                cut(&destination(channel), 100),
                ask_again(request)
            ),
            None => format!("Tell the people who run this bot, then ask again with {}.", ask_again(request)),
        };
        format!("Nobody can approve it there. {whom}")
    };
    Message::of(&[first, lines.join("\n"), last])
}

fn approved(request: &AccessRequest) -> Message {
    let how = approved_how(request).map(|how| format!(" {how}")).unwrap_or_default();
    let mut lines = vec![format!(":white_check_mark: Your request {} is approved{how}.", what(request))];
    lines.extend(comments(request));
    Message::of(&lines)
}

/// What approvers said, each under their name.
fn comments(request: &AccessRequest) -> Vec<String> {
    let commented = request.approvals.iter().filter_map(|a| Some((a, quoted(a.comment.as_deref())?)));
    commented.take(3).map(|(approval, text)| format!("{}:\n{text}", user(&approval.by.user))).collect()
}

fn granted(request: &AccessRequest, ends_at: Option<Timestamp>, hint: &UseHint<'_>) -> Message {
    let until = match (ends_at, request.terms.allow_revoke) {
        (Some(end), _) => format!("until {}", date(end)),
        (None, true) => "until you or an approver ends it".to_owned(),
        (None, false) => "with no set end".to_owned(),
    };
    let mut lines = vec![format!(":white_check_mark: You have {} {until}.", what(request))];
    lines.extend(made_shorter(request));
    lines.extend(comments(request));
    lines.push(how_to_use(request, hint));
    let mut message = Message::of(&lines);
    if button::has_sessions(request) {
        let length = hint.session.map(|span| format!(", after up to {span}")).unwrap_or_default();
        message = message.with(block::context(&format!(
            "A session that is open at the end can go on until it expires by itself{length}."
        )));
    }
    if request.terms.allow_revoke {
        message = message.with(button::revoke(request, "Give it back"));
    }
    message
}

fn how_to_use(request: &AccessRequest, hint: &UseHint<'_>) -> String {
    let Some(target) = &request.target else { return "Nothing changes in AWS.".to_owned() };
    let portal = match hint.portal_url.and_then(mrkdwn::link) {
        Some(link) => format!("the access portal, {link}"),
        None => "your AWS access portal".to_owned(),
    };
    match &target.resource {
        Resource::SsoPermissionSet { account_id, .. } => {
            let account = match account_name(hint.accounts, account_id) {
                Some(name) => format!("*{}* ({})", cut(&inline(name), 100), inline(account_id)),
                None => inline(account_id),
            };
            let profile = profile(target.name.as_str());
            let region = hint.region.or(target.connection.region.as_deref());
            let region =
                region.map(|region| format!(" (SSO region {})", code(&cut(region, 40)))).unwrap_or_default();
            format!(
                "In the browser: open {portal}, and choose account {account}.\n\
                 On the command line: {} once{region}, then {}.",
                code(&format!("aws configure sso --profile {profile}")),
                code(&format!("aws sso login --profile {profile}")),
            )
        }
        Resource::SsoGroup { .. } => format!(
            "What the group gives appears when you reload {portal}. On the command line, log in again \
             with {}.",
            code("aws sso login")
        ),
        Resource::IamGroup { account_id, .. } => {
            let name = match &request.principal {
                Some(Principal::IamUser { user_name }) => format!(" {}", code(&cut(user_name, 70))),
                Some(Principal::SsoUser { .. }) | None => String::new(),
            };
            format!(
                "Your IAM user{name} in account {} has it now; no new login is needed. AWS can take a few \
                 seconds to notice.",
                inline(account_id)
            )
        }
    }
}

/// The target's name as a profile of the AWS command line.
fn profile(target: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let name: String = target.chars().filter(|c| safe(*c)).take(60).collect();
    if name.is_empty() { "sym".to_owned() } else { name }
}

fn ends_soon(request: &AccessRequest, ends_at: Timestamp) -> Message {
    let message = Message::of(&[format!(
        "Your access to {} ends {}. If you need it longer, ask again now with {}: once approved, it \
         goes on without a gap.",
        what(request),
        date(ends_at),
        ask_again(request)
    )]);
    if request.terms.allow_revoke { message.with(button::revoke(request, "Give it back")) } else { message }
}

fn ended(request: &AccessRequest, cause: &Cause, removal: Removal) -> Message {
    let (what, why) = (what(request), why_ended(request, cause, true));
    Message::of(&[match removal {
        Removal::SeenAbsent => format!("Your access to {what} has ended: {why}."),
        Removal::StillClaimed => {
            format!("One of your requests for {what} has ended: {why}. You keep it through another request.")
        }
        Removal::NeverGiven => {
            format!("Your request for {what} has ended before AWS gave you anything: {why}.")
        }
    }])
}

fn removed_by_hand(request: &AccessRequest, is_channel: bool, then: String) -> Message {
    let what = what(request);
    let first = if is_channel {
        format!(":warning: Somebody removed {what} from {} in AWS, not through this bot.", who(request))
    } else {
        format!(":warning: Somebody removed your access to {what} in AWS, not through this bot.")
    };
    Message::of(&[first, then])
}

fn grant_failed(request: &AccessRequest, cause: &Cause, is_channel: bool) -> Message {
    let (what, why) = (what(request), why_ended(request, cause, true));
    let name = if is_channel { who(request) } else { "You".to_owned() };
    let mut lines = vec![format!(":warning: {name} did not get {what}: {why}.")];
    if let Some(text) = quoted(machine_said(cause)) {
        lines.push(format!("AWS said:\n{text}"));
    }
    lines.push(if is_channel {
        format!(
            "The bot sees to it that nothing of this request stays in AWS. The request is {}.",
            code(&cut(request.id.as_str(), 100))
        )
    } else {
        format!(
            "The bot sees to it that nothing of this request stays in AWS. Tell the people who run this bot, \
             or ask again with {}.",
            ask_again(request)
        )
    });
    Message::of(&lines)
}

struct Overdue<'a> {
    since: Timestamp,
    attempts: u32,
    last: &'a str,
    by_hand: &'a str,
}

fn revoke_overdue(request: &AccessRequest, overdue: &Overdue<'_>) -> Message {
    let tries = match overdue.attempts {
        0 => "No attempt has been answered yet".to_owned(),
        1 => "1 attempt has failed".to_owned(),
        n => format!("{n} attempts have failed"),
    };
    Message::of(&[
        format!(":rotating_light: *{} may still have {}*", who(request), what(request).replace('*', "")),
        format!(
            "It should have been gone since {}. {tries}, and the bot keeps trying. AWS said last:\n{}",
            date(overdue.since),
            quote(overdue.last, QUOTE)
        ),
        format!("To remove it by hand:\n{}", code_block(&cut(overdue.by_hand, 2000))),
    ])
}
