//! The audit trail and the copies of the books against everything that can be done to them.

use super::opening::closed;
use super::*;
use std::fs;

/// A store whose trail has records with these numbers.
fn numbers(store: &Store) -> Vec<u64> {
    store.trail(None, None).map(|kept| kept.unwrap().number).collect()
}

fn flaw(store: &Store) -> Option<(Option<u64>, What)> {
    store.verify().unwrap().flaw.map(|flaw| (flaw.number, flaw.what))
}

fn row_of(store: &Store, number: u64) -> Vec<u8> {
    everything(store)[&keys::audit(number)].clone()
}

fn with_trail() -> (TempDir, Store, Vec<u64>) {
    let folder = closed(0);
    let store = Store::open(folder.path()).unwrap();
    for number in 0..6 {
        let mut commit = with_audit("pending");
        commit.audit[0].at = NOON + Span::minutes(number);
        commit.audit[0].detail = serde_json::json!({ "number": number });
        // The numbers are shared with notices, so a trail has gaps.
        commit.notices = vec![sample_notice("r1", NoticeKind::Lapsed)];
        keep(&store, commit);
    }
    let numbers = numbers(&store);
    (folder, store, numbers)
}

#[test]
fn a_whole_trail_is_counted_and_exported() {
    let (_folder, store, numbers) = with_trail();
    let verdict = store.verify().unwrap();
    assert_eq!((verdict.records, verdict.flaw), (6, None));
    let within = store.trail(Some(NOON + Span::minutes(2)), Some(NOON + Span::minutes(4)));
    let lines: Vec<_> = within.map(|kept| kept.unwrap().to_json()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["number"], numbers[2]);
    assert_eq!(lines[0]["at"], "2023-11-14T22:15:20.000Z");
    assert_eq!(lines[0]["actor"], serde_json::json!({ "person": "UBO" }));
    assert_eq!(lines[0]["detail"]["number"], 2);
    assert_eq!(lines[0]["hash"].as_str().unwrap().len(), 64);
    let last = store.trail(None, None).last().unwrap().unwrap();
    assert_eq!(last.to_json()["hash"], verdict.end);
}

#[test]
fn a_trail_without_records_holds() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.verify().unwrap().flaw, None);
}

#[test]
fn a_removed_record_is_named_by_the_one_behind_it() {
    for removed in 0..5 {
        let (_folder, store, numbers) = with_trail();
        meddle(&store, &keys::audit(numbers[removed]), None);
        assert_eq!(flaw(&store), Some((Some(numbers[removed + 1]), What::Altered)));
        let words = store.verify().unwrap().flaw.unwrap().to_string();
        assert!(words.contains("were removed") && words.contains("2023-11-14T22:"), "{words}");
    }
}

#[test]
fn a_cut_end_is_named_however_much_of_it_is_missing() {
    for left in 0..6 {
        let (folder, store, numbers) = with_trail();
        for number in &numbers[left..] {
            meddle(&store, &keys::audit(*number), None);
        }
        let last = left.checked_sub(1).map(|last| numbers[last]);
        assert_eq!(flaw(&store), Some((last, What::CutOff)));
        drop(store);
        // Opening it, and going on, does not heal it.
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(flaw(&store), Some((last, What::CutOff)));
        keep(&store, with_audit("active"));
        let next = *self::numbers(&store).last().unwrap();
        assert_eq!(flaw(&store), Some((Some(next), What::Altered)));
    }
}

#[test]
fn an_altered_or_torn_record_is_named_whichever_byte_it_is() {
    let (_folder, store, numbers) = with_trail();
    for number in [numbers[0], numbers[3], numbers[5]] {
        let whole = row_of(&store, number);
        for place in 0..whole.len() {
            let mut altered = whole.clone();
            altered[place] ^= 1;
            meddle(&store, &keys::audit(number), Some(&altered));
            let (named, _) = flaw(&store).expect("it is noticed");
            assert_eq!(named, Some(number), "byte {place}");
        }
        for length in [0, 1, 31, 32, 33, whole.len() - 1] {
            meddle(&store, &keys::audit(number), Some(&whole[..length]));
            let (named, what) = flaw(&store).expect("it is noticed");
            assert_eq!(named, Some(number), "{length} bytes");
            assert!(matches!(what, What::Torn(_)), "{what:?}");
        }
        meddle(&store, &keys::audit(number), Some(&whole));
        assert_eq!(flaw(&store), None);
    }
}

#[test]
fn reordered_and_added_records_are_named() {
    let (_folder, store, numbers) = with_trail();
    let (second, third) = (row_of(&store, numbers[1]), row_of(&store, numbers[2]));
    meddle(&store, &keys::audit(numbers[1]), Some(&third));
    meddle(&store, &keys::audit(numbers[2]), Some(&second));
    assert_eq!(flaw(&store), Some((Some(numbers[1]), What::Moved(numbers[2]))));
    meddle(&store, &keys::audit(numbers[1]), Some(&second));
    meddle(&store, &keys::audit(numbers[2]), Some(&third));
    assert_eq!(flaw(&store), None);

    let next = numbers[5] + 100;
    let last = row_of(&store, numbers[5]);
    let (hash, text) = trail::split(b"", &last).unwrap();
    let forged = [&trail::link(hash, text)[..], text].concat();
    meddle(&store, &keys::audit(next), Some(&forged));
    assert_eq!(flaw(&store), Some((Some(next), What::Added)));
}

