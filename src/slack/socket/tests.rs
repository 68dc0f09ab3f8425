//! The socket against the simulated Slack, over real web sockets on loopback.

use super::*;
use crate::sandbox::slack::{Fault, Person, Slack, When};
use crate::slack::api::{self, SlackApi};
use crate::slack::inbound::Inbound;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::time::Instant;

const OPEN: &str = "apps.connections.open";

/// A simulated workspace with a socket to it.
struct World {
    slack: Slack,
    ana: String,
    channel: String,
    state: watch::Receiver<SocketState>,
    socket: Socket,
}

async fn workspace() -> (Slack, String, String) {
    let slack = Slack::start(Arc::new(|| 1_763_620_000_000)).await.expect("a port");
    let ana = slack.add_person(Person::new("ana"));
    let channel = slack.add_channel("ops", &[&ana], false, true);
    (slack, ana, channel)
}

fn settings(slack: &Slack) -> Settings {
    Settings { api_url: slack.api_url(), ..Settings::new(slack.app_token()) }
}

/// A handler out of an async function.
fn handler<F: Future<Output = Ack> + Send + 'static>(
    answer: impl Fn(Envelope) -> F + Send + Sync + 'static,
) -> Handler {
    Arc::new(move |envelope| Box::pin(answer(envelope)))
}

async fn world(change: impl FnOnce(&mut Settings), handler: Handler) -> World {
    let (slack, ana, channel) = workspace().await;
    let mut settings = settings(&slack);
    change(&mut settings);
    let connections = settings.connections;
    let (sender, mut state) = watch::channel(SocketState::Connecting);
    let socket = Socket::start(settings, handler, sender).await.expect("a socket");
    live(&mut state, connections).await;
    World { slack, ana, channel, state, socket }
}

async fn live(state: &mut watch::Receiver<SocketState>, connections: u32) {
    let wanted = SocketState::Live { connections };
    let reached =
        tokio::time::timeout(Duration::from_secs(10), state.wait_for(|state| *state == wanted)).await;
    reached.expect("live in time").expect("the socket runs");
}

impl World {
    async fn command(&self, text: &str) -> crate::sandbox::slack::Reply {
        self.slack.command(&self.ana, &self.channel, "/sym", text).await.expect("Slack lets her")
    }

    /// Nothing that a well-behaved bot would not have sent.
    async fn finish(self) {
        self.socket.stop().await;
        assert_eq!(self.slack.unexpected(), Vec::<String>::new());
    }
}

fn envelope(id: &str) -> Value {
    let text = include_str!("../../../fixtures/slack/slash_command.json");
    let mut envelope: Value = serde_json::from_str(text).expect("a fixture is JSON");
    envelope["envelope_id"] = id.into();
    envelope
}

#[tokio::test]
async fn a_command_is_acknowledged_over_both_connections() {
    let world = world(|_| {}, handler(async |_| Ack::Empty)).await;
    assert_eq!(world.slack.connections(), 2);
    for _ in 0..4 {
        let reply = world.command("list").await;
        assert!(reply.acked && reply.payload.is_null());
    }
    world.finish().await;
}

#[tokio::test]
async fn a_command_can_be_answered_in_its_acknowledgement() {
    let answer = |_| async { Ack::Message(json!({ "text": "hello" })) };
    let world = world(|_| {}, handler(answer)).await;
    assert!(world.command("help").await.acked);
    assert_eq!(world.slack.ephemerals(&world.ana).last().map(|m| m.text.clone()).as_deref(), Some("hello"));
    world.finish().await;
}

fn modal() -> Value {
    json!({
        "type": "modal", "callback_id": "request",
        "title": { "type": "plain_text", "text": "Request access" },
        "submit": { "type": "plain_text", "text": "Ask" },
        "blocks": [
            { "type": "input", "block_id": "reason", "label": { "type": "plain_text", "text": "Why?" },
              "element": { "type": "plain_text_input", "action_id": "type_in" } },
            { "type": "input", "block_id": "target", "optional": true,
              "label": { "type": "plain_text", "text": "What?" },
              "element": { "type": "external_select", "action_id": "pick", "min_query_length": 0 } },
        ],
    })
}

