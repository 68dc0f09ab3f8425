//! Who asks, and may they? The key of the signature decides the account, the identity and what its
//! policies allow.
use super::model::{Session, World};
use super::reply::Failure;
use super::wire::{Request, Service};

/// Whoever signed the request, as far as the simulation needs to know.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) account: String,
    pub(super) arn: String,
    pub(super) allows: Vec<String>,
    pub(super) session: Option<Session>,
}

impl Caller {
    pub(super) fn may(&self, action: &str) -> bool {
        self.allows.iter().any(|pattern| matches(pattern, action))
    }
}

/// The codes of one refusal: of the JSON services, and of the Query ones.
struct Codes(&'static str, &'static str);

const UNSIGNED: Codes = Codes("MissingAuthenticationTokenException", "MissingAuthenticationToken");
const MISSIGNED: Codes = Codes("InvalidSignatureException", "SignatureDoesNotMatch");
const UNKNOWN: Codes = Codes("UnrecognizedClientException", "InvalidClientTokenId");
const EXPIRED: Codes = Codes("ExpiredTokenException", "ExpiredToken");

fn refusal(service: Service, codes: &Codes, message: &str) -> Failure {
    let code = if service.xml_namespace().is_some() { codes.1 } else { codes.0 };
    Failure::new(403, code, message)
}

/// Finds the caller by key and session token, or refuses the way the service does.
pub(super) fn authenticate(world: &World, request: &Request) -> Result<Caller, Failure> {
    let service = request.service;
    let Some(signature) = &request.signature else {
        return Err(refusal(service, &UNSIGNED, "Missing Authentication Token"));
    };
    let scope = service.action_prefix();
    if signature.service != scope {
        let message = format!("Credential should be scoped to correct service: '{scope}'.");
        return Err(refusal(service, &MISSIGNED, &message).unexpected());
    }
    let unknown = || refusal(service, &UNKNOWN, "The security token included in the request is invalid.");
    let key = world.keys.get(&signature.key_id).ok_or_else(unknown)?;
    let token = key.session.as_ref().map(|session| session.token.as_str());
    if token != request.session_token.as_deref() {
        return Err(unknown());
    }
    if key.session.as_ref().is_some_and(|session| session.expires <= world.now) {
        let message = "The security token included in the request is expired";
        return Err(refusal(service, &EXPIRED, message));
    }
    // A session may do what its role allows now, not what it allowed when the session began.
    let allows = match &key.session {
        Some(session) => world.roles.get(&session.role).ok_or_else(unknown)?.allows.clone(),
        None => key.allows.clone(),
    };
    Ok(Caller { account: key.account.clone(), arn: key.arn.clone(), allows, session: key.session.clone() })
}

/// Refuses what the caller's policies do not allow.
pub(super) fn authorize(caller: &Caller, request: &Request) -> Result<(), Failure> {
    let action = request.action();
    // Everyone may ask who they are.
    if action == "sts:GetCallerIdentity" || caller.may(&action) {
        return Ok(());
    }
    let resource = resource(caller, request);
    Err(Failure::denied(request.service, &caller.arn, &action, &resource))
}

fn resource(caller: &Caller, request: &Request) -> String {
    let text = |name: &str| request.fields.get(name).and_then(serde_json::Value::as_str);
    let account = &caller.account;
    let named = match request.service {
        Service::SsoAdmin => text("PermissionSetArn").or_else(|| text("InstanceArn")).map(str::to_owned),
        Service::IdentityStore => text("IdentityStoreId")
            .map(|store| format!("arn:aws:identitystore::{account}:identitystore/{store}")),
        Service::Organizations => None,
        Service::Iam => text("GroupName")
            .map(|group| format!("arn:aws:iam::{account}:group/{group}"))
            .or_else(|| text("UserName").map(|user| format!("arn:aws:iam::{account}:user/{user}"))),
        Service::Sts => text("RoleArn").map(str::to_owned),
    };
    named.unwrap_or_else(|| "*".to_owned())
}

/// IAM's matching of actions: `*` stands for anything, letter case does not count.
pub(super) fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = action.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
