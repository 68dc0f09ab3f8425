//! Slack seen from closer: deliveries, posts, and people who join.

use super::{Asked, Someone, World, catalog};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use sym::demo::Player;
use sym::manifest::Catalog;
use sym::sandbox::slack::{Message, Person, Reply};

/// The flows of the stories, to be changed before a world is built around them.
pub(crate) fn stories() -> Catalog {
    catalog::load(Path::new("fixtures/manifests/stories"))
}

/// The flows of the stories without all but these.
pub(crate) fn only(flows: &[&str]) -> Catalog {
    let mut catalog = stories();
    catalog.flows.retain(|entry| flows.contains(&entry.flow.name.as_str()));
    catalog
}

impl World {
    /// A world around the flows of the stories.
    pub(crate) async fn of_stories() -> Self {
        Self::around(stories()).await
    }

    /// Somebody who is new in the workspace and unknown in AWS.
    pub(crate) fn newcomer(&self, person: Person) -> Someone<'_> {
        let (handle, email) = (person.handle.clone(), person.email.clone().unwrap_or_default());
        let user = self.slack().add_person(person);
        self.slack().add_member(self.stage.channel("general").unwrap(), &user);
        Someone::new(self, Player { handle, user, sso_user: String::new(), iam_user: email })
    }

    /// The id of the channel in which requests are decided.
    pub(crate) fn channel(&self) -> &str {
        self.stage.channel("access-requests").unwrap()
    }

    /// How often something was posted there. Edits are not posts.
    pub(crate) fn posts(&self) -> usize {
        let is_post = |call: &&sym::sandbox::slack::Call| {
            call.method == "chat.postMessage" && call.ok && call.args["channel"] == self.channel()
        };
        self.slack().calls().iter().filter(is_post).count()
    }

    /// What AWS was asked to change, by operation.
    pub(crate) fn aws_writes(&self) -> Vec<String> {
        self.aws().writes().into_iter().map(|call| call.operation).collect()
    }

    /// Returns when every delivery that was sent so far has been answered.
    pub(crate) async fn answers(&self) {
        for _ in 0..self.slack().connections() {
            let reply = self.slack().event(json!({ "type": "app_home_opened" })).await;
            assert!(reply.acked, "an event was not acknowledged");
        }
        let all = |slack: &sym::sandbox::slack::Slack| (slack.unanswered() == 0).then_some(());
        self.slack().until(Duration::from_secs(10), all).await.expect("every delivery is answered");
    }

    /// Returns when every delivery that was sent so far has been answered, and what follows is done.
    pub(crate) async fn hears(&self) {
        self.answers().await;
        self.engine().settle().await;
    }

    /// Returns when all connections are open again.
    pub(crate) async fn reconnects(&self) {
        let ready = |slack: &sym::sandbox::slack::Slack| (slack.connections() == 4).then_some(());
        self.slack().until(Duration::from_secs(20), ready).await.expect("four connections");
    }

    /// A click as Slack would deliver it, whatever the card shows.
    pub(crate) fn envelope(&self, id: &str, who: &Someone<'_>, action: &str, request: &str) -> Value {
        let team = self.slack().person(who.user()).and_then(|person| person.team_id);
        let place = self.slack().messages(self.channel()).last().map(|message| message.ts.clone());
        json!({
            "envelope_id": id, "type": "interactive", "accepts_response_payload": false,
            "payload": {
                "type": "block_actions",
                "team": { "id": self.slack().team_id(), "domain": "sandbox" },
                "user": { "id": who.user(), "team_id": team.unwrap_or_else(|| self.slack().team_id()) },
                "container": { "type": "message", "channel_id": self.channel(), "message_ts": place },
                "trigger_id": "1.2.x",
                "actions": [{ "type": "button", "action_id": action, "block_id": "b", "value": request }],
            },
        })
    }

    /// Every text in every message and modal that was sent: what Slack would have made of it.
    pub(crate) fn sent(&self) -> Vec<Value> {
        let calls = self.slack().calls().into_iter();
        let shows = |method: &str| method.starts_with("chat.") || method.starts_with("views.");
        calls.filter(|call| shows(&call.method)).map(|call| call.args).collect()
    }
}

impl Someone<'_> {
    /// Presses a button on the card without waiting for what comes of it.
    pub(crate) async fn clicks(&self, action: &str, asked: &Asked) -> Reply {
        let card = self.world.card_message(asked);
        let pressed =
            self.world.slack().click(self.user(), &card.channel, &card.ts, action, asked.id.as_str()).await;
        let reply = pressed.unwrap_or_else(|refused| panic!("{refused}"));
        assert!(reply.acked, "the click was not acknowledged");
        reply
    }

    /// Presses a button in their newest direct message that has it.
    pub(crate) async fn presses_in_dm(&self, action: &str) -> Reply {
        let dms = self.world.slack().dms(self.user());
        let has = |message: &&Message| message.blocks.to_string().contains(&format!("\"{action}\""));
        let message = dms.iter().rev().find(has).expect("a message with the button");
        let pressed = self.world.slack().click(self.user(), &message.channel, &message.ts, action, "").await;
        let reply = pressed.unwrap_or_else(|refused| panic!("{refused}"));
        assert!(reply.acked, "the click was not acknowledged");
        self.world.engine().settle().await;
        reply
    }

    /// Chooses a flow in the open picker.
    pub(crate) async fn picks(&self, flow: &str) {
        let view = self.world.slack().view(self.user()).expect("the picker is open");
        let picked = self.world.slack().select(self.user(), &view.id, "flow", flow).await;
        assert!(picked.unwrap_or_else(|refused| panic!("{refused}")).acked);
        self.world.engine().settle().await;
    }

    /// Submits the open form, which closes, and the request is taken up.
    pub(crate) async fn sends(&self, values: Value) -> Asked {
        let before = self.world.request_ids();
        let reply = self.submits(values).await;
        assert!(reply.errors().is_empty(), "the form has errors: {:?}", reply.errors());
        self.world.engine().settle().await;
        let mut new = self.world.request_ids();
        new.retain(|id| !before.contains(id));
        assert_eq!(new.len(), 1, "one form makes one request");
        Asked { id: new.remove(0) }
    }

    /// Whether they are in the group of the stories in Identity Center.
    pub(crate) fn is_in_group(&self) -> bool {
        let store = self.world.stage.store_of("arn:aws:sso:::instance/ssoins-1111111111111111").unwrap();
        self.world.aws().is_member(store, "11112222-3333-4444-5555-666677778888", &self.player.sso_user)
    }

    /// How much of each kind they have not read.
    pub(crate) fn has_nothing_new(&self) -> bool {
        let read = self.world.read.lock().unwrap();
        let count = |kind| read.get(&(self.user().to_owned(), kind)).copied().unwrap_or_default();
        count("dm") == self.world.slack().dms(self.user()).len()
            && count("whisper") == self.world.slack().ephemerals(self.user()).len()
    }
}
