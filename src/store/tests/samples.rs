//! One of everything the store can keep.

use crate::access::*;
use std::collections::BTreeMap;

const HOUR: Span = Span::hours(1);

fn person(user: &str) -> Person {
    Person { user: user.into(), email: Some(Email::new(&format!("{user}@example.com"))) }
}

fn connection() -> Connection {
    Connection {
        integration: "sso".into(),
        region: Some("eu-central-1".into()),
        hops: vec![
            Hop { role_arn: "arn:aws:iam::111122223333:role/sym".into(), external_id: Some("x-1".into()) },
            Hop { role_arn: "arn:aws:iam::444455556666:role/sym".into(), external_id: None },
        ],
        source_identity: true,
    }
}

pub(super) fn resources() -> Vec<Resource> {
    let instance_arn = "arn:aws:sso:::instance/ssoins-1";
    vec![
        Resource::SsoPermissionSet {
            instance_arn: instance_arn.into(),
            permission_set_arn: "arn:aws:sso:::permissionSet/ssoins-1/ps-1".into(),
            account_id: "111122223333".into(),
        },
        Resource::SsoGroup { instance_arn: instance_arn.into(), group_id: "g-1".into() },
        Resource::IamGroup { account_id: "111122223333".into(), group_name: "admins".into() },
    ]
}

fn principal(user: &str) -> Principal {
    Principal::SsoUser { identity_store_id: "d-1".into(), user_id: user.into() }
}

fn place() -> Place {
    Place { channel: "C1".into(), ts: "1700000000.000100".into() }
}

/// Waiting for people until then.
pub(super) fn pending(answer_by: Timestamp) -> Status {
    Status::Pending { since: Timestamp::from_millis(1_700_000_000_000), answer_by, reminded: false }
}

/// A request in that status, with every optional part filled in.
pub(super) fn request(id: &str, status: Status) -> AccessRequest {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let people = [
        People::User(Email::new("bo@example.com")),
        People::Usergroup("oncall".into()),
        People::ChannelMembers,
        People::IdcGroup("leads".into()),
        People::Everyone,
    ];
    AccessRequest {
        id: id.into(),
        flow: "aws".into(),
        flow_label: "AWS".into(),
        requester: person("UANA"),
        target: Some(AskedTarget {
            name: "prod-admin".into(),
            label: "Production admin".into(),
            resource: resources().remove(0),
            connection: connection(),
        }),
        answers: answers(),
        duration: Some(HOUR),
        asked_duration: Some(Span::hours(4)),
        is_emergency: true,
        made_at: at,
        terms: Terms {
            requirements: vec![Requirement {
                rule: "prod".into(),
                approvers: people.to_vec(),
                min_approvals: 2,
                allow_self: false,
                notify: vec!["#prod".into()],
                fallback: Some(Fallback {
                    after: Some(Span::minutes(20)),
                    notify: vec!["#oncall".into()],
                    approvers: vec![People::Usergroup("security".into())],
                    is_used: false,
                }),
            }],
            answer_within: Span::hours(8),
            channel: Some("#access".into()),
            error_channel: Some("#errors".into()),
            allow_revoke: true,
            allow_guest_interaction: false,
            include_decision_message: true,
            shorter: vec![Span::minutes(30)],
            auto_rules: vec!["dev".into()],
            restores: false,
            emergency: Some(Emergency {
                rule: "fire".into(),
                skipped: vec![],
                acknowledged: Some(Approval { by: person("UCY"), at, rules: vec![], comment: None }),
            }),
        },
        approvals: vec![Approval {
            by: person("UBO"),
            at,
            rules: vec!["prod".into()],
            comment: Some("go on".into()),
        }],
        principal: Some(principal("user-1")),
        cards: vec![
            Card { place: Some(place()), ..Card::to("#access") },
            Card { failed: Some("is_archived".into()), ..Card::to("#old") },
        ],
        status,
    }
}

