//! What happens when nobody answers.

use super::{asks, card_in, ends, is_active, is_pending, presses_in, shown, world};
use crate::world::World;
use sym::access::{Span, Status};
use sym::sandbox::slack::{Fault, When};
use sym::store::Commit;

#[tokio::test]
async fn after_twenty_minutes_further_people_are_asked_and_not_before() {
    let world = world().await;
    let (ana, cy) = (world.person("ana"), world.person("cy"));
    let asked = asks(&ana, "escalates").await;
    insta::assert_snapshot!(ana.next_dm(), @r"
    Your request for *Prod admin* for 1 hour has gone to #prod-approvals. It lapses today at 12:00 PM if nobody answers.
    [Take it back]
    ");
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *Escalates*  ·  Request `id`)
    · *Reason* INC-42
    bo@example.com can approve or deny (rule *prod*). If it is still open today at 10:20 AM, the bot also asks cy@example.com.
    (Answer by today at 12:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    world.pass(Span::seconds(1199)).await;
    assert_eq!(world.channel_text("security").len(), 0);
    cy.approves(&asked).await;
    insta::assert_snapshot!(cy.next_whisper(), @"You are not among those who decide on the request for *Prod admin*. bo@example.com can.");
    assert!(is_pending(&world, &asked));

    world.pass(Span::seconds(1)).await;
    assert_eq!(world.channel_text("security").len(), 1);
    assert_eq!(world.channel_text("prod-approvals").len(), 1);
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *Escalates*  ·  Request `id`)
    · *Reason* INC-42
    bo@example.com can approve or deny (rule *prod*). Asked too: cy@example.com.
    (Answer by today at 12:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    insta::assert_snapshot!(ana.next_dm(), @r"
    Your request for *Prod admin* for 1 hour has gone to #prod-approvals and #security. It lapses today at 12:00 PM if nobody answers.
    [Take it back]
    ");
    presses_in(&world, &cy, &card_in(&world, &asked, "security"), "sym_approve").await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    // Both cards tell the same.
    assert_eq!(world.channel_text("security"), world.channel_text("prod-approvals"));
    ends(world).await;
}

#[tokio::test]
async fn the_first_ones_may_still_answer_after_others_are_asked_too() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "escalates").await;
    world.pass(Span::minutes(30)).await;
    presses_in(&world, &bo, &card_in(&world, &asked, "prod-approvals"), "sym_approve").await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn nobody_else_is_asked_once_it_is_decided() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "escalates").await;
    bo.approves(&asked).await;
    let denied = asks(&ana, "escalates").await;
    bo.denies(&denied).await;
    world.pass(Span::minutes(40)).await;
    assert_eq!(world.channel_text("security").len(), 0);
    ends(world).await;
}

