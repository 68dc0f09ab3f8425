//! STS: who am I, and becoming a role.
use super::access::Caller;
use super::model::{Key, Role, Session, World};
use super::reply::{Failure, Reply, element, iso8601};
use super::shape;
use super::wire::{Request, Service};

/// The longest session of a role that another role has assumed.
const LONGEST_CHAINED_SECONDS: i64 = 3600;

/// Answers every operation of STS.
pub(super) fn answer(world: &mut World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    match request.operation.as_str() {
        "GetCallerIdentity" => Ok(Reply::Xml(
            [
                element("Arn", &caller.arn),
                element("UserId", "AIDASANDBOX0000000000"),
                element("Account", &caller.account),
            ]
            .concat(),
        )),
        "AssumeRole" => assume_role(world, caller, request),
        other => Err(Failure::new(400, "InvalidAction", other).unexpected()),
    }
}

fn assume_role(world: &mut World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let arn = request.text("RoleArn")?;
    let name = request.text("RoleSessionName")?;
    if !shape::is_name(name, 2, 64) {
        return Err(invalid("roleSessionName", name));
    }
    let refused = || Failure::denied(Service::Sts, &caller.arn, "sts:AssumeRole", arn);
    // A role that does not exist is refused in the same words as one that does not trust us.
    let role = world.roles.get(arn).ok_or_else(refused)?;
    let (account, role_name) = parts(arn).ok_or_else(refused)?;
    if !role.trusted.iter().any(|trusted| is_principal(trusted, caller)) {
        return Err(refused());
    }
    external_id(role, request)?.then_some(()).ok_or_else(refused)?;
    let source_identity = source_identity(role, caller, request, arn)?;
    let seconds = duration(role, caller, request)?;
    let session_arn = format!("arn:aws:sts::{account}:assumed-role/{role_name}/{name}");
    let (account, serial) = (account.to_owned(), world.serial());
    let key_id = format!("ASIA{serial:016X}");
    let session = Session {
        role: arn.to_owned(),
        name: name.to_owned(),
        source_identity,
        token: format!("session-token-{serial:016x}"),
        expires: world.now.saturating_add(seconds.saturating_mul(1000)),
    };
    let reply = credentials(&key_id, &session, &session_arn);
    let key = Key { account, arn: session_arn, allows: Vec::new(), session: Some(session) };
    world.keys.insert(key_id, key);
    Ok(Reply::Xml(reply))
}

fn credentials(key_id: &str, session: &Session, session_arn: &str) -> String {
    let credentials = [
        element("AccessKeyId", key_id),
        element("SecretAccessKey", "sandbox/secret/key/000000000000000000000"),
        element("SessionToken", &session.token),
        element("Expiration", &iso8601(session.expires)),
    ]
    .concat();
    let user = [
        element("AssumedRoleId", &format!("AROASANDBOX0000000000:{}", session.name)),
        element("Arn", session_arn),
    ]
    .concat();
    let source = session.source_identity.as_deref();
    let source = source.map(|source| element("SourceIdentity", source)).unwrap_or_default();
    format!("<Credentials>{credentials}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>{source}")
}

/// Account and name of a role.
fn parts(arn: &str) -> Option<(&str, &str)> {
    let (account, path) = arn.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
    Some((account, path.rsplit('/').next()?))
}

/// Does an entry of a trust policy mean the caller?
fn is_principal(trusted: &str, caller: &Caller) -> bool {
    let role = caller.session.as_ref().map(|session| session.role.as_str());
    trusted == "*"
        || trusted == caller.account
        || trusted == caller.arn
        || Some(trusted) == role
        || trusted.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"))
            == Some(&caller.account)
}

fn external_id(role: &Role, request: &Request) -> Result<bool, Failure> {
    let given = request.optional_text("ExternalId")?;
    if let Some(id) = given.filter(|id| !shape::is_external_id(id)) {
        return Err(invalid("externalId", id));
    }
    // A role that asks for none does not mind being given one.
    Ok(role.external_id.is_none() || role.external_id.as_deref() == given)
}

/// The source identity of the new session: set now, or inherited. Either way the trust policy must
/// allow it, and the caller's own policies must when it crosses accounts or comes from a role.
fn source_identity(
    role: &Role,
    caller: &Caller,
    request: &Request,
    arn: &str,
) -> Result<Option<String>, Failure> {
    let given = request.optional_text("SourceIdentity")?;
    if let Some(value) = given.filter(|value| !shape::is_name(value, 2, 64)) {
        return Err(invalid("sourceIdentity", value));
    }
    let inherited = caller.session.as_ref().and_then(|session| session.source_identity.as_deref());
    let Some(value) = inherited.or(given) else {
        return Ok(None);
    };
    let refused = || Failure::denied(Service::Sts, &caller.arn, "sts:SetSourceIdentity", arn);
    if given.is_some_and(|given| given != value) {
        // Once set it cannot be changed down the chain.
        return Err(refused());
    }
    let own_policy_counts =
        caller.session.is_some() || parts(arn).is_none_or(|(account, _)| account != caller.account);
    let own_policy_allows = !own_policy_counts || caller.may("sts:SetSourceIdentity");
    if !role.may_set_source_identity || !own_policy_allows {
        return Err(refused());
    }
    Ok(Some(value.to_owned()))
}

fn duration(role: &Role, caller: &Caller, request: &Request) -> Result<i64, Failure> {
    let Some(seconds) = request.optional_number("DurationSeconds")? else {
        return Ok(LONGEST_CHAINED_SECONDS.min(role.max_session_seconds));
    };
    let reason = if !(900..=43_200).contains(&seconds) {
        format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy \
             constraint: Member must be between 900 and 43200"
        )
    } else if seconds > role.max_session_seconds {
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned()
    } else if caller.session.is_some() && seconds > LONGEST_CHAINED_SECONDS {
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
         chaining."
            .to_owned()
    } else {
        return Ok(seconds);
    };
    Err(Failure::invalid(Service::Sts, &reason))
}

fn invalid(field: &str, value: &str) -> Failure {
    let reason = format!(
        "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    );
    Failure::invalid(Service::Sts, &reason)
}
