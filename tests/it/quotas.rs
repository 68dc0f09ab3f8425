//! AWS's limits: 20 calls a second, 10 operations at a time, one in each account, revocations first.
//! The simulated AWS counts and refuses what is too much; every story here ends with nothing refused.

use crate::world::World;
use crate::world::crowd::{Place, places};
use crate::world::custody::{ADMIN, HOUR, READER, just_under, minutes};
use std::collections::BTreeMap;
use sym::access::Span;
use sym::sandbox::aws::{Call, OperationTime, Outcome, Service};

const STORIES: &str = "fixtures/manifests/stories";

/// Calls that count against the quota.
fn calls(world: &World) -> Vec<Call> {
    let mut calls = world.aws().calls();
    calls.retain(|call| matches!(call.service, Service::SsoAdmin | Service::IdentityStore));
    calls
}

fn refused(world: &World) -> Vec<String> {
    let failed = calls(world).into_iter().filter(|call| call.outcome != Outcome::Done);
    failed.map(|call| format!("{} {:?}", call.operation, call.outcome)).collect()
}

/// Everything ends in the same moment; how long it takes until all of it is proven gone, and how long
/// it would take if the quotas were used without a pause.
async fn all_at_once(world: &World, places: &[Place], operation: Span) -> (Span, Span) {
    let ends = world.now() + HOUR;
    world.aws().set_operation_time(OperationTime::Millis(operation.as_millis()));
    world.crowd(places, ends).await;
    world.ignore_messages();
    world.pass(just_under(ends.since(world.now()))).await;
    world.aws().clear_calls();
    world.jump(ends);
    let took = world.passes_until_all_is_gone(HOUR).await;
    assert_eq!(world.aws().holdings().len(), 0);
    assert_eq!(refused(world), Vec::<String>::new(), "the bot ran into a limit");
    world.check_quotas();
    let calls = calls(world);
    // A list of many people has many pages.
    let begun = calls.iter().filter(|call| !call.input.contains_key("NextToken"));
    let count = |operation: &str| begun.clone().filter(|call| call.operation == operation).count();
    assert_eq!(count("DeleteAccountAssignment"), places.len(), "one deletion each");
    assert_eq!(count("ListAccountAssignments"), places.len(), "one proof each");
    // A deletion, a question how it went, and a proof: no removal can do with less.
    let by_calls = i64::try_from(places.len() * 3).unwrap() * 1_000 / 20;
    let mut busiest = BTreeMap::new();
    for place in places {
        *busiest.entry(&place.account).or_insert(0_i64) += 1;
    }
    let in_one = busiest.values().max().unwrap() * operation.as_millis();
    let in_all = i64::try_from(places.len()).unwrap() * operation.as_millis() / 10;
    (took, Span::millis(by_calls.max(in_one).max(in_all)))
}

#[tokio::test]
async fn five_hundred_claims_that_end_at_once_are_gone_as_fast_as_aws_allows() {
    let mut world = World::with(STORIES).await;
    let (took, floor) = all_at_once(&world, &places(500, 60, &[ADMIN, READER]), Span::seconds(3)).await;
    assert!(took.as_millis() * 10 <= floor.as_millis() * 12, "{took} where AWS needs {floor}");
    assert_eq!(world.aws().most_in_flight(), 10, "all places are used");
    world.ignore_messages();
    world.stop().await;
}

#[tokio::test]
async fn five_hundred_claims_that_end_at_once_in_one_account_are_gone_as_fast_as_it_allows() {
    let mut world = World::with(STORIES).await;
    let (took, floor) = all_at_once(&world, &places(500, 1, &[ADMIN, READER]), Span::millis(500)).await;
    assert!(took.as_millis() * 10 <= floor.as_millis() * 12, "{took} where AWS needs {floor}");
    assert_eq!(world.aws().most_in_flight(), 1);
    world.ignore_messages();
    world.stop().await;
}

#[tokio::test]
async fn more_ends_in_one_account_than_there_are_hands_hold_up_no_other_account_and_none_is_lost() {
    let mut world = World::with(STORIES).await;
    let crowded = places(160, 1, &[ADMIN]);
    let (ending, coming) = crowded.split_at(100);
    // The last of them is alone in its account, and ends last.
    let alone = places(162, 2, &[READER]).split_off(161);
    let ends = world.now() + HOUR;
    world.aws().set_operation_time(OperationTime::Millis(500));
    world.crowd_to_come(coming, ends).await;
    world.crowd(ending, ends).await;
    let alone = world.crowd(&alone, ends + Span::millis(1)).await.remove(0);
    world.aws().clear_calls();
    world.jump(ends);
    world.pass(Span::seconds(5)).await;
    assert_eq!(world.word(&alone), "ended");
    world.pass(Span::seconds(15)).await;
    assert_eq!(refused(&world), Vec::<String>::new(), "the bot ran into a limit");
    world.check_quotas();
    let left = world.aws().holdings().len();
    assert!((60..80).contains(&left), "{left} are left after 20 seconds of half a second each");
    assert_eq!(world.count("CreateAccountAssignment"), 1, "it was there before the first removal");
    world.pass(minutes(2)).await;
    let given = world.aws().holdings().len();
    assert_eq!((given, world.engine().store().entitlements().count()), (60, 60), "none is lost");
    world.ignore_messages();
    world.stop().await;
}

