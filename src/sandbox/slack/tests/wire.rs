//! What we send must be what others take Slack's shape to be: a client library reads it.
use slack_morphism::prelude::{
    SlackApiChatPostMessageResponse, SlackApiConversationsMembersResponse, SlackApiUsersInfoResponse,
    SlackApiUsersListResponse, SlackApiViewsOpenResponse, SlackCommandEvent, SlackInteractionEvent,
};

use super::*;

/// Reads the payload of an envelope.
fn read<T: serde::de::DeserializeOwned>(frame: &Value) -> T {
    serde_json::from_value(frame["payload"].clone()).unwrap_or_else(|error| panic!("{error}: {frame:#}"))
}

#[tokio::test]
async fn a_client_library_reads_all_we_send() {
    let world = World::new().await;
    let mut socket = world.socket().await;
    let sent = world
        .call("chat.postMessage", json!({ "channel": world.general, "text": "x", "blocks": buttons() }))
        .await;
    serde_json::from_value::<SlackApiChatPostMessageResponse>(sent.clone()).unwrap();
    let ts = sent["ts"].as_str().unwrap().to_owned();
    let trigger = world.slack.new_trigger(&world.ana);
    let view = modal(json!([
        input("e", "E", json!({ "type": "external_select", "action_id": "e", "min_query_length": 0 })),
        input("u", "U", json!({ "type": "multi_users_select", "action_id": "u" })),
        input("s", "S", json!({ "type": "static_select", "action_id": "s", "options": [option("A", "a")] })),
        { "type": "actions", "block_id": "k", "elements": [
            { "type": "static_select", "action_id": "k", "options": [option("B", "b")] } ] },
    ]));
    let opened = world.call("views.open", json!({ "trigger_id": trigger, "view": view })).await;
    serde_json::from_value::<SlackApiViewsOpenResponse>(opened.clone()).unwrap();
    let id = opened["view"]["id"].as_str().unwrap().to_owned();

    let (slack, ana, general) = (world.slack.clone(), world.ana.clone(), world.general.clone());
    let acting = tokio::spawn(async move {
        slack.command(&ana, &general, "/sym", "a & b").await.unwrap();
        slack.shortcut(&ana, "ask").await;
        slack.click(&ana, &general, &ts, "approve", "7").await.unwrap();
        slack.select(&ana, &id, "k", "B").await.unwrap();
        let filled = json!({ "E": "any", "U": ["bo"], "S": "A" });
        slack.submit(&ana, &id, filled).await.unwrap();
    });
    let mut kinds = Vec::new();
    for _ in 0..6 {
        let frame = socket.next().await;
        kinds.push(frame["payload"]["type"].as_str().unwrap_or("command").to_owned());
        let mut answer = Value::Null;
        if frame["type"] == "slash_commands" {
            assert_eq!(read::<SlackCommandEvent>(&frame).text.as_deref(), Some("a &amp; b"));
        } else {
            match read::<SlackInteractionEvent>(&frame) {
                SlackInteractionEvent::BlockSuggestion(_) => {
                    answer = json!({ "options": [option("any", "1")] });
                }
                SlackInteractionEvent::ViewSubmission(one) => {
                    assert_eq!(one.view.state_params.state.unwrap().values.len(), 4);
                }
                _ => {}
            }
        }
        socket.ack(&frame, answer).await;
    }
    acting.await.unwrap();
    assert_eq!(
        kinds,
        ["command", "shortcut", "block_actions", "block_actions", "block_suggestion", "view_submission"]
    );
    let user = world.ask("users.info", &format!("user={}", world.ana)).await;
    serde_json::from_value::<SlackApiUsersInfoResponse>(user).unwrap();
    serde_json::from_value::<SlackApiUsersListResponse>(world.ask("users.list", "").await).unwrap();
    let members = world.ask("conversations.members", &format!("channel={}", world.general)).await;
    serde_json::from_value::<SlackApiConversationsMembersResponse>(members).unwrap();
    assert_eq!(world.slack.unexpected(), Vec::<String>::new());
}
