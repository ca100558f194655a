//! The HTTP around what is scraped.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::accept::Format;
use super::exposition::body;
use super::patient::Patient;
use crate::exporters::Source;

/// Connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 32;
/// How long a connection may rest between two scrapes, or take to say what it wants.
const REST: Duration = Duration::from_secs(120);
/// How long a scraper may take nothing of a response.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long responses on their way may take once the run is over.
const GOODBYE: Duration = Duration::from_secs(1);

const HOME: &str = "throng exports the figures of a run.\n\nGET /metrics for Prometheus.\n";

/// Serves scrapes until `end` says so, then lets those on their way arrive.
pub(crate) async fn serve(listener: StdListener, source: Source, end: watch::Receiver<bool>) {
    // It was set up to be asked without waiting, which is all that can fail here.
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut ended = end.clone();
    let mut connections = JoinSet::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = async { (place.await, listener.accept().await) };
        tokio::select! {
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let talk = talk(stream, source.clone(), end.clone());
                    connections.spawn(async move {
                        let _place = place;
                        talk.await;
                    });
                }
                // Out of descriptors, most likely: the robots have them.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            _ = ended.wait_for(|end| *end) => break,
            Some(_) = connections.join_next() => {}
        }
    }
    let _ = tokio::time::timeout(GOODBYE, connections.join_all()).await;
}

async fn talk(stream: TcpStream, source: Source, mut end: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let source = source.clone();
        async move { Ok::<_, Infallible>(answer(&request, &source).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(REST);
    let mut connection =
        pin!(builder.serve_connection(TokioIo::new(Patient::new(stream, PATIENCE)), service));
    // How a scraper leaves is its own affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = end.wait_for(|end| *end) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(request: &Request<Incoming>, source: &Source) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/metrics" => metrics(request, source).await,
        "/" => plain(StatusCode::OK, HOME),
        _ => plain(StatusCode::NOT_FOUND, "there is only /metrics\n"),
    }
}

async fn metrics(request: &Request<Incoming>, source: &Source) -> Response<Full<Bytes>> {
    let accept: Vec<&str> =
        request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let format = Format::of(&accept.join(","));
    let Some((reading, last)) = source.reading().await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "there is no run any more, or too many ask at once\n");
    };
    let mut response = Response::new(Full::new(Bytes::from(body(&reading, format))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    source.scraped(last);
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