#[tokio::test]
async fn a_modal_is_opened_complained_about_and_closed() {
    let (slack, ana, channel) = workspace().await;
    let api = SlackApi::new(&api::Settings {
        api_url: slack.api_url(),
        ..api::Settings::new(slack.bot_token(), Arc::new(|| 0))
    });
    let api = Arc::new(api.expect("an api"));
    let answer = handler(move |envelope| {
        let api = Arc::clone(&api);
        async move {
            match envelope.inbound {
                Inbound::Command { trigger_id, .. } => {
                    api.open_view(&trigger_id, &modal()).await.expect("a modal");
                    Ack::Empty
                }
                Inbound::Submitted { view, .. } if view.values.text("reason") == Some("no") => {
                    Ack::Errors([("reason".to_owned(), "Say more.".to_owned())].into())
                }
                Inbound::Options { query, .. } => Ack::Options(json!([
                    { "text": { "type": "plain_text", "text": query }, "value": "it" }
                ])),
                _ => Ack::Empty,
            }
        }
    });
    let (sender, mut state) = watch::channel(SocketState::Connecting);
    let socket = Socket::start(settings(&slack), answer, sender).await.expect("a socket");
    live(&mut state, 2).await;

    slack.command(&ana, &channel, "/sym", "request").await.expect("a command");
    let view = slack.view(&ana).expect("a modal");
    let options = slack.options(&ana, &view.id, "pick", "pro").await.expect("options");
    assert!(format!("{options:?}").contains("pro"));
    let reply = slack.submit(&ana, &view.id, json!({ "Why?": "no" })).await.expect("a submission");
    assert_eq!(reply.errors().get("reason").map(String::as_str), Some("Say more."));
    let reply = slack.submit(&ana, &view.id, json!({ "Why?": "INC-42" })).await.expect("a submission");
    assert!(reply.acked && slack.view(&ana).is_none());

    socket.stop().await;
    assert_eq!(slack.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_that_slack_does_not_take_becomes_a_bare_acknowledgement() {
    let world = world(|_| {}, handler(async |_| Ack::Errors(BTreeMap::new()))).await;
    let reply = world.slack.shortcut(&world.ana, "request_access").await;
    assert!(reply.acked && reply.payload.is_null());
    world.finish().await;
}

#[tokio::test]
async fn two_deliveries_of_one_envelope_are_handled_once_and_acknowledged_twice() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let world = world(
        |_| {},
        handler(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async {
                // The second delivery arrives on the other connection meanwhile.
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ack::Empty
            }
        }),
    )
    .await;
    world.slack.deliver_twice(true);
    let reply = world.command("list").await;
    world.slack.deliver_twice(false);
    world.command("list").await;
    let same = world.slack.acks().iter().filter(|ack| ack.envelope_id == reply.envelope_id).count();
    assert_eq!(same, 2, "both connections acknowledge");
    assert_eq!(calls.load(Ordering::SeqCst), 2, "one for each command");
    world.finish().await;
}

#[tokio::test]
async fn a_handler_that_panics_takes_nothing_else_with_it() {
    let answer = |envelope: Envelope| async move {
        if let Inbound::Command { text, .. } = &envelope.inbound {
            assert_ne!(text, "boom");
        }
        Ack::Empty
    };
    let world = world(|_| {}, handler(answer)).await;
    world.slack.ack_window(Duration::from_millis(300));
    assert!(!world.command("boom").await.acked);
    for _ in 0..4 {
        assert!(world.command("list").await.acked);
    }
    assert_eq!(*world.state.borrow(), SocketState::Live { connections: 2 });
    world.finish().await;
}

#[tokio::test]
async fn a_late_handler_is_not_called_again_for_the_second_delivery() {
    let (calls, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counted, gate) = (Arc::clone(&calls), Arc::clone(&release));
    let answer = move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            Ack::Empty
        }
    };
    let world = world(|settings| settings.handler_within = Duration::from_millis(100), handler(answer)).await;
    assert!(world.slack.send_envelope(&envelope("late")));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(world.slack.acks().is_empty(), "too late");
    release.notify_one();
    assert!(world.slack.send_envelope(&envelope("late")));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.slack.acks().len(), 1);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_was_not_acknowledged_is_handled_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let answer = move |_| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        async move { if call == 0 { Ack::NotAcked } else { Ack::Empty } }
    };
    let world = world(|_| {}, handler(answer)).await;
    world.slack.ack_window(Duration::from_millis(100));
    world.slack.redeliver(1);
    world.command("list").await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(world.slack.acks().len(), 1);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    world.finish().await;
}

