//! A wire between a client and the API server that a test can cut, as a network does: bytes stop, and nobody is told.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    Cut,
    Refusing,
}

/// A TCP proxy. Dropping it closes every connection.
#[derive(Debug)]
pub struct Wire {
    at: SocketAddr,
    state: Arc<watch::Sender<State>>,
    _tasks: JoinSet<()>,
}

impl Wire {
    /// Listens at `at` and hands every connection on to `to`.
    pub(super) async fn lay(at: SocketAddr, to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(at).await?;
        let (state, watched) = watch::channel(State::Whole);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(carry(client, to, watched.clone()));
            }
        });
        Ok(Self { at, state: Arc::new(state), _tasks: tasks })
    }

    /// Where a client dials.
    #[must_use]
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Stops every byte, both ways, of connections that are there and of new ones. None is closed: a partition.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Closes every connection, and every new one at once: a machine without its API server.
    pub fn refuse(&self) {
        self.state.send_replace(State::Refusing);
    }

    /// Lets bytes through again. What was held back on connections that are still there goes on, as TCP's would.
    pub fn heal(&self) {
        self.state.send_replace(State::Whole);
    }
}

async fn carry(client: TcpStream, to: SocketAddr, mut state: watch::Receiver<State>) {
    let mut closed = state.clone();
    tokio::select! {
        _ = closed.wait_for(|state| *state == State::Refusing) => {}
        () = async {
            if state.wait_for(|state| *state == State::Whole).await.is_err() {
                return;
            }
            let Ok(server) = TcpStream::connect(to).await else { return };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let (up, down) = (state.clone(), state);
            tokio::join!(pump(from_client, to_server, up), pump(from_server, to_client, down));
        } => {}
    }
}

/// Copies one direction to its end, held back while the wire is cut.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 || state.wait_for(|state| *state == State::Whole).await.is_err() {
            break;
        }
        let Some(bytes) = buffer.get(..length) else { break };
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
    // The other side learns of the end; what it still has to say goes on.
    let _ = to.shutdown().await;
}
