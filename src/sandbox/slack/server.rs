//! One port for everything: `/api`, `/hooks`, the socket at `/link`, and the page.
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::net::{TcpListener, TcpStream};

use super::{Slack, api, page, socket};

pub(super) type Answer = Response<Full<Bytes>>;

/// The connection closes without an answer.
#[derive(Debug)]
pub(super) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the sandbox dropped the connection on purpose")
    }
}

impl std::error::Error for Dropped {}

pub(super) async fn accept(slack: Slack, listener: TcpListener) {
    let mut stop = slack.hub.stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(slack.clone(), stream));
            }
            // Out of file handles, most likely: waiting is all that helps.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn connection(slack: Slack, stream: TcpStream) {
    let mut stop = slack.hub.stop.clone();
    // A fake on loopback that is not allowed to set an option still works.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| {
        let slack = slack.clone();
        async move { route(slack, request).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        _ = served => {}
        _ = stop.changed() => {}
    }
}

async fn route(slack: Slack, request: Request<Incoming>) -> Result<Answer, Dropped> {
    let path = request.uri().path().to_owned();
    if path.trim_end_matches('/') == "/link" {
        return Ok(socket::upgrade(slack, request));
    }
    let request = Asked::read(request).await?;
    if let Some(method) = path.strip_prefix("/api/") {
        return api::handle(&slack, method, request).await;
    }
    if let Some(id) = path.strip_prefix("/hooks/") {
        return api::hook(&slack, id, request).await;
    }
    Ok(page::guarded(page::handle(&slack, &path, request).await))
}

/// A request with its body read.
pub(super) struct Asked {
    pub(super) post: bool,
    pub(super) query: Map<String, Value>,
    pub(super) bearer: Option<String>,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

impl Asked {
    async fn read(request: Request<Incoming>) -> Result<Asked, Dropped> {
        let (parts, body) = request.into_parts();
        let text = |name: header::HeaderName| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let bearer = text(header::AUTHORIZATION)
            .and_then(|value| value.strip_prefix("Bearer ").map(|token| token.trim().to_owned()));
        Ok(Asked {
            post: parts.method == hyper::Method::POST,
            query: form(parts.uri.query().unwrap_or_default().as_bytes()),
            bearer,
            content_type: text(header::CONTENT_TYPE).unwrap_or_default(),
            body: body.collect().await.map_err(|_| Dropped)?.to_bytes(),
        })
    }
}

/// Reads `a=b&c=d`.
pub(super) fn form(bytes: &[u8]) -> Map<String, Value> {
    let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let key = decode(halves.next().unwrap_or_default());
            (key, Value::String(decode(halves.next().unwrap_or_default())))
        })
        .collect()
}

fn decode(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let hex = std::str::from_utf8(&digits).ok();
                match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    Some(byte) => {
                        out.push(byte);
                        rest = after;
                    }
                    None => out.push(b'%'),
                }
            }
            (byte, _) => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An answer with a body.
pub(super) fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    answer
}

/// An answer of JSON.
pub(super) fn json(status: StatusCode, value: &Value) -> Answer {
    answer(status, "application/json; charset=utf-8", value.to_string())
}
