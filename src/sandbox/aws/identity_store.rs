//! The identity store: users, groups and who is in them.
use serde_json::{Map, Value, json};

use super::access::Caller;
use super::model::{Store, User, World};
use super::page::page;
use super::reply::{Failure, Reply};
use super::shape;
use super::wire::{Request, Service};

/// Answers every operation of the identity store.
pub(super) fn answer(world: &mut World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let id = request.text("IdentityStoreId")?;
    let store = visible(world, caller, request)?;
    match request.operation.as_str() {
        "CreateGroupMembership" => create_membership(world, request),
        "DeleteGroupMembership" => delete_membership(world, request),
        "GetUserId" => {
            let user = user_by_attribute(store, request)?;
            Ok(Reply::Json(json!({"IdentityStoreId": id, "UserId": user})))
        }
        "GetGroupId" => {
            let group = group_by_attribute(store, request)?;
            Ok(Reply::Json(json!({"IdentityStoreId": id, "GroupId": group})))
        }
        "DescribeUser" => {
            let user = known_user(store, resource_id(request, "UserId")?)?;
            Ok(Reply::Json(describe_user(id, user.0, user.1)))
        }
        "DescribeGroup" => {
            let group = known_group(store, resource_id(request, "GroupId")?)?;
            Ok(Reply::Json(describe_group(id, group.0, group.1)))
        }
        "ListUsers" => list_users(world, store, request),
        "ListGroups" => list_groups(world, store, request),
        "GetGroupMembershipId" => membership_id(store, request),
        "DescribeGroupMembership" => describe_membership(store, request),
        "IsMemberInGroups" => is_member_in_groups(store, request),
        "ListGroupMemberships" | "ListGroupMembershipsForMember" => list_memberships(world, store, request),
        other => Err(Failure::new(400, "UnknownOperationException", other).unexpected()),
    }
}

fn visible<'a>(world: &'a World, caller: &Caller, request: &Request) -> Result<&'a Store, Failure> {
    let id = request.text("IdentityStoreId")?;
    if !shape::is_store_id(id) {
        return Err(invalid(&format!("IdentityStoreId {id} is malformed")));
    }
    let mut instances = world
        .instances
        .values()
        .filter(|instance| instance.store == id && instance.region == request.region());
    let (store, Some(instance)) = (world.stores.get(id), instances.next()) else {
        return Err(Failure::not_found(&format!("IDENTITY_STORE not found: {id}")));
    };
    if instance.owner != caller.account && !instance.delegated.contains(&caller.account) {
        let resource = format!("arn:aws:identitystore::{}:identitystore/{id}", instance.owner);
        let action = request.action();
        return Err(Failure::denied(request.service, &caller.arn, &action, &resource));
    }
    store.ok_or_else(|| Failure::not_found(&format!("IDENTITY_STORE not found: {id}")))
}

fn invalid(message: &str) -> Failure {
    Failure::invalid(Service::IdentityStore, message)
}

fn resource_id<'a>(request: &'a Request, name: &str) -> Result<&'a str, Failure> {
    let id = request.text(name)?;
    if shape::is_resource_id(id) { Ok(id) } else { Err(invalid(&format!("{name} {id} is malformed"))) }
}

fn member_id(request: &Request) -> Result<&str, Failure> {
    let member = request.fields.get("MemberId").and_then(Value::as_object);
    let only_user = member.filter(|member| member.keys().all(|key| key == "UserId"));
    let id = only_user.and_then(|member| member.get("UserId")).and_then(Value::as_str);
    let id = id.ok_or_else(|| invalid("MemberId must hold exactly one UserId"))?;
    if shape::is_resource_id(id) { Ok(id) } else { Err(invalid(&format!("UserId {id} is malformed"))) }
}

fn known_user<'a>(store: &'a Store, id: &'a str) -> Result<(&'a str, &'a User), Failure> {
    let user = store.users.get(id).map(|user| (id, user));
    user.ok_or_else(|| Failure::not_found(&format!("USER not found: {id}")))
}

