//! The web page where people act, and the JSON behind it.
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::{StatusCode, header};
use serde_json::{Value, json};

use super::acting::{Refused, Reply};
use super::server::{self, Answer, Asked};
use super::{Slack, ids};

mod state;

const HTML: &str = include_str!("page.html");
const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");
/// Whatever a message says, the page runs only its own script and loads nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// How long the page's question for news is held.
const HELD: Duration = Duration::from_secs(10);

/// A button of the embedder, such as "skip 10 minutes".
#[derive(Clone, Debug)]
pub struct Control {
    /// Given back when it is pressed.
    pub id: String,
    /// What is on it.
    pub label: String,
}

type Side = Arc<dyn Fn() -> Value + Send + Sync>;
type Press = Arc<dyn Fn(&str) -> BoxFuture<'static, String> + Send + Sync>;

#[derive(Default)]
pub(super) struct Slots {
    pub(super) side: Option<Side>,
    pub(super) notice: String,
    pub(super) controls: Vec<Control>,
    pub(super) press: Option<Press>,
}

impl Slack {
    /// What the side panel shows: `{title, sections: [{heading, lines: […]}]}`.
    pub fn set_side_panel(&self, side: Side) {
        super::lock(&self.hub.page).side = Some(side);
    }

    /// A hint at the top of the page; empty hides it.
    pub fn set_notice(&self, text: &str) {
        text.clone_into(&mut super::lock(&self.hub.page).notice);
        self.touch();
    }

    /// Buttons on the page, and what happens when one is pressed; the text it gives is shown.
    pub fn set_controls(&self, controls: Vec<Control>, press: Press) {
        let mut slots = super::lock(&self.hub.page);
        slots.controls = controls;
        slots.press = Some(press);
    }
}

pub(super) async fn handle(slack: &Slack, path: &str, asked: Asked) -> Answer {
    if asked.post {
        // A page from elsewhere cannot send JSON here without asking first, and is never answered.
        if !asked.content_type.starts_with("application/json") {
            return server::json(StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!({ "error": "send JSON" }));
        }
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        return act(slack, path, body).await;
    }
    match path {
        "/" => server::answer(StatusCode::OK, "text/html; charset=utf-8", HTML),
        "/page.css" => server::answer(StatusCode::OK, "text/css; charset=utf-8", CSS),
        "/page.js" => server::answer(StatusCode::OK, "text/javascript; charset=utf-8", JS),
        "/page/state" => {
            let text = |key: &str| asked.query.get(key).and_then(Value::as_str).unwrap_or_default();
            news(slack, text("since").parse().ok()).await;
            server::json(StatusCode::OK, &slack.page_state(text("user")))
        }
        "/page/side" => {
            let side = super::lock(&slack.hub.page).side.clone();
            let panel = side.map_or(Value::Null, |side| side());
            let mut answer = server::json(StatusCode::OK, &panel);
            // The page shows the workspace's clock, which may be a manual one.
            answer.headers_mut().insert("x-sandbox-now", slack.now().into());
            answer
        }
        "/favicon.ico" => server::answer(StatusCode::NO_CONTENT, "image/x-icon", ""),
        _ => server::json(StatusCode::NOT_FOUND, &json!({ "error": "there is nothing here" })),
    }
}

/// Adds what a browser needs to be told.
pub(super) fn guarded(mut answer: Answer) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer"));
    answer
}

/// Waits until there is something newer than what the page has, but not for long.
async fn news(slack: &Slack, since: Option<u64>) {
    let mut version = slack.hub.version.subscribe();
    let newer = version.wait_for(|version| Some(*version) != since);
    // Nothing new is an answer, too.
    drop(tokio::time::timeout(HELD, newer).await);
}

/// Does what a person did on the page.
async fn act(slack: &Slack, path: &str, mut body: Value) -> Answer {
    let values = body["values"].take();
    let entry = body["entry"].take();
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    let (user, view, action, value) = (text("user"), text("view"), text("action"), text("value"));
    let outcome = match path.strip_prefix("/page/").unwrap_or_default() {
        "send" => send(slack, user, text("channel"), text("text")).await,
        "shortcut" => Ok(slack.shortcut(user, text("id")).await),
        "click" => slack.click(user, text("channel"), text("ts"), action, value).await,
        "type" => {
            let typed = slack.type_in_message(user, text("channel"), text("ts"), action, value);
            typed.map(|()| Reply { acked: true, ..Reply::default() })
        }
        "submit" => slack.submit(user, view, values).await,
        "fill" => slack.fill(user, view, values).await.map(|()| Reply::default()),
        "choose" => slack.choose(user, view, action, entry).await,
        "press" => slack.click_in_view(user, view, action, value).await,
        "options" => slack.options(user, view, action, text("query")).await,
        "close" => slack.close(user, view).await,
        "control" => {
            let press = super::lock(&slack.hub.page).press.clone();
            let said = match press {
                Some(press) => press(text("id")).await,
                None => String::new(),
            };
            return server::json(StatusCode::OK, &json!({ "ok": true, "said": said }));
        }
        _ => {
            return server::json(StatusCode::NOT_FOUND, &json!({ "error": "there is nothing here" }));
        }
    };
    let answer = match outcome {
        Ok(reply) => json!({ "ok": true, "acked": reply.acked, "payload": reply.payload }),
        Err(refused) => json!({ "ok": false, "error": refused.to_string(), "why": refused.why }),
    };
    server::json(StatusCode::OK, &answer)
}

/// What is typed into the composer: a command, or words for the others.
async fn send(slack: &Slack, user: &str, channel: &str, text: &str) -> Result<Reply, Refused> {
    let text = text.trim();
    if text.starts_with('/') {
        let (command, rest) = text.split_once(' ').unwrap_or((text, ""));
        return slack.command(user, channel, command, rest.trim()).await;
    }
    let inside = slack.channel(channel).is_some_and(|c| c.members.iter().any(|member| member == user));
    if text.is_empty() || !inside {
        return Err(Refused::because("not a member of the channel"));
    }
    slack.say(user, channel, text);
    Ok(Reply { acked: true, ..Reply::default() })
}

/// The bot's own id, which the page marks as an app.
fn is_app(id: &str) -> bool {
    id == ids::BOT_USER
}
