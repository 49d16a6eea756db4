//! How many bytes a site's hosts take in the table of each zone: never less than they do, and a few bytes a host more.
//!
//! The figures are those of canonical JSON, as `zoneway_site`'s views write it.

use std::collections::HashMap;

use zoneway_site::wire;

use super::super::topology::Topology;
use super::super::zone_set::ZoneSet;
use super::super::{Routing, Running};

/// `{"hosts":[],"revision":{"epoch":…,"sequence":…},"version":1,"view":"…","zones":{}}`, but for the view.
const TABLE: usize = 140;
/// `"NAME":{"links":[],"nodes":{},"public":true,"speaks_for":[]},`, but for the name.
const ZONE: usize = 64;
/// `"NAME":{"address":"…"},`, but for both.
const NODE: usize = 20;
/// `{"cost":1000000,"egress":[],"gateways":[],"to":"NAME"},`, but for the name.
const LINK: usize = 56;
/// `{"address":"…","node":"NAME","tunnel":true},`, but for address and name.
const GATEWAY: usize = 44;
/// The longest address with a port, whatever a name resolves to.
const ADDRESS: usize = 53;
/// `{"exposed_to":[],"host":"NAME","rules":[]},`, but for the name.
const HOST: usize = 39;
/// `"prefer":"zone",`
const PREFER: usize = 16;
/// `{"path":"PATH"},`, but for the path.
const RULE: usize = 12;
/// `"backends":[],`
const BACKENDS: usize = 14;
/// `"exposed_to":[],`
const EXPOSED_TO: usize = 16;
/// `{"node":"NAME"},`, but for the name.
const BACKEND: usize = 12;
/// `"weight":1000000,`
const WEIGHT: usize = 17;
/// `"NAME",`, but for the name.
const ITEM: usize = 3;

/// The bytes of each zone's table without its hosts, by the zones' places.
pub(in super::super) fn frames(topology: &Topology) -> Vec<usize> {
    let list = |names: &[wire::Name]| names.iter().map(|name| ITEM + name.as_str().len()).sum::<usize>();
    let zones = || topology.zones.iter();
    let links = |zone: &wire::Zone| {
        zone.links.iter().flatten().map(|link| LINK + link.to.as_str().len()).sum::<usize>()
    };
    let outside = |(name, zone): (&String, &wire::Zone)| {
        ZONE + name.len() + zone.speaks_for.as_deref().map_or(0, list) + links(zone)
    };
    let common: usize = TABLE + zones().map(outside).sum::<usize>();
    let nodes = |zone: &wire::Zone, each: usize| {
        let nodes = zone.nodes.iter().flatten();
        nodes.map(|(id, node)| each + id.len() + node.address.len().max(ADDRESS)).sum::<usize>()
    };
    let gateways = |link: &wire::Link| match &link.gateways {
        Some(named) => named.iter().map(|id| GATEWAY + id.as_str().len() + ADDRESS).sum(),
        None => topology.zones.get(link.to.as_str()).map_or(0, |to| nodes(to, GATEWAY)),
    };
    let own_link = |link: &wire::Link| gateways(link) + link.egress.as_deref().map_or(0, list);
    let own = |(name, zone): (&String, &wire::Zone)| {
        common + name.len() + nodes(zone, NODE) + zone.links.iter().flatten().map(own_link).sum::<usize>()
    };
    zones().map(own).collect()
}

/// The bytes of all hosts, but for their backends.
pub(in super::super) fn bytes_of_hosts(hosts: &wire::Entries<wire::Host>, home: &str) -> usize {
    let list = |names: Option<&Vec<wire::Name>>| match names {
        Some(names) => names.iter().map(|name| ITEM + name.as_str().len()).sum(),
        None => ITEM + home.len(),
    };
    let host = |name: &str, host: &wire::Host| {
        // Once for the host, which has the union, and once for a rule that has less.
        let rules = host.paths.iter().flatten();
        let rules = rules.map(|(path, rule)| {
            RULE + BACKENDS + EXPOSED_TO + json(path) + 2 * list(rule.expose_to.as_ref())
        });
        let whole = HOST + PREFER + RULE + BACKENDS + EXPOSED_TO + 1;
        whole + name.len() + list(host.expose_to.as_ref()) + rules.sum::<usize>()
    };
    hosts.iter().map(|(name, written)| host(name, written)).sum()
}

