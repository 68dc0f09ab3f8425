//! The binary as people and machines start it.

mod asking;
mod reloading;
mod small;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sym::clock::Clock;
use sym::demo::Stage;
use sym::manifest::{Options, load};
use sym::sandbox::aws::{Fault, Match, OperationTime};
use sym::sandbox::slack::Slack;
use sym::store::Store;

pub(crate) const SYM: &str = env!("CARGO_BIN_EXE_sym");
pub(crate) const STORIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/manifests/stories");

fn sym(arguments: &[&str]) -> Output {
    Command::new(SYM)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .output()
        .expect("the binary starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn without_settings_everything_missing_is_said_at_once() {
    let output = sym(&["run", "--manifests", "nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stderr), @r"
    The bot cannot start with these settings:
      • SLACK_APP_TOKEN is not set: make one under “Basic Information → App-Level Tokens” with the scope connections:write
      • SLACK_BOT_TOKEN is not set: copy it from “OAuth & Permissions” after installing the app with slack-app.yaml
      • --manifests / SYM_MANIFESTS is `nowhere`, which is not a folder: name the one with your *.hcl or *.tf files
    ");
}

#[test]
fn the_example_manifests_are_right_and_described() {
    let output = sym(&["check"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for words in ["Prod admin", "decided by one of the channel's members", "cards go to #access-requests"] {
        assert!(said.contains(words), "`{words}` is missing in:\n{said}");
    }
}

#[test]
fn wrong_manifests_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.hcl"), "resource \"sym_flow\" \"x\" {\n  nmae = \"x\"\n}\n")
        .unwrap();
    let output = sym(&["check", &folder.path().to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("bad.hcl:2:3") && said.contains("nmae"), "{said}");
}

#[test]
fn the_demo_plays_a_whole_request() {
    let output = sym(&["demo", "--script"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for words in
        ["Ana types `/sym request aws`", "Approved by @bo.", "ana has “Prod admin”", "AWS holds nothing."]
    {
        assert!(said.contains(words), "`{words}` is missing in:\n{said}");
    }
}

/// A bot as a process of its own, on a stage.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) log: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Process {
    fn start(stage: &Stage, data: &Path) -> Self {
        Self::start_with(stage, data, &["--manifests", STORIES])
    }

    fn start_with(stage: &Stage, data: &Path, arguments: &[&str]) -> Self {
        Self::begin(command_with(stage, data, &[], arguments))
    }

    /// Starts a bot and waits until it serves health.
    pub(crate) fn begin(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut process = Self { child, log, address: String::new() };
        let line = process.wait_for("health is served");
        let served: serde_json::Value = serde_json::from_str(&line).unwrap();
        served["address"].as_str().unwrap().clone_into(&mut process.address);
        process
    }

    /// Reads the log until a line has these words.
    pub(crate) fn wait_for(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).unwrap();
            assert!(read > 0, "the bot stopped without saying `{words}`");
            assert!(!line.contains("xapp-") && !line.contains("xoxb-"), "a secret is in the log");
            if line.contains(words) {
                return line;
            }
        }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: sym\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn terminate(&mut self) {
        self.signal("-TERM");
    }

    fn signal(&mut self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

/// `sym run` on a stage. What comes before it may be a shell that limits it.
pub(crate) fn command(stage: &Stage, data: &Path, before: &[&str]) -> Command {
    command_with(stage, data, before, &["--manifests", STORIES])
}

fn command_with(stage: &Stage, data: &Path, before: &[&str], arguments: &[&str]) -> Command {
    let mut words = before.iter().copied().chain([SYM]);
    let mut command = Command::new(words.next().unwrap_or(SYM));
    command
        .args(words)
        .args(["run", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("SLACK_APP_TOKEN", stage.slack.app_token())
        .env("SLACK_BOT_TOKEN", stage.slack.bot_token())
        .env("SYM_SLACK_API_URL", stage.slack.api_url())
        .env("AWS_ENDPOINT_URL", stage.aws.endpoint())
        .env("AWS_ACCESS_KEY_ID", stage.access_key())
        .env("AWS_SECRET_ACCESS_KEY", "simulated")
        .env("AWS_REGION", "us-east-1");
    command
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) async fn stage() -> Stage {
    let catalog =
        load(Path::new(STORIES), &Options::default()).map_err(|wrong| wrong.to_string()).unwrap().catalog;
    Stage::build(&catalog, &Clock::System, None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_gets_ready_says_so_once_and_stops_when_told() {
    let stage = stage().await;
    let data = tempfile::tempdir().unwrap();
    let mut process = tokio::task::block_in_place(|| Process::start(&stage, data.path()));
    tokio::task::block_in_place(|| {
        process.wait_for("\"ready\"");
        assert!(process.get("/readyz").starts_with("HTTP/1.1 200"), "{}", process.get("/readyz"));
        assert!(process.get("/healthz").ends_with("ok\n"));
        assert!(process.get("/other").starts_with("HTTP/1.1 404"));

        let second = Command::new(SYM)
            .args(["run", "--manifests", STORIES, "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env_clear()
            .env("SLACK_APP_TOKEN", stage.slack.app_token())
            .env("SLACK_BOT_TOKEN", stage.slack.bot_token())
            .output()
            .unwrap();
        assert_eq!(second.status.code(), Some(1));
        assert!(text(&second.stderr).contains("another bot is using"), "{}", text(&second.stderr));

        #[expect(clippy::disallowed_methods, reason = "the promise is about real time")]
        let begun = Instant::now();
        process.terminate();
        let mut rest = String::new();
        process.log.read_to_string(&mut rest).unwrap();
        let status = process.child.wait().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
        assert!(status.success(), "{rest}");
        assert!(rest.contains("stopped"), "{rest}");
        assert_eq!(rest.matches("\"ready\"").count(), 0, "ready is said once");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_stops_a_bot_that_owes_nothing() {
    let stage = stage().await;
    let data = tempfile::tempdir().unwrap();
    let output = tokio::task::block_in_place(|| {
        Command::new(SYM)
            .args(["run", "--manifests", STORIES, "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env_clear()
            .env("SLACK_APP_TOKEN", "xapp-wrong")
            .env("SLACK_BOT_TOKEN", "xoxb-wrong")
            .env("SYM_SLACK_API_URL", stage.slack.api_url())
            .output()
            .unwrap()
    });
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("invalid_auth"), "{}", text(&output.stderr));
}

/// What a button carries.
fn value_of(blocks: &serde_json::Value, action: &str) -> Option<String> {
    if blocks["action_id"] == action {
        return blocks["value"].as_str().map(str::to_owned);
    }
    let parts: Vec<&serde_json::Value> = match blocks {
        serde_json::Value::Array(list) => list.iter().collect(),
        serde_json::Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    };
    parts.into_iter().find_map(|part| value_of(part, action))
}

/// Waits for a message in the channel of requests with this button; its channel, its time, its request.
async fn button(stage: &Stage, action: &str) -> (String, String, String) {
    let channel = stage.channel("access-requests").unwrap().to_owned();
    let find = |slack: &Slack| {
        let messages = slack.messages(&channel);
        messages.iter().find_map(|it| Some((channel.clone(), it.ts.clone(), value_of(&it.blocks, action)?)))
    };
    stage.slack.until(Duration::from_secs(30), find).await.expect("the button comes")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_told_to_stop_in_the_middle_of_a_grant_knows_of_it_when_it_comes_back() {
    let stage = stage().await;
    let data = tempfile::tempdir().unwrap();
    let mut process = tokio::task::block_in_place(|| Process::start(&stage, data.path()));
    tokio::task::block_in_place(|| process.wait_for("\"ready\""));
    let (ana, bo) = (stage.player("ana").unwrap().user.clone(), stage.player("bo").unwrap().user.clone());
    let general = stage.channel("general").unwrap();
    assert!(stage.slack.command(&ana, general, "/sym", "request aws").await.unwrap().acked);
    let open = |slack: &Slack| slack.view(&ana).filter(|view| slack.shown_view(view).contains("Reason"));
    let view = stage.slack.until(Duration::from_secs(30), open).await.expect("the form opens");
    let answers = serde_json::json!({ "Target": "Prod admin", "Reason": "INC-42", "Duration": "1h" });
    assert!(stage.slack.submit(&ana, &view.id, answers).await.unwrap().errors().is_empty());
    let (channel, ts, request) = button(&stage, "sym_approve").await;

    // AWS takes its time, and the bot is told to stop while it does.
    stage.aws.set_operation_time(OperationTime::Millis(60_000));
    stage.aws.fault(Match::next("CreateAccountAssignment"), Fault::Delay(300));
    let (sender, called) = std::sync::mpsc::channel();
    stage.aws.set_gate(Arc::new(move |operation: &str| {
        if operation == "CreateAccountAssignment" {
            sender.send(()).ok();
        }
        None
    }));
    stage.slack.click(&bo, &channel, &ts, "sym_approve", &request).await.unwrap();
    tokio::task::block_in_place(|| {
        called.recv_timeout(Duration::from_secs(30)).expect("AWS is asked to give it");
        process.terminate();
        let mut rest = String::new();
        process.log.read_to_string(&mut rest).unwrap();
        assert!(process.child.wait().unwrap().success(), "{rest}");
    });
    stage.aws.clear_gate();
    assert_eq!(stage.aws.in_flight(), 1, "AWS goes on without the bot");
    let store = Store::open(data.path()).unwrap();
    let kept: Vec<_> = store.entitlements().collect();
    assert!(kept.len() == 1 && kept[0].may_be_held(), "{kept:?}");
    drop((kept, store));

    stage.aws.finish_operations();
    stage.aws.set_operation_time(OperationTime::Polls(1));
    let mut process = tokio::task::block_in_place(|| Process::start(&stage, data.path()));
    tokio::task::block_in_place(|| process.wait_for("\"ready\""));
    let (channel, ts, request) = button(&stage, "sym_revoke").await;
    assert_eq!(stage.aws.holdings().len(), 1);
    assert!(stage.slack.click(&ana, &channel, &ts, "sym_revoke", &request).await.unwrap().acked);
    let is_over = |_: &Slack| stage.aws.holdings().is_empty().then_some(());
    stage.slack.until(Duration::from_secs(30), is_over).await.expect("it is taken back");
    drop(process);
}
