//! Requesters who leave while their request waits.

use super::{asks, ends, is_active, is_pending, is_refused, shown, world};
use sym::access::{Span, Status};
use sym::sandbox::slack::{Fault, Person, When};

/// What has become of somebody.
type Case = (&'static str, fn(&mut Person));

#[tokio::test]
async fn nobody_can_let_in_somebody_who_has_left() {
    let cases: [Case; 3] = [
        ("deactivated", |ana| ana.deleted = true),
        ("a guest", |ana| ana.is_guest = true),
        ("elsewhere", |ana| ana.team_id = Some("T0000000009".into())),
    ];
    let mut seen = Vec::new();
    for (what, change) in cases {
        let world = world().await;
        let (ana, bo) = (world.person("ana"), world.person("bo"));
        let asked = asks(&ana, "alone").await;
        world.ignore_messages();
        // In the same minute: what was known a moment ago is not asked.
        world.slack().change_person(ana.user(), change);
        bo.approves(&asked).await;
        world.settle().await;
        assert!(is_refused(&world, &asked), "{what}");
        assert!(world.aws().holdings().is_empty(), "{what}");
        seen.push(format!("{what}\n{}\n{}", bo.next_whisper(), shown(&world, &asked)));
        if what == "a guest" {
            seen.push(ana.next_dm());
        }
        world.finish().await;
    }
    insta::assert_snapshot!(seen.join("\n--\n"), @"
    deactivated
    Nothing was done: the request for *Prod admin* was closed. Their Slack account was deactivated after they had asked.
    :no_entry: @ana cannot get *Prod admin* this way
    (Account *prod* (111122223333)  ·  Flow *One person*  ·  Request `id`)
    · *Reason* INC-42
    Their Slack account was deactivated after they had asked.
    (Refused today at 10:00 AM)
    --
    a guest
    Nothing was done: the request for *Prod admin* was closed. They have become a guest of this Slack workspace, and guests get no access.
    :no_entry: @ana cannot get *Prod admin* this way
    (Account *prod* (111122223333)  ·  Flow *One person*  ·  Request `id`)
    · *Reason* INC-42
    They have become a guest of this Slack workspace, and guests get no access.
    (Refused today at 10:00 AM)
    --
    :no_entry: Your request for *Prod admin* was refused.
    You have become a guest of this workspace since you asked, and guests get no access.
    When that has changed, ask again with `/sym request alone`.
    --
    elsewhere
    Nothing was done: the request for *Prod admin* was closed. They no longer belong to this Slack workspace.
    :no_entry: @ana cannot get *Prod admin* this way
    (Account *prod* (111122223333)  ·  Flow *One person*  ·  Request `id`)
    · *Reason* INC-42
    They no longer belong to this Slack workspace.
    (Refused today at 10:00 AM)
    ");
}

#[tokio::test]
async fn who_comes_back_before_somebody_approves_is_let_in() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "alone").await;
    world.slack().change_person(ana.user(), |ana| ana.deleted = true);
    world.pass(Span::minutes(10)).await;
    world.slack().change_person(ana.user(), |ana| ana.deleted = false);
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn while_slack_does_not_say_who_asked_nobody_is_let_in_and_the_request_waits() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "alone").await;
    // Slack says who Bo is, and not who Ana is: not at the second try either.
    world.slack().fault("users.info", When::Nth(2), Fault::ServerError);
    world.slack().fault("users.info", When::Nth(3), Fault::ServerError);
    bo.approves(&asked).await;
    assert!(is_pending(&world, &asked));
    insta::assert_snapshot!(bo.next_whisper(), @"Slack or AWS could not say just now whether you may do this, so nothing was done. Try again in a minute.");
    world.slack().clear_faults();
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn the_first_of_two_approvals_looks_as_well() {
    let world = world().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let asked = asks(&ana, "two").await;
    bo.approves(&asked).await;
    assert!(is_pending(&world, &asked));
    world.slack().change_person(ana.user(), |ana| ana.deleted = true);
    cy.approves(&asked).await;
    assert!(is_refused(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn who_has_left_can_still_be_denied() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "alone").await;
    world.slack().change_person(ana.user(), |ana| ana.deleted = true);
    bo.denies(&asked).await;
    assert!(matches!(world.status(&asked), Status::Denied { .. }));
    ends(world).await;
}

#[tokio::test]
async fn a_rule_that_approves_by_itself_looks_who_asks_now() {
    let world = world().await;
    let ana = world.person("ana");
    let asked = asks(&ana, "capped").await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    world.pass(Span::hours(2)).await;
    // She fills in a form, and leaves before the bot gets to it.
    ana.types("request capped").await;
    let form = crate::world::values([("Reason", "INC-42"), ("Duration", "1 hour")]);
    let before = world.request_ids();
    world.slack().fault("users.info", When::Always, Fault::ServerError);
    let reply = ana.submits(form).await;
    assert!(reply.errors().is_empty(), "{:?}", reply.errors());
    world.engine().settle().await;
    world.slack().change_person(ana.user(), |ana| ana.deleted = true);
    world.slack().clear_faults();
    world.pass(Span::minutes(1)).await;
    let new = world.request_ids().into_iter().find(|id| !before.contains(id)).unwrap();
    let asked = crate::world::Asked { id: new };
    assert!(is_refused(&world, &asked));
    assert!(world.aws().holdings().is_empty());
    ends(world).await;
}
