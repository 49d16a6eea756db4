//! The decision: one closed answer to one request, from the table and nothing else.

mod order;
mod steps;
mod trail;

pub use steps::decide;

use crate::table::wire::Revision;

/// The node that decides. It need not be in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Here<'a> {
    /// Its zone.
    pub zone: &'a str,
    /// Its id.
    pub node: &'a str,
}

/// What the configuration says of requests that the table does not answer, and of circles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// For a host that no entry matches.
    pub unknown_host: Missing,
    /// For every request while there is no table.
    pub no_table: Missing,
    /// A trail (or count of loops) of this length or more ends in 508.
    pub max_hops: usize,
}

/// DESIGN, "In Envoy": `max_hops`, where nothing else is configured.
pub const DEFAULT_MAX_HOPS: usize = 8;

impl Default for Policy {
    fn default() -> Self {
        Self { unknown_host: Missing::Refuse, no_table: Missing::Refuse, max_hops: DEFAULT_MAX_HOPS }
    }
}

/// What to do where the table has nothing to say. Passing is only ever for an ingress's own zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missing {
    /// Refuse the request.
    #[default]
    Refuse,
    /// Leave it to Envoy's own routes.
    Pass,
}

/// Who dials the listener.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    /// Clients.
    #[default]
    Ingress,
    /// Other nodes.
    Peer,
}

/// One request, as the shell read it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The value of `:authority`; empty where there is none.
    pub host: &'a [u8],
    /// The value of `:path`, with or without its query.
    pub path: &'a [u8],
    /// The listener's role.
    pub role: Role,
    /// The zone that the request came from, fixed where it first arrived.
    pub source_zone: &'a [u8],
    /// What it has passed; ignored for [`Role::Ingress`].
    pub trail: Trail<'a>,
    /// How many of its `cdn-loop` items are ours; ignored for [`Role::Peer`].
    pub loops: usize,
    /// How the peer is known; ignored for [`Role::Ingress`].
    pub peer: Peer<'a>,
}

/// The `zone/node` items that a request has passed, oldest first.
#[derive(Debug, Clone, Copy)]
pub enum Trail<'a> {
    /// As on the wire: joined by `,` without blanks. Empty text is an empty trail.
    Joined(&'a [u8]),
    /// Item by item.
    Items(&'a [&'a [u8]]),
}

/// What is known of who dialled a peer listener.
#[derive(Debug, Clone, Copy)]
pub enum Peer<'a> {
    /// Nothing is checked: the command line's, and the tests', view.
    Unchecked,
    /// Mutual TLS: the certificate's URI SAN has to be the last item's identity in this trust domain.
    Certificate {
        /// The DOMAIN of `spiffe://DOMAIN/zone/Z/node/N`.
        domain: &'a str,
        /// The certificate's URI SAN; empty where there was none.
        uri_san: &'a [u8],
    },
    /// No mutual TLS: the last item's zone has to be one of these.
    Zones(&'a [crate::name::ZoneName]),
}

/// What is to be done with a request, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'t> {
    /// The answer.
    pub outcome: Outcome<'t>,
    /// The revision of the table that gave it; `None` without a table.
    pub revision: Option<Revision>,
}

/// The five answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'t> {
    /// Serve it here.
    Local,
    /// Hand it to one of these nodes of this zone (`ip:port`, in order).
    Peer {
        /// [`Reason::Peer`] or [`Reason::PeerEgress`].
        reason: Reason,
        /// Addresses in the order they are tried; never empty.
        endpoints: Vec<&'t str>,
    },
    /// Send it to another zone, by one of these gateways.
    Zone {
        /// The next hop's zone.
        zone: &'t str,
        /// Addresses of gateways that are dialled, in the order they are tried.
        endpoints: Vec<&'t str>,
        /// Ids of gateways that have dialled in, in the order they are tried.
        tunnels: Vec<&'t str>,
    },
    /// Refuse it, with the reason's status.
    Refuse(Reason),
    /// Leave it to Envoy's own routes.
    Pass(Reason),
}

