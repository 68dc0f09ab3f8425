//! The Web API against the simulated Slack, over HTTP on loopback.

use super::*;
use crate::sandbox::slack::{Fault, Person, Slack, When};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

struct World {
    slack: Slack,
    api: SlackApi,
    ana: UserId,
    ops: ChannelId,
    clock: Arc<AtomicI64>,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let slack = Slack::start(Arc::new(|| 1_763_620_000_000)).await.expect("a port");
        let ana = slack.add_person(Person { tz: "Europe/Berlin".to_owned(), ..Person::new("ana") });
        let ops = slack.add_channel("ops", &[&ana], false, true);
        let clock = Arc::new(AtomicI64::new(0));
        let hands = Arc::clone(&clock);
        let now = Arc::new(move || hands.load(Ordering::SeqCst));
        let mut settings = Settings { api_url: slack.api_url(), ..Settings::new(slack.bot_token(), now) };
        change(&mut settings);
        let api = SlackApi::new(&settings).expect("an api");
        Self { slack, api, ana: UserId::new(ana), ops: ChannelId::new(ops), clock }
    }

    fn finish(&self) {
        assert_eq!(self.slack.unexpected(), Vec::<String>::new());
    }
}

fn message(text: &str) -> Message {
    let block = json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
    Message { text: text.to_owned(), blocks: vec![block] }
}

#[tokio::test]
async fn the_bot_knows_who_it_is() {
    let world = World::new().await;
    let me = world.api.auth_test().await.expect("an identity");
    assert_eq!(me.team.as_str(), world.slack.team_id());
    assert_eq!(me.bot_user.as_str(), world.slack.bot_user());
    assert_eq!(me.enterprise, None);
    world.finish();
}

#[tokio::test]
async fn a_message_is_posted_changed_answered_and_linked() {
    let world = World::new().await;
    let place = world.api.post_message(world.ops.as_str(), &message("one")).await.expect("posted");
    world.api.update_message(&place, &message("two")).await.expect("changed");
    let below = world.api.reply(&place, &message("three")).await.expect("answered");
    let link = world.api.permalink(&place).await.expect("a link");
    assert!(link.contains(world.ops.as_str()));
    let messages = world.slack.messages(world.ops.as_str());
    assert_eq!(messages.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["two", "three"]);
    assert_eq!(messages[1].thread_ts.as_deref(), Some(place.ts.as_str()));
    assert_ne!(below.ts, place.ts);
    world.finish();
}

#[tokio::test]
async fn one_person_alone_can_be_told() {
    let world = World::new().await;
    world.api.post_ephemeral(world.ops.as_str(), &world.ana, &message("psst")).await.expect("told");
    assert_eq!(world.slack.ephemerals(world.ana.as_str()).len(), 1);
    let dm = world.api.open_dm(&world.ana).await.expect("a conversation");
    assert_eq!(world.api.open_dm(&world.ana).await, Ok(dm.clone()));
    assert_eq!(world.slack.call_count("conversations.open"), 1, "remembered");
    world.api.post_message(dm.as_str(), &message("hello")).await.expect("posted");
    assert_eq!(world.slack.dms(world.ana.as_str()).len(), 1);
    world.finish();
}

