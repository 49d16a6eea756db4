//! A table has room for so many zones and links. Of more, some are left out, and who has them is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use zoneway_core::table::Limits;

use super::super::super::super::picture::Reason;
use super::super::super::super::settings::Settings;
use super::super::super::digest::Store;
use super::super::Notes;
use super::Topology;

/// The zones that there is room for: home and the settings' own, then those with an object, then those that are labels
/// alone; of each the first by name.
pub(super) fn zones(names: BTreeSet<Arc<str>>, settings: &Settings, store: &Store) -> Vec<Arc<str>> {
    let most = Limits::default().zones;
    let mut names: Vec<Arc<str>> = names.into_iter().collect();
    if names.len() > most {
        let named: BTreeSet<&str> = settings.zones().chain([settings.home()]).collect();
        let rank = |name: &Arc<str>| (!named.contains(name.as_ref()), !store.zones.contains_key(name));
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

    /// Takes away the links that there is no room for: the last, by the names of their zones.
    pub(super) fn fit_links(&mut self, store: &Store, notes: &mut Notes) {
        let most = Limits::default().links;
        let mut room = most;
        for (name, zone) in &mut self.zones {
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
