//! Who AWS knows a person as: found out before anybody is asked, and never guessed.

use crate::world::{World, stories, values};
use insta::assert_snapshot;
use sym::access::{Email, Span, Status};
use sym::manifest::Identity;
use sym::sandbox::aws::{Fault, Match};
use sym::sandbox::slack::Person;

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1111111111111111";

async fn is_turned_away(world: World, who: &str) -> String {
    let zed = world.newcomer(Person::new(who));
    let told = turned_away(&world, &zed).await;
    world.finish().await;
    told
}

/// They ask, hear why not, and nobody else hears of it.
async fn turned_away(world: &World, someone: &crate::world::Someone<'_>) -> String {
    someone.types("request groups").await;
    let request = someone.sends(values([("Reason", "INC-42")])).await;
    assert!(matches!(world.status(&request), Status::Refused { .. }));
    assert_eq!(world.posts(), 0, "nobody is asked in vain");
    assert!(world.aws_writes().is_empty());
    someone.next_dm()
}

#[tokio::test]
async fn without_an_address_on_the_profile_nobody_can_be_found() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    world.slack().change_person(ana.user(), |person| person.email = None);
    assert_snapshot!(turned_away(&world, &ana).await, @r"
    :no_entry: Your request for *Prod support* was refused.
    Your Slack profile has no e-mail address that I can see, so I cannot tell who you are in AWS. Ask your administrator: the app needs the scope `users:read.email`, and your profile an address.
    When that has changed, ask again with `/sym request groups`.
    ");
    world.finish().await;
}