/// Why. The closed list of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Served here.
    Here,
    /// Another node of this zone runs it.
    Peer,
    /// Another node of this zone can use the link.
    PeerEgress,
    /// Another zone runs it.
    CrossZone,
    /// The host is not a host.
    MalformedHost,
    /// There is no table yet.
    NoTable,
    /// No entry matches.
    UnknownHost,
    /// The source zone may not ask.
    NotExposed,
    /// The path is not normal where rules differ by path.
    MalformedPath,
    /// No rule matches.
    NoRule,
    /// It has been here before.
    Loop,
    /// It has passed too many nodes.
    TooManyHops,
    /// Nothing serves it now.
    NoBackend,
    /// What serves it cannot be reached from here.
    NoPath,
    /// A peer's trail or source is missing or malformed.
    BadHop,
    /// A peer is not who its trail says.
    BadPeer,
    /// A peer's zone does not speak for the source zone.
    NotSpokenFor,
    /// The connection was opened for a host of another exposure.
    Misdirected,
}

impl Reason {
    /// Every reason, in the order above.
    pub const ALL: [Self; 18] = [
        Self::Here,
        Self::Peer,
        Self::PeerEgress,
        Self::CrossZone,
        Self::MalformedHost,
        Self::NoTable,
        Self::UnknownHost,
        Self::NotExposed,
        Self::MalformedPath,
        Self::NoRule,
        Self::Loop,
        Self::TooManyHops,
        Self::NoBackend,
        Self::NoPath,
        Self::BadHop,
        Self::BadPeer,
        Self::NotSpokenFor,
        Self::Misdirected,
    ];

    /// The reason's name in logs, metrics and `proxy-status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Peer => "peer",
            Self::PeerEgress => "peer_egress",
            Self::CrossZone => "cross_zone",
            Self::MalformedHost => "malformed_host",
            Self::NoTable => "no_table",
            Self::UnknownHost => "unknown_host",
            Self::NotExposed => "not_exposed",
            Self::MalformedPath => "malformed_path",
            Self::NoRule => "no_rule",
            Self::Loop => "loop",
            Self::TooManyHops => "too_many_hops",
            Self::NoBackend => "no_backend",
            Self::NoPath => "no_path",
            Self::BadHop => "bad_hop",
            Self::BadPeer => "bad_peer",
            Self::NotSpokenFor => "not_spoken_for",
            Self::Misdirected => "misdirected",
        }
    }

    /// The HTTP status of a refusal for this reason; `None` for reasons that never refuse.
    #[must_use]
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Here | Self::Peer | Self::PeerEgress | Self::CrossZone => None,
            Self::MalformedHost | Self::MalformedPath | Self::BadHop => Some(400),
            Self::BadPeer | Self::NotSpokenFor => Some(403),
            Self::UnknownHost | Self::NotExposed | Self::NoRule => Some(404),
            Self::Misdirected => Some(421),
            Self::NoTable | Self::NoBackend | Self::NoPath => Some(503),
            Self::Loop | Self::TooManyHops => Some(508),
        }
    }
}

/// What is done, without the details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Served here.
    Local,
    /// Handed to a node of this zone.
    Peer,
    /// Sent to another zone.
    Zone,
    /// Refused.
    Refuse,
    /// Left to Envoy's own routes.
    Pass,
}

impl Action {
    /// The action's name in logs, metrics and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Peer => "peer",
            Self::Zone => "zone",
            Self::Refuse => "refuse",
            Self::Pass => "pass",
        }
    }
}

impl Decision<'_> {
    /// What is done.
    #[must_use]
    pub fn action(&self) -> Action {
        match self.outcome {
            Outcome::Local => Action::Local,
            Outcome::Peer { .. } => Action::Peer,
            Outcome::Zone { .. } => Action::Zone,
            Outcome::Refuse(_) => Action::Refuse,
            Outcome::Pass(_) => Action::Pass,
        }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self.outcome {
            Outcome::Local => Reason::Here,
            Outcome::Zone { .. } => Reason::CrossZone,
            Outcome::Peer { reason, .. } | Outcome::Refuse(reason) | Outcome::Pass(reason) => reason,
        }
    }

    /// The HTTP status of a refusal.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.outcome {
            Outcome::Refuse(reason) => reason.status(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
