//! Who each node believes: of a site, or of a view where no more is known.
//!
//! As servers, the nodes and gateways that a table names, so that whoever may be dialled is believed. As clients, those
//! that a site has dial this node; a view does not name the nodes of other zones, so there their zone is enough.

use std::collections::BTreeSet;

use zoneway_core::name::{NodeId, ZoneName};
use zoneway_core::table::wire;
use zoneway_site::{Link, Site, Way};

use super::files::used_gateways;
use super::secrets::{Accepted, Neighbours};

/// Clients and gateways of a node, as the whole site has them.
pub(super) fn of_site(
    site: &Site,
    own: &ZoneName,
    node: &NodeId,
) -> [(Neighbours<'static>, BTreeSet<Accepted>); 2] {
    let mut clients = BTreeSet::new();
    let mut gateways = BTreeSet::new();
    let sends = |link: &Link, id: &NodeId| link.egress.as_ref().is_none_or(|egress| egress.contains(id));
    for (name, zone) in site.zones() {
        if name == own {
            clients.extend(Accepted::nodes(name.as_str(), zone.nodes.keys().filter(|id| *id != node)));
            for (to, link) in zone.links.iter().filter(|(_, link)| sends(link, node)) {
                gateways.extend(Accepted::nodes(to.as_str(), link.gateways.keys()));
            }
        } else if let Some(link) = zone.links.get(own)
            // Through a tunnel nobody dials.
            && link.gateways.values().any(|way| *way != Way::Tunnel)
        {
            clients.extend(Accepted::nodes(name.as_str(), zone.nodes.keys().filter(|id| sends(link, id))));
        }
    }
    [(Neighbours::Clients, clients), (Neighbours::Gateways, gateways)]
}

/// The same as far as the view of its zone has them.
pub(super) fn of_table(table: &wire::Table, node: &NodeId) -> [(Neighbours<'static>, BTreeSet<Accepted>); 2] {
    let mut clients: BTreeSet<_> = peers(table, node).collect();
    let mut seen = BTreeSet::new();
    for (name, zone) in table.zones.iter().filter(|(name, _)| **name != table.view) {
        if zone.links.iter().flatten().any(|link| link.to == table.view) {
            clients.insert(Accepted::Zone(name.clone()));
        }
        seen.extend(gateways(table, name, node));
    }
    [(Neighbours::Clients, clients), (Neighbours::Gateways, seen)]
}

/// The other nodes of a view's zone.
pub(super) fn peers(table: &wire::Table, node: &NodeId) -> impl Iterator<Item = Accepted> {
    let nodes = table.zones.get(&table.view).and_then(|zone| zone.nodes.as_ref());
    let others = nodes.into_iter().flat_map(|nodes| nodes.keys()).filter(|id| id.as_str() != node.as_str());
    Accepted::nodes(&table.view, others)
}

/// The gateways of another zone that a view sends this node to.
pub(super) fn gateways(table: &wire::Table, zone: &str, node: &NodeId) -> impl Iterator<Item = Accepted> {
    Accepted::nodes(zone, used_gateways(table, zone, node).map(|gateway| &gateway.node))
}
