//! Requests that overlap are claims on one entitlement: the last one to end takes it along.

use crate::world::World;
use crate::world::custody::{HOUR, minutes};
use insta::assert_snapshot;
use sym::access::{Span, Status};
use sym::sandbox::aws::{Fault, Match, OperationTime};

const STORIES: &str = "fixtures/manifests/stories";

#[tokio::test]
async fn access_stays_until_the_last_of_two_requests_ends() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let first = world.admin("ana", HOUR).await;
    world.pass(minutes(30)).await;
    let second = world.admin("ana", HOUR).await;
    assert_eq!(world.changes(), ["CreateAccountAssignment"], "it is there already");
    world.ignore_messages();
    world.pass(minutes(20)).await;
    assert!(ana.next_dm().contains("ends"), "the first one's end is near");
    world.pass(minutes(10)).await;
    world.settle().await;
    assert!(ana.is_admin() && world.is_active(&second));
    assert_snapshot!(ana.next_dm(), @"One of your requests for *Prod admin* has ended: its hour is up. You keep it through another request.");
    assert_snapshot!(world.card(&first), @r"
    :lock: @ana keeps *Prod admin* through another request; this one has ended
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: its hour is up.
    Approved by @bo.
    (Ended today at 11:00 AM, after 1 hour)
    ");
    world.pass(minutes(30)).await;
    world.settle().await;
    assert!(!ana.is_admin());
    ana.next_dm();
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: its hour is up.");
    assert_snapshot!(world.card(&second), @r"
    :lock: @ana no longer has *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `3ayw7fcdcq3uy`)
    · *Reason* INC-42
    Why: its hour is up. AWS was read afterwards: it is gone.
    Approved by @bo.
    (A session opened before can go on until it expires by itself.)
    (Ended today at 11:30 AM, after 1 hour)
    ");
    assert_eq!(world.changes(), ["CreateAccountAssignment", "DeleteAccountAssignment"]);
    world.finish().await;
}

#[tokio::test]
async fn an_extension_a_second_before_the_end_leaves_no_gap() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    world.admin("ana", HOUR).await;
    world.pass(minutes(59) + Span::seconds(59)).await;
    let second = ana.asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&second).await;
    let Status::Active { since, ends_at, .. } = world.status(&second) else { panic!("it is active") };
    assert_eq!(ends_at, Some(since + HOUR));
    world.pass(minutes(59)).await;
    assert!(ana.is_admin());
    assert_eq!(world.count("DeleteAccountAssignment"), 0);
    world.pass(minutes(2)).await;
    assert!(!ana.is_admin());
    assert_eq!(world.changes(), ["CreateAccountAssignment", "DeleteAccountAssignment"]);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn an_extension_outlives_the_first_end_while_aws_cannot_be_read() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    world.admin("ana", HOUR).await;
    world.pass(minutes(59)).await;
    world.aws().fault(Match::every("ListAccountAssignments"), Fault::Throttle);
    let second = ana.asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&second).await;
    world.pass(minutes(5)).await;
    assert_eq!(world.word(&second), "granting", "AWS has not confirmed");
    assert!(ana.is_admin(), "and it was not taken");
    world.aws().clear_faults();
    world.pass(minutes(6)).await;
    assert!(world.is_active(&second));
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!ana.is_admin());
    assert_eq!(world.changes(), ["CreateAccountAssignment", "DeleteAccountAssignment"]);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_second_request_approved_while_the_first_is_being_taken_is_given_anew() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let first = world.admin("ana", HOUR).await;
    let second = ana.asks_to_be_admin(HOUR).await;
    world.aws().set_operation_time(OperationTime::Millis(120_000));
    ana.revokes(&first).await;
    world.pass(Span::seconds(20)).await;
    assert_eq!(world.word(&first), "ending");
    bo.approves(&second).await;
    world.pass(Span::seconds(20)).await;
    assert_eq!((world.word(&first), world.word(&second)), ("ending".to_owned(), "granting".to_owned()));
    world.aws().set_operation_time(OperationTime::Polls(1));
    world.pass(minutes(3)).await;
    assert_eq!(world.word(&first), "ended");
    assert!(world.is_active(&second) && ana.is_admin());
    assert_eq!(
        world.changes(),
        ["CreateAccountAssignment", "DeleteAccountAssignment", "CreateAccountAssignment"]
    );
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!ana.is_admin());
    assert_eq!(world.word(&second), "ended");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_request_approved_during_a_removal_is_given_anew_even_if_reads_lag_behind() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let first = world.admin("ana", HOUR).await;
    let second = ana.asks_to_be_admin(HOUR).await;
    world.aws().set_operation_time(OperationTime::Millis(120_000));
    // The proof is right; the next read is answered from before the removal.
    world.aws().fault(Match::nth("ListAccountAssignments", 2), Fault::Stale);
    ana.revokes(&first).await;
    world.pass(Span::seconds(20)).await;
    bo.approves(&second).await;
    world.aws().set_operation_time(OperationTime::Polls(1));
    world.pass(minutes(5)).await;
    assert!(ana.is_admin(), "{:?}", world.status(&second));
    assert!(world.is_active(&second));
    world.aws().clear_faults();
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!ana.is_admin());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn of_two_requests_both_can_be_given_back() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let first = world.admin("ana", HOUR).await;
    let second = world.admin("ana", HOUR).await;
    world.ignore_messages();
    ana.revokes(&second).await;
    world.settle().await;
    assert!(ana.is_admin() && world.is_active(&first));
    assert_snapshot!(ana.next_dm(), @"One of your requests for *Prod admin* has ended: you gave it back. You keep it through another request.");
    ana.revokes(&first).await;
    world.settle().await;
    assert!(!ana.is_admin());
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: you gave it back.");
    assert_eq!(world.changes(), ["CreateAccountAssignment", "DeleteAccountAssignment"]);
    world.finish().await;
}

