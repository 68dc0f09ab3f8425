//! Creating and deleting account assignments: what is checked before an operation begins.
use super::access::Caller;
use super::model::{Assignment, World};
use super::operations::{self, Kind};
use super::reply::{Failure, Reply};
use super::settings::Switch;
use super::sso;
use super::wire::{Request, Service};

/// The most assignment operations one instance takes at a time.
const IN_FLIGHT: usize = 10;

/// Starts `CreateAccountAssignment` or `DeleteAccountAssignment`.
pub(super) fn start(
    world: &mut World,
    caller: &Caller,
    request: &Request,
    doom: Option<String>,
) -> Result<Reply, Failure> {
    let kind = match request.operation.as_str() {
        "CreateAccountAssignment" => Kind::Create,
        _ => Kind::Delete,
    };
    let wanted = tuple(world, caller, request)?;
    let beside = |one: &&operations::Operation| {
        one.assignment.instance == wanted.instance && one.assignment.account == wanted.account
    };
    let count = world.operations.running().filter(beside).count() + 1;
    // A second one on the same assignment may be a client that lost an answer.
    if !world.operations.running().any(|one| one.assignment == wanted) {
        world.operations.most_in_one_account = world.operations.most_in_one_account.max(count);
    }
    if let Err(busy) = lane(world, &wanted) {
        let throttled = busy.code == "ThrottlingException";
        operations::look(world, |running| {
            let other = &running.assignment;
            other.instance == wanted.instance && (throttled || other.account == wanted.account)
        });
        return Err(busy);
    }
    let present = world.assignments.contains(&wanted);
    match kind {
        Kind::Create => principal_exists(world, &wanted)?,
        Kind::Delete if !present && !world.settings.is_on(Switch::AbsentDeleteSucceeds) => {
            let reason = format!("Account assignment not found: {wanted}");
            return Err(Failure::not_found(&reason));
        }
        Kind::Delete => {}
    }
    let index = operations::begin(world, kind, wanted, doom);
    Ok(operations::status_reply(world, kind, index))
}

fn tuple(world: &World, caller: &Caller, request: &Request) -> Result<Assignment, Failure> {
    let instance = sso::instance(world, caller, request)?;
    let permission_set = sso::permission_set(instance, request)?.0.to_owned();
    if request.text("TargetType")? != "AWS_ACCOUNT" {
        return Err(Failure::invalid(Service::SsoAdmin, "TargetType must be AWS_ACCOUNT"));
    }
    let assignment = Assignment {
        instance: request.text("InstanceArn")?.to_owned(),
        account: sso::account_id(request, "TargetId")?.to_owned(),
        permission_set,
        kind: sso::principal_kind(request)?,
        principal: sso::principal_id(request)?.to_owned(),
    };
    sso::delegate_may_touch(world, caller, instance, request, &assignment)?;
    Ok(assignment)
}

/// May another operation on this tuple begin now?
fn lane(world: &World, wanted: &Assignment) -> Result<(), Failure> {
    let settings = &world.settings;
    let mut running = world.operations.running().filter(|one| one.assignment.instance == wanted.instance);
    let busy = running.by_ref().any(|one| {
        one.assignment == *wanted
            || (settings.is_on(Switch::StrictAccountLanes) && one.assignment.account == wanted.account)
    });
    if busy {
        let reason = "Could not complete the request because of a conflicting operation in \
                      progress. Try again later.";
        return Err(Failure::conflict(Service::SsoAdmin, reason));
    }
    let count = world.operations.running().filter(|one| one.assignment.instance == wanted.instance).count();
    if settings.is_on(Switch::InFlightLimit) && count >= IN_FLIGHT {
        let mut failure = Failure::throttled(Service::SsoAdmin);
        failure.message = "Too many requests are being processed. Try again later.".into();
        return Err(failure);
    }
    Ok(())
}

fn principal_exists(world: &World, wanted: &Assignment) -> Result<(), Failure> {
    if operations::knows_principal(world, wanted) {
        return Ok(());
    }
    let (kind, id) = (wanted.kind.as_str(), &wanted.principal);
    Err(Failure::not_found(&format!("{kind} {id} not found in the identity store")))
}