fn known_group<'a>(store: &'a Store, id: &'a str) -> Result<(&'a str, &'a str), Failure> {
    let group = store.groups.get(id).map(|name| (id, name.as_str()));
    group.ok_or_else(|| Failure::not_found(&format!("GROUP not found: {id}")))
}

/// `AlternateIdentifier` as (path, value).
fn unique_attribute(request: &Request) -> Result<(&str, &str), Failure> {
    let member = |value: &'_ Map<String, Value>, allowed: &[&str]| {
        value.keys().all(|key| allowed.contains(&key.as_str()))
    };
    let outer = request.fields.get("AlternateIdentifier").and_then(Value::as_object);
    let outer = outer.filter(|outer| member(outer, &["UniqueAttribute"]));
    let inner = outer.and_then(|outer| outer.get("UniqueAttribute")).and_then(Value::as_object);
    let inner = inner.filter(|inner| member(inner, &["AttributePath", "AttributeValue"]));
    let text = |name: &str| inner.and_then(|inner| inner.get(name)).and_then(Value::as_str);
    match (text("AttributePath"), text("AttributeValue")) {
        (Some(path), Some(value)) => Ok((path, value)),
        _ => Err(invalid("AlternateIdentifier must hold a UniqueAttribute").unexpected()),
    }
}

fn user_by_attribute(store: &Store, request: &Request) -> Result<String, Failure> {
    let (path, value) = unique_attribute(request)?;
    let found = match path.to_ascii_lowercase().as_str() {
        "username" => store.user_by_name.get(value),
        "emails.value" => store.user_by_email.get(value),
        _ => {
            return Err(invalid(&format!("{path} is not a unique attribute of USER")));
        }
    };
    found.cloned().ok_or_else(|| Failure::not_found("USER not found."))
}

fn group_by_attribute(store: &Store, request: &Request) -> Result<String, Failure> {
    let (path, value) = unique_attribute(request)?;
    if !path.eq_ignore_ascii_case("displayName") {
        return Err(invalid(&format!("{path} is not a unique attribute of GROUP")));
    }
    let found = store.groups.iter().find(|(_, name)| *name == value);
    found.map(|(id, _)| id.clone()).ok_or_else(|| Failure::not_found("GROUP not found."))
}

fn describe_user(store: &str, id: &str, user: &User) -> Value {
    json!({
        "IdentityStoreId": store,
        "UserId": id,
        "UserName": user.name,
        "DisplayName": user.name,
        "Emails": [{"Value": user.email, "Type": "work", "Primary": true}],
    })
}

fn describe_group(store: &str, id: &str, name: &str) -> Value {
    json!({"IdentityStoreId": store, "GroupId": id, "DisplayName": name})
}

/// The value of the one filter a listing may have.
fn filter<'a>(request: &'a Request, path: &str) -> Result<Option<&'a str>, Failure> {
    let filters = match request.fields.get("Filters") {
        None | Some(Value::Null) => return Ok(None),
        Some(filters) => filters.as_array().ok_or_else(|| invalid("Filters must be a list"))?,
    };
    match filters.as_slice() {
        [] => Ok(None),
        [one] if one.get("AttributePath").and_then(Value::as_str) == Some(path) => {
            Ok(one.get("AttributeValue").and_then(Value::as_str))
        }
        [other] => Err(invalid(&format!("the filter {other} is not simulated")).unexpected()),
        _ => Err(invalid("at most one filter is allowed")),
    }
}

fn list_users(world: &World, store: &Store, request: &Request) -> Result<Reply, Failure> {
    let (id, name) = (request.text("IdentityStoreId")?, filter(request, "UserName")?);
    let wanted = store.users.iter().filter(|(_, user)| name.is_none_or(|name| name == user.name));
    let all = wanted.map(|(user_id, user)| describe_user(id, user_id, user)).collect();
    listing(world, request, "Users", all)
}

fn list_groups(world: &World, store: &Store, request: &Request) -> Result<Reply, Failure> {
    let (id, name) = (request.text("IdentityStoreId")?, filter(request, "DisplayName")?);
    let wanted = store.groups.iter().filter(|(_, own)| name.is_none_or(|name| name == *own));
    let all = wanted.map(|(group_id, own)| describe_group(id, group_id, own)).collect();
    listing(world, request, "Groups", all)
}

