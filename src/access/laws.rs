//! The eight laws, as tests over every state and every event, and over random histories.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests say what they need where they need it")]

mod cards;
mod clocks;
mod consequences;
mod drift;
mod emergency;
mod owed;
mod people;

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn resource() -> Resource {
    Resource::SsoPermissionSet {
        instance_arn: "arn:aws:sso:::instance/ssoins-1".into(),
        permission_set_arn: "arn:aws:sso:::permissionSet/ssoins-1/ps-1".into(),
        account_id: "111122223333".into(),
    }
}

fn principal() -> Principal {
    Principal::SsoUser { identity_store_id: "d-1".into(), user_id: "user-1".into() }
}

fn target() -> AskedTarget {
    AskedTarget {
        name: "prod-admin".into(),
        label: "Prod admin".into(),
        resource: resource(),
        connection: Connection {
            integration: "sso".into(),
            region: None,
            hops: vec![],
            source_identity: false,
        },
    }
}

fn facts(user: &str, in_channel: Option<bool>) -> Facts {
    Facts {
        user: user.into(),
        team: Some("T1".into()),
        email: Some(Email::new(&format!("{user}@example.com"))),
        is_home: true,
        is_guest: false,
        is_bot: false,
        is_deactivated: false,
        member_of: in_channel.into_iter().map(|is_member| (People::ChannelMembers, is_member)).collect(),
    }
}

fn terms(allow_self: bool) -> Terms {
    Terms {
        requirements: vec![Requirement {
            rule: "prod".into(),
            approvers: vec![People::ChannelMembers],
            min_approvals: 1,
            allow_self,
            notify: vec![],
            fallback: None,
        }],
        answer_within: Span::hours(8),
        channel: Some("#access".into()),
        error_channel: Some("#errors".into()),
        allow_revoke: true,
        allow_guest_interaction: false,
        include_decision_message: false,
        shorter: vec![],
        auto_rules: vec![],
        restores: false,
        emergency: None,
    }
}

fn ask(id: &str, user: &str, duration: Span) -> Ask {
    Ask {
        id: id.into(),
        flow: "aws".into(),
        flow_label: "AWS".into(),
        requester: Person { user: user.into(), email: None },
        team: None,
        target: Some(target()),
        answers: vec![],
        duration: Some(duration),
        is_emergency: false,
    }
}

fn identified(id: &str, user: &str, allow_self: bool) -> Event {
    Event::Identified {
        request: id.into(),
        facts: Box::new(facts(user, Some(true))),
        principal: Some(principal()),
        terms: Box::new(terms(allow_self)),
        destinations: vec!["#access".into()],
    }
}

fn click(id: &str, user: &str, action: ClickAction) -> Event {
    Event::Clicked {
        click: Box::new(Click {
            envelope: "E1".into(),
            request: id.into(),
            action,
            user: user.into(),
            team: None,
            place: None,
            at: START,
            comment: None,
            shorten_to: None,
        }),
        facts: Box::new(facts(user, Some(true))),
    }
}

fn admin_revoked(id: &str) -> Event {
    Event::AdminRevoked { request: id.into(), operator: "root".into(), because: "INC-42".into() }
}

/// The same request, of a flow that gives again what somebody removes in AWS.
fn restored(id: &str) -> Event {
    let mut event = identified(id, "ana", false);
    if let Event::Identified { terms, .. } = &mut event {
        terms.restores = true;
    }
    event
}

/// The books, whole: what the store keeps.
#[derive(Clone, Default)]
struct Books {
    requests: BTreeMap<RequestId, AccessRequest>,
    entitlement: Option<Entitlement>,
}

impl Books {
    fn apply(&mut self, event: &Event, at: Timestamp) -> Result<Step, Refusal> {
        let case = Case { requests: self.requests.clone(), entitlement: self.entitlement.clone() };
        let step = decide(&case, event, at)?;
        self.requests = step.case.requests.clone();
        self.entitlement = step.case.entitlement.clone();
        Ok(step)
    }

