//! `sym explain` and `sym policy diff` against the simulated Slack and AWS: they look, and change nothing.

use super::{Process, SYM, stage, sym, text};
use std::process::{Command, Output};
use sym::demo::Stage;
use sym::sandbox::slack::{Fault, When};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/manifests/rules");

async fn rules_stage() -> Stage {
    let options = sym::manifest::Options::default();
    let loaded = sym::manifest::load(std::path::Path::new(RULES), &options);
    let catalog = loaded.map_err(|wrong| wrong.to_string()).unwrap().catalog;
    Stage::build(&catalog, &sym::clock::Clock::System, None).await.unwrap()
}

/// Asks with the bot's own credentials.
fn explain(stage: &Stage, arguments: &[&str]) -> Output {
    tokio::task::block_in_place(|| {
        Command::new(SYM)
            .args(["explain", RULES])
            .args(if arguments.contains(&"--duration") { &[][..] } else { &["--duration", "1h"] })
            .args(arguments)
            .env_clear()
            .env("SLACK_BOT_TOKEN", stage.slack.bot_token())
            .env("SYM_SLACK_API_URL", stage.slack.api_url())
            .env("AWS_ENDPOINT_URL", stage.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", stage.access_key())
            .env("AWS_SECRET_ACCESS_KEY", "simulated")
            .env("AWS_REGION", "us-east-1")
            .output()
            .unwrap()
    })
}

fn said(output: &Output) -> String {
    let place = format!("{RULES}/");
    let out = format!("{}{}", text(&output.stdout), text(&output.stderr)).replace(&place, "");
    format!("{out}[exit code {}]", output.status.code().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_asks_slack_and_aws_who_could_decide_now() {
    let stage = rules_stage().await;
    let id = |handle: &str| stage.player(handle).unwrap().user.clone();
    stage.slack.add_usergroup("devs", &[&id("ana")], false);
    stage.slack.add_usergroup("sre", &[&id("bo"), &id("cy"), &id("ana")], false);
    stage.slack.change_person(&id("cy"), |cy| cy.deleted = true);
    let held = stage.aws.holdings();
    let ana = ["--as", "ana@example.com"];
    let ask = |more: &[&str]| said(&explain(&stage, &[&ana[..], more].concat()));
    insta::assert_snapshot!("explain_live_allowed", ask(&["--flow", "usergroups"]));
    // The account's place and tags come from AWS, and the way there too.
    insta::assert_snapshot!(
        "explain_live_account",
        ask(&["--flow", "accounts", "--account", "111122223333"])
    );
    insta::assert_snapshot!("explain_live_duration", ask(&["--flow", "usergroups", "--duration", "3h"]));
    let dee = |flow: &str| said(&explain(&stage, &["--as", "dee@example.com", "--flow", flow]));
    insta::assert_snapshot!("explain_live_denied", dee("usergroups"));
    let bo = said(&explain(&stage, &["--as", "bo@example.com", "--flow", "alone"]));
    insta::assert_snapshot!("explain_live_alone", bo);
    let nobody = said(&explain(&stage, &["--as", "nobody@example.com", "--flow", "alone"]));
    insta::assert_snapshot!("explain_live_nobody", nobody);
    assert_eq!(stage.aws.holdings(), held);
    assert_eq!(stage.slack.unexpected(), Vec::<String>::new());
    assert_eq!(stage.aws.unexpected(), Vec::<String>::new());
    let wrote = stage.slack.calls().into_iter().filter(|call| {
        call.method.starts_with("chat.") || call.method.starts_with("views.") || call.method.contains("open")
    });
    assert_eq!(wrote.count(), 0, "nobody hears of a question");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_fails_is_unknown_and_no_right() {
    let stage = rules_stage().await;
    stage.slack.add_usergroup("devs", &[&stage.player("ana").unwrap().user.clone()], false);
    for method in ["usergroups.list", "usergroups.users.list"] {
        stage.slack.fault(method, When::Always, Fault::ServerError);
    }
    let asked = explain(&stage, &["--as", "ana@example.com", "--flow", "usergroups"]);
    insta::assert_snapshot!("explain_live_unknown", said(&asked));
    // Slack does not even say who she is.
    stage.slack.clear_faults();
    stage.slack.fault("users.lookupByEmail", When::Always, Fault::ServerError);
    let asked = said(&explain(&stage, &["--as", "ana@example.com", "--flow", "usergroups"]));
    assert!(
        asked.contains("Slack does not say who has the address") && asked.ends_with("[exit code 1]"),
        "{asked}"
    );
    // AWS has no place for the account.
    stage.slack.clear_faults();
    let denied = sym::sandbox::aws::Fault::Error {
        code: "AccessDeniedException".into(),
        message: "no".into(),
        status: 400,
    };
    stage.aws.fault(sym::sandbox::aws::Match::every("ListRoots"), denied);
    let asked = said(&explain(
        &stage,
        &["--as", "ana@example.com", "--flow", "accounts", "--account", "111122223333"],
    ));
    assert!(asked.contains("unknown: where the account 111122223333 belongs"), "{asked}");
    assert!(asked.contains("not answered: the accounts of the integration"), "{asked}");
    assert!(asked.ends_with("[exit code 1]"), "{asked}");
}

#[test]
fn without_facts_and_without_credentials_both_ways_are_said() {
    let output = sym(&["explain", RULES, "--as", "ana@example.com", "--flow", "alone", "--duration", "1h"]);
    let said = said(&output);
    assert!(said.contains("--facts FILE") && said.contains("SLACK_BOT_TOKEN"), "{said}");
    assert!(said.contains("ana@example.com is taken for a full member"), "{said}");
}

/// A folder with the stories' flows without the one that Ana uses.
fn without_self_service() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let stories = std::fs::read_to_string(format!("{}/stories.hcl", super::STORIES)).unwrap();
    let denied = stories.replace("decision     = \"auto\"\n    max_duration = \"1h\"", "decision = \"deny\"");
    assert_ne!(stories, denied);
    std::fs::write(dir.path().join("stories.hcl"), denied).unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_says_which_live_access_it_would_not_allow() {
    let never = std::time::Duration::from_mins(1);
    let (stage, data) = (stage().await, tempfile::tempdir().unwrap());
    let ana = stage.player("ana").unwrap().user.clone();
    let mut process = tokio::task::block_in_place(|| {
        let mut process = Process::start(&stage, data.path());
        process.wait_for("\"ready\"");
        process
    });
    let general = stage.channel("general").unwrap();
    assert!(stage.slack.command(&ana, general, "/sym", "request auto").await.unwrap().acked);
    let view = stage.slack.until(never, |slack| slack.view(&ana)).await.expect("a form is open");
    let form = serde_json::json!({ "Duration": "1 hour" });
    assert!(stage.slack.submit(&ana, &view.id, form).await.unwrap().acked);
    stage
        .slack
        .until(never, |slack| {
            slack.dms(&ana).iter().find(|dm| slack.shown(&ana, dm).contains("You have")).cloned()
        })
        .await
        .expect("access is there");
    let new = without_self_service();
    let diff = |way: &[&str]| {
        let output = sym(&[&["policy", "diff", super::STORIES, &new.path().to_string_lossy()], way].concat());
        said(&output)
    };
    let folder = data.path().to_string_lossy().into_owned();
    let live = tokio::task::block_in_place(|| diff(&["--live", "--data", &folder]));
    let is_told = |said: &str| {
        said.contains("live access: 1")
            && said.contains("ana@example.com: prod-support: no longer allowed: The rule “self-service”")
            && said.ends_with("[exit code 2]")
    };
    assert!(is_told(&live), "{live}");
    // And from the books of a bot that is stopped.
    tokio::task::block_in_place(|| {
        let busy = diff(&["--data", &folder]);
        assert!(busy.contains("another bot is using") && busy.ends_with("[exit code 1]"), "{busy}");
        process.terminate();
        process.child.wait().unwrap();
        let stopped = diff(&["--data", &folder]);
        assert!(is_told(&stopped), "{stopped}");
        let nobody = diff(&["--live", "--data", &folder]);
        assert!(nobody.contains("no bot runs on") && nobody.ends_with("[exit code 1]"), "{nobody}");
    });
}
