use super::checks::{checked, shown};
use super::*;
use crate::access::{
    Answer, AnswerValue, Approval, AskedTarget, Audience, Card, Cause, Connection, Notice, NoticeKind,
    People, Person, Principal, Refusal, Removal, Requirement, Resource, Retry, Status, Terms, Timestamp,
    UserId,
};
use insta::assert_snapshot;
use std::fmt::Write as _;

/// 2026-11-20 05:00 UTC.
const NOW: Timestamp = Timestamp::from_millis(1_795_150_800_000);

fn person(name: &str) -> Person {
    Person { user: UserId::new(format!("U{}", name.to_uppercase())), email: None }
}

fn connection() -> Connection {
    Connection {
        integration: "sso".into(),
        region: Some("eu-west-1".into()),
        hops: vec![],
        source_identity: true,
    }
}

fn text(name: &str, label: &str, value: &str) -> Answer {
    Answer { name: name.into(), label: label.into(), value: AnswerValue::Text(value.into()) }
}

fn rule(name: &str, approvers: Vec<People>, min_approvals: u32) -> Requirement {
    Requirement { rule: name.into(), approvers, min_approvals, allow_self: false }
}

/// ana asks for Prod admin for an hour.
fn request() -> AccessRequest {
    AccessRequest {
        id: "k3v9x2m7q4t1z".into(),
        flow: "sso-access".into(),
        flow_label: "AWS SSO access".into(),
        requester: person("ana"),
        target: Some(AskedTarget {
            name: "prod-admin".into(),
            label: "Prod admin".into(),
            resource: Resource::SsoPermissionSet {
                instance_arn: "arn:aws:sso:::instance/ssoins-1".into(),
                permission_set_arn: "arn:aws:sso:::permissionSet/ssoins-1/ps-1".into(),
                account_id: "111122223333".into(),
            },
            connection: connection(),
        }),
        answers: vec![
            text("account_id", "Account", "111122223333"),
            text("ticket", "Ticket", "INC-42"),
            text("reason", "Reason", "Restore the orders table.\nSee https://example.com/INC-42"),
        ],
        duration: Some(Span::hours(1)),
        made_at: NOW,
        terms: Terms {
            requirements: vec![rule("prod", vec![People::ChannelMembers], 1)],
            answer_within: Span::hours(8),
            channel: Some("#prod".into()),
            error_channel: None,
            allow_revoke: true,
            allow_guest_interaction: false,
            include_decision_message: false,
        },
        approvals: vec![],
        principal: None,
        cards: vec![Card { destination: "#prod".into(), place: None, failed: None }],
        status: Status::Pending { answer_by: NOW + Span::hours(8) },
    }
}

fn approval(name: &str) -> Approval {
    Approval { by: person(name), at: NOW, rules: vec!["prod".into()], comment: None }
}

fn approved(status: Status) -> AccessRequest {
    AccessRequest { approvals: vec![approval("bo")], status, ..request() }
}

fn accounts() -> Vec<Account> {
    vec![Account { id: "111122223333".into(), name: "prod".into() }]
}

/// The card of a request and what its notification says.
fn card_of(request: &AccessRequest) -> String {
    let message = card(request, &accounts());
    format!("{}\n\n[{}]", shown(&message), message.text)
}

fn no_target(status: Status) -> AccessRequest {
    AccessRequest {
        target: None,
        duration: None,
        flow_label: "Deploy during the freeze".into(),
        answers: vec![],
        ..approved(status)
    }
}

fn failed() -> Cause {
    Cause::GrantFailed {
        why: "The permission set does not exist any more (ResourceNotFoundException).".into(),
    }
}

