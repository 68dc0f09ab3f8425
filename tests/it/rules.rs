//! Rules: who may ask, who decides, what is asked of whom and when.

mod accounts;
mod alone;
mod capped;
mod deciding;
mod emergency;
mod groups;
mod leaving;
mod oneself;
mod shaping;
mod waiting;

use crate::world::{Asked, Someone, World};
use sym::access::{Span, Status};
use sym::sandbox::slack::Message;

const ADMIN: (&str, &str) = ("ps-1111111111111111", "111122223333");
const READ_ONLY: &str = "ps-2222222222222222";
const PROD: &str = "111122223333";
const STAGING: &str = "444455556666";
const DEV: &str = "777788889999";

async fn world() -> World {
    World::with("fixtures/manifests/rules").await
}

/// Asks for Prod admin for an hour.
async fn asks(who: &Someone<'_>, flow: &str) -> Asked {
    who.asks_for("").flow(flow).for_(Span::hours(1)).because("INC-42").send().await
}

/// Asks for Read only in an account for an hour.
async fn asks_in(who: &Someone<'_>, flow: &str, account: &str) -> Asked {
    let asking = who.asks_for("").flow(flow).for_(Span::hours(1)).because("INC-42");
    asking.with("Account", account).send().await
}

fn is_pending(world: &World, asked: &Asked) -> bool {
    matches!(world.status(asked), Status::Pending { .. })
}

fn is_active(world: &World, asked: &Asked) -> bool {
    matches!(world.status(asked), Status::Active { .. })
}

fn is_refused(world: &World, asked: &Asked) -> bool {
    matches!(world.status(asked), Status::Refused { .. })
}

/// Everything that was granted ends, and what was said about it is not the point.
async fn ends(world: World) {
    world.settle().await;
    world.pass(Span::hours(9)).await;
    world.ignore_messages();
    world.finish().await;
}

/// The card of a request in the channel of that name.
fn card_in(world: &World, asked: &Asked, channel: &str) -> Message {
    let id = world.stage.channel(channel).unwrap();
    let request = world.request(asked);
    let place = request
        .cards
        .iter()
        .filter_map(|card| card.place.as_ref())
        .find(|place| place.channel.as_str() == id);
    let place = place.expect("there is a card in the channel");
    let messages = world.slack().messages(id);
    messages.into_iter().find(|message| message.ts == place.ts.as_str()).expect("the card is there")
}

/// The card as text, with the same request id in every run.
fn shown(world: &World, asked: &Asked) -> String {
    world.card(asked).replace(asked.id.as_str(), "id")
}

/// Presses a button of a message.
async fn presses_in(world: &World, who: &Someone<'_>, message: &Message, action: &str) {
    let pressed = world.slack().click(who.user(), &message.channel, &message.ts, action, "").await;
    assert!(pressed.unwrap_or_else(|refused| panic!("{refused}")).acked, "the click was not acknowledged");
    world.engine().settle().await;
}

/// Presses a button in their newest direct message.
async fn presses_in_dm(world: &World, who: &Someone<'_>, action: &str) {
    let message = world.slack().last_dm(who.user()).expect("a direct message");
    presses_in(world, who, &message, action).await;
}

/// Chooses a shorter duration on the card.
async fn shortens(world: &World, who: &Someone<'_>, asked: &Asked, to: &str) {
    let card = world.card_message(asked);
    let chosen =
        world.slack().choose_in_message(who.user(), &card.channel, &card.ts, "sym_shorten", to).await;
    assert!(chosen.unwrap_or_else(|refused| panic!("{refused}")).acked, "the choice was not acknowledged");
    world.engine().settle().await;
}

/// Types a comment on the card.
fn comments(world: &World, who: &Someone<'_>, asked: &Asked, text: &str) {
    let card = world.card_message(asked);
    let typed = world.slack().type_in_message(who.user(), &card.channel, &card.ts, "sym_comment", text);
    typed.unwrap_or_else(|refused| panic!("{refused}"));
}

/// Fills in the form of a flow and submits it, and returns the errors on its fields.
async fn errors_of(who: &Someone<'_>, flow: &str, values: serde_json::Value) -> Vec<String> {
    who.types(&format!("request {flow}")).await;
    let reply = who.submits(values).await;
    reply.errors().into_values().collect()
}
