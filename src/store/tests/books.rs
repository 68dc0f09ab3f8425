//! What the store promises while it is open.

use super::*;
use std::sync::Arc;

#[test]
fn a_card_marked_while_it_was_drawn_is_drawn_again() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let id = RequestId::new("r1");
    let marked = || Commit { redraw: BTreeSet::from([id.clone()]), ..Commit::default() };
    keep(&store, marked());
    let seen = store.redraw_mark(&id).unwrap().unwrap();
    keep(&store, marked());
    keep(&store, Commit { drawn: vec![(id.clone(), seen)], ..Commit::default() });
    let mark = store.redraw_mark(&id).unwrap().expect("the second mark must stay");
    assert_ne!(mark, seen);
    // Drawn and marked anew in the same step: still to be drawn.
    keep(&store, Commit { drawn: vec![(id.clone(), mark)], ..marked() });
    let mark = store.redraw_mark(&id).unwrap().unwrap();
    keep(&store, Commit { drawn: vec![(id.clone(), mark)], ..Commit::default() });
    assert_eq!(store.redraws().count(), 0);
}

#[test]
fn numbers_are_never_used_again() {
    let folder = folder();
    let mut used = BTreeSet::new();
    for _ in 0..4 {
        let store = Store::open(folder.path()).unwrap();
        for _ in 0..3 {
            let notice = sample_notice("r1", NoticeKind::Lapsed);
            keep(&store, Commit { notices: vec![notice], ..with_audit("active") });
            let queued = store.notices(&"r1".into()).unwrap().remove(0);
            assert!(used.insert(queued.number), "number {} came twice", queued.number);
            // The highest number leaves the books before the restart.
            keep(&store, Commit { sent: vec![("r1".into(), queued.number)], ..Commit::default() });
        }
    }
    let store = Store::open(folder.path()).unwrap();
    for entry in store.audit() {
        let (number, _, holds) = entry.unwrap();
        assert!(holds && used.insert(number));
    }
}

/// The books with five audit records written over three runs, and the keys of the records.
fn with_trail() -> (TempDir, Store, Vec<Vec<u8>>) {
    let folder = folder();
    for action in ["one", "two", "three"] {
        keep(&Store::open(folder.path()).unwrap(), with_audit(action));
    }
    let store = Store::open(folder.path()).unwrap();
    keep(&store, Commit { audit: vec![sample_record("four"), sample_record("five")], ..Commit::default() });
    let keys = everything(&store).into_keys().filter(|key| key.starts_with(keys::AUDIT)).collect();
    (folder, store, keys)
}

/// Where the chain does not hold, counted from one; the end counts as zero.
fn breaks(store: &Store) -> Vec<usize> {
    let places = store.audit().enumerate().filter_map(|(place, entry)| match entry {
        Ok((_, _, true)) => None,
        Ok((_, _, false)) | Err(StoreError::Row { .. }) => Some(place + 1),
        Err(StoreError::TrailCut) => Some(0),
        Err(error) => panic!("{error}"),
    });
    places.collect()
}

#[test]
fn the_audit_chain_goes_on_over_restarts() {
    let (_folder, store, _) = with_trail();
    let actions: Vec<_> = store.audit().map(|entry| entry.unwrap().1.action).collect();
    assert_eq!(actions, ["one", "two", "three", "four", "five"]);
    assert_eq!(breaks(&store), [] as [usize; 0]);
}

#[test]
fn a_changed_audit_record_is_found_where_it_is() {
    let (_folder, store, keys) = with_trail();
    let old = store.db.get(&keys[2]).unwrap().unwrap().to_vec();
    for place in 0..old.len() {
        let mut new = old.clone();
        new[place] ^= 1;
        meddle(&store, &keys[2], Some(&new));
        let breaks = breaks(&store);
        assert_eq!(breaks[0], 3, "a flipped bit in byte {place} of the third record: {breaks:?}");
        assert!(breaks.len() <= 2);
    }
    meddle(&store, &keys[2], Some(b"torn"));
    assert_eq!(breaks(&store)[0], 3);
}

#[test]
fn a_missing_audit_record_is_found() {
    let (_folder, store, keys) = with_trail();
    let third = store.db.get(&keys[2]).unwrap().unwrap();
    meddle(&store, &keys[2], None);
    assert_eq!(breaks(&store), [3], "the record after the gap does not follow");
    meddle(&store, &keys[2], Some(&third));
    meddle(&store, &keys[4], None);
    assert_eq!(breaks(&store), [0], "the end is missing");
    for key in &keys {
        meddle(&store, key, None);
    }
    assert_eq!(breaks(&store), [0], "all of it is missing");
}