    fn open(&mut self, id: &str, user: &str, duration: Span, at: Timestamp) {
        self.requests.extend(AccessRequest::open(ask(id, user, duration), at).case.requests);
    }
}

fn failed(is_transient: bool) -> MachineError {
    MachineError { message: "AWS said no".into(), is_transient, ends_operation: !is_transient }
}

/// Two reads have not shown it, and the requester may have it today.
fn found_absent(since: Timestamp) -> Event {
    Event::FoundAbsent { since, fit: BTreeSet::from(["r1".into()]) }
}

/// Every kind of event at this moment, about the one request of [`every_state`].
fn every_event(at: Timestamp) -> Vec<Event> {
    let place = Place { channel: "C1".into(), ts: "1.0".into() };
    let mut events = vec![
        identified("r1", "ana", false),
        Event::CardPosted { request: "r1".into(), destination: "#access".into(), place },
        Event::CardFailed { request: "r1".into(), destination: "#access".into(), why: "archived".into() },
        Event::NowDenied { request: "r1".into(), rule: "never".into() },
        Event::RequesterUnfit { request: "r1".into(), unfit: Unfit::Deactivated },
        admin_revoked("r1"),
        Event::TimePassed,
        Event::Looked { is_present: true },
        Event::Looked { is_present: false },
        Event::GrantStarted { operation: "op".into() },
        Event::StillRunning,
        Event::GrantConfirmed,
        Event::RevokeStarted { operation: "op".into() },
        Event::SeenAbsent,
        found_absent(at),
        found_absent(START),
        Event::FoundAbsent { since: at, fit: BTreeSet::new() },
        restored("r1"),
    ];
    for is_transient in [true, false] {
        let error = failed(is_transient);
        let jitter = 500;
        events.push(Event::NotIdentified { request: "r1".into(), error: error.clone(), jitter });
        events.push(Event::LookFailed { error: error.clone(), jitter });
        events.push(Event::GrantFailed { error: error.clone(), jitter });
        events.push(Event::RevokeFailed { error, jitter });
    }
    for user in ["ana", "bo"] {
        for action in [
            ClickAction::Approve,
            ClickAction::Deny,
            ClickAction::Revoke,
            ClickAction::Withdraw,
            ClickAction::Acknowledge,
        ] {
            events.push(click("r1", user, action));
        }
    }
    events
}

/// The books in every state they can reach with one request, found by trying every event from every
/// state until nothing new turns up.
fn every_state() -> &'static [(Books, Timestamp)] {
    static FOUND: LazyLock<Vec<(Books, Timestamp)>> = LazyLock::new(find_every_state);
    &FOUND
}

fn find_every_state() -> Vec<(Books, Timestamp)> {
    let mut start = Books::default();
    start.open("r1", "ana", Span::hours(1), START);
    let mut found = vec![(start, START)];
    let mut kinds = std::collections::BTreeSet::new();
    let mut next = 0;
    while next < found.len() {
        let (books, at) = found[next].clone();
        next += 1;
        for later in [Span::seconds(1), Span::minutes(20), Span::hours(9)] {
            for event in every_event(at + later) {
                let (mut books, at) = (books.clone(), at + later);
                if books.apply(&event, at).is_ok() && kinds.insert(shape(&books)) {
                    found.push((books, at));
                }
            }
        }
    }
    found
}

/// What makes two states different for the laws: statuses, custody, stages and terms, not times.
fn shape(books: &Books) -> String {
    let word = |value: serde_json::Value| match value {
        serde_json::Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
        other => other.to_string(),
    };
    let mut text = String::new();
    for request in books.requests.values() {
        text += &word(serde_json::to_value(&request.status).unwrap());
        text += if request.terms.restores { "restores" } else { "" };
        if let Status::Ended { cause, removal, began, .. } = &request.status {
            text +=
                &format!("{:?}{removal:?}{}", word(serde_json::to_value(cause).unwrap()), began.is_some());
        }
        if let Status::Ending { cause, began, .. } = &request.status {
            text.push_str(&format!("{:?}{}", word(serde_json::to_value(cause).unwrap()), began.is_some()));
        }
    }
    if let Some(entitlement) = &books.entitlement {
        text += &word(serde_json::to_value(&entitlement.custody).unwrap());
        text.push_str(&format!(
            "{}{}{}",
            entitlement.claims.len(),
            entitlement.has_unconfirmed_claim(),
            entitlement.custody.work().operation.is_some()
        ));
    }
    text
}