#[tokio::test]
async fn where_aws_is_done_at_once_the_calls_are_what_counts() {
    let mut world = World::with(STORIES).await;
    let (took, floor) = all_at_once(&world, &places(200, 60, &[ADMIN, READER]), Span::millis(0)).await;
    assert!(took.as_millis() * 10 <= floor.as_millis() * 12, "{took} where AWS needs {floor}");
    world.ignore_messages();
    world.stop().await;
}

#[tokio::test]
async fn revocations_that_wait_go_before_grants_that_wait_and_no_grant_is_forgotten() {
    let mut world = World::with(STORIES).await;
    // Fewer accounts than places, so that it is the queue that decides and not the places kept free.
    let all = places(120, 6, &[ADMIN]);
    let (ending, coming) = all.split_at(60);
    let at = world.now() + HOUR;
    let held = world.crowd(ending, at).await;
    let come = world.crowd_to_come(coming, at).await;
    world.aws().set_operation_time(OperationTime::Millis(1_000));
    world.ignore_messages();
    world.pass(just_under(at.since(world.now()))).await;
    world.aws().clear_calls();
    world.jump(at);
    world.pass(minutes(2)).await;
    assert_eq!(refused(&world), Vec::<String>::new(), "the bot ran into a limit");
    world.check_quotas();
    let is_change = |call: &&Call| call.write && call.service == Service::SsoAdmin;
    // Each account takes one operation at a time: what went first there is what the queue chose.
    let mut by_account = BTreeMap::<String, Vec<String>>::new();
    for change in calls(&world).iter().filter(is_change) {
        let account = change.input["TargetId"].as_str().unwrap().to_owned();
        by_account.entry(account).or_default().push(change.operation.clone());
    }
    assert_eq!((by_account.len(), by_account.values().map(Vec::len).sum::<usize>()), (6, 120));
    for changes in by_account.values() {
        let last_removal = changes.iter().rposition(|change| change.starts_with("Delete")).unwrap();
        let before = changes[..last_removal].iter().filter(|change| change.starts_with("Create")).count();
        assert!(before <= 1, "{before} grants overtook a revocation that waited: {changes:?}");
    }
    for request in &held {
        assert_eq!(world.word(request), "ended");
    }
    for request in &come {
        assert!(world.is_active(request), "{:?}", world.status(request));
    }
    world.pass(HOUR + minutes(2)).await;
    assert_eq!(world.aws().holdings().len(), 0);
    world.ignore_messages();
    world.stop().await;
}

#[tokio::test]
async fn in_one_account_two_people_are_served_one_after_the_other() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(8_000));
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let (first, second) = (ana.asks_to_be_admin(HOUR).await, cy.asks_to_be_admin(HOUR).await);
    bo.approves(&first).await;
    bo.approves(&second).await;
    world.settle().await;
    assert!(world.is_active(&first) && world.is_active(&second));
    assert_eq!(refused(&world), Vec::<String>::new(), "a conflict that could be foreseen");
    world.pass(HOUR + minutes(1)).await;
    assert!(!ana.is_admin() && !cy.is_admin());
    assert_eq!(refused(&world), Vec::<String>::new(), "a conflict that could be foreseen");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_grant_that_is_revoked_while_it_waits_for_its_account_is_never_given() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(3_000));
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let (first, second) = (ana.asks_to_be_admin(HOUR).await, cy.asks_to_be_admin(HOUR).await);
    bo.approves(&first).await;
    bo.approves(&second).await;
    assert_eq!((world.word(&first).as_str(), world.word(&second).as_str()), ("granting", "granting"));
    assert_eq!(world.aws().in_flight(), 1, "the other one waits");
    bo.revokes(&second).await;
    assert_eq!(world.word(&second), "ending");
    world.pass(minutes(1)).await;
    assert!(world.is_active(&first));
    assert_eq!(world.word(&second), "ended");
    let given = world.aws().calls_of("CreateAccountAssignment");
    let users: Vec<_> = given.iter().map(|call| call.input["PrincipalId"].as_str().unwrap()).collect();
    assert_eq!(users, [ana.player.sso_user.as_str()], "given after its claim had ended");
    world.ignore_messages();
    world.pass(HOUR).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_bot_that_is_stopped_while_hundreds_wait_stops_at_once_and_goes_on_later() {
    let mut world = World::with(STORIES).await;
    let ends = world.now() + HOUR;
    let requests = world.crowd(&places(40, 4, &[ADMIN]), ends).await;
    world.aws().set_operation_time(OperationTime::Millis(2_000));
    world.jump(ends);
    world.engine().settle().await;
    assert!(world.aws().in_flight() == 4 && world.aws().holdings().len() == 40);
    world.restart().await;
    world.pass(minutes(3)).await;
    assert_eq!(world.aws().holdings().len(), 0);
    for request in &requests {
        assert_eq!(world.word(request), "ended");
    }
    world.ignore_messages();
    world.stop().await;
}
