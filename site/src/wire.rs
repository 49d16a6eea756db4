//! The site's written form, version 1, as a person or a source of sites fills it. Nothing here is checked beyond
//! syntax and types; [`crate::Site`] is made of it by `TryFrom`.
//!
//! Where an entry has a short and a long form, a visitor of its own tells them apart, so that a typo in the long form
//! is an error that names the field. Names may be numbers: `403` need not be quoted.

mod entries;
mod entry;
mod name;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zoneway_core::strict;
pub use zoneway_core::table::wire::Prefer;

use crate::sorted::Sorted;
pub use entries::Entries;
pub use name::Name;

/// The whole picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The version of this format: 1.
    pub version: u64,
    /// What holds for all zones.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// Every zone, by name.
    #[serde(deserialize_with = "strict::map")]
    pub zones: BTreeMap<String, Zone>,
    /// What runs on the nodes, by name.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub services: Option<Entries<Service>>,
    /// Every host, by name or pattern.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Entries<Host>>,
}

/// What holds for all zones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The zone that is meant where none is named; default: the only zone that is not public.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub home: Option<Name>,
    /// Names of nodes are `NODE.ZONE.DOMAIN`, identities `spiffe://DOMAIN/…`.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// How nodes know each other.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub peer_authentication: Option<PeerAuthentication>,
    /// The ingress listeners of every node that has none of its own.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Vec<Ingress>>,
    /// What to do with requests that the table does not answer.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub policies: Option<Policies>,
    /// Where the seed comes from that orders several endpoints; default random.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// Where each request is logged: `stdout` (default), `none`, or the path of a file.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub access_log: Option<String>,
    /// The length of a trail that is one too many; default 8.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub max_hops: Option<u64>,
    /// The size above which a table is refused, in bytes; default 32 MiB.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub max_table_bytes: Option<u64>,
}

/// `{ca, certificate, key}` and maybe `crl` for mutual TLS, or `{none: {zones: […]}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PeerAuthentication {
    /// The file of the authority that signs nodes' certificates.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The file of a node's certificate; `{node}` stands for its id.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The file of its key; `{node}` stands for its id.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The file of the authority's list of certificates that are not good any more; without one, none is.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub crl: Option<String>,
    /// No mutual TLS, and for whom.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub none: Option<NoAuthentication>,
}

/// Whose requests a peer listener without mutual TLS takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NoAuthentication {
    /// The zones that may be a trail's last item.
    pub zones: Vec<Name>,
}

/// What to do with requests that the table does not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// For a host that no entry matches; default refuse.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub unknown_host: Option<Policy>,
    /// While there is no table; default refuse.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub no_table: Option<Policy>,
}

/// Refuse, or leave the request to Envoy's own routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Refuse the request.
    Refuse,
    /// Leave it to Envoy's own routes.
    Pass,
}

/// Where the seed comes from: `random`, `client`, `none` or `{cookie: NAME}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Balance {
    /// A new one for each request.
    Random,
    /// The client's address.
    Client,
    /// A cookie's value; random where there is none.
    Cookie(String),
    /// No seed: by weight, then id.
    None,
}

/// A zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Whether the zone is the public internet's; default false.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// The source zones whose requests its nodes may pass on; default: itself alone.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub speaks_for: Option<Vec<Name>>,
    /// Its machines, by id.
    #[serde(default, deserialize_with = "strict::optional_map", skip_serializing_if = "Option::is_none")]
    pub nodes: Option<BTreeMap<String, Node>>,
    /// The zones that its nodes can reach.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<Link>>,
}

/// A machine: its address, or the long form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// As its zone's nodes dial it; port 15443 unless given.
    pub address: String,
    /// Where its peer listener listens; default 0.0.0.0 and the address's port.
    pub listen: Option<String>,
    /// Its ingress listeners; default: the settings'.
    pub ingress: Option<Vec<Ingress>>,
}

/// An ingress listener: an address to listen on, or the long form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ingress {
    /// The address to listen on.
    pub listen: String,
    /// The zone that its clients are of; default: the node's.
    pub source_zone: Option<Name>,
    /// The clients that are of that zone, as networks.
    pub source_networks: Option<Vec<String>>,
    /// The zone of every other client; default: the public zone.
    pub outside_zone: Option<Name>,
    /// The certificates to serve with.
    pub tls: Option<Certificates>,
    /// How much each client may ask for.
    pub rate_limit: Option<RateLimit>,
}

/// A listener's certificates: one, or a list of which the first is shown where no other names the host asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates(pub Vec<Tls>);

/// So many requests of one client, in a second, a minute or an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// How many, and how many at once.
    pub requests: u64,
    /// In which time; default a second.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub per: Option<Period>,
}

/// The time that a limit is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// One second.
    #[default]
    Second,
    /// Sixty seconds.
    Minute,
    /// Sixty minutes.
    Hour,
}

/// The files of a certificate. `{node}` in a name stands for the node's id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain (PEM).
    pub certificate: String,
    /// Its key (PEM).
    pub key: String,
}

/// Directed reachability.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The zone that is reached.
    pub to: Name,
    /// 1 to 1,000,000; default 1.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub cost: Option<u64>,
    /// The nodes of this zone that can use the link; default: all.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub egress: Option<Vec<Name>>,
    /// The nodes of the target that are dialled; default: all.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<Name>>,
    /// Where a gateway is dialled from this zone; default: its own address.
    #[serde(default, deserialize_with = "strict::optional_map", skip_serializing_if = "Option::is_none")]
    pub address: Option<BTreeMap<String, String>>,
    /// Whether the gateways have dialled in.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<bool>,
}

/// What runs on the nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Where, by node.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub at: Option<Sorted<String, Served>>,
    /// What it speaks; default http.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// How its certificate is checked: `none`, or the file of an authority.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub verify: Option<String>,
}

/// What a service speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1 in clear.
    #[default]
    Http,
    /// HTTP/1.1 over TLS.
    Https,
    /// HTTP/2 in clear.
    H2c,
    /// HTTP/2 over TLS.
    H2,
}

/// A service on one node: an address, a list of them, or the long form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Served {
    /// The addresses that this node's Envoy balances among.
    pub addresses: Vec<String>,
    /// The node's share; default 1.
    pub weight: Option<u64>,
}

/// A host: the name of its service, or the long form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Host {
    /// The zones that may ask, where a path does not say; default: home.
    pub expose_to: Option<Vec<Name>>,
    /// Who serves it where several nodes run it.
    pub prefer: Option<Prefer>,
    /// What serves every path.
    pub service: Option<Name>,
    /// What serves which path.
    pub paths: Option<BTreeMap<String, Rule>>,
}

/// A path of a host: the name of its service, or the long form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The zones that may ask; default: the host's.
    pub expose_to: Option<Vec<Name>>,
    /// What serves it; default nothing.
    pub service: Option<Name>,
}
