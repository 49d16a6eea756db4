//! What the wires of tests have in common: a listener that hands connections on, and bytes that go both ways.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Listens at `at`; every connection is carried by a task of its own. All of them end with what is returned.
pub(crate) async fn listen<C: Future<Output = ()> + Send + 'static>(
    at: SocketAddr,
    carry: impl Fn(TcpStream) -> C + Send + 'static,
) -> Result<JoinSet<()>> {
    let listener = TcpListener::bind(at).await.with_context(|| format!("cannot listen at {at}"))?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            connections.spawn(carry(client));
        }
    });
    Ok(tasks)
}

/// Dials `to` and copies both directions, each to its own end. Each piece goes on once `there`, or `back`, lets it.
pub(crate) async fn carry(
    client: TcpStream,
    to: SocketAddr,
    there: impl AsyncFnMut(&[u8]),
    back: impl AsyncFnMut(&[u8]),
) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(pump(from_client, to_server, there), pump(from_server, to_client, back));
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut let_on: impl AsyncFnMut(&[u8]),
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..length) else { break };
        let_on(bytes).await;
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
    // The other side learns of the end; what it still has to say goes on.
    let _ = to.shutdown().await;
}
