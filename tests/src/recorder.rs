//! A wire between two programs that keeps everything which goes over it: a TCP proxy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::relay;

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
        let connections = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&connections);
        let carry = move |client| {
            let directions = Directions::default();
            held(&kept).push(directions.clone());
            let [there, back] = directions;
            let there = async move |bytes: &[u8]| held(&there).extend_from_slice(bytes);
            let back = async move |bytes: &[u8]| held(&back).extend_from_slice(bytes);
            relay::carry(client, to, there, back)
        };
        let tasks = relay::listen(at, carry).await?;
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
