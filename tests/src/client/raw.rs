//! Bytes as they are, for requests that no client library would send.

use std::fmt::Debug;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ANSWER_LIMIT;

/// Writes `bytes` to `at` and reads one answer of HTTP/1.1, to its end or that of the connection.
///
/// # Errors
/// Nobody listens, or neither comes in time.
pub async fn exchange(at: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>> {
    let exchange = async {
        let mut stream = TcpStream::connect(at).await?;
        stream.write_all(bytes).await?;
        let mut answer = Vec::new();
        // A reset after the answer is an end like any other. Envoy closes only a second after its last byte.
        while !is_whole(&answer) && stream.read_buf(&mut answer).await.unwrap_or(0) > 0 {}
        anyhow::Ok(answer)
    };
    tokio::time::timeout(ANSWER_LIMIT, exchange)
        .await
        .with_context(|| format!("no whole answer from {at}"))?
}

/// Whether the answer is there to its last byte, as its own headers count them.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    match length {
        Some(length) => body.len() >= length,
        None => head.contains("transfer-encoding: chunked") && body.ends_with("0\r\n\r\n"),
    }
}

/// Sends an HTTP/1.1 request of these lines (without their line ends), closing after it, and gives the status and the
/// whole answer as text.
///
/// # Errors
/// As [`exchange`], or what came back is no answer of HTTP/1.1.
pub async fn lines<L: AsRef<str> + Debug>(at: SocketAddr, lines: &[L]) -> Result<(u16, String)> {
    let text = lines.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("\r\n");
    let request = format!("{text}\r\nconnection: close\r\n\r\n");
    let answer = exchange(at, request.as_bytes()).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((status.with_context(|| format!("no answer of HTTP/1.1 to {lines:?}: {answer:?}"))?, answer))
}

/// GETs exactly this path of exactly this host.
///
/// # Errors
/// As [`lines`].
pub async fn get(at: SocketAddr, host: &str, path: &str) -> Result<(u16, String)> {
    lines(at, &[format!("GET {path} HTTP/1.1"), format!("host: {host}")]).await
}

/// The answer's lines without its `date`: what must be the same where two answers may not be told apart.
#[must_use]
pub fn without_date(answer: &str) -> String {
    answer
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("date:"))
        .collect::<Vec<_>>()
        .join("\n")
}
