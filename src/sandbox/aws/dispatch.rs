//! From a parsed request to a result: is it known, who asks, may they, and then the service itself.
use super::access::Caller;
use super::log::{Call, Outcome};
use super::model::World;
use super::reply::{Failure, Reply};
use super::settings::Switch;
use super::wire::{Request, Service};
use super::{access, assignments, catalog, iam, identity_store, organizations, sso, stale, sts};

/// The most calls per second that Identity Center takes.
const SSO_CALLS_PER_SECOND: usize = 20;

/// Carries out one request. `async_fail` makes an assignment operation fail later.
pub(super) fn execute(
    world: &mut World,
    request: &Request,
    async_fail: Option<String>,
) -> Result<Reply, Failure> {
    // Assignments change later, when their operation is done.
    let at_once = is_write(request) && request.service != Service::SsoAdmin;
    let note = at_once.then(|| stale::note(world)).flatten();
    let result = check(world, request).and_then(|caller| {
        throttle(world, request)?;
        match request.service {
            Service::SsoAdmin if request.operation.ends_with("AccountAssignment") => {
                assignments::start(world, &caller, request, async_fail)
            }
            Service::SsoAdmin => sso::answer(world, &caller, request),
            Service::IdentityStore => identity_store::answer(world, &caller, request),
            Service::Organizations => organizations::answer(world, &caller, request),
            Service::Iam => iam::answer(world, &caller, request),
            Service::Sts => sts::answer(world, &caller, request),
        }
    });
    if result.is_ok() {
        stale::keep(world, note);
    }
    if let Err(failure) = &result
        && failure.unexpected
    {
        let complaint = format!("{}: {}", request.action(), failure.message);
        world.log.unexpected.push(complaint);
    }
    result
}

/// Does the request change something in AWS?
pub(super) fn is_write(request: &Request) -> bool {
    catalog::find(request.service, &request.operation).is_some_and(|operation| operation.write)
}

fn check(world: &World, request: &Request) -> Result<Caller, Failure> {
    let operation = catalog::find(request.service, &request.operation).ok_or_else(|| {
        let message = format!("The operation {} is not simulated", request.action());
        let query = request.service.xml_namespace().is_some();
        let code = if query { "InvalidAction" } else { "UnknownOperationException" };
        Failure::new(400, code, &message).unexpected()
    })?;
    let known = |name: &str| operation.required.contains(&name) || operation.optional.contains(&name);
    if let Some(stranger) = request.fields.keys().find(|name| !known(name)) {
        let message = format!("the member {stranger} is not simulated");
        return Err(Failure::invalid(request.service, &message).unexpected());
    }
    let caller = access::authenticate(world, request)?;
    access::authorize(&caller, request)?;
    for &name in operation.required {
        if request.fields.get(name).is_none_or(serde_json::Value::is_null) {
            return Err(Failure::invalid(request.service, &format!("{name} must not be null")));
        }
    }
    Ok(caller)
}

fn throttle(world: &mut World, request: &Request) -> Result<(), Failure> {
    let limited = world.settings.is_on(Switch::RateLimit)
        && matches!(request.service, Service::SsoAdmin | Service::IdentityStore);
    if limited && !world.log.sso_admits(world.now, SSO_CALLS_PER_SECOND) {
        return Err(Failure::throttled(request.service));
    }
    Ok(())
}

/// Notes that a call has been made, and how it ended.
pub(super) fn record(world: &mut World, request: &Request, outcome: Outcome) {
    world.log.count(request.service, world.now);
    if !world.log.keep {
        return;
    }
    let access_key = request.signature.as_ref().map_or("", |signature| &signature.key_id);
    let key = world.keys.get(access_key);
    let session = key.and_then(|key| key.session.as_ref());
    let call = Call {
        service: request.service,
        operation: request.operation.clone(),
        at: world.now,
        access_key: access_key.to_owned(),
        caller: key.map(|key| key.arn.clone()).unwrap_or_default(),
        role: session.map(|session| session.role.clone()),
        session_name: session.map(|session| session.name.clone()),
        source_identity: session.and_then(|session| session.source_identity.clone()),
        write: is_write(request),
        input: request.fields.clone(),
        outcome,
    };
    world.log.calls.push(call);
}
