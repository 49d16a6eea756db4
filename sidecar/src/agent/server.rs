//! What the sidecar serves: `/metrics`, `/envoy-metrics`, `/healthz`, `/readyz`, `/v1/status`. It only tells; nothing can be changed
//! here.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use super::config::Listen;
use super::report::{Serving, SidecarStatus};
use super::shared::Shared;

/// How many connections are served at a time; others wait.
const CONNECTIONS: usize = 32;
/// How long a client may take to ask.
const ASK_WITHIN: Duration = Duration::from_secs(10);

/// What public nodes count is behind this: `NODE/metrics` of its sidecar, `NODE/envoy-metrics` of its Envoy.
const PUBLIC_NODES: &str = "/public-nodes/";

/// What this sidecar's Envoy counts; where there are several, `/NODE` behind it is each one's.
const ENVOY_METRICS: &str = "/envoy-metrics";

/// The format in which an Envoy tells its figures.
const PROMETHEUS: &str = "text/plain; version=0.0.4";

/// A place that is listened on.
#[derive(Debug)]
pub(crate) enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket (0600), removed when this is dropped.
    Unix(UnixListener, #[expect(dead_code, reason = "held for what its drop does")] SocketFile),
}

/// The file of a Unix socket.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever listens here next removes it as well.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Listens. A socket that an earlier process left is replaced; one that somebody listens on is not.
///
/// # Errors
/// When the place is taken, or not to be had.
pub(crate) async fn listen(place: &Listen) -> io::Result<Listener> {
    match place {
        Listen::Tcp(address) => Ok(Listener::Tcp(TcpListener::bind(address).await?)),
        Listen::Unix(path) => {
            if tokio::net::UnixStream::connect(path).await.is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            remove_socket(path)?;
            let listener = UnixListener::bind(path)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
            Ok(Listener::Unix(listener, SocketFile(path.clone())))
        }
    }
}

fn remove_socket(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => std::fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is no socket")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Serves for ever. May be dropped at any time.
pub(crate) async fn serve(listener: Listener, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Never closed.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let shared = Arc::clone(&shared);
        let accepted = match &listener {
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(async move {
                    connection(stream, shared).await;
                    drop(permit);
                });
            }),
            Listener::Unix(listener, _) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(async move {
                    connection(stream, shared).await;
                    drop(permit);
                });
            }),
        };
        if let Err(error) = accepted {
            // Out of descriptors, most likely: others have to close first.
            tracing::warn!("cannot accept a connection: {error}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, shared: Arc<Shared>) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(&request, &shared).await) }
    });
    // A client that goes away is no news.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ASK_WITHIN)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

async fn respond(request: &Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let of = request.uri().path().strip_prefix(ENVOY_METRICS).map(|rest| rest.strip_prefix('/').ok_or(rest));
    match (request.method(), of) {
        (&Method::GET | &Method::HEAD, Some(Ok(node))) => envoy_metrics(shared, Some(node)).await,
        (&Method::GET | &Method::HEAD, Some(Err(""))) => envoy_metrics(shared, None).await,
        _ => answer(request, shared),
    }
}

/// What a node's Envoy counts, or the only one's.
pub(crate) async fn envoy_metrics(shared: &Shared, node: Option<&str>) -> Response<Full<Bytes>> {
    match shared.envoys.of(node).await {
        Ok(answer) => page(StatusCode::OK, PROMETHEUS, answer.body),
        Err(error) => text(error.status(), format!("{error}\n")),
    }
}

/// The answer to what anybody may ask who got this far, of what is known here.
pub(crate) fn answer(request: &Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n");
    }
    match request.uri().path() {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" => {
            let waits = not_ready(&shared.status());
            if waits.is_empty() {
                text(StatusCode::OK, "ok\n")
            } else {
                text(StatusCode::SERVICE_UNAVAILABLE, waits.join("\n") + "\n")
            }
        }
        "/v1/status" => match serde_json::to_vec(&shared.status()) {
            Ok(json) => page(StatusCode::OK, "application/json", json),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        },
        "/metrics" => match shared.metrics.text(&shared.status()) {
            Ok(metrics) => {
                page(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics)
            }
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        },
        path if path.starts_with(PUBLIC_NODES) => {
            let of = path.strip_prefix(PUBLIC_NODES).and_then(|rest| rest.split_once('/'));
            match of.and_then(|(node, name)| shared.board.outside_page(node, name)) {
                Some(metrics) => page(StatusCode::OK, PROMETHEUS, metrics),
                None => text(StatusCode::NOT_FOUND, "no such public node has told anything yet\n"),
            }
        }
        _ => text(
            StatusCode::NOT_FOUND,
            "there is /metrics, /envoy-metrics, /healthz, /readyz and /v1/status\n",
        ),
    }
}

/// What is waited for: the source, and every Envoy that has not adopted what is wanted.
fn not_ready(status: &SidecarStatus) -> Vec<String> {
    let source =
        (status.source.serving == Serving::Nothing).then(|| format!("{} was never read", status.source.file));
    let nodes = status.nodes.iter().filter(|node| node.state != "in_sync");
    source.into_iter().chain(nodes.map(|node| format!("{}: {}", node.node, node.message))).collect()
}

/// A page of text.
pub(crate) fn text(status: StatusCode, body: impl Into<String>) -> Response<Full<Bytes>> {
    page(status, "text/plain; charset=utf-8", body.into())
}

/// A page.
pub(crate) fn page(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
