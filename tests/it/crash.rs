//! A bot that dies at any outgoing call leaves nothing behind, and loses nothing.

use crate::world::crash::outside;
use crate::world::custody::{HOUR, minutes};
use crate::world::{Asked, World, values};
use std::collections::BTreeMap;
use sym::access::{AccessRequest, Cause, Entitlement, Removal, Status};
use sym::sandbox::aws::{CutSide, Holding, Outcome};
use sym::store::Store;

const STORIES: &str = "fixtures/manifests/stories";

/// Asked, approved, held, over.
async fn an_hour(world: &World) {
    world.admin("ana", HOUR).await;
    world.pass(minutes(30)).await;
    world.pass(minutes(31)).await;
}

/// Given back early.
async fn given_back(world: &World) {
    let request = world.admin("ana", HOUR).await;
    world.pass(minutes(10)).await;
    world.person("ana").revokes(&request).await;
    world.settle().await;
}

/// Two requests for one thing, which overlap.
async fn overlapping(world: &World) {
    world.admin("ana", HOUR).await;
    world.pass(minutes(45)).await;
    world.admin("ana", HOUR).await;
    world.pass(minutes(70)).await;
}

#[test]
fn a_bot_that_dies_at_any_call_still_ends_access_on_time() {
    die_everywhere("an hour", &an_hour);
}

#[test]
fn a_bot_that_dies_at_any_call_still_ends_access_given_back() {
    die_everywhere("given back", &given_back);
}

#[test]
fn a_bot_that_dies_at_any_call_still_ends_overlapping_access() {
    die_everywhere("overlapping", &overlapping);
}

#[test]
fn a_power_cut_before_any_commit_is_on_disk_leaves_no_access_given_back() {
    lose_every_commit("given back", &given_back);
}

#[test]
fn a_power_cut_before_any_commit_is_on_disk_leaves_no_overlapping_access() {
    lose_every_commit("overlapping", &overlapping);
}

