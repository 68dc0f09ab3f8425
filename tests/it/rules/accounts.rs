//! Rules about where an account belongs.

use super::{DEV, PROD, READ_ONLY, STAGING, asks_in, ends, is_active, is_pending, is_refused, world};
use crate::world::{World, values};
use sym::access::{Span, Status};
use sym::sandbox::aws::{Fault, Match};

/// Staging is two units below “Production”, and the account “dev” is tagged.
fn arrange(world: &World) {
    let aws = world.aws();
    aws.add_ou("ou-abcd-11111111", "r-abcd", "Production").add_ou(
        "ou-abcd-22222222",
        "ou-abcd-11111111",
        "Copies",
    );
    aws.place_account(STAGING, "ou-abcd-22222222").tag(DEV, "env", "dev").tag(PROD, "env", "prod");
}

/// A world whose accounts have been read.
async fn organized() -> World {
    let world = world().await;
    arrange(&world);
    world.pass(Span::minutes(15)).await;
    world.settle().await;
    world
}

#[tokio::test]
async fn the_unit_and_the_tags_of_an_account_say_which_rule_binds() {
    let world = organized().await;
    let (ana, cy) = (world.person("ana"), world.person("cy"));
    // In a unit of the unit that the rule names: Cy decides.
    let staging = asks_in(&ana, "accounts", STAGING).await;
    assert!(is_pending(&world, &staging));
    cy.approves(&staging).await;
    // By its tag: nobody is asked.
    let dev = asks_in(&ana, "accounts", DEV).await;
    world.settle().await;
    assert!(is_active(&world, &staging) && is_active(&world, &dev));
    assert!(ana.holds(READ_ONLY, STAGING) && ana.holds(READ_ONLY, DEV));
    // Neither in the unit nor with that tag: the form says no.
    let form = values([("Reason", "INC-42"), ("Account", PROD), ("Duration", "1 hour")]);
    insta::assert_snapshot!(super::errors_of(&ana, "accounts", form).await.join("\n"), @"No rule of this flow lets you ask for this. If you should be able to, ask the people who look after the flow to add a rule for you.");
    ana.closes_form().await;
    // Longer than the rule of that tag allows.
    let form = values([("Reason", "INC-42"), ("Account", DEV), ("Duration", "4 hours")]);
    insta::assert_snapshot!(super::errors_of(&ana, "accounts", form).await.join("\n"), @"That is longer than the rule “dev” allows, which is 1 hour at most.");
    ana.closes_form().await;
    ends(world).await;
}

#[tokio::test]
async fn an_account_that_moves_is_judged_by_where_it_is_now() {
    let world = organized().await;
    let ana = world.person("ana");
    world.aws().place_account(STAGING, "r-abcd");
    world.aws().untag(DEV, "env");
    world.pass(Span::minutes(15)).await;
    world.settle().await;
    for account in [STAGING, DEV] {
        let form = values([("Reason", "INC-42"), ("Account", account), ("Duration", "1 hour")]);
        assert_eq!(super::errors_of(&ana, "accounts", form).await.len(), 1, "{account}");
        ana.closes_form().await;
    }
    ends(world).await;
}

