//! The filter's configuration: JSON in, checked once, before any request.
//!
//! It must not know of Envoy's API: the Wasm filter and the dynamic module hand in the text and keep what comes out.

mod fault;
mod network;
mod sources;
pub mod wire;

use core::fmt::Display;

pub use fault::{Fault, SettingsError, SettingsFault};
pub use network::{Network, NetworkError, client_address};
pub use sources::{DEFAULT_SOURCE_NETWORKS, Source, Sources};
pub use wire::Role;

use crate::decision::{self, DEFAULT_MAX_HOPS, Here, Missing, Policy};
use crate::name::{NodeId, ZoneName};
use crate::table::Limits;

/// The most that `max_hops` may be: a trail of more items is `bad_hop` already.
const MOST_HOPS: u64 = 64;

/// One plugin's configuration, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    role: Role,
    zone: ZoneName,
    node: NodeId,
    sources: Sources,
    policy: Policy,
    peers: PeerAuthentication,
    max_table_bytes: usize,
    balance: Balance,
    sni: bool,
}

/// How a peer listener knows who dials it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerAuthentication {
    /// Mutual TLS: the certificate's URI SAN is an identity of this trust domain.
    Spiffe(String),
    /// None: nodes of these zones alone may be the last item of a trail.
    None(Vec<ZoneName>),
}

/// Where the seed comes from that orders endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Balance {
    /// A new random number for each request.
    Random,
    /// The client's address.
    Client,
    /// A cookie's value; random where there is none.
    Cookie(String),
    /// No seed: by weight, then by id.
    None,
}

impl Settings {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// [`SettingsError::Syntax`] stops at the first fault; [`SettingsError::Invalid`] has every other one.
    pub fn parse(json: &[u8]) -> Result<Self, SettingsError> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let wire: wire::Settings = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = crate::strict::place(error.path());
            SettingsError::Syntax { path, source: error.into_inner() }
        })?;
        deserializer.end().map_err(|source| SettingsError::Syntax { path: String::new(), source })?;
        Self::try_from(wire)
    }

    /// The listener's role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The zone of the node that decides.
    #[must_use]
    pub fn zone(&self) -> &ZoneName {
        &self.zone
    }

    /// The node that decides.
    #[must_use]
    pub fn here(&self) -> Here<'_> {
        Here { zone: self.zone.as_str(), node: self.node.as_str() }
    }

    /// Who asks, by where they dial from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What is done where the table has nothing to say. A client from outside has both at `refuse` instead
    /// ([`Source::policy`]).
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How a peer is known.
    #[must_use]
    pub fn peers(&self) -> &PeerAuthentication {
        &self.peers
    }

    /// Who dialled, as the decision wants it; `uri_san` is asked for only where there is mutual TLS to have one.
    #[must_use]
    pub fn peer<'a>(&'a self, uri_san: &'a [u8]) -> decision::Peer<'a> {
        match &self.peers {
            PeerAuthentication::Spiffe(domain) => decision::Peer::Certificate { domain, uri_san },
            PeerAuthentication::None(zones) => decision::Peer::Zones(zones),
        }
    }

    /// The sizes above which the table endpoint refuses a table.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { bytes: self.max_table_bytes, ..Limits::default() }
    }

    /// Whether Envoy writes the name of a client's TLS handshake into a header.
    #[must_use]
    pub fn tells_sni(&self) -> bool {
        self.sni
    }

    /// Where the seed comes from.
    #[must_use]
    pub fn balance(&self) -> &Balance {
        &self.balance
    }
}

impl TryFrom<wire::Settings> for Settings {
    type Error = SettingsError;

