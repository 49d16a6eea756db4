//! A wire between a client and the API server that a test can cut, as a network does: bytes stop, and nobody is told.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::relay;

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
        let (state, watched) = watch::channel(State::Whole);
        let tasks = relay::listen(at, move |client| carry(client, to, watched.clone())).await?;
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
            until_whole(&mut state).await;
            let (mut up, mut down) = (state.clone(), state);
            let up = async move |_: &[u8]| until_whole(&mut up).await;
            let down = async move |_: &[u8]| until_whole(&mut down).await;
            relay::carry(client, to, up, down).await;
        } => {}
    }
}

/// Returns when bytes may go on. A wire that is gone has ended whoever waits.
async fn until_whole(state: &mut watch::Receiver<State>) {
    let _ = state.wait_for(|state| *state == State::Whole).await;
}
