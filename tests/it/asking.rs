//! Asking in Slack: commands, the shortcut, the picker, and the one card that a request has.

use crate::world::{World, only, stories, values};
use insta::assert_snapshot;
use sym::access::{FlowName, Span};
use sym::sandbox::slack::{Fault, When};

const PROD_ADMIN: (&str, &str) = ("ps-1111111111111111", "111122223333");

#[tokio::test]
async fn access_ends_when_its_time_is_up_and_one_card_tells_all_of_it() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    assert_snapshot!(world.card(&request), @"
    :hourglass_flowing_sand: @ana requests *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Each of these rules must be satisfied:
    • *everybody*: 0 of 1 approvals so far. Members of #access-requests can approve or deny.
    • *prod*: 0 of 1 approvals so far. bo@example.com or cy@example.com can approve or deny.
    (Answer by today at 12:00 PM, or the request lapses. Access ends 1 hour after AWS has confirmed it.)
    Approve for at most
    [‹as asked: 1 hour›] of 30 minutes | as asked: 1 hour
    [Approve] [Deny]
    ");
    assert_snapshot!(ana.next_dm(), @r"
    Your request for *Prod admin* for 1 hour has gone to #access-requests. It lapses today at 12:00 PM if nobody answers.
    [Take it back]
    ");
    assert!(world.aws_writes().is_empty(), "AWS was written to before anybody approved");

    bo.approves(&request).await;
    assert_snapshot!(world.card(&request), @r"
    :hourglass_flowing_sand: @ana is getting *Prod admin* for 1 hour
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Approved by @bo.
    Waiting for AWS.
    (Ends today at 11:15 AM at the latest)
    [Revoke]
    ");
    world.settle().await;
    assert!(ana.holds(PROD_ADMIN.0, PROD_ADMIN.1));
    assert_snapshot!(world.card(&request), @r"
    :white_check_mark: @ana has *Prod admin* until today at 11:00 AM
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Approved by @bo.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod admin* until today at 11:00 AM.
    In the browser: open the access portal, https://example.awsapps.com/start, and choose account *prod* (111122223333).
    On the command line: `aws configure sso --profile prod-admin` once (SSO region `us-east-1`), then `aws sso login --profile prod-admin`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");

    world.pass(Span::minutes(59)).await;
    assert_snapshot!(ana.next_dm(), @r"
    Your access to *Prod admin* ends today at 11:00 AM. If you need it longer, ask again now with `/sym request aws`: once approved, it goes on without a gap.
    [Give it back]
    ");
    assert!(ana.holds(PROD_ADMIN.0, PROD_ADMIN.1));
    world.pass(Span::minutes(1)).await;
    world.settle().await;
    assert!(!ana.holds(PROD_ADMIN.0, PROD_ADMIN.1));
    assert_snapshot!(world.card(&request), @r"
    :lock: @ana no longer has *Prod admin*
    (Account *prod* (111122223333)  ·  Flow *AWS*  ·  Request `9uh8aen4p6cii`)
    · *Reason* INC-42
    Why: its hour is up. AWS was read afterwards: it is gone.
    Approved by @bo.
    (A session opened before can go on until it expires by itself.)
    (Ended today at 11:00 AM, after 1 hour)
    ");
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: its hour is up.");
    assert_eq!(world.posts(), 1, "a request has one card");
    world.finish().await;
}

#[tokio::test]
async fn the_bare_command_offers_the_flows_and_a_choice_opens_its_form() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    for text in ["", "request", "req", "  Request  ", "REQ"] {
        ana.types(text).await;
        assert!(ana.form().contains("What do you need?"), "/sym {text}: {}", ana.form());
        ana.closes_form().await;
    }
    ana.types("").await;
    assert_snapshot!(ana.form(), @"
    ── Request access ──
    Pick what you need. The next page asks for the details.
    *What do you need?*
    [‹Choose one›] of AWS | Support group | IAM groups | Every field | Self-service | Own decision | Only a decision | Closed | Until revoked | For a moment
    [Cancel]
    ");
    ana.picks("Support group").await;
    assert_snapshot!(ana.form(), @r"
    ── Request access ──
    Access in AWS for a limited time. It ends by itself.
    ────
    # Support group
    *Target*
    Prod support
    Reason: []
    Duration: [30 minutes] of 30 minutes | 1 hour | 4 hours | 8 hours
    [Cancel] [Submit]
    ");
    let request = ana.sends(values([("Reason", "INC-42")])).await;
    assert_snapshot!(world.card(&request), @r"
    :hourglass_flowing_sand: @ana requests *Prod support* for 30 minutes
    (Flow *Support group*  ·  Request `n54jg864rm3sk`)
    · *Reason* INC-42
    Members of #access-requests can approve or deny (rule *standard*).
    (Answer by today at 6:00 PM, or the request lapses. Access ends 30 minutes after AWS has confirmed it.)
    [Approve] [Deny]
    ");
    assert_eq!(world.slack().call_count("views.open"), 6);
    assert_eq!(world.slack().call_count("views.update"), 1);
    world.ignore_messages();
    ana.presses_in_dm("sym_withdraw").await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test]
async fn a_flow_is_found_by_its_name_in_any_capitals() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    for text in ["request groups", "req Groups", "Request GROUPS", "request   groups and more words"] {
        ana.types(text).await;
        assert!(ana.form().contains("Prod support"), "/sym {text}: {}", ana.form());
        ana.closes_form().await;
    }
    world.finish().await;
}

#[tokio::test]
async fn an_unknown_flow_is_named_and_the_picker_opens() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    ana.types("request grups").await;
    assert_snapshot!(ana.next_whisper(), @"
    There is no flow named `grups`. Did you mean `/sym request groups`?
    You can request:
    • `aws` AWS
    • `groups` Support group
    • `iam` IAM groups
    • `fields` Every field
    • `auto` Self-service
    • `self` Own decision
    • `approval` Only a decision
    • `closed` Closed
    • `manual` Until revoked
    • `short` For a moment
    ");
    assert!(ana.form().contains("What do you need?"));
    ana.closes_form().await;
    ana.types("request <!channel>*`").await;
    let said = ana.next_whisper();
    assert_snapshot!(said.lines().next().unwrap(), @"There is no flow named `&lt;!channel&gt;*ˋ`.");
    ana.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn help_tells_what_can_be_typed_and_requested() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    ana.types("help").await;
    let help = ana.next_whisper();
    assert_snapshot!(help, @"
    *Sym* gives access in AWS for a limited time, after people have approved it.
    • `/sym request` asks what you need
    • `/sym request FLOW` opens that form at once
    • `/sym help` shows this
    You can request:
    • `aws` AWS
    • `groups` Support group
    • `iam` IAM groups
    • `fields` Every field
    • `auto` Self-service
    • `self` Own decision
    • `approval` Only a decision
    • `closed` Closed
    • `manual` Until revoked
    • `short` For a moment
    ");
    for text in ["HELP", "what now", "list"] {
        ana.types(text).await;
        assert_eq!(ana.next_whisper(), help, "/sym {text}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_shortcut_of_the_app_offers_the_flows_too() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let app = include_str!("../../slack-app.yaml");
    let callback = app.lines().find_map(|line| line.trim().strip_prefix("callback_id: ")).unwrap();
    assert!(world.slack().shortcut(ana.user(), callback).await.acked);
    world.engine().settle().await;
    assert!(ana.form().contains("What do you need?"));
    ana.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn a_single_flow_needs_no_choice() {
    let world = World::around(only(&["groups"])).await;
    let ana = world.person("ana");
    for text in ["", "request", "req groups"] {
        ana.types(text).await;
        assert!(ana.form().contains("Prod support"), "/sym {text}: {}", ana.form());
        ana.closes_form().await;
    }
    assert!(world.slack().shortcut(ana.user(), "request_access").await.acked);
    world.engine().settle().await;
    assert!(ana.form().contains("Prod support"));
    ana.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn more_flows_than_a_list_takes_are_searched() {
    let mut catalog = stories();
    let model = catalog.flows.iter().find(|entry| entry.flow.name.as_str() == "groups").unwrap().clone();
    for number in 0..120 {
        let mut entry = model.clone();
        entry.flow.name = FlowName::new(format!("group-{number}"));
        entry.flow.label = format!("Group number {number}");
        catalog.flows.push(entry);
    }
    let world = World::around(catalog).await;
    let ana = world.person("ana");
    ana.types("").await;
    let view = world.slack().view(ana.user()).unwrap();
    let found = world.slack().options(ana.user(), &view.id, "flow", "number 11").await.unwrap();
    let labels: Vec<&str> = found.payload["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["text"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(labels.len(), 11, "{labels:?}");
    assert_eq!(labels[0], "Group number 11");
    let all = world.slack().options(ana.user(), &view.id, "flow", "").await.unwrap();
    assert_eq!(all.payload["options"].as_array().unwrap().len(), 100);
    ana.picks("Group number 119").await;
    assert!(ana.form().contains("Group number 119"), "{}", ana.form());
    ana.closes_form().await;
    world.finish().await;
}

#[tokio::test]
async fn a_form_that_slack_no_longer_opens_is_explained() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    world.slack().fault("views.open", When::Next(1), Fault::Error("expired_trigger_id".into()));
    ana.types("request groups").await;
    assert_snapshot!(ana.next_whisper(), @"I could not open the form in time. Please try again.");
    world.slack().fault("views.open", When::Next(1), Fault::Error("expired_trigger_id".into()));
    world.slack().shortcut(ana.user(), "request_access").await;
    world.engine().settle().await;
    assert_snapshot!(ana.next_dm(), @"I could not open the form in time. Please try again.");
    world.finish().await;
}

#[tokio::test]
async fn a_form_closed_without_a_word_makes_no_request() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    ana.types("request groups").await;
    ana.closes_form().await;
    ana.types("").await;
    ana.closes_form().await;
    assert!(world.request_ids().is_empty());
    assert_eq!(world.posts(), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_rule_that_asks_nobody_gives_access_at_once() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    ana.types("request auto").await;
    assert!(!ana.form().contains("4 hours"), "more than the rule allows is not offered: {}", ana.form());
    let request = ana.sends(values([("Duration", "1 hour")])).await;
    world.settle().await;
    assert!(ana.is_in_group());
    assert_snapshot!(world.card(&request), @"
    :white_check_mark: @ana has *Prod support* until today at 11:00 AM
    (Flow *Self-service*  ·  Request `9uh8aen4p6cii`)
    Approved by the rule *self-service*.
    (A session that is open at the end can go on until it expires by itself.)
    [Revoke]
    ");
    assert_snapshot!(ana.next_dm(), @r"
    :white_check_mark: You have *Prod support* until today at 11:00 AM.
    What the group gives appears when you reload the access portal, https://example.awsapps.com/start. On the command line, log in again with `aws sso login`.
    (A session that is open at the end can go on until it expires by itself.)
    [Give it back]
    ");
    world.pass(Span::hours(1)).await;
    world.settle().await;
    assert!(!ana.is_in_group());
    world.ignore_messages();
    assert_eq!(world.posts(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_flow_that_is_only_a_decision_changes_nothing_in_aws() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("").flow("approval").with("What", "Deploy on Friday").send().await;
    assert_snapshot!(world.card(&request), @r"
    :hourglass_flowing_sand: @ana requests *Only a decision*
    (Grants nothing in AWS  ·  Request `9uh8aen4p6cii`)
    · *What* Deploy on Friday
    Members of #access-requests can approve or deny (rule *standard*).
    (Answer by today at 6:00 PM, or the request lapses.)
    [Approve] [Deny]
    ");
    assert_snapshot!(ana.next_dm(), @r"
    Your request for *Only a decision* has gone to #access-requests. It lapses today at 6:00 PM if nobody answers.
    [Take it back]
    ");
    bo.approves(&request).await;
    assert_snapshot!(world.card(&request), @r"
    :white_check_mark: @ana may go ahead: *Only a decision*
    (Grants nothing in AWS  ·  Request `9uh8aen4p6cii`)
    · *What* Deploy on Friday
    Approved by @bo.
    (Approved today at 10:00 AM)
    ");
    assert_snapshot!(ana.next_dm(), @":white_check_mark: Your request *Only a decision* is approved by @bo.");
    assert!(world.aws_writes().is_empty());
    assert_eq!(world.posts(), 1);
    world.finish().await;
}
