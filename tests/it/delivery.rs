//! When Slack or AWS are slow, full, closed or gone.

use crate::world::{World, values};
use insta::assert_snapshot;
use std::time::Duration;
use sym::access::{Audience, Notice, NoticeKind, Span, Status, UserId};
use sym::sandbox::aws::{self, Match};
use sym::sandbox::slack::{Fault, When};
use sym::store::Commit;

/// Far inside the three seconds that Slack waits.
const PROMPT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn slack_is_answered_at_once_although_aws_hangs() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let first = ana.asks_for("").flow("groups").because("INC-42").send().await;
    let second = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-43").send().await;
    ana.types("request iam").await;
    let view = world.slack().view(ana.user()).unwrap();
    let general = world.stage.channel("general").unwrap();
    world.aws().fault(Match::next("GetGroupMembershipId"), aws::Fault::Hang);
    let acted = async {
        let replies = [
            bo.clicks("sym_approve", &first).await,
            bo.clicks("sym_deny", &second).await,
            world.slack().command(bo.user(), general, "/sym", "help").await.unwrap(),
            world.slack().submit(ana.user(), &view.id, values([("Reason", "INC-44")])).await.unwrap(),
        ];
        for reply in replies {
            assert!(reply.acked && reply.took < PROMPT, "{:?}", reply.took);
        }
        assert!(!ana.is_in_group());
    };
    tokio::join!(acted, world.engine().settle());
    assert!(matches!(world.status(&second), Status::Denied { .. }));
    world.settle().await;
    assert!(ana.is_in_group(), "the call that hung was made again");
    world.pass(Span::hours(9)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn slack_is_answered_at_once_although_its_own_web_api_hangs() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    ana.types("request groups").await;
    let view = world.slack().view(ana.user()).unwrap();
    let general = world.stage.channel("general").unwrap();
    world.slack().fault("*", When::Always, Fault::Hang);
    let replies = [
        bo.clicks("sym_approve", &request).await,
        world.slack().submit(ana.user(), &view.id, values([("Reason", "INC-43")])).await.unwrap(),
        world.slack().command(bo.user(), general, "/sym", "help").await.unwrap(),
    ];
    for reply in replies {
        assert!(reply.acked && reply.took < PROMPT, "{:?}", reply.took);
    }
    world.slack().clear_faults();
    world.settle().await;
    assert!(ana.is_in_group());
    assert_eq!(world.posts(), 2);
    world.pass(Span::hours(9)).await;
    world.ignore_messages();
    world.finish().await;
}

