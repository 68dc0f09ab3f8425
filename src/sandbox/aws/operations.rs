//! Assignment operations: accepted at once, done later, and sometimes not.
use std::collections::HashMap;

use serde_json::{Value, json};

use super::model::{Assignment, PrincipalKind, World};
use super::reply::{Failure, Reply, epoch_seconds};
use super::settings::Switch;
use super::stale;

/// How long an assignment operation is in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationTime {
    /// Until somebody has looked this often. The n-th look at its status finds it done; `Polls(0)`
    /// is done at once. Looks at the assignments themselves, and refusals because of the operation,
    /// count too, but only after they were answered from the old state: nothing stays in progress
    /// for ever because a client lost the request id.
    Polls(u32),
    /// Until this much time has passed on the clock of the simulation.
    Millis(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Delete,
}

#[derive(Clone, Debug)]
enum State {
    Polls(u32),
    Until(i64),
    Succeeded,
    Failed(String),
}

#[derive(Clone, Debug)]
pub(super) struct Operation {
    id: String,
    kind: Kind,
    pub(super) assignment: Assignment,
    started: i64,
    state: State,
    /// It is going to fail, with this reason.
    doom: Option<String>,
}

/// All assignment operations there have been.
#[derive(Debug)]
pub(super) struct Operations {
    pub(super) time: OperationTime,
    pub(super) most_in_flight: usize,
    pub(super) most_in_one_account: usize,
    all: Vec<Operation>,
    by_id: HashMap<String, usize>,
    pub(super) in_flight: Vec<usize>,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            time: OperationTime::Polls(1),
            most_in_flight: 0,
            most_in_one_account: 0,
            all: Vec::new(),
            by_id: HashMap::new(),
            in_flight: Vec::new(),
        }
    }
}

impl Operations {
    pub(super) fn running(&self) -> impl Iterator<Item = &Operation> {
        self.in_flight.iter().filter_map(|&index| self.all.get(index))
    }

    fn of(&self, instance: &str, kind: Kind, id: &str) -> Option<usize> {
        let index = *self.by_id.get(id)?;
        let operation = self.all.get(index)?;
        (operation.kind == kind && operation.assignment.instance == instance).then_some(index)
    }
}

/// Starts an operation, and finishes it if it takes no time. Returns its place in the list.
pub(super) fn begin(world: &mut World, kind: Kind, assignment: Assignment, doom: Option<String>) -> usize {
    let state = match world.operations.time {
        OperationTime::Polls(polls) => State::Polls(polls),
        OperationTime::Millis(ms) => State::Until(world.now.saturating_add(ms)),
    };
    let (id, started) = (world.uuid(), world.now);
    let operations = &mut world.operations;
    let index = operations.all.len();
    operations.by_id.insert(id.clone(), index);
    operations.all.push(Operation { id, kind, assignment, started, state, doom });
    operations.in_flight.push(index);
    operations.most_in_flight = operations.most_in_flight.max(operations.in_flight.len());
    settle(world);
    index
}

/// Finishes every operation whose time has come.
pub(super) fn settle(world: &mut World) {
    let now = world.now;
    finish_where(world, |operation| match operation.state {
        State::Polls(left) => left == 0,
        State::Until(at) => at <= now,
        State::Succeeded | State::Failed(_) => true,
    });
}

/// Finishes every operation, whatever it waits for.
pub(super) fn finish_all(world: &mut World) {
    finish_where(world, |_| true);
}

fn finish_where(world: &mut World, ready: impl Fn(&Operation) -> bool) {
    if world.operations.in_flight.is_empty() {
        return;
    }
    let flying = std::mem::take(&mut world.operations.in_flight);
    let mut still = Vec::new();
    for index in flying {
        match world.operations.all.get(index) {
            Some(operation) if ready(operation) => finish(world, index),
            _ => still.push(index),
        }
    }
    world.operations.in_flight = still;
}

fn finish(world: &mut World, index: usize) {
    let Some(operation) = world.operations.all.get(index) else {
        return;
    };
    let assignment = operation.assignment.clone();
    let reason = operation.doom.clone().or_else(|| match operation.kind {
        Kind::Create => why_not_created(world, &assignment),
        Kind::Delete => why_not_deleted(world, &assignment),
    });
    let (kind, note) = (operation.kind, stale::note(world));
    let state = match (reason, kind) {
        (Some(reason), _) => State::Failed(reason),
        (None, Kind::Create) => {
            world.assignments.insert(assignment);
            State::Succeeded
        }
        (None, Kind::Delete) => {
            world.assignments.remove(&assignment);
            State::Succeeded
        }
    };
    if matches!(state, State::Succeeded) {
        stale::keep(world, note);
    }
    if let Some(operation) = world.operations.all.get_mut(index) {
        operation.state = state;
    }
}

/// Is the user or group still in the identity store?
pub(super) fn knows_principal(world: &World, wanted: &Assignment) -> bool {
    let store = world.instances.get(&wanted.instance).and_then(|one| world.stores.get(&one.store));
    store.is_some_and(|store| match wanted.kind {
        PrincipalKind::User => store.users.contains_key(&wanted.principal),
        PrincipalKind::Group => store.groups.contains_key(&wanted.principal),
    })
}

