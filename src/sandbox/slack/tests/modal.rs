use super::*;

fn form() -> Value {
    modal(json!([
        input("target", "Target", json!({
            "type": "static_select", "action_id": "t", "options": [option("Prod", "p"), option("Dev", "d")],
            "initial_option": option("Dev", "d"),
        })),
        input("hours", "Hours", json!({
            "type": "number_input", "action_id": "h", "is_decimal_allowed": false, "min_value": "1", "max_value": "8",
        })),
        input("why", "Reason", json!({ "type": "plain_text_input", "action_id": "w", "max_length": 20 })),
        { "type": "input", "block_id": "who", "optional": true, "label": plain("With"),
          "element": { "type": "multi_users_select", "action_id": "u", "max_selected_items": 1 } },
    ]))
}

/// Opens the form for Ana by a shortcut.
async fn opened(world: &World) -> String {
    world.slack.set_shortcuts(&[("ask", "Ask")]);
    let (slack, ana) = (world.slack.clone(), world.ana.clone());
    let reply = tokio::spawn(async move { slack.shortcut(&ana, "ask").await });
    let mut socket = world.socket().await;
    reply.await.unwrap(); // nobody was there
    let (slack, ana) = (world.slack.clone(), world.ana.clone());
    let reply = tokio::spawn(async move { slack.shortcut(&ana, "ask").await });
    let frame = socket.next().await;
    assert_eq!((&frame["type"], &frame["payload"]["type"]), (&json!("interactive"), &json!("shortcut")));
    socket.ack(&frame, Value::Null).await;
    assert!(reply.await.unwrap().acked);
    let args = json!({ "trigger_id": frame["payload"]["trigger_id"], "view": form() });
    let answer = world.call("views.open", args).await;
    assert_eq!(answer["ok"], true, "{answer}");
    answer["view"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_client_does_not_send_what_is_incomplete() {
    let world = World::new().await;
    let view = opened(&world).await;
    let submit = |values: Value| world.slack.submit(&world.ana, &view, values);
    let refused = submit(json!({ "Hours": "9", "With": ["ana", "bo"] })).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Hours: Please enter a number that is at most 8.; Reason: Please complete this required field.; \
         With: Please select no more than 1 item."
    );
    assert!(submit(json!({ "Target": "Nowhere" })).await.unwrap_err().to_string().contains("no option"));
    assert!(submit(json!({ "Colour": "red" })).await.unwrap_err().to_string().contains("no field"));
    assert_eq!(world.slack.view(&world.ana).unwrap().errors["why"], "Please complete this required field.");
    assert_eq!(
        world.slack.shown_view(&world.slack.view(&world.ana).unwrap()),
        "── Ask ──\nTarget: [Dev] of Prod | Dev\nHours: [9]\n  ! Please enter a number that is at most 8.\n\
         Reason: []\n  ! Please complete this required field.\nWith (optional): [@ana, @bo]\n  \
         ! Please select no more than 1 item.\n[Cancel] [Send]"
    );
}

#[tokio::test]
async fn a_submission_carries_the_whole_state_and_its_answer_is_shown() {
    let world = World::new().await;
    let view = opened(&world).await;
    let mut socket = world.socket().await;
    world.slack.break_connections();
    let mut second = world.socket().await;
    assert!(socket.maybe().await.is_none());
    let submit = |values: Value| {
        let (slack, ana, view) = (world.slack.clone(), world.ana.clone(), view.clone());
        tokio::spawn(async move { slack.submit(&ana, &view, values).await.unwrap() })
    };
    let sent = submit(json!({ "Hours": 2, "reason": "INC-42", "With": ["bo"] }));
    let frame = second.next().await;
    let payload = &frame["payload"];
    assert_eq!(payload["type"], "view_submission");
    assert_eq!(payload["user"]["name"], "ana");
    assert_eq!(payload["view"]["root_view_id"], json!(view));
    let values = &payload["view"]["state"]["values"];
    assert_eq!(values["hours"]["h"], json!({ "type": "number_input", "value": "2" }));
    assert_eq!(values["target"]["t"]["selected_option"]["value"], "d");
    assert_eq!(values["who"]["u"]["selected_users"], json!([world.bo]));
    second.ack(&frame, json!({ "response_action": "errors", "errors": { "why": "Too short" } })).await;
    assert_eq!(sent.await.unwrap().errors()["why"], "Too short");
    assert_eq!(world.slack.view(&world.ana).unwrap().errors["why"], "Too short");

    // What was typed stays, and nobody answering leaves the modal open with Slack's text.
    let sent = submit(json!({ "Reason": "INC-43" }));
    let frame = second.next().await;
    assert_eq!(frame["payload"]["view"]["state"]["values"]["hours"]["h"]["value"], "2");
    assert!(!sent.await.unwrap().acked);
    assert!(world.slack.view(&world.ana).unwrap().trouble.is_some());

    let sent = submit(json!({}));
    let frame = second.next().await;
    let above = modal(json!([{ "type": "section", "text": plain("Sure?") }]));
    second.ack(&frame, json!({ "response_action": "push", "view": above })).await;
    sent.await.unwrap();
    let stack = world.slack.views(&world.ana);
    assert_eq!((stack.len(), stack[1].previous.as_deref()), (2, Some(view.as_str())));

    let (slack, ana, top) = (world.slack.clone(), world.ana.clone(), stack[1].id.clone());
    let sent = tokio::spawn(async move { slack.submit(&ana, &top, json!({})).await.unwrap() });
    let frame = second.next().await;
    second.ack(&frame, Value::Null).await;
    sent.await.unwrap();
    assert_eq!(world.slack.views(&world.ana).len(), 1);

    let sent = submit(json!({}));
    let frame = second.next().await;
    second.ack(&frame, json!({ "response_action": "clear" })).await;
    sent.await.unwrap();
    assert!(world.slack.views(&world.ana).is_empty());
    assert_eq!(world.slack.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn triggers_are_good_once_and_for_three_seconds() {
    let world = World::new().await;
    let open = |trigger: String| {
        let args = json!({ "trigger_id": trigger, "view": form() });
        let world = &world;
        async move { world.call("views.open", args).await["error"].as_str().map(str::to_owned) }
    };
    let first = world.slack.new_trigger(&world.ana);
    assert_eq!(open(first.clone()).await, None);
    assert_eq!(open(first).await.as_deref(), Some("exchanged_trigger_id"));
    let late = world.slack.new_trigger(&world.ana);
    world.pass(3001);
    assert_eq!(open(late).await.as_deref(), Some("expired_trigger_id"));
    assert_eq!(open("12.3".into()).await.as_deref(), Some("invalid_arguments"));
}

#[tokio::test]
async fn an_update_needs_the_hash_it_saw_and_keeps_what_is_typed() {
    let world = World::new().await;
    let view = opened(&world).await;
    world.slack.fill(&world.ana, &view, json!({ "Reason": "kept" })).await.unwrap();
    let hash = world.slack.view(&world.ana).unwrap().hash;
    let update = |hash: String| {
        let args = json!({ "view_id": view, "hash": hash, "view": form() });
        let world = &world;
        async move { world.call("views.update", args).await }
    };
    let answer = update(hash.clone()).await;
    assert_eq!(answer["view"]["state"]["values"]["why"]["w"]["value"], "kept");
    assert_eq!(update(hash).await["error"], "hash_conflict");
    let bad = json!({ "view_id": view, "view": { "type": "modal", "title": plain("Ask"), "blocks": [] } });
    assert_eq!(world.call("views.update", bad).await["error"], "invalid_arguments");
    world.slack.close(&world.ana, &view).await.unwrap();
    let args = json!({ "view_id": view, "view": form() });
    assert_eq!(world.call("views.update", args).await["error"], "not_found");
}

#[tokio::test]
async fn an_external_select_asks_for_options_and_a_menu_outside_inputs_is_heard_at_once() {
    let world = World::new().await;
    world
        .bot(|frame| match frame["payload"]["type"].as_str() {
            Some("block_suggestion") => {
                let query = frame["payload"]["value"].as_str().unwrap().to_owned();
                json!({ "options": [option(&format!("{query} account"), "acc-1")] })
            }
            _ => Value::Null,
        })
        .await;
    let trigger = world.slack.new_trigger(&world.ana);
    let view = modal(json!([
        input("account", "Account", json!({ "type": "external_select", "action_id": "a", "min_query_length": 0 })),
        { "type": "actions", "block_id": "kind", "elements": [
            { "type": "static_select", "action_id": "k", "options": [option("One", "1"), option("Two", "2")] },
            { "type": "button", "action_id": "more", "text": plain("More") },
        ] },
    ]));
    let answer = world.call("views.open", json!({ "trigger_id": trigger, "view": view })).await;
    let id = answer["view"]["id"].as_str().unwrap();
    let reply = world.slack.options(&world.ana, id, "a", "prod").await.unwrap();
    assert_eq!(reply.payload["options"][0]["text"]["text"], "prod account");
    let reply = world.slack.select(&world.ana, id, "k", "Two").await.unwrap();
    assert!(!reply.envelope_id.is_empty());
    assert!(
        world.slack.select(&world.ana, id, "Account", "prod account").await.unwrap().envelope_id.is_empty()
    );
    assert!(world.slack.click_in_view(&world.ana, id, "more", "").await.unwrap().acked);
    assert!(world.slack.click_in_view(&world.ana, id, "less", "").await.is_err());
    assert!(world.slack.submit(&world.ana, id, json!({})).await.unwrap().acked);
    assert!(world.slack.view(&world.ana).is_none());
    assert_eq!(world.slack.unexpected(), Vec::<String>::new());
}
