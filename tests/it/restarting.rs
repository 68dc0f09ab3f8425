//! A bot that is stopped in any state goes on where it was.

use crate::world::MORNING;
use crate::world::custody::{HOUR, minutes};
use crate::world::{Asked, World};
use sym::access::{Span, Status};
use sym::sandbox::aws::{Fault, Match, OperationTime};

const STORIES: &str = "fixtures/manifests/stories";

/// From here everything goes right: the access is held for its time and ends.
async fn goes_on_to_its_end(world: World, request: &Asked) {
    world.settle().await;
    world.pass(minutes(5)).await;
    assert!(world.person("ana").is_admin(), "{:?}", world.status(request));
    let Status::Active { ends_at: Some(ends_at), .. } = world.status(request) else {
        panic!("{:?}", world.status(request))
    };
    world.pass(ends_at.since(world.now())).await;
    world.settle().await;
    world.pass(minutes(5)).await;
    assert!(!world.person("ana").is_admin());
    assert_eq!(world.word(request), "ended");
    assert_eq!(world.changes().last().map(String::as_str), Some("DeleteAccountAssignment"));
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn identifying() {
    let mut world = World::with(STORIES).await;
    world.aws().fault(Match::every("GetUserId"), Fault::Throttle);
    let id = asked_without_a_card(&world).await;
    let request = Asked { id };
    assert_eq!(world.word(&request), "identifying");
    world.restart().await;
    assert_eq!(world.word(&request), "identifying");
    world.aws().clear_faults();
    world.pass(minutes(5)).await;
    assert_eq!(world.word(&request), "pending");
    world.person("bo").approves(&request).await;
    goes_on_to_its_end(world, &request).await;
}

async fn asked_without_a_card(world: &World) -> sym::access::RequestId {
    world.person("ana").asks_to_be_admin(HOUR).await.id
}

#[tokio::test]
async fn pending() {
    let mut world = World::with(STORIES).await;
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.restart().await;
    world.person("bo").approves(&request).await;
    goes_on_to_its_end(world, &request).await;
}

#[tokio::test]
async fn looking() {
    let mut world = World::with(STORIES).await;
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.aws().fault(Match::every("ListAccountAssignments"), Fault::Throttle);
    world.person("bo").approves(&request).await;
    assert_eq!(world.word(&request), "granting");
    assert_eq!(world.changes(), Vec::<String>::new());
    world.restart().await;
    world.aws().clear_faults();
    goes_on_to_its_end(world, &request).await;
}

#[tokio::test]
async fn granting_before_aws_has_answered() {
    let mut world = World::with(STORIES).await;
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.aws().fault(Match::every("CreateAccountAssignment"), Fault::ServerError(503));
    world.person("bo").approves(&request).await;
    assert_eq!(world.word(&request), "granting");
    world.restart().await;
    world.aws().clear_faults();
    goes_on_to_its_end(world, &request).await;
}

#[tokio::test]
async fn granting_while_aws_works() {
    let mut world = World::with(STORIES).await;
    world.aws().set_operation_time(OperationTime::Millis(60_000));
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.person("bo").approves(&request).await;
    world.pass(Span::seconds(10)).await;
    assert_eq!(world.aws().in_flight(), 1);
    world.restart().await;
    goes_on_to_its_end(world, &request).await;
}

#[tokio::test]
async fn active_and_warned() {
    for passed in [minutes(1), minutes(55)] {
        let mut world = World::with(STORIES).await;
        let request = world.admin("ana", HOUR).await;
        world.pass(passed).await;
        world.restart().await;
        if passed == minutes(1) {
            goes_on_to_its_end(world, &request).await;
        } else {
            world.settle().await;
            assert!(world.person("ana").is_admin());
            world.pass(minutes(6)).await;
            assert!(!world.person("ana").is_admin());
            let ana = world.person("ana").user().to_owned();
            let warnings = world.slack().dms(&ana).into_iter();
            let warnings =
                warnings.filter(|dm| world.slack().shown(&ana, dm).contains("If you need it longer"));
            assert_eq!(warnings.count(), 1, "warned once");
            world.ignore_messages();
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn revoking() {
    for time in [OperationTime::Millis(60_000), OperationTime::Polls(3)] {
        let mut world = World::with(STORIES).await;
        let request = world.admin("ana", HOUR).await;
        world.aws().set_operation_time(time);
        world.pass(HOUR).await;
        assert_eq!(world.word(&request), "ending");
        world.restart().await;
        assert_eq!(world.word(&request), "ending");
        world.pass(minutes(2)).await;
        assert_eq!(world.word(&request), "ended");
        assert!(!world.person("ana").is_admin());
        assert_eq!(world.changes(), ["CreateAccountAssignment", "DeleteAccountAssignment"]);
        world.ignore_messages();
        world.finish().await;
    }
}

#[tokio::test]
async fn revoking_while_aws_refuses() {
    let mut world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.aws().fault(Match::every("DeleteAccountAssignment"), Fault::Throttle);
    world.pass(HOUR + minutes(2)).await;
    world.restart().await;
    world.pass(minutes(2)).await;
    assert_eq!(world.channel_text("sym-errors").len(), 1, "the alarm is not raised again by a restart");
    world.pass(minutes(2)).await;
    assert_eq!(world.channel_text("sym-errors").len(), 2);
    world.aws().clear_faults();
    world.pass(minutes(5)).await;
    assert_eq!(world.word(&request), "ended");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn ended() {
    let mut world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.pass(HOUR + minutes(1)).await;
    assert_eq!(world.word(&request), "ended");
    let (calls, dms) = (world.aws().writes().len(), world.slack().dms(world.person("ana").user()).len());
    world.restart().await;
    world.pass(Span::hours(5)).await;
    assert_eq!(world.word(&request), "ended");
    assert_eq!(world.aws().writes().len(), calls, "AWS was left alone");
    assert_eq!(world.slack().dms(world.person("ana").user()).len(), dms, "nothing was said again");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_bot_that_slept_through_the_end_takes_access_back_at_once() {
    let mut world = World::with(STORIES).await;
    let request = world.admin("ana", HOUR).await;
    world.stop().await;
    world.jump(MORNING + Span::hours(3));
    assert!(world.person("ana").is_admin());
    world.start().await;
    world.settle().await;
    assert!(!world.person("ana").is_admin());
    assert_eq!(world.word(&request), "ended");
    assert!(world.now() < MORNING + Span::hours(3) + minutes(1));
    let errors = world.channel_text("sym-errors");
    assert_eq!(errors, Vec::<String>::new(), "it was late, but it is not in trouble");
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_bot_that_slept_through_the_whole_life_of_a_grant_gives_nothing() {
    let mut world = World::with(STORIES).await;
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.aws().fault(Match::every("ListAccountAssignments"), Fault::Throttle);
    world.person("bo").approves(&request).await;
    world.stop().await;
    world.aws().clear_faults();
    world.jump(MORNING + Span::hours(3));
    world.start().await;
    world.settle().await;
    assert_eq!(world.word(&request), "ended");
    assert_eq!(world.changes(), Vec::<String>::new());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_bot_that_slept_while_it_was_giving_does_not_give_when_it_should_be_over() {
    let mut world = World::with(STORIES).await;
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.aws().fault(Match::every("CreateAccountAssignment"), Fault::Throttle);
    world.person("bo").approves(&request).await;
    world.stop().await;
    world.aws().clear_faults();
    world.aws().clear_calls();
    world.jump(MORNING + Span::hours(3));
    world.start().await;
    world.settle().await;
    assert_eq!(world.word(&request), "ended");
    assert_eq!(world.count("CreateAccountAssignment"), 0);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_bot_that_slept_through_the_answer_lapses_the_request() {
    let mut world = World::with(STORIES).await;
    let request = world.person("ana").asks_to_be_admin(HOUR).await;
    world.stop().await;
    world.jump(MORNING + Span::hours(3));
    world.start().await;
    world.settle().await;
    assert_eq!(world.word(&request), "lapsed");
    assert_eq!(world.changes(), Vec::<String>::new());
    world.ignore_messages();
    world.finish().await;
}
