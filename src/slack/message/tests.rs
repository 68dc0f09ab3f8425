use super::checks::{checked, shown};
use super::*;
use crate::access::{
    Answer, AnswerValue, Approval, AskedTarget, Audience, Card, Cause, Connection, Email, Emergency,
    Fallback, Notice, NoticeKind, People, Person, Place, Principal, Refusal, Removal, Requirement, Resource,
    Retry, Status, Terms, Timestamp, UserId,
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
    Requirement {
        rule: name.into(),
        approvers,
        min_approvals,
        allow_self: false,
        notify: vec![],
        fallback: None,
    }
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
        asked_duration: None,
        is_emergency: false,
        made_at: NOW,
        terms: Terms {
            requirements: vec![rule("prod", vec![People::ChannelMembers], 1)],
            answer_within: Span::hours(8),
            channel: Some("#prod".into()),
            error_channel: None,
            allow_revoke: true,
            allow_guest_interaction: false,
            include_decision_message: false,
            shorter: vec![],
            auto_rules: vec![],
            restores: false,
            emergency: None,
        },
        approvals: vec![],
        principal: None,
        cards: vec![Card::to("#prod")],
        status: Status::Pending { since: NOW, answer_by: NOW + Span::hours(8), reminded: false },
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
        (
            "ended, removed by hand",
            ended(Cause::RemovedByHand { restoring: None }, Removal::SeenAbsent, began),
        ),
        (
            "ended, restored in vain",
            ended(Cause::RemovedByHand { restoring: Some("AWS said no".into()) }, Removal::SeenAbsent, began),
        ),
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
    assert_eq!(action(ACKNOWLEDGE), Some(crate::access::ClickAction::Acknowledge));
    assert_eq!(action(COMMENT), None);
    assert_eq!(action(SHORTEN), None);
}

fn fallback(after: Option<Span>, is_used: bool) -> Fallback {
    Fallback {
        after,
        notify: vec!["#security-oncall".into()],
        approvers: vec![People::Usergroup("security".into()), People::User(Email::new("cy@example.com"))],
        is_used,
    }
}

/// What a card says below the answers.
fn below(request: &AccessRequest) -> String {
    let mut request = request.clone();
    request.answers.clear();
    card_of(&request)
}

#[test]
fn a_card_says_who_is_asked_when_nobody_answers() {
    let mut request = request();
    let mut with = |fallback: Fallback| {
        request.terms.requirements[0].fallback = Some(fallback.clone());
        request.terms.requirements[0].approvers = vec![People::ChannelMembers];
        if fallback.is_used {
            request.terms.requirements[0].approvers.extend(fallback.approvers);
        }
        below(&request).lines().nth(2).unwrap().to_owned()
    };
    assert_snapshot!(with(fallback(Some(Span::minutes(20)), false)), @"Members of #prod can approve or deny (rule *prod*). If it is still open today at 5:20 AM, the bot also asks @security and cy@example.com.");
    assert_snapshot!(with(fallback(Some(Span::minutes(20)), true)), @"Members of #prod can approve or deny (rule *prod*). Asked too: @security and cy@example.com.");
    assert_snapshot!(with(fallback(None, false)), @"Members of #prod can approve or deny (rule *prod*). If they cannot be reached, the bot asks @security and cy@example.com.");
    assert_snapshot!(with(Fallback { approvers: vec![], ..fallback(Some(Span::minutes(20)), false) }), @"Members of #prod can approve or deny (rule *prod*). If it is still open today at 5:20 AM, the bot also asks in #security-oncall.");
    // The request would have lapsed by then.
    assert_snapshot!(with(fallback(Some(Span::hours(9)), false)), @"Members of #prod can approve or deny (rule *prod*).");
}

