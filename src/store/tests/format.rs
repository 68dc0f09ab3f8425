//! The format of the rows is a promise: what an old version has written is read for ever.

use super::samples;
use super::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::fs;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store")
}

/// The names of an enum's variants in JSON, as serde itself lists them.
fn variants<T: DeserializeOwned>() -> Vec<String> {
    let Err(error) = serde_json::from_value::<T>(Value::from("?")) else { panic!("`?` is a variant") };
    let text = error.to_string();
    let (_, list) = text.split_once("expected ").unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The name of the variant that this value is.
fn variant(value: &Value) -> String {
    match value {
        Value::String(name) => name.clone(),
        Value::Object(map) => map.keys().next().unwrap().clone(),
        other => panic!("{other} is no variant"),
    }
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap()
}

/// The samples of one kind by file: one file per variant.
fn grouped<T: Serialize>(
    kind: &str,
    rows: &[T],
    name: impl Fn(&Value) -> String,
) -> BTreeMap<String, Vec<Value>> {
    let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in rows {
        let row = json(row);
        files.entry(format!("{kind}_{}.json", name(&row))).or_default().push(row);
    }
    files
}

fn all_fixtures() -> BTreeMap<String, Vec<Value>> {
    let files = fs::read_dir(fixtures().join("v1")).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

/// Written once for a new variant, and never again: what stands there is what old stores hold.
#[test]
fn every_variant_has_a_fixture() {
    let mut wanted = grouped("request", &samples::requests(), |row| variant(&row["status"]));
    wanted.extend(grouped("entitlement", &samples::entitlements(), |row| variant(&row["custody"])));
    wanted.extend(grouped("notice", &samples::notices(), |row| variant(&row["kind"])));
    wanted.extend(grouped("click", &samples::clicks(), |row| variant(&row["action"])));
    wanted.extend(grouped("audit", &samples::records(), |row| row["action"].as_str().unwrap().to_owned()));
    wanted.extend(grouped("sweep", &samples::sweeps(), |_| "any".to_owned()));
    fs::create_dir_all(fixtures().join("v1")).unwrap();
    let missing: Vec<_> =
        wanted.into_iter().filter(|(name, _)| !fixtures().join("v1").join(name).exists()).collect();
    for (name, rows) in &missing {
        let text = serde_json::to_string_pretty(rows).unwrap() + "\n";
        fs::write(fixtures().join("v1").join(name), text).unwrap();
    }
    let missing: Vec<_> = missing.into_iter().map(|(name, _)| name).collect();
    assert!(missing.is_empty(), "written now, look at them and commit them: {missing:?}");

    let found = all_fixtures();
    let kinds = [
        ("request", variants::<Status>()),
        ("entitlement", variants::<Custody>()),
        ("notice", variants::<NoticeKind>()),
        ("click", variants::<ClickAction>()),
    ];
    for (kind, variants) in kinds {
        for name in variants {
            let file = format!("{kind}_{name}.json");
            assert!(found.contains_key(&file), "no sample shows {kind} `{name}`: add one to samples.rs");
        }
    }
    let text = serde_json::to_string(&found).unwrap();
    let inner = [
        variants::<Cause>(),
        variants::<Removal>(),
        variants::<Refusal>(),
        variants::<People>(),
        variants::<AnswerValue>(),
        variants::<Resource>(),
        variants::<Principal>(),
        variants::<ClaimStage>(),
        variants::<Audience>(),
        variants::<Scope>(),
        variants::<Actor>(),
    ];
    for name in inner.concat() {
        assert!(text.contains(&format!("\"{name}\"")), "no fixture shows `{name}`: add it to samples.rs");
    }
}

fn reads_back<T: Serialize + DeserializeOwned>(file: &str, rows: &[Value]) {
    for old in rows {
        let bytes = [&[1][..], old.to_string().as_bytes()].concat();
        let row: T = row::decode(b"r/1", &bytes).unwrap_or_else(|error| panic!("{file}: {error}"));
        let again = row::plain(&row).unwrap();
        let again: Value = serde_json::from_slice(&again[1..]).unwrap();
        assert_eq!(&again, old, "{file}: what was read is written differently");
        let packed = row::decode::<T>(b"r/1", &row::encode(&row).unwrap());
        assert_eq!(&json(&packed.unwrap()), old, "{file}: it is packed differently");
    }
}

#[test]
fn rows_of_version_1_are_read_and_written_as_ever() {
    let files = all_fixtures();
    assert!(!files.is_empty());
    for (file, rows) in files {
        match file.split('_').next().unwrap() {
            "request" => reads_back::<AccessRequest>(&file, &rows),
            "entitlement" => reads_back::<Entitlement>(&file, &rows),
            "notice" => reads_back::<Notice>(&file, &rows),
            "click" => reads_back::<Click>(&file, &rows),
            "sweep" => reads_back::<Sweep>(&file, &rows),
            "audit" => reads_back::<AuditRecord>(&file, &rows),
            _ => panic!("what is {file}?"),
        }
    }
}

pub(super) fn fill(store: &Store) {
    for request in samples::requests() {
        let redraw = BTreeSet::from([request.id.clone()]);
        keep(store, Commit { at: NOON, requests: vec![request], redraw, ..Commit::default() });
    }
    keep(store, Commit { at: NOON, entitlements: samples::entitlements(), ..Commit::default() });
    keep(store, Commit { at: NOON, notices: samples::notices(), ..Commit::default() });
    for click in samples::clicks() {
        keep(store, Commit { at: NOON, click: Some(click), ..Commit::default() });
    }
    keep(store, Commit { at: NOON, audit: samples::records(), ..Commit::default() });
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_store_of_version_1_opens_and_tells_everything() {
    let kept = fixtures().join("v1-store");
    if !kept.exists() {
        fill(&Store::open(&kept).unwrap());
        fs::remove_file(kept.join("lock")).unwrap();
        panic!("written now: commit {}", kept.display());
    }
    let folder = folder();
    copy(&kept, folder.path());
    let store = Store::open(folder.path()).unwrap();
    assert_in_order(&store);

    // The store is as old as its day; the fixtures have grown since.
    let fixtures = all_fixtures();
    let all_shown = |kind: &str, rows: Vec<Value>| {
        let files = fixtures.iter().filter(|(file, _)| file.starts_with(kind));
        let shown: Vec<&Value> = files.flat_map(|(_, rows)| rows).collect();
        assert!(!rows.is_empty());
        for row in rows {
            assert!(shown.contains(&&row), "this {kind} was read wrongly: {row}");
        }
    };
    let (requests, entitlements) = (store.requests(), store.entitlements());
    all_shown("request", requests.map(|row| json(&row)).collect());
    all_shown("entitlement", entitlements.map(|row| json(&row)).collect());
    all_shown("click", store.clicks().unwrap().iter().map(json).collect());
    let notices = store.notices(&"request00".into()).unwrap();
    all_shown("notice", notices.iter().map(|queued| json(&queued.notice)).collect());
    let trail: Vec<_> = store.audit().map(Result::unwrap).collect();
    assert!(trail.iter().all(|(_, _, holds)| *holds));
    all_shown("audit", trail.iter().map(|(_, record, _)| json(record)).collect());
    let figures = (store.requests().count(), store.entitlements().count(), notices.len(), trail.len());
    assert_eq!(figures, (27, 8, 40, 3), "this store never changes");
    assert_eq!(store.redraws().count(), store.requests().count());
    for click in store.clicks().unwrap() {
        assert!(store.has_seen(&click.envelope).unwrap());
    }
}