#[test]
fn exchanged_audit_records_are_found() {
    let (_folder, store, keys) = with_trail();
    let [second, third] = [1, 2].map(|place: usize| store.db.get(&keys[place]).unwrap().unwrap());
    meddle(&store, &keys[1], Some(&third));
    meddle(&store, &keys[2], Some(&second));
    assert_eq!(breaks(&store), [2, 3, 4]);
}

#[test]
fn a_trail_that_lost_its_end_does_not_go_on_as_if_nothing_were() {
    let (folder, store, keys) = with_trail();
    meddle(&store, &keys[4], None);
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    keep(&store, with_audit("six"));
    assert_eq!(breaks(&store), [5]);
}

#[test]
fn many_committers_share_a_flush_and_each_is_on_disk() {
    const TASKS: usize = 64;
    const EACH: usize = 8;
    let folder = folder();
    let store = Arc::new(Store::open(folder.path()).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let before = store.figures();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = Arc::clone(&store);
            runtime.spawn(async move {
                for round in 0..EACH {
                    let row = request(
                        &format!("r{task}-{round}"),
                        Status::Pending { since: NOON, answer_by: NOON, reminded: false },
                    );
                    let commit = Commit { requests: vec![row], ..with_audit("pending") };
                    store.commit(commit).unwrap().on_disk().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    let after = store.figures();
    assert_eq!(after.commits - before.commits, (TASKS * EACH) as u64);
    let flushes = after.flushes - before.flushes;
    // How many share one depends on the disk; that some do is the point.
    assert!(flushes < (TASKS * EACH) as u64, "{flushes} flushes for {} commits", TASKS * EACH);
    assert!(after.bytes > 0);
    assert_in_order(&store);
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.requests().count(), TASKS * EACH);
    assert!(store.audit().all(|entry| entry.unwrap().2));
}

#[test]
fn closing_writes_what_nobody_waited_for() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    for number in 0..100 {
        let row =
            request(&format!("r{number}"), Status::Pending { since: NOON, answer_by: NOON, reminded: false });
        drop(store.commit(Commit { requests: vec![row], ..Commit::default() }).unwrap());
    }
    drop(store);
    let witness = std::fs::read_to_string(folder.path().join("witness")).unwrap();
    assert!(witness.ends_with(" 100\n"), "a clean end leaves an exact witness: {witness}");
    assert_eq!(Store::open(folder.path()).unwrap().requests().count(), 100);
}

#[test]
fn a_resting_store_has_an_exact_witness() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    for _ in 0..3 {
        keep(&store, with_audit("active"));
    }
    let exact = || std::fs::read_to_string(folder.path().join("witness")).unwrap().ends_with(" 3\n");
    for _ in 0..200 {
        if exact() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the witness did not catch up");
}

#[test]
fn a_large_row_is_kept() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    for number in 0..20 {
        let mut row = request(
            &format!("r{number:02}"),
            Status::Pending { since: NOON, answer_by: NOON, reminded: false },
        );
        // Nothing that could be packed.
        let text: String = (0..20_000).map(|_| char::from(rand::random_range(b'!'..=b'~'))).collect();
        row.answers[0].value = AnswerValue::Text(text);
        keep(&store, Commit { requests: vec![row], ..Commit::default() });
    }
    let blobs = std::fs::read_dir(folder.path().join("store/blobs")).unwrap().count();
    assert!(blobs > 0, "this test is about rows that sled puts in files of their own");
    assert_in_order(&store);
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.requests().count(), 20);
    assert_in_order(&store);
}

/// Rows of requests `r1` to `r3`, of which `r2` is damaged.
fn with_unreadable_row() -> (TempDir, Store) {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let requests = (1..4).map(|number| {
        request(
            &format!("r{number}"),
            Status::Pending { since: NOON, answer_by: NOON + Span::seconds(number), reminded: false },
        )
    });
    let entitlements = vec![entitlement("u1", Custody::Held { retry: Retry::now(NOON) }, NOON)];
    keep(&store, Commit { requests: requests.collect(), entitlements, ..Commit::default() });
    meddle(&store, &keys::request(&"r2".into()), Some(b"\x01{ torn"));
    (folder, store)
}

