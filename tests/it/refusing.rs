//! Who may not ask, and who may not decide: each hears why, in private.

use crate::world::{Asked, Someone, World, values};
use insta::assert_snapshot;
use serde_json::json;
use sym::access::{People, Span, Status};
use sym::sandbox::slack::{Fault, Person, When};

async fn support(ana: &Someone<'_>) -> Asked {
    ana.asks_for("").flow("groups").because("INC-42").send().await
}

/// Nothing came of it, and it is over.
async fn still_open(world: World, request: Asked) {
    assert!(matches!(world.status(&request), Status::Pending { .. }));
    assert!(world.request(&request).approvals.is_empty());
    assert!(world.aws_writes().is_empty());
    let ana = world.person("ana");
    ana.next_dm();
    ana.presses_in_dm("sym_withdraw").await;
    ana.next_dm();
    assert_eq!(world.posts(), 1);
    world.finish().await;
}

#[tokio::test]
async fn who_is_not_in_the_channel_is_told_so_although_slack_cannot_whisper_there() {
    let world = World::of_stories().await;
    let (ana, dee) = (world.person("ana"), world.person("dee"));
    let request = support(&ana).await;
    dee.approves(&request).await;
    assert_snapshot!(dee.next_dm(), @"You are not among those who decide on the request for *Prod support*. Members of #access-requests can.");
    dee.denies(&request).await;
    assert_snapshot!(dee.next_dm(), @"You are not among those who decide on the request for *Prod support*. Members of #access-requests can.");
    still_open(world, request).await;
}

#[tokio::test]
async fn nobody_decides_on_their_own_request() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let request = support(&ana).await;
    ana.approves(&request).await;
    assert_snapshot!(ana.next_whisper(), @"This is your own request: somebody else has to decide on it. It stays open until they do.");
    ana.denies(&request).await;
    assert_eq!(ana.next_whisper().lines().count(), 1);
    still_open(world, request).await;
}

#[tokio::test]
async fn a_second_account_with_the_same_address_is_the_same_person() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let again = Person { email: Some("ANA@Example.COM".into()), ..Person::new("ana-on-the-phone") };
    let again = world.newcomer(again);
    world.slack().add_member(world.channel(), again.user());
    let request = support(&ana).await;
    again.approves(&request).await;
    assert!(again.next_whisper().starts_with("This is your own request"));
    still_open(world, request).await;
}

#[tokio::test]
async fn a_changed_address_does_not_make_somebody_else_of_them() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let request = support(&ana).await;
    world.slack().change_person(ana.user(), |person| person.email = Some("new@example.com".into()));
    world.pass(Span::minutes(6)).await;
    ana.approves(&request).await;
    assert!(ana.next_whisper().starts_with("This is your own request"));
    still_open(world, request).await;
}

#[tokio::test]
async fn guests_press_in_vain() {
    let world = World::of_stories().await;
    let (ana, gil) = (world.person("ana"), world.person("gil"));
    let request = support(&ana).await;
    gil.approves(&request).await;
    assert_snapshot!(gil.next_whisper(), @"Guests cannot use these buttons. A full member of this workspace can.");
    gil.denies(&request).await;
    gil.next_whisper();
    still_open(world, request).await;
}

#[tokio::test]
async fn members_of_another_workspace_press_in_vain() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    // In a shared channel their address could be anybody's, such as an approver's.
    let sue = Person {
        team_id: Some("T0PARTNER1".into()),
        email: Some("bo@example.com".into()),
        ..Person::new("sue")
    };
    let sue = world.newcomer(sue);
    world.slack().add_member(world.channel(), sue.user());
    let request = support(&ana).await;
    sue.approves(&request).await;
    assert_snapshot!(sue.next_whisper(), @"You belong to another workspace, so you cannot act here. A member of this workspace can.");
    sue.denies(&request).await;
    sue.next_whisper();
    still_open(world, request).await;
}

#[tokio::test]
async fn deactivated_accounts_and_bots_press_in_vain() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let robot = world.newcomer(Person { is_bot: true, ..Person::new("robot") });
    world.slack().add_member(world.channel(), robot.user());
    let request = support(&ana).await;
    world.slack().change_person(bo.user(), |person| person.deleted = true);
    world.slack().send_envelope(&world.envelope("gone", &bo, "sym_approve", request.id.as_str()));
    world.slack().send_envelope(&world.envelope("robot", &robot, "sym_approve", request.id.as_str()));
    world.hears().await;
    assert_snapshot!(bo.next_whisper(), @"Your account here is deactivated, so nothing was done.");
    assert_snapshot!(robot.next_whisper(), @"Only people can use these buttons.");
    still_open(world, request).await;
}

