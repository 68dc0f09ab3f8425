//! The wall clock is what counts, and it does not always go evenly.

use crate::world::World;
use crate::world::crowd::places;
use crate::world::custody::{ADMIN, HOUR, just_under, minutes};
use std::time::Duration;
use sym::access::Span;
use sym::sandbox::aws::{Fault, Match, OperationTime};

const STORIES: &str = "fixtures/manifests/stories";

#[tokio::test]
async fn a_machine_that_slept_over_three_ends_ends_them_when_it_wakes() {
    let world = World::with(STORIES).await;
    let support = world.support("ana").await;
    let first = world.admin("ana", HOUR).await;
    let second = world.admin("cy", Span::hours(4)).await;
    assert_eq!(world.aws().holdings().len(), 3);
    // Its clock stands still again afterwards, so that nothing may have to wait.
    world.aws().set_operation_time(OperationTime::Polls(0));
    let engine = world.engine().clone();
    let running = tokio::spawn(async move { engine.run().await });
    // While it runs by itself, nobody tells it that the clock has moved, as nobody tells a machine that
    // was asleep.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    world.jump(world.now() + Span::hours(9));
    let is_over = |_: &sym::sandbox::slack::Slack| world.aws().holdings().is_empty().then_some(());
    world.slack().until(Duration::from_secs(10), is_over).await.expect("it looks at the clock by itself");
    running.abort();
    world.settle().await;
    for request in [&support, &first, &second] {
        assert_eq!(world.word(request), "ended");
    }
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_clock_that_is_put_ahead_in_the_middle_of_a_grant_ends_in_nothing_held() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(10_000));
    let ana = world.person("ana");
    let request = ana.asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&request).await;
    world.pass(Span::seconds(2)).await;
    assert_eq!(world.word(&request), "granting");
    world.jump(world.now() + HOUR);
    world.pass(minutes(5)).await;
    assert_eq!(world.word(&request), "ended");
    assert!(!ana.is_admin());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_clock_that_is_put_back_does_not_stop_a_removal_that_waits() {
    for back in [HOUR, Span::days(30)] {
        let world = World::with(STORIES).await;
        let ana = world.person("ana");
        let request = world.admin("ana", HOUR).await;
        world.pass(just_under(HOUR)).await;
        world.aws().fault(Match::every("DeleteAccountAssignment"), Fault::Throttle);
        world.pass(minutes(40)).await;
        assert!(ana.is_admin());
        // Somebody corrects the clock of the machine, and a while later AWS answers again.
        let alarms = |world: &World| {
            let texts = world.channel_text("sym-errors").into_iter();
            texts.filter(|text| text.contains("may still have")).count()
        };
        assert_eq!(alarms(&world), 3);
        world.jump(world.now() - back);
        world.pass(Span::hours(3)).await;
        assert_eq!(alarms(&world), 3 + 5, "after 1, 5, 30, 90 and 150 minutes of the new time");
        world.aws().clear_faults();
        world.pass(minutes(6)).await;
        assert!(!ana.is_admin(), "it waits for a time that was {back} ahead");
        assert_eq!(world.word(&request), "ended");
        world.ignore_messages();
        world.pass(back).await;
        world.ignore_messages();
        world.finish().await;
    }
}

#[tokio::test]
async fn a_clock_that_is_put_back_stops_neither_grants_nor_the_end_on_the_clock() {
    let world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Polls(3));
    let ana = world.person("ana");
    let request = ana.asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&request).await;
    world.pass(Span::millis(150)).await;
    assert_eq!(world.word(&request), "granting");
    world.jump(world.now() - HOUR);
    world.pass(minutes(6)).await;
    assert!(world.is_active(&request), "{:?}", world.status(&request));
    world.pass(HOUR + minutes(1)).await;
    assert_eq!(world.word(&request), "ended");
    assert!(!ana.is_admin());
    world.ignore_messages();
    world.pass(Span::hours(2)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_waits_for_a_time_far_ahead_goes_on_at_once_when_the_clock_is_put_back() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    let request = world.admin("ana", HOUR).await;
    world.aws().fault(Match::every("DeleteAccountAssignment"), Fault::Throttle);
    world.pass(HOUR + minutes(15)).await;
    assert!(ana.is_admin());
    world.aws().clear_faults();
    world.jump(world.now() - Span::days(1));
    world.settle().await;
    assert!(!ana.is_admin());
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.pass(Span::days(1)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_clock_that_is_put_back_while_the_bot_is_down_does_not_stop_a_removal_that_waits() {
    let mut world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.aws().fault(Match::every("DeleteAccountAssignment"), Fault::Throttle);
    world.pass(HOUR + minutes(15)).await;
    assert!(world.person("ana").is_admin());
    world.stop().await;
    world.aws().clear_faults();
    world.jump(world.now() - Span::hours(2));
    world.start().await;
    world.settle().await;
    assert!(!world.person("ana").is_admin(), "it waits for a time that was two hours ahead");
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.pass(Span::hours(3)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_removal_that_waits_for_its_turn_while_the_clock_is_put_back_is_not_forgotten() {
    let mut world = World::with(STORIES).await;
    let ends = world.now() + Span::hours(2);
    // In one account, so that one is being removed and the others wait for it.
    let requests = world.crowd(&places(4, 1, &[ADMIN]), ends).await;
    world.aws().set_operation_time(OperationTime::Polls(40));
    world.jump(ends);
    world.engine().settle().await;
    assert_eq!((world.aws().in_flight(), world.aws().holdings().len()), (1, 4));
    world.jump(ends - HOUR);
    world.pass(minutes(20)).await;
    assert_eq!(world.aws().holdings(), [], "they wait for a time that was an hour ahead");
    for request in &requests {
        assert_eq!(world.word(request), "ended");
    }
    world.ignore_messages();
    world.stop().await;
}

#[tokio::test]
async fn a_requester_who_is_being_looked_up_is_found_although_the_clock_was_put_back() {
    let world = World::with(STORIES).await;
    let ana = world.person("ana");
    world.aws().fault(Match::every("ListUsers"), Fault::Throttle);
    world.aws().fault(Match::every("GetUserId"), Fault::Throttle);
    ana.types("request aws").await;
    let values = [("Target", "Prod admin"), ("Duration", "1 hour"), ("Reason", "INC-42")];
    let asked = ana.sends(crate::world::values(values)).await;
    world.pass(minutes(10)).await;
    assert_eq!(world.word(&asked), "identifying");
    world.aws().clear_faults();
    world.jump(world.now() - Span::hours(2));
    world.settle().await;
    assert_eq!(world.word(&asked), "pending");
    world.person("bo").denies(&asked).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}
