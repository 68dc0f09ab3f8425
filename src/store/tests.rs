//! The store against random histories, damage and sudden death.

mod books;
mod crash;
mod format;
mod opening;
mod power;
mod proof;
mod samples;
mod volumes;

use super::*;
use crate::access::*;
use proptest::prelude::*;
use samples::{entitlement, every_custody, every_status, pending, request, sample_notice, sample_record};
use std::collections::BTreeMap;
use tempfile::TempDir;

const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const ALWAYS: Timestamp = Timestamp::from_millis(i64::MAX);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn block_on<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Commits and waits for the disk.
fn keep(store: &Store, commit: Commit) {
    let ticket = store.commit(commit).unwrap();
    block_on(ticket.on_disk()).unwrap();
}

fn with_audit(action: &str) -> Commit {
    Commit { at: NOON, audit: vec![sample_record(action)], ..Commit::default() }
}

/// Writes behind the store's back, as damage would. The sum no longer fits afterwards.
fn meddle(store: &Store, key: &[u8], value: Option<&[u8]>) {
    let mut batch = sled::Batch::default();
    match value {
        Some(value) => batch.insert(key, value),
        None => batch.remove(key),
    }
    #[expect(clippy::disallowed_methods, reason = "this is the damage")]
    store.db.apply_batch(batch).unwrap();
}

