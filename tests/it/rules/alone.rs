//! Requests that nobody but the requester could decide.

use super::{asks, card_in, ends, errors_of, is_active, is_pending, is_refused, presses_in, world};
use crate::world::values;
use sym::access::{Span, Status};
use sym::sandbox::slack::{Fault, When};

fn form() -> serde_json::Value {
    values([("Reason", "INC-42"), ("Duration", "1 hour")])
}

#[tokio::test]
async fn the_only_approver_hears_in_the_form_that_nobody_else_could_decide() {
    let world = world().await;
    let bo = world.person("bo");
    let errors = errors_of(&bo, "alone", form()).await;
    insta::assert_snapshot!(errors.join("\n"), @"Only you could decide on this under the rule “alone”, and nobody decides on their own request. Ask the people who look after the flow to name somebody else who can approve.");
    bo.closes_form().await;
    assert!(world.request_ids().is_empty());
    // The same rule serves everybody else.
    let ana = world.person("ana");
    let asked = asks(&ana, "alone").await;
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn the_only_approver_who_submits_before_it_was_found_out_hears_right_after() {
    let world = world().await;
    let bo = world.person("bo");
    bo.types("request alone").await;
    // What was found out when the form was opened is not believed for ever.
    world.pass(Span::minutes(6)).await;
    let asked = bo.sends(form()).await;
    assert!(is_refused(&world, &asked));
    insta::assert_snapshot!(bo.next_dm(), @"
    :no_entry: Your request for *Prod admin* was refused.
    Only you could decide on this under the rule “alone”, and nobody decides on their own request. Ask the people who look after the flow to name somebody else who can approve.
    When that has changed, ask again with `/sym request alone`.
    ");
    assert!(world.channel_text("access-requests").is_empty(), "nobody else hears of it");
    world.finish().await;
}

#[tokio::test]
async fn an_approver_list_whose_others_have_left_is_a_list_of_one() {
    let world = world().await;
    let id = |handle: &str| world.person(handle).user().to_owned();
    // Bo, Cy and Dee, two of whom must approve.
    world.slack().change_person(&id("dee"), |dee| dee.deleted = true);
    let bo = world.person("bo");
    let errors = errors_of(&bo, "pair", form()).await;
    insta::assert_snapshot!(errors.join("\n"), @"The rule “pair” needs 2 approvals, and only one person beside you could give any. Ask the people who look after the flow to name somebody else who can approve.");
    bo.closes_form().await;
    world.slack().change_person(&id("cy"), |cy| cy.deleted = true);
    world.pass(Span::minutes(6)).await;
    let errors = errors_of(&bo, "pair", form()).await;
    insta::assert_snapshot!(errors.join("\n"), @"Only you could decide on this under the rule “pair”, and nobody decides on their own request. Ask the people who look after the flow to name somebody else who can approve.");
    bo.closes_form().await;
    let ana = world.person("ana");
    let errors = errors_of(&ana, "pair", form()).await;
    insta::assert_snapshot!(errors.join("\n"), @"The rule “pair” needs 2 approvals, and only one person could give any. Ask the people who look after the flow to name somebody else who can approve.");
    ana.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn an_only_approver_who_has_left_is_nobody() {
    let world = world().await;
    world.slack().change_person(world.person("bo").user(), |bo| bo.deleted = true);
    let ana = world.person("ana");
    let errors = errors_of(&ana, "alone", form()).await;
    insta::assert_snapshot!(errors.join("\n"), @"Nobody could decide on this: everybody whom the rule “alone” asks has left or cannot be found. Ask the people who look after the flow to name somebody else who can approve.");
    ana.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn the_only_approvers_own_request_goes_to_those_behind_them_at_once() {
    for flow in ["escalates", "unreachable"] {
        let world = world().await;
        let (bo, cy) = (world.person("bo"), world.person("cy"));
        let asked = asks(&bo, flow).await;
        assert!(is_pending(&world, &asked));
        let said = bo.next_dm().replace(asked.id.as_str(), "id");
        assert!(said.contains("#security"), "{said}");
        let card = card_in(&world, &asked, "security");
        let shown = world.slack().shown(cy.user(), &card);
        assert!(shown.contains("cy@example.com") && shown.contains("[Approve]"), "{shown}");
        presses_in(&world, &cy, &card, "sym_approve").await;
        world.settle().await;
        assert!(is_active(&world, &asked), "{flow}");
        ends(world).await;
    }
}

#[tokio::test]
async fn who_may_decide_on_their_own_in_writing_is_somebody() {
    let world = world().await;
    let ana = world.person("ana");
    // Nobody else is in the channel, and rule “a” lets Ana decide on her own request.
    for handle in ["bo", "cy", "dee", "gil"] {
        world.slack().change_person(world.person(handle).user(), |person| person.deleted = true);
    }
    let asked = super::asks_in(&ana, "own", super::DEV).await;
    ana.approves(&asked).await;
    world.settle().await;
    assert!(is_active(&world, &asked));
    ends(world).await;
}

#[tokio::test]
async fn while_slack_cannot_say_who_is_there_the_request_is_taken() {
    let world = world().await;
    let bo = world.person("bo");
    world.slack().change_person(world.person("cy").user(), |cy| cy.deleted = true);
    for method in ["users.lookupByEmail", "usergroups.list", "conversations.members"] {
        world.slack().fault(method, When::Always, Fault::ServerError);
    }
    // Bo's own name needs no look-up; whether Cy and Dee are there does.
    let asked = asks(&bo, "pair").await;
    assert!(is_pending(&world, &asked));
    world.slack().clear_faults();
    world.pass(Span::hours(9)).await;
    assert!(matches!(world.status(&asked), Status::Lapsed { .. }));
    ends(world).await;
}
