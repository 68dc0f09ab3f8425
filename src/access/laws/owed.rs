//! What is owed, and when.

use super::*;

fn entitlement(custody: Custody, claims: &[Claim]) -> Entitlement {
    Entitlement {
        id: EntitlementId::of(&principal(), &resource()),
        principal: principal(),
        resource: resource(),
        connection: target().connection,
        holder: Person { user: "ana".into(), email: None },
        claims: claims
            .iter()
            .enumerate()
            .map(|(n, it)| (format!("r{n}").as_str().into(), it.clone()))
            .collect(),
        ending: vec![],
        custody,
    }
}

fn ends_at(at: Timestamp) -> Claim {
    Claim { duration: Some(Span::hours(1)), stage: ClaimStage::Confirmed { ends_at: Some(at) } }
}

#[test]
fn work_is_done_when_it_is_due_and_at_once_when_the_clock_was_put_back() {
    let owed = |due: Timestamp| entitlement(Custody::Looking { retry: Retry::now(due) }, &[]).owed(START);
    let millis = Span::millis(1);
    assert_eq!(owed(START), Some(EntitlementDuty::Look));
    assert_eq!(owed(START - millis), Some(EntitlementDuty::Look));
    assert_eq!(owed(START + millis), None);
    assert_eq!(owed(START + Span::minutes(5)), None, "the longest pause");
    assert_eq!(owed(START + Span::minutes(5) + millis), Some(EntitlementDuty::Look));
}

#[test]
fn an_end_goes_before_work_that_is_due_no_earlier() {
    let looking = |due| Custody::Looking { retry: Retry::now(due) };
    let duty = |due, end| entitlement(looking(due), &[ends_at(end)]).duty();
    let later = START + Span::seconds(1);
    assert_eq!(duty(START, START), Some((EntitlementDuty::TimePasses, START)));
    assert_eq!(duty(later, START), Some((EntitlementDuty::TimePasses, START)));
    assert_eq!(duty(START, later), Some((EntitlementDuty::Look, START)));
    let slept = entitlement(looking(START), &[ends_at(later)]);
    assert_eq!(slept.owed(later), Some(EntitlementDuty::TimePasses), "whatever was due before");
    assert_eq!(slept.owed(later - Span::millis(1)), Some(EntitlementDuty::Look));
}

#[test]
fn alarms_come_after_one_five_and_thirty_minutes_and_then_every_hour() {
    let after = [0, 1, 2, 3, 4].map(|alarms| {
        let retry = Retry::now(START);
        let revoking = Custody::Revoking { operation: None, polls: 0, retry, since: START, alarms };
        entitlement(revoking, &[]).next_alarm().map(|at| at.since(START))
    });
    assert_eq!(after, [1, 5, 30, 90, 150].map(|minutes| Some(Span::minutes(minutes))));
    assert_eq!(entitlement(Custody::Held { retry: Retry::now(START) }, &[]).next_alarm(), None);
}

#[test]
fn the_command_that_removes_it_by_hand_names_principal_and_resource() {
    let held = entitlement(Custody::Held { retry: Retry::now(START) }, &[]);
    assert_eq!(held.by_hand(), by_hand(&principal(), &resource(), None));
}

#[test]
fn the_end_is_announced_ten_minutes_before_when_there_is_time_for_it() {
    let duty = |lasts: Span| {
        let mut books = Books::default();
        books.open("r1", "ana", lasts, START);
        let steps = [
            identified("r1", "ana", false),
            click("r1", "bo", ClickAction::Approve),
            Event::Looked { is_present: false },
            Event::GrantConfirmed,
        ];
        for event in steps {
            books.apply(&event, START).unwrap();
        }
        books.requests[&RequestId::from("r1")].duty()
    };
    assert_eq!(duty(Span::minutes(15)), None);
    let lasts = Span::minutes(15) + Span::millis(1);
    assert_eq!(duty(lasts), Some((RequestDuty::Warn, START + lasts - Span::minutes(10))));
}

