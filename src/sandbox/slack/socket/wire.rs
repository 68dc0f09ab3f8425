//! One connection: its upgrade, what it says and hears, and its end.
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::upgrade::Upgraded;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{Out, PING_EVERY};
use crate::sandbox::slack::server::{self, Answer};
use crate::sandbox::slack::{Change, Slack, ids};

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Answers the request for a socket.
pub(in crate::sandbox::slack) fn upgrade(slack: Slack, mut request: Request<Incoming>) -> Answer {
    let refuse = |status, why: &'static str| server::answer(status, "text/plain", why);
    let query = server::form(request.uri().query().unwrap_or_default().as_bytes());
    let ticket = query.get("ticket").and_then(Value::as_str).unwrap_or_default();
    if slack.cut_happened() || slack.wires().refuse {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "refused");
    }
    if !slack.wires().tickets.remove(ticket) {
        return refuse(StatusCode::UNAUTHORIZED, "the ticket is unknown or used");
    }
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        return refuse(StatusCode::BAD_REQUEST, "not a websocket");
    };
    let accept = derive_accept_key(key.as_bytes());
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let io = TokioIo::new(upgraded);
        serve(slack, WebSocketStream::from_raw_socket(io, Role::Server, None).await).await;
    });
    let switched = hyper::Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .body(Full::new(Bytes::new()));
    switched.unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "no answer could be made"))
}

async fn serve(slack: Slack, socket: Socket) {
    let (id, count, mut rx) = slack.join();
    let (mut sink, mut stream) = socket.split();
    let hello = json!({
        "type": "hello",
        "num_connections": count,
        "debug_info": {
            "host": "applink-sandbox-1", "build_number": 1, "approximate_connection_time": 18060,
        },
        "connection_info": { "app_id": ids::APP },
    });
    if sink.send(Frame::text(hello.to_string())).await.is_ok() {
        slack.tell(|| Change::Hello);
        talk(&slack, &mut sink, &mut stream, &mut rx).await;
    }
    slack.leave(id);
}

/// Speaks and listens until one side has had enough.
async fn talk(
    slack: &Slack,
    sink: &mut SplitSink<Socket, Frame>,
    stream: &mut SplitStream<Socket>,
    rx: &mut mpsc::UnboundedReceiver<Out>,
) {
    let mut stop = slack.hub.stop.clone();
    let mut ping = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let (mut mute, mut deaf) = (false, false);
    loop {
        tokio::select! {
            biased;
            _ = stop.changed() => return,
            out = rx.recv() => match out {
                Some(Out::Text(_)) if mute => {}
                Some(Out::Text(text)) => if sink.send(Frame::text(text)).await.is_err() { return },
                Some(Out::Silence { pongs }) => (mute, deaf) = (true, !pongs),
                Some(Out::Speak) => (mute, deaf) = (false, false),
                Some(Out::Close) => {
                    // The other side may be gone already, and then it is closed.
                    drop(sink.send(Frame::Close(None)).await);
                }
                Some(Out::Abort) | None => return,
            },
            // Not reading is what makes a silent connection not even answer pings.
            frame = stream.next(), if !deaf => match frame {
                Some(Ok(Frame::Text(text))) => slack.receive(text.as_str()),
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            _ = ping.tick(), if !mute => {
                let beat = Bytes::from_static(b"Ping from applink-sandbox-1");
                if sink.send(Frame::Ping(beat)).await.is_err() { return }
            }
        }
    }
}
