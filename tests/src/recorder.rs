//! A wire between two programs that keeps everything which goes over it: a TCP proxy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The proxy. Dropping it closes every connection.
#[derive(Debug)]
pub struct Recorder {
    connections: Arc<Mutex<Vec<Directions>>>,
    _tasks: JoinSet<()>,
}

/// What went over one connection: to the program that was dialled, and back. Each whole, so that nothing which was sent
/// in two pieces is missed.
type Directions = [Arc<Mutex<Vec<u8>>>; 2];

impl Recorder {
    /// Listens at `at` and hands every connection on to `to`.
    ///
    /// # Errors
    /// Somebody else listens there.
    pub async fn start(at: SocketAddr, to: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(at).await.with_context(|| format!("cannot listen at {at}"))?;
        let connections = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&connections);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut pairs = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let directions = Directions::default();
                held(&kept).push(directions.clone());
                pairs.spawn(carry(client, to, directions));
            }
        });
        Ok(Self { connections, _tasks: tasks })
    }

    /// How many connections there were.
    #[must_use]
    pub fn connections(&self) -> usize {
        held(&self.connections).len()
    }

    /// How many bytes went over them, both ways.
    #[must_use]
    pub fn bytes(&self) -> usize {
        held(&self.connections).iter().flatten().map(|direction| held(direction).len()).sum()
    }

    /// Whether a text went over one of them, whatever its case.
    #[must_use]
    pub fn saw(&self, text: &str) -> bool {
        let text = text.as_bytes();
        held(&self.connections).iter().flatten().any(|direction| {
            held(direction).windows(text.len()).any(|window| window.eq_ignore_ascii_case(text))
        })
    }
}

/// A lock whose holder panicked is a test that has failed already.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn carry(client: TcpStream, to: SocketAddr, [there, back]: Directions) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(pump(from_client, to_server, there), pump(from_server, to_client, back));
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    record: Arc<Mutex<Vec<u8>>>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..length) else { break };
        held(&record).extend_from_slice(bytes);
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
    // The other side learns of the end; what it still has to say goes on.
    let _ = to.shutdown().await;
}
