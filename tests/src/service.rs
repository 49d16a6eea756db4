//! A small service for tests and for the demonstration: it says which node served a request, and every header that
//! reached it. HTTP/1.1 and HTTP/2 without TLS on one port.
//!
//! | request | answer |
//! | --- | --- |
//! | a WebSocket upgrade | every message comes back |
//! | `content-type: application/grpc` | every message comes back, as it arrives; status 0 in the trailers |
//! | `/echo` | the body comes back, as it arrives |
//! | `/stream?chunks=N&pause_ms=M` | `N` numbered lines, with `M` ms before each |
//! | anything else | a [`Report`] as JSON |
//!
//! Each answer has `x-served-by: NODE` and `x-service: NAME`. A service that is told to forward hands every request
//! on instead, headers and all, as a reverse proxy would: it is there to make loops.

mod forward;
mod reply;
mod websocket;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use reply::Body;

/// Who answers, and how.
#[derive(Clone, Debug)]
pub struct Service {
    /// The service's name.
    pub name: String,
    /// The node that it stands on.
    pub node: String,
    /// Where every request is handed on to instead of being answered.
    pub forward: Option<SocketAddr>,
}

/// What a service says of a request that reached it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Report {
    /// The service's name.
    pub service: String,
    /// The node that it stands on.
    pub node: String,
    /// The request's method.
    pub method: String,
    /// The request's path and query.
    pub path: String,
    /// The host that was asked for: `:authority` or `Host`.
    pub host: String,
    /// The version in which the request arrived: `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Every header line, in order of its name.
    pub headers: Vec<(String, String)>,
    /// The length of the request's body.
    pub body_bytes: usize,
}

impl Report {
    /// The values of every line of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(line, _)| line.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.as_str()).collect()
    }
}

/// A service that answers. Dropping it closes its listener and every connection.
#[derive(Debug)]
pub struct Running {
    task: JoinHandle<()>,
    requests: Arc<AtomicU64>,
}

impl Running {
    /// How many requests have reached it.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    /// Answers on `address` until the result is dropped.
    ///
    /// # Errors
    /// Nobody may listen there.
    pub async fn start(self, address: SocketAddr) -> Result<Running> {
        let listener = TcpListener::bind(address).await;
        Ok(self.answer_on(listener.with_context(|| format!("cannot listen on {address}"))?))
    }

    /// Answers what comes to a listener until the result is dropped.
    #[must_use]
    pub fn answer_on(self, listener: TcpListener) -> Running {
        let requests = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(accept(listener, Arc::new(self), Arc::clone(&requests)));
        Running { task, requests }
    }

    /// Answers on `address` for ever.
    ///
    /// # Errors
    /// Nobody may listen there.
    pub async fn run(self, address: SocketAddr) -> Result<()> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("{} cannot listen on {address}", self.name))?;
        accept(listener, Arc::new(self), Arc::default()).await;
        Ok(())
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let mut response = match self.forward {
            Some(next) => forward::forward(request, next).await,
            None if websocket::wanted(&request) => websocket::accept(request),
            None => reply::reply(self, request).await,
        };
        for (name, value) in [("x-served-by", &self.node), ("x-service", &self.name)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Ends only with its task. The connections are in a set that goes with it.
async fn accept(listener: TcpListener, service: Arc<Service>, requests: Arc<AtomicU64>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        connections.spawn(connection(stream, Arc::clone(&service), Arc::clone(&requests)));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, service: Arc<Service>, requests: Arc<AtomicU64>) {
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        requests.fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    // A client that goes away in the middle is its own business.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection_with_upgrades(TokioIo::new(stream), answer)
        .await;
}
