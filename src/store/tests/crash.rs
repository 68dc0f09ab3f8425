//! Sudden death: the test binary starts itself as a writer and is killed, or runs out of disk.

use super::*;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const FOLDER: &str = "SYM_TEST_STORE_FOLDER";
const TASK: &str = "SYM_TEST_STORE_TASK";
const ROWS: usize = 40;

/// Another process with this test binary.
pub(super) struct Child(pub(super) std::process::Child);

impl Child {
    fn start(mut command: Command, task: &str, folder: &Path) -> Self {
        command.args(["--exact", "--nocapture", "--test-threads=1", "store::tests::crash::child"]);
        command.env(FOLDER, folder).env(TASK, task).stdout(Stdio::piped()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn binary() -> Command {
        Command::new(std::env::current_exe().unwrap())
    }

    pub(super) fn open(folder: &Path) -> Self {
        Self::start(Self::binary(), "open", folder)
    }

    /// Writes for ever, and says which commits it would answer for.
    pub(super) fn write(folder: &Path, syncs: bool) -> Self {
        Self::start(Self::binary(), if syncs { "write" } else { "write without sync" }, folder)
    }

    /// The last commit it has answered for, as far as is known; the reader ends with the process.
    pub(super) fn follow(&mut self) -> (Arc<AtomicU64>, JoinHandle<()>) {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        let seen = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let number = line.split_once("child: ").and_then(|(_, number)| number.parse::<u64>().ok());
                // One more than its number, so that nothing is zero.
                counter.fetch_max(number.map_or(0, |number| number + 1), Ordering::SeqCst);
            }
        });
        (seen, reader)
    }

    /// What it says about the store, or how it died.
    pub(super) fn finish(mut self) -> String {
        let mut text = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let status = self.0.wait().unwrap();
        let said = text.lines().find_map(|line| line.split_once("child: ")).map(|(_, said)| said.to_owned());
        match said {
            Some(said) if status.success() => said,
            said => format!("died with {status} after {said:?}"),
        }
    }
}

/// Opens the store in another process and says what came of it.
pub(super) fn outcome_of(folder: &Path) -> String {
    Child::open(folder).finish()
}

/// What the other process does; nothing when this is the first process.
#[test]
fn child() {
    #[expect(clippy::disallowed_methods, reason = "this is how the test speaks to itself")]
    let (folder, task) = (std::env::var_os(FOLDER), std::env::var(TASK));
    let Some(folder) = folder.map(PathBuf::from) else { return };
    match task.as_deref() {
        Ok("open") => println!("child: {}", describe(&folder)),
        Ok("write") => write_for_ever(&folder),
        Ok("write without sync") => write_without_sync(&folder),
        Ok("fill") => println!("child: {}", fill_the_disk(&folder)),
        other => panic!("{other:?}"),
    }
}

fn describe(folder: &Path) -> String {
    match Store::open(folder) {
        Err(error) => format!("refused {error:?}"),
        Ok(store) => {
            let mut text = String::new();
            for request in store.requests() {
                write!(text, "{}{:?}", request.id, request.status).unwrap();
            }
            let weight = write::weight(b"", text.as_bytes());
            format!("open {} {} {weight:x}", store.requests().count(), store.due(ALWAYS, 1000).unwrap().len())
        }
    }
}

/// Commit number `number`: all of it says so.
fn numbered(number: u64) -> Commit {
    let row = usize::try_from(number).unwrap() % ROWS;
    let mut request =
        request(&format!("r{row}"), Status::Pending { since: NOON, answer_by: NOON, reminded: false });
    request.flow_label = number.to_string();
    let mut entitlement = entitlement(&format!("u{row}"), Custody::Held { retry: Retry::now(NOON) }, NOON);
    entitlement.holder.user = UserId::new(number.to_string());
    Commit { requests: vec![request], entitlements: vec![entitlement], ..with_audit(&number.to_string()) }
}

/// Many tasks write; each says when its commit is on disk.
fn write_for_ever(folder: &Path) {
    let store = Arc::new(Store::open(folder).unwrap());
    let next = Arc::new(Mutex::new(store.lock().commits));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for _ in 0..6 {
        let (store, next) = (Arc::clone(&store), Arc::clone(&next));
        drop(runtime.spawn(async move {
            loop {
                let (number, ticket) = {
                    let mut next = next.lock().unwrap();
                    *next += 1;
                    (*next - 1, store.commit(numbered(*next - 1)).unwrap())
                };
                ticket.on_disk().await.unwrap();
                println!("child: {number}");
            }
        }));
    }
    runtime.block_on(std::future::pending::<()>());
}

