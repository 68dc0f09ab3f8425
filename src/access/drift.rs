//! Drift: what AWS holds and no claim explains, and what claims say is held and AWS does not have.
//!
//! A comparison never decides anything by itself. What could not be read whole is *unknown*: nothing
//! is concluded from it, neither that something is there nor that it is gone.

use super::{EntitlementId, FlowName, Principal, RequestId, Resource, Span, Timestamp, by_hand};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// AWS's reads lag behind its writes: for so long, what was taken may still be listed.
const LAG: Span = Span::minutes(15);

/// As many findings of a kind are listed one by one.
const LISTED: usize = 10_000;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks this way")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Somebody who holds something directly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Holding {
    /// Who.
    pub principal: Principal,
    /// What.
    pub resource: Resource,
}

impl Holding {
    /// The entitlement that this would be, to be compared only: IAM does not tell capitals apart.
    pub fn key(&self) -> String {
        key(&EntitlementId::of(&self.principal, &self.resource))
    }
}

/// An entitlement's id in a form to be compared.
pub fn key(id: &EntitlementId) -> String {
    id.as_str().to_lowercase()
}

/// A part of AWS that is read in one go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everybody who holds one resource.
    Resource(Resource),
    /// A permission set, in every account.
    PermissionSet {
        /// The instance.
        instance_arn: String,
        /// The permission set.
        permission_set_arn: String,
    },
    /// What people name freely in a form cannot be listed.
    Target {
        /// The flow.
        flow: FlowName,
        /// The target, as people read it.
        label: String,
    },
    /// One claimed entitlement, looked at by itself.
    Claim(EntitlementId),
    /// What the audit trail tells about what people had before they asked.
    Trail,
}

impl Scope {
    /// Whether reading it would have shown who holds this.
    fn covers(&self, resource: &Resource) -> bool {
        match (self, resource) {
            (Self::Resource(own), resource) => own == resource,
            (
                Self::PermissionSet { instance_arn, permission_set_arn },
                Resource::SsoPermissionSet { instance_arn: instance, permission_set_arn: set, .. },
            ) => instance_arn == instance && permission_set_arn == set,
            (Self::PermissionSet { .. } | Self::Target { .. } | Self::Claim(_) | Self::Trail, _) => false,
        }
    }
}

/// What reading a scope has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What was read.
    pub scope: Scope,
    /// The same for people: `Prod admin in account 111122223333`.
    pub what: String,
    /// The flow that can give it; `None` when none can any more, and only claims are left.
    pub flow: Option<FlowName>,
    /// Everybody in it, with the membership's id where there is one; or why it is not known.
    pub holders: Result<BTreeMap<Principal, Option<String>>, String>,
}

/// Somebody holds something that no claim covers, and that is not known to be their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclaimed {
    /// Who and what.
    #[serde(flatten)]
    pub holding: Holding,
    /// The resource for people.
    pub what: String,
    /// What AWS calls them; `None` when it could not be found out, or when they are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The membership, where a removal by hand needs its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership_id: Option<String>,
    /// The flow that could have given it.
    pub flow: FlowName,
    /// When it was first seen.
    pub since: Timestamp,
    /// Whether people have been told.
    pub is_told: bool,
}

impl Unclaimed {
    /// The command that removes it by hand.
    pub fn by_hand(&self) -> String {
        by_hand(&self.holding.principal, &self.holding.resource, self.membership_id.as_deref())
    }
}

/// A claim said that something is held, and AWS did not have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Who and what.
    #[serde(flatten)]
    pub holding: Holding,
    /// The requests that claimed it.
    pub requests: Vec<RequestId>,
}

/// Something that could not be read, so that nothing is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// What.
    pub scope: Scope,
    /// The same for people.
    pub what: String,
    /// Why not.
    pub why: String,
    /// Since which sweep.
    pub since: Timestamp,
}

/// What explains that somebody holds something without a claim.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// What people had before they asked for it, as long as they have it.
    pub own: BTreeSet<Holding>,
    /// What the bot has proven gone not long ago: a list may lag behind.
    pub left: BTreeMap<EntitlementId, Timestamp>,
    /// How far the audit trail was read for both.
    pub read_to: Option<u64>,
}

/// What one comparison of AWS with the books has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// When it began to read.
    pub at: Timestamp,
    /// How many scopes were read whole.
    pub read: usize,
    /// Held and not claimed.
    pub unclaimed: Vec<Unclaimed>,
    /// Claimed and not held: what this sweep has reported to the books.
    pub missing: Vec<Missing>,
    /// Not known.
    pub unknown: Vec<Unknown>,
    /// How many more findings there are than are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unlisted: usize,
    /// What explains the rest.
    pub memory: Memory,
}

