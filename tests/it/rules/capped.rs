//! Rules that ask nobody, as often as they allow.

use super::{asks, ends, is_active, is_pending, is_refused, world};
use crate::world::{Asked, Someone, World};
use sym::access::{Span, Status};
use sym::sandbox::aws::{Fault, Match};

/// One more use, given back at once.
async fn uses(world: &World, who: &Someone<'_>, flow: &str) -> Asked {
    let asked = asks(who, flow).await;
    world.settle().await;
    if is_active(world, &asked) {
        who.revokes(&asked).await;
        world.settle().await;
    }
    asked
}

#[tokio::test]
async fn a_rule_that_asks_nobody_three_times_a_day_refuses_the_fourth() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    for _ in 0..3 {
        let used = uses(&world, &ana, "capped").await;
        assert!(!is_refused(&world, &used));
        world.pass(Span::hours(1)).await;
    }
    world.ignore_messages();
    let fourth = asks(&ana, "capped").await;
    assert!(is_refused(&world, &fourth));
    insta::assert_snapshot!(ana.next_dm(), @r"
    :no_entry: Your request for *Prod admin* was refused.
    You have used the rule “quick” 3 times within 1 day, which is as often as it allows.
    When that has changed, ask again with `/sym request capped`.
    ");
    // Each person has their own three.
    let other = asks(&bo, "capped").await;
    world.settle().await;
    assert!(is_active(&world, &other));
    // A day after the first one there is room for one more, and only one.
    world.pass(Span::hours(21)).await;
    let next = asks(&ana, "capped").await;
    world.settle().await;
    assert!(is_active(&world, &next));
    let more = asks(&ana, "capped").await;
    assert!(is_refused(&world, &more));
    ends(world).await;
}

#[tokio::test]
async fn beyond_its_cap_a_rule_asks_the_approvers_it_names() {
    let mut world = world().await;
    for _ in 0..3 {
        uses(&world, &world.person("ana"), "capped-then-asked").await;
    }
    // What counts is in the books. To stop and to start takes a moment.
    world.pass(Span::seconds(2)).await;
    world.restart().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let fourth = asks(&ana, "capped-then-asked").await;
    assert!(is_pending(&world, &fourth));
    insta::assert_snapshot!(super::shown(&world, &fourth), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *Three a day, then Bo*  ·  Request `id`)
    · *Reason* INC-42
    bo@example.com can approve or deny (rule *quick*).
    (Answer by today at 6:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    bo.approves(&fourth).await;
    world.settle().await;
    assert!(is_active(&world, &fourth));
    world.pass(Span::days(1)).await;
    let next = asks(&ana, "capped-then-asked").await;
    world.settle().await;
    assert!(is_active(&world, &next));
    ends(world).await;
}

#[tokio::test]
async fn two_requests_at_once_do_not_exceed_the_cap() {
    let world = world().await;
    let ana = world.person("ana");
    for _ in 0..2 {
        uses(&world, &ana, "capped").await;
    }
    let before = world.request_ids();
    // Both are in the books before either is judged.
    world.aws().fault(Match::every("GetUserId"), Fault::Throttle);
    for _ in 0..2 {
        let asked = asks(&ana, "capped").await;
        assert!(matches!(world.status(&asked), Status::Identifying { .. }));
    }
    world.aws().clear_faults();
    world.pass(Span::minutes(1)).await;
    let new: Vec<Asked> =
        world.request_ids().into_iter().filter(|id| !before.contains(id)).map(|id| Asked { id }).collect();
    assert_eq!(new.len(), 2);
    assert_eq!(new.iter().filter(|asked| is_refused(&world, asked)).count(), 1);
    assert_eq!(new.iter().filter(|asked| is_active(&world, asked)).count(), 1);
    ends(world).await;
}
