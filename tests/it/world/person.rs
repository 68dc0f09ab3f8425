//! What people in a story do.

use super::World;
use serde_json::{Map, Value};
use sym::access::{RequestId, Span};
use sym::demo::Player;
use sym::sandbox::slack::{Message, Reply};

/// Somebody in the world.
pub(crate) struct Someone<'a> {
    pub(crate) world: &'a World,
    pub(crate) player: Player,
}

/// A request that was made.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) id: RequestId,
}

/// A request that is being made.
pub(crate) struct Asking<'a> {
    someone: &'a Someone<'a>,
    flow: String,
    values: Map<String, Value>,
}

impl<'a> Someone<'a> {
    pub(crate) fn new(world: &'a World, player: Player) -> Self {
        Self { world, player }
    }

    pub(crate) fn user(&self) -> &str {
        &self.player.user
    }

    /// Types the command, and sees what comes of it.
    pub(crate) async fn types(&self, text: &str) -> Reply {
        let general = self.world.stage.channel("general").unwrap();
        let reply = self.world.slack().command(self.user(), general, "/sym", text).await.unwrap();
        assert!(reply.acked, "the command was not acknowledged");
        self.world.engine().settle().await;
        reply
    }

    /// The open form as text.
    pub(crate) fn form(&self) -> String {
        let view = self.world.slack().view(self.user()).expect("a form is open");
        self.world.slack().shown_view(&view)
    }

    /// Fills in the open form and submits it; what is wrong comes back.
    pub(crate) async fn submits(&self, values: Value) -> Reply {
        let view = self.world.slack().view(self.user()).expect("a form is open");
        let reply = self.world.slack().submit(self.user(), &view.id, values).await;
        let reply =
            reply.unwrap_or_else(|refused| panic!("Slack's client refuses: {refused}\n{}", self.form()));
        assert!(reply.acked, "the form was not acknowledged");
        reply
    }

    pub(crate) async fn closes_form(&self) {
        let view = self.world.slack().view(self.user()).expect("a form is open");
        self.world.slack().close(self.user(), &view.id).await.unwrap();
    }

    /// Asks for a target of the flow `aws`.
    pub(crate) fn asks_for(&'a self, target: &str) -> Asking<'a> {
        let mut values = Map::new();
        if !target.is_empty() {
            values.insert("Target".to_owned(), target.into());
        }
        Asking { someone: self, flow: "aws".to_owned(), values }
    }

    pub(crate) async fn approves(&self, asked: &Asked) -> Reply {
        self.presses("sym_approve", asked).await
    }

    pub(crate) async fn denies(&self, asked: &Asked) -> Reply {
        self.presses("sym_deny", asked).await
    }

    pub(crate) async fn revokes(&self, asked: &Asked) -> Reply {
        self.presses("sym_revoke", asked).await
    }

    /// Presses a button on the card of a request.
    pub(crate) async fn presses(&self, action: &str, asked: &Asked) -> Reply {
        let card = self.world.card_message(asked);
        let pressed =
            self.world.slack().click(self.user(), &card.channel, &card.ts, action, asked.id.as_str()).await;
        let reply = pressed.unwrap_or_else(|refused| panic!("{refused}"));
        assert!(reply.acked, "the click was not acknowledged");
        self.world.engine().settle().await;
        reply
    }

    /// The next direct message they have not read.
    pub(crate) fn next_dm(&self) -> String {
        let message = self.next("dm", &self.world.slack().dms(self.user()));
        self.world.slack().shown(self.user(), &message)
    }

    /// The next message that only they saw.
    pub(crate) fn next_whisper(&self) -> String {
        let message = self.next("whisper", &self.world.slack().ephemerals(self.user()));
        self.world.slack().shown(self.user(), &message)
    }

    fn next(&self, kind: &'static str, messages: &[Message]) -> Message {
        let next = self.world.next_unread(self.user(), kind, messages);
        next.unwrap_or_else(|| panic!("{} has no new {kind}", self.player.handle))
    }

    /// Whether AWS holds the permission set in the account for them.
    pub(crate) fn holds(&self, set: &str, account: &str) -> bool {
        let digits = set.trim_start_matches("ps-");
        let arn = format!("arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-{digits}");
        let instance = "arn:aws:sso:::instance/ssoins-1111111111111111";
        self.world.aws().holds_assignment(instance, &arn, account, &self.player.sso_user)
    }
}

impl Asking<'_> {
    pub(crate) fn flow(mut self, flow: &str) -> Self {
        flow.clone_into(&mut self.flow);
        self
    }

    pub(crate) fn for_(self, span: Span) -> Self {
        self.with("Duration", &span.to_string())
    }

    pub(crate) fn because(self, reason: &str) -> Self {
        self.with("Reason", reason)
    }

    pub(crate) fn with(mut self, label: &str, value: &str) -> Self {
        self.values.insert(label.to_owned(), value.into());
        self
    }

    /// Opens the form, fills it in and submits it, and the card is posted.
    pub(crate) async fn send(self) -> Asked {
        let Self { someone, flow, values } = self;
        let world = someone.world;
        let before = world.request_ids();
        someone.types(&format!("request {flow}")).await;
        let reply = someone.submits(values.into()).await;
        assert!(reply.errors().is_empty(), "the form has errors: {:?}", reply.errors());
        let mut new = world.request_ids();
        new.retain(|id| !before.contains(id));
        assert_eq!(new.len(), 1, "one form makes one request");
        world.engine().settle().await;
        Asked { id: new.remove(0) }
    }
}
