//! The workspace driven as a bot would, over its real sockets.
#![expect(
    clippy::needless_pass_by_value,
    clippy::similar_names,
    reason = "a test tells its story in one go, and builds JSON from JSON"
)]
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;

use super::{Person, Slack};

mod api;
mod faulty;
mod limit;
mod modal;
mod page;
mod text;
mod wire;

/// A workspace, its clock, and the most simple bot.
struct World {
    slack: Slack,
    clock: Arc<AtomicI64>,
    ana: String,
    bo: String,
    general: String,
}

impl World {
    async fn new() -> World {
        let clock = Arc::new(AtomicI64::new(1_700_000_000_000));
        let hands = Arc::clone(&clock);
        let slack = Slack::start(Arc::new(move || hands.load(Ordering::Relaxed))).await.unwrap();
        slack.ack_window(Duration::from_millis(700));
        let ana = slack.add_person(Person { tz: "Europe/Berlin".to_owned(), ..Person::new("ana") });
        let bo = slack.add_person(Person::new("bo"));
        let general = slack.add_channel("general", &[&ana, &bo], false, true);
        World { slack, clock, ana, bo, general }
    }

    fn pass(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }

    async fn call(&self, method: &str, args: Value) -> Value {
        let token =
            if method == "apps.connections.open" { self.slack.app_token() } else { self.slack.bot_token() };
        call(&self.slack, method, &token, "application/json", args.to_string()).await.unwrap().1
    }

    /// A call of a method that reads only forms.
    async fn ask(&self, method: &str, form: &str) -> Value {
        let kind = "application/x-www-form-urlencoded";
        call(&self.slack, method, &self.slack.bot_token(), kind, form.to_owned()).await.unwrap().1
    }

    async fn post_text(&self, channel: &str, text: &str) -> String {
        let answer = self.call("chat.postMessage", json!({ "channel": channel, "text": text })).await;
        assert_eq!(answer["ok"], true, "{answer}");
        answer["ts"].as_str().unwrap().to_owned()
    }

    async fn socket(&self) -> Socket {
        let answer = self.call("apps.connections.open", json!({})).await;
        let mut socket = Socket::open(answer["url"].as_str().unwrap()).await.unwrap();
        assert_eq!(socket.next().await["type"], "hello");
        socket
    }

    /// A bot that answers every envelope with what `answer` makes of it.
    async fn bot(&self, answer: impl Fn(&Value) -> Value + Send + 'static) {
        let mut socket = self.socket().await;
        tokio::spawn(async move {
            while let Some(frame) = socket.maybe().await {
                let payload = answer(&frame);
                socket.ack(&frame, payload).await;
            }
        });
    }
}

async fn call(
    slack: &Slack,
    method: &str,
    token: &str,
    kind: &str,
    body: String,
) -> Result<(hyper::Response<()>, Value), String> {
    post(&format!("{}/{method}", slack.api_url()), token, kind, body).await
}

async fn post(
    url: &str,
    token: &str,
    kind: &str,
    body: String,
) -> Result<(hyper::Response<()>, Value), String> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = hyper::Request::post(url)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", kind)
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let response = client.request(request).await.map_err(|error| error.to_string())?;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes).into_owned()));
    Ok((hyper::Response::from_parts(parts, ()), value))
}

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn open(url: &str) -> Result<Socket, String> {
        let host = url.trim_start_matches("ws://").split('/').next().unwrap().to_owned();
        let stream = TcpStream::connect(host).await.map_err(|error| error.to_string())?;
        let opened = tokio_tungstenite::client_async(url, stream).await;
        opened.map(|(socket, _)| Socket(socket)).map_err(|error| error.to_string())
    }

    async fn maybe(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await? {
                Ok(Frame::Text(text)) => return Some(serde_json::from_str(text.as_str()).unwrap()),
                Ok(Frame::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn next(&mut self) -> Value {
        tokio::time::timeout(Duration::from_secs(5), self.maybe()).await.unwrap().unwrap()
    }

    async fn ack(&mut self, frame: &Value, payload: Value) {
        let mut ack = json!({ "envelope_id": frame["envelope_id"] });
        if !payload.is_null() {
            ack["payload"] = payload;
        }
        self.0.send(Frame::text(ack.to_string())).await.unwrap();
    }
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

fn option(text: &str, value: &str) -> Value {
    json!({ "text": plain(text), "value": value })
}

fn input(id: &str, label: &str, element: Value) -> Value {
    json!({ "type": "input", "block_id": id, "label": plain(label), "element": element })
}

fn modal(blocks: Value) -> Value {
    json!({ "type": "modal", "title": plain("Ask"), "submit": plain("Send"), "blocks": blocks })
}

fn buttons() -> Value {
    json!([
        { "type": "section", "text": { "type": "mrkdwn", "text": "*Ana* asks" } },
        { "type": "actions", "block_id": "decide", "elements": [
            { "type": "button", "action_id": "approve", "value": "7", "style": "primary", "text": plain("Approve") },
            { "type": "button", "action_id": "deny", "value": "7", "style": "danger", "text": plain("Deny") },
        ] },
    ])
}