#[tokio::test]
async fn people_are_looked_up_with_what_a_decision_needs() {
    let world = World::new().await;
    let ana = world.api.user(&world.ana).await.expect("a profile");
    assert_eq!(ana.email, Some(Email::new("ana@example.com")));
    assert_eq!((ana.name.as_str(), ana.tz.as_deref()), ("Ana", Some("Europe/Berlin")));
    assert_eq!(ana.team.map(|team| team.as_str().to_owned()), Some(world.slack.team_id()));
    assert!(!ana.is_guest && !ana.is_bot && !ana.is_deactivated && !ana.is_stranger);

    let guest = world.slack.add_person(Person { is_guest: true, ..Person::new("guest") });
    let gone = world.slack.add_person(Person { deleted: true, ..Person::new("gone") });
    let other = Person { team_id: Some("T0ELSEWHERE".to_owned()), ..Person::new("other") };
    let other = world.slack.add_person(other);
    assert!(world.api.user(&UserId::new(guest)).await.expect("a profile").is_guest);
    assert!(world.api.user(&UserId::new(gone)).await.expect("a profile").is_deactivated);
    let other = world.api.user(&UserId::new(other)).await.expect("a profile");
    assert!(other.is_stranger && other.email.is_none());
    assert_eq!(other.team, Some(TeamId::new("T0ELSEWHERE")));
    let nobody = world.api.user(&UserId::new("U0NOBODY01")).await.expect_err("nobody");
    assert_eq!((nobody.code(), nobody.is_transient()), ("user_not_found", false));
    world.finish();
}

#[test]
fn an_address_that_was_never_confirmed_is_nobodys() {
    let profile = |confirmed: Value| {
        let user = json!({
            "id": "U1", "is_email_confirmed": confirmed, "profile": { "email": "Boss@Example.com" },
        });
        Profile::from(serde_json::from_value::<answer::User>(user).expect("a user"))
    };
    assert_eq!(profile(json!(true)).email, Some(Email::new("boss@example.com")));
    assert_eq!(profile(Value::Null).email, Some(Email::new("boss@example.com")));
    assert_eq!(profile(json!(false)).email, None);
    assert_eq!(profile(json!(true)).name, "U1");
}

#[tokio::test]
async fn a_person_is_found_by_address() {
    let world = World::new().await;
    let found = world.api.user_by_email(&Email::new("Ana@Example.com")).await.expect("an answer");
    assert_eq!(found, Some(world.ana.clone()));
    assert_eq!(world.api.user_by_email(&Email::new("x+y&z=@example.com")).await, Ok(None));
    world.finish();
}

#[tokio::test]
async fn members_are_read_to_the_last_page() {
    let world = World::new().await;
    let people: Vec<_> = (0..7).map(|n| world.slack.add_person(Person::new(&format!("p{n}")))).collect();
    let names: Vec<_> = people.iter().map(String::as_str).collect();
    let channel = ChannelId::new(world.slack.add_channel("big", &names, true, true));
    world.slack.set_page_size(2);
    let members = world.api.channel_members(&channel).await.expect("members");
    let mut expected: BTreeSet<_> = people.iter().map(UserId::new).collect();
    expected.insert(UserId::new(world.slack.bot_user()));
    assert_eq!(members, expected);
    assert_eq!(world.slack.call_count("conversations.members"), 4);
    world.finish();
}

#[tokio::test]
async fn a_channel_is_found_by_name_or_id() {
    let world = World::new().await;
    world.slack.set_page_size(1);
    let public = world.slack.add_channel("not-joined", &[], false, false);
    let secret = world.slack.add_channel("secret", &[], true, false);
    for name in ["#ops", "ops", " #OPS ", world.ops.as_str()] {
        assert_eq!(world.api.find_channel(name).await, Ok(Some(world.ops.clone())), "{name}");
    }
    assert_eq!(world.slack.call_count("users.conversations"), 1, "remembered");
    assert_eq!(world.slack.call_count("conversations.list"), 0, "not needed");
    assert_eq!(world.api.find_channel("not-joined").await, Ok(Some(ChannelId::new(public))));
    assert_eq!(world.api.find_channel("#secret").await, Ok(None));
    assert_eq!(world.api.find_channel(&secret).await, Ok(None));
    assert_eq!(world.api.find_channel("C0NOWHERE1").await, Ok(None));
    world.finish();
}

