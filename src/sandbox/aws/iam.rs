//! IAM: users and groups of the caller's account.
use super::access::Caller;
use super::model::{Account, IamGroup, World};
use super::page::{Page, page};
use super::reply::{Failure, Reply, element, iso8601};
use super::shape;
use super::wire::{Request, Service};

/// Answers every operation of IAM.
pub(super) fn answer(world: &mut World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let missing = || Failure::no_such_entity("The account cannot be found.");
    if matches!(request.operation.as_str(), "AddUserToGroup" | "RemoveUserFromGroup") {
        let account = world.accounts.get_mut(&caller.account).ok_or_else(missing)?;
        return change(account, request);
    }
    let account = world.accounts.get(&caller.account).ok_or_else(missing)?;
    match request.operation.as_str() {
        "GetUser" => get_user(account, caller, request),
        "GetGroup" => get_group(world, account, caller, request),
        "ListGroupsForUser" => groups_for_user(world, account, caller, request),
        other => Err(Failure::new(400, "InvalidAction", other).unexpected()),
    }
}

fn name<'a>(request: &'a Request, field: &str) -> Result<&'a str, Failure> {
    let name = request.text(field)?;
    if shape::is_name(name, 1, 128) {
        return Ok(name);
    }
    let reason = format!(
        "The specified value for {field} is invalid. It must contain only alphanumeric characters \
         and/or the following: +=,.@_-"
    );
    Err(Failure::invalid(Service::Iam, &reason))
}

fn known_user(account: &Account, name: &str) -> Result<i64, Failure> {
    account
        .iam_users
        .get(name)
        .copied()
        .ok_or_else(|| Failure::no_such_entity(&format!("The user with name {name} cannot be found.")))
}

fn no_group(name: &str) -> Failure {
    Failure::no_such_entity(&format!("The group with name {name} cannot be found."))
}

fn change(account: &mut Account, request: &Request) -> Result<Reply, Failure> {
    let (group, user) = (name(request, "GroupName")?, name(request, "UserName")?);
    let unknown_user = known_user(account, user).err();
    let members = &mut account.iam_groups.get_mut(group).ok_or_else(|| no_group(group))?.members;
    if let Some(failure) = unknown_user {
        return Err(failure);
    }
    if request.operation == "AddUserToGroup" {
        members.insert(user.to_owned());
    } else if !members.remove(user) {
        let reason = format!("User {user} not in group {group}.");
        return Err(Failure::no_such_entity(&reason));
    }
    Ok(Reply::Xml(String::new()))
}

fn get_user(account: &Account, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let own = || caller.arn.split_once(":user/").map(|(_, path)| path.rsplit('/').next());
    let user = match request.optional_text("UserName")? {
        Some(_) => name(request, "UserName")?,
        None => own().flatten().ok_or_else(|| {
            let reason = "Must specify userName when calling with non-User credentials";
            Failure::invalid(Service::Iam, reason)
        })?,
    };
    let created = known_user(account, user)?;
    Ok(Reply::Xml(format!("<User>{}</User>", user_xml(caller, user, created))))
}

fn user_xml(caller: &Caller, name: &str, created: i64) -> String {
    [
        element("Path", "/"),
        element("UserName", name),
        element("UserId", &entity_id("AIDA", name)),
        element("Arn", &format!("arn:aws:iam::{}:user/{name}", caller.account)),
        element("CreateDate", &iso8601(created)),
    ]
    .concat()
}

fn group_xml(caller: &Caller, name: &str, group: &IamGroup) -> String {
    let path = &group.path;
    [
        element("Path", path),
        element("GroupName", name),
        element("GroupId", &entity_id("AGPA", name)),
        element("Arn", &format!("arn:aws:iam::{}:group{path}{name}", caller.account)),
        element("CreateDate", &iso8601(group.created)),
    ]
    .concat()
}

/// An id in the shape of IAM's: it only has to be stable.
fn entity_id(prefix: &str, name: &str) -> String {
    let sum = name.bytes().fold(0x1505_u64, |sum, byte| sum.wrapping_mul(33) ^ u64::from(byte));
    format!("{prefix}{sum:017X}")
}

fn get_group(world: &World, account: &Account, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let wanted = name(request, "GroupName")?;
    let group = account.iam_groups.get(wanted).ok_or_else(|| no_group(wanted))?;
    let page = page(&world.settings, request, group.members.iter().collect())?;
    let member = |name: &String| {
        let created = account.iam_users.get(name).copied().unwrap_or(0);
        format!("<member>{}</member>", user_xml(caller, name, created))
    };
    let users: String = page.items.iter().map(|name| member(name)).collect();
    let group = group_xml(caller, wanted, group);
    let end = end_of(&page);
    Ok(Reply::Xml(format!("<Group>{group}</Group><Users>{users}</Users>{end}")))
}

fn groups_for_user(
    world: &World,
    account: &Account,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    let user = name(request, "UserName")?;
    known_user(account, user)?;
    let own = account.iam_groups.iter().filter(|(_, group)| group.members.contains(user)).collect();
    let page: Page<(&String, &IamGroup)> = page(&world.settings, request, own)?;
    let member =
        |(name, group): &(&String, &IamGroup)| format!("<member>{}</member>", group_xml(caller, name, group));
    let groups: String = page.items.iter().map(member).collect();
    Ok(Reply::Xml(format!("<Groups>{groups}</Groups>{}", end_of(&page))))
}

fn end_of<T>(page: &Page<T>) -> String {
    match &page.next {
        Some(marker) => format!("<IsTruncated>true</IsTruncated>{}", element("Marker", marker)),
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    }
}
