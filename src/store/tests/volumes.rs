//! Old records of the trail, bound into volumes: as good as single ones.

use super::*;
use std::fs;

const RECORDS: u64 = 150;

/// A trail long enough to be bound, with gaps in its numbers.
fn with_volumes() -> (TempDir, Store) {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    for number in 0..RECORDS {
        let mut commit = with_audit("pending");
        commit.audit[0].at = NOON + Span::minutes(i64::try_from(number).unwrap());
        commit.notices = vec![sample_notice("r1", NoticeKind::Lapsed)];
        drop(store.commit(commit).unwrap());
    }
    (folder, store)
}

fn flaw(store: &Store) -> Option<(Option<u64>, What)> {
    store.verify().unwrap().flaw.map(|flaw| (flaw.number, flaw.what))
}

fn numbers(store: &Store) -> Vec<u64> {
    store.trail(None, None).map(|kept| kept.unwrap().number).collect()
}

/// How many single records there are, and the volumes.
fn rows(store: &Store) -> (u64, Vec<volume::Record>) {
    let all = everything(store);
    let single = all.keys().filter(|key| key.starts_with(keys::AUDIT)).count() as u64;
    (single, all.into_iter().filter(|(key, _)| key.starts_with(keys::VOLUME)).collect())
}

#[test]
fn old_records_are_bound_and_the_trail_stays_as_it_was() {
    let (folder, store) = with_volumes();
    let (single, volumes) = rows(&store);
    let bound = volumes.len() as u64 * volume::BOUND as u64;
    assert_eq!((single + bound, volumes.len()), (RECORDS, 3));
    assert_eq!(store.lock().single, single);
    let verdict = store.verify().unwrap();
    assert_eq!((verdict.records, &verdict.flaw), (RECORDS, &None));
    assert_eq!(store.audit().filter(|entry| entry.as_ref().unwrap().2).count() as u64, RECORDS);
    let expected: Vec<_> = (0..RECORDS).map(|number| number * 2 + 1).collect();
    assert_eq!(numbers(&store), expected);
    let within = store.trail(Some(NOON + Span::minutes(10)), Some(NOON + Span::minutes(70)));
    assert_eq!(within.count(), 60);
    for number in 0..=RECORDS * 2 {
        let rest = store.trail_from(number).map(|kept| kept.unwrap().number);
        assert!(rest.eq(expected.iter().copied().filter(|other| *other >= number)), "from {number}");
    }
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.verify().unwrap(), verdict);
    assert_in_order(&store);
}

/// One step that says much, as an import does, leaves no more single records than many steps.
#[test]
fn a_large_step_is_bound_at_once() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let step = || Commit { audit: vec![sample_record("pending"); 200], ..Commit::default() };
    keep(&store, with_audit("one"));
    for _ in 0..2 {
        keep(&store, step());
        assert!(rows(&store).0 < 64);
        assert_eq!(rows(&store).0, store.lock().single);
    }
    let verdict = store.verify().unwrap();
    assert_eq!((verdict.records, verdict.flaw), (401, None));
}

#[test]
fn whatever_is_done_to_a_volume_is_named() {
    let (_folder, store) = with_volumes();
    let (_, volumes) = rows(&store);
    let (key, whole) = &volumes[1];
    let records = volume::open(key, whole).unwrap();
    let number = |place: usize| Some(keys::read_number(&records[place].0));
    // A record in it is altered, removed, or changes places with its neighbour.
    let forge = |change: &dyn Fn(&mut Vec<volume::Record>)| {
        let mut forged = records.clone();
        change(&mut forged);
        meddle(&store, key, Some(&volume::bind(&forged).unwrap()));
        flaw(&store).expect("it is noticed")
    };
    assert_eq!(forge(&|records| *records[7].1.last_mut().unwrap() = b' ').0, number(7));
    assert_eq!(forge(&|records| records[7].1[0] ^= 1), (number(7), What::Altered));
    assert_eq!(forge(&|records| drop(records.remove(7))), (number(8), What::Altered));
    let exchanged = forge(&|records| {
        let (seventh, eighth) = (records[7].1.clone(), records[8].1.clone());
        (records[7].1, records[8].1) = (eighth, seventh);
    });
    assert_eq!(exchanged, (number(7), What::Moved(number(8).unwrap())));
    // The volume is missing.
    meddle(&store, key, None);
    let next = keys::read_number(&volumes[2].0);
    assert_eq!(flaw(&store), Some((Some(next), What::Altered)));
    // A single record stands where volumes are, or in front of them all.
    meddle(&store, key, Some(whole));
    assert_eq!(flaw(&store), None);
    for forged in [number(0).unwrap() + 1, 0] {
        meddle(&store, &keys::audit(forged), Some(&records[0].1));
        assert!(matches!(flaw(&store), Some((Some(named), _)) if named == forged));
        meddle(&store, &keys::audit(forged), None);
    }
    assert_eq!(flaw(&store), None);
}