fn may_be_held(books: &Books) -> bool {
    books.entitlement.as_ref().is_some_and(Entitlement::may_be_held)
}

/// Laws 2, 3, 4 and 8 between two states of the books, and that requests and entitlement agree.
fn check(before: &Books, event: &Event, after: &Books) {
    if may_be_held(before) && !may_be_held(after) {
        assert!(matches!(event, Event::SeenAbsent), "law 2: custody left by {event:?}");
    }
    if may_be_held(after) {
        let entitlement = after.entitlement.as_ref().unwrap();
        assert!(entitlement.duty().is_some(), "law 3: nothing is owed in {:?}", entitlement.custody);
    }
    let ends = |books: &Books| -> BTreeMap<RequestId, Option<Timestamp>> {
        let claims = books.entitlement.iter().flat_map(|entitlement| &entitlement.claims);
        claims.map(|(id, claim)| (id.clone(), claim.latest_end())).collect()
    };
    let (old, new) = (ends(before), ends(after));
    for (id, end) in &new {
        if let Some(before) = old.get(id) {
            assert!(end <= before, "law 4: the end of {id} moved from {before:?} to {end:?}");
        }
    }
    for (id, request) in &before.requests {
        if request.is_over() {
            assert_eq!(request.status, after.requests[id].status, "law 8: revived by {event:?}");
        }
    }
    agree(after);
}

fn agree(books: &Books) {
    for (id, request) in &books.requests {
        let claims = books.entitlement.as_ref().is_some_and(|e| e.claims.contains_key(id));
        let ending = books.entitlement.as_ref().is_some_and(|e| e.ending.contains(id));
        assert_eq!(request.is_claiming(), claims, "{id} and the entitlement disagree on the claim");
        let waits = matches!(request.status, Status::Ending { .. });
        assert_eq!(waits, ending, "{id} and the entitlement disagree on the end");
        if request.is_claiming() || waits {
            assert!(!request.approvals.is_empty() || request.terms.requirements.is_empty());
        }
    }
}

#[test]
fn the_laws_hold_for_every_event_in_every_state() {
    let states = every_state();
    assert!(states.len() > 25, "only {} states were reached", states.len());
    for (books, at) in states {
        for later in [Span::ZERO, Span::seconds(1), Span::minutes(20), Span::hours(9)] {
            for event in every_event(*at + later) {
                let mut after = books.clone();
                let approvals = books.requests[&RequestId::from("r1")].approvals.len();
                if after.apply(&event, *at + later).is_ok() {
                    check(books, &event, &after);
                    // Law 7: the only member besides the requester is bo.
                    let request = &after.requests[&RequestId::from("r1")];
                    assert!(request.approvals.iter().all(|approval| approval.by.user.as_str() == "bo"));
                    assert!(request.approvals.len() <= 1, "law 6 after {approvals}");
                } else {
                    assert_eq!(shape(books), shape(&after), "a refused event changed something");
                }
            }
        }
    }
}

#[test]
fn every_status_and_every_custody_is_reached() {
    let shapes: String = every_state().iter().map(|(books, _)| shape(books) + " ").collect();
    for word in [
        "identifying",
        "pending",
        "granting",
        "active",
        "ending",
        "refused",
        "denied",
        "withdrawn",
        "lapsed",
        "already_held",
        "ended",
        "looking",
        "held",
        "revoking",
    ] {
        assert!(shapes.contains(word), "`{word}` is never reached");
    }
}