fn listing(world: &World, request: &Request, name: &str, all: Vec<Value>) -> Result<Reply, Failure> {
    let page = page(&world.settings, request, all)?;
    Ok(Reply::Json(json!({name: page.items, "NextToken": page.next})))
}

fn create_membership(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let store_id = request.text("IdentityStoreId")?;
    let (group, user) = (resource_id(request, "GroupId")?, member_id(request)?);
    let id = world.uuid();
    let Some(store) = world.stores.get_mut(store_id) else {
        return Err(Failure::not_found("IDENTITY_STORE not found"));
    };
    known_group(store, group)?;
    known_user(store, user)?;
    if store.members.contains_key(&(group.to_owned(), user.to_owned())) {
        let reason = "Member and Group relationship already exists.";
        return Err(Failure::conflict(Service::IdentityStore, reason));
    }
    store.join(id.clone(), group, user);
    Ok(Reply::Json(json!({"IdentityStoreId": store_id, "MembershipId": id})))
}

fn delete_membership(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let id = resource_id(request, "MembershipId")?;
    let store = world.stores.get_mut(request.text("IdentityStoreId")?);
    let pair = store.as_ref().and_then(|store| store.by_id.get(id).cloned());
    let (Some(store), Some((group, user))) = (store, pair) else {
        return Err(no_membership());
    };
    store.leave(&group, &user);
    Ok(Reply::Json(json!({})))
}

fn no_membership() -> Failure {
    Failure::not_found("MEMBERSHIP not found.")
}

fn membership_id(store: &Store, request: &Request) -> Result<Reply, Failure> {
    let (group, user) = (resource_id(request, "GroupId")?, member_id(request)?);
    let id = store.members.get(&(group.to_owned(), user.to_owned())).ok_or_else(no_membership)?;
    let store_id = request.text("IdentityStoreId")?;
    Ok(Reply::Json(json!({"IdentityStoreId": store_id, "MembershipId": id})))
}

fn membership(store: &str, id: &str, group: &str, user: &str) -> Value {
    json!({
        "IdentityStoreId": store,
        "MembershipId": id,
        "GroupId": group,
        "MemberId": {"UserId": user},
    })
}

fn describe_membership(store: &Store, request: &Request) -> Result<Reply, Failure> {
    let id = resource_id(request, "MembershipId")?;
    let (group, user) = store.by_id.get(id).ok_or_else(no_membership)?;
    Ok(Reply::Json(membership(request.text("IdentityStoreId")?, id, group, user)))
}

fn is_member_in_groups(store: &Store, request: &Request) -> Result<Reply, Failure> {
    let (user, _) = known_user(store, member_id(request)?)?;
    let groups = request.fields.get("GroupIds").and_then(Value::as_array);
    let groups: Vec<&str> = groups.into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    if groups.is_empty() || groups.len() > 100 {
        return Err(invalid("GroupIds must hold between 1 and 100 ids"));
    }
    let mut results = Vec::new();
    for group in groups {
        known_group(store, group)?;
        let member = store.members.contains_key(&(group.to_owned(), user.to_owned()));
        results.push(json!({
            "GroupId": group,
            "MemberId": {"UserId": user},
            "MembershipExists": member,
        }));
    }
    Ok(Reply::Json(json!({"Results": results})))
}

fn list_memberships(world: &World, store: &Store, request: &Request) -> Result<Reply, Failure> {
    let id = request.text("IdentityStoreId")?;
    let all = if request.operation == "ListGroupMemberships" {
        let (group, _) = known_group(store, resource_id(request, "GroupId")?)?;
        let users = store.users_in(group);
        users.iter().map(|(user, own)| membership(id, own, group, user)).collect()
    } else {
        let (user, _) = known_user(store, member_id(request)?)?;
        let own = |group: &String| store.members.get(&(group.clone(), user.to_owned()));
        let groups = store.groups_of(user);
        let pairs = groups.iter().filter_map(|group| own(group).map(|own| (group, own)));
        pairs.map(|(group, own)| membership(id, own, group, user)).collect()
    };
    listing(world, request, "GroupMemberships", all)
}
