use super::*;
use crate::sandbox::slack::{Cut, Fault, Gate, When};

#[tokio::test]
async fn a_command_is_delivered_and_its_answer_shown() {
    let world = World::new().await;
    let mut socket = world.socket().await;
    let (slack, ana, general) = (world.slack.clone(), world.ana.clone(), world.general.clone());
    let sent =
        tokio::spawn(async move { slack.command(&ana, &general, "/sym", "request prod").await.unwrap() });
    let frame = socket.next().await;
    assert_eq!(frame["type"], "slash_commands");
    assert_eq!(frame["accepts_response_payload"], true);
    let payload = frame["payload"].clone();
    assert_eq!((&payload["text"], &payload["user_name"]), (&json!("request prod"), &json!("ana")));
    socket.ack(&frame, json!({ "text": "Just a moment" })).await;
    assert!(sent.await.unwrap().acked);
    assert_eq!(world.slack.ephemerals(&world.ana)[0].text, "Just a moment");
    assert_eq!(world.slack.acks().len(), 1);

    // The response URL: five times, thirty minutes.
    let url = payload["response_url"].as_str().unwrap();
    let use_it = |body: Value| post(url, "", "application/json", body.to_string());
    for _ in 0..4 {
        assert_eq!(use_it(json!({ "text": "more" })).await.unwrap().1, "ok");
    }
    let all = json!({ "text": "to all", "response_type": "in_channel" });
    assert_eq!(use_it(all.clone()).await.unwrap().0.status(), 200);
    assert_eq!(use_it(all).await.unwrap().1, "used_url");
    assert_eq!(world.slack.ephemerals(&world.ana).len(), 5);
    assert_eq!(world.slack.messages(&world.general).len(), 1);
    assert_eq!(world.slack.unexpected(), Vec::<String>::new());
    assert!(world.slack.command(&world.ana, &world.general, "/other", "").await.is_err());
}

#[tokio::test]
async fn a_click_needs_the_button_to_be_there_and_can_replace_the_message() {
    let world = World::new().await;
    let mut socket = world.socket().await;
    let args = json!({ "channel": world.general, "text": "x", "blocks": buttons() });
    let ts = world.call("chat.postMessage", args).await["ts"].as_str().unwrap().to_owned();
    let click = |action: &'static str, value: &'static str| {
        let (slack, bo, general, ts) =
            (world.slack.clone(), world.bo.clone(), world.general.clone(), ts.clone());
        tokio::spawn(async move { slack.click(&bo, &general, &ts, action, value).await })
    };
    assert!(click("approve", "8").await.unwrap().is_err());
    let sent = click("approve", "7");
    let frame = socket.next().await;
    let payload = &frame["payload"];
    assert_eq!(payload["container"]["message_ts"], json!(ts));
    assert_eq!(payload["actions"][0]["value"], "7");
    assert_eq!(payload["actions"][0]["block_id"], "decide");
    assert_eq!(payload["message"]["blocks"][1]["elements"][1]["action_id"], "deny");
    socket.ack(&frame, Value::Null).await;
    assert!(sent.await.unwrap().unwrap().acked);
    let url = payload["response_url"].as_str().unwrap();
    let body = json!({ "replace_original": true, "text": "Approved" });
    assert_eq!(post(url, "", "application/json", body.to_string()).await.unwrap().1, "ok");
    assert_eq!(world.slack.messages(&world.general)[0].text, "Approved");
    assert!(click("approve", "7").await.unwrap().is_err());
}

#[tokio::test]
async fn sockets_go_silent_break_and_are_refused() {
    let world = World::new().await;
    let mut socket = world.socket().await;
    world.slack.silence();
    let reply = world.slack.shortcut(&world.ana, "ask").await;
    assert!(!reply.acked && !reply.envelope_id.is_empty());
    world.slack.refuse_connections(true);
    let url = world.call("apps.connections.open", json!({})).await["url"].as_str().unwrap().to_owned();
    assert!(Socket::open(&url).await.is_err());
    world.slack.refuse_connections(false);
    assert!(Socket::open(&url).await.is_ok());
    assert!(Socket::open(&url).await.is_err(), "a ticket is good once");
    world.slack.speak();
    world.slack.disconnect_all("warning");
    assert_eq!(socket.next().await["reason"], "warning");
    world.slack.disconnect_all("refresh_requested");
    assert_eq!(socket.next().await["reason"], "refresh_requested");
    assert!(socket.maybe().await.is_none());
}