/// The most bytes that any zone's table can have: a sum over services, too large by far where there are several zones.
pub(super) fn at_most(routing: &Routing, running: &Running) -> usize {
    let topology = &routing.topology;
    let names = topology.zones.keys().map(String::len).max().unwrap_or_default();
    let ids = topology.node_origins.keys().map(String::len).max().unwrap_or_default();
    let each = BACKEND + WEIGHT + names.max(ids);
    let services = running.services();
    let uses = routing.merged.uses.iter();
    let uses = uses.map(|(name, used)| {
        let at = services.get(name).and_then(|service| service.at.as_ref());
        used.by.len() * at.map_or(0, |at| at.iter().count()) * each
    });
    let frame = routing.frames.iter().max().copied().unwrap_or_default();
    frame + routing.bytes + uses.sum::<usize>()
}

/// What a service's backends take, by the place of their zone: its nodes in its own table, itself in others'.
type Served = Box<[(usize, Taken)]>;

/// What the backends of a service in one zone take.
#[derive(Default)]
struct Taken {
    nodes: usize,
    zone: usize,
    /// The sum of their weights.
    weight: u64,
}

/// What every host takes in every zone's table.
pub(super) struct Sizes<'r> {
    topology: &'r Topology,
    served: HashMap<&'r str, Served>,
    /// Whether any wildcard could answer for a host that a zone's table would not have otherwise.
    wildcards: bool,
    /// Of each zone, by its place: whether it is public, and whom it speaks for.
    zones: Vec<(bool, ZoneSet)>,
}

/// A rule, as far as its bytes go.
struct Rule {
    path: usize,
    exposed_to: ZoneSet,
}

