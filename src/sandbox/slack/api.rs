//! The Web API: what every call goes through before it reaches its method.
use std::time::Duration;

use hyper::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::faults::Fault;
use super::model::Call;
use super::server::{self, Answer, Asked, Dropped};
use super::{Slack, ids};

mod chat;
mod conversations;
mod hooks;
mod methods;
mod users;
mod views;

pub(super) use hooks::{Scene, hook};
use methods::Method;

/// Why a call fails.
#[derive(Clone, Debug, Default)]
pub(super) struct Failure {
    pub(super) code: String,
    /// For `response_metadata.messages`.
    pub(super) messages: Vec<String>,
    /// For `missing_scope`.
    needed: Option<String>,
}

impl From<&str> for Failure {
    fn from(code: &str) -> Failure {
        Failure { code: code.to_owned(), ..Failure::default() }
    }
}

impl Failure {
    pub(super) fn with(code: &str, messages: Vec<String>) -> Failure {
        Failure { code: code.to_owned(), messages, needed: None }
    }

    fn missing(scope: &str) -> Failure {
        Failure { needed: Some(scope.to_owned()), ..Failure::from("missing_scope") }
    }
}

/// What a method answers with, besides `ok`.
type Outcome = Result<Value, Failure>;

/// The arguments of a call.
#[derive(Clone, Debug, Default)]
struct Args(Map<String, Value>);

impl Args {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, Failure> {
        self.text(name).ok_or_else(|| {
            let message = format!("[ERROR] missing required field: {name}");
            Failure::with("invalid_arguments", vec![message])
        })
    }

    fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    fn number(&self, name: &str) -> Option<usize> {
        match self.0.get(name)? {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
            _ => None,
        }
    }

    /// An argument that is JSON: given as it is, or as a string of it.
    fn json(&self, name: &str) -> Result<Option<Value>, Failure> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| {
                let message = format!("[ERROR] failed to parse: {name}");
                Failure::with("invalid_arguments", vec![message])
            }),
            Some(value) => Ok(Some(value.clone())),
        }
    }
}

/// Whose token it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    App,
    Bot,
}

pub(super) async fn handle(slack: &Slack, name: &str, asked: Asked) -> Result<Answer, Dropped> {
    let fate = slack.fate(name);
    let read = read(&asked);
    let shown = read.as_ref().map_or(Value::Null, |args| Value::Object(args.0.clone()));
    let late = fate.fault.clone();
    before(slack, name, &shown, fate.delay, late.as_ref()).await?;
    if let Some(answer) = instead(slack, name, &shown, late.as_ref()) {
        return Ok(answer);
    }
    let outcome = read.and_then(|args| call(slack, name, &asked, &args));
    let lost = matches!(late, Some(Fault::LoseReply));
    let error = outcome.as_ref().err().map(|failure| failure.code.clone());
    let ok = error.is_none();
    slack.record(name, shown, ok, error.or_else(|| lost.then(|| "reply lost".to_owned())));
    if lost {
        return Err(Dropped);
    }
    Ok(respond(slack, name, outcome))
}

/// What a fault does before the call: waits, hangs, drops.
async fn before(
    slack: &Slack,
    name: &str,
    shown: &Value,
    delay: Duration,
    fault: Option<&Fault>,
) -> Result<(), Dropped> {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match fault {
        Some(Fault::Delay(more)) => tokio::time::sleep(*more).await,
        Some(Fault::Hang) => {
            let mut released = std::pin::pin!(slack.hub.released.notified());
            // Waiting from before it can be seen to hang, so that a release right then is not missed.
            released.as_mut().enable();
            slack.record(name, shown.clone(), false, Some("hangs".to_owned()));
            released.await;
            return Err(Dropped);
        }
        Some(Fault::DropBefore) => {
            slack.record(name, shown.clone(), false, Some("dropped".to_owned()));
            return Err(Dropped);
        }
        _ => {}
    }
    Ok(())
}

/// What a fault answers instead of the method.
fn instead(slack: &Slack, name: &str, shown: &Value, fault: Option<&Fault>) -> Option<Answer> {
    let (code, answer) = match fault? {
        Fault::RateLimit { retry_after } => {
            let body = json!({ "ok": false, "error": "ratelimited" });
            let mut answer = server::json(StatusCode::TOO_MANY_REQUESTS, &body);
            answer.headers_mut().insert(header::RETRY_AFTER, (*retry_after).into());
            ("ratelimited".to_owned(), answer)
        }
        Fault::ServerError => {
            let page = "<!DOCTYPE html><title>Server Error</title>";
            let answer = server::answer(StatusCode::SERVICE_UNAVAILABLE, "text/html", page);
            ("HTTP 503".to_owned(), answer)
        }
        Fault::Error(code) => {
            (code.clone(), server::json(StatusCode::OK, &json!({ "ok": false, "error": code })))
        }
        _ => return None,
    };
    slack.record(name, shown.clone(), false, Some(code));
    Some(answer)
}

/// Reads the arguments: the query, and a form or JSON in the body.
fn read(asked: &Asked) -> Result<Args, Failure> {
    let mut args = asked.query.clone();
    if asked.content_type.starts_with("application/json") {
        match serde_json::from_slice(&asked.body) {
            Ok(Value::Object(body)) => args.extend(body),
            Ok(_) => return Err("json_not_object".into()),
            Err(_) => return Err("invalid_json".into()),
        }
    } else if asked.content_type.starts_with("application/x-www-form-urlencoded") {
        args.extend(server::form(&asked.body));
    } else if !asked.body.is_empty() {
        return Err("invalid_post_type".into());
    }
    // The token is not an argument: it must not be remembered with them.
    if let Some(token) = args.remove("token").filter(|_| asked.bearer.is_none()) {
        args.insert(" token".to_owned(), token);
    }
    Ok(Args(args))
}

