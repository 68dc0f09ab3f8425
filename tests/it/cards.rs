//! Cards that are late, deleted, cut off or doubled: they show what is, or somebody is told.

use crate::world::custody::{HOUR, minutes};
use crate::world::{Asked, World};
use insta::assert_snapshot;
use sym::access::Span;
use sym::sandbox::slack::{Fault, When};
use sym::store::Commit;

const STORIES: &str = "fixtures/manifests/stories";

#[tokio::test]
async fn a_card_whose_last_change_never_reached_slack_is_right_after_a_restart() {
    let mut world = World::with(STORIES).await;
    let asked = world.person("ana").asks_to_be_support().await;
    world.slack().fault("chat.update", When::Always, Fault::ServerError);
    world.person("bo").approves(&asked).await;
    world.settle().await;
    assert!(world.person("ana").is_support());
    assert!(world.card(&asked).contains("requests *Prod support*"), "Slack knows nothing yet");
    world.stop().await;
    world.slack().clear_faults();
    world.start().await;
    world.settle().await;
    assert!(world.card(&asked).contains("has *Prod support*"), "{}", world.card(&asked));
    assert_eq!(world.posts(), 1);
    world.pass(HOUR).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_card_deleted_while_people_can_act_is_posted_again_and_says_so() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = ana.asks_to_be_support().await;
    ana.next_dm();
    let first = world.card_message(&asked);
    bo.clicks("sym_approve", &asked).await;
    world.slack().delete(&first.channel, &first.ts);
    world.settle().await;
    assert!(ana.is_support());
    assert_eq!(world.posts(), 2, "access can be ended early on it");
    assert_snapshot!(world.card(&asked), @"
    :white_check_mark: @ana has *Prod support* until today at 11:00 AM
    (Flow *Support group*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Approved by @bo.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    (Posted again, because the first card was deleted.)
    ");
    assert!(ana.next_dm().starts_with(":white_check_mark:"));
    assert!(ana.has_nothing_new(), "where it went is no news to her");
    bo.revokes(&asked).await;
    world.settle().await;
    assert!(!ana.is_support());
    assert!(world.card(&asked).contains("no longer has"));
    assert_eq!(world.posts(), 2);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_card_deleted_when_nobody_can_act_any_more_is_let_go() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = ana.asks_to_be_support().await;
    let first = world.card_message(&asked);
    bo.clicks("sym_deny", &asked).await;
    world.slack().delete(&first.channel, &first.ts);
    world.settle().await;
    assert_eq!(world.word(&asked), "denied");
    assert_eq!((world.posts(), world.channel_text("access-requests").len()), (1, 0));
    assert_eq!(world.channel_text("sym-errors"), Vec::<String>::new());
    world.ignore_messages();
    world.finish().await;
}

/// A card that the bot can no longer reach when its request has been approved: what is said where.
async fn cut_off(spoil: impl FnOnce(&World), mend: impl FnOnce(&World)) -> String {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = ana.asks_to_be_support().await;
    bo.clicks("sym_approve", &asked).await;
    spoil(&world);
    world.settle().await;
    assert!(ana.is_support());
    let told = world.channel_text("sym-errors").join("\n---\n");
    world.pass(minutes(56)).await;
    assert_eq!(world.channel_text("sym-errors").len(), 1, "it is said once");
    mend(&world);
    world.pass(minutes(10)).await;
    assert!(!ana.is_support());
    assert!(world.card(&asked).contains("no longer has"), "as soon as it can be reached it is right again");
    assert_eq!(world.posts(), 1);
    world.ignore_messages();
    world.finish().await;
    told
}

#[tokio::test]
async fn a_card_in_an_archived_channel_is_told_to_those_who_can_mend_it() {
    let told = cut_off(
        |world| world.slack().archive(world.channel()),
        |world| world.slack().unarchive(world.channel()),
    );
    assert_snapshot!(told.await, @"
    :warning: The card of @ana's request for *Prod support* can no longer be changed, so it may show an old state.
    • #access-requests: the channel is archived; unarchive it or name another one (Slack says `is_archived`)
    Invite the bot to these channels, or correct their names in the manifest.
    ");
}

#[tokio::test]
async fn a_card_in_a_channel_that_has_put_the_bot_out_is_told_to_those_who_can_mend_it() {
    let told = cut_off(
        |world| {
            let fault = Fault::Error("not_in_channel".to_owned());
            world.slack().fault("chat.update", When::Always, fault);
        },
        |world| world.slack().clear_faults(),
    );
    assert_snapshot!(told.await, @"
    :warning: The card of @ana's request for *Prod support* can no longer be changed, so it may show an old state.
    • #access-requests: the bot is not in the channel; invite it there with /invite @sym (Slack says `not_in_channel`)
    Invite the bot to these channels, or correct their names in the manifest.
    ");
}

#[tokio::test]
async fn a_card_that_is_cut_off_while_people_decide_is_told_to_the_requester_too() {
    let mut catalog = crate::world::stories();
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name.as_str() == "groups").unwrap();
    entry.rules[0].min_approvals = 2;
    let world = World::around(catalog).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = ana.asks_to_be_support().await;
    ana.next_dm();
    bo.clicks("sym_approve", &asked).await;
    world.slack().fault("chat.update", When::Always, Fault::Error("channel_not_found".to_owned()));
    world.settle().await;
    assert_eq!(world.word(&asked), "pending");
    assert_snapshot!(ana.next_dm(), @"
    :warning: Your request for *Prod support* can no longer be decided where it was posted.
    • #access-requests: there is no such channel, or it is private and the bot is not in it; check the name and invite the bot with /invite @sym (Slack says `channel_not_found`)
    Nobody can approve it there. The people who run this bot are told in #sym-errors: ask there, then ask again with `/sym request groups`.
    ");
    assert_snapshot!(world.channel_text("sym-errors").join("\n---\n"), @"
    :warning: The card of @ana's request for *Prod support* can no longer be changed, so it may show an old state.
    • #access-requests: there is no such channel, or it is private and the bot is not in it; check the name and invite the bot with /invite @sym (Slack says `channel_not_found`)
    Invite the bot to these channels, or correct their names in the manifest.
    ");
    world.pass(Span::hours(8)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_card_older_than_a_thousand_messages_is_edited_where_it_is() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = ana.asks_to_be_support().await;
    let card = world.card_message(&asked);
    for number in 0..1000 {
        world.slack().say(bo.user(), world.channel(), &format!("message {number}"));
    }
    let before = world.slack().calls().len();
    bo.denies(&asked).await;
    assert!(world.card(&asked).contains("denied"));
    assert_eq!(world.card_message(&asked).ts, card.ts);
    let calls = world.slack().calls();
    let looked = calls[before..].iter().filter(|call| call.method.starts_with("conversations.h"));
    assert_eq!(looked.count(), 0, "nothing is searched");
    world.ignore_messages();
    world.finish().await;
}

/// A request whose card was posted twice, because the answer to the first post was lost.
async fn doubled(world: &World) -> (Asked, String, String) {
    world.slack().fault("chat.postMessage", When::Next(1), Fault::LoseReply);
    let asked = world.person("ana").asks_to_be_support().await;
    world.settle().await;
    let cards = world.slack().messages(world.channel());
    assert_eq!(cards.len(), 2, "Slack has no way to ask whether a message was posted");
    (asked, cards[0].ts.clone(), cards[1].ts.clone())
}

#[tokio::test]
async fn a_card_whose_answer_is_lost_is_posted_again_and_the_first_one_works_and_is_put_right() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let (asked, lost, known) = doubled(&world).await;
    ana.next_dm();
    assert!(ana.has_nothing_new());
    let click = world.slack().click(bo.user(), world.channel(), &lost, "sym_approve", asked.id.as_str());
    assert!(click.await.unwrap().acked);
    world.settle().await;
    assert_eq!(world.aws_writes(), ["CreateGroupMembership"]);
    let shown = |ts: &str| {
        let message = world.slack().messages(world.channel()).into_iter().find(|it| it.ts == ts).unwrap();
        world.slack().shown(bo.user(), &message)
    };
    assert_snapshot!(shown(&lost), @"The request of @ana for *Prod support* was posted here twice by mistake. The other message shows where it stands.");
    assert!(shown(&known).contains("has *Prod support*"));
    world.pass(HOUR).await;
    assert!(shown(&known).contains("no longer has"));
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_doubled_card_pressed_late_changes_nothing_and_loses_its_buttons() {
    let world = World::of_stories().await;
    let bo = world.person("bo");
    let (asked, lost, known) = doubled(&world).await;
    for (ts, told) in [(&known, 0), (&lost, 1)] {
        let click = world.slack().click(bo.user(), world.channel(), ts, "sym_approve", asked.id.as_str());
        assert!(click.await.unwrap().acked);
        world.settle().await;
        assert_eq!(world.slack().ephemerals(bo.user()).len(), told);
    }
    assert!(bo.next_whisper().contains("has already approved"));
    assert_eq!(world.aws_writes(), ["CreateGroupMembership"]);
    let stray = world.slack().messages(world.channel()).into_iter().find(|it| it.ts == lost).unwrap();
    assert!(!stray.blocks.to_string().contains("sym_approve"));
    world.pass(HOUR).await;
    world.ignore_messages();
    world.finish().await;
}

/// Somebody deletes the card, and it is to be drawn again although nothing has changed.
async fn deleted_and_drawn_again(world: &World, asked: &Asked) {
    let card = world.card_message(asked);
    world.slack().delete(&card.channel, &card.ts);
    let redraw = Commit { at: world.now(), redraw: [asked.id.clone()].into(), ..Commit::default() };
    world.engine().store().commit(redraw).unwrap().on_disk().await.unwrap();
    world.settle().await;
}

#[tokio::test]
async fn a_card_posted_again_says_so_at_once_and_is_not_posted_a_third_time() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let asked = ana.asks_to_be_support().await;
    ana.next_dm();
    deleted_and_drawn_again(&world, &asked).await;
    assert_eq!(world.posts(), 2);
    assert!(world.card(&asked).contains("Posted again, because the first card was deleted"));
    assert!(world.card(&asked).contains("[Approve] [Deny]"), "{}", world.card(&asked));
    assert!(ana.has_nothing_new());
    assert_eq!(world.channel_text("sym-errors"), Vec::<String>::new());

    deleted_and_drawn_again(&world, &asked).await;
    assert_eq!(world.posts(), 2, "somebody deletes whatever is posted there");
    assert_snapshot!(world.channel_text("sym-errors").join("\n---\n"), @"
    :warning: The card of @ana's request for *Prod support* can no longer be changed, so it may show an old state.
    • #access-requests: the message was deleted (Slack says `message_not_found`)
    Invite the bot to these channels, or correct their names in the manifest.
    ");
    assert_snapshot!(ana.next_dm(), @"
    :warning: Your request for *Prod support* can no longer be decided where it was posted.
    • #access-requests: the message was deleted (Slack says `message_not_found`)
    Nobody can approve it there. The people who run this bot are told in #sym-errors: ask there, then ask again with `/sym request groups`.
    ");
    world.pass(Span::hours(8)).await;
    world.ignore_messages();
    world.finish().await;
}
