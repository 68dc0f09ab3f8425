//! Connections to Slack that die, go deaf, or are replaced, as the health page sees them.

use crate::world::World;
use std::time::Duration;

/// Waits, on a clock that jumps, until the bot is ready or is not.
async fn until_ready(world: &World, wanted: bool) -> Vec<String> {
    for _ in 0..600 {
        let missing = world.readiness().missing();
        if missing.is_empty() == wanted {
            return missing;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("still {:?}", world.readiness().missing());
}

#[tokio::test]
async fn deaf_connections_turn_readiness_red_with_a_reason_and_green_when_they_are_replaced() {
    for still_answers in [false, true] {
        let world = World::of_stories().await;
        let (ana, bo) = (world.person("ana"), world.person("bo"));
        let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
        // Nothing but the sockets waits for time from here: the clock of the machine jumps.
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(35)).await;
        assert!(world.readiness().missing().is_empty());
        world.slack().refuse_connections(true);
        let silent_since = tokio::time::Instant::now();
        if still_answers {
            world.slack().silence_but_pong();
        } else {
            world.slack().silence();
        }
        let missing = until_ready(&world, false).await;
        assert!(silent_since.elapsed() <= Duration::from_mins(1), "{:?}", silent_since.elapsed());
        assert_eq!(missing.len(), 1);
        assert!(missing[0].starts_with("the connection to Slack is down: "), "{missing:?}");
        world.slack().refuse_connections(false);
        until_ready(&world, true).await;
        tokio::time::resume();
        // Slack may still try the dead ones.
        world.slack().forget_connections();
        world.reconnects().await;
        bo.denies(&request).await;
        world.ignore_messages();
        world.finish().await;
    }
}

#[tokio::test]
async fn nothing_is_lost_while_slack_replaces_its_connections() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    for round in 0..3 {
        let asked = ana.asks_for("").flow("groups").because("INC-42").send().await;
        world.slack().disconnect_all("warning");
        bo.denies(&asked).await;
        assert_eq!(world.word(&asked), "denied", "round {round}");
        let four = |slack: &sym::sandbox::slack::Slack| (slack.connections() >= 8).then_some(());
        world.slack().until(Duration::from_secs(20), four).await.expect("new ones beside the old ones");
        world.slack().forget_connections();
        assert!(world.readiness().missing().is_empty(), "never without a connection");
    }
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn connections_that_are_cut_in_the_middle_of_everything_lose_nothing() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    for reason in ["", "refresh_requested", "link_disabled"] {
        let asked = ana.asks_for("").flow("groups").because("INC-42").send().await;
        let click = world.envelope(&format!("click {reason}"), &bo, "sym_deny", asked.id.as_str());
        assert!(world.slack().send_envelope(&click));
        if reason.is_empty() {
            world.slack().break_connections();
        } else {
            world.slack().disconnect_all(reason);
        }
        world.reconnects().await;
        // Slack has heard nothing, and delivers again.
        assert!(world.slack().send_envelope(&click));
        world.hears().await;
        assert_eq!(world.word(&asked), "denied", "{reason}");
        assert!(bo.has_nothing_new(), "{reason}");
    }
    world.ignore_messages();
    world.finish().await;
}
