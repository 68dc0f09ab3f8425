//! How much is in hand at once that waits for its turn at AWS: enough to use all that AWS allows. The rest
//! stays in the books, where waiting costs nothing, and comes in the order in which it was due.
//!
//! Giving and taking are counted apart, so that no removal waits behind grants; and so is each account,
//! so that one in which much ends does not take the hands from the others. What waits for nobody is not
//! counted: ends and alarms, and the question how an operation goes.

use super::Engine;
use crate::access::{Entitlement, EntitlementDuty, Resource, Timestamp};
use crate::store::Due;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So much is in hand of one kind in one instance.
const IN_ALL: usize = 1_000;
/// So much of that in one account, which takes one operation at a time.
const IN_ACCOUNT: usize = 20;

/// Something whose work is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Line {
    is_taking: bool,
    of: Kind,
}

/// What stands in one another's way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    /// Assignments of an instance.
    Assignments(String),
    /// Those in one of its accounts.
    InAccount(String, String),
    /// Group memberships of an instance.
    Memberships(String),
    /// Memberships of IAM groups in an account.
    Iam(String),
}

impl Line {
    const fn limit(&self) -> usize {
        match self.of {
            Kind::InAccount(..) => IN_ACCOUNT,
            Kind::Assignments(_) | Kind::Memberships(_) | Kind::Iam(_) => IN_ALL,
        }
    }
}

/// What a piece of work counts against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Load(Vec<Line>);

impl Load {
    /// What this duty counts against.
    fn of(entitlement: &Entitlement, duty: EntitlementDuty) -> Self {
        let (is_taking, needs_place) = match duty {
            EntitlementDuty::TimePasses | EntitlementDuty::PollGrant | EntitlementDuty::PollRevoke => {
                return Self::default();
            }
            EntitlementDuty::Look => (false, false),
            EntitlementDuty::Grant => (false, true),
            EntitlementDuty::Revoke => (true, true),
        };
        let kinds = match &entitlement.resource {
            Resource::SsoPermissionSet { instance_arn, account_id, .. } => {
                let account = Kind::InAccount(instance_arn.clone(), account_id.clone());
                let all = Kind::Assignments(instance_arn.clone());
                if needs_place { vec![all, account] } else { vec![all] }
            }
            Resource::SsoGroup { instance_arn, .. } => vec![Kind::Memberships(instance_arn.clone())],
            Resource::IamGroup { account_id, .. } => vec![Kind::Iam(account_id.clone())],
        };
        Self(kinds.into_iter().map(|of| Line { is_taking, of }).collect())
    }
}

type Counts = HashMap<Line, usize>;

/// What is in hand and counted, and what was due and not taken in hand for that reason.
#[derive(Default)]
pub(super) struct Hands {
    counts: Arc<Mutex<Counts>>,
    /// With the moment it is due, which changes with its row.
    held_back: Mutex<HashMap<Due, (Timestamp, Load)>>,
}

/// Counts down when dropped.
pub(super) struct Hand {
    counts: Arc<Mutex<Counts>>,
    load: Load,
}

impl Drop for Hand {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        for line in &self.load.0 {
            if let Some(count) = counts.get_mut(line) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(line);
                }
            }
        }
    }
}

impl Hands {
    /// A hand for it, unless all are full that may take it.
    pub(super) fn take(&self, load: &Load) -> Option<Hand> {
        let mut counts = lock(&self.counts);
        if load.0.iter().any(|line| counts.get(line).is_some_and(|count| *count >= line.limit())) {
            return None;
        }
        for line in &load.0 {
            *counts.entry(line.clone()).or_default() += 1;
        }
        Some(Hand { counts: Arc::clone(&self.counts), load: load.clone() })
    }

    /// How much is due and held back.
    pub(super) fn held_back(&self) -> usize {
        lock(&self.held_back).len()
    }

    /// Whether it is due and held back: it comes when something else is done.
    pub(super) fn holds_back(&self, what: &Due) -> bool {
        lock(&self.held_back).contains_key(what)
    }

    /// What it counts against, where it has been held back since it was due at that moment.
    pub(super) fn known(&self, what: &Due, due: Timestamp) -> Option<Load> {
        lock(&self.held_back).get(what).filter(|(at, _)| *at == due).map(|(_, load)| load.clone())
    }

    /// From now on this is what is held back.
    pub(super) fn hold_back(&self, all: HashMap<Due, (Timestamp, Load)>) {
        *lock(&self.held_back) = all;
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// What the work on it counts against. Where that cannot be told, whoever does it finds out.
    pub(super) fn load(&self, what: &Due, now: Timestamp) -> Load {
        let Due::Entitlement(id) = what else { return Load::default() };
        let Ok(Some(held)) = self.shared.store.entitlement(id) else { return Load::default() };
        held.owed(now).map_or_else(Load::default, |duty| Load::of(&held, duty))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(is_taking: bool, account: &str) -> Load {
        let kinds = [
            Kind::Assignments("instance".to_owned()),
            Kind::InAccount("instance".to_owned(), account.to_owned()),
        ];
        Load(kinds.map(|of| Line { is_taking, of }).to_vec())
    }

    #[test]
    fn removals_and_other_accounts_find_hands_free_and_those_given_back_are_free_again() {
        let hands = Hands::default();
        let mut all = Vec::new();
        let fill = |all: &mut Vec<Hand>, load: &Load| {
            let before = all.len();
            all.extend(std::iter::from_fn(|| hands.take(load)));
            all.len() - before
        };
        assert_eq!(fill(&mut all, &load(false, "a")), IN_ACCOUNT);
        assert_eq!(fill(&mut all, &load(true, "a")), IN_ACCOUNT, "grants do not count");
        let mut given = IN_ACCOUNT;
        for n in 0..IN_ALL {
            given += fill(&mut all, &load(false, &format!("b{n}")));
        }
        assert_eq!(given, IN_ALL);
        assert_eq!(fill(&mut all, &load(true, "c")), IN_ACCOUNT, "grants do not count");
        drop(all);
        assert_eq!(lock(&hands.counts).len(), 0);
        assert_eq!(fill(&mut Vec::new(), &load(false, "a")), IN_ACCOUNT);
    }
}
