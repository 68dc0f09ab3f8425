//! Slack asks to wait, or is away: nothing is lost, nothing is asked in vain, and access ends on time.

use crate::world::custody::{HOUR, PROD, STAGING, minutes};
use crate::world::{Asked, World};
use insta::assert_snapshot;
use sym::access::Span;
use sym::sandbox::slack::{Fault, When};

#[tokio::test]
async fn every_method_that_slack_limits_is_waited_for_and_the_request_goes_through() {
    let methods = [
        "chat.postMessage",
        "chat.update",
        "users.info",
        "users.conversations",
        "conversations.list",
        "conversations.open",
        "conversations.members",
        "usergroups.list",
    ];
    let mut spared = Vec::new();
    for method in methods {
        let world = World::of_stories().await;
        let (ana, bo) = (world.person("ana"), world.person("bo"));
        ana.types("request groups").await;
        world.slack().clear_calls();
        world.slack().fault(method, When::Next(1), Fault::RateLimit { retry_after: 30 });
        let asked = ana.sends(crate::world::values([("Reason", "INC-42")])).await;
        world.engine().settle().await;
        let early = world.slack().call_count(method);
        world.pass(Span::seconds(29)).await;
        if early > 0 && world.slack().calls().iter().any(|call| call.method == method && !call.ok) {
            assert_eq!(world.slack().call_count(method), early, "{method} was asked again too early");
        }
        world.pass(Span::seconds(60)).await;
        bo.approves(&asked).await;
        world.pass(Span::seconds(60)).await;
        if world.word(&asked) == "pending" {
            // Who Bo is could not be asked just then, and he was told.
            assert!(bo.next_whisper().contains("Try again in a minute"), "{method}");
            bo.approves(&asked).await;
            world.pass(Span::seconds(60)).await;
        }
        assert!(ana.is_in_group(), "{method}");
        assert!(world.card(&asked).contains("has *Prod support*"), "{method}");
        assert_eq!(world.posts(), 1, "{method}");
        assert!(ana.next_dm().starts_with("Your request"), "{method}");
        assert!(ana.next_dm().starts_with(":white_check_mark:"), "{method}");
        assert!(ana.has_nothing_new(), "{method}");
        if !world.slack().calls().iter().any(|call| call.method == method && !call.ok) {
            spared.push(method);
        }
        world.slack().clear_faults();
        world.pass(HOUR).await;
        world.ignore_messages();
        world.finish().await;
    }
    // Channels are known by then, and no user group decides in this story.
    assert_eq!(spared, ["users.conversations", "conversations.list", "usergroups.list"], "never limited");
}

#[tokio::test]
async fn a_limited_channel_gets_its_messages_later_and_is_not_hammered() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let mut asked = Vec::new();
    world.slack().fault("chat.postMessage", When::Next(1), Fault::RateLimit { retry_after: 60 });
    for number in 0..10 {
        ana.types("request approval").await;
        asked.push(ana.sends(crate::world::values([("What", &format!("INC-{number}"))])).await);
    }
    let tries = |world: &World| {
        let calls = world.slack().calls().into_iter();
        calls
            .filter(|call| call.method == "chat.postMessage" && call.args["channel"] == world.channel())
            .count()
    };
    assert_eq!((world.posts(), tries(&world)), (0, 1), "one refusal is enough for ten cards");
    world.pass(Span::seconds(59)).await;
    assert_eq!((world.posts(), tries(&world)), (0, 1));
    world.pass(Span::seconds(1)).await;
    assert_eq!((world.posts(), tries(&world)), (10, 11));
    for asked in &asked {
        assert!(world.card(asked).contains("requests"));
        world.person("bo").denies(asked).await;
    }
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_form_that_slack_will_not_open_is_answered_with_the_wait() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.slack().fault("views.open", When::Next(1), Fault::RateLimit { retry_after: 30 });
    ana.types("request groups").await;
    assert_snapshot!(ana.next_whisper(), @"Slack lets me open no forms for the next 30 s, because there were too many. Please try again then.");
    bo.types("request groups").await;
    assert!(bo.next_whisper().contains("30 s"));
    assert_eq!(world.slack().call_count("views.open"), 1, "Slack was not asked in vain");
    world.pass(Span::seconds(30)).await;
    bo.types("request").await;
    world.slack().fault("views.update", When::Next(1), Fault::RateLimit { retry_after: 30 });
    bo.picks("groups").await;
    assert!(bo.next_dm().contains("no forms for the next 30 s"));
    bo.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn ten_grants_end_on_time_while_slack_is_down_for_an_hour_and_everybody_hears_once() {
    let world = World::of_stories().await;
    let bo = world.person("bo");
    let mut asked: Vec<(&str, Asked)> = Vec::new();
    for handle in ["ana", "cy"] {
        let who = world.person(handle);
        asked.push((handle, who.asks_to_be_admin(HOUR).await));
        asked.push((handle, who.asks_to_be_support().await));
        let reason = || who.asks_for("Read only").for_(HOUR).because("INC-42");
        asked.push((handle, reason().with("Account", PROD).send().await));
        asked.push((handle, reason().with("Account", STAGING).send().await));
        asked.push((handle, who.asks_for("").flow("iam").for_(HOUR).because("INC-42").send().await));
    }
    let mut ends = Vec::new();
    for (_, request) in &asked {
        bo.approves(request).await;
        world.settle().await;
        assert!(world.is_active(request));
        let sym::access::Status::Active { ends_at: Some(end), .. } = world.status(request) else { panic!() };
        ends.push(end);
        world.pass(minutes(2)).await;
    }
    world.ignore_messages();
    world.slack().clear_calls();
    let down_since = ends[0] - minutes(20);
    world.pass(down_since.since(world.now())).await;
    world.slack().fault("*", When::Always, Fault::ServerError);
    for (end, (handle, request)) in ends.iter().zip(&asked) {
        world.pass(crate::world::custody::just_under(end.since(world.now()))).await;
        assert!(world.is_active(request), "{handle}: not a moment earlier");
        world.pass(Span::seconds(10)).await;
        assert_eq!(world.word(request), "ended", "{handle}: Slack has no say in it");
    }
    assert_eq!(world.aws().holdings(), []);
    world.pass((down_since + HOUR).since(world.now())).await;
    let failed = world.slack().calls().len();
    assert!(failed < 600, "an hour for ten requests, with pauses: {failed} calls");
    world.slack().clear_faults();
    world.pass(minutes(5)).await;
    for handle in ["ana", "cy"] {
        let who = world.person(handle);
        let mut told: Vec<String> = Vec::new();
        while !who.has_nothing_new() {
            told.push(who.next_dm());
        }
        assert_eq!(told.len(), 10, "{told:#?}");
        let warnings = told.iter().filter(|text| text.contains("ends today")).count();
        assert_eq!(warnings, 5, "{told:#?}");
        for what in ["Prod admin", "Prod support", "CloudWatch read-only"] {
            let about: Vec<_> = told.iter().filter(|text| text.contains(what)).collect();
            assert!(
                about.len() == 2 && about[0].contains("ends today") && about[1].contains("has ended"),
                "{about:?}"
            );
        }
    }
    for (_, request) in &asked {
        assert!(world.card(request).contains("no longer has"), "{}", world.card(request));
    }
    assert_eq!(world.posts(), 0, "cards are edited, not posted again");
    world.finish().await;
}