fn why_not_created(world: &World, wanted: &Assignment) -> Option<String> {
    let instance = world.instances.get(&wanted.instance)?;
    if !instance.permission_sets.contains_key(&wanted.permission_set) {
        return Some(format!(
            "Received a 404 status error: Permission set {} not found.",
            wanted.permission_set
        ));
    }
    let Some(account) = world.accounts.get(&wanted.account) else {
        return Some(format!("Received a 404 status error: Account {} not found.", wanted.account));
    };
    if account.suspended {
        return Some(
            "AWS SSO is unable to complete your request at this time. Obtaining permissions to \
             manage your AWS account is taking longer than usual. This is usually because the \
             account is suspended or not ready."
                .into(),
        );
    }
    let home = |id: &str| world.organization_of(id).map(|(_, organization)| &organization.id);
    if home(&instance.owner).is_some() && home(&instance.owner) != home(&wanted.account) {
        return Some(format!(
            "Received a 404 status error: Account {} is not a member of the organization.",
            wanted.account
        ));
    }
    (!knows_principal(world, wanted)).then(|| not_in_directory(wanted))
}

fn why_not_deleted(world: &World, wanted: &Assignment) -> Option<String> {
    let orphan = world.settings.is_on(Switch::OrphanDeletesFail) && !knows_principal(world, wanted);
    orphan.then(|| not_in_directory(wanted))
}

fn not_in_directory(wanted: &Assignment) -> String {
    let (kind, id) = (wanted.kind.as_str(), &wanted.principal);
    format!("Received a 404 status error: {kind} {id} not found in directory.")
}

/// Counts one look at the operations in progress that `at` picks, and finishes those it was the
/// last look for. To be called once the look itself has been answered from the old state.
pub(super) fn look(world: &mut World, at: impl Fn(&Operation) -> bool) {
    let operations = &mut world.operations;
    for &index in &operations.in_flight {
        if let Some(operation) = operations.all.get_mut(index)
            && at(operation)
            && let State::Polls(left) = &mut operation.state
        {
            *left = left.saturating_sub(1);
        }
    }
    settle(world);
}

/// Somebody has read the assignments of one account and permission set.
pub(super) fn looked_at_target(world: &mut World, instance: &str, account: &str, set: &str) {
    look(world, |one| {
        let tuple = &one.assignment;
        tuple.instance == instance && tuple.account == account && tuple.permission_set == set
    });
}

/// Somebody has read the assignments of one principal.
pub(super) fn looked_at_principal(world: &mut World, instance: &str, principal: &str) {
    look(world, |one| one.assignment.instance == instance && one.assignment.principal == principal);
}

/// Answers `DescribeAccountAssignmentCreationStatus` and `…DeletionStatus`.
pub(super) fn describe(world: &mut World, kind: Kind, instance: &str, id: &str) -> Result<Reply, Failure> {
    let index = world
        .operations
        .of(instance, kind, id)
        .ok_or_else(|| Failure::not_found(&format!("Account assignment request {id} not found")))?;
    look(world, |one| one.id == id);
    Ok(status_reply(world, kind, index))
}

/// What the client is told about an operation.
pub(super) fn status_reply(world: &World, kind: Kind, index: usize) -> Reply {
    let status = world.operations.all.get(index).map_or(Value::Null, full_status);
    Reply::Json(match kind {
        Kind::Create => json!({"AccountAssignmentCreationStatus": status}),
        Kind::Delete => json!({"AccountAssignmentDeletionStatus": status}),
    })
}

fn full_status(operation: &Operation) -> Value {
    let mut status = json!({
        "Status": status_word(operation),
        "RequestId": operation.id,
        "TargetId": operation.assignment.account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": operation.assignment.permission_set,
        "PrincipalType": operation.assignment.kind.as_str(),
        "PrincipalId": operation.assignment.principal,
        "CreatedDate": epoch_seconds(operation.started),
    });
    if let (State::Failed(reason), Some(status)) = (&operation.state, status.as_object_mut()) {
        status.insert("FailureReason".into(), Value::from(reason.as_str()));
    }
    status
}

fn status_word(operation: &Operation) -> &'static str {
    match operation.state {
        State::Polls(_) | State::Until(_) => "IN_PROGRESS",
        State::Succeeded => "SUCCEEDED",
        State::Failed(_) => "FAILED",
    }
}

/// The short statuses of one instance, newest first, for the two `List…Status` operations. Counts
/// as a look.
pub(super) fn list(world: &mut World, kind: Kind, instance: &str, wanted: Option<&str>) -> Vec<Value> {
    let own = |one: &&Operation| one.kind == kind && one.assignment.instance == instance;
    let asked = |one: &&Operation| wanted.is_none_or(|word| word == status_word(one));
    let all = world.operations.all.iter().rev().filter(own).filter(asked);
    let statuses = all
        .map(|one| {
            json!({
                "Status": status_word(one),
                "RequestId": one.id,
                "CreatedDate": epoch_seconds(one.started),
            })
        })
        .collect();
    look(world, |one| one.kind == kind && one.assignment.instance == instance);
    statuses
}