#[tokio::test]
async fn a_request_given_back_before_aws_was_asked_costs_nothing() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_to_be_admin(HOUR).await;
    world.aws().fault(Match::every("ListAccountAssignments"), Fault::Throttle);
    bo.approves(&request).await;
    world.ignore_messages();
    ana.revokes(&request).await;
    world.settle().await;
    assert_snapshot!(ana.next_dm(), @"Your request for *Prod admin* has ended before AWS gave you anything: you gave it back.");
    assert_snapshot!(world.card(&request), @r"
    :lock: @ana did not get *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: @ana gave it back. Nothing was given in AWS.
    Approved by @bo.
    (Ended today at 10:00 AM)
    ");
    assert_eq!(world.changes(), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn two_people_with_the_same_target_do_not_touch_each_other() {
    let world = World::with(STORIES).await;
    let (ana, dee) = (world.person("ana"), world.person("dee"));
    let hers = world.admin("ana", HOUR).await;
    world.pass(minutes(30)).await;
    let theirs = world.admin("dee", HOUR).await;
    assert!(ana.is_admin() && dee.is_admin());
    ana.revokes(&hers).await;
    world.settle().await;
    assert!(!ana.is_admin() && dee.is_admin() && world.is_active(&theirs));
    world.pass(HOUR).await;
    world.settle().await;
    assert!(!dee.is_admin());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn two_requests_approved_at_once_are_given_once() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let requests = [ana.asks_to_be_admin(HOUR).await, ana.asks_to_be_admin(minutes(30)).await];
    tokio::join!(bo.approves(&requests[0]), bo.approves(&requests[1]));
    world.settle().await;
    assert!(world.is_active(&requests[0]) && world.is_active(&requests[1]));
    assert_eq!(world.changes(), ["CreateAccountAssignment"]);
    world.pass(minutes(31)).await;
    assert!(ana.is_admin());
    world.pass(minutes(30)).await;
    assert!(!ana.is_admin());
    world.ignore_messages();
    world.finish().await;
}
