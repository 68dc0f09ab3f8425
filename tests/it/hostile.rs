//! What Slack never sends, or sends twice: one effect, and the connection lives.

use crate::world::{World, values};
use insta::assert_snapshot;
use serde_json::json;
use sym::access::{Span, Status};
use sym::sandbox::slack::{Fault, When};

#[tokio::test]
async fn everything_delivered_twice_happens_once() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.slack().deliver_twice(true);
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    assert_eq!(world.slack().call_count("views.open"), 1);
    assert_eq!(world.request_ids().len(), 1);
    bo.approves(&request).await;
    world.hears().await;
    world.settle().await;
    world.slack().deliver_twice(false);
    assert_eq!(world.aws_writes(), ["CreateAccountAssignment"]);
    assert_eq!(world.request(&request).approvals.len(), 1);
    assert_eq!(world.posts(), 1);
    assert!(bo.has_nothing_new(), "a delivery that came twice was answered twice");
    ana.next_dm();
    ana.next_dm();
    assert!(ana.has_nothing_new());
    world.pass(Span::hours(1)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_click_survives_a_reconnect_while_it_is_looked_into() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    world.slack().fault("users.info", When::Always, Fault::Hang);
    let envelope = world.envelope("the-click", &bo, "sym_approve", request.id.as_str());
    assert!(world.slack().send_envelope(&envelope));
    world.answers().await;
    assert!(world.request(&request).approvals.is_empty());
    world.slack().disconnect_all("refresh_requested");
    world.slack().clear_faults();
    world.settle().await;
    world.reconnects().await;
    assert!(ana.is_in_group());
    // Slack may deliver it once more on a new connection.
    assert!(world.slack().send_envelope(&envelope));
    world.hears().await;
    world.settle().await;
    assert_eq!(world.aws_writes(), ["CreateGroupMembership"]);
    assert!(bo.has_nothing_new());
    world.pass(Span::hours(8)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn what_is_delivered_again_after_a_restart_has_one_effect() {
    let mut world = World::of_stories().await;
    let user = world.person("ana").user().to_owned();
    let view = json!({
        "envelope_id": "the-form", "type": "interactive", "accepts_response_payload": true,
        "payload": {
            "type": "view_submission",
            "team": { "id": world.slack().team_id() },
            "user": { "id": user, "team_id": world.slack().team_id() },
            "view": {
                "id": "V0THEFORM", "callback_id": "sym_request",
                "private_metadata": json!({ "flow": "groups" }).to_string(),
                "state": { "values": {
                    "field:reason": { "field:reason": { "type": "plain_text_input", "value": "INC-42" } },
                    "duration": { "duration": { "type": "static_select", "selected_option": { "value": "1h" } } },
                } },
            },
        },
    });
    assert!(world.slack().send_envelope(&view));
    world.hears().await;
    world.restart().await;
    assert!(world.slack().send_envelope(&view));
    world.hears().await;
    let ids = world.request_ids();
    assert_eq!(ids.len(), 1, "a form delivered again after a restart is the same request");
    assert_eq!(world.posts(), 1);

    let click = world.envelope("the-click", &world.person("bo"), "sym_approve", ids[0].as_str());
    assert!(world.slack().send_envelope(&click));
    world.hears().await;
    world.settle().await;
    world.restart().await;
    assert!(world.slack().send_envelope(&click));
    world.hears().await;
    world.settle().await;
    assert_eq!(world.aws_writes(), ["CreateGroupMembership"]);
    assert!(world.person("bo").has_nothing_new(), "the repeated click was answered");
    world.pass(Span::hours(1)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_click_that_was_taken_before_a_stop_is_decided_after_it() {
    let mut world = World::of_stories().await;
    let request = world.person("ana").asks_for("").flow("groups").because("INC-42").send().await;
    let click = world.envelope("the-click", &world.person("bo"), "sym_approve", request.id.as_str());
    world.slack().fault("users.info", When::Always, Fault::Hang);
    assert!(world.slack().send_envelope(&click));
    world.answers().await;
    world.slack().clear_faults();
    world.restart().await;
    world.settle().await;
    assert!(world.person("ana").is_in_group());
    assert_eq!(world.aws_writes(), ["CreateGroupMembership"]);
    world.pass(Span::hours(8)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn nothing_that_is_sent_stops_the_connection() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!("{{\"envelope_id\":\"large\",\"x\":\"{}\"}}", "y".repeat(2_000_000));
    for text in [
        "",
        "null",
        "[]",
        "{",
        "\"text\"",
        "{\"type\":\"hello\"}",
        "\u{0}\u{1}",
        deep.as_str(),
        large.as_str(),
    ] {
        assert!(world.slack().send_raw(text));
    }
    let garbage = [
        json!({ "envelope_id": "g1" }),
        json!({ "envelope_id": "g2", "type": "interactive", "payload": null }),
        json!({ "envelope_id": "g3", "type": "interactive", "payload": { "type": "block_actions", "user": 7 } }),
        json!({ "envelope_id": "g4", "type": "interactive", "payload": { "type": "view_submission", "view": [] } }),
        json!({ "envelope_id": "g5", "type": "slash_commands", "payload": { "text": {} } }),
        json!({ "envelope_id": "g6", "type": "something_new", "payload": { "a": [1, 2, 3] } }),
        world.envelope("g7", &bo, "sym_approve", "no-such-request"),
        world.envelope("g8", &bo, "sym_launch", request.id.as_str()),
        world.envelope("g9", &bo, "sym_approve", "../../etc/passwd\u{0}"),
        world.envelope("g10", &bo, "sym_revoke", request.id.as_str()),
    ];
    for envelope in &garbage {
        assert!(world.slack().send_envelope(envelope));
    }
    let all = |slack: &sym::sandbox::slack::Slack| {
        let acks = slack.acks();
        let is_acked = |envelope: &serde_json::Value| {
            acks.iter().any(|ack| Some(ack.envelope_id.as_str()) == envelope["envelope_id"].as_str())
        };
        garbage.iter().all(is_acked).then_some(())
    };
    world.slack().until(std::time::Duration::from_secs(10), all).await.expect("all are acknowledged");
    world.engine().settle().await;
    assert_eq!(world.slack().connections(), 4);
    let mut said = [bo.next_whisper(), bo.next_whisper(), bo.next_whisper()];
    said.sort();
    assert_snapshot!(said.join("\n"), @r"
    Nothing was done: the request for *Prod support* is over.
    The bot does not know this request any more, so nothing was done. Ask again with `/sym request`.
    The bot does not know this request any more, so nothing was done. Ask again with `/sym request`.
    ");
    assert!(matches!(world.status(&request), Status::Pending { .. }));

    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.is_in_group(), "after all that, the bot works");
    world.pass(Span::hours(8)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_request_is_decided_by_its_id_wherever_the_button_is() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    // Ana copies her button's value into a click that claims to be bo's team but is hers.
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    let mut forged = world.envelope("forged", &ana, "sym_approve", request.id.as_str());
    forged["payload"]["user"]["team_id"] = json!("T0PARTNER1");
    forged["payload"]["user"]["name"] = json!("bo");
    assert!(world.slack().send_envelope(&forged));
    world.hears().await;
    assert!(ana.next_whisper().starts_with("This is your own request"));
    bo.denies(&request).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn the_same_form_sent_twice_by_hand_is_one_request() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    ana.types("request groups").await;
    let given = || values([("Reason", "INC-42")]);
    let view = world.slack().view(ana.user()).unwrap();
    let (first, second) = tokio::join!(
        world.slack().submit(ana.user(), &view.id, given()),
        world.slack().submit(ana.user(), &view.id, given()),
    );
    assert!(first.unwrap().acked && second.unwrap().acked);
    world.engine().settle().await;
    assert_eq!(world.request_ids().len(), 1);
    assert_eq!(world.posts(), 1);
    let request = crate::world::Asked { id: world.request_ids().remove(0) };
    bo.denies(&request).await;
    world.ignore_messages();
    world.finish().await;
}