#[tokio::test]
async fn envelopes_come_twice_again_and_out_of_order() {
    let world = World::new().await;
    let mut socket = world.socket().await;
    world.slack.deliver_twice(true);
    let (slack, ana) = (world.slack.clone(), world.ana.clone());
    let ask = move |id: &'static str| {
        let (slack, ana) = (slack.clone(), ana.clone());
        tokio::spawn(async move { slack.shortcut(&ana, id).await })
    };
    let sent = ask("one");
    let (first, second) = (socket.next().await, socket.next().await);
    assert_eq!(first["envelope_id"], second["envelope_id"]);
    socket.ack(&first, Value::Null).await;
    assert!(sent.await.unwrap().acked);
    world.slack.deliver_twice(false);

    world.slack.redeliver(1);
    let sent = ask("two");
    let first = socket.next().await;
    assert!(!sent.await.unwrap().acked);
    let again = socket.next().await;
    assert_eq!(again["envelope_id"], first["envelope_id"]);
    assert_eq!((&again["retry_attempt"], &again["retry_reason"]), (&json!(1), &json!("timeout")));
    socket.ack(&again, Value::Null).await;
    world.slack.redeliver(0);

    world.slack.out_of_order(true);
    let early = ask("early");
    tokio::time::sleep(Duration::from_millis(30)).await;
    let late = ask("late");
    let frames = [socket.next().await, socket.next().await];
    assert_eq!(frames[0]["payload"]["callback_id"], "late");
    assert_eq!(frames[1]["payload"]["callback_id"], "early");
    for frame in &frames {
        socket.ack(frame, Value::Null).await;
    }
    assert!(early.await.unwrap().acked && late.await.unwrap().acked);
    let alone = ask("alone");
    let frame = socket.next().await;
    socket.ack(&frame, Value::Null).await;
    assert!(alone.await.unwrap().acked);
    assert_eq!(world.slack.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn several_connections_take_turns() {
    let world = World::new().await;
    let (mut one, mut two) = (world.socket().await, world.socket().await);
    assert_eq!(world.slack.connections(), 2);
    world.slack.send_raw("not json at all {");
    world.slack.send_envelope(&json!({ "type": "interactive", "envelope_id": "e1" }));
    let mut heard = Vec::new();
    for socket in [&mut one, &mut two] {
        heard.push(socket.0.next().await.unwrap().unwrap().into_text().unwrap().to_string());
    }
    assert!(
        heard.iter().any(|text| text.contains("not json")) && heard.iter().any(|text| text.contains("e1"))
    );
    one.ack(&json!({ "envelope_id": "nobody's" }), Value::Null).await;
    one.ack(&json!({ "envelope_id": "e1" }), Value::Null).await;
    while world.slack.acks().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.slack.unexpected(), ["socket: unknown envelope nobody's"]);
}