#[test]
fn alarms_missed_while_the_bot_slept_are_raised_as_one_and_once_in_each_place() {
    let mut books = Books::default();
    for (id, channel) in [("r1", "#errors"), ("r2", "#access")] {
        books.open(id, "ana", Span::hours(1), START);
        let mut event = identified(id, "ana", false);
        if let Event::Identified { terms, .. } = &mut event {
            terms.error_channel = Some(channel.to_owned());
        }
        for event in [event, click(id, "bo", ClickAction::Approve)] {
            books.apply(&event, START).unwrap();
        }
    }
    for event in [Event::Looked { is_present: false }, Event::GrantConfirmed] {
        books.apply(&event, START).unwrap();
    }
    let over = START + Span::hours(1);
    books.apply(&Event::TimePassed, over).unwrap();
    let early = books.clone().apply(&Event::TimePassed, over + Span::minutes(1) - Span::millis(1)).unwrap();
    assert!(early.notices.is_empty());
    let step = books.apply(&Event::TimePassed, over + Span::minutes(90)).unwrap();
    let to: Vec<_> = step.notices.iter().map(|notice| &notice.to).collect();
    let channel = |name: &str| Audience::Channel(name.to_owned());
    assert_eq!(to, [&channel("#access"), &channel("#errors")]);
    let Some(NoticeKind::RevokeOverdue { since, attempts: 0, last, by_hand: command }) =
        step.notices.first().map(|notice| &notice.kind)
    else {
        panic!("{:?}", step.notices)
    };
    assert_eq!((*since, last.as_str()), (over, "AWS has not answered yet"));
    assert_eq!(*command, by_hand(&principal(), &resource(), None));
    let entitlement = books.entitlement.unwrap();
    assert_eq!(entitlement.next_alarm(), Some(over + Span::minutes(150)));
}

#[test]
fn an_operation_of_aws_is_asked_about_soon_and_then_after_an_eighth_of_its_age_up_to_five_seconds() {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    let steps = [
        identified("r1", "ana", false),
        click("r1", "bo", ClickAction::Approve),
        Event::Looked { is_present: false },
        Event::GrantStarted { operation: "op".into() },
    ];
    for event in steps {
        books.apply(&event, START).unwrap();
    }
    let mut pauses = Vec::new();
    for _ in 0..=120 {
        pauses.push(books.entitlement.as_ref().unwrap().duty().unwrap().1.since(START).as_millis());
        books.apply(&Event::StillRunning, START).unwrap();
    }
    let some = [0, 8, 9, 10, 16, 32, 43, 100, 120].map(|polls: usize| pauses[polls]);
    assert_eq!(some, [100, 100, 112, 126, 256, 1684, 5000, 5000, 5000]);
}

#[test]
fn access_is_given_only_while_a_claim_on_it_lives() {
    let granting = || Custody::Granting { operation: None, polls: 0, retry: Retry::now(START) };
    let end = START + Span::hours(1);
    let endless = Claim { duration: None, stage: ClaimStage::Confirmed { ends_at: None } };
    let given = |claims: &[Claim], now| entitlement(granting(), claims).is_to_be_given(now);
    assert!(given(&[ends_at(end)], end - Span::millis(1)) && given(&[endless.clone(), ends_at(end)], end));
    assert!(!given(&[ends_at(end)], end) && !given(&[ends_at(end)], end + Span::hours(1)));
    assert!(!given(&[], START));
    let held = entitlement(Custody::Held { retry: Retry::now(START) }, &[endless]);
    assert!(!held.is_to_be_given(START));
}

#[test]
fn who_asks_is_found_out_when_it_is_due_and_at_once_when_the_clock_was_put_back() {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    let request = |books: &Books| books.requests[&RequestId::from("r1")].clone();
    let identifying = request(&books);
    let owed = |due| {
        let status = Status::Identifying { retry: Retry::now(due) };
        AccessRequest { status, ..identifying.clone() }.owed(START)
    };
    let millis = Span::millis(1);
    assert_eq!(owed(START), Some(RequestDuty::Identify));
    assert_eq!(owed(START - millis), Some(RequestDuty::Identify));
    assert_eq!(owed(START + millis), None);
    assert_eq!(owed(START + Span::minutes(5)), None, "the longest pause");
    assert_eq!(owed(START + Span::minutes(5) + millis), Some(RequestDuty::Identify));
    books.apply(&identified("r1", "ana", false), START).unwrap();
    let remind = START + Span::hours(4);
    assert_eq!(request(&books).owed(START), None, "people have their time");
    assert_eq!(request(&books).owed(remind), Some(RequestDuty::Remind));
}
