//! From the written site to the one that is meant: every fault in one pass, in the order of the file's sections.
//!
//! What is faulty is left out of the result, so that one fault does not make others; a result with faults is thrown
//! away by the caller.

mod hosts;
mod services;
mod settings;
mod zones;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::iter::Peekable;
use std::sync::Arc;

use core::fmt::Display;

use zoneway_core::fault::Step;
use zoneway_core::name::{NodeId, ZoneName};
use zoneway_core::table::Limits;

use crate::fault::{Fault, SiteFault};
use crate::site::{Host, Site};
use crate::suggestion::closest;
use crate::wire::{self, Name};

/// The version of the site's format that this program reads.
const SITE_VERSION: u64 = 1;

/// The most that a weight or a cost may be (DESIGN, "The zone table").
const MOST: u64 = 1_000_000;

/// The site, and every fault of it.
pub(crate) fn build(wire: &wire::Site, before: Option<(&wire::Site, &Site)>) -> (Site, Vec<Fault>) {
    // With other zones or settings, every name may mean something else.
    let before = before.filter(|(old, _)| {
        wire.version == SITE_VERSION && old.settings == wire.settings && old.zones == wire.zones
    });
    let mut check = Check {
        wire,
        limits: Limits::default(),
        node_zones: BTreeMap::new(),
        public: wire
            .zones
            .iter()
            .filter(|(_, zone)| zone.public == Some(true))
            .map(|(n, _)| n.as_str())
            .collect(),
        before,
        exposures: HashSet::new(),
        meant: HashSet::new(),
        services_stay: false,
        faults: Vec::new(),
    };
    if let Some((_, old)) = before {
        check.place_nodes();
        let (services, hosts) = (check.services(), check.hosts(old.settings.home.as_ref()));
        let (settings, zones, node_zones) =
            (old.settings.clone(), Arc::clone(&old.zones), Arc::clone(&old.node_zones));
        return (Site { settings, zones, services, hosts, node_zones }, check.faults);
    }
    if wire.version != SITE_VERSION {
        check.fault("version", SiteFault::Version(wire.version));
    }
    check.place_nodes();
    let (settings, ingress) = check.settings();
    let zones = Arc::new(check.zones(&ingress));
    let services = check.services();
    let hosts = check.hosts(settings.home.as_ref());
    let node_zones = check
        .node_zones
        .iter()
        .filter_map(|(node, zone)| Some((NodeId::parse(node).ok()?, ZoneName::parse(zone).ok()?)))
        .collect();
    let node_zones = Arc::new(node_zones);
    (Site { settings, zones, services, hosts, node_zones }, check.faults)
}

struct Check<'a> {
    wire: &'a wire::Site,
    limits: Limits,
    /// The first zone, bytewise, that has each node.
    node_zones: BTreeMap<&'a str, &'a str>,
    /// The names of the public zones.
    public: BTreeSet<&'a str>,
    /// Another site with the same zones and settings, and what it was found to mean.
    before: Option<(&'a wire::Site, &'a Site)>,
    /// Sets of zones that rules are exposed to, each once.
    exposures: HashSet<Arc<BTreeSet<ZoneName>>>,
    /// What hosts mean, each once: there are more hosts than services, and most say no more than the service's name.
    meant: HashSet<Arc<Host>>,
    /// Whether every service of that other site is there still.
    services_stay: bool,
    faults: Vec<Fault>,
}

/// Goes along a sorted list beside another one.
struct Beside<I: Iterator>(Peekable<I>);

impl<K: AsRef<str>, V, I: Iterator<Item = (K, V)>> Beside<I> {
    /// What the list has under a name, which is behind every one that was asked for before.
    fn at(&mut self, name: &str) -> Option<(K, V)> {
        while self.0.next_if(|(known, _)| known.as_ref() < name).is_some() {}
        self.0.next_if(|(known, _)| known.as_ref() == name)
    }
}

