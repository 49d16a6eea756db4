//! What Envoy's admin answers at `/clusters?format=json`, as much of it as is read: the rest is some forty figures a member.

use std::borrow::Cow;
use std::net::SocketAddr;

use serde::Deserialize;

/// Every cluster of an Envoy.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing<'a> {
    /// The clusters.
    #[serde(borrow, default)]
    pub(crate) cluster_statuses: Vec<Cluster<'a>>,
}

/// A cluster.
#[derive(Debug, Deserialize)]
pub(crate) struct Cluster<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub(crate) name: Cow<'a, str>,
    /// Its members.
    #[serde(default)]
    pub(crate) host_statuses: Vec<Member>,
}

/// A member of a cluster.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    #[serde(default)]
    address: Address,
    /// How its probes went.
    #[serde(default)]
    pub(crate) health_status: Probed,
}

/// One that is a socket of IP has an address; a pipe, say, has none.
#[derive(Debug, Default, Deserialize)]
struct Address {
    #[serde(default)]
    socket_address: Option<Socket>,
}

#[derive(Debug, Deserialize)]
struct Socket {
    #[serde(default)]
    address: Box<str>,
    #[serde(default)]
    port_value: u32,
}

/// How a member's probes went.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Probed {
    /// It has never been probed.
    #[serde(default)]
    pub(crate) pending_active_hc: bool,
    /// The last ones failed.
    #[serde(default)]
    pub(crate) failed_active_health_check: bool,
}

impl Member {
    /// Where it is; `None` where that is no address of IP.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        let socket = self.address.socket_address.as_ref()?;
        Some(SocketAddr::new(socket.address.parse().ok()?, socket.port_value.try_into().ok()?))
    }
}