/// Checks the call and carries it out.
fn call(slack: &Slack, name: &str, asked: &Asked, args: &Args) -> Outcome {
    let Some(method) = methods::find(name) else {
        slack.note_unexpected(format!("{name}: no such method"));
        return Err("unknown_method".into());
    };
    let mut args = args.clone();
    let in_form = args.0.remove(" token");
    let token = asked.bearer.as_deref().or(in_form.as_ref().and_then(Value::as_str));
    let token = match token {
        None | Some("") => return Err("not_authed".into()),
        Some(ids::APP_TOKEN) => Token::App,
        Some(ids::BOT_TOKEN) => Token::Bot,
        Some(_) => return Err("invalid_auth".into()),
    };
    let wanted = if name == "apps.connections.open" { Token::App } else { Token::Bot };
    if token != wanted && name != "auth.test" {
        return Err("not_allowed_token_type".into());
    }
    allowed(slack, method)?;
    strict(slack, name, method, asked, &args)?;
    let outcome = (method.run)(slack, &args);
    if outcome.is_ok() {
        slack.touch();
    }
    outcome
}

fn allowed(slack: &Slack, method: &Method) -> Result<(), Failure> {
    let state = slack.state();
    if method.scopes.is_empty() || method.scopes.iter().any(|scope| state.scope(scope)) {
        return Ok(());
    }
    Err(Failure::missing(&method.scopes.join(",")))
}

/// Refuses arguments the method does not have, and JSON where Slack reads only forms.
fn strict(slack: &Slack, name: &str, method: &Method, asked: &Asked, args: &Args) -> Result<(), Failure> {
    let is_json = asked.post && asked.content_type.starts_with("application/json");
    if is_json && !method.json {
        slack.note_unexpected(format!("{name}: Slack reads a form here, not JSON"));
        let message = format!("[ERROR] {name} does not read JSON");
        return Err(Failure::with("invalid_arguments", vec![message]));
    }
    let unknown: Vec<_> = args.0.keys().filter(|key| !method.args.contains(&key.as_str())).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let messages: Vec<_> = unknown.iter().map(|key| format!("[ERROR] unknown argument: {key}")).collect();
    slack.note_unexpected(format!("{name}: {}", messages.join("; ")));
    Err(Failure::with("invalid_arguments", messages))
}

/// Puts an outcome into Slack's envelope.
fn respond(slack: &Slack, name: &str, outcome: Outcome) -> Answer {
    let provided = slack.state().scopes.join(",");
    let body = match outcome {
        Ok(mut value) => {
            value["ok"] = json!(true);
            value
        }
        Err(failure) => {
            let mut body = json!({ "ok": false, "error": failure.code });
            if !failure.messages.is_empty() {
                if failure.code == "invalid_blocks" {
                    body["errors"] = json!(failure.messages);
                }
                body["response_metadata"] = json!({ "messages": failure.messages });
            }
            if let Some(needed) = failure.needed {
                body["needed"] = json!(needed);
                body["provided"] = json!(provided);
            }
            body
        }
    };
    let mut answer = server::json(StatusCode::OK, &body);
    let headers = answer.headers_mut();
    if let Ok(value) = header::HeaderValue::from_str(&provided) {
        headers.insert("x-oauth-scopes", value);
    }
    let accepted = methods::find(name).map(|method| method.scopes.join(",")).unwrap_or_default();
    if let Ok(value) = header::HeaderValue::from_str(&accepted) {
        headers.insert("x-accepted-oauth-scopes", value);
    }
    answer
}

impl Slack {
    fn record(&self, method: &str, mut args: Value, ok: bool, error: Option<String>) {
        if let Some(args) = args.as_object_mut() {
            args.remove(" token");
        }
        let at = self.now();
        let mut state = self.state();
        if state.keep_calls {
            state.calls.push(Call { method: method.to_owned(), args, at, ok, error });
        }
    }
}

/// One page of a list, and the cursor of the next.
fn page<T>(
    items: Vec<T>,
    args: &Args,
    most: Option<usize>,
    otherwise: usize,
) -> Result<(Vec<T>, String), Failure> {
    let asked = args.number("limit").filter(|limit| *limit > 0).unwrap_or(otherwise);
    if asked > 1000 {
        return Err("invalid_limit".into());
    }
    let size = most.map_or(asked, |most| asked.min(most));
    // A cursor ends in `=`: a bot that does not encode it learns so here.
    let start = match args.text("cursor") {
        None => 0,
        Some(cursor) => cursor
            .strip_prefix("bmV4dDo")
            .and_then(|rest| rest.strip_suffix('='))
            .and_then(|number| number.parse::<usize>().ok())
            .ok_or(Failure::from("invalid_cursor"))?,
    };
    let total = items.len();
    let end = start.saturating_add(size);
    let rest: Vec<T> = items.into_iter().skip(start).take(size).collect();
    let next = if end < total { format!("bmV4dDo{end}=") } else { String::new() };
    Ok((rest, next))
}