/// Every status in which a request can be, with a name.
fn states() -> Vec<(&'static str, AccessRequest)> {
    let began = Some(NOW - Span::minutes(58));
    let ended = |cause, removal, began| approved(Status::Ended { cause, at: NOW, removal, began });
    let end = Some(NOW + Span::hours(1));
    vec![
        (
            "identifying",
            AccessRequest { status: Status::Identifying { retry: Retry::now(NOW) }, ..request() },
        ),
        ("pending", request()),
        ("granting", approved(Status::Granting { since: NOW, provisional_end: end })),
        ("active", approved(Status::Active { since: NOW, ends_at: end, warned: false })),
        ("active without end", approved(Status::Active { since: NOW, ends_at: None, warned: false })),
        ("ending, time up", approved(Status::Ending { cause: Cause::TimeUp, since: NOW, began })),
        (
            "ending, revoked",
            approved(Status::Ending { cause: Cause::Revoked { by: person("bo") }, since: NOW, began }),
        ),
        ("ending, failed", approved(Status::Ending { cause: failed(), since: NOW, began: None })),
        (
            "refused",
            AccessRequest {
                status: Status::Refused {
                    why: "Identity Center has no user with your address.".into(),
                    at: NOW,
                },
                ..request()
            },
        ),
        (
            "denied",
            AccessRequest {
                status: Status::Denied {
                    by: person("bo"),
                    at: NOW,
                    comment: Some("Use the *read-only* role.".into()),
                },
                ..request()
            },
        ),
        ("withdrawn", AccessRequest { status: Status::Withdrawn { at: NOW }, ..request() }),
        ("lapsed", AccessRequest { status: Status::Lapsed { at: NOW }, ..request() }),
        ("approved", no_target(Status::Approved { at: NOW })),
        ("already held", approved(Status::AlreadyHeld { at: NOW })),
        ("ended, time up", ended(Cause::TimeUp, Removal::SeenAbsent, began)),
        ("ended, given back", ended(Cause::Revoked { by: person("ana") }, Removal::SeenAbsent, began)),
        ("ended, still claimed", ended(Cause::TimeUp, Removal::StillClaimed, began)),
        ("ended, failed", ended(failed(), Removal::SeenAbsent, None)),
        ("ended, timed out", ended(Cause::GrantTimedOut { last: None }, Removal::NeverGiven, None)),
    ]
}

#[test]
fn every_state_of_a_card() {
    let mut all = String::new();
    for (name, request) in states() {
        write!(all, "=== {name}\n{}\n\n", card_of(&request)).unwrap();
    }
    assert_snapshot!("cards", all);
}

#[test]
fn a_pending_card_on_the_wire() {
    let message = card(&request(), &accounts());
    shown(&message);
    assert_snapshot!("pending_card", serde_json::to_string_pretty(&message.blocks).unwrap());
}

#[test]
fn buttons_are_there_while_they_apply() {
    for (name, request) in states() {
        let blocks = serde_json::to_string(&card(&request, &[]).blocks).unwrap();
        let decides = matches!(request.status, Status::Pending { .. });
        assert_eq!(blocks.contains(APPROVE) && blocks.contains(DENY), decides, "{name}");
        assert_eq!(blocks.contains(REVOKE), request.is_claiming(), "{name}");
        let firm = Terms { allow_revoke: false, ..request.terms.clone() };
        let blocks =
            serde_json::to_string(&card(&AccessRequest { terms: firm, ..request }, &[]).blocks).unwrap();
        assert!(!blocks.contains(REVOKE), "{name}");
    }
    assert_eq!(action(APPROVE), Some(crate::access::ClickAction::Approve));
    assert_eq!(action(WITHDRAW), Some(crate::access::ClickAction::Withdraw));
    assert_eq!(action(COMMENT), None);
}