#[tokio::test]
async fn an_address_that_aws_does_not_know_is_said_before_anybody_is_asked() {
    let world = World::of_stories().await;
    assert_snapshot!(is_turned_away(world, "zed").await, @r"
    :no_entry: Your request for *Prod support* was refused.
    Nobody in Identity Center instance arn:aws:sso:::instance/ssoins-1111111111111111 has the user name or e-mail address of your Slack profile. Ask your administrator to add an `identity` block with your user name to the manifest.
    When that has changed, ask again with `/sym request groups`.
    ");
}

#[tokio::test]
async fn of_two_users_with_the_address_none_is_guessed() {
    let world = World::of_stories().await;
    let store = world.stage.store_of(INSTANCE).unwrap();
    let ids = ["90000001-2222-4333-8444-555555555555", "90000002-2222-4333-8444-555555555555"];
    world.aws().add_sso_user(store, ids[0], "zed-one", "Zed@example.com");
    world.aws().add_sso_user(store, ids[1], "zed-two", "ZED@example.com");
    let told = is_turned_away(world, "zed").await;
    assert!(ids.iter().all(|id| told.contains(id)));
    assert_snapshot!(told, @r"
    :no_entry: Your request for *Prod support* was refused.
    2 users of Identity Center instance arn:aws:sso:::instance/ssoins-1111111111111111 share the user name or e-mail address of your Slack profile: 90000001-2222-4333-8444-555555555555, 90000002-2222-4333-8444-555555555555. Ask your administrator to add an `identity` block to the manifest that says which of them you are.
    When that has changed, ask again with `/sym request groups`.
    ");
}

#[tokio::test]
async fn the_manifest_can_say_who_somebody_is() {
    let mut catalog = stories();
    catalog.identities.push(Identity {
        email: Email::new("zed@example.com"),
        aws_sso: Some("zed.in.aws".into()),
        aws_iam: None,
        integrations: Vec::new(),
    });
    let world = World::around(catalog).await;
    let store = world.stage.store_of(INSTANCE).unwrap();
    let id = "90000001-2222-4333-8444-555555555555";
    world.aws().add_sso_user(store, id, "zed.in.aws", "zed@elsewhere.example");
    let (zed, bo) = (world.newcomer(Person::new("zed")), world.person("bo"));
    let request = zed.asks_for("").flow("groups").because("INC-42").send().await;
    zed.next_dm();
    bo.approves(&request).await;
    world.settle().await;
    assert!(world.aws().is_member(store, "11112222-3333-4444-5555-666677778888", id));
    zed.next_dm();
    world.pass(Span::hours(8)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn capitals_in_an_address_do_not_matter() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.slack().change_person(ana.user(), |person| person.email = Some("Ana@EXAMPLE.com".into()));
    let store = world.stage.store_of(INSTANCE).unwrap();
    world.aws().add_sso_user(store, &ana.player.sso_user, "Ana@Example.Com", "Ana@Example.Com");
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.is_in_group());
    world.pass(Span::hours(8)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn an_iam_user_is_found_by_its_name() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("iam").because("INC-42").send().await;
    assert_snapshot!(world.card(&request), @r"
    :hourglass_flowing_sand: @ana requests *CloudWatch read-only* for 30 minutes
    (Account 111122223333  ·  IAM group *cloudwatch-readonly*  ·  Flow *IAM groups*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Members of #access-requests can approve or deny (rule *standard*).
    (Answer by today at 6:00 PM, or the request lapses. Access ends 30 minutes after AWS has confirmed it.)
    [Approve] [Deny]
    ");
    ana.next_dm();
    bo.approves(&request).await;
    world.settle().await;
    assert!(world.aws().in_iam_group("111122223333", "cloudwatch-readonly", "ana@example.com"));
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *CloudWatch read-only* until today at 10:30 AM.
    Your IAM user `ana@example.com` in account 111122223333 has it now; no new login is needed. AWS can take a few seconds to notice.
    [Give it back]
    ");
    world.pass(Span::hours(8)).await;
    world.settle().await;
    assert_eq!(world.posts(), 1);
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn an_aws_that_is_busy_only_makes_the_card_late() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    world.aws().fault(Match::times("GetUserId", 2), Fault::ServerError(500));
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    assert!(matches!(world.status(&request), Status::Identifying { .. }));
    assert_eq!(world.posts(), 0);
    assert!(ana.has_nothing_new());
    world.settle().await;
    assert!(matches!(world.status(&request), Status::Pending { .. }));
    assert_eq!(world.posts(), 1);
    ana.next_dm();
    bo.denies(&request).await;
    ana.next_dm();
    world.finish().await;
}

#[tokio::test]
async fn an_aws_that_stays_away_gives_the_request_back() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let away =
        Fault::Error { code: "ThrottlingException".into(), message: "Rate exceeded".into(), status: 400 };
    world.aws().fault(Match::every("GetUserId"), away);
    let request = ana.asks_for("").flow("groups").because("INC-42").send().await;
    world.pass(Span::minutes(16)).await;
    assert!(matches!(world.status(&request), Status::Refused { .. }));
    assert_snapshot!(ana.next_dm(), @r"
    :no_entry: Your request for *Prod support* was refused.
    AWS could not say who you are there. `identitystore:GetUserId` as role arn:aws:iam::111122223333:role/sym/SymSSOMain failed: ThrottlingException: Rate exceeded.
    When that has changed, ask again with `/sym request groups`.
    ");
    assert_eq!(world.posts(), 0);
    world.finish().await;
}

#[tokio::test]
async fn an_address_that_changes_while_access_is_held_does_not_keep_it_from_ending() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    bo.approves(&request).await;
    world.settle().await;
    assert!(ana.holds("ps-1111111111111111", "111122223333"));
    // In Slack, and in Identity Center, where somebody else has the old one now.
    world.slack().change_person(ana.user(), |ana| ana.email = Some("ana.lima@example.com".into()));
    let store = world.stage.store_of(INSTANCE).unwrap();
    world.aws().add_sso_user(store, &ana.player.sso_user, "ana.lima@example.com", "ana.lima@example.com");
    world.aws().add_sso_user(store, "90000009-2222-4333-8444-555555555555", "ana", "ana@example.com");
    world.pass(Span::minutes(61)).await;
    assert!(!ana.holds("ps-1111111111111111", "111122223333"));
    assert!(matches!(world.status(&request), Status::Ended { .. }));
    world.ignore_messages();
    world.finish().await;
}