/// The end of sled's own file: refused, named, or everything is there.
#[test]
fn a_torn_file_is_refused_or_named_or_harmless() {
    let (folder, store, _) = with_trail();
    let whole: Vec<_> = store.trail(None, None).map(Result::unwrap).collect();
    drop(store);
    let length = fs::metadata(folder.path().join("store/db")).unwrap().len();
    let length = usize::try_from(length).unwrap();
    let used = fs::read(folder.path().join("store/db")).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    let mut noticed = 0;
    for back in [1, 7, 64, 200, 700, 1500] {
        for is_cut in [true, false] {
            let copied = self::folder();
            super::format::copy(folder.path(), copied.path());
            let file = copied.path().join("store/db");
            let mut bytes = fs::read(&file).unwrap();
            let place = used.saturating_sub(back);
            if is_cut {
                bytes.truncate(place);
            } else {
                bytes[place] ^= 0x20;
            }
            assert!(bytes.len() <= length);
            fs::write(&file, bytes).unwrap();
            match Store::open(copied.path()) {
                Err(_) => noticed += 1,
                Ok(store) => match store.verify() {
                    Err(_) | Ok(Verdict { flaw: Some(_), .. }) => noticed += 1,
                    Ok(Verdict { flaw: None, .. }) => {
                        let left: Vec<_> = store.trail(None, None).map(Result::unwrap).collect();
                        assert_eq!(left, whole, "{back} bytes from the end, cut: {is_cut}");
                    }
                },
            }
        }
    }
    assert!(noticed > 0, "the damage did not hit anything");
}

fn in_full() -> (TempDir, Store) {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    super::format::fill(&store);
    let mut large = request("large", pending(NOON));
    large.answers[0].value = AnswerValue::Text("🦀".repeat(10_000));
    keep(&store, Commit { requests: vec![large], ..with_audit("pending") });
    (folder, store)
}

#[test]
fn a_backup_is_restored_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, store) = in_full();
    let file = folder.path().join("copy");
    let saved = store.backup(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let rows = everything(&store);
    assert_eq!(saved, Saved { rows: rows.len() as u64, commits: store.figures().commits });
    keep(&store, with_audit("active"));
    let again = store.backup(&file).unwrap_err();
    assert!(matches!(again, BackupError::File { .. }), "a backup is never overwritten: {again}");

    let other = self::folder();
    let place = other.path().join("new/data");
    let (restored, same) = Store::restore(&file, &place).unwrap();
    assert_eq!(same, saved);
    assert_eq!(everything(&restored), rows);
    assert_in_order(&restored);
    assert_eq!(restored.verify().unwrap().flaw, None);
    keep(&restored, with_audit("active"));
    drop(restored);
    Store::open(&place).unwrap();
    let full = Store::restore(&file, &place).unwrap_err();
    assert!(matches!(full, BackupError::NotEmpty { .. }), "{full}");
}

#[test]
fn a_backup_is_whole_while_others_write() {
    let (folder, store) = in_full();
    let store = std::sync::Arc::new(store);
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let store = std::sync::Arc::clone(&store);
            std::thread::spawn(move || {
                for number in 0..200 {
                    let row =
                        request(&format!("w{writer}-{}", number % 20), pending(NOON + Span::seconds(number)));
                    store.commit(Commit { requests: vec![row], ..with_audit("pending") }).unwrap();
                }
            })
        })
        .collect();
    let files: Vec<_> = (0..4).map(|number| folder.path().join(format!("copy{number}"))).collect();
    for file in &files {
        store.backup(file).unwrap();
    }
    for writer in writers {
        writer.join().unwrap();
    }
    for file in &files {
        let place = self::folder();
        let (restored, _) = Store::restore(file, place.path()).unwrap();
        assert_in_order(&restored);
        assert_eq!(restored.verify().unwrap().flaw, None);
    }
}

#[test]
fn half_a_backup_restores_nothing() {
    let (folder, store) = in_full();
    let file = folder.path().join("copy");
    store.backup(&file).unwrap();
    let whole = fs::read(&file).unwrap();
    let target = self::folder();
    let place = target.path().join("data");
    let refused = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let error = Store::restore(&file, &place).unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
        assert!(!place.exists(), "nothing was touched");
    };
    for step in 0..40 {
        let at = whole.len() * step / 40;
        refused(&whole[..at]);
        let mut flipped = whole.clone();
        flipped[at] ^= 4;
        refused(&flipped);
    }
    refused(&[&whole[..], b"more"].concat());
    refused(&[b"sym-backup 2\n", &whole[13..]].concat());
    let missing = Store::restore(&folder.path().join("none"), &place).unwrap_err();
    assert!(matches!(missing, BackupError::File { .. }), "{missing}");
}

/// A process that died in the middle of a restore.
#[test]
fn half_a_restore_never_opens() {
    let (folder, store) = in_full();
    let file = folder.path().join("copy");
    store.backup(&file).unwrap();
    let target = self::folder();
    let (restored, _) = Store::restore(&file, target.path()).unwrap();
    meddle(&restored, keys::HEAD, None);
    drop(restored);
    fs::remove_file(target.path().join("witness")).unwrap();
    assert!(matches!(Store::open(target.path()), Err(OpenError::Damaged { .. })));
}