    fn try_from(wire: wire::Settings) -> Result<Self, SettingsError> {
        let mut check = Check { faults: Vec::new() };
        let zone = check.parsed("zone", ZoneName::parse(&wire.zone));
        let node = check.parsed("node", NodeId::parse(&wire.node));
        let source_zone =
            wire.source_zone.as_deref().and_then(|text| check.parsed("source_zone", ZoneName::parse(text)));
        let outside =
            wire.outside_zone.as_deref().and_then(|text| check.parsed("outside_zone", ZoneName::parse(text)));
        let networks = wire.source_networks.as_ref().map(|networks| {
            let parse = |(index, text): (usize, &String)| {
                check.parsed(format_args!("source_networks[{index}]"), Network::parse(text))
            };
            networks.iter().enumerate().filter_map(parse).collect::<Vec<_>>()
        });
        let max_hops = check.within("max_hops", wire.max_hops, DEFAULT_MAX_HOPS, MOST_HOPS);
        let most_bytes = Limits::default().bytes;
        let max_table_bytes =
            check.within("max_table_bytes", wire.max_table_bytes, most_bytes, most_bytes as u64);
        let peers = check.peers(wire.role, wire.peer_authentication);
        let balance = check.balance(wire.balance.unwrap_or_default());
        let (Some(zone), Some(node), true) = (zone, node, check.faults.is_empty()) else {
            return Err(SettingsError::Invalid(check.faults));
        };
        let sources = match (source_zone, networks) {
            // A written source zone is every client's, unless networks are written too.
            (Some(zone), None) => Sources::everyone(zone),
            (inside, networks) => Sources::within(inside.unwrap_or_else(|| zone.clone()), networks, outside),
        };
        let missing = |policy: Option<wire::Missing>| match policy.unwrap_or_default() {
            wire::Missing::Refuse => Missing::Refuse,
            wire::Missing::Pass => Missing::Pass,
        };
        let policy =
            Policy { unknown_host: missing(wire.unknown_host), no_table: missing(wire.no_table), max_hops };
        let sni = wire.sni.unwrap_or_default();
        Ok(Self { role: wire.role, zone, node, sources, policy, peers, max_table_bytes, balance, sni })
    }
}

struct Check {
    faults: Vec<Fault>,
}

impl Check {
    fn fault(&mut self, path: impl Display, fault: impl Into<SettingsFault>) {
        self.faults.push(Fault { path: path.to_string(), fault: fault.into() });
    }

    fn parsed<T, E: Into<SettingsFault>>(&mut self, path: impl Display, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.fault(path, error)).ok()
    }

    fn within(&mut self, path: &str, value: Option<u64>, default: usize, most: u64) -> usize {
        let Some(value) = value else { return default };
        if !(1..=most).contains(&value) {
            self.fault(path, SettingsFault::Range { value, least: 1, most });
        }
        usize::try_from(value).unwrap_or(default)
    }

    fn peers(&mut self, role: Role, peers: Option<wire::PeerAuthentication>) -> PeerAuthentication {
        match peers {
            Some(wire::PeerAuthentication::Spiffe(domain)) => {
                if !is_trust_domain(&domain) {
                    self.fault("peer_authentication.spiffe", SettingsFault::TrustDomain(domain.clone()));
                }
                PeerAuthentication::Spiffe(domain)
            }
            Some(wire::PeerAuthentication::None(none)) => {
                let path = |index| format!("peer_authentication.none.zones[{index}]");
                let parse = |(index, text): (usize, &String)| self.parsed(path(index), ZoneName::parse(text));
                PeerAuthentication::None(none.zones.iter().enumerate().filter_map(parse).collect())
            }
            None => {
                if role == Role::Peer {
                    self.fault("peer_authentication", SettingsFault::NoPeerAuthentication);
                }
                PeerAuthentication::None(Vec::new())
            }
        }
    }

    fn balance(&mut self, balance: wire::Balance) -> Balance {
        match balance {
            wire::Balance::Random => Balance::Random,
            wire::Balance::Client => Balance::Client,
            wire::Balance::None => Balance::None,
            wire::Balance::Cookie(name) => {
                if !is_token(name.as_bytes()) {
                    self.fault("balance.cookie", SettingsFault::CookieName(name.clone()));
                }
                Balance::Cookie(name)
            }
        }
    }
}

/// The characters of a SPIFFE trust domain (SPIFFE-ID, section 2.1).
fn is_trust_domain(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    !text.is_empty() && text.len() <= 255 && text.bytes().all(allowed)
}

/// A token of RFC 9110, section 5.6.2: what a cookie's name is made of (RFC 6265, section 4.1.1).
fn is_token(text: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !text.is_empty() && text.iter().all(allowed)
}

#[cfg(test)]
mod tests;
