//! A request's whole way through the site: each node decides by its own zone's view, until one serves or refuses it.
//!
//! Nothing here knows a rule of the decision. `core::decide` is asked at every hop, with what that hop's Envoy has.

use std::collections::BTreeMap;

use serde::Serialize;
use zoneway_core::decision::{
    Decision, Here, Missing, Outcome, Peer, Policy, Reason, Request, Role, Trail, decide,
};
use zoneway_core::layout::Layout;
use zoneway_core::name::{NodeId, ZoneName};
use zoneway_core::table::wire::{self, Revision};

use crate::answer::Answer;
use crate::names::Names;
use crate::site::{PeerAuthentication, Site};
use crate::view::{ViewError, Warning, view};

/// Every zone's view, ready to decide from.
pub struct Atlas<'s> {
    site: &'s Site,
    zones: BTreeMap<&'s ZoneName, Charted<'s>>,
    warnings: Vec<Warning>,
    trusted: Option<Vec<ZoneName>>,
}

/// One zone's view, and whose its addresses are.
struct Charted<'s> {
    layout: Layout,
    policy: Policy,
    /// The nodes of the zone by address.
    nodes: BTreeMap<String, &'s NodeId>,
    /// The gateways of its links by target and address.
    gateways: BTreeMap<(String, String), &'s NodeId>,
}

/// What becomes of one request. Its JSON is stable: `{"hops": [{"zone", "node", "role", "decision"}], "result"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Journey<'a> {
    /// Each node that decided, the first one first.
    pub hops: Vec<Hop<'a>>,
    /// What the last one did.
    pub result: End,
}

/// One node's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Hop<'a> {
    /// The node's zone.
    pub zone: &'a str,
    /// Its id.
    pub node: &'a str,
    /// `ingress` on the first, `peer` on every other.
    pub role: &'static str,
    /// As `zoneway decide` prints it.
    pub decision: Answer<'a>,
    /// Why, for words.
    #[serde(skip)]
    pub reason: Reason,
    /// The nodes that are tried next, in order.
    #[serde(skip)]
    pub next: Vec<&'a str>,
}

/// How a journey ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// The last node serves it.
    Local,
    /// The last node leaves it to Envoy's own routes.
    Pass,
    /// The last node refuses it.
    Refuse,
    /// The last node sends it to an address that is no node's of the site.
    Lost,
}

/// Where and how a request begins.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The node that a client asks.
    pub node: &'a NodeId,
    /// The client's zone.
    pub source_zone: &'a str,
    /// The host that it asks for, as `:authority` has it.
    pub host: &'a [u8],
    /// The path that it asks for.
    pub path: &'a [u8],
}

impl<'s> Atlas<'s> {
    /// Computes every zone's view.
    ///
    /// # Errors
    /// As [`view`].
    pub fn new(site: &'s Site, names: &Names) -> Result<Self, ViewError> {
        let mut zones = BTreeMap::new();
        let mut warnings = Vec::new();
        for zone in site.zones().keys() {
            let seen = view(site, zone, Revision::default(), names)?;
            zones.insert(zone, Charted::new(site, zone, seen.table.wire(), Layout::compile(&seen.table)));
            warnings.extend(seen.warnings);
        }
        let trusted = match &site.settings().peer_authentication {
            Some(PeerAuthentication::None { zones }) => Some(zones.iter().cloned().collect()),
            // Of nodes that are who they say, every certificate is good.
            Some(PeerAuthentication::Tls { .. }) | None => None,
        };
        Ok(Self { site, zones, warnings, trusted })
    }

