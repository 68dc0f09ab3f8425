//! Access that somebody removes in AWS itself.

use super::*;

#[test]
fn access_that_is_gone_is_closed_or_given_again_and_nothing_else_changes() {
    let reached = every_state();
    let mut seen = [false, false, false];
    for (books, at) in reached {
        let later = [Span::ZERO, Span::minutes(6), Span::hours(2)];
        for (later, is_fit) in later.into_iter().flat_map(|later| [(later, true), (later, false)]) {
            let at = *at + later;
            let fit = is_fit.then(|| RequestId::from("r1")).into_iter().collect();
            let mut after = books.clone();
            let outcome = after.apply(&Event::FoundAbsent { since: at, fit }, at);
            let Some(Custody::Held { retry }) = books.entitlement.as_ref().map(|held| &held.custody) else {
                assert_eq!(outcome, Err(Refusal::Stale), "only what is held can be missed");
                continue;
            };
            let is_early = retry.at + Span::minutes(5) > at;
            let waits = books.entitlement.as_ref().unwrap().has_unconfirmed_claim();
            if is_early || waits {
                assert_eq!(outcome, Err(Refusal::Stale));
                continue;
            }
            let step = outcome.unwrap();
            let before = &books.requests[&RequestId::from("r1")];
            let request = &after.requests[&RequestId::from("r1")];
            let custody = &after.entitlement.as_ref().unwrap().custody;
            if before.has_outlived(at) {
                assert!(matches!(request.status, Status::Ending { cause: Cause::TimeUp, .. }));
                assert!(matches!(custody, Custody::Revoking { .. }));
            } else if before.terms.restores && is_fit {
                seen[0] = true;
                assert!(matches!(custody, Custody::Granting { .. }));
                assert_eq!(request.status, before.status, "it goes on as it was");
                assert_eq!(step.notices.len(), 2, "{:?}", step.notices);
            } else {
                seen[1] |= !before.terms.restores;
                seen[2] |= before.terms.restores;
                assert!(matches!(custody, Custody::Revoking { .. }), "only a removal proves it");
                let cause = Cause::RemovedByHand { restoring: None };
                assert!(
                    matches!(&request.status, Status::Ending { cause: found, began: Some(_), .. } if *found == cause)
                );
                assert_eq!(step.notices.len(), 2, "{:?}", step.notices);
            }
        }
    }
    assert_eq!(seen, [true, true, true], "every way is tried");
}

#[test]
fn access_is_missed_five_minutes_after_aws_confirmed_it_by_a_read_that_began_before_now() {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    let steps = [
        identified("r1", "ana", false),
        click("r1", "bo", ClickAction::Approve),
        Event::Looked { is_present: false },
        Event::GrantConfirmed,
    ];
    for event in steps {
        books.apply(&event, START).unwrap();
    }
    let found = |since: Timestamp, at: Timestamp| books.clone().apply(&found_absent(since), at);
    let (early, now) = (START + Span::minutes(5), START + Span::minutes(6));
    assert_eq!(found(early - Span::millis(1), now), Err(Refusal::Stale));
    assert!(found(early, now).is_ok() && found(now, now).is_ok());
    assert_eq!(found(now + Span::millis(1), now), Err(Refusal::Stale), "the clock was put back");
}

/// One hour from `START`, held and then given again: what becomes of it.
fn given_again() -> (Books, Timestamp) {
    let mut books = Books::default();
    books.open("r1", "ana", Span::hours(1), START);
    let steps = [
        restored("r1"),
        click("r1", "bo", ClickAction::Approve),
        Event::Looked { is_present: false },
        Event::GrantConfirmed,
    ];
    for event in steps {
        books.apply(&event, START).unwrap();
    }
    let at = START + Span::minutes(30);
    books.apply(&found_absent(at), at).unwrap();
    (books, at)
}

#[test]
fn what_is_given_again_ends_when_it_would_have_ended() {
    let (mut books, at) = given_again();
    let end = START + Span::hours(1);
    books.apply(&Event::GrantConfirmed, at + Span::minutes(1)).unwrap();
    let request = &books.requests[&RequestId::from("r1")];
    assert_eq!(request.status, Status::Active { since: START, ends_at: Some(end), warned: false });
    let claim = &books.entitlement.as_ref().unwrap().claims[&RequestId::from("r1")];
    assert_eq!(claim.stage, ClaimStage::Confirmed { ends_at: Some(end) });
}

#[test]
fn what_cannot_be_given_again_ends_and_is_proven_gone() {
    let why = |books: &Books| match &books.requests[&RequestId::from("r1")].status {
        Status::Ending { cause, began: Some(START), .. } => cause.clone(),
        other => panic!("{other:?}"),
    };
    let error = failed(false);
    let (mut books, at) = given_again();
    books.apply(&Event::GrantFailed { error: error.clone(), jitter: 0 }, at).unwrap();
    assert_eq!(why(&books), Cause::RemovedByHand { restoring: Some(error.message) });
    assert!(matches!(books.entitlement.unwrap().custody, Custody::Revoking { .. }));
    // AWS says nothing for a quarter of an hour.
    let (mut books, at) = given_again();
    books.apply(&Event::GrantFailed { error: failed(true), jitter: 0 }, at).unwrap();
    books.apply(&Event::TimePassed, at + GRANT_WINDOW).unwrap();
    assert_eq!(why(&books), Cause::RemovedByHand { restoring: Some("AWS said no".into()) });
    // Its time is up before that.
    let (mut books, at) = given_again();
    let deadline = books.entitlement.as_ref().unwrap().claims[&RequestId::from("r1")].deadline();
    assert_eq!(deadline, Some(at + GRANT_WINDOW));
    books.apply(&Event::TimePassed, START + Span::hours(1)).unwrap();
    assert_eq!(why(&books), Cause::TimeUp);
}