impl Sweep {
    /// Whether AWS agrees with the books, as far as both are known, and all of it is known.
    pub fn is_clean(&self) -> bool {
        self.unclaimed.is_empty() && self.missing.is_empty() && self.unknown.is_empty()
    }

    /// Lists no more findings of a kind than anybody reads, and counts the others: a row that is kept
    /// has an end.
    pub fn shorten(&mut self) {
        self.unlisted =
            self.unclaimed.len().saturating_sub(LISTED) + self.unknown.len().saturating_sub(LISTED);
        self.unclaimed.truncate(LISTED);
        self.unknown.truncate(LISTED);
    }

    /// Compares what was read with what explains it. `claimed` are the keys of every entitlement in the
    /// books, in whatever custody, among those that were read. What is known since the previous sweep
    /// keeps its time, what is gone is forgotten, and what could not be read stays as it was. AWS was read
    /// from `at` to `read_until`.
    pub fn of(
        previous: Option<&Self>,
        readings: &[Reading],
        claimed: &BTreeSet<String>,
        mut memory: Memory,
        at: Timestamp,
        read_until: Timestamp,
    ) -> Self {
        // What was taken while AWS was being read may be in what was read before. A clock that was set
        // back must not explain anything for ever.
        memory.left.retain(|_, left| at.since(*left) < LAG && *left <= read_until + LAG);
        memory.own.retain(|own| !readings.iter().any(|reading| reading.shows_absent(own)));
        let explained: BTreeSet<String> =
            memory.own.iter().map(Holding::key).chain(memory.left.keys().map(key)).collect();
        let known: BTreeMap<&Holding, &Unclaimed> =
            previous.iter().flat_map(|sweep| &sweep.unclaimed).map(|old| (&old.holding, old)).collect();
        let mut unclaimed: BTreeMap<Holding, Unclaimed> = BTreeMap::new();
        for found in readings.iter().flat_map(Reading::found) {
            let key = found.holding.key();
            if claimed.contains(&key) || explained.contains(&key) {
                continue;
            }
            let known = known.get(&found.holding);
            let found = Unclaimed {
                name: known.and_then(|old| old.name.clone()).or_else(|| found.name.clone()),
                since: known.map_or(at, |old| old.since),
                is_told: known.is_some_and(|old| old.is_told),
                ..found
            };
            unclaimed.insert(found.holding.clone(), found);
        }
        // What could not be read is neither gone nor new.
        let failed = || readings.iter().filter(|reading| reading.flow.is_some() && reading.holders.is_err());
        for (holding, old) in known {
            let key = holding.key();
            let is_unread = failed().any(|reading| reading.scope.covers(&holding.resource));
            if is_unread && !claimed.contains(&key) && !explained.contains(&key) {
                unclaimed.entry(holding.clone()).or_insert_with(|| old.clone());
            }
        }
        let unknown = readings.iter().filter_map(|reading| {
            let why = reading.holders.as_ref().err()?.clone();
            Some(unknown(previous, reading.scope.clone(), reading.what.clone(), why, at))
        });
        Self {
            at,
            read: readings.iter().filter(|reading| reading.holders.is_ok()).count(),
            unclaimed: unclaimed.into_values().collect(),
            missing: Vec::new(),
            unknown: unknown.collect(),
            unlisted: 0,
            memory,
        }
    }
}

/// What is not known, since when it has not been.
pub fn unknown(previous: Option<&Sweep>, scope: Scope, what: String, why: String, at: Timestamp) -> Unknown {
    let before = previous.iter().flat_map(|sweep| &sweep.unknown).find(|old| old.scope == scope);
    let since = before.map_or(at, |old| old.since);
    Unknown { scope, what, why, since }
}

impl Reading {
    /// Everybody in it as findings, not told yet. Where no flow gives it any more, nobody is looked for.
    fn found(&self) -> Vec<Unclaimed> {
        let (Some(flow), Scope::Resource(resource), Ok(holders)) = (&self.flow, &self.scope, &self.holders)
        else {
            return Vec::new();
        };
        let found = holders.iter().map(|(principal, membership_id)| Unclaimed {
            holding: Holding { principal: principal.clone(), resource: resource.clone() },
            what: self.what.clone(),
            name: match principal {
                Principal::IamUser { user_name } => Some(user_name.clone()),
                Principal::SsoUser { .. } => None,
            },
            membership_id: membership_id.clone(),
            flow: flow.clone(),
            since: Timestamp::from_millis(0),
            is_told: false,
        });
        found.collect()
    }

