//! Access without asking first.

use super::{ADMIN, asks, comments, ends, is_active, is_pending, is_refused, presses_in, shown, world};
use crate::world::{Asked, Someone, World, values};
use sym::access::{Span, Status};
use sym::sandbox::aws::{Fault, Match};

/// Cy is in the user group that the rule “security” asks.
async fn with_group() -> World {
    let world = world().await;
    world.slack().add_usergroup("sre", &[world.person("cy").user()], false);
    world
}

async fn breaks_glass(who: &Someone<'_>) -> Asked {
    who.asks_for("")
        .flow("glass")
        .for_(Span::hours(1))
        .because("INC-42")
        .with("Emergency", "This is an emergency")
        .send()
        .await
}

#[tokio::test]
async fn in_an_emergency_access_comes_at_once_and_everybody_passed_over_is_told() {
    let world = with_group().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    ana.types("request glass").await;
    assert!(ana.form().contains("This is an emergency"), "{}", ana.form());
    ana.closes_form().await;
    let asked = breaks_glass(&ana).await;
    world.settle().await;
    assert!(ana.holds(ADMIN.0, ADMIN.1));
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :rotating_light: *Emergency:* @ana has *Prod admin* until today at 11:00 AM
    (Account *prod* (111122223333)  ·  Flow *Emergencies*  ·  Request `id`)
    · *Reason* INC-42
    Nobody was asked first: the rule *glass* allows that in an emergency. Passed over: bo@example.com and @sre.
    One of them must acknowledge it here.
    (A session that is open at the end can go on until it expires by itself.)
    Comment for the requester (optional): []
    [Acknowledge] [Revoke]
    ");
    insta::assert_snapshot!(bo.next_dm(), @r"
    :rotating_light: *Emergency:* @ana takes *Prod admin* for 1 hour without asking anybody first (rule *glass*).
    You would have been asked by rule *owner*. You, or somebody else who would have been asked, must acknowledge it on the card in #access-requests.
    ");
    insta::assert_snapshot!(world.channel_text("access-requests")[1], @r"
    :rotating_light: *Emergency:* @ana takes *Prod admin* for 1 hour without asking anybody first (rule *glass*).
    Passed over: bo@example.com and @sre. One of them must acknowledge it on the card in this conversation.
    ");
    insta::assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod admin* until today at 11:00 AM.
    In the browser: open the access portal, https://example.awsapps.com/start, and choose account *prod* (111122223333).
    On the command line: `aws configure sso --profile prod-admin` once (SSO region `us-east-1`), then `aws sso login --profile prod-admin`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");
    comments(&world, &cy, &asked, "Saw it, all well");
    cy.presses("sym_acknowledge", &asked).await;
    insta::assert_snapshot!(ana.next_dm(), @r"
    @cy acknowledged your emergency access to *Prod admin*.
    > Saw it, all well
    ");
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :white_check_mark: *Emergency:* @ana has *Prod admin* until today at 11:00 AM
    (Account *prod* (111122223333)  ·  Flow *Emergencies*  ·  Request `id`)
    · *Reason* INC-42
    Nobody was asked first: the rule *glass* allows that in an emergency. Passed over: bo@example.com and @sre.
    Acknowledged by @cy today at 10:00 AM.
    > Saw it, all well
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    ends(world).await;
}

#[tokio::test]
async fn an_acknowledged_emergency_ends_on_time_and_its_card_still_tells_of_it() {
    let world = with_group().await;
    let (ana, cy) = (world.person("ana"), world.person("cy"));
    let asked = breaks_glass(&ana).await;
    world.settle().await;
    comments(&world, &cy, &asked, "Saw it, all well");
    cy.presses("sym_acknowledge", &asked).await;
    world.pass(Span::minutes(59)).await;
    assert!(ana.holds(ADMIN.0, ADMIN.1));
    world.pass(Span::minutes(1)).await;
    world.settle().await;
    assert!(!ana.holds(ADMIN.0, ADMIN.1));
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :lock: *Emergency:* @ana no longer has *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *Emergencies*  ·  Request `id`)
    · *Reason* INC-42
    Nobody was asked first: the rule *glass* allows that in an emergency. Passed over: bo@example.com and @sre.
    Why: its hour is up. AWS was read afterwards: it is gone.
    Acknowledged by @cy today at 10:00 AM.
    > Saw it, all well
    (A session opened before can go on until it expires by itself.)
    (Ended today at 11:00 AM, after 1 hour)
    ");
    ends(world).await;
}

#[tokio::test]
async fn only_somebody_else_who_would_have_been_asked_can_acknowledge_it() {
    let world = with_group().await;
    let (ana, bo, dee) = (world.person("ana"), world.person("bo"), world.person("dee"));
    let asked = breaks_glass(&ana).await;
    world.settle().await;
    ana.presses("sym_acknowledge", &asked).await;
    insta::assert_snapshot!(ana.next_whisper(), @"You took this access yourself, so somebody else has to acknowledge it.");
    dee.presses("sym_acknowledge", &asked).await;
    insta::assert_snapshot!(dee.next_dm(), @"You are not among those who can acknowledge this emergency. bo@example.com or @sre can.");
    assert!(world.request(&asked).owes_acknowledgement());
    let card = world.card_message(&asked);
    bo.presses("sym_acknowledge", &asked).await;
    assert!(!world.request(&asked).owes_acknowledgement());
    // Pressed at the same moment as Bo, on the card as it was.
    let again = world.slack().click(bo.user(), &card.channel, &card.ts, "sym_acknowledge", "").await;
    assert!(again.is_err(), "the button is gone");
    ends(world).await;
}

#[tokio::test]
async fn somebody_who_would_be_asked_cannot_acknowledge_their_own() {
    let world = with_group().await;
    let (bo, cy) = (world.person("bo"), world.person("cy"));
    let asked = breaks_glass(&bo).await;
    world.settle().await;
    bo.presses("sym_acknowledge", &asked).await;
    insta::assert_snapshot!(bo.next_whisper(), @"You took this access yourself, so somebody else has to acknowledge it.");
    assert!(world.request(&asked).owes_acknowledgement());
    cy.presses("sym_acknowledge", &asked).await;
    assert!(!world.request(&asked).owes_acknowledgement());
    ends(world).await;
}

#[tokio::test]
async fn one_that_nobody_has_acknowledged_blocks_the_next_of_the_same_person_and_nothing_else() {
    let mut world = with_group().await;
    let first = breaks_glass(&world.person("ana")).await;
    world.settle().await;
    world.pass(Span::hours(2)).await;
    assert!(matches!(world.status(&first), Status::Ended { .. }), "it ends on time all the same");
    world.restart().await;
    let (ana, bo, dee) = (world.person("ana"), world.person("bo"), world.person("dee"));
    world.ignore_messages();
    let second = breaks_glass(&ana).await;
    assert!(is_refused(&world, &second));
    insta::assert_snapshot!(ana.next_dm().replace(first.id.as_str(), "id"), @r"
    :no_entry: Your request for *Prod admin* was refused.
    Your earlier emergency access (request `id`) has not been acknowledged by anybody yet. Ask somebody to press Acknowledge on its card; until then ask without the emergency.
    When that has changed, ask again with `/sym request glass`.
    ");
    let normal = asks(&ana, "glass").await;
    assert!(is_pending(&world, &normal));
    let other = breaks_glass(&dee).await;
    world.settle().await;
    assert!(is_active(&world, &other));
    // Long after its end it can still be acknowledged, and then the next one is free.
    bo.presses("sym_acknowledge", &first).await;
    insta::assert_snapshot!(shown(&world, &first), @r"
    :lock: *Emergency:* @ana no longer has *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *Emergencies*  ·  Request `id`)
    · *Reason* INC-42
    Nobody was asked first: the rule *glass* allows that in an emergency. Passed over: bo@example.com and @sre.
    Why: its hour is up. AWS was read afterwards: it is gone.
    Acknowledged by @bo today at 12:00 PM.
    (A session opened before can go on until it expires by itself.)
    (Ended today at 11:00 AM, after 1 hour)
    ");
    let third = breaks_glass(&ana).await;
    world.settle().await;
    assert!(is_active(&world, &third));
    ends(world).await;
}

#[tokio::test]
async fn an_emergency_in_which_aws_gave_nothing_does_not_block_the_next() {
    let world = with_group().await;
    let ana = world.person("ana");
    let denied = Fault::Error { code: "AccessDeniedException".into(), message: "no".into(), status: 400 };
    world.aws().fault(Match::every("CreateAccountAssignment"), denied);
    let failed = breaks_glass(&ana).await;
    world.settle().await;
    assert!(
        matches!(world.status(&failed), Status::Ended { began: None, .. }),
        "{:?}",
        world.status(&failed)
    );
    world.aws().clear_faults();
    let next = breaks_glass(&ana).await;
    world.settle().await;
    assert!(is_active(&world, &next));
    ends(world).await;
}

#[tokio::test]
async fn whoever_was_passed_over_can_end_it() {
    let world = with_group().await;
    let (ana, bo, dee) = (world.person("ana"), world.person("bo"), world.person("dee"));
    let asked = breaks_glass(&ana).await;
    world.settle().await;
    dee.revokes(&asked).await;
    assert!(is_active(&world, &asked));
    bo.revokes(&asked).await;
    world.settle().await;
    assert!(!ana.holds(ADMIN.0, ADMIN.1));
    assert!(world.request(&asked).owes_acknowledgement());
    let card = world.card_message(&asked);
    presses_in(&world, &bo, &card, "sym_acknowledge").await;
    assert!(!world.request(&asked).owes_acknowledgement());
    ends(world).await;
}

#[tokio::test]
async fn an_emergency_is_no_longer_than_its_rule_allows() {
    let world = with_group().await;
    let ana = world.person("ana");
    let normal = ana.asks_for("").flow("glass").for_(Span::hours(4)).because("INC-42").send().await;
    assert!(is_pending(&world, &normal), "the rule for emergencies does not bind other requests");
    let form = values([("Reason", "INC-42"), ("Duration", "4 hours"), ("Emergency", "This is an emergency")]);
    insta::assert_snapshot!(super::errors_of(&ana, "glass", form).await.join("\n"), @"That is longer than the rule “glass” allows, which is 1 hour at most.");
    ana.closes_form().await;
    ends(world).await;
}

#[tokio::test]
async fn a_flow_without_emergencies_has_no_box_to_tick() {
    let world = world().await;
    let ana = world.person("ana");
    ana.types("request pair").await;
    assert!(!ana.form().contains("emergency"));
    ana.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn whoever_may_not_take_it_in_an_emergency_is_told_so_at_the_box() {
    let mut catalog = crate::world::catalog::load(std::path::Path::new("fixtures/manifests/rules"));
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name.as_str() == "glass").unwrap();
    let glass = entry.rules.iter_mut().find(|rule| rule.name == "glass").unwrap();
    glass.requesters = vec![sym::access::People::User(sym::access::Email::new("cy@example.com"))];
    let world = World::around(catalog).await;
    let ana = world.person("ana");
    ana.types("request glass").await;
    let form = values([("Reason", "INC-42"), ("Duration", "1 hour"), ("Emergency", "This is an emergency")]);
    let errors = ana.submits(form).await.errors();
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["emergency"]);
    assert!(errors["emergency"].starts_with("No rule of this flow lets you take this in an emergency"));
    ana.closes_form().await;
    world.finish().await;
}
