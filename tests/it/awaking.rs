//! What a bot does that has its books, and does not know everything yet: whether they are whole, and who
//! it is in Slack.

use crate::world::World;
use crate::world::crash::copy_of;
use crate::world::custody::HOUR;
use std::path::Path;
use sym::access::{Click, ClickAction, Place, RequestId, Status, TeamId, UserId};
use sym::aws::Aws;
use sym::engine::{Engine, Home, Parts};
use sym::sandbox::aws::{Fault, Match};
use sym::slack::api::{self, SlackApi};
use sym::store::{Commit, Store};

/// More than a bot reads while it starts one grant.
const ROWS: usize = 4_000;

/// A bot with these books that has not reached Slack.
async fn awake(world: &World, store: Store) -> Engine {
    let slack = SlackApi::new(&api::Settings {
        api_url: world.slack().api_url(),
        ..api::Settings::new(world.slack().bot_token(), world.clock.as_function())
    });
    let aws = sym::aws::Settings { attempts: 1, ..world.stage.aws_settings(&world.clock) };
    Engine::new(Parts {
        store,
        clock: world.clock.clone(),
        slack: slack.unwrap(),
        aws: Aws::new(aws).await,
        catalog: crate::world::stories(),
    })
}

fn home(world: &World) -> Home {
    Home {
        team: TeamId::new(world.slack().team_id()),
        enterprise: None,
        bot: UserId::new(world.slack().bot_user()),
    }
}

/// A row that goes missing, as on a damaged disk.
fn lose(books: &Path, key: &str) {
    let db = sled::open(books.join("store")).unwrap();
    #[expect(clippy::disallowed_methods, reason = "this is the damage")]
    let lost = db.remove(key).unwrap();
    assert!(lost.is_some(), "{key} was not there");
}

#[tokio::test]
async fn large_books_give_nothing_before_they_are_proven_and_nothing_at_all_when_they_are_not_whole() {
    let mut world = World::of_stories().await;
    let asked = world.person("ana").asks_to_be_admin(HOUR).await;
    world.aws().fault(Match::every("CreateAccountAssignment"), Fault::ServerError(503));
    world.person("bo").approves(&asked).await;
    assert_eq!(world.word(&asked), "granting");
    // Many that are over.
    let over = world.person("ana").asks_to_be_support().await;
    world.person("bo").denies(&over).await;
    let over = world.request(&over);
    let copies = (0..ROWS / 2).map(|number| {
        let mut copy = over.clone();
        copy.id = RequestId::new(format!("over{number}"));
        copy
    });
    let stock = Commit { at: world.now(), requests: copies.collect(), ..Commit::default() };
    world.engine().store().commit(stock).unwrap().on_disk().await.unwrap();
    world.stop().await;
    world.aws().clear_faults();
    world.jump(world.now() + sym::access::Span::minutes(1));

    let damaged = copy_of(world.data());
    lose(damaged.path(), "r/over7");
    let tried = world.count("CreateAccountAssignment");
    let engine = awake(&world, Store::open_after(damaged.path(), 1).unwrap()).await;
    engine.settle().await;
    engine.store().proven().await.expect_err("a row is missing");
    engine.settle().await;
    assert_eq!(world.count("CreateAccountAssignment"), tried, "access that these books may forget");
    assert_eq!(world.aws().holdings(), []);
    drop(engine);

    let whole = copy_of(world.data());
    let engine = awake(&world, Store::open_after(whole.path(), 1).unwrap()).await;
    engine.settle().await;
    engine.store().proven().await.unwrap();
    engine.settle().await;
    assert_eq!(world.count("CreateAccountAssignment"), tried + 1);
}

#[tokio::test]
async fn a_press_that_was_kept_before_a_restart_takes_effect_when_slack_has_been_reached() {
    let mut world = World::of_stories().await;
    let asked = world.person("ana").asks_to_be_support().await;
    let card = world.card_message(&asked);
    let press = Click {
        envelope: "kept".into(),
        request: asked.id.clone(),
        action: ClickAction::Approve,
        user: UserId::new(world.person("bo").user()),
        team: Some(TeamId::new(world.slack().team_id())),
        place: Some(Place { channel: card.channel.as_str().into(), ts: card.ts.as_str().into() }),
        at: world.now(),
        comment: None,
        shorten_to: None,
    };
    world.stop().await;
    let books = copy_of(world.data());
    let store = Store::open(books.path()).unwrap();
    let kept = Commit { at: world.now(), click: Some(press), ..Commit::default() };
    store.commit(kept).unwrap().on_disk().await.unwrap();
    let engine = awake(&world, store).await;
    let status = || engine.store().request(&asked.id).unwrap().unwrap().status;
    engine.settle().await;
    assert!(matches!(status(), Status::Pending { .. }), "{:?}", status());
    assert_eq!(engine.store().clicks().unwrap().len(), 1, "nobody could be looked up yet");

    engine.is_at_home(home(&world));
    engine.settle().await;
    assert!(matches!(status(), Status::Active { .. }), "{:?}", status());
    assert!(world.person("ana").is_support());
    assert_eq!(engine.store().clicks().unwrap().len(), 0);
    assert_eq!(world.slack().ephemerals(world.person("bo").user()).len(), 0, "nothing was refused");
}