#[tokio::test]
async fn a_bot_that_slept_through_the_twenty_minutes_asks_further_people_when_it_wakes() {
    let mut world = world().await;
    let asked = asks(&world.person("ana"), "escalates").await;
    world.stop().await;
    world.jump(world.now() + Span::minutes(50));
    world.start().await;
    world.settle().await;
    assert_eq!(world.channel_text("security").len(), 1);
    world.restart().await;
    world.settle().await;
    assert_eq!(world.channel_text("security").len(), 1);
    presses_in(&world, &world.person("cy"), &card_in(&world, &asked, "security"), "sym_approve").await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn who_cannot_be_reached_is_passed_over_at_once() {
    for (flow, is_archived) in [("escalates", true), ("unreachable", true), ("unreachable", false)] {
        let world = world().await;
        let (ana, cy) = (world.person("ana"), world.person("cy"));
        let place = world.stage.channel("prod-approvals").unwrap().to_owned();
        if is_archived {
            world.slack().archive(&place);
        } else {
            world.slack().remove_bot(&place);
        }
        let asked = asks(&ana, flow).await;
        assert!(world.request(&asked).cards[0].failed.is_some(), "{flow}");
        presses_in(&world, &cy, &card_in(&world, &asked, "security"), "sym_approve").await;
        world.settle().await;
        assert!(is_active(&world, &asked), "{flow}");
        if flow == "escalates" {
            insta::assert_snapshot!(ana.next_dm(), @r"
            Your request for *Prod admin* for 1 hour has gone to #security. It lapses today at 12:00 PM if nobody answers.
            [Take it back]
            ");
            insta::assert_snapshot!(world.channel_text("sym-errors").join("\n--\n"), @r"
            :warning: The request of @ana for *Prod admin* could not be posted everywhere.
            • #prod-approvals: the channel is archived; unarchive it or name another one (Slack says `is_archived`)
            Invite the bot to these channels, or correct their names in the manifest.
            ");
        }
        ends(world).await;
    }
}

#[tokio::test]
async fn who_can_be_reached_is_not_passed_over() {
    let world = world().await;
    let asked = asks(&world.person("ana"), "unreachable").await;
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *When unreachable*  ·  Request `id`)
    · *Reason* INC-42
    bo@example.com can approve or deny (rule *prod*). If they cannot be reached, the bot asks cy@example.com.
    (Answer by today at 12:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    world.pass(Span::minutes(119)).await;
    assert_eq!(world.channel_text("security").len(), 0);
    world.pass(Span::minutes(1)).await;
    assert!(matches!(world.status(&asked), Status::Lapsed { .. }));
    ends(world).await;
}

#[tokio::test]
async fn after_half_of_the_time_those_who_can_still_act_are_reminded_once() {
    let mut world = world().await;
    let asked = asks(&world.person("ana"), "reminds").await;
    world.person("bo").approves(&asked).await;
    assert_eq!(world.channel_text("access-requests").len(), 1);
    world.pass(Span::seconds(3599)).await;
    assert_eq!(world.slack().dms(world.person("cy").user()).len(), 0);
    world.pass(Span::seconds(1)).await;
    // Bo has given both of his: Cy is the only one left, and he is named.
    insta::assert_snapshot!(world.person("cy").next_dm(), @r"
    :hourglass_flowing_sand: @ana still waits for an answer: *Prod admin* for 1 hour, requested today at 4:00 AM. You are asked by rule *named*.
    Approve or deny it on the card in #access-requests. It lapses today at 6:00 AM.
    ");
    assert_eq!(world.slack().dms(world.person("bo").user()).len(), 0);
    assert_eq!(world.channel_text("access-requests").len(), 1, "the channel's rule is satisfied");
    world.restart().await;
    world.pass(Span::minutes(59)).await;
    assert_eq!(world.slack().dms(world.person("cy").user()).len(), 1);
    world.pass(Span::minutes(1)).await;
    assert!(matches!(world.status(&asked), Status::Lapsed { .. }));
    ends(world).await;
}

#[tokio::test]
async fn people_who_are_not_named_are_reminded_where_the_card_is() {
    let world = world().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let asked = asks(&ana, "reminds").await;
    world.pass(Span::hours(1)).await;
    insta::assert_snapshot!(world.channel_text("access-requests")[1].replace(asked.id.as_str(), "id"), @r"
    :hourglass_flowing_sand: @ana still waits for an answer: *Prod admin* for 1 hour, requested today at 10:00 AM.
    Approve or deny it on the card in this conversation. It lapses today at 12:00 PM.
    ");
    for person in [&bo, &cy] {
        assert_eq!(world.slack().dms(person.user()).len(), 1, "{}", person.player.handle);
    }
    assert_eq!(world.slack().dms(ana.user()).len(), 1, "whoever asks is not reminded");
    bo.denies(&asked).await;
    world.pass(Span::hours(2)).await;
    assert_eq!(world.channel_text("access-requests").len(), 2);
    ends(world).await;
}

#[tokio::test]
async fn a_requester_who_is_named_among_the_approvers_is_not_reminded() {
    let world = world().await;
    let bo = world.person("bo");
    asks(&bo, "pair").await;
    bo.next_dm();
    world.pass(Span::hours(4)).await;
    assert_eq!(world.slack().dms(bo.user()).len(), 1);
    assert_eq!(world.slack().dms(world.person("cy").user()).len(), 1);
    ends(world).await;
}

#[tokio::test]
async fn a_thousand_messages_do_not_keep_a_card_from_being_decided() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "alone").await;
    let channel = world.stage.channel("access-requests").unwrap();
    for number in 0..1000 {
        world.slack().say(bo.user(), channel, &format!("{number}"));
    }
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    assert_eq!(world.slack().messages(channel).len(), 1001);
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :white_check_mark: @ana has *Prod admin* until today at 11:00 AM
    (Account *prod* (111122223333)  ·  Flow *One person*  ·  Request `id`)
    · *Reason* INC-42
    Approved by @bo.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    ends(world).await;
}

#[tokio::test]
async fn what_could_not_be_posted_is_told_once_and_not_again_when_further_people_are_asked() {
    let mut catalog = crate::world::catalog::load(std::path::Path::new("fixtures/manifests/rules"));
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name.as_str() == "escalates").unwrap();
    entry.rules[0].notify.push("#nowhere".into());
    let world = World::around(catalog).await;
    let ana = world.person("ana");
    world.slack().archive(world.stage.channel("nowhere").unwrap());
    asks(&ana, "escalates").await;
    assert_eq!(world.channel_text("sym-errors").len(), 1);
    world.pass(Span::minutes(21)).await;
    assert_eq!(world.channel_text("security").len(), 1, "further people are asked");
    assert_eq!(world.channel_text("sym-errors").len(), 1, "{:?}", world.channel_text("sym-errors"));
    ends(world).await;
}

/// Draws the card again, with this answer of Slack; where the request is shown then.
async fn drawn_again(world: &World, asked: &crate::world::Asked, refusal: &str) -> (usize, usize) {
    world.slack().fault("chat.update", When::Always, Fault::Error(refusal.to_owned()));
    let redraw = Commit { at: world.now(), redraw: [asked.id.clone()].into(), ..Commit::default() };
    world.engine().store().commit(redraw).unwrap().on_disk().await.unwrap();
    world.settle().await;
    world.slack().clear_faults();
    (world.channel_text("security").len(), world.channel_text("sym-errors").len())
}

#[tokio::test]
async fn an_edit_that_is_refused_lets_nobody_else_decide_while_the_card_can_be_reached() {
    for refusal in ["edit_window_closed", "cant_update_message", "invalid_blocks", "missing_scope"] {
        let world = world().await;
        let asked = asks(&world.person("ana"), "escalates").await;
        assert_eq!(drawn_again(&world, &asked, refusal).await, (0, 0), "{refusal}");
        world.person("cy").approves(&asked).await;
        assert!(is_pending(&world, &asked), "{refusal}");
        world.person("bo").denies(&asked).await;
        ends(world).await;
    }
    for refusal in
        ["channel_not_found", "not_in_channel", "is_archived", "restricted_action_read_only_channel"]
    {
        let world = world().await;
        let asked = asks(&world.person("ana"), "escalates").await;
        assert_eq!(drawn_again(&world, &asked, refusal).await, (1, 1), "{refusal}");
        ends(world).await;
    }
}