/// What a bot would do that took sled's word: its `flush`, and no `fdatasync`.
fn write_without_sync(folder: &Path) {
    let store = Store::open(folder).unwrap();
    // The committer, which knows better, is kept from the disk.
    let _held = store.hold_after(0);
    let first = store.lock().commits;
    for number in first.. {
        let ticket = store.commit(numbered(number)).unwrap();
        #[expect(clippy::disallowed_methods, reason = "this is what must not be done")]
        store.db.flush().unwrap();
        drop(ticket);
        println!("child: {number}");
    }
}

/// Everything up to the last commit is there, and nothing of a later one.
pub(super) fn assert_whole(folder: &Path, acknowledged: Option<u64>) -> u64 {
    let store = Store::open(folder).unwrap();
    let commits = store.lock().commits;
    assert!(
        acknowledged.is_none_or(|last| last < commits),
        "{acknowledged:?} was promised, {commits} are there"
    );
    assert_in_order(&store);
    let trail: Vec<_> = store.audit().map(Result::unwrap).collect();
    assert!(trail.iter().all(|(_, _, holds)| *holds));
    let actions: Vec<_> = trail.into_iter().map(|(_, record, _)| record.action).collect();
    assert_eq!(actions, (0..commits).map(|number| number.to_string()).collect::<Vec<_>>());
    let expected: BTreeMap<RequestId, String> =
        (0..commits).map(|number| (numbered(number).requests.remove(0).id, number.to_string())).collect();
    let found: BTreeMap<_, _> = store.requests().map(|row| (row.id, row.flow_label)).collect();
    assert_eq!(found, expected);
    for entitlement in store.entitlements() {
        let row: usize = entitlement.holder.user.as_str().parse().unwrap();
        assert_eq!(entitlement.id, numbered(row as u64).entitlements.remove(0).id);
        assert_eq!(expected[&RequestId::new(format!("r{}", row % ROWS))], row.to_string());
    }
    commits
}

#[test]
fn nothing_promised_is_lost_when_the_process_is_killed() {
    let folder = folder();
    let mut commits = 0;
    let mut killed_at_work = 0;
    for round in 0..20 {
        let mut child = Child::start(Child::binary(), "write", folder.path());
        let lines = BufReader::new(child.0.stdout.take().unwrap());
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let reader = {
            let acknowledged = Arc::clone(&acknowledged);
            std::thread::spawn(move || {
                let mut last = None;
                for line in lines.lines().map_while(Result::ok) {
                    // A line that was cut off by the kill has no number worth trusting.
                    let number =
                        line.split_once("child: ").and_then(|(_, number)| number.parse::<u64>().ok());
                    if number.is_some() {
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    }
                    last = last.max(number);
                }
                last
            })
        };
        // Every other one is killed at work, however slow this machine is; the rest wherever they are.
        let mut patience = 10_000;
        while round % 2 == 0 && patience > 0 && acknowledged.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(1));
            patience -= 1;
        }
        std::thread::sleep(Duration::from_millis(rand::random_range(5..150)));
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        let last = reader.join().unwrap();
        killed_at_work += i32::from(last.is_some());
        commits = assert_whole(folder.path(), last).max(commits);
    }
    assert!(killed_at_work >= 10, "only {killed_at_work} of 20 children came to work");
}

/// Writes until the disk takes no more, as a full disk does.
fn fill_the_disk(folder: &Path) -> String {
    let store = Store::open(folder).unwrap();
    let mut number = 0;
    let why = loop {
        let outcome = store.commit(numbered(number)).and_then(|ticket| block_on(ticket.on_disk()));
        match outcome {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
        assert!(number < 100_000, "the limit does not limit");
    };
    block_on(store.broken());
    let after = store.commit(numbered(number)).unwrap_err();
    assert!(matches!(after, StoreError::Poisoned(_)), "{after}");
    assert!(block_on(store.settle()).is_err());
    drop(store);
    format!("{number} {why}")
}

#[test]
fn a_full_disk_stops_the_books_and_loses_nothing() {
    let folder = folder();
    let mut shell = Command::new("sh");
    let limited = "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\"";
    shell.args(["-c", limited]).arg(std::env::current_exe().unwrap());
    let said = Child::start(shell, "fill", folder.path()).finish();
    let acknowledged: u64 = said.split(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{said}"));
    assert!(acknowledged > 0, "{said}");
    assert_whole(folder.path(), Some(acknowledged - 1));
}
