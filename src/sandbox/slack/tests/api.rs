use super::*;

fn error(answer: &Value) -> &str {
    answer["error"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn tokens_are_checked() {
    let world = World::new().await;
    let ask = |token: &'static str| {
        let slack = world.slack.clone();
        async move { call(&slack, "auth.test", token, "application/json", "{}".into()).await.unwrap().1 }
    };
    assert_eq!(error(&ask("nobody").await), "invalid_auth");
    assert_eq!(error(&ask("").await), "not_authed");
    assert_eq!(error(&ask(super::super::ids::APP_TOKEN).await), "none");
    let app = world.slack.app_token();
    let answer = call(&world.slack, "views.open", &app, "application/json", "{}".into()).await;
    assert_eq!(error(&answer.unwrap().1), "not_allowed_token_type");
    let form = format!("token={}", world.slack.bot_token());
    let kind = "application/x-www-form-urlencoded";
    let slack_url = format!("{}/auth.test", world.slack.api_url());
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request =
        hyper::Request::post(slack_url).header("content-type", kind).body(Full::new(Bytes::from(form)));
    let answer = client.request(request.unwrap()).await.unwrap();
    assert_eq!(answer.headers()["x-oauth-scopes"].to_str().unwrap().split(',').next(), Some("commands"));
    assert!(world.slack.calls().iter().all(|call| !call.args.to_string().contains("xoxb")));
}

#[tokio::test]
async fn scopes_are_checked() {
    let world = World::new().await;
    world.slack.set_scopes(&["commands", "users:read"]);
    let answer = world.call("chat.postMessage", json!({ "channel": world.general, "text": "x" })).await;
    assert_eq!(error(&answer), "missing_scope");
    assert_eq!(
        (answer["needed"].as_str(), answer["provided"].as_str()),
        (Some("chat:write"), Some("commands,users:read"))
    );
    let ana = world.ask("users.info", &format!("user={}", world.ana)).await;
    assert_eq!(ana["user"]["profile"].get("email"), None);
    assert_eq!(ana["user"]["tz_offset"], 3600);
}

#[tokio::test]
async fn unknown_arguments_are_refused_and_noted() {
    let world = World::new().await;
    let answer = world.call("chat.postMessage", json!({ "channel": world.general, "txt": "x" })).await;
    assert_eq!(error(&answer), "invalid_arguments");
    assert_eq!(world.slack.unexpected().len(), 1);
    assert_eq!(error(&world.call("chat.explode", json!({})).await), "unknown_method");
    assert_eq!(error(&world.call("users.info", json!({ "user": world.ana })).await), "invalid_arguments");
}

#[tokio::test]
async fn membership_decides_where_the_bot_may_write() {
    let world = World::new().await;
    let try_in = |channel: String| {
        let args = json!({ "channel": channel, "text": "x" });
        let world = &world;
        async move { error(&world.call("chat.postMessage", args).await).to_owned() }
    };
    let public = world.slack.add_channel("elsewhere", &[&world.ana], false, false);
    let hidden = world.slack.add_channel("hidden", &[&world.ana], true, false);
    assert_eq!(try_in(public.clone()).await, "not_in_channel");
    assert_eq!(try_in(hidden).await, "channel_not_found");
    assert_eq!(try_in("C404".into()).await, "channel_not_found");
    assert_eq!(world.call("conversations.join", json!({ "channel": public })).await["ok"], true);
    assert_eq!(try_in(public.clone()).await, "none");
    world.slack.archive(&public);
    assert_eq!(try_in(public).await, "is_archived");
    assert_eq!(try_in(world.ana.clone()).await, "none");
    assert_eq!(world.slack.dms(&world.ana).len(), 1);
}

#[tokio::test]
async fn messages_are_posted_updated_and_deleted() {
    let world = World::new().await;
    let first = world.post_text(&world.general, "one").await;
    let second = world.post_text(&world.general, "two").await;
    assert_eq!((first.as_str(), second.as_str()), ("1700000000.000000", "1700000000.000100"));
    let args = json!({ "channel": world.general, "ts": first, "text": "changed", "blocks": buttons() });
    let answer = world.call("chat.update", args).await;
    assert_eq!(answer["message"]["blocks"][1]["block_id"], "decide");
    assert!(answer["message"]["blocks"][0]["block_id"].is_string());
    let text_only = json!({ "channel": world.general, "ts": first, "text": "again" });
    assert_eq!(world.call("chat.update", text_only).await["message"]["blocks"].as_array().unwrap().len(), 2);
    let said = world.slack.say(&world.bo, &world.general, "hi <there>");
    let args = json!({ "channel": world.general, "ts": said, "text": "x" });
    assert_eq!(error(&world.call("chat.update", args).await), "cant_update_message");
    let link =
        world.ask("chat.getPermalink", &format!("channel={}&message_ts={second}", world.general)).await;
    assert!(link["permalink"].as_str().unwrap().ends_with("/p1700000000000100"), "{link}");
    assert_eq!(
        world.call("chat.delete", json!({ "channel": world.general, "ts": second })).await["ok"],
        true
    );
    let react = json!({ "channel": world.general, "timestamp": first, "name": "eyes" });
    assert_eq!(world.call("reactions.add", react.clone()).await["ok"], true);
    assert_eq!(error(&world.call("reactions.add", react).await), "already_reacted");
    assert_eq!(world.slack.messages(&world.general).len(), 2);
    assert_eq!(world.slack.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn ephemerals_are_seen_by_one_person_in_the_channel() {
    let world = World::new().await;
    let args = |user: &str| json!({ "channel": world.general, "user": user, "text": "psst" });
    assert_eq!(world.call("chat.postEphemeral", args(&world.ana)).await["ok"], true);
    let cy = world.slack.add_person(Person::new("cy"));
    assert_eq!(error(&world.call("chat.postEphemeral", args(&cy)).await), "user_not_in_channel");
    assert_eq!(world.slack.ephemerals(&world.ana).len(), 1);
    assert!(world.slack.messages(&world.general).is_empty());
}

#[tokio::test]
async fn lists_come_in_pages() {
    let world = World::new().await;
    world.slack.set_page_size(2);
    let (mut cursor, mut seen) = (String::new(), 0);
    for _ in 0..9 {
        let page = world.ask("users.list", &format!("limit=100&cursor={}", cursor.replace('=', "%3D"))).await;
        seen += page["members"].as_array().unwrap().len();
        page["response_metadata"]["next_cursor"].as_str().unwrap().clone_into(&mut cursor);
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, 4); // Ana, Bo, the bot and Slackbot
    assert_eq!(error(&world.ask("users.list", "cursor=rubbish").await), "invalid_cursor");
    let group = world.slack.add_usergroup("on-call", &[&world.bo], false);
    let users = world.ask("usergroups.users.list", &format!("usergroup={group}")).await;
    assert_eq!(users["users"], json!([world.bo]));
    world.slack.change_usergroup(&group, |group| group.disabled = true);
    let users = world.ask("usergroups.users.list", &format!("usergroup={group}")).await;
    assert_eq!(error(&users), "no_such_subteam");
    let found = world.ask("users.lookupByEmail", "email=BO%40example.com").await;
    assert_eq!(found["user"]["id"], json!(world.bo));
    let members = world.ask("conversations.members", &format!("channel={}", world.general)).await;
    assert_eq!(members["members"].as_array().unwrap().len(), 2);
    assert!(!members["response_metadata"]["next_cursor"].as_str().unwrap().is_empty());
    let mine = world.ask("users.conversations", "types=public_channel,private_channel").await;
    assert_eq!(mine["channels"][0]["name"], "general");
}

#[tokio::test]
async fn guests_and_strangers_are_marked() {
    let world = World::new().await;
    let stranger = Person { team_id: Some("T0ELSEWHERE".into()), ..Person::new("eve") };
    let eve = world.slack.add_person(stranger);
    world.slack.change_person(&world.bo, |bo| bo.is_ultra_restricted = true);
    let eve = world.ask("users.info", &format!("user={eve}")).await;
    assert_eq!(eve["user"]["is_stranger"], true);
    assert_eq!(eve["user"]["profile"].get("email"), None);
    let bo = world.ask("users.info", &format!("user={}", world.bo)).await;
    assert_eq!(
        (&bo["user"]["is_restricted"], &bo["user"]["is_ultra_restricted"]),
        (&json!(true), &json!(true))
    );
    world.slack.change_person(&world.bo, |bo| bo.deleted = true);
    let args = json!({ "users": world.bo });
    assert_eq!(error(&world.call("conversations.open", args).await), "user_disabled");
}

#[tokio::test]
async fn invalid_blocks_are_named() {
    let world = World::new().await;
    let args = json!({ "channel": world.general, "text": "x", "blocks": [{ "type": "button" }] });
    let answer = world.call("chat.postMessage", args).await;
    assert_eq!(error(&answer), "invalid_blocks");
    assert_eq!(
        answer["response_metadata"]["messages"][0],
        "[ERROR] unsupported type: button [json-pointer:/blocks/0/type]"
    );
    assert_eq!(error(&world.call("chat.postMessage", json!({ "channel": world.general })).await), "no_text");
    let long = json!({ "channel": world.general, "text": "x".repeat(40_001) });
    assert_eq!(error(&world.call("chat.postMessage", long).await), "msg_too_long");
    let longish = json!({ "channel": world.general, "text": "x".repeat(4001) });
    assert_eq!(error(&world.call("chat.postMessage", longish).await), "none");
    assert_eq!(world.slack.warnings().len(), 1);
}