/// Everything in the books, by key.
fn everything(store: &Store) -> BTreeMap<Vec<u8>, Vec<u8>> {
    store.db.iter().map(Result::unwrap).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// The due entries are exactly the duties of the rows, and the sum is exactly that of all rows.
fn assert_in_order(store: &Store) {
    let requests = store.requests().filter_map(|row| Some((row.duty()?.1, Due::Request(row.id))));
    let entitlements = store.entitlements().filter_map(|row| Some((row.duty()?.1, Due::Entitlement(row.id))));
    // Times before 1970 are kept as 1970: they are due in any case.
    let clamp = |at: Timestamp| at.max(Timestamp::from_millis(0));
    let mut owed: Vec<_> = requests.chain(entitlements).map(|(at, what)| (clamp(at), what)).collect();
    owed.sort_by_key(|(at, what)| keys::due(*at, what));
    assert_eq!(store.due(ALWAYS, usize::MAX).unwrap(), owed);
    assert_eq!(store.next_due().unwrap(), owed.first().map(|(at, _)| *at));

    let rows = everything(store);
    let sum = rows.iter().filter(|(key, _)| write::is_summed(key));
    let sum = sum.fold(0_u128, |sum, (key, value)| sum.wrapping_add(write::weight(key, value)));
    assert_eq!(store.lock().sum, sum);
    assert_eq!(keys::read_head(&rows[keys::HEAD]).as_ref(), Some(&*store.lock()));
}

/// What one random commit does, with small numbers standing for ids and states.
#[derive(Debug, Clone)]
enum Write {
    Request(usize, usize, i64),
    Entitlement(usize, usize, i64),
    Gone(usize),
    Notice(usize),
    SendFirst(usize),
    Audit,
    Redraw(usize),
    Drawn(usize),
    Click(usize),
    Handled(usize),
    Restart,
}

fn any_write() -> impl Strategy<Value = Write> {
    let id = 0..4_usize;
    let time = -5..50_i64;
    prop_oneof![
        4 => (id.clone(), 0..40_usize, time.clone()).prop_map(|(id, state, at)| Write::Request(id, state, at)),
        4 => (id.clone(), 0..40_usize, time).prop_map(|(id, state, at)| Write::Entitlement(id, state, at)),
        1 => id.clone().prop_map(Write::Gone),
        1 => id.clone().prop_map(Write::Notice),
        1 => id.clone().prop_map(Write::SendFirst),
        1 => Just(Write::Audit),
        1 => id.clone().prop_map(Write::Redraw),
        1 => id.clone().prop_map(Write::Drawn),
        1 => id.clone().prop_map(Write::Click),
        1 => id.prop_map(Write::Handled),
        1 => Just(Write::Restart),
    ]
}

/// What the books must hold, kept by simpler means.
#[derive(Default)]
struct Model {
    requests: BTreeMap<RequestId, AccessRequest>,
    entitlements: BTreeMap<EntitlementId, Entitlement>,
    notices: BTreeMap<RequestId, Vec<Notice>>,
    redraw: BTreeSet<RequestId>,
    clicks: BTreeMap<EnvelopeId, Click>,
    records: usize,
}

impl Model {
    fn add(&mut self, commit: &mut Commit, write: &Write, store: &Store) {
        let at = |hours: i64| Timestamp::from_millis(hours * 3_600_000);
        match write {
            Write::Request(id, state, time) => {
                let states = every_status(at(*time));
                let row = request(&format!("r{id}"), states[state % states.len()].clone());
                self.requests.insert(row.id.clone(), row.clone());
                commit.requests.push(row);
            }
            Write::Entitlement(id, state, time) => {
                let states = every_custody(at(*time));
                let row = entitlement(&format!("u{id}"), states[state % states.len()].clone(), at(*time));
                self.entitlements.insert(row.id.clone(), row.clone());
                commit.entitlements.push(row);
            }
            Write::Gone(id) => {
                let id = entitlement(&format!("u{id}"), every_custody(NOON).remove(0), NOON).id;
                // A commit that both writes and removes a row removes it.
                self.entitlements.remove(&id);
                commit.gone.push(id);
            }
            Write::Notice(id) => {
                let notice = sample_notice(&format!("r{id}"), NoticeKind::Lapsed);
                self.notices.entry(notice.request.clone()).or_default().push(notice.clone());
                commit.notices.push(notice);
            }
            Write::SendFirst(id) => {
                let id = RequestId::new(format!("r{id}"));
                if let Some(first) = store.notices(&id).unwrap().first() {
                    self.notices.get_mut(&id).unwrap().remove(0);
                    commit.sent.push((id, first.number));
                }
            }
            Write::Audit => {
                self.records += 1;
                commit.audit.push(sample_record("active"));
            }
            Write::Redraw(id) => {
                let id = RequestId::new(format!("r{id}"));
                self.redraw.insert(id.clone());
                commit.redraw.insert(id);
            }
            Write::Drawn(id) => {
                let id = RequestId::new(format!("r{id}"));
                if let Some(mark) = store.redraw_mark(&id).unwrap() {
                    self.redraw.remove(&id);
                    commit.drawn.push((id, mark));
                }
            }
            Write::Click(id) => {
                let click = samples::sample_click(&format!("E{id}"), ClickAction::Approve);
                self.clicks.insert(click.envelope.clone(), click.clone());
                commit.click = Some(click);
            }
            Write::Handled(id) => {
                let envelope = EnvelopeId::new(format!("E{id}"));
                self.clicks.remove(&envelope);
                commit.handled = Some(envelope);
            }
            Write::Restart => {}
        }
    }

    fn compare(&self, store: &Store) {
        assert_eq!(
            store.requests().map(|row| (row.id.clone(), row)).collect::<BTreeMap<_, _>>(),
            self.requests
        );
        let entitlements: BTreeMap<_, _> = store.entitlements().map(|row| (row.id.clone(), row)).collect();
        assert_eq!(entitlements, self.entitlements);
        let waiting: Vec<RequestId> = store.requests_with_notices().collect();
        let expected = self.notices.iter().filter(|(_, notices)| !notices.is_empty());
        assert_eq!(waiting, expected.clone().map(|(id, _)| id.clone()).collect::<Vec<_>>());
        for (id, notices) in expected {
            let queued = store.notices(id).unwrap();
            assert!(queued.windows(2).all(|pair| pair[0].number < pair[1].number));
            assert_eq!(&queued.into_iter().map(|queued| queued.notice).collect::<Vec<_>>(), notices);
        }
        assert_eq!(store.redraws().collect::<BTreeSet<_>>(), self.redraw);
        assert_eq!(store.clicks().unwrap(), self.clicks.values().cloned().collect::<Vec<_>>());
        let trail: Vec<_> = store.audit().map(Result::unwrap).collect();
        assert_eq!(trail.len(), self.records);
        assert!(trail.iter().all(|(_, _, holds)| *holds));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each commit is a few writes, in which rows may occur twice. Between commits the process may end.
    #[test]
    fn the_books_are_right_after_every_commit(
        commits in prop::collection::vec(prop::collection::vec(any_write(), 1..4), 1..24),
    ) {
        let folder = folder();
        let mut store = Store::open(folder.path()).unwrap();
        let mut model = Model::default();
        for writes in commits {
            // The rows are read on between the commits, from the first again when all were read.
            let is_begun = store.books.survey().is_some();
            if !is_begun {
                *store.books.survey() = Some(Survey::begin());
            }
            let mut commit = Commit { at: NOON, ..Commit::default() };
            // Writes come before removals in a commit, and sends and drawings name what was there
            // before it, each once.
            let mut writes = writes;
            writes.sort_by_key(|write| matches!(write, Write::Gone(_) | Write::Handled(_)));
            let mut once = BTreeSet::new();
            writes.retain(|write| match write {
                Write::SendFirst(id) | Write::Drawn(id) | Write::Redraw(id) | Write::Notice(id) => once.insert(*id),
                Write::Click(_) => once.insert(100),
                Write::Handled(_) => once.insert(101),
                _ => true,
            });
            for write in &writes {
                model.add(&mut commit, write, &store);
            }
            store.commit(commit).unwrap();
            assert_in_order(&store);
            {
                let (head, mut place) = (store.lock(), store.books.survey());
                let survey = place.as_mut().unwrap();
                survey.advance(&store.db, 3).unwrap();
                if survey.is_over() {
                    survey.compare(head.sum).unwrap();
                    assert!(survey.is_index_right());
                    *place = None;
                }
            }
            model.compare(&store);
            if writes.iter().any(|write| matches!(write, Write::Restart)) {
                let before = everything(&store);
                drop(store);
                store = Store::open(folder.path()).unwrap();
                assert_eq!(everything(&store), before, "closing and opening changed the books");
                model.compare(&store);
            }
        }
    }
}