#[test]
fn two_rules_and_a_comment() {
    let mut request = request();
    request.terms.include_decision_message = true;
    request.terms.requirements = vec![
        rule("prod", vec![People::ChannelMembers], 2),
        rule(
            "pii",
            vec![
                People::Usergroup("privacy".into()),
                People::User(crate::access::Email::new("bo@example.com")),
            ],
            1,
        ),
    ];
    request.approvals = vec![Approval { comment: Some("Fine by me.".into()), ..approval("bo") }];
    assert_snapshot!(card_of(&request), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS SSO access*  ·  Request `k3v9x2m7q4t1z`)
    · *Ticket* INC-42
    *Reason*
    > Restore the orders table.
    > See https://example.com/INC-42
    Approved by @bo.
    @bo:
    > Fine by me.
    Each of these rules must be satisfied:
    • *prod*: 1 of 2 approvals so far, from members of #prod
    • *pii*: 0 of 1 approvals so far, from @privacy or bo@example.com
    (Answer by today at 1:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Comment for the requester (optional): []
    [Approve] [Deny]

    [<@UANA> requests Prod admin for 1 hour. Approved by <@UBO>.]
    ");
}

#[test]
fn an_iam_group_has_no_sessions_that_outlive_it() {
    let mut request = approved(Status::Active { since: NOW, ends_at: None, warned: false });
    request.target.as_mut().unwrap().resource =
        Resource::IamGroup { account_id: "444455556666".into(), group_name: "Admins".into() };
    request.principal = Some(Principal::IamUser { user_name: "ana".into() });
    assert_snapshot!(card_of(&request), @r"
    :white_check_mark: @ana has *Prod admin*, with no set end
    (Account 444455556666  ·  IAM group *Admins*  ·  Flow *AWS SSO access*  ·  Request `k3v9x2m7q4t1z`)
    · *Account* 111122223333
    · *Ticket* INC-42
    *Reason*
    > Restore the orders table.
    > See https://example.com/INC-42
    Approved by @bo.
    [Revoke]

    [<@UANA> has Prod admin, with no set end. Approved by <@UBO>.]
    ");
    let granted = told(&request, NoticeKind::Granted { ends_at: None });
    assert_snapshot!(granted, @r"
    :white_check_mark: You have *Prod admin* until you or an approver ends it.
    Your IAM user `ana` in account 444455556666 has it now; no new login is needed. AWS can take a few seconds to notice.
    [Give it back]
    ");
}

fn notice_of(request: &AccessRequest, to: Audience, kind: NoticeKind) -> Message {
    let accounts = accounts();
    let hint = UseHint {
        portal_url: Some("https://acme.awsapps.com/start"),
        region: None,
        session: Some(Span::hours(2)),
        accounts: &accounts,
    };
    notice(&Notice { request: request.id.clone(), to, kind }, request, &hint)
}

fn told(request: &AccessRequest, kind: NoticeKind) -> String {
    shown(&notice_of(request, Audience::Person("UANA".into()), kind))
}

fn announced(request: &AccessRequest, kind: NoticeKind) -> String {
    shown(&notice_of(request, Audience::Channel("#errors".into()), kind))
}

/// Every kind of notice, with a name.
fn kinds() -> Vec<(&'static str, NoticeKind)> {
    let ended = |cause, removal| NoticeKind::Ended { cause, removal };
    vec![
        (
            "submitted",
            NoticeKind::Submitted {
                destinations: vec!["#prod".into(), "C0PROD".into(), "bo@example.com".into()],
                answer_by: NOW + Span::hours(8),
            },
        ),
        (
            "undeliverable",
            NoticeKind::Undeliverable {
                failures: vec![("#prod".into(), "the bot is not in this channel".into())],
            },
        ),
        ("refused", NoticeKind::Refused { why: "Identity Center has no user with your address.".into() }),
        ("granted", NoticeKind::Granted { ends_at: Some(NOW + Span::hours(1)) }),
        ("approved", NoticeKind::Approved),
        ("already held", NoticeKind::AlreadyHeld),
        ("denied", NoticeKind::Denied { by: "UBO".into(), comment: Some("Use the read-only role.".into()) }),
        ("withdrawn", NoticeKind::Withdrawn),
        ("lapsed", NoticeKind::Lapsed),
        ("ends soon", NoticeKind::EndsSoon { ends_at: NOW + Span::minutes(10) }),
        ("ended, time up", ended(Cause::TimeUp, Removal::SeenAbsent)),
        ("ended by bo", ended(Cause::Revoked { by: person("bo") }, Removal::SeenAbsent)),
        ("given back", ended(Cause::Revoked { by: person("ana") }, Removal::SeenAbsent)),
        ("still claimed", ended(Cause::TimeUp, Removal::StillClaimed)),
        ("never given", ended(Cause::Revoked { by: person("bo") }, Removal::NeverGiven)),
        ("grant failed", NoticeKind::GrantFailed { cause: failed() }),
        (
            "grant timed out",
            NoticeKind::GrantFailed { cause: Cause::GrantTimedOut { last: Some("throttled".into()) } },
        ),
        (
            "revoke overdue",
            NoticeKind::RevokeOverdue {
                since: NOW,
                attempts: 7,
                last: "Rate exceeded (ThrottlingException).".into(),
                by_hand: "aws iam remove-user-from-group --group-name Admins --user-name ana".into(),
            },
        ),
        ("click refused", NoticeKind::ClickRefused { refusal: Refusal::OwnRequest }),
    ]
}

#[test]
fn every_direct_message() {
    let mut all = String::new();
    let request = approved(Status::Active { since: NOW, ends_at: None, warned: false });
    for (name, kind) in kinds() {
        write!(all, "=== {name}\n{}\n\n", told(&request, kind)).unwrap();
    }
    assert_snapshot!("direct_messages", all);
}

#[test]
fn what_channels_hear() {
    let request = request();
    let mut all = String::new();
    for (name, kind) in kinds() {
        if ["undeliverable", "grant failed", "revoke overdue"].contains(&name) {
            write!(all, "=== {name}\n{}\n\n", announced(&request, kind)).unwrap();
        }
    }
    assert_snapshot!(all, @r"
    === undeliverable
    :warning: The request of @ana for *Prod admin* reached nobody.
    • #prod: the bot is not in this channel
    Invite the bot to these channels, or correct their names in the manifest.

    === grant failed
    :warning: @ana did not get *Prod admin*: AWS could not grant it.
    AWS said:
    > The permission set does not exist any more (ResourceNotFoundException).
    The bot sees to it that nothing of this request stays in AWS. The request is `k3v9x2m7q4t1z`.

    === revoke overdue
    :rotating_light: *@ana may still have Prod admin*
    It should have been gone since today at 5:00 AM. 7 attempts have failed, and the bot keeps trying. AWS said last:
    > Rate exceeded (ThrottlingException).
    To remove it by hand:
    ```aws iam remove-user-from-group --group-name Admins --user-name ana```
    ");
}

#[test]
fn the_end_is_told_in_its_own_words() {
    let told = |duration| {
        let request = AccessRequest { duration, ..request() };
        told(&request, NoticeKind::Ended { cause: Cause::TimeUp, removal: Removal::SeenAbsent })
    };
    assert_snapshot!(told(Some(Span::hours(1))), @"Your access to *Prod admin* has ended: its hour is up.");
    assert_snapshot!(told(Some(Span::hours(4))), @"Your access to *Prod admin* has ended: its 4 hours are up.");
    assert_snapshot!(told(Some(Span::minutes(90))), @"Your access to *Prod admin* has ended: its 1 hour 30 minutes are up.");
    assert_snapshot!(told(None), @"Your access to *Prod admin* has ended: its time is up.");
}

#[test]
fn a_direct_message_speaks_plainly_to_notifications() {
    let request = request();
    let text = |kind| notice_of(&request, Audience::Person("UANA".into()), kind).text;
    assert_snapshot!(text(NoticeKind::Denied { by: "UBO".into(), comment: None }), @"<@UBO> denied your request for Prod admin.");
    assert_snapshot!(text(NoticeKind::EndsSoon { ends_at: NOW }), @"Your access to Prod admin ends 2026-11-20 05:00 UTC. If you need it longer, ask again now with /sym request sso-access: once approved, it goes on without a gap.");
}

#[test]
fn every_refusal_says_what_why_and_what_now() {
    let approvers = vec![
        People::ChannelMembers,
        People::Usergroup("sre-leads".into()),
        People::IdcGroup("Leads".into()),
        People::Everyone,
    ];
    let all = [
        Refusal::Stranger,
        Refusal::Guest,
        Refusal::Bot,
        Refusal::Deactivated,
        Refusal::OwnRequest,
        Refusal::NotApprover { approvers },
        Refusal::RightUnknown,
        Refusal::ApprovedAlready,
        Refusal::Decided { by: Some(person("bo")) },
        Refusal::Decided { by: None },
        Refusal::DeniedAlready { by: person("bo") },
        Refusal::Lapsed { at: NOW },
        Refusal::Withdrawn,
        Refusal::NotReady,
        Refusal::Over,
        Refusal::NotYoursToEnd,
        Refusal::RevokeNotAllowed,
        Refusal::NotYoursToWithdraw,
        Refusal::Unknown,
        Refusal::Stale,
    ];
    let request = request();
    let lines: Vec<String> = all.iter().map(|why| refusal(why, Some(&request))).collect();
    assert_snapshot!(lines.join("\n"), @r"
    You belong to another workspace, so you cannot act here. A member of this workspace can.
    Guests cannot use these buttons. A full member of this workspace can.
    Only people can use these buttons.
    Your account here is deactivated, so nothing was done.
    This is your own request: somebody else has to decide on it. It stays open until they do.
    You are not among those who decide on the request for *Prod admin*. Members of #prod, @sre-leads, the Identity Center group *Leads* or every full member of this workspace can.
    Slack or AWS could not say just now whether you may do this, so nothing was done. Try again in a minute.
    You have already approved the request for *Prod admin*. It still waits for others.
    <@UBO> has already approved the request for *Prod admin*.
    A rule has already approved the request for *Prod admin*; nobody needs to.
    <@UBO> has already denied the request for *Prod admin*.
    Nobody answered the request for *Prod admin* in time: it lapsed <!date^1795150800^{date_short_pretty} at {time}|2026-11-20 05:00 UTC>. The requester can ask again.
    The request for *Prod admin* was taken back, so there is nothing to decide.
    The bot is still finding out who the requester is in AWS. Try again in a moment.
    Nothing was done: the request for *Prod admin* is over.
    Only the requester and those who may approve can end this access.
    This flow does not allow ending access early. It ends by itself when its time is up.
    Only the requester can take a request back. You can deny it, if you may decide on it.
    The bot does not know this request any more, so nothing was done. Ask again with `/sym request`.
    This has moved on in the meantime, so nothing was done.
    ");
    for why in &all {
        shown(&Message::of(&[refusal(why, None)]));
    }
}

/// Texts that try to break out, to forge, to flood.
fn hostile() -> Vec<String> {
    vec![
        "<!channel> <@UBO> <https://evil.example|Approve>".into(),
        "*bold* `code` ```block``` ~gone~ _it_ & && &lt;".into(),
        "\u{202E}desrever\u{2066} \u{0} \u{7}".into(),
        "👩‍👩‍👧‍👦".repeat(300),
        "&".repeat(3100),
        "line\n".repeat(600),
        "\n> *Approved by* <@UBO>\n```".into(),
        " ".into(),
        String::new(),
        "<".repeat(1000),
    ]
}

fn hostile_request(text: &str, answers: usize, status: Status) -> AccessRequest {
    let mut request = approved(status);
    let label = text.to_owned();
    request.flow = label.as_str().into();
    request.flow_label.clone_from(&label);
    request.id = label.as_str().into();
    request.requester.user = label.as_str().into();
    let target = request.target.as_mut().unwrap();
    target.label.clone_from(&label);
    target.name = label.as_str().into();
    target.connection.region = Some(label.clone());
    request.answers = (0..answers)
        .map(|n| {
            let value = match n % 4 {
                0 | 1 => AnswerValue::Text(label.clone()),
                2 => AnswerValue::TextList(vec![label.clone(); 40]),
                _ => AnswerValue::SlackUsers(vec![label.as_str().into(); 40]),
            };
            Answer { name: format!("f{n}"), label: label.clone(), value }
        })
        .collect();
    request.terms.include_decision_message = true;
    request.terms.channel = Some(label.clone());
    let three = [People::Usergroup(label.clone()), People::ChannelMembers, People::IdcGroup(label.clone())];
    let approvers: Vec<People> = three.iter().cycle().take(30).cloned().collect();
    request.terms.requirements = (0..20).map(|_| rule(&label, approvers.clone(), 3)).collect();
    request.approvals =
        (0..30).map(|_| Approval { comment: Some(label.clone()), ..approval("bo") }).collect();
    request
}

#[test]
fn nothing_that_people_type_breaks_a_card() {
    for text in hostile() {
        let accounts = [Account { id: "111122223333".into(), name: text.clone() }];
        let mut all: Vec<Status> = states().into_iter().map(|(_, request)| request.status).collect();
        all.push(Status::Denied { by: person("bo"), at: NOW, comment: Some(text.clone()) });
        all.push(Status::Refused { why: text.clone(), at: NOW });
        all.push(Status::Ending { cause: Cause::GrantFailed { why: text.clone() }, since: NOW, began: None });
        for status in all {
            for answers in if matches!(status, Status::Pending { .. }) { vec![0, 3, 100] } else { vec![4] } {
                let message = card(&hostile_request(&text, answers, status.clone()), &accounts);
                checked(&message);
                unforged(&message);
            }
        }
    }
}

#[test]
fn nothing_that_people_type_breaks_a_notice() {
    for text in hostile() {
        let request = hostile_request(&text, 3, Status::Pending { answer_by: NOW });
        let mut all: Vec<NoticeKind> = kinds().into_iter().map(|(_, kind)| kind).collect();
        all.extend([
            NoticeKind::Submitted { destinations: vec![text.clone(); 30], answer_by: NOW },
            NoticeKind::Undeliverable { failures: vec![(text.clone(), text.clone()); 30] },
            NoticeKind::Refused { why: text.clone() },
            NoticeKind::Denied { by: text.as_str().into(), comment: Some(text.clone()) },
            NoticeKind::GrantFailed { cause: Cause::GrantFailed { why: text.clone() } },
            NoticeKind::RevokeOverdue { since: NOW, attempts: 1, last: text.clone(), by_hand: text.clone() },
            NoticeKind::ClickRefused {
                refusal: Refusal::NotApprover { approvers: vec![People::Usergroup(text.clone()); 50] },
            },
        ]);
        for kind in all {
            for to in [Audience::Person("UANA".into()), Audience::Channel("#errors".into())] {
                let hint = UseHint { portal_url: Some(&text), region: Some(&text), ..UseHint::default() };
                let notice = Notice { request: request.id.clone(), to, kind: kind.clone() };
                let message = super::notice(&notice, &request, &hint);
                checked(&message);
                unforged(&message);
            }
        }
    }
}

/// No ping, no labelled link, no text that turns around, wherever it is shown as `mrkdwn`.
fn unforged(message: &Message) {
    let mut texts = vec![message.text.clone()];
    collect(&Value::Array(message.blocks.clone()), &mut texts);
    for text in texts {
        for forged in ["<!channel", "<!here", "<https://evil", "\u{202E}", "\u{2066}", "\u{0}"] {
            assert!(!text.contains(forged), "{text}");
        }
    }
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(object) => {
            if object.get("type").is_some_and(|kind| kind == "mrkdwn") {
                texts.push(object["text"].as_str().unwrap().to_owned());
            }
            object.values().for_each(|item| collect(item, texts));
        }
        _ => {}
    }
}
