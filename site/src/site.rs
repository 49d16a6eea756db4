//! The site as it is meant: every name known, every default filled in.
//!
//! A [`Site`] is made by `TryFrom` of [`wire::Site`] alone. What it hands out is `#[non_exhaustive]` and behind shared
//! references, so nothing that was not checked can get in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use core::net::SocketAddr;
use core::time::Duration;

use zoneway_core::decision::Missing;
use zoneway_core::name::{HostPattern, NodeId, RulePath, ZoneName};

use crate::host_port::HostPort;
use crate::network::Network;
use crate::sorted::Sorted;
use crate::validate;
use crate::wire::{self, Prefer};
use crate::{Fault, SiteError};

/// The port of a node's peer listener where none is written.
pub const DEFAULT_PEER_PORT: u16 = 15443;

/// The size above which a table is refused where none is written, in bytes.
pub const DEFAULT_MAX_TABLE_BYTES: u64 = 32 << 20;

/// All zones, nodes, services and hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub(crate) settings: Settings,
    pub(crate) zones: Arc<BTreeMap<ZoneName, Zone>>,
    pub(crate) services: Arc<BTreeMap<Arc<str>, Arc<Service>>>,
    pub(crate) hosts: Arc<BTreeMap<HostPattern, Arc<Host>>>,
    pub(crate) node_zones: Arc<BTreeMap<NodeId, ZoneName>>,
}

/// What holds for all zones.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The zone that is meant where none is named; `None` where no zone, or several, could be and none was needed.
    pub home: Option<ZoneName>,
    /// Names of nodes are `NODE.ZONE.DOMAIN`, identities `spiffe://DOMAIN/zone/Z/node/N`.
    pub domain: Option<String>,
    /// How nodes know each other; `None` where nothing is written.
    pub peer_authentication: Option<PeerAuthentication>,
    /// For a host that no entry matches, on nodes of zones that are not public.
    pub unknown_host: Missing,
    /// While there is no table, on nodes of zones that are not public.
    pub no_table: Missing,
    /// Where the seed comes from that orders several endpoints.
    pub balance: Balance,
    /// Where requests are logged.
    pub access_log: AccessLog,
    /// The length of a trail that is one too many.
    pub max_hops: usize,
    /// The size above which a table is refused, in bytes.
    pub max_table_bytes: u64,
}

/// Where an Envoy writes a line for each request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AccessLog {
    /// Its standard output.
    #[default]
    Stdout,
    /// Nowhere.
    None,
    /// A file, by its absolute path.
    File(String),
}

/// How nodes know each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerAuthentication {
    /// Mutual TLS, with these files. `{node}` in a name stands for the node's id.
    Tls {
        /// The authority that signs nodes' certificates.
        ca: String,
        /// A node's certificate.
        certificate: String,
        /// Its key.
        key: String,
        /// The list of certificates that are not good any more.
        crl: Option<String>,
    },
    /// Not at all: the last item of a trail may be of one of these zones.
    None {
        /// The zones.
        zones: BTreeSet<ZoneName>,
    },
}

/// Where the seed comes from that orders several endpoints.
pub use crate::wire::Balance;
/// What a service speaks.
pub use crate::wire::Protocol;

/// A zone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Zone {
    /// Whether it is the public internet's.
    pub public: bool,
    /// The source zones whose requests its nodes may pass on. Of a public zone: itself alone, whatever was written.
    pub speaks_for: BTreeSet<ZoneName>,
    /// Its machines.
    pub nodes: BTreeMap<NodeId, Node>,
    /// The zones that its nodes can reach, by target.
    pub links: BTreeMap<ZoneName, Link>,
}

/// A machine with an Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// As its zone's nodes dial it.
    pub address: HostPort,
    /// Where its peer listener listens.
    pub listen: SocketAddr,
    /// Its ingress listeners.
    pub ingress: Vec<Ingress>,
}

/// A listener for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ingress {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Which zone its clients are of.
    pub clients: Clients,
    /// Its certificates; none where it serves in clear. The first is shown where no other names the host asked for.
    pub tls: Vec<Tls>,
    /// How much each client may ask for.
    pub rate_limit: Option<RateLimit>,
}

/// Which zone a listener's clients are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clients {
    /// All of them are of this zone.
    All(ZoneName),
    /// It depends on the client's address.
    ByNetwork {
        /// The zone of clients in `networks`.
        inside: ZoneName,
        /// Their networks, sorted.
        networks: Vec<Network>,
        /// The zone of every other client, with both policies `refuse`. `None`: the site has no public zone, and
        /// they are of a zone that no table has.
        outside: Option<ZoneName>,
    },
}

/// So many requests of one client, at once and in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// 1 to 1,000,000.
    pub requests: u64,
    /// The time in which they come again.
    pub per: Duration,
}

/// The files of a certificate.
pub use crate::wire::Tls;

