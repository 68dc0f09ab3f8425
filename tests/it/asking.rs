//! Asking, deciding, holding and losing access.

use crate::world::World;
use sym::access::Span;

#[tokio::test]
async fn access_ends_when_its_time_is_up() {
    let world = World::with("fixtures/manifests/stories").await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    println!("{}", world.card(&request));
    println!("{}", ana.next_dm());
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.holds("ps-1111111111111111", "111122223333"));
    println!("{}", world.card(&request));
    println!("{}", ana.next_dm());
    world.pass(Span::minutes(59)).await;
    println!("{}", ana.next_dm());
    assert!(ana.holds("ps-1111111111111111", "111122223333"));
    world.pass(Span::minutes(1)).await;
    world.settle().await;
    assert!(!ana.holds("ps-1111111111111111", "111122223333"));
    println!("{}", world.card(&request));
    println!("{}", ana.next_dm());
    world.finish().await;
}
