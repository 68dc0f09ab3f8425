//! How a request looks on the wire: which service and operation it names, what it carries, and who
//! signed it. Knows JSON 1.1 and the Query protocol, nothing of what the operations mean.
use hyper::HeaderMap;
use serde_json::{Map, Value};

use super::reply::Failure;

/// The five services that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// IAM Identity Center (`sso-admin`).
    SsoAdmin,
    /// Identity store: users, groups, memberships.
    IdentityStore,
    /// Organizations.
    Organizations,
    /// IAM.
    Iam,
    /// STS.
    Sts,
}

impl Service {
    /// The prefix of the service's actions in a policy: `sso`, `identitystore`, …
    pub fn action_prefix(self) -> &'static str {
        match self {
            Self::SsoAdmin => "sso",
            Self::IdentityStore => "identitystore",
            Self::Organizations => "organizations",
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// The namespace of the service's XML answers; none for the JSON services.
    pub(super) fn xml_namespace(self) -> Option<&'static str> {
        match self {
            Self::Iam => Some("https://iam.amazonaws.com/doc/2010-05-08/"),
            Self::Sts => Some("https://sts.amazonaws.com/doc/2011-06-15/"),
            _ => None,
        }
    }

    fn of_target(prefix: &str) -> Option<Self> {
        match prefix {
            "SWBExternalService" => Some(Self::SsoAdmin),
            "AWSIdentityStore" => Some(Self::IdentityStore),
            "AWSOrganizationsV20161128" => Some(Self::Organizations),
            _ => None,
        }
    }

    fn of_version(version: &str) -> Option<Self> {
        match version {
            "2010-05-08" => Some(Self::Iam),
            "2011-06-15" => Some(Self::Sts),
            _ => None,
        }
    }
}

/// One request, taken apart but not judged.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) service: Service,
    pub(super) operation: String,
    pub(super) fields: Map<String, Value>,
    /// What the `SigV4` header names: key id, region and service. The signature is not verified.
    pub(super) signature: Option<Signature>,
    pub(super) session_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) key_id: String,
    pub(super) region: String,
    pub(super) service: String,
}

impl Request {
    /// Takes a request apart, or says (in a sentence) why it is none that AWS would understand.
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, String> {
        let (service, operation, fields) = match header(headers, "x-amz-target") {
            Some(target) => parse_json(headers, target, body)?,
            None => parse_query(body)?,
        };
        Ok(Self {
            service,
            operation,
            fields,
            signature: header(headers, "authorization").and_then(Signature::parse),
            session_token: header(headers, "x-amz-security-token").map(str::to_owned),
        })
    }

    /// The action a policy has to allow for this request, such as `sso:CreateAccountAssignment`.
    pub(super) fn action(&self) -> String {
        format!("{}:{}", self.service.action_prefix(), self.operation)
    }

    pub(super) fn region(&self) -> &str {
        self.signature.as_ref().map_or("", |signature| &signature.region)
    }

    /// A member that must be there and be text.
    pub(super) fn text(&self, name: &str) -> Result<&str, Failure> {
        self.optional_text(name)?
            .ok_or_else(|| Failure::invalid(self.service, &format!("{name} must not be null")))
    }

    /// A member that may be missing, and is text when it is there.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                let reason = format!("{name} must be a string, not {other}");
                Err(Failure::invalid(self.service, &reason))
            }
        }
    }

    /// A whole number: a JSON number, or digits in the Query protocol.
    pub(super) fn optional_number(&self, name: &str) -> Result<Option<i64>, Failure> {
        let number = match self.fields.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        let reason = format!("{name} must be an integer");
        number.map(Some).ok_or_else(|| Failure::invalid(self.service, &reason))
    }
}

impl Signature {
    fn parse(header: &str) -> Option<Self> {
        let scope = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let scope = scope.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
        let mut parts = scope.split('/');
        let key_id = parts.next()?.to_owned();
        let _date = parts.next()?;
        let region = parts.next()?.to_owned();
        let service = parts.next()?.to_owned();
        (parts.next() == Some("aws4_request")).then_some(Self { key_id, region, service })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

type Parsed = (Service, String, Map<String, Value>);

fn parse_json(headers: &HeaderMap, target: &str, body: &[u8]) -> Result<Parsed, String> {
    let (prefix, operation) =
        target.split_once('.').ok_or_else(|| format!("malformed X-Amz-Target {target}"))?;
    let service = Service::of_target(prefix).ok_or_else(|| format!("unknown service in target {target}"))?;
    let kind = header(headers, "content-type").unwrap_or("");
    if kind != "application/x-amz-json-1.1" {
        return Err(format!("{target} with content type {kind:?}"));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok((service, operation.to_owned(), fields)),
        Ok(_) => Err(format!("{target}: the body is not an object")),
        Err(error) => Err(format!("{target}: the body is not JSON: {error}")),
    }
}

fn parse_query(body: &[u8]) -> Result<Parsed, String> {
    let body = std::str::from_utf8(body).map_err(|_| "a body that is not UTF-8".to_owned())?;
    let mut fields = Map::new();
    for pair in body.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        fields.insert(form_decode(name), Value::String(form_decode(value)));
    }
    let mut take = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("a request with neither X-Amz-Target nor a form field {name}")),
    };
    let (operation, version) = (take("Action")?, take("Version")?);
    let service = Service::of_version(&version)
        .ok_or_else(|| format!("{operation} of unknown API version {version}"))?;
    Ok((service, operation, fields))
}

fn form_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, escaped) {
            (_, Some(decoded)) => {
                out.push(decoded);
                at += 3;
                continue;
            }
            (b'+', None) => out.push(b' '),
            (other, None) => out.push(other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
