//! Health, for whoever watches the bot. Loopback unless told otherwise, and nothing secret.

use crate::readiness::Readiness;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// Listens on `address`; returns the address it got and the server to run.
///
/// # Errors
/// The address cannot be listened on.
pub async fn listen(
    address: SocketAddr,
    readiness: Readiness,
) -> std::io::Result<(SocketAddr, impl Future<Output = ()> + Send + 'static)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((address, serve(listener, readiness)))
}

async fn serve(listener: TcpListener, readiness: Readiness) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        // A failed accept is one caller's trouble (or too many open files, which passes).
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let readiness = readiness.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let response = answer(&request, &readiness);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(5))
                .serve_connection(TokioIo::new(stream), service);
            drop(connection.await);
        });
    }
}

fn answer(request: &Request<Incoming>, readiness: &Readiness) -> Response<Full<Bytes>> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => match readiness.ills() {
            ills if ills.is_empty() => (StatusCode::OK, "ok\n".to_owned()),
            ills => (StatusCode::SERVICE_UNAVAILABLE, lines(&ills)),
        },
        (&Method::GET, "/readyz") => match readiness.missing() {
            missing if missing.is_empty() => (StatusCode::OK, "ready\n".to_owned()),
            missing => (StatusCode::SERVICE_UNAVAILABLE, lines(&missing)),
        },
        (&Method::GET, _) => (StatusCode::NOT_FOUND, "try /healthz or /readyz\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let text = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, text);
    response
}

fn lines(reasons: &[String]) -> String {
    reasons.iter().fold(String::new(), |text, reason| text + "not ready: " + reason + "\n")
}
