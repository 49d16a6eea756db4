//! Rules 1, 2 and 8: every zone's outside, and of the view's own the inside.

use std::collections::BTreeMap;

use zoneway_core::name::{NodeId, ZoneName};
use zoneway_core::table::wire;

use super::{Seen, Warning};
use crate::site::{Link, Way, Zone};

impl Seen<'_> {
    pub(super) fn zones(&self, warnings: &mut Vec<Warning>) -> BTreeMap<String, wire::Zone> {
        let zone = |(name, zone): (&ZoneName, &Zone)| {
            let own = name == self.zone;
            let links = zone.links.iter().map(|(to, link)| match own {
                true => self.own_link(to, link, warnings),
                false => outside(to, link),
            });
            let links: Vec<_> = links.collect();
            let nodes = if own { self.nodes(warnings) } else { BTreeMap::new() };
            let itself = zone.speaks_for.iter().eq([name]);
            let written = wire::Zone {
                public: zone.public.then_some(true),
                nodes: Some(nodes).filter(|nodes| !nodes.is_empty()),
                links: Some(links).filter(|links| !links.is_empty()),
                speaks_for: (!itself).then(|| zone.speaks_for.iter().map(ToString::to_string).collect()),
            };
            (name.to_string(), written)
        };
        self.site.zones().iter().map(zone).collect()
    }

    fn nodes(&self, warnings: &mut Vec<Warning>) -> BTreeMap<String, wire::Node> {
        let mut nodes = BTreeMap::new();
        for (id, node) in &self.own.nodes {
            if let Some(address) = self.names.resolve(&node.address) {
                nodes.insert(id.to_string(), wire::Node { address: address.to_string() });
            } else {
                let name = node.address.name().unwrap_or_default().to_owned();
                warnings.push(Warning::Node { zone: self.zone.clone(), node: id.clone(), name });
            }
        }
        nodes
    }

    fn own_link(&self, to: &ZoneName, link: &Link, warnings: &mut Vec<Warning>) -> wire::Link {
        // An empty list is no absent one: with every egress node gone, nobody can use the link.
        let egress = link.egress.as_ref().map(|nodes| {
            nodes.iter().filter(|node| self.is_there(node)).map(ToString::to_string).collect::<Vec<_>>()
        });
        let mut gateways = Vec::with_capacity(link.gateways.len());
        for (node, way) in &link.gateways {
            match self.gateway(node, way) {
                Ok(gateway) => gateways.push(gateway),
                Err(name) => warnings.push(Warning::Gateway {
                    zone: self.zone.clone(),
                    to: to.clone(),
                    index: link.index,
                    node: node.clone(),
                    name: name.to_owned(),
                }),
            }
        }
        let gateways = Some(gateways).filter(|gateways| !gateways.is_empty());
        wire::Link { egress, gateways, ..outside(to, link) }
    }

    /// A gateway as it is reached from here, or the name that would be needed for that.
    fn gateway<'a>(&self, node: &NodeId, way: &'a Way) -> Result<wire::Gateway, &'a str> {
        let gateway = wire::Gateway { node: node.to_string(), ..wire::Gateway::default() };
        match way {
            Way::Tunnel => Ok(wire::Gateway { tunnel: Some(true), ..gateway }),
            Way::Dial(place) => match self.names.resolve(place) {
                Some(address) => Ok(wire::Gateway { address: Some(address.to_string()), ..gateway }),
                None => Err(place.name().unwrap_or_default()),
            },
        }
    }
}

/// What every view knows of a link.
fn outside(to: &ZoneName, link: &Link) -> wire::Link {
    let cost = Some(link.cost).filter(|cost| *cost != 1);
    wire::Link { to: to.to_string(), cost, egress: None, gateways: None }
}
