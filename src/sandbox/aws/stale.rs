//! Reads that are behind: AWS answers some of them from before the last change.
use std::collections::BTreeMap;
use std::mem::swap;

use super::dispatch;
use super::model::{Account, Assignments, Store, World};
use super::reply::{Failure, Reply};
use super::wire::Request;

/// Everything anyone can hold, as it was once.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    assignments: Assignments,
    stores: BTreeMap<String, Store>,
    accounts: BTreeMap<String, Account>,
}

/// How things are now. Only made while a stale read is planned, so that it costs nothing otherwise.
pub(super) fn note(world: &World) -> Option<Past> {
    world.script.plans_stale_reads().then(|| Past {
        assignments: world.assignments.clone(),
        stores: world.stores.clone(),
        accounts: world.accounts.clone(),
    })
}

/// Keeps what was noted before a change, once the change has been made.
pub(super) fn keep(world: &mut World, note: Option<Past>) {
    if note.is_some() {
        world.past = note;
    }
}

/// Answers a request from before the last change a client made.
pub(super) fn execute(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let Some(mut past) = world.past.clone() else {
        return dispatch::execute(world, request, None);
    };
    // Nothing may finish while the past stands in for the present: it would be lost.
    let in_flight = std::mem::take(&mut world.operations.in_flight);
    swap_in(world, &mut past);
    let result = dispatch::execute(world, request, None);
    swap_in(world, &mut past);
    world.operations.in_flight = in_flight;
    result
}

fn swap_in(world: &mut World, past: &mut Past) {
    swap(&mut world.assignments, &mut past.assignments);
    swap(&mut world.stores, &mut past.stores);
    swap(&mut world.accounts, &mut past.accounts);
}
