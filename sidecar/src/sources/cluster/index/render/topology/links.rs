//! The links that Zones have.

use std::collections::{BTreeMap, BTreeSet};

use zoneway_site::wire;

use super::super::super::super::objects::{LabelSelector, ZoneGateway, ZoneLink};
use super::super::super::super::picture::Reason;
use super::super::super::super::settings::Settings;
use super::super::super::digest::Store;
use super::super::super::digest::zone::ZoneDigest;
use super::super::Notes;
use super::{MOST, Topology, dialled, unknown_zone};

/// Whether it is written that nodes do not know each other by certificates.
fn is_in_clear(settings: &Settings) -> bool {
    settings.settings.peer_authentication.as_ref().is_some_and(|peers| peers.none.is_some())
}

impl Topology {
    pub(super) fn links(&mut self, settings: &Settings, store: &Store, notes: &mut Notes) {
        for (zone, digest) in &store.zones {
            let mut links: Vec<wire::Link> = Vec::new();
            for link in &digest.spec.links {
                let why = match self.place(&link.to) {
                    None => unknown_zone("links", &link.to),
                    Some(_) if link.to == **zone => "a link goes to its own zone: take it out".to_owned(),
                    Some(_) if links.iter().any(|other| other.to.as_str() == link.to) => {
                        format!("a second link goes to zone \"{}\": keep one", link.to)
                    }
                    Some(_) if link.tunnel == Some(true) && is_in_clear(settings) => format!(
                        "the link to \"{}\" is left out: anybody could register as a tunnel's gateway where nodes do not \
                         know each other by certificates: write those files (`peer_authentication` in the settings), or \
                         take `tunnel` out",
                        link.to
                    ),
                    Some(_) => {
                        links.push(self.link(zone, link, digest, settings, store, notes));
                        continue;
                    }
                };
                notes.add(&digest.object, Reason::ZoneUnusable, why);
            }
            if let Some(zone) = self.zones.get_mut(zone.as_ref()).filter(|_| !links.is_empty()) {
                links.sort_by(|a, b| a.to.cmp(&b.to));
                zone.links = Some(links);
            }
        }
    }

    fn link(
        &self,
        zone: &str,
        link: &ZoneLink,
        digest: &ZoneDigest,
        settings: &Settings,
        store: &Store,
        notes: &mut Notes,
    ) -> wire::Link {
        let mut wrong = |message: String| {
            notes.add(
                &digest.object,
                Reason::ZoneUnusable,
                format!("the link to \"{}\": {message}", link.to),
            );
        };
        let cost = link.cost.filter(|cost| {
            let fits = (1..=MOST).contains(cost);
            if !fits {
                wrong(format!("its cost {cost} is out of range and taken for 1: write 1 to {MOST}"));
            }
            fits
        });
        let tunnel = link.tunnel == Some(true);
        let egress = link
            .egress
            .as_ref()
            .map(|selector| self.selected(zone, selector, store).map(Into::into).collect());
        let mut gateways: Option<BTreeSet<&str>> = None;
        let mut addresses = BTreeMap::new();
        for ZoneGateway { selector, node, address } in link.gateways.iter().flatten() {
            let named = gateways.get_or_insert_default();
            if let Some(selector) = selector {
                named.extend(self.selected(&link.to, selector, store));
            }
            let Some(node) = node else { continue };
            let known = self.zones.get(&link.to).and_then(|zone| zone.nodes.as_ref());
            if !known.is_some_and(|nodes| nodes.contains_key(node)) {
                wrong(format!("its gateway \"{node}\" is no node of that zone now"));
                continue;
            }
            match address.as_deref().map(|address| dialled(address, settings.peer_port)) {
                Some(_) if tunnel => {
                    wrong(format!("its gateway \"{node}\" dials in, so its address is not used"))
                }
                Some(Err(error)) => {
                    wrong(format!("its gateway \"{node}\": {error}"));
                    continue;
                }
                Some(Ok(address)) => drop(addresses.insert(node.clone(), address)),
                None => {}
            }
            named.insert(node);
        }
        wire::Link {
            to: link.to.as_str().into(),
            cost,
            egress,
            gateways: gateways.map(|names| names.into_iter().map(Into::into).collect()),
            address: Some(addresses).filter(|addresses| !addresses.is_empty()),
            tunnel: tunnel.then_some(true),
        }
    }

    /// The nodes of a zone that a selector selects: machines that only a Zone knows have no labels.
    fn selected<'a>(
        &'a self,
        zone: &'a str,
        selector: &'a LabelSelector,
        store: &'a Store,
    ) -> impl Iterator<Item = &'a str> {
        self.serving_in(zone).iter().map(AsRef::as_ref).filter(|name: &&str| {
            store.nodes.get(*name).is_some_and(|node| selector.matches(|key| node.label(key)))
        })
    }
}
