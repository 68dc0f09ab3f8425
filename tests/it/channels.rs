//! Channels that are lost while something is going on in them.

use crate::world::{Asked, World};
use insta::assert_snapshot;
use sym::access::{Span, Status};
use sym::sandbox::slack::{Fault, When};

async fn asked(world: &World) -> Asked {
    let ana = world.person("ana");
    let asked = ana.asks_for("").flow("groups").because("INC-42").send().await;
    ana.next_dm();
    asked
}

#[tokio::test]
async fn a_channel_archived_while_a_request_waits_is_told_to_the_requester_before_it_lapses() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let asked = asked(&world).await;
    world.slack().archive(world.channel());
    world.pass(Span::hours(8)).await;
    assert!(matches!(world.status(&asked), Status::Lapsed { .. }));
    assert_snapshot!(ana.next_dm(), @"
    :warning: Your request for *Prod support* can no longer be decided where it was posted.
    • #access-requests: the channel is archived; unarchive it or name another one (Slack says `is_archived`)
    Nobody can approve it there. The people who run this bot are told in #sym-errors: ask there, then ask again with `/sym request groups`.
    ");
    assert_snapshot!(ana.next_dm(), @"Nobody answered your request for *Prod support* in time, so it has lapsed. Ask again with `/sym request groups`.");
    assert!(!ana.is_in_group());
    world.finish().await;
}

#[tokio::test]
async fn a_press_that_arrives_from_an_archived_channel_is_decided_like_any_other() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asked(&world).await;
    world.slack().archive(world.channel());
    bo.approves(&asked).await;
    world.settle().await;
    assert!(ana.is_in_group());
    world.pass(Span::hours(9)).await;
    assert!(!ana.is_in_group());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn access_ends_on_time_although_its_channel_was_archived() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asked(&world).await;
    bo.approves(&asked).await;
    world.settle().await;
    assert!(ana.is_in_group());
    ana.next_dm();
    world.slack().archive(world.channel());
    world.pass(Span::hours(9)).await;
    assert!(!ana.is_in_group());
    assert!(matches!(world.status(&asked), Status::Ended { .. }));
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_bot_that_was_removed_from_the_channel_still_decides_and_tells_the_requester() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asked(&world).await;
    world.slack().remove_bot(world.channel());
    bo.approves(&asked).await;
    world.settle().await;
    // Who is in a public channel can be read from outside.
    assert!(ana.is_in_group());
    assert!(ana.next_dm().contains("You have"));
    world.pass(Span::hours(9)).await;
    assert!(!ana.is_in_group());
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn while_the_members_of_the_channel_cannot_be_read_nobody_is_let_in() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asked(&world).await;
    world.pass(Span::minutes(2)).await;
    world.slack().fault("conversations.members", When::Always, Fault::Error("channel_not_found".into()));
    bo.approves(&asked).await;
    assert!(bo.next_whisper().starts_with("Slack or AWS could not say"));
    assert!(!ana.is_in_group());
    world.slack().clear_faults();
    bo.approves(&asked).await;
    world.settle().await;
    assert!(ana.is_in_group());
    world.pass(Span::hours(9)).await;
    world.ignore_messages();
    world.finish().await;
}
