//! The HTTP side: one listener, one task per connection, keep-alive.
use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::reply::{Failure, Reply, render};
use super::script::Step;
use super::wire::Request;
use super::{Outcome, Shared, dispatch, stale};

/// Serves until the task is aborted.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: others have to close theirs first.
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        // While the world is cut off, a connection is closed the moment it is opened.
        if !shared.world().script.cut {
            tokio::spawn(connection(stream, Arc::clone(&shared)));
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Answers are small; waiting to fill a packet would only cost time.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error here is a client that went away, or one we have dropped on purpose.
    served.await.ok();
}

/// The connection ends without an answer.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

async fn answer(
    request: HttpRequest<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Dropped> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let parsed = Request::parse(&head.headers, &body);
    let (step, latency) = {
        let mut world = shared.world();
        if world.script.cut {
            return Err(Dropped);
        }
        let step = match &parsed {
            Ok(request) => world.script.next(request),
            Err(_) => Step::Proceed,
        };
        (step, world.settings.latency_ms)
    };
    if latency > 0 {
        sleep(Duration::from_millis(latency)).await;
    }
    match parsed {
        Ok(request) => take(&request, step, &shared).await,
        Err(reason) => {
            // All of AWS is at `/`. Whoever asks for something else takes this port for that of a
            // server which had it before, and is no client of ours.
            if head.uri.path() == "/" {
                shared.world().log.unexpected.push(reason.clone());
            }
            let failure = Failure::new(400, "UnknownOperationException", &reason);
            Ok(render(None, "", "unparsed", &Err(failure)))
        }
    }
}

async fn take(request: &Request, step: Step, shared: &Shared) -> Result<Response<Full<Bytes>>, Dropped> {
    let how = match step {
        Step::Wait(ms) => {
            sleep(Duration::from_millis(ms)).await;
            How::default()
        }
        Step::Refuse(failure) => {
            let mut world = shared.world();
            dispatch::record(&mut world, request, Outcome::Failed(failure.code.clone()));
            let id = world.uuid();
            return Ok(render(Some(request.service), &request.operation, &id, &Err(failure)));
        }
        Step::Drop => {
            dispatch::record(&mut shared.world(), request, Outcome::Dropped);
            return Err(Dropped);
        }
        Step::Hang => {
            dispatch::record(&mut shared.world(), request, Outcome::Hung);
            return pending().await;
        }
        Step::Proceed => How::default(),
        Step::LoseReply => How { lose_reply: true, ..How::default() },
        Step::AsyncFail(reason) => How { async_fail: Some(reason), ..How::default() },
        Step::Stale => How { stale: true, ..How::default() },
        Step::Thin => How { change: Some(Reply::thinned), ..How::default() },
        Step::Empty => How { change: Some(Reply::emptied), ..How::default() },
    };
    carry_out(request, how, shared)
}

/// How a request is carried out that gets through.
#[derive(Debug, Default)]
struct How {
    async_fail: Option<String>,
    lose_reply: bool,
    stale: bool,
    /// What is wrong with the answer.
    change: Option<fn(Reply) -> Reply>,
}

fn carry_out(request: &Request, how: How, shared: &Shared) -> Result<Response<Full<Bytes>>, Dropped> {
    let mut world = shared.world();
    // A cut that came while this call was waiting takes it along, before its effect.
    if world.script.cut && !how.lose_reply {
        return Err(Dropped);
    }
    let result = if how.stale && !dispatch::is_write(request) {
        stale::execute(&mut world, request)
    } else {
        dispatch::execute(&mut world, request, how.async_fail)
    };
    let result = match how.change {
        Some(change) => result.map(change),
        None => result,
    };
    let code = result.as_ref().err().map(|failure| failure.code.clone());
    let outcome = match code {
        code if how.lose_reply => Outcome::Lost(code),
        Some(code) => Outcome::Failed(code),
        None => Outcome::Done,
    };
    dispatch::record(&mut world, request, outcome);
    let id = world.uuid();
    drop(world);
    if how.lose_reply {
        return Err(Dropped);
    }
    Ok(render(Some(request.service), &request.operation, &id, &result))
}
