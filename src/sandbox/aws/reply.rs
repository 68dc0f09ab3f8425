//! How an answer looks on the wire: JSON 1.1 or XML, success or failure in AWS's own shapes.
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::wire::Service;

/// What an operation answers when all went well.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Json(Value),
    /// The inside of `<OperationResult>`.
    Xml(String),
}

impl Reply {
    /// The same with nothing in the first entry of its list.
    pub(super) fn thinned(mut self) -> Self {
        if let Self::Json(Value::Object(members)) = &mut self {
            let mut lists = members.values_mut().filter_map(Value::as_array_mut);
            if let Some(first) = lists.next().and_then(|list| list.first_mut()) {
                *first = json!({});
            }
        }
        self
    }

    /// The same with an empty list and without a next page.
    pub(super) fn emptied(mut self) -> Self {
        if let Self::Json(Value::Object(members)) = &mut self {
            members.values_mut().filter_map(Value::as_array_mut).for_each(Vec::clear);
            members.remove("NextToken");
        }
        self
    }
}

/// What an operation answers when it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    /// The client did something nobody should ever do: it is kept for `Aws::unexpected`.
    pub(super) unexpected: bool,
}

impl Failure {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.into(), message: message.into(), unexpected: false }
    }

    pub(super) fn unexpected(self) -> Self {
        Self { unexpected: true, ..self }
    }

    pub(super) fn invalid(service: Service, message: &str) -> Self {
        let code = match service {
            Service::SsoAdmin | Service::IdentityStore => "ValidationException",
            Service::Organizations => "InvalidInputException",
            Service::Iam | Service::Sts => "ValidationError",
        };
        Self::new(400, code, message)
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::new(400, "ResourceNotFoundException", message)
    }

    /// IAM's word for something that is not there.
    pub(super) fn no_such_entity(message: &str) -> Self {
        Self::new(404, "NoSuchEntity", message)
    }

    pub(super) fn conflict(service: Service, message: &str) -> Self {
        match service {
            Service::SsoAdmin | Service::IdentityStore => Self::new(400, "ConflictException", message),
            Service::Organizations => Self::new(400, "ConcurrentModificationException", message),
            Service::Iam | Service::Sts => Self::new(409, "ConcurrentModification", message),
        }
    }

    pub(super) fn throttled(service: Service) -> Self {
        match service {
            Service::SsoAdmin | Service::IdentityStore => {
                Self::new(400, "ThrottlingException", "Rate exceeded")
            }
            Service::Organizations => Self::new(
                400,
                "TooManyRequestsException",
                "AWS Organizations can't complete your request because another request is in \
                 progress. Try again later.",
            ),
            Service::Iam | Service::Sts => Self::new(400, "Throttling", "Rate exceeded"),
        }
    }

    pub(super) fn server_error(service: Service, status: u16) -> Self {
        let code = match service {
            Service::SsoAdmin | Service::IdentityStore => "InternalServerException",
            Service::Organizations => "ServiceException",
            Service::Iam => "ServiceFailure",
            Service::Sts => "InternalFailure",
        };
        Self::new(status, code, "An internal error occurred. Try again later.")
    }

    /// AWS's sentence for an identity whose policies do not allow the action.
    pub(super) fn denied(service: Service, who: &str, action: &str, resource: &str) -> Self {
        let message = format!("User: {who} is not authorized to perform: {action} on resource: {resource}");
        match service {
            Service::Iam | Service::Sts => Self::new(403, "AccessDenied", &message),
            _ => Self::new(400, "AccessDeniedException", &message),
        }
    }
}

/// Renders an answer the way the service's protocol wants it.
pub(super) fn render(
    service: Option<Service>,
    operation: &str,
    request_id: &str,
    result: &Result<Reply, Failure>,
) -> Response<Full<Bytes>> {
    let namespace = service.and_then(Service::xml_namespace);
    let (status, body) = match result {
        Ok(Reply::Json(value)) => (200, value.to_string()),
        Ok(Reply::Xml(inner)) => (200, xml_success(namespace.unwrap_or(""), operation, request_id, inner)),
        Err(failure) => (
            failure.status,
            match namespace {
                Some(namespace) => xml_failure(namespace, request_id, failure),
                None => json!({"__type": failure.code, "Message": failure.message}).to_string(),
            },
        ),
    };
    let kind = if namespace.is_some() { "text/xml" } else { "application/x-amz-json-1.1" };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", hyper::header::HeaderValue::from_static(kind));
    if let Ok(id) = hyper::header::HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn xml_success(namespace: &str, operation: &str, request_id: &str, inner: &str) -> String {
    // IAM's writes answer without any result element.
    let result = if inner.is_empty() {
        String::new()
    } else {
        format!("<{operation}Result>{inner}</{operation}Result>")
    };
    format!(
        "<{operation}Response xmlns=\"{namespace}\">{result}<ResponseMetadata><RequestId>\
         {request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
}

fn xml_failure(namespace: &str, request_id: &str, failure: &Failure) -> String {
    let kind = if failure.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type>{}{}</Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>",
        element("Code", &failure.code),
        element("Message", &failure.message),
    )
}

/// One XML element around escaped text.
pub(super) fn element(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<{name}>{text}</{name}>")
}

/// Milliseconds since the epoch as XML wants them: `2026-11-20T06:00:00Z`.
pub(super) fn iso8601(ms: i64) -> String {
    let (days, seconds) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000) / 1000);
    // Civil date from days, after Howard Hinnant: years that begin in March make leap days last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Milliseconds since the epoch as JSON wants them: seconds, with a fraction.
pub(super) fn epoch_seconds(ms: i64) -> Value {
    // Going through text keeps full precision without a lossy cast.
    let text = format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000));
    text.parse::<f64>().map_or(Value::Null, Value::from)
}