fn answers() -> Vec<Answer> {
    let values = [
        AnswerValue::Text("INC-42 “ünïcode” 🦀".into()),
        AnswerValue::Int(-3),
        AnswerValue::Bool(true),
        AnswerValue::Duration(HOUR),
        AnswerValue::TextList(vec!["a".into(), "b".into()]),
        AnswerValue::IntList(vec![1, 2]),
        AnswerValue::SlackUsers(vec!["U1".into()]),
    ];
    let answer = |value: AnswerValue| {
        let name = match &value {
            AnswerValue::Text(_) => "text",
            AnswerValue::Int(_) => "int",
            AnswerValue::Bool(_) => "bool",
            AnswerValue::Duration(_) => "duration",
            AnswerValue::TextList(_) => "text_list",
            AnswerValue::IntList(_) => "int_list",
            AnswerValue::SlackUsers(_) => "slack_users",
        };
        Answer { name: name.into(), label: name.to_uppercase(), value }
    };
    values.into_iter().map(answer).collect()
}

pub(super) fn entitlement(user: &str, custody: Custody, at: Timestamp) -> Entitlement {
    let (principal, resource) = (principal(user), resources().remove(0));
    let wanted = ClaimStage::Wanted { give_up_at: at + Span::minutes(15), provisional_end: Some(at + HOUR) };
    let confirmed = ClaimStage::Confirmed { ends_at: Some(at + HOUR) };
    let (stage, ending) = match &custody {
        Custody::Looking { .. } | Custody::Granting { .. } => (Some(wanted), vec![]),
        Custody::Held { .. } => (Some(confirmed), vec![RequestId::new("r0")]),
        Custody::Revoking { .. } => (None, vec![RequestId::new("r1")]),
    };
    Entitlement {
        id: EntitlementId::of(&principal, &resource),
        principal,
        resource,
        connection: connection(),
        holder: person("UANA"),
        claims: stage
            .map(|stage| BTreeMap::from([("r1".into(), Claim { duration: Some(HOUR), stage })]))
            .unwrap_or_default(),
        ending,
        custody,
    }
}

fn causes() -> Vec<Cause> {
    vec![
        Cause::TimeUp,
        Cause::Revoked { by: person("UBO") },
        Cause::GrantFailed { why: "AWS said no".into() },
        Cause::GrantTimedOut { last: Some("still in progress".into()) },
        Cause::Admin { operator: "root".into(), because: "INC-42".into() },
    ]
}

fn retry(at: Timestamp) -> Retry {
    Retry { at, attempts: 2, last: Some("ThrottlingException".into()) }
}

/// Every status, some of them more than once.
pub(super) fn every_status(at: Timestamp) -> Vec<Status> {
    let mut all = vec![
        Status::Identifying { retry: Retry::now(at) },
        Status::Identifying { retry: retry(at) },
        Status::Pending { since: at, answer_by: at + HOUR, reminded: false },
        Status::Granting { since: at, provisional_end: Some(at + HOUR) },
        Status::Active { since: at, ends_at: Some(at + HOUR), warned: false },
        Status::Active { since: at, ends_at: Some(at + HOUR), warned: true },
        Status::Active { since: at, ends_at: None, warned: false },
        Status::Refused { why: "You cannot ask for this.".into(), at },
        Status::Denied { by: person("UBO"), at, comment: Some("not today".into()) },
        Status::Denied { by: person("UBO"), at, comment: None },
        Status::Withdrawn { at },
        Status::Lapsed { at },
        Status::Approved { at },
        Status::AlreadyHeld { at },
    ];
    for cause in causes() {
        all.push(Status::Ending { cause: cause.clone(), since: at, began: Some(at) });
        all.push(Status::Ended { cause, at, removal: Removal::SeenAbsent, began: Some(at) });
    }
    for removal in [Removal::StillClaimed, Removal::NeverGiven] {
        all.push(Status::Ended { cause: Cause::TimeUp, at, removal, began: None });
    }
    for restoring in [None, Some("AWS said no".to_owned())] {
        let cause = Cause::RemovedByHand { restoring };
        all.push(Status::Ended { cause, at, removal: Removal::SeenAbsent, began: Some(at) });
    }
    all
}

/// Every custody, some of them more than once.
pub(super) fn every_custody(at: Timestamp) -> Vec<Custody> {
    let mut all = vec![Custody::Looking { retry: Retry::now(at) }, Custody::Held { retry: retry(at) }];
    for operation in [None, Some(OperationId::from("op-1"))] {
        all.push(Custody::Granting { operation: operation.clone(), polls: 3, retry: retry(at) });
        all.push(Custody::Revoking { operation, polls: 3, retry: retry(at), since: at, alarms: 2 });
    }
    all
}