impl<'r> Sizes<'r> {
    pub(super) fn of(routing: &'r Routing, running: &'r Running) -> Self {
        let topology = &routing.topology;
        let served = |service: &'r wire::Service| {
            let mut zones: HashMap<usize, Taken> = HashMap::new();
            for (node, served) in service.at.iter().flat_map(|at| at.iter()) {
                let zone = topology.zone_of(node).unwrap_or_default();
                let weight = served.weight.unwrap_or(1);
                let taken = zones.entry(topology.place(zone).unwrap_or_default()).or_default();
                taken.nodes += BACKEND + node.len() + if weight == 1 { 0 } else { WEIGHT };
                taken.weight = taken.weight.saturating_add(weight);
                taken.zone = BACKEND + zone.len() + if taken.weight == 1 { 0 } else { WEIGHT };
            }
            zones.into_iter().collect::<Served>()
        };
        let services = running.services().iter();
        let set = |names: &[wire::Name]| {
            let places = names.iter().filter_map(|name| topology.place(name.as_str()));
            places.fold(ZoneSet::default(), |set, place| set | ZoneSet::one(place))
        };
        let zone = |(place, zone): (usize, &wire::Zone)| {
            let itself = ZoneSet::one(place);
            (zone.public == Some(true), zone.speaks_for.as_deref().map_or(itself, set))
        };
        Self {
            topology,
            served: services.map(|(name, service)| (name.as_ref(), served(service))).collect(),
            wildcards: routing.merged.hosts.keys().next().is_some_and(|first| first.starts_with('*')),
            zones: topology.zones.values().enumerate().map(zone).collect(),
        }
    }

    /// The most bytes that any zone's table can have: as if each had all hosts.
    pub(super) fn at_most(&self, routing: &Routing) -> usize {
        let mut backends = vec![0; self.zones.len()];
        for (service, used) in routing.merged.uses.iter() {
            for (place, bytes) in backends.iter_mut().enumerate() {
                *bytes += used.by.len() * self.backends(Some(service), place);
            }
        }
        let tables = backends.into_iter().zip(&routing.frames).map(|(backends, frame)| frame + backends);
        routing.bytes + tables.max().unwrap_or_default()
    }

    /// What a host takes in the table of each zone, by the zones' places.
    pub(super) fn of_host(&self, name: &str, host: &wire::Host) -> Vec<usize> {
        let own = self.set(host.expose_to.as_deref());
        let whole = host.service.as_ref().map(|service| (1, own, Some(service.as_str())));
        let paths = host.paths.iter().flatten().map(|(path, rule)| {
            let exposed_to = rule.expose_to.as_deref().map_or(own, |zones| self.set(Some(zones)));
            (json(path), exposed_to, rule.service.as_ref().map(wire::Name::as_str))
        });
        let rules: Vec<(Rule, Option<&str>)> = whole
            .into_iter()
            .chain(paths)
            .map(|(path, exposed_to, service)| (Rule { path, exposed_to }, service))
            .collect();
        let beside = HOST + name.len() + if host.prefer.is_some() { PREFER } else { 0 };
        (0..self.zones.len()).map(|place| self.of_rules(beside, &rules, place)).collect()
    }

    /// `beside`: what the host takes beside its lists.
    fn of_rules(&self, beside: usize, rules: &[(Rule, Option<&str>)], place: usize) -> usize {
        let Some((public, speaks_for)) = self.zones.get(place) else { return 0 };
        let is_here = |service: &Option<&str>| {
            let served = service.and_then(|service| self.served.get(service));
            served.is_some_and(|served| served.iter().any(|(zone, _)| *zone == place))
        };
        let seen = || {
            let of_view = |(rule, service): &&(Rule, Option<&str>)| {
                !public || rule.exposed_to.has(place) || is_here(service)
            };
            rules.iter().filter(of_view)
        };
        let union = seen().fold(ZoneSet::default(), |all, (rule, _)| all | rule.exposed_to);
        let speaks = union & *speaks_for != ZoneSet::default();
        if !speaks && !seen().any(|(_, service)| is_here(service)) {
            return if self.wildcards && !public { beside } else { 0 };
        }
        let rules = seen().map(|(rule, service)| {
            let own = if rule.exposed_to == union { 0 } else { EXPOSED_TO + self.list(rule.exposed_to) };
            RULE + rule.path + own + self.backends(*service, place)
        });
        beside + self.list(union) + rules.sum::<usize>()
    }

    /// The bytes of a service's backends in a zone's table.
    fn backends(&self, service: Option<&str>, place: usize) -> usize {
        let served = service.and_then(|service| self.served.get(service)).into_iter().flatten();
        let taken = served.map(|(zone, taken)| if *zone == place { taken.nodes } else { taken.zone });
        let taken: usize = taken.sum();
        if taken == 0 { 0 } else { BACKENDS + taken }
    }

    fn list(&self, zones: ZoneSet) -> usize {
        self.topology.named(zones).map(|name| ITEM + name.len()).sum()
    }

    fn set(&self, names: Option<&[wire::Name]>) -> ZoneSet {
        let Some(names) = names else { return ZoneSet::one(self.topology.home) };
        let places = names.iter().filter_map(|name| self.topology.place(name.as_str()));
        places.fold(ZoneSet::default(), |set, place| set | ZoneSet::one(place))
    }
}

/// The bytes of every zone's table, so far.
pub(super) struct Sum(Vec<usize>);

impl Sum {
    /// Without any host.
    pub(super) fn of(routing: &Routing) -> Self {
        Self(routing.frames.clone())
    }

    pub(super) fn add(&mut self, host: &[usize]) {
        self.0.iter_mut().zip(host).for_each(|(sum, bytes)| *sum += bytes);
    }

    /// The bytes of the largest table.
    pub(super) fn most(&self) -> usize {
        self.0.iter().max().copied().unwrap_or_default()
    }

    /// The bytes of the largest of the tables that a host is in, with it.
    pub(super) fn with(&self, host: &[usize]) -> usize {
        let with = self.0.iter().zip(host).filter(|(_, bytes)| **bytes > 0).map(|(sum, bytes)| sum + bytes);
        with.max().unwrap_or_default()
    }
}

/// The bytes of a text in JSON, without its quotes: of what a path may have, quotes alone are escaped.
fn json(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| *byte == b'"').count()
}