#[test]
fn every_state_is_read_back_as_it_was_written_and_what_is_usual_is_not_written() {
    fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
        serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
    }
    for (books, _) in every_state() {
        assert_eq!(again(&books.requests), books.requests);
        assert_eq!(again(&books.entitlement), books.entitlement);
        let terms = &books.requests[&RequestId::from("r1")].terms;
        let written = serde_json::to_value(terms).unwrap();
        assert_eq!(written.get("restores").is_some(), terms.restores);
    }
}

#[test]
fn a_click_at_the_deadline_is_too_late_even_if_nothing_has_lapsed_it() {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    books.apply(&identified("r1", "ana", false), START).unwrap();
    let deadline = START + Span::hours(8);
    let late = books.clone().apply(&click("r1", "bo", ClickAction::Approve), deadline);
    assert_eq!(late, Err(Refusal::Lapsed { at: deadline }));
    assert!(books.apply(&click("r1", "bo", ClickAction::Approve), deadline - Span::millis(1)).is_ok());
}

#[test]
fn an_approver_may_shorten_a_request_but_never_lengthen_it() {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(4), START);
    let mut event = identified("r1", "ana", false);
    if let Event::Identified { terms, .. } = &mut event {
        terms.shorter = vec![Span::minutes(30), Span::hours(1), Span::hours(2), Span::hours(4)];
        terms.requirements[0].min_approvals = 4;
    }
    books.apply(&event, START).unwrap();
    let steps = [
        ("al", Some(Span::hours(4)), Span::hours(4), None),
        ("bo", Some(Span::minutes(5)), Span::hours(4), None),
        ("cy", Some(Span::hours(1)), Span::hours(1), Some(Span::hours(4))),
        ("di", Some(Span::hours(2)), Span::hours(1), Some(Span::hours(4))),
    ];
    for (user, shorten_to, duration, asked_duration) in steps {
        let mut event = click("r1", user, ClickAction::Approve);
        if let Event::Clicked { click, .. } = &mut event {
            click.shorten_to = shorten_to;
        }
        books.apply(&event, START).unwrap();
        let request = &books.requests[&RequestId::from("r1")];
        assert_eq!((request.duration, request.asked_duration), (Some(duration), asked_duration), "{user}");
    }
    let claim = &books.entitlement.unwrap().claims[&RequestId::from("r1")];
    assert_eq!(claim.duration, Some(Span::hours(1)));
}

#[test]
fn the_requester_is_known_by_address_too() {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    books.apply(&identified("r1", "ana", false), START).unwrap();
    let Event::Clicked { click, mut facts } = click("r1", "other-account", ClickAction::Approve) else {
        unreachable!()
    };
    facts.email = Some(Email::new("ANA@Example.com"));
    let own = books.apply(&Event::Clicked { click, facts }, START);
    assert_eq!(own, Err(Refusal::OwnRequest));
}

#[test]
fn strangers_bots_guests_and_leavers_press_in_vain() {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    books.apply(&identified("r1", "ana", false), START).unwrap();
    type Change = fn(&mut Facts);
    let table: [(Change, Refusal); 5] = [
        (|facts| facts.is_home = false, Refusal::Stranger),
        (|facts| facts.is_bot = true, Refusal::Bot),
        (|facts| facts.is_deactivated = true, Refusal::Deactivated),
        (|facts| facts.is_guest = true, Refusal::Guest),
        (|facts| facts.member_of.clear(), Refusal::RightUnknown),
    ];
    for (change, expected) in table {
        let Event::Clicked { click, mut facts } = click("r1", "bo", ClickAction::Approve) else {
            unreachable!()
        };
        change(&mut facts);
        let answer = books.clone().apply(&Event::Clicked { click, facts }, START);
        assert_eq!(answer, Err(expected));
    }
}