pub(super) fn sample_notice(request: &str, kind: NoticeKind) -> Notice {
    Notice { request: request.into(), to: Audience::Person("UANA".into()), kind }
}

pub(super) fn audiences() -> Vec<Audience> {
    vec![
        Audience::Person("UANA".into()),
        Audience::Whisper { channel: "C1".into(), user: "UANA".into() },
        Audience::Channel("#errors".into()),
    ]
}

pub(super) fn every_refusal(at: Timestamp) -> Vec<Refusal> {
    vec![
        Refusal::Stranger,
        Refusal::Guest,
        Refusal::Bot,
        Refusal::Deactivated,
        Refusal::OwnRequest,
        Refusal::NotApprover { approvers: vec![People::ChannelMembers, People::Usergroup("oncall".into())] },
        Refusal::RightUnknown,
        Refusal::ApprovedAlready,
        Refusal::Decided { by: Some(person("UBO")) },
        Refusal::DeniedAlready { by: person("UBO") },
        Refusal::Lapsed { at },
        Refusal::Withdrawn,
        Refusal::NotReady,
        Refusal::Over,
        Refusal::NotYoursToEnd,
        Refusal::RevokeNotAllowed,
        Refusal::NotYoursToWithdraw,
        Refusal::Unknown,
        Refusal::NothingToAcknowledge,
        Refusal::Stale,
    ]
}

pub(super) fn every_notice(at: Timestamp) -> Vec<NoticeKind> {
    let mut all = vec![
        NoticeKind::Submitted { destinations: vec!["#access".into()], answer_by: at + HOUR },
        NoticeKind::Undeliverable { failures: vec![("#old".into(), "is_archived".into())] },
        NoticeKind::Refused { why: "You cannot ask for this.".into() },
        NoticeKind::Granted { ends_at: Some(at + HOUR) },
        NoticeKind::Approved,
        NoticeKind::AlreadyHeld,
        NoticeKind::Denied { by: "UBO".into(), comment: Some("not today".into()) },
        NoticeKind::Withdrawn,
        NoticeKind::Lapsed,
        NoticeKind::EndsSoon { ends_at: at },
        NoticeKind::Reminder { answer_by: at + HOUR },
        NoticeKind::GlassBroken { rule: "fire".into() },
        NoticeKind::Acknowledged { by: "UBO".into() },
        NoticeKind::GrantFailed { cause: Cause::GrantFailed { why: "AWS said no".into() } },
        NoticeKind::RevokeOverdue {
            since: at,
            attempts: 7,
            last: "AccessDenied".into(),
            by_hand: "aws iam remove-user-from-group".into(),
        },
    ];
    for cause in causes() {
        all.push(NoticeKind::Ended { cause, removal: Removal::SeenAbsent });
    }
    all.extend(every_refusal(at).into_iter().map(|refusal| NoticeKind::ClickRefused { refusal }));
    all.push(NoticeKind::RemovedByHand { is_restored: false, ends_at: None });
    all.push(NoticeKind::RemovedByHand { is_restored: true, ends_at: Some(at + HOUR) });
    all
}

pub(super) fn sample_click(envelope: &str, action: ClickAction) -> Click {
    Click {
        envelope: envelope.into(),
        request: "r1".into(),
        action,
        user: "UBO".into(),
        team: Some("T1".into()),
        place: Some(place()),
        at: Timestamp::from_millis(1_700_000_000_000),
        comment: Some("go on".into()),
        shorten_to: Some(Span::minutes(30)),
    }
}

pub(super) fn sample_record(action: &str) -> AuditRecord {
    AuditRecord {
        at: Timestamp::from_millis(1_700_000_000_000),
        actor: Actor::Person("UBO".into()),
        action: action.into(),
        request: Some("r1".into()),
        entitlement: None,
        detail: serde_json::json!({ "by": "UBO" }),
    }
}

