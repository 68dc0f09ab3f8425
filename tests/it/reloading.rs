//! Flows that change while the bot runs.

use crate::world::{Asked, World};
use std::path::{Path, PathBuf};
use sym::access::{FlowName, People, Span, Status};
use sym::bot::reload::{Manifests, Reloaded};
use sym::manifest::{Catalog, Options, load};
use sym::policy::{AccountSelector, Decision, Rule};
use sym::sandbox::aws::{Fault, Match};

fn stories() -> Catalog {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/manifests/stories");
    load(&folder, &Options::default()).unwrap().catalog
}

/// The stories' flows with one more rule in the flow `aws`.
fn with_rule(change: impl FnOnce(&mut Rule)) -> Catalog {
    let mut catalog = stories();
    let entry = catalog.flows.iter_mut().find(|entry| entry.flow.name == FlowName::new("aws")).unwrap();
    let mut rule = Rule { name: "freeze".into(), decision: Decision::Deny, ..Rule::standard("freeze.hcl:1") };
    rule.approvers.clear();
    change(&mut rule);
    entry.rules.push(rule);
    catalog
}

async fn ana_asks(world: &World) -> Asked {
    let ana = world.person("ana");
    let asked = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    world.settle().await;
    ana.next_dm();
    asked
}

fn is_refused(world: &World, asked: &Asked) -> bool {
    matches!(world.status(asked), Status::Refused { .. })
}

