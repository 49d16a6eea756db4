//! HTTP/1.1 over a Unix socket: Envoy's admin, and the table endpoint.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::ANSWER_LIMIT;

/// Sends one request and gives the status and the body.
///
/// # Errors
/// Nobody listens there, or there is no whole answer in time.
pub async fn send(socket: &Path, method: &str, path: &str, body: impl Into<Bytes>) -> Result<(u16, Bytes)> {
    let request =
        Request::builder().method(method).uri(path).header("host", "zoneway").body(Full::new(body.into()))?;
    let exchange = async {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(UnixStream::connect(socket).await?)).await?;
        tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    let answer = tokio::time::timeout(ANSWER_LIMIT, exchange).await;
    let answer = answer.context("no answer in time").and_then(|answer| answer);
    answer.with_context(|| format!("{method} {path} at {}", socket.display()))
}

/// GETs a JSON document.
///
/// # Errors
/// As [`send`], or the answer is not 200 with JSON.
pub async fn json(socket: &Path, path: &str) -> Result<Value> {
    let (status, body) = send(socket, "GET", path, "").await?;
    ensure!(status == 200, "GET {path} was answered with {status}: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).with_context(|| format!("GET {path} answered what is no JSON"))
}