/// Every request that the fixtures show.
pub(super) fn requests() -> Vec<AccessRequest> {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let mut all: Vec<_> = every_status(at)
        .into_iter()
        .enumerate()
        .map(|(number, status)| request(&format!("request{number:02}"), status))
        .collect();
    // One as bare as can be.
    all.push(AccessRequest {
        target: None,
        requester: Person { user: "UANA".into(), email: None },
        answers: vec![],
        duration: None,
        approvals: vec![],
        principal: None,
        cards: vec![],
        ..request("request99", Status::Approved { at })
    });
    all
}

/// Every entitlement that the fixtures show.
pub(super) fn entitlements() -> Vec<Entitlement> {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let mut all: Vec<_> = every_custody(at)
        .into_iter()
        .enumerate()
        .map(|(number, custody)| entitlement(&format!("user-{number:02}"), custody, at))
        .collect();
    let principal = Principal::IamUser { user_name: "ana".into() };
    for resource in resources().split_off(1) {
        let id = EntitlementId::of(&principal, &resource);
        all.push(Entitlement { id, principal: principal.clone(), resource, ..all[0].clone() });
    }
    all
}

/// Every notice that the fixtures show.
pub(super) fn notices() -> Vec<Notice> {
    let kinds = every_notice(Timestamp::from_millis(1_700_000_000_000));
    let to = audiences();
    let to = to.iter().cycle();
    kinds
        .into_iter()
        .zip(to)
        .map(|(kind, to)| Notice { to: to.clone(), ..sample_notice("request00", kind) })
        .collect()
}

/// Every click that the fixtures show.
pub(super) fn clicks() -> Vec<Click> {
    let actions = [
        ClickAction::Approve,
        ClickAction::Deny,
        ClickAction::Revoke,
        ClickAction::Withdraw,
        ClickAction::Acknowledge,
    ];
    let mut all: Vec<_> = actions.map(|action| sample_click(&format!("envelope-{action:?}"), action)).into();
    all.push(Click {
        team: None,
        place: None,
        comment: None,
        ..sample_click("envelope-bare", ClickAction::Approve)
    });
    all
}

/// Every sweep that the fixtures show.
pub(super) fn sweeps() -> Vec<Sweep> {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let holding = |resource: Resource| Holding { principal: principal("user-1"), resource };
    let set = Scope::PermissionSet {
        instance_arn: "arn:aws:sso:::instance/ssoins-1".into(),
        permission_set_arn: "arn:aws:sso:::permissionSet/ssoins-1/ps-1".into(),
    };
    let free = Scope::Target { flow: "aws".into(), label: "Any group".into() };
    let scopes = resources().into_iter().map(Scope::Resource).chain([
        set,
        free,
        Scope::Claim("iam-group|1|admins|ana".into()),
        Scope::Trail,
    ]);
    let unknown =
        scopes.map(|scope| Unknown { scope, what: "it".into(), why: "throttled".into(), since: at });
    let unclaimed = Unclaimed {
        holding: holding(resources().remove(1)),
        what: "Prod support".into(),
        name: Some("ana@example.com".into()),
        membership_id: Some("m-1".into()),
        flow: "aws".into(),
        since: at,
        is_told: true,
    };
    let bare = Unclaimed { name: None, membership_id: None, ..unclaimed.clone() };
    let memory = Memory {
        own: resources().into_iter().map(holding).collect(),
        left: BTreeMap::from([("iam-group|111122223333|admins|ana".into(), at)]),
        read_to: Some(7),
    };
    let missing = Missing { holding: holding(resources().remove(0)), requests: vec!["r1".into()] };
    let empty = Sweep {
        at,
        read: 0,
        unclaimed: vec![],
        missing: vec![],
        unknown: vec![],
        unlisted: 0,
        memory: Memory::default(),
    };
    let full = Sweep {
        unclaimed: vec![unclaimed, bare],
        missing: vec![missing],
        unknown: unknown.collect(),
        unlisted: 7,
        memory,
        ..empty.clone()
    };
    vec![empty, full]
}

/// Every audit record that the fixtures show.
pub(super) fn records() -> Vec<AuditRecord> {
    let bot = AuditRecord {
        actor: Actor::Bot,
        request: None,
        entitlement: Some("iam-group|111122223333|admins|ana".into()),
        ..sample_record("custody_absent")
    };
    let operator = AuditRecord { actor: Actor::Operator("root".into()), ..sample_record("ending") };
    vec![sample_record("approval"), bot, operator]
}