    /// Whether it was read whole, would have shown this, and did not.
    pub fn shows_absent(&self, holding: &Holding) -> bool {
        let Ok(holders) = &self.holders else { return false };
        let is_same = |principal: &Principal| match (principal, &holding.principal) {
            (Principal::IamUser { user_name }, Principal::IamUser { user_name: own }) => {
                user_name.eq_ignore_ascii_case(own)
            }
            (Principal::SsoUser { user_id, .. }, Principal::SsoUser { user_id: own, .. }) => {
                user_id.eq_ignore_ascii_case(own)
            }
            (Principal::IamUser { .. }, Principal::SsoUser { .. })
            | (Principal::SsoUser { .. }, Principal::IamUser { .. }) => false,
        };
        self.scope.covers(&holding.resource) && !holders.keys().any(is_same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn group(name: &str) -> Resource {
        Resource::IamGroup { account_id: "111122223333".into(), group_name: name.into() }
    }

    fn user(name: &str) -> Principal {
        Principal::IamUser { user_name: name.into() }
    }

    fn holding(group_name: &str, name: &str) -> Holding {
        Holding { principal: user(name), resource: group(group_name) }
    }

    fn read(group_name: &str, names: &[&str]) -> Reading {
        Reading {
            scope: Scope::Resource(group(group_name)),
            what: group_name.to_owned(),
            flow: Some("iam".into()),
            holders: Ok(names.iter().map(|name| (user(name), None)).collect()),
        }
    }

    fn unread(group_name: &str) -> Reading {
        Reading { holders: Err("throttled".to_owned()), ..read(group_name, &[]) }
    }

    fn names(sweep: &Sweep) -> Vec<String> {
        let one = |found: &Unclaimed| format!("{} {}", found.name.as_deref().unwrap_or("?"), found.what);
        sweep.unclaimed.iter().map(one).collect()
    }

    fn swept(previous: Option<&Sweep>, readings: &[Reading], at: Timestamp) -> Sweep {
        let memory = previous.map(|sweep| sweep.memory.clone()).unwrap_or_default();
        Sweep::of(previous, readings, &BTreeSet::new(), memory, at, at)
    }

    #[test]
    fn what_a_claim_covers_or_the_person_had_before_or_was_taken_just_now_is_explained() {
        let readings = [read("admins", &["Ana", "bo", "cy", "di", "eve"])];
        let claimed = BTreeSet::from([holding("admins", "ana").key()]);
        let left = |name: &str, at| (EntitlementId::of(&user(name), &group("admins")), at);
        let memory = Memory {
            own: BTreeSet::from([holding("ADMINS", "Bo")]),
            left: BTreeMap::from([left("cy", AT - Span::minutes(14)), left("di", AT - Span::minutes(15))]),
            read_to: None,
        };
        let sweep = Sweep::of(None, &readings, &claimed, memory, AT, AT);
        assert_eq!(names(&sweep), ["di admins", "eve admins"]);
        assert_eq!(sweep.memory.left.len(), 1);
        assert!(!sweep.is_clean() && sweep.read == 1);
    }

    #[test]
    fn what_is_taken_while_aws_is_read_for_long_is_explained() {
        let readings = [read("admins", &["ana", "bo"])];
        let left = |name: &str, at| (EntitlementId::of(&user(name), &group("admins")), at);
        let end = AT + Span::minutes(40);
        // Ana's was taken half an hour after the list was read; Bo's, says a clock that was set back later,
        // will be.
        let memory = Memory {
            left: BTreeMap::from([left("ana", AT + Span::minutes(30)), left("bo", end + Span::minutes(16))]),
            ..Memory::default()
        };
        let sweep = Sweep::of(None, &readings, &BTreeSet::new(), memory, AT, end);
        assert_eq!(names(&sweep), ["bo admins"]);
    }

    #[test]
    fn a_finding_keeps_its_time_is_forgotten_when_gone_and_is_new_when_it_comes_back() {
        let mut first = swept(None, &[read("admins", &["ana"])], AT);
        assert!(!first.unclaimed[0].is_told);
        first.unclaimed[0].is_told = true;
        let later = swept(Some(&first), &[read("admins", &["ana", "bo"])], AT + Span::hours(1));
        let told = later.unclaimed.iter().map(|found| (found.since, found.is_told));
        assert_eq!(told.collect::<Vec<_>>(), [(AT, true), (AT + Span::hours(1), false)]);
        let gone = swept(Some(&later), &[read("admins", &[])], AT + Span::hours(2));
        assert!(gone.is_clean());
        let back = swept(Some(&gone), &[read("admins", &["ana"])], AT + Span::hours(3));
        assert!(!back.unclaimed[0].is_told);
    }

    #[test]
    fn what_could_not_be_read_changes_nothing() {
        let first = swept(None, &[read("admins", &["ana"]), read("ops", &["bo"])], AT);
        let later = swept(Some(&first), &[unread("admins"), read("ops", &[])], AT + Span::hours(1));
        assert_eq!(names(&later), ["ana admins"], "not gone, since nobody looked");
        let unknown: Vec<_> = later.unknown.iter().map(|it| (it.what.as_str(), it.why.as_str())).collect();
        assert_eq!(unknown, [("admins", "throttled")]);
        let again = swept(Some(&later), &[unread("admins"), unread("ops")], AT + Span::hours(2));
        let since: Vec<_> = again.unknown.iter().map(|it| it.since).collect();
        assert_eq!(since, [AT + Span::hours(1), AT + Span::hours(2)]);
        assert_eq!(names(&again), ["ana admins"]);
        // A flow that is gone takes its findings along.
        assert!(swept(Some(&again), &[read("ops", &[])], AT + Span::hours(3)).is_clean());
    }

    #[test]
    fn what_could_not_be_read_is_no_finding_once_it_is_explained() {
        let first = swept(None, &[read("admins", &["ana", "bo", "cy", "di"])], AT);
        let claimed = BTreeSet::from([holding("admins", "ana").key()]);
        let memory = Memory {
            own: BTreeSet::from([holding("admins", "bo")]),
            left: BTreeMap::from([(EntitlementId::of(&user("cy"), &group("admins")), AT)]),
            read_to: None,
        };
        let later = Sweep::of(Some(&first), &[unread("admins")], &claimed, memory, AT, AT);
        assert_eq!(names(&later), ["di admins"]);
        let closed = Reading { flow: None, ..unread("admins") };
        let later = swept(Some(&first), &[closed], AT);
        assert!(later.unclaimed.is_empty() && !later.is_clean(), "no flow gives it any more");
    }

    #[test]
    fn what_was_left_is_remembered_a_quarter_of_an_hour_and_not_from_the_future() {
        let kept = |left: Timestamp| {
            let id = EntitlementId::of(&user("ana"), &group("admins"));
            let memory = Memory { left: BTreeMap::from([(id, left)]), ..Memory::default() };
            Sweep::of(None, &[], &BTreeSet::new(), memory, AT, AT).memory.left.len() == 1
        };
        let (lag, millis) = (Span::minutes(15), Span::millis(1));
        assert!(kept(AT - lag + millis) && kept(AT) && kept(AT + lag));
        assert!(!kept(AT - lag) && !kept(AT + lag + millis));
    }

    #[test]
    fn a_sweep_is_clean_when_nothing_is_found_missing_or_unknown() {
        let clean = swept(None, &[read("admins", &[])], AT);
        let found = swept(None, &[read("admins", &["ana"])], AT);
        let unread = swept(None, &[unread("admins")], AT);
        let mut missing = clean.clone();
        missing.missing = vec![Missing { holding: holding("admins", "ana"), requests: vec![] }];
        assert_eq!([&clean, &found, &unread, &missing].map(Sweep::is_clean), [true, false, false, false]);
        assert_eq!([&clean, &found, &unread].map(|sweep| sweep.read), [1, 1, 0]);
    }

    #[test]
    fn only_a_whole_reading_of_the_same_thing_shows_that_somebody_is_absent() {
        let absent = |reading: &Reading, name: &str| reading.shows_absent(&holding("admins", name));
        let reading = read("admins", &["Ana"]);
        assert!(absent(&reading, "bo") && !absent(&reading, "ana"));
        assert!(!absent(&read("ops", &[]), "bo") && !absent(&unread("admins"), "bo"));
        let sso =
            |user_id: &str| Principal::SsoUser { identity_store_id: "d-1".into(), user_id: user_id.into() };
        let reading = Reading { holders: Ok(BTreeMap::from([(sso("ANA"), None)])), ..read("admins", &[]) };
        let shows =
            |user_id| reading.shows_absent(&Holding { principal: sso(user_id), resource: group("admins") });
        assert!(!shows("ana") && shows("bo") && absent(&reading, "ana"), "another kind of user");
    }

    #[test]
    fn a_permission_set_covers_its_own_accounts_and_nothing_else() {
        let resource = |instance: &str, set: &str| Resource::SsoPermissionSet {
            instance_arn: instance.into(),
            permission_set_arn: set.into(),
            account_id: "1".into(),
        };
        let scope = Scope::PermissionSet { instance_arn: "i".into(), permission_set_arn: "p".into() };
        let covers = |resource| scope.covers(&resource);
        assert!(covers(resource("i", "p")));
        assert!(!covers(resource("j", "p")) && !covers(resource("i", "q")) && !covers(group("admins")));
    }

    #[test]
    fn a_finding_is_removed_by_one_command() {
        let sweep = swept(None, &[read("admins", &["ana"])], AT);
        insta::assert_snapshot!(sweep.unclaimed[0].by_hand(), @"aws iam remove-user-from-group --group-name admins --user-name ana");
    }

    #[test]
    fn a_finding_keeps_the_name_that_was_found_out() {
        let mut first = swept(None, &[read("admins", &["ana"])], AT);
        first.unclaimed[0].name = Some("Ana A.".into());
        assert_eq!(names(&swept(Some(&first), &[read("admins", &["ana"])], AT)), ["Ana A. admins"]);
    }

    #[test]
    fn what_was_ones_own_is_so_only_as_long_as_one_has_it() {
        let own = Memory { own: BTreeSet::from([holding("admins", "ana")]), ..Memory::default() };
        let unseen = Sweep::of(None, &[unread("admins")], &BTreeSet::new(), own, AT, AT);
        assert_eq!(unseen.memory.own.len(), 1);
        let gone = swept(Some(&unseen), &[read("admins", &["bo"])], AT);
        assert!(gone.memory.own.is_empty());
        assert_eq!(names(&swept(Some(&gone), &[read("admins", &["ana"])], AT)), ["ana admins"]);
    }

    #[test]
    fn as_many_are_listed_as_can_be_kept_and_the_others_are_counted() {
        let names: Vec<String> = (0..LISTED + 7).map(|n| format!("user-{n:06}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut sweep = swept(None, &[read("admins", &names)], AT);
        sweep.shorten();
        assert_eq!((sweep.unclaimed.len(), sweep.unlisted), (LISTED, 7));
        let mut later = swept(Some(&sweep), &[read("admins", &names[..3])], AT);
        later.shorten();
        assert_eq!((later.unclaimed.len(), later.unlisted), (3, 0));
        let one = swept(None, &[unread("admins")], AT).unknown.remove(0);
        sweep.unclaimed.push(sweep.unclaimed[0].clone());
        sweep.unknown = vec![one; LISTED + 2];
        sweep.shorten();
        assert_eq!((sweep.unclaimed.len(), sweep.unknown.len(), sweep.unlisted), (LISTED, LISTED, 3));
        for (sweep, is_written) in [(sweep, true), (later, false)] {
            let written = serde_json::to_value(&sweep).unwrap();
            assert_eq!(written.get("unlisted").is_some(), is_written);
            assert_eq!(serde_json::from_value::<Sweep>(written).unwrap(), sweep);
        }
    }

    #[test]
    fn where_no_flow_gives_it_any_more_nobody_is_looked_for() {
        let sweep = swept(None, &[Reading { flow: None, ..read("admins", &["ana"]) }], AT);
        assert!(sweep.is_clean());
    }

    #[test]
    fn a_permission_set_that_could_not_be_narrowed_down_is_unknown_in_every_account() {
        let (instance_arn, permission_set_arn) = ("i".to_owned(), "p".to_owned());
        let resource = |account: &str| Resource::SsoPermissionSet {
            instance_arn: instance_arn.clone(),
            permission_set_arn: permission_set_arn.clone(),
            account_id: account.to_owned(),
        };
        let scope = Scope::PermissionSet {
            instance_arn: instance_arn.clone(),
            permission_set_arn: permission_set_arn.clone(),
        };
        let ana = Principal::SsoUser { identity_store_id: "d-1".into(), user_id: "u-1".into() };
        let one = Reading {
            scope: Scope::Resource(resource("1")),
            holders: Ok(BTreeMap::from([(ana, None)])),
            ..read("x", &[])
        };
        let first = swept(None, &[one], AT);
        assert_eq!(first.unclaimed.len(), 1);
        let failed = Reading { scope, ..unread("x") };
        assert_eq!(swept(Some(&first), &[failed], AT).unclaimed, first.unclaimed);
    }
}