#[tokio::test]
async fn a_user_group_is_found_by_handle_or_id() {
    let world = World::new().await;
    let group = world.slack.add_usergroup("sre", &[world.ana.as_str()], false);
    world.slack.add_usergroup("old", &[world.ana.as_str()], true);
    let sre = Some(BTreeSet::from([world.ana.clone()]));
    for handle in ["@sre", "sre", &group] {
        assert_eq!(world.api.usergroup_members(handle).await, Ok(sre.clone()), "{handle}");
    }
    assert_eq!(world.api.usergroup_members("old").await, Ok(None));
    assert_eq!(world.api.usergroup_members("none").await, Ok(None));
    world.finish();
}

#[tokio::test]
async fn refusals_say_what_can_be_done() {
    let world = World::new().await;
    let outside = world.slack.add_channel("outside", &[], false, false);
    let error = world.api.post_message(&outside, &message("x")).await.expect_err("not there");
    insta::assert_snapshot!(
        error,
        @"Slack refused `chat.postMessage`: not_in_channel: the bot is not in the channel; invite it there with /invite @sym"
    );
    world.slack.archive(world.ops.as_str());
    let error = world.api.post_message(world.ops.as_str(), &message("x")).await.expect_err("archived");
    insta::assert_snapshot!(
        error,
        @"Slack refused `chat.postMessage`: is_archived: the channel is archived; unarchive it or name another one"
    );
    let wrong = Message { text: "x".to_owned(), blocks: vec![json!({ "type": "sectoin" })] };
    world.slack.unarchive(world.ops.as_str());
    let error = world.api.post_message(world.ops.as_str(), &wrong).await.expect_err("wrong");
    assert!(error.is_refused_with("invalid_blocks") && error.to_string().contains("sectoin"), "{error}");
    world.slack.set_scopes(&["users:read"]);
    let error = world.api.post_message(world.ops.as_str(), &message("x")).await.expect_err("no scope");
    insta::assert_snapshot!(
        error,
        @"Slack refused `chat.postMessage`: missing_scope (needed: chat:write): the app lacks a permission; paste slack-app.yaml into the app's manifest, reinstall the app and use the new token"
    );
}

#[tokio::test]
async fn a_short_rate_limit_on_a_look_up_is_waited_for() {
    let world = World::new().await;
    world.slack.fault("users.info", When::Next(1), Fault::RateLimit { retry_after: 1 });
    world.api.user(&world.ana).await.expect("read after the wait");
    assert_eq!(world.slack.call_count("users.info"), 2);
    world.finish();
}

#[tokio::test]
async fn what_slack_has_asked_to_wait_for_is_not_asked_again_before() {
    let world = World::new().await;
    let ops = world.ops.as_str();
    world.slack.fault("chat.postMessage", When::Next(1), Fault::RateLimit { retry_after: 30 });
    for passed in [0, 1_000, 29_000] {
        world.clock.store(passed, Ordering::SeqCst);
        let error = world.api.post_message(ops, &message("x")).await.expect_err("limited");
        assert!(error.is_transient());
        let rest = Duration::from_millis(30_000 - u64::try_from(passed).expect("not negative"));
        assert_eq!(error.retry_after(), Some(rest));
        assert_eq!(world.slack.call_count("chat.postMessage"), 1, "asked once");
    }
    world.api.auth_test().await.expect("another method");
    world.clock.store(30_000, Ordering::SeqCst);
    world.api.post_message(ops, &message("x")).await.expect("the wait is over");
    assert_eq!(world.slack.messages(ops).len(), 1);
    world.finish();
}

#[tokio::test]
async fn a_clock_that_is_put_back_makes_no_wait_longer() {
    let world = World::new().await;
    let ops = world.ops.as_str();
    let at = |millis: i64| world.clock.store(millis, Ordering::SeqCst);
    for back in [1, 60_000, 86_400_000] {
        at(100_000_000);
        world.slack.fault("chat.postMessage", When::Next(1), Fault::RateLimit { retry_after: 30 });
        world.api.post_message(ops, &message("x")).await.expect_err("limited");
        at(100_000_000 - back);
        world.api.post_message(ops, &message("x")).await.expect("whoever waits longer waits for nothing");
        at(100_000_000);
        world.api.post_message(ops, &message("x")).await.expect("it is over for good");
    }
    world.finish();
}

