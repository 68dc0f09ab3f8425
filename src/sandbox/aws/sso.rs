//! IAM Identity Center (`sso-admin`): what can be read, and who may see which instance.
use serde_json::{Value, json};

use super::access::Caller;

use super::model::{Assignment, Instance, PermissionSet, PrincipalKind, World};
use super::operations::{self, Kind};
use super::page::page;
use super::reply::{Failure, Reply, epoch_seconds};
use super::shape;
use super::wire::{Request, Service};

/// Answers everything but the two operations that start something.
pub(super) fn answer(world: &mut World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    match request.operation.as_str() {
        "ListInstances" => list_instances(world, caller, request),
        "DescribePermissionSet" => {
            let set = permission_set(instance(world, caller, request)?, request)?;
            Ok(Reply::Json(json!({"PermissionSet": describe_set(set.0, set.1)})))
        }
        "ListPermissionSets" => {
            let sets = instance(world, caller, request)?.permission_sets.keys().cloned().collect();
            strings(world, request, "PermissionSets", sets)
        }
        "ListPermissionSetsProvisionedToAccount" => provisioned_to_account(world, caller, request),
        "ListAccountsForProvisionedPermissionSet" => accounts_for_set(world, caller, request),
        "DescribeAccountAssignmentCreationStatus" => describe_status(world, caller, request, Kind::Create),
        "DescribeAccountAssignmentDeletionStatus" => describe_status(world, caller, request, Kind::Delete),
        "ListAccountAssignmentCreationStatus" => list_status(world, caller, request, Kind::Create),
        "ListAccountAssignmentDeletionStatus" => list_status(world, caller, request, Kind::Delete),
        "ListAccountAssignments" => list_assignments(world, caller, request),
        "ListAccountAssignmentsForPrincipal" => list_for_principal(world, caller, request),
        other => Err(Failure::new(400, "UnknownOperationException", other).unexpected()),
    }
}

/// The instance a request names, if its caller can see it from there.
pub(super) fn instance<'a>(
    world: &'a World,
    caller: &Caller,
    request: &Request,
) -> Result<&'a Instance, Failure> {
    let arn = request.text("InstanceArn")?;
    if !shape::is_instance_arn(arn) {
        return Err(invalid("InstanceArn", arn));
    }
    let instance = world.instances.get(arn).filter(|one| one.region == request.region());
    let instance =
        instance.ok_or_else(|| Failure::not_found(&format!("Could not find Instance with id {arn}")))?;
    if !sees(instance, caller) {
        let action = request.action();
        return Err(Failure::denied(Service::SsoAdmin, &caller.arn, &action, arn));
    }
    Ok(instance)
}

fn sees(instance: &Instance, caller: &Caller) -> bool {
    instance.owner == caller.account || instance.delegated.contains(&caller.account)
}

/// The permission set a request names.
pub(super) fn permission_set<'a, 'r>(
    instance: &'a Instance,
    request: &'r Request,
) -> Result<(&'r str, &'a PermissionSet), Failure> {
    let arn = request.text("PermissionSetArn")?;
    if !shape::is_permission_set_arn(arn) {
        return Err(invalid("PermissionSetArn", arn));
    }
    let set = instance.permission_sets.get(arn);
    set.map(|set| (arn, set))
        .ok_or_else(|| Failure::not_found(&format!("Could not find PermissionSet with id {arn}")))
}

/// A member that is an account id: twelve digits.
pub(super) fn account_id<'a>(request: &'a Request, name: &str) -> Result<&'a str, Failure> {
    let id = request.text(name)?;
    if shape::is_account_id(id) { Ok(id) } else { Err(invalid(name, id)) }
}

/// The kind of principal a request names.
pub(super) fn principal_kind(request: &Request) -> Result<PrincipalKind, Failure> {
    match request.text("PrincipalType")? {
        "USER" => Ok(PrincipalKind::User),
        "GROUP" => Ok(PrincipalKind::Group),
        other => Err(invalid("PrincipalType", other)),
    }
}

/// The principal id a request names.
pub(super) fn principal_id(request: &Request) -> Result<&str, Failure> {
    let id = request.text("PrincipalId")?;
    if shape::is_resource_id(id) { Ok(id) } else { Err(invalid("PrincipalId", id)) }
}

/// A delegated administrator must keep away from the management account, and from every permission
/// set that is provisioned there.
pub(super) fn delegate_may_touch(
    world: &World,
    caller: &Caller,
    instance: &Instance,
    request: &Request,
    wanted: &Assignment,
) -> Result<(), Failure> {
    let provisioned_there =
        || !world.assignments.at(&wanted.instance, &instance.owner, &wanted.permission_set).is_empty();
    if caller.account == instance.owner || (wanted.account != instance.owner && !provisioned_there()) {
        return Ok(());
    }
    let action = request.action();
    Err(Failure::denied(Service::SsoAdmin, &caller.arn, &action, &wanted.permission_set))
}

fn invalid(name: &str, value: &str) -> Failure {
    let reason = format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: \
         Member must satisfy regular expression pattern"
    );
    Failure::invalid(Service::SsoAdmin, &reason)
}

