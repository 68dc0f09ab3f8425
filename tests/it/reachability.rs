//! Rules that nobody could satisfy are found before anybody needs them.

use crate::world::World;
use std::path::Path;
use sym::access::{Fallback, FlowName, People, Span};
use sym::manifest::{Catalog, Options, load};
use sym::policy::{Decision, Rule};
use sym::sandbox::slack::{Fault, Person, When};

fn stories() -> Catalog {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/manifests/stories");
    load(&folder, &Options::default()).unwrap().catalog
}

/// The flow `aws` alone, with one rule.
fn one_rule(change: impl FnOnce(&mut Rule)) -> Catalog {
    let mut catalog = stories();
    catalog.flows.retain(|entry| entry.flow.name == FlowName::new("aws"));
    let mut rule = Rule::standard("manifests/prod.hcl:12");
    rule.name = "prod".into();
    change(&mut rule);
    catalog.flows[0].rules = vec![rule];
    catalog
}

async fn findings(world: &World) -> Vec<String> {
    world.engine().check_reachability().await.into_iter().map(|finding| finding.sentence).collect()
}

fn user(handle: &str) -> People {
    People::User(sym::access::Email::new(&format!("{handle}@example.com")))
}

#[tokio::test]
async fn rules_that_work_are_not_talked_about() {
    let world = World::with("fixtures/manifests/stories").await;
    assert_eq!(world.engine().check_reachability().await, []);
    world.engine().tend();
    world.settle().await;
    assert_eq!(world.channel_text("sym-errors"), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn named_people_who_are_not_there() {
    let catalog = one_rule(|rule| {
        rule.approvers = ["bo", "cy", "gil", "robot", "nobody"].map(user).to_vec();
        rule.requesters = vec![user("ana")];
        rule.min_approvals = 2;
    });
    let world = World::around(catalog).await;
    world.slack().add_person(Person { is_bot: true, ..Person::new("robot") });
    world.slack().change_person(&world.stage.player("cy").unwrap().user.clone(), |cy| cy.deleted = true);
    let found = world.engine().check_reachability().await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule.as_str(), found[0].place.as_str()), ("prod", "manifests/prod.hcl:12"));
    insta::assert_snapshot!(found[0].to_string(), @"Flow “aws”, rule “prod” (manifests/prod.hcl:12): it needs 2 approvals, and only one person can give any (nobody here has the address cy@example.com; gil@example.com is a guest, and the flow does not let guests decide; robot@example.com is a bot; nobody here has the address nobody@example.com).");
}

#[tokio::test]
async fn a_typing_error_is_told_even_where_others_are_left() {
    let world = World::around(one_rule(|rule| {
        rule.approvers = vec![user("bo"), user("cy"), user("nobody")];
    }))
    .await;
    assert_eq!(findings(&world).await, ["nobody here has the address nobody@example.com"]);
}

#[tokio::test]
async fn nobody_is_left_for_the_only_approvers_own_request() {
    let alone = |requesters: Vec<People>, allow_self| {
        one_rule(move |rule| {
            rule.approvers = vec![user("bo")];
            rule.requesters = requesters;
            rule.allow_self = allow_self;
        })
    };
    let world = World::around(alone(vec![], false)).await;
    insta::assert_snapshot!(findings(&world).await.join("\n"), @"it needs one approval, and only one person can give any: when one of them asks, too few are left to approve");
    for catalog in [alone(vec![user("ana"), user("cy")], false), alone(vec![], true)] {
        world.engine().replace_catalog(catalog).await;
        assert_eq!(findings(&world).await, Vec::<String>::new());
    }
    world.engine().replace_catalog(alone(vec![user("bo")], false)).await;
    assert_eq!(findings(&world).await.len(), 1);
}