#[tokio::test]
async fn without_an_inventory_a_rule_about_units_refuses_in_clear_words() {
    let world = world().await;
    arrange(&world);
    for operation in ["ListAccounts", "ListRoots"] {
        world.aws().fault(Match::every(operation), Fault::Throttle);
    }
    // What was read before is forgotten with the bot.
    let mut world = world;
    world.restart().await;
    let ana = world.person("ana");
    let asked = asks_in(&ana, "accounts", STAGING).await;
    assert!(matches!(world.status(&asked), Status::Identifying { .. }));
    world.pass(Span::minutes(20)).await;
    assert!(is_refused(&world, &asked));
    insta::assert_snapshot!(ana.next_dm(), @r"
    :no_entry: Your request for *Read only* was refused.
    I could not find out whether the rule “prod” is about this request: who is in the channel or group, or where the account belongs, could not be read. Please try again in a minute; if it stays so, tell the people who look after this bot.
    When that has changed, ask again with `/sym request accounts`.
    ");
    world.finish().await;
}

#[tokio::test]
async fn an_inventory_that_comes_late_lets_the_request_go_on() {
    let mut world = world().await;
    arrange(&world);
    world.aws().fault(Match::every("ListTagsForResource"), Fault::ServerError(500));
    world.restart().await;
    let ana = world.person("ana");
    let asked = asks_in(&ana, "accounts", DEV).await;
    assert!(matches!(world.status(&asked), Status::Identifying { .. }));
    world.aws().clear_faults();
    world.pass(Span::minutes(5)).await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn the_last_good_inventory_is_used_while_aws_cannot_be_asked_and_the_form_says_how_old_it_is() {
    let world = organized().await;
    let ana = world.person("ana");
    for operation in ["ListAccounts", "ListRoots"] {
        world.aws().fault(Match::every(operation), Fault::Throttle);
    }
    world.pass(Span::hours(3)).await;
    ana.types("request accounts").await;
    insta::assert_snapshot!(ana.form(), @r"
    ── Request access ──
    Access in AWS for a limited time. It ends by itself.
    ────
    # By account
    *Target*
    Read only
    Account: [‹Choose one›] of prod (111122223333) | staging (444455556666) | dev (777788889999)
    Reason: []
    Duration: [30 minutes] of 30 minutes | 1 hour | 4 hours
    (The list of accounts is 3 hours old; newer ones are missing.)
    [Cancel] [Submit]
    ");
    ana.closes_form().await;
    let staging = asks_in(&ana, "accounts", STAGING).await;
    let dev = asks_in(&ana, "accounts", DEV).await;
    world.settle().await;
    assert!(is_pending(&world, &staging) && is_active(&world, &dev));
    world.aws().clear_faults();
    ends(world).await;
}

#[tokio::test]
async fn a_form_opens_at_once_while_the_accounts_are_still_being_read() {
    let mut world = world().await;
    world.aws().fault(Match::every("ListAccounts"), Fault::Hang);
    world.stop().await;
    world.start().await;
    let ana = world.person("ana");
    let general = world.stage.channel("general").unwrap();
    assert!(world.slack().command(ana.user(), general, "/sym", "request accounts").await.unwrap().acked);
    let open = world.slack().until(std::time::Duration::from_secs(5), |slack| slack.view(ana.user())).await;
    assert!(open.is_some());
    ana.closes_form().await;
    world.aws().clear_faults();
    ends(world).await;
}

#[tokio::test]
async fn any_number_of_accounts_can_be_chosen_from() {
    for count in [1_usize, 99, 100, 101, 1000] {
        let mut world = world().await;
        for id in [STAGING, DEV] {
            world.aws().remove_account(id);
        }
        // The management account is one of them.
        let name = |number: usize| format!("{number} {}", "a rather long name ".repeat(5));
        for number in 1..count {
            let id = format!("9{number:011}");
            world.aws().add_account(&id, &name(number)).place_account(&id, "r-abcd");
        }
        world.restart().await;
        let ana = world.person("ana");
        let last = if count == 1 { PROD.to_owned() } else { format!("9{:011}", count - 1) };
        let asked = asks_in(&ana, "own", &last).await;
        assert!(is_pending(&world, &asked), "{count}");
        assert_eq!(world.request(&asked).target.unwrap().resource.account_id(), Some(last.as_str()));
        ends(world).await;
    }
}

#[tokio::test]
async fn a_unit_that_is_gone_holds_no_account() {
    // Rule “prod” names a unit that nobody made: it is about no account, and no other rule is either.
    let world = world().await;
    world.pass(Span::minutes(15)).await;
    world.settle().await;
    let ana = world.person("ana");
    let form = values([("Reason", "INC-42"), ("Account", PROD), ("Duration", "1 hour")]);
    let errors = super::errors_of(&ana, "accounts", form).await;
    assert!(errors[0].starts_with("No rule of this flow lets you ask for this"), "{errors:?}");
    ana.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn long_names_of_accounts_that_begin_alike_are_told_apart() {
    let mut world = world().await;
    let name = |number: usize| format!("{} {number}", "the same long beginning ".repeat(4));
    let ids = ["900000000001", "900000000002"];
    for (number, id) in ids.iter().enumerate() {
        world.aws().add_account(id, &name(number)).place_account(id, "r-abcd");
    }
    world.restart().await;
    let ana = world.person("ana");
    for id in ids {
        let asked = asks_in(&ana, "own", id).await;
        assert_eq!(world.request(&asked).target.unwrap().resource.account_id(), Some(id));
    }
    ends(world).await;
}