#[tokio::test]
async fn one_refusal_holds_back_everybody_who_would_post_there() {
    let world = World::new().await;
    world.slack.fault("chat.postMessage", When::Nth(3), Fault::RateLimit { retry_after: 30 });
    let posts = (0..10).map(|number| {
        let api = &world.api;
        let channel = world.ops.as_str();
        async move { api.post_message(channel, &message(&number.to_string())).await.is_ok() }
    });
    let sent = futures_util::future::join_all(posts).await;
    assert_eq!(sent.iter().filter(|sent| **sent).count(), 2);
    assert_eq!(world.slack.call_count("chat.postMessage"), 3, "the others did not even ask");
    let texts: Vec<_> = world.slack.messages(world.ops.as_str()).into_iter().map(|it| it.text).collect();
    assert_eq!(texts, ["0", "1"], "one after the other");
    world.finish();
}

#[tokio::test]
async fn only_what_may_happen_twice_is_tried_twice() {
    let world = World::new().await;
    for fault in [Fault::ServerError, Fault::DropBefore, Fault::LoseReply] {
        world.slack.clear_calls();
        world.slack.fault("users.info", When::Next(1), fault.clone());
        world.api.user(&world.ana).await.expect("a profile at the second try");
        world.slack.fault("chat.postMessage", When::Next(1), fault);
        let error = world.api.post_message(world.ops.as_str(), &message("x")).await.expect_err("lost");
        assert!(error.is_transient(), "{error}");
        assert!(world.slack.call_count("chat.postMessage") <= 1);
    }
    assert_eq!(world.slack.messages(world.ops.as_str()).len(), 1, "the one whose reply was lost");
    world.finish();
}

#[tokio::test]
async fn a_call_that_hangs_ends() {
    let world = World::with(|settings| settings.timeout = Duration::from_millis(100)).await;
    world.slack.fault("chat.postMessage", When::Next(1), Fault::Hang);
    let error = world.api.post_message(world.ops.as_str(), &message("x")).await.expect_err("hung");
    insta::assert_snapshot!(
        error,
        @"`chat.postMessage` did not work this time: no answer in 0.1 s"
    );
    world.slack.clear_faults();
    world.api.post_message(world.ops.as_str(), &message("x")).await.expect("the next one works");
}

#[tokio::test]
async fn a_response_url_is_followed_to_slack_only() {
    let world = World::new().await;
    for url in [
        "https://evil.example/hooks",
        "https://hooks.slack.com.evil.example/x",
        "https://hooks.slack.com@evil.example/x",
        "https://hooks.slack.com\\@evil.example/x",
        "http://hooks.slack.com/x",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "",
    ] {
        let error = world.api.respond(url, "x").await.expect_err(url);
        assert_eq!((error.code(), error.is_transient()), ("unusable", false), "{url}");
    }
    let gone = format!("{}/hooks/actions/T/none", world.slack.api_url().trim_end_matches("/api"));
    let error = world.api.respond(&gone, "x").await.expect_err("no such URL");
    assert_eq!(error.code(), "http_404");
}

#[tokio::test]
async fn errors_and_settings_show_no_secrets() {
    let world = World::new().await;
    let api = SlackApi::new(&Settings {
        api_url: world.slack.api_url(),
        ..Settings::new("xoxb-secret\nheader", Arc::new(|| 0))
    });
    let error = api.expect("an api").auth_test().await.expect_err("no such token");
    let settings = Settings::new("xoxb-secret", Arc::new(|| 0));
    for shown in [format!("{error:?}"), error.to_string(), format!("{settings:?}")] {
        assert!(!shown.contains("secret"), "{shown}");
    }
}
