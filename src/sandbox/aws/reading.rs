//! What a test may ask of the simulated AWS, and the switches it may turn. Reading counts as no
//! call and finishes nothing but operations whose time on the clock has come.
use std::fmt;

use super::Aws;
use super::by_hand::tuple;

use super::log::Call;
use super::model::{Assignment, PrincipalKind};
use super::operations::{self, OperationTime};
use super::script::{CutSide, Fault, Gatekeeper, Match};
use super::settings::Switch;

/// One thing that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holding {
    /// An account assignment.
    Assignment(Assignment),
    /// A membership in a group of an identity store.
    GroupMember {
        /// The identity store.
        store: String,
        /// Id of the group.
        group: String,
        /// Id of the user.
        user: String,
    },
    /// A membership in an IAM group.
    IamGroupMember {
        /// The account.
        account: String,
        /// Name of the group.
        group: String,
        /// Name of the user.
        user: String,
    },
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assignment(assignment) => assignment.fmt(f),
            Self::GroupMember { store, group, user } => {
                write!(f, "USER {user} is in group {group} of {store}")
            }
            Self::IamGroupMember { account, group, user } => {
                write!(f, "IAM user {user} is in group {group} of {account}")
            }
        }
    }
}

impl Aws {
    /// Is this permission set assigned to this very user (not through a group) in this account?
    pub fn holds_assignment(&self, instance: &str, set: &str, account: &str, user: &str) -> bool {
        let wanted = tuple(instance, set, account, PrincipalKind::User, user);
        self.shared.world().assignments.contains(&wanted)
    }

    /// Is the user in the group of the identity store?
    pub fn is_member(&self, store: &str, group: &str, user: &str) -> bool {
        let pair = (group.to_owned(), user.to_owned());
        self.shared.world().stores.get(store).is_some_and(|store| store.members.contains_key(&pair))
    }

    /// Is the IAM user in the IAM group?
    pub fn in_iam_group(&self, account: &str, group: &str, user: &str) -> bool {
        let world = self.shared.world();
        let group = world.accounts.get(account).and_then(|account| account.iam_groups.get(group));
        group.is_some_and(|group| group.members.contains(user))
    }

    /// Every account assignment there is now, sorted.
    pub fn assignments(&self) -> Vec<Assignment> {
        self.shared.world().assignments.iter().cloned().collect()
    }

    /// Everything anyone holds now, sorted.
    pub fn holdings(&self) -> Vec<Holding> {
        let world = self.shared.world();
        let mut all: Vec<Holding> = world.assignments.iter().cloned().map(Holding::Assignment).collect();
        for (id, store) in &world.stores {
            all.extend(store.members.keys().map(|(group, user)| Holding::GroupMember {
                store: id.clone(),
                group: group.clone(),
                user: user.clone(),
            }));
        }
        for (id, account) in &world.accounts {
            for (name, group) in &account.iam_groups {
                all.extend(group.members.iter().map(|user| Holding::IamGroupMember {
                    account: id.clone(),
                    group: name.clone(),
                    user: user.clone(),
                }));
            }
        }
        all.sort();
        all
    }

