//! Deliveries twice, out of order, on several connections, while AWS hangs: one effect and one answer
//! each, at once.

use crate::world::{Asked, World, values};
use serde_json::json;
use std::time::Duration;
use sym::access::Span;
use sym::sandbox::aws::{self, Match};
use sym::sandbox::slack::{Fault, When};

/// Far inside the three seconds that Slack waits.
const PROMPT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn every_kind_of_delivery_is_answered_at_once_while_aws_hangs() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = ana.asks_for("").flow("groups").because("INC-42").send().await;
    ana.types("request aws").await;
    let form = world.slack().view(ana.user()).unwrap();
    bo.types("request").await;
    let picker = world.slack().view(bo.user()).unwrap();
    let general = world.stage.channel("general").unwrap();
    for operation in ["GetUserId", "GetGroupMembershipId", "ListAccountAssignments", "AssumeRole"] {
        world.aws().fault(Match::every(operation), aws::Fault::Hang);
    }
    let acted = async {
        let replies = [
            ("block_actions on a card", bo.clicks("sym_approve", &asked).await),
            ("slash command", world.slack().command(bo.user(), general, "/sym", "help").await.unwrap()),
            (
                "block_actions in a modal",
                world.slack().select(bo.user(), &picker.id, "flow", "groups").await.unwrap(),
            ),
            ("shortcut", world.slack().shortcut(bo.user(), "request_access").await),
            (
                "view_submission with errors",
                world
                    .slack()
                    .submit(ana.user(), &form.id, values([("Target", "Read only"), ("Reason", "x")]))
                    .await
                    .unwrap(),
            ),
            (
                "view_submission",
                world
                    .slack()
                    .submit(
                        ana.user(),
                        &form.id,
                        values([("Target", "Prod admin"), ("Reason", "x"), ("Duration", "1h")]),
                    )
                    .await
                    .unwrap(),
            ),
            ("event", world.slack().event(json!({ "type": "app_home_opened" })).await),
        ];
        for (kind, reply) in replies {
            assert!(reply.acked && reply.took < PROMPT, "{kind}: {:?}", reply.took);
        }
        let suggestion = json!({
            "envelope_id": "suggestion", "type": "interactive", "accepts_response_payload": true,
            "payload": {
                "type": "block_suggestion", "action_id": "flow", "block_id": "flow", "value": "gr",
                "user": { "id": ana.user() }, "team": { "id": world.slack().team_id() },
            },
        });
        assert!(world.slack().send_envelope(&suggestion));
        world.answers().await;
        let acks = world.slack().acks();
        let ack = acks.iter().find(|ack| ack.envelope_id == "suggestion").expect("block_suggestion");
        assert!(ack.took < PROMPT && ack.payload["options"].is_array(), "{:?} {}", ack.took, ack.payload);
        assert!(!ana.is_in_group(), "AWS does hang");
        world.aws().clear_faults();
    };
    tokio::join!(acted, world.engine().settle());
    world.settle().await;
    assert!(ana.is_in_group());
    for who in [&ana, &bo] {
        while world.slack().view(who.user()).is_some() {
            who.closes_form().await;
        }
    }
    world.pass(Span::hours(9)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_click_that_overtakes_its_form_is_answered_and_the_form_still_counts() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.slack().out_of_order(true);
    ana.types("request groups").await;
    let form = world.slack().view(ana.user()).unwrap();
    // The form and an older click of Bo's arrive swapped.
    let (sent, clicked) = tokio::join!(
        world.slack().submit(ana.user(), &form.id, values([("Reason", "INC-42")])),
        world.slack().shortcut(bo.user(), "request_access"),
    );
    assert!(sent.unwrap().acked && clicked.acked);
    world.slack().out_of_order(false);
    world.hears().await;
    assert_eq!((world.request_ids().len(), world.posts()), (1, 1));
    let asked = Asked { id: world.request_ids().remove(0) };
    bo.closes_form().await;
    bo.denies(&asked).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn two_clicks_that_are_swapped_twice_over_decide_once_and_are_answered_once_each() {
    for first in ["sym_approve", "sym_deny"] {
        let world = World::of_stories().await;
        let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
        let asked = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
        ana.next_dm();
        let second = if first == "sym_approve" { "sym_deny" } else { "sym_approve" };
        let clicks = [
            world.envelope("first", &bo, first, asked.id.as_str()),
            world.envelope("second", &cy, second, asked.id.as_str()),
        ];
        // Swapped, each on every connection, and both once more after a reconnect.
        for click in clicks.iter().rev() {
            for _ in 0..4 {
                assert!(world.slack().send_envelope(click));
            }
        }
        world.hears().await;
        world.slack().disconnect_all("refresh_requested");
        world.reconnects().await;
        for click in &clicks {
            assert!(world.slack().send_envelope(click));
        }
        world.hears().await;
        world.settle().await;
        // Which of two people was first only Slack knows; one of them decided.
        let approved = world.word(&asked) == "active";
        assert_ne!(approved, world.word(&asked) == "denied", "{}", world.word(&asked));
        assert_eq!(world.aws_writes().len(), usize::from(approved));
        let told = |who: &crate::world::Someone<'_>| world.slack().ephemerals(who.user()).len();
        assert_eq!((told(&bo) + told(&cy), world.posts()), (1, 1), "the other one is answered, once");
        let decided = if approved { "you have" } else { "denied" };
        assert!(ana.next_dm().to_lowercase().contains(decided));
        assert!(ana.has_nothing_new());
        world.pass(Span::hours(2)).await;
        world.settle().await;
        world.ignore_messages();
        world.finish().await;
    }
}

#[tokio::test]
async fn the_same_form_and_click_on_every_connection_at_once_have_one_effect() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.slack().deliver_twice(true);
    world.slack().out_of_order(false);
    ana.types("request groups").await;
    ana.submits(values([("Reason", "INC-42")])).await;
    world.hears().await;
    let asked = Asked { id: world.request_ids().remove(0) };
    let click = world.envelope("the-click", &bo, "sym_approve", asked.id.as_str());
    for _ in 0..12 {
        assert!(world.slack().send_envelope(&click));
    }
    world.hears().await;
    world.settle().await;
    assert_eq!(world.request_ids().len(), 1);
    assert_eq!(world.aws_writes(), ["CreateGroupMembership"]);
    assert_eq!(world.request(&asked).approvals.len(), 1);
    assert!(bo.has_nothing_new());
    world.pass(Span::hours(1)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn stopping_while_people_click_acknowledges_nothing_that_is_not_in_the_books() {
    let mut world = World::of_stories().await;
    let mut requests = Vec::new();
    for _ in 0..8 {
        requests.push(world.person("ana").asks_for("").flow("approval").with("What", "x").send().await);
    }
    world.slack().fault("users.info", When::Always, Fault::Hang);
    let bo = world.person("bo").user().to_owned();
    let clicks: Vec<_> = (requests.iter().enumerate())
        .map(|(number, asked)| {
            let bo = world.person("bo");
            world.envelope(&format!("click {number}"), &bo, "sym_deny", asked.id.as_str())
        })
        .collect();
    for click in &clicks {
        assert!(world.slack().send_envelope(click));
    }
    world.slack().clear_faults();
    world.stop().await;
    assert_eq!(world.slack().connections(), 0);
    let acked: Vec<String> = world.slack().acks().into_iter().map(|ack| ack.envelope_id).collect();
    world.start().await;
    world.settle().await;
    for (number, asked) in requests.iter().enumerate() {
        if acked.contains(&format!("click {number}")) {
            assert_eq!(world.word(asked), "denied", "what was acknowledged was in the books");
        }
    }
    // What was not, Slack delivers again.
    for click in &clicks {
        assert!(world.slack().send_envelope(click));
    }
    world.hears().await;
    world.settle().await;
    assert!(requests.iter().all(|asked| world.word(asked) == "denied"));
    assert_eq!(world.slack().ephemerals(&bo).len(), 0, "no click was answered as if it came late");
    world.ignore_messages();
    world.finish().await;
}