#[tokio::test]
async fn frames_that_cannot_be_read_do_no_harm() {
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&kinds);
    let answer = move |envelope: Envelope| {
        heard.lock().expect("no panic").push(envelope.inbound.kind().to_owned());
        async { Ack::Empty }
    };
    let world = world(|_| {}, handler(answer)).await;
    for text in ["", "{", "[[[[", "null", r#"{"type":"interactive"}"#, r#"{"type":"brand_new"}"#] {
        assert!(world.slack.send_raw(text));
        assert!(world.slack.send_raw(text), "on the other connection too");
    }
    assert!(world.slack.send_raw(&"[".repeat(50_000)));
    assert!(world.slack.send_envelope(&json!({ "envelope_id": "x", "type": "brand_new", "payload": 7 })));
    assert!(world.command("list").await.acked);
    assert!(world.command("list").await.acked);
    assert_eq!(world.slack.acks().len(), 3);
    let mut kinds = kinds.lock().expect("no panic").clone();
    kinds.sort();
    assert_eq!(kinds, ["brand_new", "command", "command"]);
    world.finish().await;
}

#[tokio::test]
async fn connections_that_slack_ends_or_loses_come_back() {
    let mut world = world(|_| {}, handler(async |_| Ack::Empty)).await;
    for reason in ["refresh_requested", "link_disabled", ""] {
        let opened = world.slack.call_count(OPEN);
        if reason.is_empty() {
            world.slack.break_connections();
        } else {
            world.slack.disconnect_all(reason);
        }
        let again =
            |slack: &Slack| (slack.call_count(OPEN) == opened + 2 && slack.connections() == 2).then_some(());
        world.slack.until(Duration::from_secs(10), again).await.expect("two new ones");
        live(&mut world.state, 2).await;
        assert!(world.command("list").await.acked, "{reason}");
    }
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_end_is_announced_is_replaced_before_it_goes() {
    for connections in [1, 4] {
        let mut world = world(|s| s.connections = connections, handler(async |_| Ack::Empty)).await;
        tokio::time::sleep(Duration::from_secs(11)).await;
        let wanted = usize::try_from(connections).expect("a few");
        let opened = world.slack.call_count(OPEN);
        world.state.borrow_and_update();
        // They stay open until somebody closes them.
        world.slack.disconnect_all("warning");
        let both = |slack: &Slack| (slack.connections() == 2 * wanted).then_some(());
        world.slack.until(Duration::from_secs(5), both).await.expect("new ones beside the old ones");
        assert_eq!(world.slack.call_count(OPEN), opened + wanted);
        for _ in 0..2 * wanted {
            assert!(world.command("list").await.acked, "old and new ones deliver");
        }
        let alone = |slack: &Slack| (slack.connections() == wanted).then_some(());
        world.slack.until(Duration::from_secs(30), alone).await.expect("the old ones are let go");
        for _ in 0..wanted {
            assert!(world.command("list").await.acked);
        }
        live(&mut world.state, connections).await;
        assert_eq!(world.slack.call_count(OPEN), opened + wanted, "and nothing else happened");
        world.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deaf_connection_is_noticed_within_a_minute_and_replaced() {
    for still_answers in [false, true] {
        let mut world = world(|s| s.connections = 1, handler(async |_| Ack::Empty)).await;
        // Slack's own pings have been heard.
        tokio::time::sleep(Duration::from_secs(35)).await;
        assert_eq!(*world.state.borrow_and_update(), SocketState::Live { connections: 1 });
        let silent_since = Instant::now();
        if still_answers {
            world.slack.silence_but_pong();
        } else {
            world.slack.silence();
        }
        let gone = world.state.wait_for(|state| matches!(state, SocketState::Down { .. }));
        let SocketState::Down { why } = gone.await.expect("the socket runs").clone() else {
            panic!("not down")
        };
        assert!(silent_since.elapsed() <= Duration::from_mins(1), "{:?}", silent_since.elapsed());
        if still_answers {
            insta::assert_snapshot!(why, @"Slack has sent nothing on it for 40 s, not even its pings, though it still answers ours");
        } else {
            insta::assert_snapshot!(why, @"nothing was heard on it for 15 s");
        }
        live(&mut world.state, 1).await;
        world.slack.ack_window(Duration::from_millis(200));
        // Slack may not know yet that one of its two connections is dead.
        let acked = [world.command("list").await.acked, world.command("list").await.acked];
        assert!(acked.contains(&true), "{acked:?}");
        world.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_that_slack_pings_is_left_alone() {
    let world = world(|_| {}, handler(async |_| Ack::Empty)).await;
    let opened = world.slack.call_count(OPEN);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(world.slack.call_count(OPEN), opened);
    assert_eq!(*world.state.borrow(), SocketState::Live { connections: 2 });
    assert!(world.command("list").await.acked);
    world.finish().await;
}

#[tokio::test]
async fn switched_off_socket_mode_is_said_in_words() {
    let mut world = world(|s| s.connections = 1, handler(async |_| Ack::Empty)).await;
    world.slack.refuse_connections(true);
    world.slack.disconnect_all("link_disabled");
    let down =
        world.state.wait_for(|state| matches!(state, SocketState::Down { why } if why.contains("now")));
    let down =
        tokio::time::timeout(Duration::from_secs(10), down).await.expect("told").expect("runs").clone();
    let SocketState::Down { why } = down else { panic!("not down") };
    insta::assert_snapshot!(why, @"socket mode is switched off in the app's settings; switch it on under “Socket Mode” (and now: the connection failed: Slack answered with HTTP 503)");
    world.slack.refuse_connections(false);
    live(&mut world.state, 1).await;
    world.finish().await;
}

/// A handler that keeps every command "slow" waiting, and notes what it has handled.
fn held_up(release: &Arc<Notify>, handled: &Arc<Mutex<Vec<String>>>) -> Handler {
    let (release, handled) = (Arc::clone(release), Arc::clone(handled));
    handler(move |envelope: Envelope| {
        let (release, handled) = (Arc::clone(&release), Arc::clone(&handled));
        async move {
            let said = match envelope.inbound {
                Inbound::Command { text, .. } => text,
                Inbound::Pressed(press) => press.action_id,
                other => other.kind().to_owned(),
            };
            if said.starts_with("slow") {
                release.notified().await;
            }
            handled.lock().expect("no panic").push(said);
            Ack::Empty
        }
    })
}

#[tokio::test]
async fn a_slow_delivery_holds_up_no_other_on_its_connection() {
    let (release, handled) = (Arc::default(), Arc::default());
    let world = world(|s| s.connections = 1, held_up(&release, &handled)).await;
    let mut slow = envelope("slow");
    slow["payload"]["text"] = "slow".into();
    for number in 0..10 {
        slow["envelope_id"] = format!("slow {number}").into();
        assert!(world.slack.send_envelope(&slow));
    }
    assert!(world.command("quick").await.acked);
    assert_eq!(*handled.lock().expect("no panic"), ["quick"]);
    for _ in 0..10 {
        release.notify_one();
        tokio::task::yield_now().await;
    }
    let all = |slack: &Slack| (slack.acks().len() == 11).then_some(());
    world.slack.until(Duration::from_secs(5), all).await.expect("all are answered");
    world.finish().await;
}

#[tokio::test]
async fn deliveries_about_one_request_are_handled_in_their_order() {
    let (release, handled) = (Arc::<Notify>::default(), Arc::default());
    let world = world(|s| s.connections = 1, held_up(&release, &handled)).await;
    let click = |id: &str, action: &str, request: &str| {
        json!({
            "envelope_id": id, "type": "interactive",
            "payload": {
                "type": "block_actions", "user": { "id": "U1" }, "team": { "id": "T1" },
                "trigger_id": "1.2.x",
                "container": { "type": "message", "channel_id": "C1", "message_ts": "1.1" },
                "actions": [{ "type": "button", "action_id": action, "block_id": "b", "value": request }],
            },
        })
    };
    assert!(world.slack.send_envelope(&click("a", "slow first", "r1")));
    assert!(world.slack.send_envelope(&click("b", "second", "r1")));
    assert!(world.slack.send_envelope(&click("c", "another", "r2")));
    let one = |slack: &Slack| (slack.acks().len() == 1).then_some(());
    world.slack.until(Duration::from_secs(5), one).await.expect("the other request goes on");
    release.notify_one();
    let all = |slack: &Slack| (slack.acks().len() == 3).then_some(());
    world.slack.until(Duration::from_secs(5), all).await.expect("all are answered");
    assert_eq!(*handled.lock().expect("no panic"), ["another", "slow first", "second"]);
    world.finish().await;
}

#[tokio::test]
async fn a_refused_token_is_told_at_once() {
    let (slack, ..) = workspace().await;
    let settings = Settings { api_url: slack.api_url(), ..Settings::new("xapp-wrong") };
    let (sender, _state) = watch::channel(SocketState::Connecting);
    let error = Socket::start(settings, handler(async |_| Ack::Empty), sender).await.err().expect("refused");
    insta::assert_snapshot!(
        error,
        @"Slack refused `apps.connections.open`: invalid_auth: the token is wrong; copy it again from the app's settings"
    );
}

#[tokio::test]
async fn while_slack_is_down_the_reason_is_known_and_it_is_tried_again() {
    let (slack, ..) = workspace().await;
    slack.fault("apps.connections.open", When::Always, Fault::ServerError);
    let (sender, mut state) = watch::channel(SocketState::Connecting);
    let settings = Settings { hello_within: Duration::from_millis(200), ..settings(&slack) };
    let socket = Socket::start(settings, handler(async |_| Ack::Empty), sender).await.expect("a socket");
    let SocketState::Down { why } = state.borrow_and_update().clone() else { panic!("not down") };
    insta::assert_snapshot!(
        why,
        @"`apps.connections.open` did not work this time: Slack answered with HTTP 503"
    );
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let tried = slack.call_count("apps.connections.open");
    assert!((4..=16).contains(&tried), "neither never nor all the time: {tried}");
    slack.clear_faults();
    live(&mut state, 2).await;
    socket.stop().await;
    assert_eq!(slack.connections(), 0);
}

#[tokio::test]
async fn a_slack_that_hangs_up_at_once_is_not_hammered() {
    let world = world(|_| {}, handler(async |_| Ack::Empty)).await;
    for _ in 0..150 {
        world.slack.break_connections();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let tried = world.slack.call_count("apps.connections.open");
    assert!(tried <= 24, "three for the start, and few in 1.5 s for each of two: {tried}");
    world.finish().await;
}

#[tokio::test]
async fn a_handshake_that_fails_or_hangs_is_tried_again() {
    let (slack, ..) = workspace().await;
    slack.refuse_connections(true);
    let (sender, mut state) = watch::channel(SocketState::Connecting);
    let settings = Settings { hello_within: Duration::from_millis(200), ..settings(&slack) };
    let socket = Socket::start(settings, handler(async |_| Ack::Empty), sender).await.expect("a socket");
    let down = state.wait_for(|state| matches!(state, SocketState::Down { .. })).await;
    assert!(
        matches!(&*down.expect("the socket runs"), SocketState::Down { why } if why.contains("HTTP 503"))
    );
    slack.refuse_connections(false);
    live(&mut state, 2).await;
    socket.stop().await;
}

#[tokio::test]
async fn stopping_lets_a_running_handler_be_acknowledged() {
    let started = Arc::new(Notify::new());
    let tell = Arc::clone(&started);
    let answer = move |_| {
        tell.notify_one();
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ack::Empty
        }
    };
    let world = world(|_| {}, handler(answer)).await;
    assert!(world.slack.send_envelope(&envelope("last")));
    started.notified().await;
    let slack = world.slack.clone();
    world.finish().await;
    assert_eq!(slack.acks().len(), 1);
}
