//! Opening after everything that can have happened to the files in the meantime.

use super::crash::{Child, outcome_of};
use super::format::copy;
use super::*;
use crate::store::prover::STEP;
use std::fs;

fn refused(folder: &Path) -> OpenError {
    Store::open(folder).expect_err("it must not open")
}

/// A closed store with that many commits.
pub(super) fn closed(commits: usize) -> TempDir {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    for number in 0..commits {
        let row =
            request(&format!("r{number}"), Status::Pending { since: NOON, answer_by: NOON, reminded: false });
        keep(&store, Commit { requests: vec![row], ..with_audit("pending") });
    }
    drop(store);
    folder
}

#[test]
fn only_one_bot_at_a_time() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    // The first bot is just writing this: the second must not take it away.
    let snapshot = folder.path().join("store/snap.0000000000000001.generating");
    fs::write(&snapshot, b"half").unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(outcome_of(folder.path()).starts_with("refused InUse"));
    assert!(snapshot.exists());
    keep(&store, with_audit("active"));
    drop(store);
    drop(Store::open(folder.path()).unwrap());
    assert!(!snapshot.exists(), "alone, it clears the half snapshot away");
}

#[test]
fn a_store_that_vanished_is_noticed() {
    let folder = closed(3);
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Rolledback { had: 3, lost: 3, .. }), "{error}");
    // The words tell the way out.
    fs::remove_file(folder.path().join("witness")).unwrap();
    assert_eq!(Store::open(folder.path()).unwrap().requests().count(), 0);
}

#[test]
fn an_empty_store_file_is_noticed() {
    let folder = closed(3);
    for name in ["db", "conf"] {
        fs::write(folder.path().join("store").join(name), b"").unwrap();
    }
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Rolledback { had: 3, lost: 3, .. }), "{error}");
}

#[test]
fn an_older_copy_is_noticed() {
    let folder = closed(3);
    let old = self::folder();
    copy(&folder.path().join("store"), &old.path().join("store"));
    keep(&Store::open(folder.path()).unwrap(), with_audit("active"));
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    copy(&old.path().join("store"), &folder.path().join("store"));
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Rolledback { had: 4, lost: 1, .. }), "{error}");
}

#[test]
fn the_files_of_another_store_are_noticed() {
    let (folder, other) = (closed(2), closed(5));
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    copy(&other.path().join("store"), &folder.path().join("store"));
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Rolledback { had: 2, lost: 2, .. }), "{error}");
}

#[test]
fn a_newer_format_is_left_alone() {
    let folder = closed(1);
    let store = Store::open(folder.path()).unwrap();
    meddle(&store, keys::VERSION, Some(&[row::VERSION + 1]));
    drop(store);
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Newer { found: 3, known: 2, .. }), "{error}");
}

#[test]
fn a_folder_that_is_none_is_named() {
    let folder = folder();
    let file = folder.path().join("data");
    fs::write(&file, b"").unwrap();
    let error = refused(&file);
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
    assert!(error.to_string().contains("data"), "{error}");
    fs::write(folder.path().join("store"), b"").unwrap();
    assert!(matches!(refused(folder.path()), OpenError::Folder { .. }));
}

#[test]
fn a_lost_witness_is_written_again() {
    let folder = closed(3);
    fs::remove_file(folder.path().join("witness")).unwrap();
    drop(Store::open(folder.path()).unwrap());
    let witness = fs::read_to_string(folder.path().join("witness")).unwrap();
    assert!(witness.ends_with(" 3\n"), "{witness}");
}