#[test]
fn a_volume_with_a_flipped_or_missing_byte_is_named_and_hides_no_other() {
    let (_folder, store) = with_volumes();
    let (_, volumes) = rows(&store);
    let (key, whole) = &volumes[1];
    let (first, last) = (keys::read_number(key), keys::read_number(&volumes[2].0));
    for place in 0..whole.len() {
        let mut altered = whole.clone();
        altered[place] ^= 1;
        meddle(&store, key, Some(&altered));
        let Some((named, what)) = flaw(&store) else {
            // The same said in another way, or a number altered to one that is free, which the chain
            // does not cover.
            let texts = |bound: &[u8]| -> Vec<_> {
                volume::open(key, bound).unwrap().into_iter().map(|(_, text)| text).collect()
            };
            assert!(texts(&altered) == texts(whole), "byte {place} is not noticed");
            continue;
        };
        // Only the last of the numbers in it can be altered and still be one.
        let is_there = named.is_some_and(|named| (first..=last).contains(&named)) || what == What::Added;
        assert!(is_there, "byte {place}: {named:?} {what:?}");
    }
    for length in (0..whole.len()).step_by(5) {
        meddle(&store, key, Some(&whole[..length]));
        assert!(matches!(flaw(&store), Some((Some(named), What::Torn(_))) if named == first));
        let readable = store.trail(None, None).flatten().count();
        assert_eq!(readable as u64, RECORDS - volume::BOUND as u64, "the others can still be exported");
    }
}

/// What is damaged is evidence: it is left where it is, and the books go on.
#[test]
fn damaged_records_are_not_bound() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    keep(&store, with_audit("one"));
    meddle(&store, &keys::audit(0), Some(b"torn"));
    for _ in 0..100 {
        drop(store.commit(with_audit("active")).unwrap());
    }
    assert_eq!(rows(&store), (101, Vec::new()));
    assert_eq!(everything(&store)[&keys::audit(0)], b"torn");
}

#[test]
fn a_trail_is_read_whole_while_it_is_bound() {
    let (_folder, store) = with_volumes();
    let store = std::sync::Arc::new(store);
    let writer = {
        let store = std::sync::Arc::clone(&store);
        std::thread::spawn(move || {
            for _ in 0..2000 {
                drop(store.commit(with_audit("active")).unwrap());
            }
        })
    };
    while !writer.is_finished() {
        let numbers: Vec<_> = store.audit().map(|entry| entry.unwrap()).collect();
        assert!(numbers.iter().all(|(_, _, holds)| *holds));
        assert!(numbers.len() as u64 >= RECORDS);
    }
    writer.join().unwrap();
}

/// What was packed against these words is read with them only.
#[test]
fn the_words_never_change() {
    let words = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/row/words.txt")).unwrap();
    let weight = write::weight(b"", &words);
    assert_eq!(
        format!("{weight:032x}"),
        "8ea93e24531a0ca562bffa9afd04643b",
        "a new text needs a new version byte"
    );
}

#[test]
fn a_row_that_could_not_be_read_back_is_not_written() {
    let long = |length| row::encode(&"x".repeat(length));
    let most = 64 * 1024 * 1024 - 3;
    assert_eq!(row::decode::<String>(b"s/last", &long(most).unwrap()).unwrap().len(), most);
    let error = long(most + 1).unwrap_err();
    assert!(error.to_string().contains("can be read back"), "{error}");
}

#[test]
fn a_packed_row_that_is_damaged_is_an_error() {
    let row = request("r1", pending(NOON));
    let packed = row::encode(&row).unwrap();
    let plain = row::plain(&row).unwrap();
    assert!(packed.len() * 2 < plain.len(), "{} of {} bytes", packed.len(), plain.len());
    assert_eq!(row::decode::<AccessRequest>(b"r/r1", &packed).unwrap(), row);
    assert_eq!(row::decode::<AccessRequest>(b"r/r1", &plain).unwrap(), row);
    for length in 0..packed.len() {
        row::decode::<AccessRequest>(b"r/r1", &packed[..length]).unwrap_err();
    }
    let huge = [&[2][..], &u32::MAX.to_le_bytes(), &packed[5..]].concat();
    let error = row::decode::<AccessRequest>(b"r/r1", &huge).unwrap_err();
    assert!(error.to_string().contains("claims to be"), "{error}");
    for place in 0..packed.len() {
        let mut flipped = packed.clone();
        flipped[place] ^= 1;
        // No panic, whatever it says now.
        drop(row::decode::<AccessRequest>(b"r/r1", &flipped));
    }
}
