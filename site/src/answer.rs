//! A decision as it is printed.

use serde::Serialize;
use zoneway_core::decision::{Decision, Outcome, Reason};

/// A decision in the form that `zoneway decide` and `zoneway explain` print. Its JSON is stable:
/// `{"action", "reason", "status", "zone", "endpoints", "tunnels"}`, in this order, where empty ones are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Answer<'t> {
    /// `local`, `peer`, `zone`, `refuse` or `pass`.
    pub action: &'static str,
    /// Why, as logs and metrics say it.
    pub reason: &'static str,
    /// The HTTP status; of a refusal alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The next hop's zone; of action `zone` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<&'t str>,
    /// Where to dial, in the order of trying.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub endpoints: Vec<&'t str>,
    /// Which gateways have dialled in, in the order of trying.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub tunnels: Vec<&'t str>,
}

impl<'t> From<Decision<'t>> for Answer<'t> {
    fn from(decision: Decision<'t>) -> Self {
        let (action, reason, status) =
            (decision.action().as_str(), decision.reason().as_str(), decision.status());
        let (zone, endpoints, tunnels) = match decision.outcome {
            Outcome::Local | Outcome::Refuse(_) | Outcome::Pass(_) => (None, Vec::new(), Vec::new()),
            Outcome::Peer { endpoints, .. } => (None, endpoints, Vec::new()),
            Outcome::Zone { zone, endpoints, tunnels } => (Some(zone), endpoints, tunnels),
        };
        Self { action, reason, status, zone, endpoints, tunnels }
    }
}

/// A reason in a person's words, to stand behind "because".
#[must_use]
pub fn in_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Here => "this node serves it",
        Reason::Peer => "another node of this zone serves it",
        Reason::PeerEgress => "another node of this zone can use the link that leads to it",
        Reason::CrossZone => "no node of this zone serves it, and this is the best path to a zone that does",
        Reason::MalformedHost => "the host is no host name",
        Reason::NoTable => "the node has no table yet",
        Reason::UnknownHost => "no entry of this zone's table matches the host",
        Reason::NotExposed => "the host or path is not exposed to the source zone",
        Reason::MalformedPath => "the path is not normal, and which path it is decides here",
        Reason::NoRule => "no rule of the host matches the path",
        Reason::Loop => "the request has been here before",
        Reason::TooManyHops => "the request has passed too many nodes",
        Reason::NoBackend => "nothing serves it now",
        Reason::NoPath => "what serves it cannot be reached from here for this source zone",
        Reason::BadHop => "the trail or the source zone is missing or malformed",
        Reason::BadPeer => "the node that passed it on is not who the trail says",
        Reason::Misdirected => "the connection was opened for a host that other zones may ask for",
        Reason::NotSpokenFor => "the zone that passed it on does not speak for the source zone",
    }
}
