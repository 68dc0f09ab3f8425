//! What there is in the simulated AWS: plain data under one mutex, and the few rules that hold
//! whoever changes it.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use super::log::Log;
use super::operations::Operations;
use super::script::Script;
use super::settings::Settings;
use super::stale::Past;

/// Whom an assignment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// A single user.
    User,
    /// A group of the identity store.
    Group,
}

impl PrincipalKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Group => "GROUP",
        }
    }
}

/// One account assignment: the bare tuple AWS keeps, without an owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assignment {
    /// ARN of the Identity Center instance.
    pub instance: String,
    /// The target account.
    pub account: String,
    /// ARN of the permission set.
    pub permission_set: String,
    /// Whether `principal` is a user or a group.
    pub kind: PrincipalKind,
    /// Id of the user or group in the identity store.
    pub principal: String,
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_str();
        write!(f, "{kind} {} has {} in {}", self.principal, self.permission_set, self.account)
    }
}

/// What an IAM role is and lets in. `Role::default()` trusts nobody and allows nothing, for at most
/// an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Who may assume it: ARNs of users, roles or sessions, account ids, `arn:aws:iam::ID:root`, or
    /// `*`.
    pub trusted: Vec<String>,
    /// The external id a caller must give, when there is one.
    pub external_id: Option<String>,
    /// The longest session, in seconds.
    pub max_session_seconds: i64,
    /// The trust policy allows `sts:SetSourceIdentity`.
    pub may_set_source_identity: bool,
    /// Patterns of actions its sessions may do: `sso:*`, `sts:AssumeRole`.
    pub allows: Vec<String>,
}

impl Default for Role {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            external_id: None,
            max_session_seconds: 3600,
            may_set_source_identity: false,
            allows: Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) suspended: bool,
    /// Root or organizational unit it lies in; `None` outside of every organization.
    pub(super) parent: Option<String>,
    pub(super) iam_users: BTreeMap<String, i64>,
    pub(super) iam_groups: BTreeMap<String, IamGroup>,
}

#[derive(Clone, Debug)]
pub(super) struct IamGroup {
    pub(super) path: String,
    pub(super) created: i64,
    pub(super) members: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) root: String,
    pub(super) units: BTreeMap<String, Unit>,
}

#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) name: String,
    pub(super) parent: String,
}

#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) store: String,
    pub(super) region: String,
    pub(super) owner: String,
    pub(super) delegated: BTreeSet<String>,
    pub(super) permission_sets: BTreeMap<String, PermissionSet>,
    pub(super) created: i64,
}

#[derive(Clone, Debug)]
pub(super) struct PermissionSet {
    pub(super) name: String,
    pub(super) session_duration: String,
    pub(super) created: i64,
}

#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) email: String,
}

/// One identity store with its memberships, found by either end.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<String, String>,
    pub(super) user_by_name: HashMap<String, String>,
    pub(super) user_by_email: HashMap<String, String>,
    /// Membership id by (group, user).
    pub(super) members: BTreeMap<(String, String), String>,
    /// (user, group): the same, for the way back.
    pub(super) member_of: BTreeSet<(String, String)>,
    /// (group, user) by membership id.
    pub(super) by_id: HashMap<String, (String, String)>,
}

impl Store {
    pub(super) fn join(&mut self, id: String, group: &str, user: &str) {
        let pair = (group.to_owned(), user.to_owned());
        if self.members.contains_key(&pair) {
            return;
        }
        self.member_of.insert((user.into(), group.into()));
        self.by_id.insert(id.clone(), pair.clone());
        self.members.insert(pair, id);
    }

    /// Forgets a user, but not their memberships.
    pub(super) fn forget_user(&mut self, id: &str) {
        if let Some(user) = self.users.remove(id) {
            // Another user may have taken the name meanwhile: that entry is theirs.
            if self.user_by_name.get(&user.name).is_some_and(|owner| owner == id) {
                self.user_by_name.remove(&user.name);
            }
            if self.user_by_email.get(&user.email).is_some_and(|owner| owner == id) {
                self.user_by_email.remove(&user.email);
            }
        }
    }

    pub(super) fn leave(&mut self, group: &str, user: &str) {
        if let Some(id) = self.members.remove(&(group.to_owned(), user.to_owned())) {
            self.by_id.remove(&id);
            self.member_of.remove(&(user.into(), group.into()));
        }
    }

    pub(super) fn groups_of(&self, user: &str) -> Vec<String> {
        let from = (user.to_owned(), String::new());
        let own = self.member_of.range(from..).take_while(|(member, _)| member == user);
        own.map(|(_, group)| group.clone()).collect()
    }