#[test]
fn an_unreadable_row_does_not_stop_the_others() {
    let (_folder, store) = with_unreadable_row();
    let error = store.request(&"r2".into()).unwrap_err();
    assert!(error.to_string().contains("row `r/r2`"), "{error}");
    let due: Vec<_> = store.due(ALWAYS, 10).unwrap().into_iter().map(|(_, what)| what).collect();
    for id in ["r1", "r2", "r3"] {
        assert!(due.contains(&Due::Request(id.into())), "{id} is due, readable or not");
    }
    assert_eq!(store.requests().count(), 2);
    assert_eq!(store.entitlements().count(), 1);
    keep(&store, Commit { requests: vec![request("r1", Status::Lapsed { at: NOON })], ..Commit::default() });
    assert!(store.request(&"r1".into()).unwrap().unwrap().is_over());
}

#[test]
fn an_unreadable_comparison_is_as_good_as_none_and_is_replaced() {
    let (_folder, store) = with_unreadable_row();
    let sweep = super::samples::sweeps().remove(1);
    keep(&store, Commit { sweep: Some(sweep.clone()), ..Commit::default() });
    assert_eq!(store.sweep().unwrap(), Some(sweep.clone()));
    meddle(&store, keys::SWEEP, Some(b"\x01{ torn"));
    assert_eq!(store.sweep().unwrap(), None);
    keep(&store, Commit { sweep: Some(sweep.clone()), ..Commit::default() });
    assert_eq!(store.sweep().unwrap(), Some(sweep));
}

#[test]
fn an_unreadable_row_is_not_overwritten() {
    let (_folder, store) = with_unreadable_row();
    let before = everything(&store);
    let commit = Commit {
        requests: vec![
            request("r1", Status::Lapsed { at: NOON }),
            request("r2", Status::Lapsed { at: NOON }),
        ],
        ..with_audit("lapsed")
    };
    let error = store.commit(commit).unwrap_err();
    assert!(matches!(error, StoreError::Row { ref key, .. } if key == "r/r2"), "{error}");
    assert_eq!(everything(&store), before, "nothing of the batch is written");
    keep(&store, with_audit("active"));
}

#[test]
fn an_unreadable_notice_or_click_does_not_hold_up_the_others() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let notices = vec![sample_notice("r1", NoticeKind::Lapsed), sample_notice("r1", NoticeKind::Approved)];
    keep(
        &store,
        Commit { notices, click: Some(samples::sample_click("E2", ClickAction::Deny)), ..Commit::default() },
    );
    let first = store.notices(&"r1".into()).unwrap().remove(0);
    meddle(&store, &keys::notice(&"r1".into(), first.number), Some(b"\x01torn"));
    meddle(&store, &keys::click(&"E1".into()), Some(b"\x02{}"));
    let left = store.notices(&"r1".into()).unwrap();
    assert_eq!(left.iter().map(|queued| &queued.notice.kind).collect::<Vec<_>>(), [&NoticeKind::Approved]);
    assert_eq!(store.clicks().unwrap().len(), 1);
    keep(&store, Commit { sent: vec![("r1".into(), left[0].number)], ..Commit::default() });
    // Only now is it an error: the engine waits before it looks again.
    assert!(store.notices(&"r1".into()).is_err());
    assert_eq!(store.requests_with_notices().count(), 1);
}

#[test]
fn a_key_that_makes_no_sense_hides_nothing() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let row = request("r1", Status::Pending { since: NOON, answer_by: NOON, reminded: false });
    let notices = vec![sample_notice("r1", NoticeKind::Lapsed)];
    keep(&store, Commit { requests: vec![row], notices, ..Commit::default() });
    meddle(&store, b"d/", Some(b""));
    meddle(&store, b"d/\0\0\0\0\0\0\0\0z", Some(b""));
    meddle(&store, b"n/", Some(b""));
    meddle(&store, b"n/a", Some(b""));
    assert_eq!(store.next_due().unwrap(), Some(NOON));
    assert_eq!(store.due(ALWAYS, 10).unwrap(), [(NOON, Due::Request("r1".into()))]);
    assert_eq!(store.requests_with_notices().collect::<Vec<_>>(), [RequestId::new("r1")]);
}

#[test]
fn old_deliveries_are_forgotten() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    for (envelope, hours) in [("E1", 0), ("E2", 2)] {
        let click =
            Click { at: NOON + Span::hours(hours), ..samples::sample_click(envelope, ClickAction::Deny) };
        keep(&store, Commit { click: Some(click), ..Commit::default() });
    }
    let old = store.seen_before(NOON + Span::hours(1)).unwrap();
    assert_eq!(old, [EnvelopeId::new("E1")]);
    keep(&store, Commit { forget: old, ..Commit::default() });
    assert!(!store.has_seen(&"E1".into()).unwrap());
    assert!(store.has_seen(&"E2".into()).unwrap());
    assert_in_order(&store);
}