#[tokio::test]
async fn user_groups() {
    let with = |handle: &str| {
        let group = People::Usergroup(handle.to_owned());
        one_rule(move |rule| rule.approvers = vec![group])
    };
    let world = World::around(with("sre")).await;
    let id = |handle: &str| world.stage.player(handle).unwrap().user.clone();
    let (ana, bo, gil) = (id("ana"), id("bo"), id("gil"));
    let mut seen = findings(&world).await;
    let group = world.slack().add_usergroup("sre", &[&gil], false);
    seen.extend(findings(&world).await);
    world.slack().change_usergroup(&group, |group| group.users = vec![bo.clone(), gil.clone()]);
    seen.extend(findings(&world).await);
    world.slack().change_usergroup(&group, |group| group.users = vec![ana.clone(), bo.clone()]);
    assert_eq!(findings(&world).await, Vec::<String>::new());
    world.slack().change_usergroup(&group, |group| group.disabled = true);
    seen.extend(findings(&world).await);
    insta::assert_snapshot!(seen.join("\n"), @r"
    it needs one approval, and nobody can give any (there is no user group @sre)
    it needs one approval, and nobody can give any (the user group @sre has no member who could decide)
    it needs one approval, and only one person can give any: when one of them asks, too few are left to approve
    it needs one approval, and nobody can give any (the user group @sre is disabled)
    ");
}

#[tokio::test]
async fn channels() {
    let world = World::around(one_rule(|rule| {
        rule.notify = vec!["#prod-approvals".into()];
        rule.approvers = vec![People::ChannelMembers];
        rule.fallback = Some(Fallback {
            after: Some(Span::minutes(20)),
            notify: vec!["#nowhere".into(), "user:nobody@example.com".into()],
            approvers: vec![user("nobody"), People::Usergroup("ghosts".into())],
            is_used: false,
        });
    }))
    .await;
    let mut seen = vec![findings(&world).await.join("\n")];
    let own = world.stage.channel("access-requests").unwrap().to_owned();
    let notify = world.stage.channel("prod-approvals").unwrap().to_owned();
    world.slack().remove_bot(&own);
    world.slack().archive(&notify);
    seen.push(findings(&world).await.join("\n"));
    insta::assert_snapshot!(seen.join("\n--\n"), @r"
    in its fallback, nobody here has the address nobody@example.com
    in its fallback, there is no user group @ghosts
    there is no channel #nowhere that the bot can see (a private one it must be invited to)
    --
    it needs one approval, and nobody can give any (the bot is not in the channel #access-requests)
    in its fallback, nobody here has the address nobody@example.com
    in its fallback, there is no user group @ghosts
    the channel #prod-approvals is archived
    there is no channel #nowhere that the bot can see (a private one it must be invited to)
    ");
}

#[tokio::test]
async fn groups_of_identity_center() {
    let world =
        World::around(one_rule(|rule| rule.approvers = vec![People::IdcGroup("Security".into())])).await;
    let instance = "arn:aws:sso:::instance/ssoins-1111111111111111";
    let store = world.stage.store_of(instance).unwrap().to_owned();
    let mut seen = findings(&world).await;
    let group = "91111111-2222-4333-8444-555555555555";
    world.aws().add_sso_group(&store, group, "Security");
    world.pass(Span::minutes(1)).await;
    seen.extend(findings(&world).await);
    for handle in ["bo", "cy"] {
        world.aws().join_group(&store, group, &world.stage.player(handle).unwrap().sso_user);
    }
    assert_eq!(findings(&world).await, Vec::<String>::new());
    insta::assert_snapshot!(seen.join("\n"), @r"
    it needs one approval, and nobody can give any (there is no group “Security” in Identity Center)
    it needs one approval, and nobody can give any (the Identity Center group “Security” is empty)
    ");
}

#[tokio::test]
async fn rules_that_ask_nobody_need_nobody() {
    for decision in [Decision::Deny, Decision::Auto] {
        let world = World::around(one_rule(|rule| {
            rule.decision = decision;
            rule.approvers = vec![];
        }))
        .await;
        assert_eq!(findings(&world).await, Vec::<String>::new());
    }
    let world = World::around(one_rule(|rule| rule.approvers = vec![People::Everyone])).await;
    assert_eq!(findings(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_error_channel_hears_once_of_each_change_and_then_weekly() {
    let world = World::around(one_rule(|rule| {
        rule.approvers = vec![user("bo"), user("cy"), user("nobody")];
    }))
    .await;
    let told = || world.channel_text("sym-errors").len();
    let day = async || {
        world.pass(Span::days(1)).await;
        world.engine().tend();
        world.settle().await;
    };
    world.engine().tend();
    world.settle().await;
    assert_eq!(told(), 1);
    insta::assert_snapshot!(world.channel_text("sym-errors")[0], @r"
    :warning: These rules cannot be satisfied right now:
    • Flow “aws”, rule “prod” (manifests/prod.hcl:12): nobody here has the address nobody@example.com.
    Requests under them may lapse unanswered.
    ");
    world.engine().tend();
    world.settle().await;
    for _ in 0..6 {
        day().await;
    }
    assert_eq!(told(), 1, "nothing new in a week");
    day().await;
    assert_eq!(told(), 2);
    world.slack().change_person(&world.stage.player("cy").unwrap().user.clone(), |cy| cy.deleted = true);
    day().await;
    assert_eq!(told(), 3, "something new");
}

#[tokio::test]
async fn a_slack_that_cannot_say_finds_nothing_and_is_asked_again() {
    let world = World::around(one_rule(|rule| {
        rule.approvers = vec![user("bo"), user("cy"), user("nobody")];
    }))
    .await;
    for method in ["users.lookupByEmail", "users.conversations"] {
        world.slack().fault(method, When::Always, Fault::ServerError);
    }
    assert_eq!(findings(&world).await, Vec::<String>::new());
    world.engine().tend();
    world.settle().await;
    assert_eq!(world.channel_text("sym-errors"), Vec::<String>::new());
    world.slack().clear_faults();
    world.pass(Span::minutes(15)).await;
    world.engine().tend();
    world.settle().await;
    assert_eq!(world.channel_text("sym-errors").len(), 1);
}

#[tokio::test]
async fn an_error_channel_that_is_mended_hears_what_it_missed() {
    let world = World::around(one_rule(|rule| {
        rule.approvers = vec![user("bo"), user("cy"), user("nobody")];
    }))
    .await;
    world.slack().fault("chat.postMessage", When::Always, Fault::Error("is_archived".into()));
    world.engine().tend();
    world.settle().await;
    assert_eq!(world.channel_text("sym-errors"), Vec::<String>::new());
    world.slack().clear_faults();
    world.pass(Span::days(1)).await;
    world.engine().tend();
    world.settle().await;
    assert_eq!(world.channel_text("sym-errors").len(), 1);
}
