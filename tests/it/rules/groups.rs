//! Groups of Slack and of Identity Center, on both sides of a request.

use super::{asks, ends, is_active, is_pending, is_refused, world};
use crate::world::{World, values};
use sym::access::{Span, Status};
use sym::sandbox::aws::{Fault as AwsFault, Match};
use sym::sandbox::slack::{Fault, When};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1111111111111111";
const DEVELOPERS: &str = "91111111-2222-4333-8444-555555555555";
const SECURITY: &str = "92222222-2222-4333-8444-555555555555";

/// Ana is a developer; Bo looks after the site, and does not develop.
async fn with_usergroups() -> World {
    let world = world().await;
    world.slack().add_usergroup("devs", &[world.person("ana").user()], false);
    world.slack().add_usergroup("sre", &[world.person("bo").user()], false);
    world
}

async fn with_directory() -> World {
    let mut world = world().await;
    let store = world.stage.store_of(INSTANCE).unwrap().to_owned();
    let store = store.as_str();
    world.aws().add_sso_group(store, DEVELOPERS, "Developers").add_sso_group(store, SECURITY, "Security");
    world.aws().join_group(store, DEVELOPERS, &world.person("ana").player.sso_user);
    world.aws().join_group(store, SECURITY, &world.person("bo").player.sso_user);
    world.holds_by_hand();
    world
}

#[tokio::test]
async fn members_of_a_user_group_ask_and_decide_and_others_do_not() {
    let world = with_usergroups().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let refused = asks(&cy, "usergroups").await;
    assert!(is_refused(&world, &refused));
    insta::assert_snapshot!(cy.next_dm(), @r"
    :no_entry: Your request for *Prod admin* was refused.
    No rule of this flow lets you ask for this. If you should be able to, ask the people who look after the flow to add a rule for you.
    When that has changed, ask again with `/sym request usergroups`.
    ");
    let asked = asks(&ana, "usergroups").await;
    cy.approves(&asked).await;
    insta::assert_snapshot!(cy.next_whisper(), @"You are not among those who decide on the request for *Prod admin*. @sre can.");
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn who_leaves_a_user_group_loses_the_right_within_a_minute() {
    let world = world().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    world.slack().add_usergroup("devs", &[ana.user()], false);
    let sre = world.slack().add_usergroup("sre", &[bo.user()], false);
    let asked = asks(&ana, "usergroups").await;
    cy.approves(&asked).await;
    cy.next_whisper();
    world.slack().change_usergroup(&sre, |group| group.users = vec![cy.user().to_owned()]);
    world.pass(Span::minutes(1)).await;
    bo.approves(&asked).await;
    insta::assert_snapshot!(bo.next_whisper(), @"You are not among those who decide on the request for *Prod admin*. @sre can.");
    cy.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn while_slack_cannot_say_who_is_in_a_group_nothing_is_decided() {
    let world = with_usergroups().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "usergroups").await;
    for method in ["usergroups.list", "usergroups.users.list"] {
        world.slack().fault(method, When::Always, Fault::ServerError);
    }
    world.pass(Span::minutes(2)).await;
    bo.approves(&asked).await;
    assert!(is_pending(&world, &asked));
    insta::assert_snapshot!(bo.next_whisper(), @"Slack or AWS could not say just now whether you may do this, so nothing was done. Try again in a minute.");
    bo.denies(&asked).await;
    assert!(is_pending(&world, &asked));
    insta::assert_snapshot!(bo.next_whisper(), @"Slack or AWS could not say just now whether you may do this, so nothing was done. Try again in a minute.");
    // Whoever asks waits until Slack can say.
    let waiting = asks(&ana, "usergroups").await;
    assert!(matches!(world.status(&waiting), Status::Identifying { .. }));
    world.slack().clear_faults();
    bo.approves(&asked).await;
    world.pass(Span::minutes(1)).await;
    assert!(is_active(&world, &asked));
    assert!(is_pending(&world, &waiting));
    ends(world).await;
}

#[tokio::test]
async fn who_may_ask_cannot_be_found_out_for_ten_minutes_and_the_request_is_given_back() {
    let world = with_usergroups().await;
    for method in ["usergroups.list", "usergroups.users.list"] {
        world.slack().fault(method, When::Always, Fault::ServerError);
    }
    let ana = world.person("ana");
    let asked = asks(&ana, "usergroups").await;
    world.pass(Span::minutes(20)).await;
    assert!(is_refused(&world, &asked));
    insta::assert_snapshot!(ana.next_dm(), @r"
    :no_entry: Your request for *Prod admin* was refused.
    I could not find out whether the rule “developers” is about this request: who is in the channel or group, or where the account belongs, could not be read. Please try again in a minute; if it stays so, tell the people who look after this bot.
    When that has changed, ask again with `/sym request usergroups`.
    ");
    world.finish().await;
}

#[tokio::test]
async fn a_user_group_that_does_not_exist_has_no_members() {
    let world = world().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let form = || values([("Reason", "INC-42"), ("Duration", "1 hour")]);
    let errors = super::errors_of(&ana, "ghosts", form()).await;
    insta::assert_snapshot!(errors.join("\n"), @"Nobody could decide on this: everybody whom the rule “ghosts” asks has left or cannot be found. Ask the people who look after the flow to name somebody else who can approve.");
    ana.closes_form().await;
    assert_eq!(super::errors_of(&ana, "for-ghosts", form()).await.len(), 1);
    ana.closes_form().await;
    // One that goes away while a request waits lets nobody decide on it.
    let ghosts = world.slack().add_usergroup("ghosts", &[bo.user()], false);
    world.pass(Span::minutes(11)).await;
    let asked = asks(&ana, "ghosts").await;
    assert!(is_pending(&world, &asked));
    world.slack().change_usergroup(&ghosts, |group| group.disabled = true);
    world.pass(Span::minutes(11)).await;
    bo.approves(&asked).await;
    assert!(is_pending(&world, &asked));
    insta::assert_snapshot!(bo.next_whisper(), @"You are not among those who decide on the request for *Prod admin*. @ghosts can.");
    world.pass(Span::hours(8)).await;
    assert!(matches!(world.status(&asked), Status::Lapsed { .. }));
    ends(world).await;
}

#[tokio::test]
async fn members_of_a_group_of_identity_center_ask_and_decide_and_others_do_not() {
    let world = with_directory().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let refused = asks(&cy, "idc").await;
    assert!(is_refused(&world, &refused));
    let asked = asks(&ana, "idc").await;
    cy.approves(&asked).await;
    insta::assert_snapshot!(cy.next_whisper(), @"You are not among those who decide on the request for *Prod admin*. The Identity Center group *Security* can.");
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn while_aws_cannot_say_who_is_in_a_group_nothing_is_decided() {
    let world = with_directory().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = asks(&ana, "idc").await;
    world.aws().fault(Match::every("GetGroupMembershipId"), AwsFault::Throttle);
    bo.approves(&asked).await;
    bo.denies(&asked).await;
    assert!(is_pending(&world, &asked));
    insta::assert_snapshot!(bo.next_whisper(), @"Slack or AWS could not say just now whether you may do this, so nothing was done. Try again in a minute.");
    bo.next_whisper();
    world.pass(Span::minutes(2)).await;
    let waiting = asks(&ana, "idc").await;
    assert!(matches!(world.status(&waiting), Status::Identifying { .. }));
    world.pass(Span::minutes(20)).await;
    assert!(is_refused(&world, &waiting));
    world.aws().clear_faults();
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}