    /// What left the views because a name has never resolved.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What becomes of a request that a client sends to a node; `None` for a node of no zone.
    ///
    /// Where several endpoints would be tried, the first by weight and id is followed.
    #[must_use]
    pub fn journey<'a>(&'a self, start: &Start<'a>) -> Option<Journey<'a>> {
        let (mut zone, mut node) = self.place(start.node)?;
        let mut hops: Vec<Hop<'a>> = Vec::new();
        let mut trail: Vec<String> = Vec::new();
        loop {
            let chart = self.zones.get(zone)?;
            let items: Vec<&[u8]> = trail.iter().map(|item| item.as_bytes()).collect();
            let role = if hops.is_empty() { Role::Ingress } else { Role::Peer };
            let request = Request {
                host: start.host,
                path: start.path,
                role,
                source_zone: start.source_zone.as_bytes(),
                trail: Trail::Items(&items),
                loops: 0,
                peer: self.trusted.as_deref().map_or(Peer::Unchecked, Peer::Zones),
            };
            let here = Here { zone: zone.as_str(), node: node.as_str() };
            let decision = decide(Some(&chart.layout), &here, &chart.policy, &request, &mut || None);
            let next = chart.next(&decision);
            let end = match decision.outcome {
                Outcome::Local => Some(End::Local),
                Outcome::Pass(_) => Some(End::Pass),
                Outcome::Refuse(_) => Some(End::Refuse),
                Outcome::Peer { .. } | Outcome::Zone { .. } => None,
            };
            trail.push(format!("{zone}/{node}"));
            hops.push(Hop {
                zone: zone.as_str(),
                node: node.as_str(),
                role: if role == Role::Ingress { "ingress" } else { "peer" },
                reason: decision.reason(),
                next: next.iter().map(|node| node.as_str()).collect(),
                decision: Answer::from(decision),
            });
            if let Some(result) = end {
                return Some(Journey { hops, result });
            }
            match next.first().and_then(|node| self.place(node)) {
                Some(place) => (zone, node) = place,
                None => return Some(Journey { hops, result: End::Lost }),
            }
        }
    }

    /// A node with its zone, as the site has them.
    fn place(&self, node: &NodeId) -> Option<(&'s ZoneName, &'s NodeId)> {
        let zone = self.site.zone_of(node)?;
        let (node, _) = self.site.zones().get(zone)?.nodes.get_key_value(node)?;
        Some((zone, node))
    }
}

impl<'s> Charted<'s> {
    fn new(site: &'s Site, zone: &ZoneName, table: &wire::Table, layout: Layout) -> Self {
        let known = |id: &str| {
            let (zone, _) = site.node(&NodeId::parse(id).ok()?)?;
            Some(site.zones().get(zone)?.nodes.get_key_value(id)?.0)
        };
        let own = table.zones.get(zone.as_str());
        let mut nodes = BTreeMap::new();
        for (id, node) in own.and_then(|zone| zone.nodes.as_ref()).into_iter().flatten() {
            if let Some(id) = known(id) {
                nodes.entry(node.address.clone()).or_insert(id);
            }
        }
        let mut gateways = BTreeMap::new();
        for link in own.and_then(|zone| zone.links.as_ref()).into_iter().flatten() {
            for gateway in link.gateways.iter().flatten() {
                let by = gateway.address.as_ref().unwrap_or(&gateway.node).clone();
                if let Some(id) = known(&gateway.node) {
                    gateways.entry((link.to.clone(), by)).or_insert(id);
                }
            }
        }
        let settings = site.settings();
        // On a public node the policies are `refuse`, whatever is configured (DESIGN, "In Envoy").
        let public = site.zones().get(zone).is_some_and(|zone| zone.public);
        let of = |policy: Missing| if public { Missing::Refuse } else { policy };
        let policy = Policy {
            unknown_host: of(settings.unknown_host),
            no_table: of(settings.no_table),
            max_hops: settings.max_hops,
        };
        Self { layout, policy, nodes, gateways }
    }

    /// The nodes that a decision names, in the order of trying.
    fn next(&self, decision: &Decision<'_>) -> Vec<&'s NodeId> {
        let find = |to: &str, by: &str| self.gateways.get(&(to.to_owned(), by.to_owned())).copied();
        match &decision.outcome {
            Outcome::Peer { endpoints, .. } => {
                endpoints.iter().filter_map(|address| self.nodes.get(*address).copied()).collect()
            }
            Outcome::Zone { zone, endpoints, tunnels } => {
                endpoints.iter().chain(tunnels).filter_map(|by| find(zone, by)).collect()
            }
            Outcome::Local | Outcome::Refuse(_) | Outcome::Pass(_) => Vec::new(),
        }
    }
}