#[test]
fn a_card_is_drawn_again_when_it_stands_somewhere_else_and_not_when_it_is_posted_first() {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    books.apply(&identified("r1", "ana", false), START).unwrap();
    let mut posted = |ts: &str| {
        let place = Place { channel: "C1".into(), ts: ts.into() };
        let event = Event::CardPosted { request: "r1".into(), destination: "#access".into(), place };
        let step = books.apply(&event, START).unwrap();
        (step.redraw.len(), step.case.requests[&RequestId::new("r1")].cards[0].is_anew)
    };
    assert_eq!(posted("1.0"), (0, false), "it shows what is");
    assert_eq!(posted("1.0"), (0, false));
    assert_eq!(posted("2.0"), (1, true), "it must say that it was posted again");
    assert_eq!(posted("2.0"), (0, true));
}

#[test]
fn a_rule_that_denies_now_closes_what_waits_and_leaves_what_was_given() {
    let denied = Event::NowDenied { request: "r1".into(), rule: "never".into() };
    for (books, at) in every_state() {
        let mut after = books.clone();
        let was_pending = matches!(books.requests[&RequestId::from("r1")].status, Status::Pending { .. });
        let outcome = after.apply(&denied, *at);
        assert_eq!(outcome.is_ok(), was_pending);
        if let Ok(step) = outcome {
            let request = &after.requests[&RequestId::from("r1")];
            assert!(matches!(&request.status, Status::Refused { why, .. } if why.contains("“never”")));
            assert!(matches!(step.notices.as_slice(), [Notice { kind: NoticeKind::Refused { .. }, .. }]));
            assert_eq!(step.redraw.len(), request.cards.len());
            let late = after.apply(&click("r1", "bo", ClickAction::Approve), *at);
            assert_eq!(late, Err(Refusal::Over));
        }
    }
}