impl<'a> Check<'a> {
    fn fault(&mut self, path: impl Display, fault: impl Into<SiteFault>) {
        self.faults.push(Fault { path: path.to_string(), fault: fault.into() });
    }

    /// Keeps what parsed, reports what did not.
    fn parsed<T, E: Into<SiteFault>>(&mut self, path: impl Display, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.fault(path, error)).ok()
    }

    fn at_most(&mut self, path: impl Display, what: &'static str, count: usize, limit: usize) {
        if count > limit {
            self.fault(path, SiteFault::TooMany { what, count, limit });
        }
    }

    /// A number of the table, or its default of 1 where there is none or a faulty one.
    fn number(&mut self, path: impl Display, value: Option<u64>, least: u64) -> u64 {
        let value = value.unwrap_or(1);
        if (least..=MOST).contains(&value) {
            value
        } else {
            self.fault(path, SiteFault::Range { value, least, most: MOST });
            1
        }
    }

    fn place_nodes(&mut self) {
        for (zone, written) in &self.wire.zones {
            for node in written.nodes.iter().flatten().map(|(id, _)| id) {
                self.node_zones.entry(node).or_insert(zone);
            }
        }
    }

    /// A zone that is named somewhere.
    fn zone(&mut self, path: impl Display, name: &str) -> Option<ZoneName> {
        if self.wire.zones.contains_key(name) {
            // A faulty name is reported where the zone is written.
            return ZoneName::parse(name).ok();
        }
        let closest = closest(name, self.wire.zones.keys().map(String::as_str)).map(str::to_owned);
        match ZoneName::parse(name) {
            Ok(_) => self.fault(path, SiteFault::UnknownZone { name: name.to_owned(), closest }),
            Err(error) => self.fault(path, error),
        }
        None
    }

    /// A list of zones, without repeats.
    fn zone_list(&mut self, path: impl Display, names: &[Name]) -> BTreeSet<ZoneName> {
        self.name_list(path, "zone", names, |check, path, name| check.zone(path, name))
    }

    /// A node that is named somewhere, with its zone.
    fn node(&mut self, path: impl Display, name: &str) -> Option<(NodeId, &'a str)> {
        if let Some(zone) = self.node_zones.get(name) {
            return Some((NodeId::parse(name).ok()?, zone));
        }
        let closest = closest(name, self.node_zones.keys().copied()).map(str::to_owned);
        match NodeId::parse(name) {
            Ok(_) => self.fault(path, SiteFault::UnknownNode { name: name.to_owned(), closest }),
            Err(error) => self.fault(path, error),
        }
        None
    }

    /// A node that has to be of one zone.
    fn node_of(
        &mut self,
        path: impl Display,
        name: &str,
        zone: &str,
        remedy: &'static str,
    ) -> Option<NodeId> {
        let (node, its) = self.node(&path, name)?;
        if its == zone || self.wire.zones.get(zone)?.nodes.as_ref().is_some_and(|n| n.contains_key(name)) {
            return Some(node);
        }
        let (node, its, zone) = (name.to_owned(), its.to_owned(), zone.to_owned());
        self.fault(path, SiteFault::OtherZone { node, its, zone, remedy });
        None
    }

    /// A list of names, each looked up by `find`, without repeats.
    fn name_list<T: Ord>(
        &mut self,
        path: impl Display,
        what: &'static str,
        names: &[Name],
        mut find: impl FnMut(&mut Self, &str, &str) -> Option<T>,
    ) -> BTreeSet<T> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for (index, name) in names.iter().map(Name::as_str).enumerate() {
            let path = format!("{path}[{index}]");
            if !seen.insert(name) {
                self.fault(path, SiteFault::Repeated { what, name: name.to_owned() });
            } else if let Some(value) = find(self, &path, name) {
                found.insert(value);
            }
        }
        found
    }
}

/// `zones.403`, or `hosts["notes.stuartpb.com"]`.
fn place(map: &str, key: &str) -> String {
    format!("{map}{}", Step(key))
}

#[cfg(test)]
mod tests;