#[test]
fn many_rules_say_which_are_still_open() {
    let mut request = request();
    request.requester.email = Some(Email::new("ana@example.com"));
    request.terms.requirements = vec![
        rule("dev", vec![People::Everyone], 1),
        rule("prod", vec![People::ChannelMembers], 3),
        Requirement {
            fallback: Some(fallback(Some(Span::minutes(20)), false)),
            ..rule(
                "pii",
                vec![People::User(Email::new("ana@example.com")), People::User(Email::new("bo@example.com"))],
                1,
            )
        },
    ];
    request.approvals = vec![
        Approval { rules: vec!["prod".into(), "dev".into()], ..approval("cy") },
        Approval { rules: vec!["prod".into()], ..approval("bo") },
    ];
    assert_snapshot!(below(&request), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS SSO access*  ·  Request `k3v9x2m7q4t1z`)
    Each of these rules must be satisfied:
    • *prod*: 2 of 3 approvals so far: @cy and @bo. Members of #prod can approve or deny.
    • *pii*: 0 of 1 approvals so far. bo@example.com can approve or deny. If it is still open today at 5:20 AM, the bot also asks @security and cy@example.com.
    • *dev*: satisfied by @cy
    (Answer by today at 1:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    [Approve] [Deny]

    [<@UANA> requests Prod admin for 1 hour. Each of these rules must be satisfied: • prod: 2 of 3 approvals so far: <@UCY> and <@UBO>. Members of #prod can approve or deny. • pii: 0 of 1 approvals so far. bo@example.com can approve or deny. If it is still open 2026-11-20 05:20 UTC, the bot also asks @security and cy@example.com. • dev: satisfied by <@UCY>]
    ");
}

#[test]
fn one_rule_with_two_approvals() {
    let mut request = request();
    request.terms.requirements[0].min_approvals = 2;
    assert_snapshot!(below(&request).lines().nth(2).unwrap(), @"0 of 2 approvals so far. Members of #prod can approve or deny (rule *prod*).");
    request.approvals = vec![approval("bo")];
    assert_snapshot!(below(&request).lines().nth(2).unwrap(), @"1 of 2 approvals so far: @bo. Members of #prod can approve or deny (rule *prod*).");
}

#[test]
fn an_approver_may_give_less_time() {
    let mut request = request();
    request.duration = Some(Span::hours(4));
    request.terms.shorter = vec![Span::minutes(30), Span::hours(1), Span::hours(2)];
    request.terms.requirements[0].min_approvals = 2;
    assert_snapshot!(below(&request), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 4 hours
    (Account *prod* (111122223333)  ·  Flow *AWS SSO access*  ·  Request `k3v9x2m7q4t1z`)
    0 of 2 approvals so far. Members of #prod can approve or deny (rule *prod*).
    (Answer by today at 1:00 PM, or the request lapses. Access ends 4 hours after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 4 hours›] of 30 minutes | 1 hour | 2 hours | as asked: 4 hours
    [Approve] [Deny]

    [<@UANA> requests Prod admin for 4 hours. 0 of 2 approvals so far. Members of #prod can approve or deny (rule prod).]
    ");
    let blocks = card(&request, &[]).blocks;
    let select = blocks.iter().find(|block| block["block_id"] == SHORTEN).unwrap();
    let values: Vec<&str> = select["accessory"]["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| option["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["30m", "1h", "2h", "4h"]);
    assert_eq!(select["accessory"]["action_id"], SHORTEN);

    request.duration = Some(Span::hours(1));
    request.asked_duration = Some(Span::hours(4));
    request.approvals = vec![approval("bo")];
    assert_snapshot!(below(&request), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS SSO access*  ·  Request `k3v9x2m7q4t1z`)
    1 of 2 approvals so far: @bo. Members of #prod can approve or deny (rule *prod*).
    An approver shortened it from 4 hours to 1 hour.
    (Answer by today at 1:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as it is now: 1 hour›] of 30 minutes | as it is now: 1 hour
    [Approve] [Deny]

    [<@UANA> requests Prod admin for 1 hour. 1 of 2 approvals so far: <@UBO>. Members of #prod can approve or deny (rule prod).]
    ");
    request.duration = Some(Span::minutes(30));
    assert!(!card(&request, &[]).blocks.iter().any(|block| block["block_id"] == SHORTEN));
    request.duration = None;
    assert!(!card(&request, &[]).blocks.iter().any(|block| block["block_id"] == SHORTEN));
}

#[test]
fn what_was_granted_is_told_when_it_is_less_than_was_asked_for() {
    let end = Some(NOW + Span::hours(1));
    let mut request = approved(Status::Granting { since: NOW, provisional_end: end });
    request.asked_duration = Some(Span::hours(4));
    assert_snapshot!(below(&request), @r"
    :hourglass_flowing_sand: @ana is getting *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS SSO access*  ·  Request `k3v9x2m7q4t1z`)
    Approved by @bo.
    An approver shortened it from 4 hours to 1 hour.
    Waiting for AWS.
    (Ends today at 6:00 AM at the latest)
    [Revoke]

    [<@UANA> is getting Prod admin for 1 hour. Approved by <@UBO>.]
    ");
    request.status = Status::Active { since: NOW, ends_at: end, warned: false };
    assert_snapshot!(below(&request), @r"
    :white_check_mark: @ana has *Prod admin* until today at 6:00 AM
    (Account *prod* (111122223333)  ·  Flow *AWS SSO access*  ·  Request `k3v9x2m7q4t1z`)
    Approved by @bo.
    An approver shortened it from 4 hours to 1 hour.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]

    [<@UANA> has Prod admin until 2026-11-20 06:00 UTC. Approved by <@UBO>.]
    ");
    let told = told(&request, NoticeKind::Granted { ends_at: end });
    assert_snapshot!(told.lines().take(2).collect::<Vec<_>>().join("\n"), @r"
    :white_check_mark: You have *Prod admin* until today at 6:00 AM.
    An approver shortened it from 4 hours to 1 hour.
    ");
}

#[test]
fn a_rule_that_approved_by_itself_is_named() {
    let mut request = approved(Status::Active { since: NOW, ends_at: None, warned: false });
    request.approvals.clear();
    request.terms.requirements.clear();
    request.terms.auto_rules = vec!["dev".into()];
    assert_snapshot!(below(&request), @r"
    :white_check_mark: @ana has *Prod admin*, with no set end
    (Account *prod* (111122223333)  ·  Flow *AWS SSO access*  ·  Request `k3v9x2m7q4t1z`)
    Approved by the rule *dev*.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]

    [<@UANA> has Prod admin, with no set end. Approved by the rule dev.]
    ");
    request.terms.auto_rules.push("read-only".into());
    let kind = NoticeKind::Approved;
    request.target = None;
    assert_snapshot!(told(&request, kind), @":white_check_mark: Your request *AWS SSO access* is approved by the rules *dev* and *read-only*.");
}

/// ana takes Prod admin without asking the members of #prod, bo and the privacy group.
fn in_an_emergency(status: Status) -> AccessRequest {
    let mut request = request();
    let bo = People::User(Email::new("bo@example.com"));
    let ana = People::User(Email::new("ana@example.com"));
    request.requester.email = Some(Email::new("ana@example.com"));
    request.is_emergency = true;
    request.terms.requirements.clear();
    request.terms.emergency = Some(Emergency {
        rule: "break-glass".into(),
        skipped: vec![
            rule("prod", vec![People::ChannelMembers, ana, bo.clone()], 1),
            rule("pii", vec![People::Usergroup("privacy".into()), bo], 1),
        ],
        acknowledged: None,
    });
    request.status = status;
    request
}

fn acknowledged(mut request: AccessRequest) -> AccessRequest {
    let given = Approval { rules: vec![], comment: Some("Seen it.".into()), ..approval("bo") };
    request.terms.emergency.as_mut().unwrap().acknowledged = Some(given);
    request
}

#[test]
fn every_state_of_an_emergency() {
    let mut all = String::new();
    for (name, state) in states() {
        let request = in_an_emergency(state.status);
        let owes = request.owes_acknowledgement();
        for (request, owes) in [(request.clone(), owes), (acknowledged(request), false)] {
            let blocks = serde_json::to_string(&card(&request, &[]).blocks).unwrap();
            assert_eq!(blocks.contains(ACKNOWLEDGE), owes, "{name}");
            let (is_decided, is_granted) = (blocks.contains(APPROVE), blocks.contains(REVOKE));
            assert_eq!(is_decided, matches!(request.status, Status::Pending { .. }), "{name}");
            assert_eq!(is_granted, request.is_claiming(), "{name}");
            if ["granting", "active", "already held", "ended, time up", "ended, failed"].contains(&name) {
                let acknowledged = if owes { "" } else { ", acknowledged" };
                write!(all, "=== {name}{acknowledged}\n{}\n\n", card_of(&request)).unwrap();
            }
        }
    }
    assert_snapshot!("emergencies", all);
}

#[test]
fn an_emergency_may_be_commented_on() {
    let mut request = in_an_emergency(Status::Active { since: NOW, ends_at: None, warned: false });
    request.terms.include_decision_message = true;
    let card = below(&request);
    let controls: Vec<&str> = card.lines().skip_while(|line| !line.starts_with("Comment")).take(3).collect();
    assert_snapshot!(controls.join("\n"), @r"
    Comment for the requester (optional): []
    [Acknowledge] [Revoke]
    ");
}

fn to_channel(request: &AccessRequest, name: &str, kind: NoticeKind) -> String {
    shown(&notice_of(request, Audience::Channel(name.into()), kind))
}

#[test]
fn reminders_say_what_since_when_until_when_and_where() {
    let mut request = request();
    let bo = People::User(Email::new("bo@example.com"));
    request.terms.requirements = vec![rule("prod", vec![bo.clone()], 1), rule("pii", vec![bo], 1)];
    let place = Place { channel: "C0PROD".into(), ts: "1.2".into() };
    request.cards[0].place = Some(place);
    let kind = NoticeKind::Reminder { answer_by: NOW + Span::hours(8) };
    assert_snapshot!(to_channel(&request, "#prod", kind.clone()), @r"
    :hourglass_flowing_sand: @ana still waits for an answer: *Prod admin* for 1 hour, requested today at 5:00 AM.
    Approve or deny it on the card in this conversation. It lapses today at 1:00 PM.
    ");
    assert_snapshot!(to_channel(&request, "user:bo@example.com", kind.clone()), @r"
    :hourglass_flowing_sand: @ana still waits for an answer: *Prod admin* for 1 hour, requested today at 5:00 AM. You are asked by rule *prod* and rule *pii*.
    Approve or deny it on the card in #prod. It lapses today at 1:00 PM.
    ");
    request.cards[0].destination = "user:cy@example.com".into();
    request.cards[0].place.as_mut().unwrap().channel = "D0CY".into();
    assert_snapshot!(to_channel(&request, "user:bo@example.com", kind.clone()), @r"
    :hourglass_flowing_sand: @ana still waits for an answer: *Prod admin* for 1 hour, requested today at 5:00 AM. You are asked by rule *prod* and rule *pii*.
    Approve or deny it on its card. It lapses today at 1:00 PM.
    ");
    assert_snapshot!(to_channel(&request, "user:cy@example.com", kind), @r"
    :hourglass_flowing_sand: @ana still waits for an answer: *Prod admin* for 1 hour, requested today at 5:00 AM.
    Approve or deny it on the card in this conversation. It lapses today at 1:00 PM.
    ");
}

#[test]
fn an_emergency_is_told_to_those_who_were_passed_over() {
    let request = in_an_emergency(Status::Granting { since: NOW, provisional_end: None });
    let kind = NoticeKind::GlassBroken { rule: "break-glass".into() };
    assert_snapshot!(to_channel(&request, "#prod", kind.clone()), @r"
    :rotating_light: *Emergency:* @ana takes *Prod admin* for 1 hour without asking anybody first (rule *break-glass*).
    Passed over: members of #prod, bo@example.com and @privacy. One of them must acknowledge it on the card in this conversation.
    ");
    assert_snapshot!(to_channel(&request, "user:bo@example.com", kind), @r"
    :rotating_light: *Emergency:* @ana takes *Prod admin* for 1 hour without asking anybody first (rule *break-glass*).
    You would have been asked by rule *prod* and rule *pii*. You, or somebody else who would have been asked, must acknowledge it on the card in #prod.
    ");
    let by_bo = NoticeKind::Acknowledged { by: "UBO".into() };
    assert_snapshot!(told(&acknowledged(request), by_bo), @r"
    @bo acknowledged your emergency access to *Prod admin*.
    > Seen it.
    ");
}

#[test]
fn refusals_about_an_emergency() {
    let request = in_an_emergency(Status::Granting { since: NOW, provisional_end: None });
    let said = |why: &Refusal, request: &AccessRequest| refusal(why, Some(request));
    assert_snapshot!(said(&Refusal::OwnRequest, &request), @"You took this access yourself, so somebody else has to acknowledge it.");
    assert_snapshot!(said(&Refusal::NothingToAcknowledge, &acknowledged(request.clone())), @"<@UBO> has already acknowledged it.");
    assert_snapshot!(said(&Refusal::NothingToAcknowledge, &super::tests::request()), @"There is nothing to acknowledge here.");
    let approvers = vec![People::ChannelMembers, People::Usergroup("privacy".into())];
    assert_snapshot!(said(&Refusal::NotApprover { approvers }, &request), @"You are not among those who can acknowledge this emergency. Members of #prod or @privacy can.");
}

#[test]
fn what_the_people_who_run_the_bot_are_told() {
    let findings = ["rule prod of flow sso-access: the user group sre-leads has no members", "rule pii: <x>"];
    let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_snapshot!(shown(&unreachable(&findings)), @r"
    :warning: These rules cannot be satisfied right now:
    • rule prod of flow sso-access: the user group sre-leads has no members
    • rule pii: <x>
    Requests under them may lapse unanswered.
    ");
    assert_snapshot!(shown(&manifests_reloaded("")), @":white_check_mark: The changed manifests are in force.");
    assert_snapshot!(shown(&manifests_reloaded("2 flows, 5 rules.")), @":white_check_mark: The changed manifests are in force. 2 flows, 5 rules.");
    let complaint = "flows.hcl:3:5: there is no attribute `aprovers`\n  aprovers = []\n  ^^^^^^^^ did you mean `approvers`?";
    assert_snapshot!(shown(&manifests_broken(complaint)), @r"
    :warning: The manifests have errors; the last good ones stay in force.
    ```flows.hcl:3:5: there is no attribute ˋaproversˋ
      aprovers = []
      ^^^^^^^^ did you mean ˋapproversˋ?```
    ");
    assert_snapshot!(shown(&not_compared(crate::access::Span::hours(3))), @r"
    :warning: For 3 hours, what AWS holds could not be compared with the bot's books.
    Nobody hears of access given or removed by hand until it can. The bot's log and `sym drift` say why.
    ");
    for text in hostile() {
        for message in [
            unreachable(&vec![text.clone(); 40]),
            unclaimed(&vec![text.clone(); 7]),
            manifests_reloaded(&text),
            manifests_broken(&text),
            manifests_broken(&text.repeat(20)),
        ] {
            checked(&message);
            unforged(&message);
        }
    }
}

#[test]
fn two_rules_and_a_comment() {
    let mut request = request();
    request.terms.include_decision_message = true;
    request.terms.requirements = vec![
        rule("prod", vec![People::ChannelMembers], 2),
        rule("pii", vec![People::Usergroup("privacy".into()), People::User(Email::new("bo@example.com"))], 1),
    ];
    request.approvals = vec![Approval { comment: Some("Fine by me.".into()), ..approval("bo") }];
    assert_snapshot!(card_of(&request), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS SSO access*  ·  Request `k3v9x2m7q4t1z`)
    · *Ticket* INC-42
    *Reason*
    > Restore the orders table.
    > See https://example.com/INC-42
    Each of these rules must be satisfied:
    • *prod*: 1 of 2 approvals so far: @bo. Members of #prod can approve or deny.
    • *pii*: 0 of 1 approvals so far. @privacy or bo@example.com can approve or deny.
    @bo:
    > Fine by me.
    (Answer by today at 1:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Comment for the requester (optional): []
    [Approve] [Deny]

    [<@UANA> requests Prod admin for 1 hour. Each of these rules must be satisfied: • prod: 1 of 2 approvals so far: <@UBO>. Members of #prod can approve or deny. • pii: 0 of 1 approvals so far. @privacy or bo@example.com can approve or deny.]
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
        ("removed by hand", NoticeKind::RemovedByHand { is_restored: false, ends_at: None }),
        (
            "removed by hand, restored",
            NoticeKind::RemovedByHand { is_restored: true, ends_at: Some(NOW + Span::hours(1)) },
        ),
        (
            "restored in vain",
            ended(Cause::RemovedByHand { restoring: Some("AWS said no".into()) }, Removal::SeenAbsent),
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
        ("reminder", NoticeKind::Reminder { answer_by: NOW + Span::hours(8) }),
        ("glass broken", NoticeKind::GlassBroken { rule: "break-glass".into() }),
        ("acknowledged", NoticeKind::Acknowledged { by: "UBO".into() }),
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
        Refusal::NothingToAcknowledge,
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
    There is nothing to acknowledge here.
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
    let further = Fallback {
        after: Some(Span::minutes(1)),
        notify: vec![label.clone(); 30],
        approvers: approvers.clone(),
        is_used: false,
    };
    request.terms.requirements = (0..20)
        .map(|n| Requirement {
            fallback: Some(Fallback { is_used: n % 2 == 0, ..further.clone() }),
            ..rule(&format!("{label}{}", if n < 10 { "" } else { "b" }), approvers.clone(), 31)
        })
        .collect();
    request.terms.shorter = (1..150).map(Span::seconds).collect();
    request.asked_duration = Some(Span::hours(400));
    request.terms.auto_rules = vec![label.clone(); 30];
    request.approvals = (0..30)
        .map(|_| Approval { comment: Some(label.clone()), rules: vec![label.clone()], ..approval("bo") })
        .collect();
    request
}

/// The same, taken in an emergency.
fn hostile_emergency(text: &str, status: Status) -> AccessRequest {
    let mut request = hostile_request(text, 2, status);
    request.terms.emergency = Some(Emergency {
        rule: text.to_owned(),
        skipped: std::mem::take(&mut request.terms.requirements),
        acknowledged: None,
    });
    request.approvals.clear();
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
            let open = hostile_emergency(&text, status);
            let mut seen = acknowledged(open.clone());
            seen.terms.emergency.as_mut().unwrap().acknowledged.as_mut().unwrap().comment =
                Some(text.clone());
            for request in [open, seen] {
                let message = card(&request, &accounts);
                checked(&message);
                unforged(&message);
            }
        }
    }
}

#[test]
fn nothing_that_people_type_breaks_a_notice() {
    for text in hostile() {
        let request =
            hostile_request(&text, 3, Status::Pending { since: NOW, answer_by: NOW, reminded: false });
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
        let request = hostile_emergency(&text, Status::Granting { since: NOW, provisional_end: None });
        for to in [Audience::Channel(text.clone()), Audience::Channel(format!("user:{text}"))] {
            for kind in [
                NoticeKind::GlassBroken { rule: text.clone() },
                NoticeKind::Reminder { answer_by: NOW },
                NoticeKind::Acknowledged { by: text.as_str().into() },
            ] {
                let message = notice_of(&request, to.clone(), kind);
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
