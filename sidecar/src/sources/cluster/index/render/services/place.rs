//! Where Envoys may dial for a Service that somebody wrote.

use std::net::{IpAddr, SocketAddr};

use zoneway_site::HostPort;

use super::super::super::digest::slice::At;

impl At {
    /// With a port, where other machines are.
    pub(super) fn address(&self, port: u16) -> Option<String> {
        match self {
            Self::Ip(ip) => (!is_own(*ip)).then(|| SocketAddr::new(*ip, port).to_string()),
            Self::Name(name) => named(name, port),
        }
    }
}

/// A place that somebody's object names, where other machines are.
pub(super) fn named(name: &str, port: u16) -> Option<String> {
    let place = HostPort::parse(&format!("{name}:{port}"), None).ok()?;
    let own = match place.ip() {
        Some(ip) => is_own(ip),
        None => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            // RFC 6761, 6.3; the others stand in the hosts file of many a Linux.
            name.rsplit('.').next() == Some("localhost")
                || ["localhost.localdomain", "ip6-localhost", "ip6-loopback"].contains(&name.as_str())
        }
    };
    (!own).then(|| place.to_string())
}

/// Whether it is the machine that asks, or only that one's own network: whoever may write a Service would reach what listens
/// there for that machine's own programs.
fn is_own(ip: IpAddr) -> bool {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    link_local || ip.is_loopback() || ip.is_unspecified()
}