/// A request whose card can be posted nowhere: what the requester and the operators hear.
async fn reaches_nobody(spoil: impl FnOnce(&World)) -> (String, String) {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    spoil(&world);
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    assert_eq!(world.posts(), 0);
    assert!(matches!(world.status(&request), Status::Pending { .. }));
    let told = (ana.next_dm(), world.channel_text("sym-errors").join("\n---\n"));
    world.pass(Span::hours(8)).await;
    assert!(matches!(world.status(&request), Status::Lapsed { .. }));
    ana.next_dm();
    world.finish().await;
    told
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_told_to_those_who_can_mend_it() {
    let (ana, errors) = reaches_nobody(|world| world.slack().rename(world.channel(), "renamed")).await;
    assert_snapshot!(ana, @"
    :warning: Your request for *Prod support* reached nobody.
    • #access-requests: there is no such channel, or it is private and the bot is not in it; check the name and invite the bot with /invite @sym (Slack says `channel_not_found`)
    Nobody can approve it there. The people who run this bot are told in #sym-errors: ask there, then ask again with `/sym request groups`.
    ");
    assert_snapshot!(errors, @r"
    :warning: The request of @ana for *Prod support* reached nobody.
    • #access-requests: there is no such channel, or it is private and the bot is not in it; check the name and invite the bot with /invite @sym (Slack says `channel_not_found`)
    Invite the bot to these channels, or correct their names in the manifest.
    ");
}

#[tokio::test]
async fn a_channel_archived_since_yesterday_is_told_to_those_who_can_mend_it() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("groups").because("INC-41").send().await;
    bo.denies(&request).await;
    world.ignore_messages();
    world.slack().archive(world.channel());
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    let (told, errors) = (ana.next_dm(), world.channel_text("sym-errors").join("\n---\n"));
    assert_eq!(world.posts(), 1);
    ana.types("help").await;
    ana.next_whisper();
    world.pass(Span::hours(8)).await;
    assert!(matches!(world.status(&request), Status::Lapsed { .. }));
    ana.next_dm();
    world.finish().await;
    let ana = told;
    assert_snapshot!(ana, @"
    :warning: Your request for *Prod support* reached nobody.
    • #access-requests: the channel is archived; unarchive it or name another one (Slack says `is_archived`)
    Nobody can approve it there. The people who run this bot are told in #sym-errors: ask there, then ask again with `/sym request groups`.
    ");
    assert_snapshot!(errors, @r"
    :warning: The request of @ana for *Prod support* reached nobody.
    • #access-requests: the channel is archived; unarchive it or name another one (Slack says `is_archived`)
    Invite the bot to these channels, or correct their names in the manifest.
    ");
}

#[tokio::test]
async fn a_channel_that_was_archived_before_it_was_ever_used_is_called_archived() {
    let (ana, errors) = reaches_nobody(|world| world.slack().archive(world.channel())).await;
    for said in [ana, errors] {
        assert!(said.contains("#access-requests: the channel is archived; unarchive it"), "{said}");
        assert!(!said.contains("there is no such channel"), "{said}");
    }
}

#[tokio::test]
async fn a_channel_without_the_bot_is_told_to_those_who_can_mend_it() {
    let (ana, errors) = reaches_nobody(|world| world.slack().remove_bot(world.channel())).await;
    assert_snapshot!(ana, @"
    :warning: Your request for *Prod support* reached nobody.
    • #access-requests: the bot is not in the channel; invite it there with /invite @sym (Slack says `not_in_channel`)
    Nobody can approve it there. The people who run this bot are told in #sym-errors: ask there, then ask again with `/sym request groups`.
    ");
    assert_snapshot!(errors, @r"
    :warning: The request of @ana for *Prod support* reached nobody.
    • #access-requests: the bot is not in the channel; invite it there with /invite @sym (Slack says `not_in_channel`)
    Invite the bot to these channels, or correct their names in the manifest.
    ");
}

#[tokio::test]
async fn a_card_that_slack_wants_later_comes_later() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.slack().fault("chat.postMessage", When::Next(1), Fault::RateLimit { retry_after: 20 });
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    assert_eq!(world.posts(), 0);
    world.pass(Span::seconds(19)).await;
    assert_eq!(world.posts(), 0, "Slack had asked to wait");
    assert!(ana.has_nothing_new());
    world.pass(Span::seconds(1)).await;
    assert_eq!(world.posts(), 1);
    ana.next_dm();
    bo.denies(&request).await;
    ana.next_dm();
    world.finish().await;
}

#[tokio::test]
async fn an_edit_whose_answer_is_lost_is_made_again() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.slack().fault("chat.update", When::Next(3), Fault::LoseReply);
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.is_in_group());
    assert!(world.card(&request).contains("Approved by @bo"), "{}", world.card(&request));
    assert_eq!(world.posts(), 1, "an edit is repeated, not posted");
    world.pass(Span::hours(8)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn access_ends_on_time_while_slack_is_down_and_the_messages_follow() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.holds("ps-1111111111111111", "111122223333"));
    ana.next_dm();
    ana.next_dm();
    world.slack().fault("*", When::Always, Fault::ServerError);
    world.pass(Span::hours(1)).await;
    world.settle().await;
    assert!(!ana.holds("ps-1111111111111111", "111122223333"), "Slack has no say in when access ends");
    assert!(ana.has_nothing_new());
    assert!(world.card(&request).contains("has *Prod admin*"));
    world.slack().clear_faults();
    world.pass(Span::minutes(5)).await;
    assert_snapshot!(ana.next_dm(), @r"
    Your access to *Prod admin* ends today at 11:00 AM. If you need it longer, ask again now with `/sym request aws`: once approved, it goes on without a gap.
    [Give it back]
    ");
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: its hour is up.");
    assert_snapshot!(world.card(&request), @r"
    :lock: @ana no longer has *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: its hour is up. AWS was read afterwards: it is gone.
    Approved by @bo.
    (A session opened before can go on until it expires by itself.)
    (Ended today at 11:00 AM, after 1 hour)
    ");
    assert_eq!(world.posts(), 1);
    world.finish().await;
}

#[tokio::test]
async fn the_card_follows_its_channel_through_a_new_name() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    world.slack().rename(world.channel(), "access");
    bo.denies(&request).await;
    assert!(world.card(&request).contains("denied"));
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_request_can_go_to_several_places_and_all_of_them_follow_it() {
    let mut catalog = crate::world::stories();
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name.as_str() == "groups").unwrap();
    let places = ["#access-requests", "user:bo@example.com", "#renamed", "user:nobody@example.com"];
    entry.rules[0].notify = places.map(str::to_owned).to_vec();
    let world = World::around(catalog).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.slack().rename(world.stage.channel("renamed").unwrap(), "something-else");
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    assert_snapshot!(ana.next_dm(), @r"
    Your request for *Prod support* for 30 minutes has gone to #access-requests and bo@example.com. It lapses today at 6:00 PM if nobody answers.
    [Take it back]
    ");
    assert_snapshot!(world.channel_text("sym-errors").join("\n---\n"), @r"
    :warning: The request of @ana for *Prod support* could not be posted everywhere.
    • #renamed: there is no such channel, or it is private and the bot is not in it; check the name and invite the bot with /invite @sym (Slack says `channel_not_found`)
    • nobody@example.com: Slack knows nobody by that name (Slack says `users_not_found`)
    Invite the bot to these channels, or correct their names in the manifest.
    ");
    let direct = bo.next_dm();
    assert_eq!(direct, world.card(&request));
    bo.presses_in_dm("sym_approve").await;
    world.settle().await;
    assert!(ana.is_in_group());
    ana.next_dm();
    let dms = world.slack().dms(bo.user());
    assert_eq!(dms.len(), 1, "the card in the direct message is edited");
    assert_eq!(world.slack().shown(bo.user(), &dms[0]), world.card(&request));
    assert_eq!(world.posts(), 1);
    world.pass(Span::hours(1)).await;
    world.settle().await;
    assert!(ana.next_dm().contains("ends today"));
    assert!(ana.next_dm().contains("has ended"));
    assert!(world.slack().shown(bo.user(), &world.slack().dms(bo.user())[0]).contains("no longer has"));
    world.finish().await;
}

#[tokio::test]
async fn an_edit_that_slack_wants_later_shows_the_latest_state() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    world.slack().fault("chat.update", When::Next(1), Fault::RateLimit { retry_after: 20 });
    bo.clicks("sym_approve", &request).await;
    world.engine().settle().await;
    assert!(ana.is_in_group(), "a card that is late holds nothing up");
    assert!(world.card(&request).contains("requests *Prod support*"));
    world.pass(Span::seconds(20)).await;
    assert!(world.card(&request).contains("has *Prod support*"));
    let edits = world.slack().calls();
    let edits = edits.iter().filter(|call| call.method == "chat.update" && call.ok).count();
    assert_eq!(edits, 1, "what was overtaken is not shown any more");
    world.pass(Span::hours(1)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_place_that_has_to_wait_keeps_the_card_from_no_other() {
    let mut catalog = crate::world::stories();
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name.as_str() == "groups").unwrap();
    let places = ["user:bo@example.com", "#access-requests"];
    entry.rules[0].notify = places.map(str::to_owned).to_vec();
    let world = World::around(catalog).await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.slack().fault("conversations.open", When::Next(1), Fault::RateLimit { retry_after: 60 });
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    assert_eq!((world.posts(), world.slack().dms(bo.user()).len()), (1, 0));
    world.pass(Span::seconds(60)).await;
    assert_eq!((world.posts(), world.slack().dms(bo.user()).len()), (1, 1));
    bo.denies(&request).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_one_person_cannot_be_told_yet_keeps_nothing_from_others_and_comes_in_order() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    ana.next_dm();
    let notice = |to: &Audience, kind| Notice { request: request.id.clone(), to: to.clone(), kind };
    let (her, errors) = (Audience::Person(UserId::new(ana.user())), Audience::Channel("#sym-errors".into()));
    let notices = vec![
        notice(&her, NoticeKind::Approved),
        notice(&her, NoticeKind::Lapsed),
        notice(&errors, NoticeKind::Approved),
        notice(&errors, NoticeKind::Lapsed),
    ];
    world.slack().fault("chat.postMessage", When::Next(1), Fault::RateLimit { retry_after: 60 });
    let waiting = Commit { at: world.now(), notices, ..Commit::default() };
    world.engine().store().commit(waiting).unwrap().on_disk().await.unwrap();
    world.engine().settle().await;
    assert!(ana.has_nothing_new());
    let told = world.channel_text("sym-errors");
    assert_eq!(told.len(), 2);
    world.pass(Span::seconds(60)).await;
    assert_eq!([ana.next_dm(), ana.next_dm()], told[..], "once, and in order");
    assert_eq!(world.channel_text("sym-errors"), told, "once");
    bo.denies(&request).await;
    ana.next_dm();
    world.finish().await;
}
