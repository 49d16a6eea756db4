//! Addresses to listen on: an IPv4 loopback address for each node and a port that the kernel says is free.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Hands out the addresses of one household.
///
/// Two addresses of the same household differ in their last octet, two households of one process in their third, and
/// two processes (most of the time) in their second: a port that is free when it is looked for stays free, because
/// nobody else asks for a port of that address.
#[derive(Debug)]
pub struct Addresses {
    octets: (u8, u8),
    next: u8,
}

impl Default for Addresses {
    fn default() -> Self {
        static HOUSEHOLDS: AtomicU32 = AtomicU32::new(1);
        let process = u8::try_from(1 + std::process::id() % 250).unwrap_or(1);
        let household = u8::try_from(HOUSEHOLDS.fetch_add(1, Ordering::Relaxed) % 250).unwrap_or(1);
        Self { octets: (process, household), next: 1 }
    }
}

impl Addresses {
    /// The next loopback address: one for each node.
    pub fn node(&mut self) -> Ipv4Addr {
        let address = Ipv4Addr::new(127, self.octets.0, self.octets.1, self.next);
        self.next = self.next.saturating_add(1);
        address
    }
}

/// A port of `address` that nobody listens on, and that was not given before: what got it may not listen yet.
///
/// # Errors
/// The kernel has none left.
pub fn free(address: Ipv4Addr) -> io::Result<SocketAddr> {
    static GIVEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());
    loop {
        let free = TcpListener::bind((address, 0))?.local_addr()?;
        if GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(free) {
            return Ok(free);
        }
    }
}

/// An address of this machine that is not loopback: the API server takes no other for an endpoint.
///
/// # Errors
/// The machine has none.
pub fn own() -> io::Result<Ipv4Addr> {
    // Nothing is sent: the kernel says which address it would send from.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
    match socket.local_addr()? {
        SocketAddr::V4(own) if !own.ip().is_loopback() => Ok(*own.ip()),
        other => {
            Err(io::Error::other(format!("{other} is this machine's only address: give it another one")))
        }
    }
}
