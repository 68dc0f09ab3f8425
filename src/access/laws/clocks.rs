//! The clock is put back: what was written ahead of it must not put off what people are told.

use super::super::entitlement::alarms_within;
use super::*;

/// Access whose removal has been owed since `since`, with so many alarms raised.
fn overdue(since: Timestamp, raised: u32) -> Books {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    books.apply(&identified("r1", "ana", false), START).unwrap();
    books.apply(&click("r1", "bo", ClickAction::Approve), START).unwrap();
    books.apply(&Event::Looked { is_present: false }, START).unwrap();
    books.apply(&Event::GrantConfirmed, START).unwrap();
    let end = START + Span::hours(1);
    books.apply(&Event::TimePassed, end).unwrap();
    let custody = &mut books.entitlement.as_mut().unwrap().custody;
    let Custody::Revoking { since: owed_since, alarms, operation, .. } = custody else { panic!() };
    (*owed_since, *alarms, *operation) = (since, raised, Some("op-1".into()));
    books
}

#[test]
fn alarms_that_were_raised_ahead_of_the_clock_do_not_put_off_the_next_one() {
    let now = START + Span::hours(2);
    let failed = || Event::RevokeFailed { error: failed(true), jitter: 0 };
    // How far ahead of the clock the end is, the alarms raised, and when the next one is due.
    let table = [
        (Span::ZERO, 0, Span::minutes(1)),
        (Span::ZERO, 2, Span::minutes(1)),
        (Span::hours(-1), 3, Span::minutes(30)),
        (Span::hours(-1), 8_760, Span::minutes(30)),
        (Span::minutes(-2), 1, Span::minutes(3)),
        (Span::millis(1), 3, Span::minutes(1)),
        (Span::days(365), 0, Span::minutes(1)),
        (Span::days(365), 8_760, Span::minutes(1)),
        (Span::days(365), u32::MAX, Span::minutes(1)),
    ];
    for (ahead, raised, expected) in table {
        for event in [failed(), Event::StillRunning] {
            let mut books = overdue(now + ahead, raised);
            books.apply(&event, now).unwrap();
            let next = books.entitlement.as_ref().unwrap().next_alarm().unwrap();
            assert_eq!(next.since(now), expected, "{ahead} ahead, {raised} raised, {event:?}");
        }
    }
}

#[test]
fn as_many_alarms_are_due_as_have_come() {
    let mut books = overdue(START, 0);
    for raised in 0..200 {
        let Custody::Revoking { alarms, .. } = &mut books.entitlement.as_mut().unwrap().custody else {
            panic!()
        };
        *alarms = raised;
        let after = books.entitlement.as_ref().unwrap().next_alarm().unwrap().since(START);
        assert_eq!(alarms_within(after), raised + 1, "{after}");
        assert_eq!(alarms_within(Span::millis(after.as_millis() - 1)), raised, "just before {after}");
    }
}