#[tokio::test]
async fn a_rule_that_denies_now_closes_what_waits() {
    let world = World::with("fixtures/manifests/stories").await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = ana_asks(&world).await;
    world.engine().replace_catalog(with_rule(|_| {})).await;
    world.settle().await;
    assert!(is_refused(&world, &asked));
    insta::assert_snapshot!(ana.next_dm(), @r"
    :no_entry: Your request for *Prod admin* was refused.
    The rules have changed since you asked: the rule “freeze” of this flow now lets nobody have this.
    When that has changed, ask again with `/sym request aws`.
    ");
    insta::assert_snapshot!(world.card(&asked).replace(asked.id.as_str(), "id"), @r"
    :no_entry: @ana cannot get *Prod admin* this way
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `id`)
    · *Reason* INC-42
    The rules have changed since you asked: the rule “freeze” of this flow now lets nobody have this.
    (Refused today at 10:00 AM)
    ");
    assert!(world.slack().messages(&world.card_message(&asked).channel).len() == 1, "the card is edited");
    drop(bo);
    world.finish().await;
}

#[tokio::test]
async fn live_access_and_other_requests_are_left_alone() {
    let world = World::with("fixtures/manifests/stories").await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let asked = ana_asks(&world).await;
    bo.approves(&asked).await;
    world.settle().await;
    ana.next_dm();
    world.engine().replace_catalog(with_rule(|_| {})).await;
    world.settle().await;
    assert!(ana.holds("ps-1111111111111111", "111122223333"));
    world.engine().replace_catalog(stories()).await;
    let other = ana_asks(&world).await;
    // Only Cy is denied, only staging is denied, or the flow is gone: the request goes on as it was agreed.
    let gone = Catalog { flows: Vec::new(), ..stories() };
    for catalog in [
        with_rule(|rule| rule.requesters = vec![People::User(sym::access::Email::new("cy@example.com"))]),
        with_rule(|rule| rule.accounts = vec![AccountSelector::Id("444455556666".into())]),
        gone,
    ] {
        world.engine().replace_catalog(catalog).await;
        world.settle().await;
        assert!(matches!(world.status(&other), Status::Pending { .. }));
    }
    bo.approves(&other).await;
    world.settle().await;
    assert!(matches!(world.status(&other), Status::Active { .. }));
    world.pass(Span::hours(2)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn an_approval_is_checked_against_denials_that_came_later() {
    // Where the account belongs cannot be read when the rules change; it can when Bo approves.
    let mut world = World::with("fixtures/manifests/stories").await;
    let asked = ana_asks(&world).await;
    world.aws().fault(Match::every("ListRoots"), Fault::Throttle);
    let by_root = || with_rule(|rule| rule.accounts = vec![AccountSelector::Ou("r-abcd".into())]);
    world.engine().replace_catalog(by_root()).await;
    world.settle().await;
    assert!(matches!(world.status(&asked), Status::Pending { .. }));
    // What cannot be found out is not taken for the laxer answer.
    let bo = world.person("bo");
    bo.approves(&asked).await;
    world.settle().await;
    assert!(matches!(world.status(&asked), Status::Pending { .. }));
    insta::assert_snapshot!(bo.next_whisper(), @"Slack or AWS could not say just now whether you may do this, so nothing was done. Try again in a minute.");
    world.aws().clear_faults();
    world.pass(Span::minutes(2)).await;
    let bo = world.person("bo");
    bo.approves(&asked).await;
    world.settle().await;
    assert!(is_refused(&world, &asked));
    insta::assert_snapshot!(bo.next_whisper(), @"Nothing was done: the request for *Prod admin* was closed. The rules have changed since you asked: the rule “freeze” of this flow now lets nobody have this.");
    insta::assert_snapshot!(world.person("ana").next_dm(), @r"
    :no_entry: Your request for *Prod admin* was refused.
    The rules have changed since you asked: the rule “freeze” of this flow now lets nobody have this.
    When that has changed, ask again with `/sym request aws`.
    ");
    world.restart().await;
    world.finish().await;
}

#[tokio::test]
async fn a_denial_that_does_not_concern_the_account_lets_the_approval_through() {
    let world = World::with("fixtures/manifests/stories").await;
    world.aws().add_ou("ou-abcd-11111111", "r-abcd", "other");
    world.aws().tag("111122223333", "env", "prod");
    let asked = ana_asks(&world).await;
    let tag = |value: &str| AccountSelector::Tag { key: "env".into(), value: value.into() };
    let elsewhere = vec![AccountSelector::Ou("ou-abcd-11111111".into()), tag("dev")];
    world.engine().replace_catalog(with_rule(|rule| rule.accounts = elsewhere)).await;
    assert!(matches!(world.status(&asked), Status::Pending { .. }));
    world.engine().replace_catalog(with_rule(|rule| rule.accounts = vec![tag("prod")])).await;
    world.settle().await;
    assert!(is_refused(&world, &asked));
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn an_account_whose_place_is_not_known_is_asked_about_until_it_is() {
    let world = World::around(with_rule(|rule| {
        rule.accounts = vec![AccountSelector::Tag { key: "env".into(), value: "dev".into() }];
    }))
    .await;
    world.aws().fault(Match::every("ListRoots"), Fault::Throttle);
    let ana = world.person("ana");
    let asked = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    assert!(matches!(world.status(&asked), Status::Identifying { .. }));
    world.aws().clear_faults();
    world.pass(Span::minutes(5)).await;
    assert!(matches!(world.status(&asked), Status::Pending { .. }));
    // And where it stays unknown, the request is given back in words.
    let world =
        World::around(with_rule(|rule| rule.accounts = vec![AccountSelector::Ou("ou-abcd-1".into())])).await;
    let denied = Fault::Error { code: "AccessDeniedException".into(), message: "no".into(), status: 400 };
    world.aws().fault(Match::every("ListRoots"), denied);
    let ana = world.person("ana");
    let asked = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    world.pass(Span::minutes(20)).await;
    assert!(is_refused(&world, &asked));
    insta::assert_snapshot!(ana.next_dm(), @r"
    :no_entry: Your request for *Prod admin* was refused.
    I could not find out whether the rule “freeze” is about this request: who is in the channel or group, or where the account belongs, could not be read. Please try again in a minute; if it stays so, tell the people who look after this bot.
    When that has changed, ask again with `/sym request aws`.
    ");
    let tries = world.aws().calls_of("ListRoots").len();
    assert!(tries <= 25, "AWS was asked {tries} times in twenty minutes");
    world.finish().await;
}

/// A folder with the stories' flows that can be edited.
struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let this = Self { dir };
        this.write(&Self::original());
        this
    }

    fn original() -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/manifests/stories/stories.hcl");
        std::fs::read_to_string(file).unwrap()
    }

    fn path(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    fn write(&self, text: &str) {
        std::fs::write(self.dir.path().join("stories.hcl"), text).unwrap();
    }
}

#[tokio::test]
async fn a_broken_manifest_changes_nothing_and_says_so() {
    let folder = Folder::new();
    let manifests = Manifests { folder: folder.path(), options: Options::default() };
    let world = World::around(load(&folder.path(), &Options::default()).unwrap().catalog).await;
    assert_eq!(manifests.reload(world.engine()).await, Reloaded::Unchanged);

    let before = world.engine().catalog();
    folder.write(
        &Folder::original().replace("user:bo@example.com", "user:nobody-at-all").replace("\"2h\"", "\"2 h\""),
    );
    assert_eq!(manifests.reload(world.engine()).await, Reloaded::Broken);
    assert_eq!(world.engine().catalog(), before);
    let said = || {
        let said = world.channel_text("sym-errors").join("\n--\n");
        said.replace(&folder.path().display().to_string(), "manifests")
    };
    insta::assert_snapshot!(said(), @r"
    :warning: The manifests have errors; the last good ones stay in force.
    ```manifests/stories.hcl:149:21: ˋanswer_withinˋ: ˋ2 hˋ is not a duration: write a whole number and one of s, m, h, d, mo, such as ˋ30mˋ or ˋ4hˋ
    manifests/stories.hcl:153:21: ˋnobody-at-allˋ is not an e-mail address```
    ");

    folder.write(&Folder::original().replace("Prod admin", "Production"));
    assert_eq!(manifests.reload(world.engine()).await, Reloaded::Replaced);
    assert_ne!(world.engine().catalog(), before);
    insta::assert_snapshot!(said().split("\n--\n").last().unwrap(), @":white_check_mark: The changed manifests are in force.");
    assert_eq!(manifests.reload(world.engine()).await, Reloaded::Unchanged);
    assert_eq!(world.channel_text("sym-errors").len(), 2, "it is said once that all is well");
    let ana = world.person("ana");
    let asked = ana.asks_for("Production").for_(Span::hours(1)).because("INC-42").send().await;
    assert!(matches!(world.status(&asked), Status::Pending { .. }));
    world.pass(Span::hours(9)).await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_rule_that_is_taken_away_still_binds_what_was_asked_under_it() {
    let world = World::with("fixtures/manifests/stories").await;
    let (ana, bo, cy) = (world.person("ana"), world.person("bo"), world.person("cy"));
    let live = ana_asks(&world).await;
    bo.approves(&live).await;
    world.settle().await;
    ana.next_dm();
    let waiting = cy.asks_for("Prod admin").for_(Span::hours(1)).because("INC-43").send().await;
    // Without “prod” anybody of the channel could decide on Prod admin.
    let mut without = stories();
    let entry = without.flows.iter_mut().find(|entry| entry.flow.name == FlowName::new("aws")).unwrap();
    entry.rules.retain(|rule| rule.name != "prod");
    world.engine().replace_catalog(without).await;
    world.settle().await;
    assert!(ana.holds("ps-1111111111111111", "111122223333"), "live access runs to its end");
    ana.approves(&waiting).await;
    world.settle().await;
    assert!(matches!(world.status(&waiting), Status::Pending { .. }), "rule “prod” still asks Bo or Cy");
    bo.approves(&waiting).await;
    world.settle().await;
    assert!(matches!(world.status(&waiting), Status::Active { .. }));
    // What is asked for from now on is asked for under the new rules.
    let new = bo.asks_for("Prod admin").for_(Span::hours(1)).because("INC-44").send().await;
    ana.approves(&new).await;
    world.settle().await;
    assert!(matches!(world.status(&new), Status::Active { .. }));
    world.pass(Span::minutes(62)).await;
    assert!(!ana.holds("ps-1111111111111111", "111122223333"));
    world.ignore_messages();
    world.finish().await;
}
