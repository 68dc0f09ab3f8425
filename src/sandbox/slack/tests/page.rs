use super::*;
use crate::sandbox::slack::Control;

fn origin(world: &World) -> String {
    world.slack.page_url()
}

async fn do_it(world: &World, what: &str, mut body: Value) -> Value {
    body["user"] = json!(world.ana);
    let url = format!("{}page/{what}", origin(world));
    post(&url, "", "application/json", body.to_string()).await.unwrap().1
}

async fn get(world: &World, path: &str) -> (hyper::Response<()>, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let uri = format!("{}{path}", origin(world)).parse().unwrap();
    let (parts, body) = client.get(uri).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (hyper::Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_page_is_one_page_with_its_own_script_and_nothing_else() {
    let world = World::new().await;
    let (head, page) = get(&world, "").await;
    assert!(page.contains("/page.js") && page.contains("/page.css"));
    assert!(head.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    for path in ["page.js", "page.css"] {
        let (head, text) = get(&world, path).await;
        assert_eq!(head.status(), 200);
        assert!(!text.contains("innerHTML") && !text.contains("@import"), "{path}");
    }
    assert_eq!(get(&world, "elsewhere").await.0.status(), 404);
    let url = format!("{}page/send", origin(&world));
    let form = post(&url, "", "application/x-www-form-urlencoded", "user=U1".into()).await.unwrap();
    assert_eq!(form.0.status(), 415);
}

#[tokio::test]
async fn a_person_acts_through_the_page() {
    let world = World::new().await;
    world
        .bot(|frame| match frame["payload"]["type"].as_str() {
            Some("view_submission") => {
                json!({ "response_action": "errors", "errors": { "why": "No" } })
            }
            _ => Value::Null,
        })
        .await;
    let said = do_it(&world, "send", json!({ "channel": world.general, "text": "hello <b>" })).await;
    assert_eq!(said["ok"], true);
    assert_eq!(world.slack.messages(&world.general)[0].text, "hello &lt;b&gt;");
    let sent = do_it(&world, "send", json!({ "channel": world.general, "text": "/sym help me" })).await;
    assert_eq!(sent["acked"], true, "{sent}");
    let unknown = do_it(&world, "send", json!({ "channel": world.general, "text": "/nothing" })).await;
    assert_eq!(unknown["error"], "/nothing is not a valid command.");
    let trigger = world.slack.new_trigger(&world.ana);
    let view = modal(json!([input("why", "Why", json!({ "type": "plain_text_input", "action_id": "w" }))]));
    let opened = world.call("views.open", json!({ "trigger_id": trigger, "view": view })).await;
    let id = opened["view"]["id"].clone();
    let empty = do_it(&world, "submit", json!({ "view": id, "values": {} })).await;
    assert_eq!(empty["why"][0], json!(["Why", "Please complete this required field."]));
    let sent = do_it(&world, "submit", json!({ "view": id, "values": { "why/w": "because" } })).await;
    assert_eq!(sent["acked"], true);
    let (_, state) = get(&world, &format!("page/state?user={}", world.ana)).await;
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["views"][0]["errors"]["why"], "No");
    assert_eq!(state["views"][0]["values"]["why"]["w"]["value"], "because");
    assert_eq!(state["conversations"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_embedder_has_a_panel_a_notice_and_buttons() {
    let world = World::new().await;
    world.slack.set_notice("Try *this*");
    world.slack.set_side_panel(Arc::new(|| json!({ "title": "AWS right now", "sections": [] })));
    let control = Control { id: "skip".to_owned(), label: "Skip".to_owned() };
    world.slack.set_controls(
        vec![control],
        Arc::new(|id| {
            let said = format!("did {id}");
            Box::pin(async move { said })
        }),
    );
    let (head, side) = get(&world, "page/side").await;
    assert!(side.contains("AWS right now"));
    assert_eq!(head.headers()["x-sandbox-now"].to_str().unwrap(), "1700000000000");
    assert_eq!(do_it(&world, "control", json!({ "id": "skip" })).await["said"], "did skip");
    let (_, state) = get(&world, &format!("page/state?user={}", world.ana)).await;
    assert!(state.contains("Try *this*") && state.contains("\"Skip\""));
}

#[tokio::test]
async fn the_page_is_told_when_something_changes() {
    let world = World::new().await;
    let (_, state) = get(&world, &format!("page/state?user={}", world.ana)).await;
    let version = serde_json::from_str::<Value>(&state).unwrap()["version"].clone();
    let path = format!("page/state?user={}&since={version}", world.ana);
    let waiting = get(&world, &path);
    let acting = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        world.slack.say(&world.bo, &world.general, "news");
    };
    let ((_, state), ()) = tokio::join!(waiting, acting);
    assert!(state.contains("news"));
    let seen = world.slack.until(Duration::from_secs(5), |slack| slack.last_message(&world.general)).await;
    assert_eq!(seen.unwrap().text, "news");
    assert!(world.slack.until(Duration::from_millis(5), |slack| slack.last_dm(&world.ana)).await.is_none());
}

#[tokio::test]
async fn what_is_put_into_a_message_goes_along_with_the_next_press_of_the_same_person() {
    let world = World::new().await;
    let blocks = |options: Value| {
        json!([
            input("note", "Note", json!({ "type": "plain_text_input", "action_id": "note", "max_length": 9 })),
            { "type": "section", "block_id": "less", "text": plain("At most"), "accessory":
                { "type": "static_select", "action_id": "less", "options": options } },
            buttons()[1],
        ])
    };
    let options = json!([option("1 hour", "1h"), option("4 hours", "4h")]);
    let place = world
        .call("chat.postMessage", json!({ "channel": world.general, "text": "x", "blocks": blocks(options) }))
        .await;
    let ts = place["ts"].as_str().unwrap().to_owned();
    let mut socket = world.socket().await;
    let (slack, ana, bo, general) = (&world.slack, &world.ana, &world.bo, &world.general);
    let hear = async |socket: &mut Socket| {
        let frame = socket.next().await;
        socket.ack(&frame, Value::Null).await;
        frame["payload"]["state"]["values"].clone()
    };

    let (chosen, told) =
        tokio::join!(slack.choose_in_message(ana, general, &ts, "less", "1 hour"), hear(&mut socket));
    assert!(chosen.unwrap().acked);
    assert_eq!(told["less"]["less"]["selected_option"]["value"], "1h");
    let typed =
        do_it(&world, "type", json!({ "channel": general, "ts": ts, "action": "note", "value": "be quick" }))
            .await;
    assert_eq!(typed["ok"], true, "{typed}");
    let (_, state) = get(&world, &format!("page/state?user={ana}")).await;
    let state: Value = serde_json::from_str(&state).unwrap();
    let shown = &state["conversations"].as_array().unwrap()[0]["messages"][0]["values"];
    assert_eq!(shown["note"]["note"]["value"], "be quick");

    // What stays in the message when it is edited stays chosen; others have their own.
    let again = json!([option("30 minutes", "30m"), option("1 hour", "1h")]);
    let args = json!({ "channel": general, "ts": ts, "text": "y", "blocks": blocks(again) });
    assert_eq!(world.call("chat.update", args).await["ok"], true);
    let (pressed, told) = tokio::join!(slack.click(ana, general, &ts, "approve", "7"), hear(&mut socket));
    assert!(pressed.unwrap().acked);
    assert_eq!(told["less"]["less"]["selected_option"]["value"], "1h");
    assert_eq!(told["note"]["note"]["value"], "be quick");
    let (pressed, told) = tokio::join!(slack.click(bo, general, &ts, "approve", "7"), hear(&mut socket));
    assert!(pressed.unwrap().acked);
    assert_eq!(told["less"]["less"]["selected_option"], Value::Null);
    assert_eq!(told["note"]["note"]["value"], Value::Null);

    for (action, text) in [("note", "far too long"), ("less", "1h"), ("other", "x")] {
        assert!(slack.type_in_message(ana, general, &ts, action, text).is_err(), "{action}");
    }
    assert!(slack.choose_in_message(ana, general, &ts, "less", "8 hours").await.is_err());
    slack.type_in_message(ana, general, &ts, "note", "").unwrap();
    let (_, told) = tokio::join!(slack.click(ana, general, &ts, "deny", "7"), hear(&mut socket));
    assert_eq!(told["note"]["note"]["value"], Value::Null);
    assert_eq!(slack.unexpected(), Vec::<String>::new());
}