#[test]
fn an_operator_ends_what_lives_and_closes_what_waits_and_nothing_else() {
    for (books, at) in every_state() {
        let mut after = books.clone();
        let before = &books.requests[&RequestId::from("r1")];
        let outcome = after.apply(&admin_revoked("r1"), *at);
        let request = &after.requests[&RequestId::from("r1")];
        let waits = matches!(before.status, Status::Identifying { .. } | Status::Pending { .. });
        assert_eq!(outcome.is_ok(), before.is_claiming() || waits, "{:?}", before.status);
        let Ok(step) = outcome else { continue };
        assert!(step.audit.iter().any(|record| record.actor == Actor::Operator("root".into())));
        match &request.status {
            Status::Refused { why, .. } => assert!(waits && why.contains("INC-42"), "{why}"),
            Status::Ending { cause, .. } | Status::Ended { cause, .. } => {
                assert!(matches!(cause, Cause::Admin { .. }) && before.is_claiming());
                assert!(!may_be_held(books) || may_be_held(&after), "only a read proves the end");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(after.apply(&admin_revoked("r1"), *at), Err(Refusal::Over));
        assert_eq!(after.apply(&admin_revoked("r9"), *at), Err(Refusal::Unknown));
    }
}

#[test]
fn a_requester_who_is_gone_closes_what_waits_and_leaves_what_was_given() {
    for unfit in [Unfit::Deactivated, Unfit::Stranger, Unfit::Guest, Unfit::Bot] {
        let gone = Event::RequesterUnfit { request: "r1".into(), unfit };
        for (books, at) in every_state() {
            let mut after = books.clone();
            let was_pending = matches!(books.requests[&RequestId::from("r1")].status, Status::Pending { .. });
            let outcome = after.apply(&gone, *at);
            assert_eq!(outcome.is_ok(), was_pending);
            if let Ok(step) = outcome {
                assert!(matches!(after.requests[&RequestId::from("r1")].status, Status::Refused { .. }));
                // Nobody is there to be told, but a guest.
                assert_eq!(step.notices.len(), usize::from(unfit == Unfit::Guest));
                let late = after.apply(&click("r1", "bo", ClickAction::Approve), *at);
                assert_eq!(late, Err(Refusal::Over));
            }
        }
    }
}

/// One step of a random history.
#[derive(Debug, Clone)]
enum Happening {
    Ask(usize),
    Identify(usize),
    Click(usize, usize, ClickAction),
    Deny(usize),
    Leave(usize),
    AdminRevoke(usize),
    Time(i64),
    Answer(bool),
    Fail(bool),
    Operation,
    StrayGrant,
    StrayAbsent,
    Admin(bool),
    TakenByHand,
    Sweep(bool),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let action = prop_oneof![
        5 => Just(ClickAction::Approve),
        1 => Just(ClickAction::Deny),
        2 => Just(ClickAction::Revoke),
        1 => Just(ClickAction::Withdraw),
    ];
    let one = prop_oneof![
        2 => (0..3_usize).prop_map(Happening::Ask),
        3 => (0..3_usize).prop_map(Happening::Identify),
        6 => (0..3_usize, 0..3_usize, action).prop_map(|(r, u, a)| Happening::Click(r, u, a)),
        1 => (0..3_usize).prop_map(Happening::Deny),
        1 => (0..3_usize).prop_map(Happening::Leave),
        1 => (0..3_usize).prop_map(Happening::AdminRevoke),
        6 => prop_oneof![Just(1_000_i64), 1_000..90_000_i64, 60_000..7_200_000_i64].prop_map(Happening::Time),
        10 => any::<bool>().prop_map(Happening::Answer),
        2 => any::<bool>().prop_map(Happening::Fail),
        2 => Just(Happening::Operation),
        1 => Just(Happening::StrayGrant),
        1 => Just(Happening::StrayAbsent),
        1 => any::<bool>().prop_map(Happening::Admin),
        1 => Just(Happening::TakenByHand),
        2 => any::<bool>().prop_map(Happening::Sweep),
    ];
    prop::collection::vec(one, 1..80)
}

/// AWS as it really is, beside the books.
#[derive(Default)]
struct Aws {
    is_present: bool,
    /// Present through no doing of ours.
    is_standing: bool,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2 * ProptestConfig::default().cases))]

    /// Random people, clocks and answers: AWS never holds on our account what the books do not claim
    /// or owe to remove, and what we did not give is never taken.
    #[test]
    fn the_laws_hold_over_random_histories(
        history in happenings(), standing in any::<bool>(), restores in any::<[bool; 3]>()
    ) {
        let ids = ["r0", "r1", "r2"];
        let people = ["ana", "bo", "cy"];
        let mut books = Books::default();
        let mut aws = Aws { is_present: standing, is_standing: standing };
        let mut at = START;
        let mut claims: BTreeMap<RequestId, u32> = BTreeMap::new();
        for happening in history {
            let before = books.clone();
            let event = match happening {
                Happening::Ask(n) => {
                    if !books.requests.contains_key(&RequestId::from(ids[n])) {
                        books.open(ids[n], people[0], Span::hours(i64::try_from(n).unwrap_or_default() + 1), at);
                    }
                    continue;
                }
                Happening::Identify(n) if restores[n] => restored(ids[n]),
                Happening::Identify(n) => identified(ids[n], people[0], false),
                Happening::Click(n, user, action) => click(ids[n], people[user], action),
                Happening::Deny(n) => Event::NowDenied { request: ids[n].into(), rule: "never".into() },
                Happening::Leave(n) => {
                    Event::RequesterUnfit { request: ids[n].into(), unfit: Unfit::Deactivated }
                }
                Happening::AdminRevoke(n) => admin_revoked(ids[n]),
                Happening::Time(millis) => {
                    at = at + Span::millis(millis);
                    Event::TimePassed
                }
                Happening::Answer(works) => match answer(&books, &mut aws, works, at) {
                    Some(event) => event,
                    None => continue,
                },
                Happening::Fail(is_transient) => match fail(&books, is_transient) {
                    Some(event) => event,
                    None => continue,
                },
                Happening::Operation => Event::GrantStarted { operation: "op".into() },
                Happening::StrayGrant => Event::StillRunning,
                // A late read about nothing in particular: true only if AWS really holds nothing.
                Happening::StrayAbsent if !aws.is_present => Event::SeenAbsent,
                Happening::StrayAbsent => continue,
                Happening::Admin(gives) => {
                    // Somebody acts by hand, while we hold nothing.
                    if !may_be_held(&books) {
                        aws = Aws { is_present: gives, is_standing: gives };
                    }
                    continue;
                }
                Happening::TakenByHand => {
                    aws = Aws::default();
                    continue;
                }
                // The reads may lag behind: what they do not show may be there.
                Happening::Sweep(is_right) if !aws.is_present || !is_right => {
                    Event::FoundAbsent { since: at, fit: ids.iter().map(|id| RequestId::from(*id)).collect() }
                }
                Happening::Sweep(_) => continue,
            };
            let was_claiming: Vec<RequestId> =
                before.requests.values().filter(|r| r.is_claiming()).map(|r| r.id.clone()).collect();
            if books.apply(&event, at).is_ok() {
                check(&before, &event, &books);
            }
            for request in books.requests.values().filter(|r| r.is_claiming()) {
                if !was_claiming.contains(&request.id) {
                    *claims.entry(request.id.clone()).or_default() += 1;
                }
                prop_assert!(request.approvals.iter().all(|a| a.by.user != request.requester.user), "law 7");
            }
            prop_assert!(claims.values().all(|count| *count <= 1), "law 6");
            // Law 1 and 2 seen from AWS: what it holds on our account is covered by the books.
            if aws.is_present && !aws.is_standing {
                prop_assert!(may_be_held(&books), "AWS holds what the books have forgotten");
            }
        }
        // In the end everything runs out: nothing that we gave stays, nothing that we did not give goes.
        for _ in 0..400 {
            at = at + Span::minutes(5);
            let before = books.clone();
            if books.apply(&Event::TimePassed, at).is_ok() { check(&before, &Event::TimePassed, &books); }
            if let Some(event) = answer(&books, &mut aws, true, at) {
                let before = books.clone();
                if books.apply(&event, at).is_ok() { check(&before, &event, &books); }
            }
        }
        prop_assert!(books.entitlement.is_none(), "something is still owed: {:?}", books.entitlement);
        prop_assert_eq!(aws.is_present, aws.is_standing, "law 5, or access left behind");
        let over = |r: &AccessRequest| r.is_over() || matches!(r.status, Status::Identifying { .. });
        prop_assert!(books.requests.values().all(over), "a request never ended");
    }
}