    pub(super) fn users_in(&self, group: &str) -> Vec<(String, String)> {
        let from = (group.to_owned(), String::new());
        let own = self.members.range(from..).take_while(|((of, _), _)| of == group);
        own.map(|((_, user), id)| (user.clone(), id.clone())).collect()
    }
}

/// All assignments, found by target or by principal.
#[derive(Clone, Debug, Default)]
pub(super) struct Assignments {
    by_target: BTreeSet<Assignment>,
    by_principal: BTreeSet<(String, String, Assignment)>,
}

impl Assignments {
    pub(super) fn insert(&mut self, assignment: Assignment) {
        let (instance, principal) = (assignment.instance.clone(), assignment.principal.clone());
        self.by_principal.insert((instance, principal, assignment.clone()));
        self.by_target.insert(assignment);
    }

    pub(super) fn remove(&mut self, assignment: &Assignment) {
        self.by_target.remove(assignment);
        let (instance, principal) = (assignment.instance.clone(), assignment.principal.clone());
        self.by_principal.remove(&(instance, principal, assignment.clone()));
    }

    pub(super) fn contains(&self, assignment: &Assignment) -> bool {
        self.by_target.contains(assignment)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Assignment> {
        self.by_target.iter()
    }

    pub(super) fn remove_where(&mut self, gone: impl Fn(&Assignment) -> bool) {
        let doomed: Vec<_> = self.iter().filter(|one| gone(one)).cloned().collect();
        for assignment in doomed {
            self.remove(&assignment);
        }
    }

    pub(super) fn at(&self, instance: &str, account: &str, set: &str) -> Vec<Assignment> {
        let from = Assignment {
            instance: instance.into(),
            account: account.into(),
            permission_set: set.into(),
            kind: PrincipalKind::User,
            principal: String::new(),
        };
        let same = |one: &&Assignment| {
            one.instance == instance && one.account == account && one.permission_set == set
        };
        self.by_target.range(from..).take_while(same).cloned().collect()
    }

    pub(super) fn of(&self, instance: &str, principal: &str) -> Vec<Assignment> {
        let low = Assignment {
            instance: String::new(),
            account: String::new(),
            permission_set: String::new(),
            kind: PrincipalKind::User,
            principal: String::new(),
        };
        let from = (instance.to_owned(), principal.to_owned(), low);
        let own = self.by_principal.range(from..);
        own.take_while(|(of, who, _)| of == instance && who == principal)
            .map(|(_, _, assignment)| assignment.clone())
            .collect()
    }
}

/// A key that requests are signed with.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) account: String,
    pub(super) arn: String,
    pub(super) allows: Vec<String>,
    pub(super) session: Option<Session>,
}

/// What `AssumeRole` handed out.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) role: String,
    pub(super) name: String,
    pub(super) source_identity: Option<String>,
    pub(super) token: String,
    pub(super) expires: i64,
}

/// Everything there is.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) now: i64,
    serial: u64,
    pub(super) accounts: BTreeMap<String, Account>,
    /// By the id of the management account.
    pub(super) organizations: BTreeMap<String, Organization>,
    /// Tags by the id of an account, root or unit.
    pub(super) tags: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) stores: BTreeMap<String, Store>,
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) keys: HashMap<String, Key>,
    pub(super) assignments: Assignments,
    pub(super) operations: Operations,
    pub(super) settings: Settings,
    /// How things were before the last change, while stale reads are planned.
    pub(super) past: Option<Past>,
    pub(super) script: Script,
    pub(super) log: Log,
}

impl World {
    /// A fresh number, and with it every id: the same run gets the same ids.
    pub(super) fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn uuid(&mut self) -> String {
        let serial = self.serial();
        // A multiplicative hash spreads the serial, so that ids look like ids and sort like ids:
        // in no useful order.
        let mixed = serial.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{:08x}-{:04x}-4000-8000-{serial:012x}", mixed >> 32, mixed >> 16 & 0xffff)
    }

    /// The management account and organization an account lies in.
    pub(super) fn organization_of(&self, account: &str) -> Option<(&String, &Organization)> {
        let parent = self.accounts.get(account).and_then(|account| account.parent.as_deref());
        self.organizations.iter().find(|(management, organization)| {
            management.as_str() == account
                || parent.is_some_and(|parent| {
                    organization.root == parent || organization.units.contains_key(parent)
                })
        })
    }
}