    /// Every call since the start or the last `clear_calls`, in the order in which they ended.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.world().log.calls.clone()
    }

    /// The calls of one operation.
    pub fn calls_of(&self, operation: &str) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.operation == operation);
        calls
    }

    /// The calls that change something in AWS, whatever came of them.
    pub fn writes(&self) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.write);
        calls
    }

    /// Forgets the calls and the counters.
    pub fn clear_calls(&self) {
        let mut world = self.shared.world();
        world.log.clear();
        world.operations.most_in_flight = world.operations.in_flight.len();
        world.operations.most_in_one_account = 0;
    }

    /// Whether calls are kept for `calls`; benchmarks turn this off. Counters go on.
    pub fn keep_calls(&self, keep: bool) {
        self.shared.world().log.keep = keep;
    }

    /// How many calls there were.
    pub fn call_count(&self) -> u64 {
        self.shared.world().log.total
    }

    /// The most calls, of all services, in any one second of the clock.
    pub fn busiest_second(&self) -> usize {
        self.shared.world().log.busiest_second
    }

    /// The most Identity Center calls (which has a quota of 20 over all its APIs, the identity store's
    /// among them) in any one second of the clock, refused ones included.
    pub fn busiest_sso_second(&self) -> usize {
        self.shared.world().log.busiest_sso_second
    }

    /// The most assignment operations that were in progress at a time.
    pub fn most_in_flight(&self) -> usize {
        self.shared.world().operations.most_in_flight
    }

    /// The most assignment operations that were in progress or asked for at a time in one account,
    /// those included that were refused for it.
    pub fn most_in_one_account(&self) -> usize {
        self.shared.world().operations.most_in_one_account
    }

    /// Assignment operations in progress now.
    pub fn in_flight(&self) -> usize {
        self.shared.world().operations.in_flight.len()
    }

    /// What clients asked that no client should: unknown operations and members, wrong protocol,
    /// wrongly scoped signatures. A test that ends well finds this empty.
    pub fn unexpected(&self) -> Vec<String> {
        self.shared.world().log.unexpected.clone()
    }

    /// How long assignment operations that start from now on take. At first `Polls(1)`.
    pub fn set_operation_time(&self, time: OperationTime) {
        self.shared.world().operations.time = time;
    }

    /// Finishes every assignment operation in progress: enough time has passed.
    pub fn finish_operations(&self) {
        operations::finish_all(&mut self.shared.world());
    }

    /// Whether an eleventh assignment operation at a time is throttled. At first it is.
    pub fn limit_in_flight(&self, on: bool) {
        self.shared.world().settings.turn(Switch::InFlightLimit, on);
    }

    /// Whether more than twenty calls of Identity Center or its identity store in a second of the
    /// clock are throttled. At first they are not.
    pub fn limit_rate(&self, on: bool) {
        self.shared.world().settings.turn(Switch::RateLimit, on);
    }

    /// Both limits at once; benchmarks turn them off.
    pub fn quotas(&self, on: bool) {
        self.limit_in_flight(on);
        self.limit_rate(on);
    }

    /// Whether a second operation in an account meets a conflict while one is in progress. At first
    /// only a second operation on the same assignment does.
    pub fn strict_account_lanes(&self, on: bool) {
        self.shared.world().settings.turn(Switch::StrictAccountLanes, on);
    }

    /// Whether deleting an absent assignment succeeds. At first it is `ResourceNotFoundException`.
    pub fn absent_delete_succeeds(&self, on: bool) {
        self.shared.world().settings.turn(Switch::AbsentDeleteSucceeds, on);
    }

    /// Whether deleting the assignment of a removed user or group fails later, as it does in AWS
    /// at times. At first it succeeds.
    pub fn orphan_deletes_fail(&self, on: bool) {
        self.shared.world().settings.turn(Switch::OrphanDeletesFail, on);
    }

    /// Caps the size of every page, whatever the client asks for.
    pub fn page_size(&self, most: Option<usize>) {
        self.shared.world().settings.page_size = most;
    }

    /// Whether every listing of Organizations begins with an empty page and a token. Between two
    /// pages there is an empty one in any case.
    pub fn empty_first_pages(&self, on: bool) {
        self.shared.world().settings.turn(Switch::EmptyFirstPages, on);
    }

    /// Every call waits this long (real time) before anything happens.
    pub fn latency(&self, ms: u64) {
        self.shared.world().settings.latency_ms = ms;
    }

    /// Plans a fault. Of several that meet a call, the one planned first acts, and only that one
    /// is used up.
    pub fn fault(&self, which: Match, fault: Fault) {
        self.shared.world().script.add(which, fault);
    }

    /// Ends every role session now, as if its time were up.
    pub fn expire_sessions(&self) {
        let mut world = self.shared.world();
        let now = world.now;
        for session in world.keys.values_mut().filter_map(|key| key.session.as_mut()) {
            session.expires = session.expires.min(now);
        }
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.shared.world().script.clear();
    }

    /// The n-th call from now (1 is the next) is lost, before or after its effect, and from then on
    /// every connection is closed without an answer, until `restore`.
    pub fn cut_at(&self, n: u32, side: CutSide) {
        self.shared.world().script.plan_cut(n, side);
    }

    /// Cuts the world off now.
    pub fn cut_now(&self) {
        self.shared.world().script.cut = true;
    }

    /// Ends the cut, or forgets a planned one.
    pub fn restore(&self) {
        self.shared.world().script.restore();
    }

    /// Asks a closure about every call: for a cut counted over several simulated worlds. It must not
    /// ask this simulation anything.
    pub fn set_gate(&self, gate: Gatekeeper) {
        self.shared.world().script.gate = Some(gate);
    }

    /// Lets every call through again.
    pub fn clear_gate(&self) {
        self.shared.world().script.gate = None;
    }

    /// Has the planned cut come?
    pub fn cut_happened(&self) -> bool {
        self.shared.world().script.cut
    }
}