/// Directed reachability.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Its place in the list that its zone is written with, from 0: for messages alone.
    pub index: usize,
    /// 1 to 1,000,000.
    pub cost: u64,
    /// The nodes of this zone that can use the link; `None`: all.
    pub egress: Option<BTreeSet<NodeId>>,
    /// The nodes of the target that stand for it, and how each is reached.
    pub gateways: BTreeMap<NodeId, Way>,
}

/// How a gateway is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// It is dialled here.
    Dial(HostPort),
    /// It has dialled in.
    Tunnel,
}

/// What runs on the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    /// Where, and with which share.
    pub at: Sorted<NodeId, Served>,
    /// What it speaks.
    pub protocol: Protocol,
    /// How its certificate is checked.
    pub verify: Verify,
}

/// How a service's certificate is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verify {
    /// By the authorities that the machine trusts: nothing is written.
    System,
    /// Not at all.
    None,
    /// By the authority in this file.
    Ca(String),
}

/// A service on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// The addresses that this node's Envoy balances among.
    pub addresses: Vec<HostPort>,
    /// The node's share, 0 to 1,000,000; 0 takes nothing.
    pub weight: u64,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Host {
    /// Who serves it where several nodes run it.
    pub prefer: Prefer,
    /// Its paths.
    pub rules: Sorted<RulePath, Rule>,
}

/// A path of a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rule {
    /// The source zones that may ask.
    pub exposed_to: Arc<BTreeSet<ZoneName>>,
    /// Where in the site that is written.
    pub exposed_by: ExposedBy,
    /// The name of the service that serves it; `None`: nothing does.
    pub service: Option<Arc<str>>,
    /// Whether it is written as the host's `service` rather than under `paths`.
    pub short: bool,
}

/// What made an exposure so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExposedBy {
    /// The path's own `expose_to`.
    Path,
    /// The host's `expose_to`.
    Host,
    /// Nothing is written: home alone.
    Home,
}

impl Site {
    /// What holds for all zones.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every zone.
    #[must_use]
    pub fn zones(&self) -> &BTreeMap<ZoneName, Zone> {
        &self.zones
    }

    /// Every service, by name.
    #[must_use]
    pub fn services(&self) -> &BTreeMap<Arc<str>, Arc<Service>> {
        &self.services
    }

    /// Every host.
    #[must_use]
    pub fn hosts(&self) -> &BTreeMap<HostPattern, Arc<Host>> {
        &self.hosts
    }

    /// The zone of a node; `None` for a node of no zone.
    #[must_use]
    pub fn zone_of(&self, node: &NodeId) -> Option<&ZoneName> {
        self.node_zones.get(node)
    }

    /// A node with its zone.
    #[must_use]
    pub fn node(&self, node: &NodeId) -> Option<(&ZoneName, &Node)> {
        let zone = self.zone_of(node)?;
        Some((zone, self.zones.get(zone)?.nodes.get(node)?))
    }

    /// The public zones.
    pub fn public_zones(&self) -> impl Iterator<Item = &ZoneName> {
        self.zones.iter().filter(|(_, zone)| zone.public).map(|(name, _)| name)
    }

    /// The DNS names that views need addresses for: those of nodes and of gateways.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let nodes = self.zones.values().flat_map(|zone| zone.nodes.values().map(|node| &node.address));
        let links = self.zones.values().flat_map(|zone| zone.links.values());
        let gateways = links.flat_map(|link| link.gateways.values()).filter_map(|way| match way {
            Way::Dial(place) => Some(place),
            Way::Tunnel => None,
        });
        nodes.chain(gateways).filter_map(HostPort::name).collect()
    }

    /// Where a rule is served: its service's nodes; none without a service.
    pub fn served_at(&self, rule: &Rule) -> impl Iterator<Item = (&NodeId, &Served)> + use<'_> {
        let service = rule.service.as_ref().and_then(|name| self.services.get(name));
        service.into_iter().flat_map(|service| service.at.iter())
    }
}

impl Site {
    /// As `TryFrom` of a written site, at the cost of what changed since another one: what the two have in common
    /// ([`wire::Entries`]) is not checked again, and stays the same piece of memory. `before` is a written site and what
    /// it was found to mean.
    ///
    /// # Errors
    /// Every fault, as `TryFrom` has them.
    pub fn again(wire: &wire::Site, before: (&wire::Site, &Self)) -> Result<Self, SiteError> {
        let (site, faults): (Self, Vec<Fault>) = validate::build(wire, Some(before));
        if faults.is_empty() { Ok(site) } else { Err(SiteError(faults)) }
    }
}

impl TryFrom<&wire::Site> for Site {
    type Error = SiteError;

    fn try_from(wire: &wire::Site) -> Result<Self, SiteError> {
        let (site, faults): (Self, Vec<Fault>) = validate::build(wire, None);
        if faults.is_empty() { Ok(site) } else { Err(SiteError(faults)) }
    }
}

impl TryFrom<wire::Site> for Site {
    type Error = SiteError;

    fn try_from(wire: wire::Site) -> Result<Self, SiteError> {
        Self::try_from(&wire)
    }
}
