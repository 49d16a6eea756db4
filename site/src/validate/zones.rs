//! The zones, their nodes and their links.

use std::collections::{BTreeMap, BTreeSet};

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use zoneway_core::fault::Step;
use zoneway_core::name::{NodeId, ZoneName};

use super::settings::Listener;
use super::{Check, place};
use crate::fault::SiteFault;
use crate::host_port::HostPort;
use crate::site::{DEFAULT_PEER_PORT, Link, Node, Way, Zone};
use crate::wire;

impl Check<'_> {
    pub(super) fn zones(&mut self, ingress: &[Listener]) -> BTreeMap<ZoneName, Zone> {
        let wire = self.wire;
        self.at_most("zones", "zones", wire.zones.len(), self.limits.zones);
        let links = wire.zones.values().map(|zone| zone.links.as_ref().map_or(0, Vec::len)).sum();
        self.at_most("zones", "links", links, self.limits.links);
        let mut zones = BTreeMap::new();
        for (name, written) in &wire.zones {
            let path = place("zones", name);
            let parsed = self.parsed(&path, ZoneName::parse(name));
            // What stands in a zone that has no name is checked all the same, under one that leads nowhere.
            let Some(stand_in) = parsed.clone().or_else(|| ZoneName::parse("0").ok()) else { continue };
            let zone = self.written_zone(&path, name, &stand_in, written, ingress);
            zones.extend(parsed.map(|name| (name, zone)));
        }
        zones
    }

    fn written_zone(
        &mut self,
        path: &str,
        name: &str,
        zone: &ZoneName,
        written: &wire::Zone,
        ingress: &[Listener],
    ) -> Zone {
        let public = written.public.unwrap_or(false);
        let itself = || BTreeSet::from([zone.clone()]);
        let speaks_for = match &written.speaks_for {
            None => itself(),
            Some(zones) => {
                let zones = self.zone_list(format_args!("{path}.speaks_for"), zones);
                if public { itself() } else { zones }
            }
        };
        let nodes = self.nodes(path, name, zone, written, ingress);
        let links = self.links(path, name, written.links.as_deref().unwrap_or_default());
        Zone { public, speaks_for, nodes, links }
    }

    fn nodes(
        &mut self,
        path: &str,
        name: &str,
        zone: &ZoneName,
        written: &wire::Zone,
        ingress: &[Listener],
    ) -> BTreeMap<NodeId, Node> {
        let written = written.nodes.iter().flatten();
        self.at_most(format_args!("{path}.nodes"), "nodes", written.clone().count(), self.limits.nodes);
        let mut nodes = BTreeMap::new();
        for (id, node) in written {
            let path = format!("{path}.nodes{}", Step(id));
            let parsed = self.parsed(&path, NodeId::parse(id));
            if let Some(first) = self.node_zones.get(id.as_str()).filter(|first| **first != name) {
                let first = (*first).to_owned();
                self.fault(&path, SiteFault::NodeTwice { node: id.clone(), first });
            }
            let node = self.written_node(&path, zone, node, ingress);
            nodes.extend(parsed.zip(node));
        }
        nodes
    }

    fn written_node(
        &mut self,
        path: &str,
        zone: &ZoneName,
        written: &wire::Node,
        ingress: &[Listener],
    ) -> Option<Node> {
        let address = HostPort::parse(&written.address, Some(DEFAULT_PEER_PORT));
        let address = self.parsed(format_args!("{path}.address"), address);
        let port = address.as_ref().map_or(DEFAULT_PEER_PORT, HostPort::port);
        let listen = match &written.listen {
            None => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)),
            Some(text) => {
                self.parsed(format_args!("{path}.listen"), HostPort::parse_listen(text, Some(port)))
            }
        };
        let ingress = match &written.ingress {
            None => ingress.iter().map(|listener| listener.on_node_of(zone)).collect(),
            Some(own) => {
                let own = self.listeners(format_args!("{path}.ingress"), own);
                own.iter().map(|listener| listener.on_node_of(zone)).collect()
            }
        };
        Some(Node { address: address?, listen: listen?, ingress })
    }

    fn links(&mut self, path: &str, zone: &str, written: &[wire::Link]) -> BTreeMap<ZoneName, Link> {
        let mut links = BTreeMap::new();
        for (index, link) in written.iter().enumerate() {
            let path = format!("{path}.links[{index}]");
            let target = self.zone(format_args!("{path}.to"), link.to.as_str());
            if link.to.as_str() == zone {
                self.fault(format_args!("{path}.to"), SiteFault::LinkToItself);
            }
            if written.iter().take(index).any(|earlier| earlier.to == link.to) {
                let fault = SiteFault::Repeated { what: "a link to", name: link.to.as_str().to_owned() };
                self.fault(format_args!("{path}.to"), fault);
            }
            let cost = self.number(format_args!("{path}.cost"), link.cost, 1);
            let egress = link.egress.as_ref().map(|names| {
                self.name_list(format_args!("{path}.egress"), "node", names, |check, path, name| {
                    check.node_of(path, name, zone, "name the nodes of this zone that can use the link")
                })
            });
            let gateways = self.gateways(&path, link);
            links.extend(target.map(|target| (target, Link { index, cost, egress, gateways })));
        }
        links
    }

    /// The gateways of a link (default: the target's nodes) and how each is reached.
    fn gateways(&mut self, path: &str, link: &wire::Link) -> BTreeMap<NodeId, Way> {
        let wire = self.wire;
        let target = wire.zones.get(link.to.as_str());
        let nodes = target.and_then(|zone| zone.nodes.as_ref());
        let gateways: BTreeSet<NodeId> = match &link.gateways {
            // Without a target nothing can be said of the gateways: that is reported as `to`.
            Some(_) if target.is_none() => BTreeSet::new(),
            Some(names) => {
                self.name_list(format_args!("{path}.gateways"), "gateway", names, |check, path, name| {
                    check.node_of(path, name, link.to.as_str(), "a gateway is a node of the link's target")
                })
            }
            None => nodes.into_iter().flatten().filter_map(|(id, _)| NodeId::parse(id).ok()).collect(),
        };
        let tunnel = link.tunnel == Some(true);
        if tunnel && link.address.is_some() {
            self.fault(path, SiteFault::TunnelAndAddress);
        }
        let mut addresses = BTreeMap::new();
        for (node, text) in link.address.iter().flatten() {
            let path = format!("{path}.address{}", Step(node));
            // A name in `gateways` that is faulty itself is reported there.
            let named = link.gateways.iter().flatten().any(|name| name.as_str() == node);
            if target.is_some() && !named && !gateways.contains(node.as_str()) {
                self.fault(&path, SiteFault::NoSuchGateway(node.clone()));
            }
            let address = self.parsed(&path, HostPort::parse(text, Some(DEFAULT_PEER_PORT)));
            addresses.extend(address.map(|address| (node.as_str(), address)));
        }
        let way = |node: &NodeId| {
            if tunnel {
                return Some(Way::Tunnel);
            }
            let own = || HostPort::parse(&nodes?.get(node.as_str())?.address, Some(DEFAULT_PEER_PORT)).ok();
            addresses.get(node.as_str()).cloned().or_else(own).map(Way::Dial)
        };
        gateways.into_iter().filter_map(|node| way(&node).map(|way| (node, way))).collect()
    }
}
