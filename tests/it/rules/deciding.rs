//! Several rules, several people.

use super::{ADMIN, asks, card_in, ends, is_active, is_pending, shown, world};
use crate::world::values;
use sym::access::{Span, Status};
use sym::sandbox::slack::{Fault, When};

#[tokio::test]
async fn two_rules_that_match_are_each_satisfied_by_their_own_people() {
    let world = world().await;
    let (ana, bo, dee) = (world.person("ana"), world.person("bo"), world.person("dee"));
    let asked = asks(&ana, "two").await;
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *Two rules*  ·  Request `id`)
    · *Reason* INC-42
    Each of these rules must be satisfied:
    • *owner*: 0 of 1 approvals so far. bo@example.com can approve or deny.
    • *security*: 0 of 1 approvals so far. cy@example.com or dee@example.com can approve or deny.
    (Answer by today at 6:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Comment for the requester (optional): []
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    bo.approves(&asked).await;
    assert!(is_pending(&world, &asked));
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *Two rules*  ·  Request `id`)
    · *Reason* INC-42
    Each of these rules must be satisfied:
    • *security*: 0 of 1 approvals so far. cy@example.com or dee@example.com can approve or deny.
    • *owner*: satisfied by @bo
    (Answer by today at 6:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Comment for the requester (optional): []
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    dee.approves(&asked).await;
    world.settle().await;
    assert!(ana.holds(ADMIN.0, ADMIN.1));
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :white_check_mark: @ana has *Prod admin* until today at 11:00 AM
    (Account *prod* (111122223333)  ·  Flow *Two rules*  ·  Request `id`)
    · *Reason* INC-42
    Approved by @bo and @dee.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    ends(world).await;
}