/// AWS answers what is owed now; `works` says whether its answer arrives.
fn answer(books: &Books, aws: &mut Aws, works: bool, at: Timestamp) -> Option<Event> {
    let (duty, due) = books.entitlement.as_ref()?.duty()?;
    if due > at {
        return None;
    }
    let lost = || MachineError::transient("the reply was lost");
    Some(match duty {
        EntitlementDuty::TimePasses => Event::TimePassed,
        EntitlementDuty::Look if works => Event::Looked { is_present: aws.is_present },
        EntitlementDuty::Look => Event::LookFailed { error: lost(), jitter: 0 },
        EntitlementDuty::Grant | EntitlementDuty::PollGrant => {
            // The work is done in any case; only the answer may be lost.
            aws.is_present = true;
            if works { Event::GrantConfirmed } else { Event::GrantFailed { error: lost(), jitter: 0 } }
        }
        EntitlementDuty::Revoke | EntitlementDuty::PollRevoke => {
            aws.is_present = false;
            if works { Event::SeenAbsent } else { Event::RevokeFailed { error: lost(), jitter: 0 } }
        }
    })
}

fn fail(books: &Books, is_transient: bool) -> Option<Event> {
    let error = failed(is_transient);
    Some(match &books.entitlement.as_ref()?.custody {
        Custody::Looking { .. } | Custody::Held { .. } => Event::LookFailed { error, jitter: 999 },
        Custody::Granting { .. } => Event::GrantFailed { error, jitter: 999 },
        Custody::Revoking { .. } => Event::RevokeFailed { error, jitter: 999 },
    })
}
