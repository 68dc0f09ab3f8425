//! What operators do at the machine: look, end access, keep copies, check the trail. With or without
//! Slack.

use crate::world::crowd::places;
use crate::world::custody::{ADMIN, READER};
use crate::world::{Asked, World};
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use sym::access::{Actor, Cause, RequestId, Span, Status};
use sym::admin::{Ask, CallError, Line, call, compare, listen, socket};
use sym::aws::Aws;
use sym::sandbox::aws::{Fault, Match, OperationTime};
use sym::store::Store;

const SYM: &str = env!("CARGO_BIN_EXE_sym");

fn sym(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new(SYM);
    command.args(arguments).env_clear().env("SYM_DATA", data).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asks the world's bot; what has to be done meanwhile is done.
async fn ask(world: &World, ask: Ask) -> (Vec<Line>, Result<(), CallError>) {
    let listener = listen(world.data()).unwrap();
    let serving = tokio::spawn(listener.serve(world.engine().clone()));
    let mut lines = Vec::new();
    let mut take = |line| lines.push(line);
    let outcome = {
        let asked = call(world.data(), &ask, &mut take);
        tokio::pin!(asked);
        loop {
            tokio::select! {
                outcome = &mut asked => break outcome,
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => world.settle().await,
            }
        }
    };
    serving.abort();
    (lines, outcome)
}

fn said(lines: &[Line]) -> String {
    let words =
        lines.iter().filter_map(|line| if let Line::Said(text) = line { Some(text.as_str()) } else { None });
    words.collect::<Vec<_>>().join("\n")
}

async fn granted(world: &World) -> Asked {
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    bo.approves(&request).await;
    world.settle().await;
    assert!(matches!(world.status(&request), Status::Active { .. }));
    request
}

#[tokio::test]
async fn an_operator_ends_one_access_and_everybody_hears_why() {
    let world = World::of_stories().await;
    let ana = world.person("ana");
    let request = granted(&world).await;
    world.ignore_messages();
    let question = Ask::Revoke { request: request.id.clone(), because: "laptop stolen.".into() };
    let (lines, outcome) = ask(&world, question.clone()).await;
    outcome.unwrap();
    assert!(said(&lines).ends_with("1 of 1 proven gone"), "{lines:?}");
    world.settle().await;
    assert_snapshot!(ana.next_dm(), @"Your access to *Prod admin* has ended: it was ended early by an operator: laptop stolen.");
    assert!(
        world.card(&request).contains("ended early by an operator: laptop stolen"),
        "{}",
        world.card(&request)
    );
    assert!(matches!(world.status(&request), Status::Ended { cause: Cause::Admin { .. }, .. }));
    let records: Vec<_> = world.engine().store().trail(None, None).map(|kept| kept.unwrap().record).collect();
    let by = records.iter().filter(|record| matches!(record.actor, Actor::Operator(_)));
    assert_eq!(by.map(|record| record.action.as_str()).collect::<Vec<_>>(), ["ending"]);
    let (_, again) = ask(&world, question).await;
    assert!(again.unwrap_err().to_string().contains("over already"));
    world.finish().await;
}

#[tokio::test]
async fn a_request_that_waits_is_closed_and_cannot_be_approved_any_more() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    let request = ana.asks_for("Prod admin").for_(Span::hours(1)).because("INC-42").send().await;
    ana.next_dm();
    let (lines, outcome) =
        ask(&world, Ask::Revoke { request: request.id.clone(), because: "we are under attack".into() }).await;
    outcome.unwrap();
    assert!(said(&lines).contains("is closed"), "{lines:?}");
    world.settle().await;
    assert!(ana.next_dm().contains("An operator has closed your request: we are under attack"));
    world.slack().send_envelope(&world.envelope("late", &bo, "sym_approve", request.id.as_str()));
    world.hears().await;
    bo.next_whisper();
    assert!(matches!(world.status(&request), Status::Refused { .. }));
    assert!(world.aws_writes().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn everything_ends_at_once() {
    let world = World::of_stories().await;
    let (ana, bo) = (world.person("ana"), world.person("bo"));
    granted(&world).await;
    let second = ana.asks_for("").flow("groups").because("INC-42").send().await;
    bo.approves(&second).await;
    world.settle().await;
    assert_eq!(world.aws().holdings().len(), 2);
    let (lines, outcome) = ask(&world, Ask::RevokeAll { because: "breach".into() }).await;
    outcome.unwrap();
    let said = said(&lines);
    assert!(said.starts_with("2 claims ended; 2 to be proven gone"), "{said}");
    assert!(said.ends_with("2 of 2 proven gone"), "{said}");
    assert!(world.aws().holdings().is_empty());
    world.settle().await;
    world.ignore_messages();
    let (lines, outcome) = ask(&world, Ask::RevokeAll { because: "again".into() }).await;
    outcome.unwrap();
    assert!(self::said(&lines).starts_with("0 claims ended"));
    world.finish().await;
}

#[tokio::test]
async fn two_hundred_claims_end_at_once_while_aws_throttles_and_none_is_forgotten() {
    let mut world = World::of_stories().await;
    let ends = world.now() + Span::hours(3);
    let requests = world.crowd(&places(200, 30, &[ADMIN, READER]), ends).await;
    world.ignore_messages();
    world.aws().set_operation_time(OperationTime::Millis(2_000));
    world.aws().fault(Match::times("DeleteAccountAssignment", 120), Fault::Throttle);
    world.aws().fault(Match::times("ListAccountAssignments", 40), Fault::ServerError(503));
    let (lines, outcome) = ask(&world, Ask::RevokeAll { because: "breach".into() }).await;
    outcome.unwrap();
    let said = said(&lines);
    assert!(said.starts_with("200 claims ended; 200 to be proven gone"), "{said}");
    assert!(said.contains(" of 200 proven gone; waiting for "), "no progress was told: {said}");
    assert!(said.contains("and ") && said.contains(" more"), "{said}");
    assert!(said.ends_with("200 of 200 proven gone"), "{said}");
    assert!(world.aws().holdings().is_empty());
    for request in &requests {
        assert!(matches!(world.status(request), Status::Ended { cause: Cause::Admin { .. }, .. }));
    }
    world.check_quotas();
    world.stop().await;
}

#[tokio::test]
async fn what_is_open_is_listed_and_shown() {
    let world = World::of_stories().await;
    let request = granted(&world).await;
    let Status::Active { ends_at: Some(ends), .. } = world.status(&request) else { panic!("it is active") };
    let (lines, _) = ask(&world, Ask::List { all: false }).await;
    let [Line::Item(item)] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&item["id"], &item["target"]), (&request.id.as_str().into(), &"Prod admin".into()));
    assert_eq!((&item["status"], &item["ends"]), (&"active".into(), &ends.rfc3339().into()));
    let (lines, _) = ask(&world, Ask::Show { request: request.id.clone() }).await;
    let [Line::Item(item)] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(item["removed_by_hand_with"].as_str().unwrap().starts_with("aws sso-admin"));
    assert_eq!(item["request"]["requester"]["user"], world.person("ana").user());
    let (lines, outcome) = ask(&world, Ask::Show { request: RequestId::new("nothing") }).await;
    assert!(lines.is_empty() && outcome.unwrap_err().to_string().contains("no request `nothing`"));
    let (lines, _) = ask(&world, Ask::Audit { since: None, until: None }).await;
    assert_eq!(lines.len(), world.engine().store().audit().count());
    let (lines, _) = ask(&world, Ask::Audit { since: Some(world.now() + Span::hours(1)), until: None }).await;
    assert!(lines.is_empty());
    world.pass(Span::hours(1)).await;
    world.settle().await;
    world.ignore_messages();
    assert!(ask(&world, Ask::List { all: false }).await.0.is_empty());
    assert_eq!(ask(&world, Ask::List { all: true }).await.0.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn the_socket_is_for_the_owner_and_a_left_over_one_is_replaced() {
    let world = World::of_stories().await;
    let path = socket(world.data());
    std::fs::write(&path, b"left over").unwrap();
    drop(listen(world.data()).unwrap());
    let _listener = listen(world.data()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let empty = tempfile::tempdir().unwrap();
    let nobody = call(empty.path(), &Ask::List { all: false }, &mut |_| {}).await.unwrap_err();
    assert!(matches!(nobody, CallError::NoBot { .. }), "{nobody}");
    let reason = ask(&world, Ask::RevokeAll { because: " ".into() }).await.1.unwrap_err();
    assert!(reason.to_string().contains("--because"), "{reason}");
    world.finish().await;
}

#[tokio::test]
async fn a_copy_taken_while_it_runs_is_restored_and_goes_on_to_end_the_access() {
    let mut world = World::of_stories().await;
    let request = granted(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let (lines, outcome) = ask(&world, Ask::Backup { file: file.clone() }).await;
    outcome.unwrap();
    assert!(said(&lines).contains("rows, up to commit"), "{lines:?}");
    let (_, again) = ask(&world, Ask::Backup { file: file.clone() }).await;
    assert!(again.is_err(), "a backup is never overwritten");
    world.stop().await;
    let place = folder.path().join("data");
    let (store, _) = Store::restore(&file, &place).unwrap();
    assert!(matches!(store.request(&request.id).unwrap().unwrap().status, Status::Active { .. }));
    assert_eq!(store.entitlements().count(), 1);
    assert_eq!(store.verify().unwrap().flaw, None);
    drop(store);
    world.moves_to(&place);
    world.start().await;
    world.pass(Span::hours(1)).await;
    world.settle().await;
    world.ignore_messages();
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_of_a_stopped_bot_is_verified_and_exported() {
    let mut world = World::of_stories().await;
    let request = granted(&world).await;
    let data = world.data().to_owned();
    let serving = tokio::spawn(listen(&data).unwrap().serve(world.engine().clone()));
    let listed = tokio::task::block_in_place(|| sym(&["admin", "list"], &data));
    let lines = text(&listed.stdout);
    assert!(lines.starts_with("REQUEST ") && lines.contains(request.id.as_str()), "{lines}");
    let unsure = sym(&["admin", "revoke-all", "--because", "x"], &data);
    assert!(!unsure.status.success() && text(&unsure.stderr).contains("--yes"));
    serving.abort();
    let busy = sym(&["audit", "verify"], &data);
    assert_eq!(busy.status.code(), Some(1));
    assert!(text(&busy.stderr).contains("stop the bot, or use `sym admin audit`"), "{}", text(&busy.stderr));
    let records = world.engine().store().audit().count();
    world.stop().await;
    let verified = sym(&["audit", "verify"], &data);
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    assert!(text(&verified.stdout).starts_with(&format!("{records} records, chain holds\nit ends with ")));
    let exported = sym(&["audit", "export"], &data);
    assert_eq!(text(&exported.stdout).lines().count(), records);
    for line in text(&exported.stdout).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["number"].is_u64() && line["at"].is_string() && line["hash"].is_string(), "{line}");
    }
    let none = sym(&["audit", "export", "--until", "2020-01-01T00:00:00Z"], &data);
    assert!(none.status.success() && none.stdout.is_empty());
    let wrong = tempfile::tempdir().unwrap();
    let nothing = sym(&["audit", "verify"], wrong.path());
    assert_eq!(nothing.status.code(), Some(1));
    assert_eq!(std::fs::read_dir(wrong.path()).unwrap().count(), 0, "no books are made by looking for them");
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_compares_with_aws_and_never_writes() {
    let mut world = World::of_stories().await;
    granted(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    ask(&world, Ask::Backup { file: file.clone() }).await.1.unwrap();
    let place = folder.path().join("data");
    let mut command = Command::new(SYM);
    command.arg("restore").arg(&file).arg("--data").arg(&place).env_clear();
    let restored = tokio::task::block_in_place(|| command.output().unwrap());
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    assert!(text(&restored.stdout).contains("audit records, chain holds"), "{}", text(&restored.stdout));
    let again = tokio::task::block_in_place(|| command.output().unwrap());
    assert!(text(&again.stderr).contains("is not empty"), "{}", text(&again.stderr));

    let store = Store::open(&place).unwrap();
    let settings = sym::aws::Settings { keeps_quotas: false, ..world.stage.aws_settings(&world.clock) };
    let aws = Aws::new(settings).await;
    let writes = world.aws_writes();
    let same = compare(&store, &aws, world.now()).await;
    assert_eq!((same.all, same.differences.as_slice()), (1, [].as_slice()));
    let late = compare(&store, &aws, world.now() + Span::hours(1)).await;
    assert!(late.differences[0].contains("its time is up and AWS still holds it"), "{late:?}");
    assert!(late.differences[0].contains("aws sso-admin delete-account-assignment"), "{late:?}");
    assert_eq!(world.aws_writes(), writes, "comparing only reads");
    world.pass(Span::hours(1)).await;
    world.settle().await;
    let writes = world.aws_writes();
    let gone = compare(&store, &aws, world.now()).await;
    assert!(gone.differences[0].contains("AWS does not hold it: it was taken since"), "{gone:?}");
    assert_eq!(world.aws_writes(), writes, "comparing only reads");
    world.ignore_messages();
    world.stop().await;
}

#[test]
fn a_running_bot_hears_operators_while_slack_is_down() {
    use std::io::BufRead;
    let data = tempfile::tempdir().unwrap();
    let mut bot = Command::new(SYM)
        .args(["run", "--listen", "127.0.0.1:0", "--manifests"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/manifests/stories"))
        .env_clear()
        .env("SYM_DATA", data.path())
        .env("SLACK_APP_TOKEN", "xapp-1")
        .env("SLACK_BOT_TOKEN", "xoxb-1")
        .env("SYM_SLACK_API_URL", "http://127.0.0.1:1")
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ACCESS_KEY_ID", "AKIAX")
        .env("AWS_SECRET_ACCESS_KEY", "simulated")
        .env("AWS_REGION", "us-east-1")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let log = std::io::BufReader::new(bot.stderr.take().unwrap());
    // The log is closed after that, which must not end the bot.
    let heard = log.lines().map_while(Result::ok).any(|line| line.contains("operators are heard"));
    let listed = sym(&["admin", "list"], data.path());
    let all = sym(&["admin", "revoke-all", "--because", "drill", "--yes"], data.path());
    let file = data.path().join("copy");
    let copied = sym(&["backup", &file.to_string_lossy()], data.path());
    bot.kill().unwrap();
    bot.wait().unwrap();
    assert!(heard, "the bot does not hear operators");
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    assert!(all.status.success() && text(&all.stdout).contains("0 claims ended"), "{}", text(&all.stderr));
    assert!(copied.status.success() && file.exists(), "{}", text(&copied.stderr));
    let late = sym(&["admin", "list"], data.path());
    assert!(text(&late.stderr).contains("no bot runs on"), "{}", text(&late.stderr));
}
