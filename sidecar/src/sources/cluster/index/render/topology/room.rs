//! A table has room for so many zones, nodes and links. Of more, the youngest are left out, and who has them is told: what
//! is served is not to go because something new came.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zoneway_core::table::Limits;
use zoneway_site::wire;

use super::super::super::super::objects::Kind;
use super::super::super::super::picture::Reason;
use super::super::super::super::settings::Settings;
use super::super::super::digest::Store;
use super::super::Notes;
use super::Topology;

/// The zones that there is room for: home and the settings' own, then by the age of the oldest node or object that has
/// it; of one age those with an object first, then by name.
pub(super) fn zones(names: BTreeSet<Arc<str>>, settings: &Settings, store: &Store) -> Vec<Arc<str>> {
    let most = Limits::default().zones;
    let mut names: Vec<Arc<str>> = names.into_iter().collect();
    if names.len() > most {
        let named: BTreeSet<&str> = settings.zones().chain([settings.home()]).collect();
        let mut ages: BTreeMap<&str, i64> = BTreeMap::new();
        let nodes = store.nodes.values().filter_map(|node| Some((node.zone.as_deref()?, node.created)));
        let objects = store.zones.iter().map(|(name, zone)| (name.as_ref(), zone.created));
        for (zone, created) in nodes.chain(objects) {
            let age = ages.entry(zone).or_insert(created);
            *age = created.min(*age);
        }
        let age = |name: &str| ages.get(name).copied().unwrap_or(i64::MAX);
        let rank =
            |name: &Arc<str>| (!named.contains(name.as_ref()), age(name), !store.zones.contains_key(name));
        names.sort_by_key(rank);
        names.truncate(most);
        names.sort_unstable();
    }
    names
}

impl Topology {
    /// Takes the nodes of zones that there is no room for, and tells of both.
    pub(super) fn leave_out(&mut self, store: &Store, notes: &mut Notes) {
        let most = Limits::default().zones;
        for (name, zone) in store.zones.iter().filter(|(name, _)| self.place(name).is_none()) {
            if zoneway_core::name::ZoneName::parse(name).is_ok() {
                let message = format!("there are more than {most} zones, and it is left out: take some away");
                notes.add(&zone.object, Reason::ZoneUnusable, message);
            }
        }
        let mut zone_of = std::mem::take(&mut self.zone_of);
        zone_of.retain(|node, zone| {
            let is_there = self.place(zone).is_some();
            if let Some(node) = store.nodes.get(node).filter(|_| !is_there) {
                let message = format!(
                    "its zone \"{zone}\" is left out, for there are more than {most}: label it with one that is there"
                );
                notes.add(&node.object, Reason::NodeUnusable, message);
            }
            is_there
        });
        self.zone_of = zone_of;
    }

    /// Takes away the nodes that a zone has no room for: the youngest. What runs on one is served by the others.
    pub(super) fn fit_nodes(&mut self, store: &Store, notes: &mut Notes) {
        let most = Limits::default().nodes;
        for (name, zone) in &mut self.zones {
            let Some(nodes) = zone.nodes.as_mut().filter(|nodes| nodes.len() > most) else { continue };
            let of_zone = store.zones.get(name.as_str());
            let age = |id: &str| match (self.serving.contains_key(id), store.nodes.get(id), of_zone) {
                (true, Some(node), _) => node.created,
                (.., Some(zone)) => zone.created,
                (.., None) => i64::MIN,
            };
            let mut ids: Vec<String> = nodes.keys().cloned().collect();
            ids.sort_by_cached_key(|id| (age(id), id.clone()));
            let gone: BTreeSet<String> = ids.split_off(most).into_iter().collect();
            nodes.retain(|id, _| !gone.contains(id));
            if let Some(serving) = self.serving_in.get_mut(name.as_str()) {
                serving.retain(|id| !gone.contains(id.as_ref()));
            }
            for id in &gone {
                self.serving.remove(id.as_str());
                let Some(object) = self.node_origins.remove(id) else { continue };
                let message = format!(
                    "node \"{id}\" is left out: zone \"{name}\" has more than {most}, and older ones stay"
                );
                let is_node = object.kind == Kind::Node;
                notes.add(
                    &object,
                    if is_node { Reason::NodeUnusable } else { Reason::ZoneUnusable },
                    message,
                );
            }
        }
    }

    /// Takes away the links that there is no room for: those of the youngest Zones.
    pub(super) fn fit_links(&mut self, store: &Store, notes: &mut Notes) {
        let most = Limits::default().links;
        let mut room = most;
        let age = |name: &str| store.zones.get(name).map_or(i64::MIN, |zone| zone.created);
        let mut zones: Vec<(&String, &mut wire::Zone)> = self.zones.iter_mut().collect();
        zones.sort_by_key(|(name, _)| age(name));
        for (name, zone) in zones {
            let Some(links) = &mut zone.links else { continue };
            let count = links.len();
            links.truncate(room);
            room -= links.len();
            if let (true, Some(zone)) = (links.len() < count, store.zones.get(name.as_str())) {
                let message = format!(
                    "there are more than {most} links, and {} of its own are left out: take some away",
                    count - links.len()
                );
                notes.add(&zone.object, Reason::ZoneUnusable, message);
            }
        }
    }
}