fn list_instances(world: &World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let visible =
        world.instances.iter().filter(|(_, one)| one.region == request.region() && sees(one, caller));
    let all = visible
        .map(|(arn, one)| {
            json!({
                "InstanceArn": arn,
                "IdentityStoreId": one.store,
                "OwnerAccountId": one.owner,
                "CreatedDate": epoch_seconds(one.created),
                "Status": "ACTIVE",
            })
        })
        .collect();
    values(world, request, "Instances", all)
}

fn describe_set(arn: &str, set: &PermissionSet) -> Value {
    json!({
        "Name": set.name,
        "PermissionSetArn": arn,
        "CreatedDate": epoch_seconds(set.created),
        "SessionDuration": set.session_duration,
    })
}

fn strings(world: &World, request: &Request, name: &str, all: Vec<String>) -> Result<Reply, Failure> {
    values(world, request, name, all.into_iter().map(Value::from).collect())
}

fn values(world: &World, request: &Request, name: &str, all: Vec<Value>) -> Result<Reply, Failure> {
    let page = page(&world.settings, request, all)?;
    Ok(Reply::Json(json!({name: page.items, "NextToken": page.next})))
}

fn provisioned_to_account(world: &World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    instance(world, caller, request)?;
    let account = account_id(request, "AccountId")?;
    let arn = request.text("InstanceArn")?;
    let here = world.assignments.iter().filter(|one| one.instance == arn && one.account == account);
    let mut sets: Vec<_> = here.map(|one| one.permission_set.clone()).collect();
    sets.dedup();
    strings(world, request, "PermissionSets", sets)
}

fn accounts_for_set(world: &World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let (set, _) = permission_set(instance(world, caller, request)?, request)?;
    let holding = world.assignments.iter().filter(|one| one.permission_set == set);
    let mut accounts: Vec<_> = holding.map(|one| one.account.clone()).collect();
    accounts.dedup();
    strings(world, request, "AccountIds", accounts)
}

fn describe_status(
    world: &mut World,
    caller: &Caller,
    request: &Request,
    kind: Kind,
) -> Result<Reply, Failure> {
    instance(world, caller, request)?;
    let name = match kind {
        Kind::Create => "AccountAssignmentCreationRequestId",
        Kind::Delete => "AccountAssignmentDeletionRequestId",
    };
    let id = request.text(name)?;
    if !shape::is_uuid(id) {
        return Err(invalid(name, id));
    }
    operations::describe(world, kind, request.text("InstanceArn")?, id)
}

fn list_status(world: &mut World, caller: &Caller, request: &Request, kind: Kind) -> Result<Reply, Failure> {
    instance(world, caller, request)?;
    let wanted = filter(request, "Status")?;
    let all = operations::list(world, kind, request.text("InstanceArn")?, wanted);
    let name = match kind {
        Kind::Create => "AccountAssignmentsCreationStatus",
        Kind::Delete => "AccountAssignmentsDeletionStatus",
    };
    values(world, request, name, all)
}

/// The one member that a `Filter` may have.
fn filter<'a>(request: &'a Request, name: &str) -> Result<Option<&'a str>, Failure> {
    match request.fields.get("Filter") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(filter)) if filter.keys().all(|key| key == name) => {
            Ok(filter.get(name).and_then(Value::as_str))
        }
        Some(other) => {
            let reason = format!("the filter {other} is not simulated");
            Err(Failure::invalid(Service::SsoAdmin, &reason).unexpected())
        }
    }
}

fn list_assignments(world: &mut World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let (set, _) = permission_set(instance(world, caller, request)?, request)?;
    let account = account_id(request, "AccountId")?;
    if !world.accounts.contains_key(account) {
        let reason = format!("Could not find Account with id {account}");
        return Err(Failure::not_found(&reason));
    }
    let arn = request.text("InstanceArn")?;
    let all = world.assignments.at(arn, account, set).iter().map(assignment).collect();
    let reply = values(world, request, "AccountAssignments", all)?;
    operations::looked_at_target(world, arn, account, set);
    Ok(reply)
}

fn list_for_principal(world: &mut World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let instance = instance(world, caller, request)?;
    let arn = request.text("InstanceArn")?;
    if instance.owner != caller.account {
        // Only the management account may ask this.
        return Err(Failure::denied(Service::SsoAdmin, &caller.arn, &request.action(), arn));
    }
    let (kind, principal) = (principal_kind(request)?, principal_id(request)?);
    let wanted = filter(request, "AccountId")?;
    let mut all = world.assignments.of(arn, principal);
    all.retain(|one| one.kind == kind);
    if kind == PrincipalKind::User {
        // What a user has through a group is listed too, under the group's id.
        let store = world.stores.get(&instance.store);
        for group in store.map(|store| store.groups_of(principal)).unwrap_or_default() {
            all.extend(world.assignments.of(arn, &group));
        }
    }
    all.retain(|one| wanted.is_none_or(|account| account == one.account));
    let all = all.iter().map(assignment).collect();
    let reply = values(world, request, "AccountAssignments", all)?;
    operations::looked_at_principal(world, arn, principal);
    Ok(reply)
}

fn assignment(one: &Assignment) -> Value {
    json!({
        "AccountId": one.account,
        "PermissionSetArn": one.permission_set,
        "PrincipalType": one.kind.as_str(),
        "PrincipalId": one.principal,
    })
}