#[test]
fn a_witness_that_makes_no_sense_is_named() {
    let folder = closed(3);
    let path = folder.path().join("witness");
    let whole = fs::read_to_string(&path).unwrap();
    let torn = [String::new(), whole[..10].to_owned(), whole.trim_end().to_owned(), "\u{1f980}".repeat(9)];
    for torn in torn {
        fs::write(&path, &torn).unwrap();
        let error = refused(folder.path());
        assert!(matches!(error, OpenError::Witness { .. }), "{torn:?}: {error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), torn, "it is left as it was");
    }
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(refused(folder.path()), OpenError::Witness { .. }));
    // A new one that was not yet in place when the process died does no harm.
    fs::write(&path, whole).unwrap();
    fs::write(path.with_extension("new"), b"x").unwrap();
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_witness_that_lags_is_no_obstacle() {
    let folder = closed(3);
    let path = folder.path().join("witness");
    let whole = fs::read_to_string(&path).unwrap();
    for behind in ["0", "1", "2"] {
        fs::write(&path, whole.replace(" 3\n", &format!(" {behind}\n"))).unwrap();
        assert_eq!(Store::open(folder.path()).unwrap().requests().count(), 3);
    }
}

#[test]
fn rows_that_do_not_add_up_are_noticed() {
    let meddlings: [(&[u8], Option<&[u8]>); 4] =
        [(b"r/r1", None), (b"r/r1", Some(b"\x01{}")), (b"e/new", Some(b"")), (keys::HEAD, None)];
    for (key, value) in meddlings {
        let folder = closed(3);
        // Without it, so that this is not about the witness.
        let store = Store::open(folder.path()).unwrap();
        meddle(&store, key, value);
        drop(store);
        fs::remove_file(folder.path().join("witness")).unwrap();
        let error = refused(folder.path());
        assert!(matches!(error, OpenError::Damaged { .. }), "{}: {error}", keys::readable(key));
    }
}

/// Books with more rows than are read in one go.
fn stocked() -> TempDir {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let requests = (0..2 * STEP).map(|number| request(&format!("r{number}"), pending(NOON))).collect();
    keep(&store, Commit { requests, ..with_audit("pending") });
    drop(store);
    folder
}

/// Large books: only a few rows were read when they opened.
#[test]
fn large_books_are_proven_beside_the_work() {
    let folder = stocked();
    for rows in [0, 1, 7, 59] {
        let store = open::open(folder.path(), rows).unwrap();
        let survey = store.books.survey().is_some();
        assert!(survey || block_on(store.proven()).is_ok(), "it says so before it has read them");
        for number in 0..60_i64 {
            let row = request(&format!("r{}", number * 7 % 60), pending(NOON + Span::seconds(number)));
            keep(&store, Commit { requests: vec![row], ..with_audit("pending") });
        }
        block_on(store.proven()).unwrap();
        assert!(store.books.survey().is_none());
        assert_in_order(&store);
    }
}

#[test]
fn large_books_that_lost_something_stop_as_soon_as_it_is_noticed() {
    for (key, value) in [(b"r/r1", None), (b"r/r3", Some(b"\x01{}"))] {
        let folder = stocked();
        let store = Store::open(folder.path()).unwrap();
        meddle(&store, key, value.map(|value: &[u8; 3]| &value[..]));
        drop(store);
        let store = open::open(folder.path(), 1).unwrap();
        let error = block_on(store.proven()).unwrap_err();
        assert!(matches!(error, StoreError::DoesNotAddUp), "{error}");
        block_on(store.broken());
        let error = store.commit(with_audit("active")).unwrap_err();
        assert!(matches!(error, StoreError::Poisoned(_)), "{error}");
        drop(store);
        assert!(matches!(refused(folder.path()), OpenError::Damaged { .. }));
        let whole = Store::open_whole(folder.path()).expect_err("every row is read first");
        assert!(matches!(whole, OpenError::Damaged { .. }));
    }
}

/// Closing does not wait for the proof, and nobody else waits for ever.
#[test]
fn large_books_can_be_closed_before_they_are_proven() {
    let folder = closed(60);
    drop(open::open(folder.path(), 1).unwrap());
    let store = open::open(folder.path(), 1).unwrap();
    let proven = store.proven();
    block_on(proven).unwrap();
}

#[test]
fn books_of_an_older_format_are_marked_with_the_first_commit_and_not_by_who_only_reads() {
    for rows in [usize::MAX, 1] {
        let folder = folder();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store/v1-store"), folder.path());
        let store = Store::open_whole(folder.path()).unwrap();
        // The oldest there is.
        let mut head = store.lock().clone();
        let (old, new) = (everything(&store)[keys::VERSION].clone(), vec![1]);
        head.sum = head.sum.wrapping_sub(write::weight(keys::VERSION, &old));
        head.sum = head.sum.wrapping_add(write::weight(keys::VERSION, &new));
        meddle(&store, keys::VERSION, Some(&new));
        meddle(&store, keys::HEAD, Some(&keys::head(&head)));
        drop(store);

        let store = open::open(folder.path(), rows).unwrap();
        block_on(store.proven()).unwrap();
        assert_eq!(everything(&store)[keys::VERSION], new, "who only reads writes nothing");
        drop(store);
        let store = open::open(folder.path(), rows).unwrap();
        keep(&store, with_audit("active"));
        block_on(store.proven()).unwrap();
        assert_eq!(everything(&store)[keys::VERSION], [row::VERSION]);
        assert_in_order(&store);
        drop(store);
        assert_in_order(&Store::open_whole(folder.path()).unwrap());
    }
}

/// As after an upgrade to a version in which rows owe something else.
fn with_wrong_index(commits: usize) -> (TempDir, Store) {
    let folder = closed(commits);
    let store = Store::open(folder.path()).unwrap();
    let wrong = keys::due(NOON + Span::hours(1), &Due::Request("r1".into()));
    let right = keys::due(NOON, &Due::Request("r1".into()));
    let orphan = keys::due(NOON, &Due::Entitlement("nobody".into()));
    let mut head = store.lock().clone();
    for (key, is_new) in [(&wrong, true), (&right, false), (&orphan, true)] {
        meddle(&store, key, is_new.then_some(b""));
        let weight = write::weight(key, b"");
        head.sum = if is_new { head.sum.wrapping_add(weight) } else { head.sum.wrapping_sub(weight) };
    }
    meddle(&store, keys::HEAD, Some(&keys::head(&head)));
    *store.lock() = head;
    (folder, store)
}

#[test]
fn what_commits_put_right_while_the_index_is_read_stays_right() {
    let (_folder, store) = with_wrong_index(3);
    let wrong = index::wrong(&store.db).unwrap();
    assert_eq!(wrong.len(), 3);
    let later = request("r1", pending(NOON + Span::hours(2)));
    keep(&store, Commit { requests: vec![later], ..with_audit("pending") });
    let head = index::mend(&store.db, store.lock().clone(), &wrong).unwrap();
    *store.lock() = head;
    assert_in_order(&store);
    assert_eq!(index::wrong(&store.db).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn due_entries_that_do_not_fit_their_rows_are_mended() {
    let (folder, store) = with_wrong_index(3);
    drop(store);
    let large = self::folder();
    copy(folder.path(), large.path());
    for _ in 0..2 {
        let store = Store::open(folder.path()).unwrap();
        assert_in_order(&store);
        assert_eq!(store.due(ALWAYS, 10).unwrap().len(), 3);
    }
    let store = open::open(large.path(), 1).unwrap();
    block_on(store.proven()).unwrap();
    assert_in_order(&store);
    assert_eq!(store.due(ALWAYS, 10).unwrap().len(), 3);
}

/// Whatever happens to the files: the bot says why it will not start, or has everything.
#[test]
fn damage_is_refused_or_harmless() {
    let folder = closed(0);
    let store = Store::open(folder.path()).unwrap();
    for number in 0..400_i64 {
        let answer_by = NOON + Span::seconds(number);
        let row = request(
            &format!("r{}", number % 40),
            Status::Pending { since: NOON, answer_by, reminded: false },
        );
        store.commit(Commit { requests: vec![row], ..with_audit("pending") }).unwrap();
        if number % 20 == 0 {
            block_on(store.settle()).unwrap();
        }
    }
    drop(store);
    let whole = outcome_of(folder.path());
    assert!(whole.starts_with("open 40 "), "{whole}");
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    let mut harmless = 0;
    for round in 0..36 {
        let copied = self::folder();
        copy(folder.path(), copied.path());
        let file = copied.path().join("store").join(if round % 9 == 8 { "conf" } else { "db" });
        let mut bytes = fs::read(&file).unwrap();
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(chance >> 33).unwrap() % bytes.len();
        match round % 3 {
            0 => bytes[place] ^= 0x10,
            1 => bytes[place..].iter_mut().take(4096).for_each(|byte| *byte = 0),
            _ => bytes.truncate(place),
        }
        fs::write(&file, bytes).unwrap();
        let outcome = Child::open(copied.path()).finish();
        assert!(outcome.starts_with("refused ") || outcome == whole, "round {round}: {outcome}");
        harmless += i32::from(outcome == whole);
        assert!(copied.path().join("store/db").exists() && copied.path().join("witness").exists());
    }
    assert!(harmless < 30, "the damage did not hit anything");
}