#[tokio::test]
async fn of_two_approvals_that_are_needed_the_same_person_gives_one() {
    let world = world().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let asked = asks(&ana, "pair").await;
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *Two people*  ·  Request `id`)
    · *Reason* INC-42
    0 of 2 approvals so far. bo@example.com, cy@example.com or dee@example.com can approve or deny (rule *pair*).
    (Answer by today at 6:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    bo.approves(&asked).await;
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *Two people*  ·  Request `id`)
    · *Reason* INC-42
    1 of 2 approvals so far: @bo. bo@example.com, cy@example.com or dee@example.com can approve or deny (rule *pair*).
    (Answer by today at 6:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    bo.approves(&asked).await;
    insta::assert_snapshot!(bo.next_whisper(), @"You have already approved the request for *Prod admin*. It still waits for others.");
    // Another account with his address is still him.
    world.slack().change_person(cy.user(), |cy| cy.email = Some("BO@example.com".into()));
    cy.approves(&asked).await;
    insta::assert_snapshot!(cy.next_whisper(), @"You have already approved the request for *Prod admin*. It still waits for others.");
    assert!(is_pending(&world, &asked));
    assert_eq!(world.request(&asked).approvals.len(), 1);
    world.person("dee").approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn two_approvals_at_once_count_as_two_people() {
    let world = world().await;
    let ana = world.person("ana");
    let asked = asks(&ana, "pair").await;
    let (bo, cy) = (world.person("bo"), world.person("cy"));
    tokio::join!(bo.approves(&asked), cy.approves(&asked));
    world.settle().await;
    assert!(is_active(&world, &asked));
    assert_eq!(world.request(&asked).approvals.len(), 2);
    ends(world).await;
}

#[tokio::test]
async fn nobody_who_is_named_by_neither_rule_decides() {
    let world = world().await;
    let (ana, gil) = (world.person("ana"), world.person("gil"));
    let asked = asks(&ana, "pair").await;
    world.slack().change_person(gil.user(), |gil| gil.is_guest = false);
    gil.approves(&asked).await;
    insta::assert_snapshot!(gil.next_whisper(), @"You are not among those who decide on the request for *Prod admin*. bo@example.com, cy@example.com or dee@example.com can.");
    gil.denies(&asked).await;
    insta::assert_snapshot!(gil.next_whisper(), @"You are not among those who decide on the request for *Prod admin*. bo@example.com, cy@example.com or dee@example.com can.");
    assert!(is_pending(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn one_person_of_any_rule_can_deny_whatever_others_have_approved() {
    let world = world().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let asked = asks(&ana, "two").await;
    bo.approves(&asked).await;
    cy.denies(&asked).await;
    assert!(matches!(world.status(&asked), Status::Denied { .. }));
    // Even whoever has approved may think again, as long as it is open.
    let asked = asks(&ana, "two").await;
    bo.approves(&asked).await;
    bo.denies(&asked).await;
    assert!(matches!(world.status(&asked), Status::Denied { .. }));
    world.settle().await;
    assert!(!ana.holds(ADMIN.0, ADMIN.1));
    ends(world).await;
}

#[tokio::test]
async fn a_rule_without_a_place_of_its_own_asks_in_the_channel_of_the_flow() {
    let world = world().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let asked = asks(&ana, "places").await;
    insta::assert_snapshot!(ana.next_dm(), @r"
    Your request for *Prod admin* for 1 hour has gone to #access-requests and #security. It lapses today at 6:00 PM if nobody answers.
    [Take it back]
    ");
    super::presses_in(&world, &bo, &card_in(&world, &asked, "access-requests"), "sym_approve").await;
    super::presses_in(&world, &cy, &card_in(&world, &asked, "security"), "sym_approve").await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn who_has_approved_for_one_rule_can_still_approve_for_another_that_asks_them_later() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "both").await;
    bo.approves(&asked).await;
    bo.approves(&asked).await;
    insta::assert_snapshot!(bo.next_whisper(), @"You have already approved the request for *Prod admin*. It still waits for others.");
    world.pass(Span::minutes(20)).await;
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    insta::assert_snapshot!(shown(&world, &asked), @r"
    :white_check_mark: @ana has *Prod admin* until today at 11:20 AM
    (Account *prod* (111122223333)  ·  Flow *Owner and later security*  ·  Request `id`)
    · *Reason* INC-42
    Approved by @bo.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    ends(world).await;
}

#[tokio::test]
async fn whoever_no_rule_names_is_told_on_the_form_or_right_after_it() {
    let world = world().await;
    let dee = world.person("dee");
    // Before the bot knows who she is, a message says so; after that, the form itself does.
    world.slack().fault("users.info", When::Always, Fault::ServerError);
    dee.types("request own").await;
    world.slack().clear_faults();
    let form = || values([("Reason", "INC-42"), ("Account", super::PROD), ("Duration", "1 hour")]);
    let asked = dee.sends(form()).await;
    assert!(super::is_refused(&world, &asked));
    insta::assert_snapshot!(dee.next_dm(), @r"
    :no_entry: Your request for *Read only* was refused.
    No rule of this flow lets you ask for this. If you should be able to, ask the people who look after the flow to add a rule for you.
    When that has changed, ask again with `/sym request own`.
    ");
    insta::assert_snapshot!(super::errors_of(&dee, "own", form()).await.join("\n"), @"No rule of this flow lets you ask for this. If you should be able to, ask the people who look after the flow to add a rule for you.");
    dee.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn a_rule_that_denies_outweighs_all_others_on_the_form_and_after_it() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let form = |account| values([("Reason", "INC-42"), ("Account", account), ("Duration", "1 hour")]);
    let errors = super::errors_of(&ana, "frozen", form(super::STAGING)).await;
    insta::assert_snapshot!(errors.join("\n"), @"The rule “freeze” of this flow lets nobody have this.");
    ana.closes_form().await;
    // Whom the bot does not know yet hears of it right after the form.
    world.slack().fault("users.info", When::Always, Fault::ServerError);
    let dee = world.person("dee");
    dee.types("request frozen").await;
    world.slack().clear_faults();
    let refused = dee.sends(form(super::STAGING)).await;
    assert!(super::is_refused(&world, &refused));
    insta::assert_snapshot!(dee.next_dm(), @r"
    :no_entry: Your request for *Read only* was refused.
    The rule “freeze” of this flow lets nobody have this.
    When that has changed, ask again with `/sym request frozen`.
    ");
    assert_eq!(world.channel_text("access-requests").len(), 0);
    // Elsewhere people decide.
    let asked = super::asks_in(&ana, "frozen", super::PROD).await;
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}
