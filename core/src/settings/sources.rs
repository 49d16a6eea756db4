//! Which zone a client is of, by where it dials from (DESIGN, "Trust").

use core::net::IpAddr;

use super::Network;
use crate::decision::{Missing, Policy};
use crate::name::ZoneName;

/// Private, link-local, unique-local and loopback networks (RFC 1918, 3927, 4193, 4291): the clients of a household
/// listener that are not the internet.
pub const DEFAULT_SOURCE_NETWORKS: [&str; 8] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
];

/// Which zone clients are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    inside: ZoneName,
    beyond: Option<Beyond>,
}

/// Where the inside ends. Without it, everyone is inside.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Beyond {
    networks: Vec<Network>,
    zone: Option<ZoneName>,
}

/// Which zone one client is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// The zone; of a client from outside without a zone it is empty, and so of no table.
    pub zone: &'a [u8],
    outside: bool,
}

impl Sources {
    /// Every client is of this zone.
    pub(super) fn everyone(zone: ZoneName) -> Self {
        Self { inside: zone, beyond: None }
    }

    /// Clients of these networks (default: [`DEFAULT_SOURCE_NETWORKS`]) are inside, all others of `outside`.
    pub(super) fn within(
        inside: ZoneName,
        networks: Option<Vec<Network>>,
        outside: Option<ZoneName>,
    ) -> Self {
        let networks = networks.unwrap_or_else(|| {
            DEFAULT_SOURCE_NETWORKS.iter().filter_map(|text| Network::parse(text).ok()).collect()
        });
        Self { inside, beyond: Some(Beyond { networks, zone: outside }) }
    }

    /// Whether the client's address has to be known at all.
    #[must_use]
    pub fn ask_address(&self) -> bool {
        self.beyond.is_some()
    }

    /// The zone of a client; one whose address is not known is outside, where that matters.
    #[must_use]
    pub fn source(&self, client: Option<IpAddr>) -> Source<'_> {
        let inside = Source { zone: self.inside.as_str().as_bytes(), outside: false };
        let Some(beyond) = &self.beyond else { return inside };
        if client.is_some_and(|client| beyond.networks.iter().any(|network| network.contains(client))) {
            return inside;
        }
        Source { zone: beyond.zone.as_ref().map_or(&[], |zone| zone.as_str().as_bytes()), outside: true }
    }
}

impl Source<'_> {
    /// The policy for this client: from outside nothing is passed, whatever is configured.
    #[must_use]
    pub fn policy(&self, configured: &Policy) -> Policy {
        if self.outside {
            Policy { unknown_host: Missing::Refuse, no_table: Missing::Refuse, ..*configured }
        } else {
            *configured
        }
    }
}