#[tokio::test]
async fn a_leaver_loses_the_right_within_minutes() {
    let world = World::of_stories().await;
    let (ana, cy) = (world.person("ana"), world.person("cy"));
    let first = support(&ana).await;
    cy.denies(&first).await;
    let request = support(&ana).await;
    world.slack().remove_member(world.channel(), cy.user());
    world.pass(Span::minutes(2)).await;
    cy.approves(&request).await;
    assert!(cy.next_dm().starts_with("You are not among those who decide"));
    world.ignore_messages();
    ana.presses_in_dm("sym_withdraw").await;
    world.ignore_messages();
    assert!(world.aws_writes().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn what_slack_cannot_say_is_no_right() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = support(&ana).await;
    world.pass(Span::minutes(2)).await;
    for fault in [
        Fault::ServerError,
        Fault::Error("fetch_members_failed".into()),
        Fault::RateLimit { retry_after: 30 },
    ] {
        world.slack().fault("conversations.members", When::Always, fault);
        bo.approves(&request).await;
        assert!(bo.next_whisper().starts_with("Slack or AWS could not say"));
        world.slack().clear_faults();
    }
    world.pass(Span::minutes(6)).await;
    world.slack().fault("users.info", When::Always, Fault::ServerError);
    bo.approves(&request).await;
    assert_snapshot!(bo.next_whisper(), @"Slack or AWS could not say just now whether you may do this, so nothing was done. Try again in a minute.");
    world.slack().clear_faults();
    assert!(matches!(world.status(&request), Status::Pending { .. }));
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.is_in_group(), "once Slack answers, the click counts");
    world.pass(Span::hours(8)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn guests_cannot_ask() {
    let world = World::of_stories().await;
    let gil = world.person("gil");
    gil.types("request groups").await;
    let reply = gil.submits(values([("Reason", "please")])).await;
    assert_snapshot!(json!(reply.errors()), @r#"{"field:reason":"Guests cannot request access. Ask a full member of this workspace for help."}"#);
    gil.closes_form().await;
    gil.types("request groups").await;
    assert_snapshot!(gil.next_whisper(), @"Guests cannot request access. Ask a full member of this workspace for help.");
    // And when Slack could not say who they are until the form was sent:
    world.pass(Span::minutes(6)).await;
    world.slack().fault("users.info", When::Next(2), Fault::ServerError);
    gil.types("request groups").await;
    let request = gil.sends(values([("Reason", "please")])).await;
    assert_snapshot!(gil.next_dm(), @r"
    :no_entry: Your request for *Prod support* was refused.
    Guests cannot request access. Ask a full member of this workspace for help.
    When that has changed, ask again with `/sym request groups`.
    ");
    assert!(matches!(world.status(&request), Status::Refused { .. }));
    assert_eq!(world.posts(), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_rule_that_names_the_members_of_a_shared_channel_names_no_strangers() {
    let mut catalog = crate::world::stories();
    for rule in catalog.flows.iter_mut().flat_map(|entry| &mut entry.rules) {
        rule.requesters = vec![People::ChannelMembers];
    }
    let world = World::around(catalog).await;
    let sue = world.newcomer(Person { team_id: Some("T0PARTNER1".into()), ..Person::new("sue") });
    let gil = world.person("gil");
    world.slack().add_member(world.channel(), sue.user());
    for someone in [&sue, &gil] {
        world.slack().fault("users.info", When::Next(2), Fault::ServerError);
        someone.types("request groups").await;
        let request = someone.sends(values([("Reason", "please")])).await;
        assert!(matches!(world.status(&request), Status::Refused { .. }));
        someone.next_dm();
    }
    sue.types("request groups").await;
    assert_snapshot!(sue.next_whisper(), @"You belong to another workspace. Only members of this one can request access.");
    assert_eq!(world.posts(), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_rule_can_close_an_account_for_everybody_and_a_flow_for_most() {
    let world = World::of_stories().await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    ana.types("request closed").await;
    let reply = ana.submits(values([("Target", "Read only"), ("Account", "777788889999")])).await;
    assert_snapshot!(json!(reply.errors()), @r#"{"target":"No rule of this flow lets you ask for this. If you should be able to, ask the people who look after the flow to add a rule for you."}"#);
    ana.closes_form().await;

    cy.types("request closed").await;
    let reply = cy.submits(values([("Target", "Read only"), ("Account", "staging (444455556666)")])).await;
    assert_snapshot!(json!(reply.errors()), @r#"{"target":"The rule “never” of this flow lets nobody have this."}"#);
    let request = cy.sends(values([("Account", "dev (777788889999)")])).await;
    cy.next_dm();
    bo.approves(&request).await;
    world.settle().await;
    assert!(cy.holds("ps-2222222222222222", "777788889999"));
    world.pass(Span::hours(8)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_flow_can_let_guests_press() {
    let mut catalog = crate::world::stories();
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name.as_str() == "groups").unwrap();
    entry.flow.allow_guest_interaction = true;
    let world = World::around(catalog).await;
    let (ana, gil) = (world.person("ana"), world.person("gil"));
    let request = support(&ana).await;
    gil.denies(&request).await;
    assert!(matches!(world.status(&request), Status::Denied { .. }));
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn bots_cannot_ask() {
    let world = World::of_stories().await;
    let robot = world.newcomer(Person { is_bot: true, ..Person::new("robot") });
    robot.types("request groups").await;
    let reply = robot.submits(values([("Reason", "beep")])).await;
    assert_snapshot!(json!(reply.errors()), @r#"{"field:reason":"Bots and apps cannot request access."}"#);
    robot.closes_form().await;
    assert!(world.request_ids().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn who_may_ask_is_found_out_once_slack_can_say() {
    let mut catalog = crate::world::stories();
    for rule in catalog.flows.iter_mut().flat_map(|entry| &mut entry.rules) {
        rule.requesters = vec![People::ChannelMembers];
    }
    let world = World::around(catalog).await;
    let (ana, bo, dee) = (world.person("ana"), world.person("bo"), world.person("dee"));
    world.slack().fault("conversations.members", When::Always, Fault::ServerError);
    let request = support(&ana).await;
    assert!(matches!(world.status(&request), Status::Identifying { .. }));
    world.slack().clear_faults();
    world.settle().await;
    assert_eq!(world.posts(), 1);
    bo.denies(&request).await;

    world.slack().fault("conversations.members", When::Always, Fault::ServerError);
    world.pass(Span::minutes(2)).await;
    let never = support(&ana).await;
    world.ignore_messages();
    world.pass(Span::minutes(16)).await;
    assert!(matches!(world.status(&never), Status::Refused { .. }));
    assert_snapshot!(ana.next_dm(), @"
    :no_entry: Your request for *Prod support* was refused.
    I could not find out whether the rule “standard” is about this request: who is in the channel or group, or where the account belongs, could not be read. Please try again in a minute; if it stays so, tell the people who look after this bot.
    When that has changed, ask again with `/sym request groups`.
    ");
    world.slack().clear_faults();

    dee.types("request groups").await;
    let errors = dee.submits(values([("Reason", "please")])).await.errors();
    assert_snapshot!(json!(errors), @r#"{"field:reason":"No rule of this flow lets you ask for this. If you should be able to, ask the people who look after the flow to add a rule for you."}"#);
    // And when Slack could not say that until the form was sent:
    world.pass(Span::minutes(6)).await;
    world.slack().fault("conversations.members", When::Next(2), Fault::ServerError);
    let request = dee.sends(values([("Reason", "please")])).await;
    assert!(matches!(world.status(&request), Status::Identifying { .. } | Status::Refused { .. }));
    world.slack().clear_faults();
    world.pass(Span::minutes(1)).await;
    assert!(matches!(world.status(&request), Status::Refused { .. }));
    assert_snapshot!(dee.next_dm(), @r"
    :no_entry: Your request for *Prod support* was refused.
    No rule of this flow lets you ask for this. If you should be able to, ask the people who look after the flow to add a rule for you.
    When that has changed, ask again with `/sym request groups`.
    ");
    assert_eq!(world.posts(), 1);
    world.finish().await;
}