/// Plays the story again and again, each time with a disk that takes one commit more and then no other,
/// until it runs through. What is on disk then is what the next bot starts with.
fn lose_every_commit(name: &str, story: &impl AsyncFn(&World)) {
    let outside = outside();
    let mut lost = 0;
    for commits in 0.. {
        assert!(commits < 500, "the story does not end");
        let mut world = World::outlasting(&outside, STORIES);
        let was_cut = world.play_until_commit(commits, async |world: &World| story(world).await);
        let place = format!("{name}, after {commits} commits");
        let found = Store::open(world.data()).unwrap_or_else(|error| panic!("{place}: {error}"));
        // What was written and not synced may be there, as with a real disk: it mostly is not.
        lost += u64::from(found.figures().commits <= commits);
        drop(found);
        check_custody(&world, &place);
        world.play(async |world: &World| {
            world.settle().await;
            for _ in 0..13 {
                assert_covered(world, &world.engine().store().entitlements().collect::<Vec<_>>(), &place);
                world.pass(minutes(15)).await;
            }
            check_end(world, &place);
        });
        if !was_cut {
            assert!(commits > 10, "{place}: the story is too short to be true");
            assert!(lost > commits / 2, "{place}: only {lost} cuts lost what was not synced");
            break;
        }
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_and_no_call_leaves_before_the_disk_has_it() {
    let world = World::with(STORIES).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let stop_the_disk =
        |world: &World| world.engine().store().hold_after(world.engine().store().figures().commits);

    ana.types("request aws").await;
    let view = world.slack().view(ana.user()).expect("a form is open");
    let before = world.slack().calls().len();
    let held = stop_the_disk(&world);
    let answers = values([("Target", "Prod admin"), ("Duration", "1h"), ("Reason", "INC-42")]);
    let reply = world.slack().submit(ana.user(), &view.id, answers.clone()).await.unwrap();
    assert!(!reply.acked, "the form was acknowledged before the request was on disk");
    ana.closes_form().await;
    assert_eq!(world.request_ids().len(), 1, "the request is decided, and waits for the disk");
    assert_eq!(world.slack().calls().len(), before, "somebody was told of a request that is not on disk");
    drop(held);
    world.settle().await;
    let request = Asked { id: world.request_ids().remove(0) };
    assert_eq!(world.word(&request), "pending");

    let (before, calls) = (world.slack().calls().len(), world.calls_for_access());
    let held = stop_the_disk(&world);
    let card = world.card_message(&request);
    let clicked = world.slack().click(bo.user(), &card.channel, &card.ts, "sym_approve", request.id.as_str());
    assert!(!clicked.await.unwrap().acked, "the click was acknowledged before it was on disk");
    assert_eq!(world.calls_for_access(), calls, "AWS was called before the approval was on disk");
    assert_eq!(world.slack().calls().len(), before, "somebody was told of what is not on disk");
    drop(held);
    world.settle().await;
    assert!(ana.is_admin());

    // Its hour is up: the end is written down before AWS is asked for it.
    let Status::Active { ends_at: Some(end), .. } = world.status(&request) else { panic!("it is held") };
    world.jump(end);
    let (before, calls) = (world.slack().calls().len(), world.calls_for_access());
    let held = stop_the_disk(&world);
    let settled = async { world.engine().settle().await };
    tokio::select! {
        () = held.withholds() => {}
        () = settled => panic!("nothing was written about the end"),
    }
    for _ in 0..3 {
        world.engine().slack().auth_test().await.unwrap();
    }
    assert_eq!(world.calls_for_access(), calls, "AWS was called before the end was on disk");
    assert_eq!(world.slack().calls().len(), before + 3, "somebody was told of an end that is not on disk");
    drop(held);
    world.settle().await;
    assert!(!ana.is_admin());
    world.ignore_messages();
    world.finish().await;
}

/// Plays the story again and again, each time with the world cut off one call later, before or after
/// the call's effect, until it runs through.
fn die_everywhere(name: &str, story: &impl AsyncFn(&World)) {
    let outside = outside();
    for side in [CutSide::Before, CutSide::After] {
        let mut n = 0;
        loop {
            n += 1;
            assert!(n < 500, "the story does not end");
            let mut world = World::outlasting(&outside, STORIES);
            let cut = world.play_until(n, side, async |world: &World| story(world).await);
            let place = format!("{name}, {side:?} call {n}: {}", cut.as_deref().unwrap_or("none"));
            check_custody(&world, &place);
            world.play(async |world: &World| {
                world.settle().await;
                for _ in 0..13 {
                    assert_covered(world, &world.engine().store().entitlements().collect::<Vec<_>>(), &place);
                    world.pass(minutes(15)).await;
                }
                check_end(world, &place);
            });
            if cut.is_none() {
                // Asking, approving, giving and taking are far more calls than this.
                assert!(n > 25, "{place}: the story is too short to be true");
                break;
            }
        }
    }
}

/// What was in the files of the bot that died covers what AWS holds.
fn check_custody(world: &World, place: &str) {
    let store = Store::open(world.data()).unwrap_or_else(|error| panic!("{place}: {error}"));
    let entitlements: Vec<Entitlement> = store.entitlements().collect();
    assert_covered(world, &entitlements, place);
}

/// AWS holds nothing, and is about to hold nothing, without somebody owing its end.
fn assert_covered(world: &World, entitlements: &[Entitlement], place: &str) {
    let held = world.aws().holdings().len() + world.aws().in_flight();
    if held > 0 {
        assert_eq!(entitlements.len(), 1, "{place}: AWS holds access that nobody has written down");
        let entitlement = &entitlements[0];
        assert!(entitlement.may_be_held(), "{place}: {entitlement:?}");
        assert!(entitlement.duty().is_some(), "{place}: nothing is owed for {entitlement:?}");
        let is_claimed = !entitlement.claims.is_empty() || !entitlement.ending.is_empty();
        assert!(is_claimed, "{place}: {entitlement:?}");
    }
}

fn check_end(world: &World, place: &str) {
    assert_eq!(world.aws().holdings(), Vec::<Holding>::new(), "{place}");
    let store = world.engine().store();
    assert_eq!(store.entitlements().count(), 0, "{place}: an entitlement is still in the books");
    assert_eq!(world.engine().next_due().unwrap(), None, "{place}: something is still owed");
    world.check_strictness();
    let broken = store.audit().filter(|record| !matches!(record, Ok((_, _, true)))).count();
    assert_eq!(broken, 0, "{place}: the audit chain is broken");
    let requests: Vec<AccessRequest> = store.requests().collect();
    let mut claims = 0;
    for request in &requests {
        assert!(request.is_over(), "{place}: {:?}", request.status);
        claims += usize::from(matches!(request.status, Status::Ended { .. }));
        check_card(world, request, place);
    }
    let took_effect = |outcome: &Outcome| matches!(outcome, Outcome::Done | Outcome::Lost(None));
    let creates = world.aws().calls_of("CreateAccountAssignment");
    let creates = creates.iter().filter(|call| took_effect(&call.outcome)).count();
    assert!(creates <= claims.max(1) + 1, "{place}: {creates} creates for {claims} claims");
    check_messages(world, &requests, place);
}

/// The card shows how it ended.
fn check_card(world: &World, request: &AccessRequest, place: &str) {
    let Some(card) = request.cards.iter().find_map(|card| card.place.clone()) else {
        assert!(
            matches!(request.status, Status::Refused { .. }),
            "{place}: no card for {:?}",
            request.status
        );
        return;
    };
    let messages = world.slack().messages(card.channel.as_str());
    let message = messages.iter().find(|message| message.ts == card.ts.as_str()).expect("the card is there");
    let shown = world.slack().shown(&world.stage.player("bo").unwrap().user, message);
    let expected = match &request.status {
        Status::Lapsed { .. } => "has lapsed",
        Status::Ended { removal: Removal::StillClaimed, .. } => "keeps *Prod admin* through another request",
        Status::Ended { began: Some(_), .. } => "no longer has *Prod admin*",
        Status::Ended { .. } => "did not get *Prod admin*",
        other => panic!("{place}: {other:?}"),
    };
    assert!(shown.contains(expected), "{place}: {:?} but\n{shown}", request.status);
}

/// Everything was said, and nothing more than twice.
fn check_messages(world: &World, requests: &[AccessRequest], place: &str) {
    let ana = &world.stage.player("ana").unwrap().user;
    let dms: Vec<String> =
        world.slack().dms(ana).iter().map(|message| world.slack().shown(ana, message)).collect();
    let said = |words: &str| dms.iter().filter(|text| text.contains(words)).count();
    let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
    for request in requests {
        let mut expect = |words| *expected.entry(words).or_default() += 1;
        expect("has gone to #access-requests");
        match &request.status {
            Status::Lapsed { .. } => expect("so it has lapsed"),
            Status::Ended { cause, began, removal, .. } => {
                if began.is_some() {
                    expect("You have *Prod admin* until");
                }
                match (cause, removal) {
                    (Cause::GrantFailed { .. } | Cause::GrantTimedOut { .. }, _) => expect("did not get"),
                    (_, Removal::StillClaimed) => expect("You keep it through another request"),
                    (_, Removal::SeenAbsent) => expect("Your access to *Prod admin* has ended"),
                    (_, Removal::NeverGiven) => expect("has ended before AWS gave you anything"),
                }
            }
            other => panic!("{place}: {other:?}"),
        }
    }
    for (words, count) in expected {
        let times = said(words);
        assert!(
            (count..=2 * count).contains(&times),
            "{place}: “{words}” was said {times} times for {count} requests:\n{}",
            dms.join("\n--\n")
        );
    }
}