#[tokio::test]
async fn calls_fail_as_told() {
    let world = World::new().await;
    let ask = || {
        let slack = world.slack.clone();
        async move { call(&slack, "auth.test", &slack.bot_token(), "application/json", "{}".into()).await }
    };
    world.slack.fault("auth.test", When::Next(1), Fault::RateLimit { retry_after: 7 });
    let (head, body) = ask().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(body["error"], "ratelimited");
    assert_eq!(ask().await.unwrap().1["ok"], true);
    world.slack.fault("*", When::Nth(2), Fault::ServerError);
    assert_eq!(ask().await.unwrap().0.status(), 200);
    assert_eq!(ask().await.unwrap().0.status(), 503);
    assert_eq!(ask().await.unwrap().0.status(), 200);
    world.slack.fault("chat.postMessage", When::Always, Fault::DropBefore);
    assert_eq!(ask().await.unwrap().0.status(), 200);
    world.slack.fault("auth.test", When::Always, Fault::Error("fatal_error".into()));
    assert_eq!(ask().await.unwrap().1["error"], "fatal_error");
    world.slack.clear_faults();
    world.slack.fault("auth.test", When::Always, Fault::Hang);
    let hanging = tokio::spawn(ask());
    while world.slack.calls().last().is_none_or(|call| call.error.as_deref() != Some("hangs")) {
        tokio::task::yield_now().await;
    }
    world.slack.clear_faults();
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn the_world_ends_before_or_after_a_call() {
    let world = World::new().await;
    let post = || {
        let args = json!({ "channel": world.general, "text": "x" }).to_string();
        let slack = world.slack.clone();
        async move { call(&slack, "chat.postMessage", &slack.bot_token(), "application/json", args).await }
    };
    let mut socket = world.socket().await;
    world.slack.cut_at(2, Cut::After);
    assert!(post().await.is_ok());
    assert!(!world.slack.cut_happened());
    assert!(post().await.is_err());
    assert!(world.slack.cut_happened());
    assert!(post().await.is_err());
    assert!(socket.maybe().await.is_none());
    assert_eq!(world.slack.messages(&world.general).len(), 2);
    world.slack.restore();
    world.slack.cut_at(1, Cut::Before);
    assert!(post().await.is_err());
    world.slack.restore();
    assert_eq!(world.slack.messages(&world.general).len(), 2);
    world.slack.set_gate(Arc::new(|_| Gate::DropAfter));
    assert!(post().await.is_err());
    assert_eq!(world.slack.messages(&world.general).len(), 3);
}

#[tokio::test]
async fn it_stops_when_nobody_holds_it() {
    let world = World::new().await;
    let mut socket = world.socket().await;
    let url = world.slack.api_url();
    drop(world);
    assert!(socket.maybe().await.is_none());
    for _ in 0..200 {
        if post(&format!("{url}/auth.test"), "", "application/json", "{}".into()).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("still serving");
}

#[tokio::test]
async fn pings_are_answered_unless_the_connection_is_deaf() {
    let world = World::new().await;
    let mut socket = world.socket().await;
    let ping = || Frame::Ping(Bytes::from_static(b"there?"));
    let pong = async |socket: &mut Socket| {
        let heard = tokio::time::timeout(Duration::from_millis(200), socket.0.next()).await;
        matches!(heard, Ok(Some(Ok(Frame::Pong(_)))))
    };
    socket.0.send(ping()).await.unwrap();
    assert!(pong(&mut socket).await);
    world.slack.silence_but_pong();
    socket.0.send(ping()).await.unwrap();
    assert!(pong(&mut socket).await);
    world.slack.silence();
    tokio::time::sleep(Duration::from_millis(20)).await;
    socket.0.send(ping()).await.unwrap();
    assert!(!pong(&mut socket).await);
}

#[tokio::test]
async fn those_who_are_gone_do_nothing() {
    let world = World::new().await;
    world.bot(|_| Value::Null).await;
    assert!(world.slack.command(&world.bo, &world.general, "/sym", "").await.unwrap().acked);
    world.slack.change_person(&world.bo, |bo| bo.deleted = true);
    assert!(world.slack.command(&world.bo, &world.general, "/sym", "").await.is_err());
    let away = world.slack.add_channel("away", &[&world.bo], false, true);
    assert!(world.slack.command(&world.ana, &away, "/sym", "").await.is_err());
}

/// Fifty people at once, as the benchmarks do it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_people_act_at_once() {
    let world = World::new().await;
    world.slack.ack_window(Duration::from_secs(3));
    world.bot(|_| Value::Null).await;
    world.bot(|_| Value::Null).await;
    let people: Vec<_> = (0..50).map(|n| world.slack.add_person(Person::new(&format!("p{n}")))).collect();
    let all: Vec<_> = people.iter().map(String::as_str).collect();
    let crowd = world.slack.add_channel("crowd", &all, false, true);
    let acting = people.iter().map(|who| {
        let (slack, who, crowd) = (world.slack.clone(), who.clone(), crowd.clone());
        tokio::spawn(async move {
            for _ in 0..10 {
                assert!(slack.command(&who, &crowd, "/sym", "list").await.unwrap().acked);
            }
        })
    });
    for one in acting.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    let ids: std::collections::HashSet<_> =
        world.slack.acks().into_iter().map(|ack| ack.envelope_id).collect();
    assert_eq!(ids.len(), 500);
    assert_eq!(world.slack.unexpected(), Vec::<String>::new());
}
