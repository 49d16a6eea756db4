//! The zones, their nodes and their links.

mod links;
mod room;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::sync::Arc;

use zoneway_core::name::{HostPattern, NodeId, ZoneName};
use zoneway_site::{HostPort, wire};

use super::super::super::objects::{Kind, ObjectRef};
use super::super::super::picture::{Reason, ZoneSummary};
use super::super::super::settings::Settings;
use super::super::digest::Store;
use super::super::digest::node::NodeDigest;
use super::super::digest::zone::ZoneDigest;
use super::Notes;
use super::zone_set::ZoneSet;

/// The most that a cost or a weight may be (DESIGN, "The zone table").
pub(super) const MOST: u64 = 1_000_000;

/// The zones, their nodes and their links.
#[derive(Debug, Default)]
pub(super) struct Topology {
    /// As the site has them.
    pub(super) zones: BTreeMap<String, wire::Zone>,
    pub(super) zone_origins: BTreeMap<String, ObjectRef>,
    pub(super) node_origins: BTreeMap<String, ObjectRef>,
    /// Their names, sorted: a zone's place here is its bit.
    pub(super) names: Vec<Arc<str>>,
    /// The home's place.
    pub(super) home: usize,
    /// What may be exposed to a zone, by its place; absent: everything.
    allowed: BTreeMap<usize, Allowed>,
    /// The zone of every node of the cluster, with an Envoy or without.
    zone_of: BTreeMap<Arc<str>, Arc<str>>,
    /// The nodes of the cluster that have an Envoy and serve, each with what its endpoints count for.
    serving: BTreeMap<Arc<str>, u64>,
    /// The same, by zone.
    serving_in: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    public: BTreeSet<Arc<str>>,
}

/// What may be exposed to a zone.
#[derive(Debug)]
struct Allowed {
    namespaces: Option<BTreeSet<String>>,
    hosts: Option<Vec<HostPattern>>,
}

impl Allowed {
    fn allows(&self, namespace: &str, host: &HostPattern) -> bool {
        self.namespaces.as_ref().is_none_or(|namespaces| namespaces.contains(namespace))
            && self.hosts.as_ref().is_none_or(|hosts| hosts.iter().any(|one| one == host || one.covers(host)))
    }
}

impl Topology {
    pub(super) fn of(settings: &Settings, supposes: bool, store: &Store, notes: &mut Notes) -> Self {
        let home: Arc<str> = settings.home().into();
        let mut names: BTreeSet<Arc<str>> = settings.zones().map(Into::into).collect();
        for (name, zone) in &store.zones {
            match ZoneName::parse(name) {
                Ok(_) => drop(names.insert(Arc::clone(name))),
                Err(error) => notes.add(&zone.object, Reason::ZoneUnusable, format!("its name: {error}")),
            }
        }
        let mut topology = Self::default();
        for (name, node) in &store.nodes {
            let zone = zone_of(node, &home, notes);
            names.insert(Arc::clone(&zone));
            topology.zone_of.insert(Arc::clone(name), zone);
        }
        topology.names = room::zones(names, settings, store);
        topology.leave_out(store, notes);
        topology.home = topology.place(&home).unwrap_or_default();
        for name in topology.names.clone() {
            let zone = store.zones.get(&name);
            let written = topology.zone(&name, zone, name == home, notes);
            topology.zones.insert(name.to_string(), written);
        }
        topology.close_unreadable(store);
        topology.several_public(store, notes);
        topology.cluster_nodes(settings, supposes, store, notes);
        topology.other_nodes(settings, store, notes);
        topology.fit_nodes(store, notes);
        if supposes {
            topology.suppose_nodes();
        }
        topology.links(settings, store, notes);
        topology.fit_links(store, notes);
        topology
    }

    /// Of the zones that something is exposed to, those that do not allow it.
    pub(super) fn refusing<'t>(
        &'t self,
        exposed_to: ZoneSet,
        namespace: &'t str,
        host: &'t HostPattern,
    ) -> impl Iterator<Item = usize> + 't {
        let refuses = move |(zone, allowed): &(&usize, &Allowed)| {
            exposed_to.has(**zone) && !allowed.allows(namespace, host)
        };
        self.allowed.iter().filter(refuses).map(|(zone, _)| *zone)
    }

    /// The place of a zone among all, if it is there.
    pub(super) fn place(&self, zone: &str) -> Option<usize> {
        self.names.binary_search_by(|name| name.as_ref().cmp(zone)).ok()
    }

    /// The names of a set of zones.
    pub(super) fn named(&self, zones: ZoneSet) -> impl Iterator<Item = &str> {
        zones.iter().filter_map(|zone| self.names.get(zone)).map(AsRef::as_ref)
    }

    /// The home zone's name.
    pub(super) fn home(&self) -> &str {
        self.names.get(self.home).map(AsRef::as_ref).unwrap_or_default()
    }

    /// The zone of a node of the cluster.
    pub(super) fn zone_of(&self, node: &str) -> Option<&str> {
        self.zone_of.get(node).map(AsRef::as_ref)
    }

    /// What an endpoint on a node counts for; `None` where no Envoy serves.
    pub(super) fn serving(&self, node: &str) -> Option<u64> {
        self.serving.get(node).copied()
    }

    /// The name of a node whose Envoy serves, as it is kept here.
    pub(super) fn serving_entry(&self, node: &str) -> Option<(&str, u64)> {
        self.serving.get_key_value(node).map(|(name, weight)| (name.as_ref(), *weight))
    }

    /// The nodes of a zone whose Envoys serve.
    pub(super) fn serving_in(&self, zone: &str) -> &[Arc<str>] {
        self.serving_in.get(zone).map(Vec::as_slice).unwrap_or_default()
    }

    /// The settings, as the site has them.
    pub(super) fn settings(&self, settings: &Settings) -> wire::Settings {
        let mut written = settings.settings.clone();
        if let (Some(first), true) = (self.public.first(), self.public.len() > 1) {
            for listener in written.ingress.iter_mut().flatten() {
                if listener.source_zone.is_none() || listener.source_networks.is_some() {
                    listener.outside_zone.get_or_insert_with(|| first.as_ref().into());
                }
            }
        }
        written
    }

    pub(super) fn summaries(&self) -> Vec<ZoneSummary> {
        let summary = |(name, zone): (&String, &wire::Zone)| ZoneSummary {
            name: name.clone(),
            object: self.zone_origins.get(name).cloned(),
            nodes: zone.nodes.as_ref().map_or(0, BTreeMap::len),
            links: zone.links.as_ref().map_or(0, Vec::len),
        };
        self.zones.iter().map(summary).collect()
    }

    /// A zone without its nodes and links.
    fn zone(
        &mut self,
        name: &Arc<str>,
        digest: Option<&ZoneDigest>,
        home: bool,
        notes: &mut Notes,
    ) -> wire::Zone {
        let Some(ZoneDigest { object, spec, .. }) = digest else { return wire::Zone::default() };
        self.zone_origins.insert(name.to_string(), object.clone());
        let mut public = spec.public.unwrap_or(false);
        if public && home {
            let message =
                "it is the home zone, which is never public: take `public` out, or make another zone home";
            notes.add(object, Reason::ZoneUnusable, message);
            public = false;
        }
        if public {
            self.public.insert(Arc::clone(name));
        }
        let mut speaks_for = None;
        if let Some(named) = spec.speaks_for.as_ref().filter(|_| !public) {
            let mut known = BTreeSet::new();
            for zone in named {
                match self.place(zone) {
                    Some(_) => drop(known.insert(zone.as_str())),
                    None => notes.add(object, Reason::UnknownZone, unknown_zone("speaksFor", zone)),
                }
            }
            speaks_for = Some(known.into_iter().map(Into::into).collect());
        }
        if let (Some(allow), Some(place)) = (&spec.allow, self.place(name)) {
            let host = |text: &String| match HostPattern::parse(text) {
                Ok(pattern) => Some(pattern),
                Err(error) => {
                    let message = format!("allow.hosts: {error}; it allows nothing");
                    notes.add(object, Reason::ZoneUnusable, message);
                    None
                }
            };
            let hosts = allow.hosts.as_ref().map(|hosts| hosts.iter().filter_map(host).collect());
            let namespaces = allow.namespaces.as_ref().map(|names| names.iter().cloned().collect());
            self.allowed.insert(place, Allowed { namespaces, hosts });
        }
        wire::Zone { public: public.then_some(true), speaks_for, ..wire::Zone::default() }
    }

    /// Nothing may be exposed to a zone whose Zone cannot be read, and never could: nobody knows what it allows.
    fn close_unreadable(&mut self, store: &Store) {
        for (kind, name) in store.unreadable.keys() {
            if *kind == Kind::Zone
                && !store.zones.contains_key(name)
                && let Some(place) = self.place(name)
            {
                self.allowed.insert(place, Allowed { namespaces: Some(BTreeSet::new()), hosts: None });
            }
        }
    }

    /// Clients from outside are of one public zone: where the settings do not say which, of the first.
    fn several_public(&self, store: &Store, notes: &mut Notes) {
        let Some(first) = self.public.first() else { return };
        for zone in self.public.iter().skip(1).filter_map(|name| store.zones.get(name)) {
            let message = format!(
                "zone \"{first}\" is public too, and listeners that do not say take clients from outside for its: \
                 write `outside_zone` in the settings"
            );
            notes.add(&zone.object, Reason::ZoneUnusable, message);
        }
    }

    fn cluster_nodes(&mut self, settings: &Settings, supposes: bool, store: &Store, notes: &mut Notes) {
        let envoys: BTreeSet<&str> =
            store.envoys.values().filter(|envoy| envoy.ready).map(|envoy| envoy.node.as_ref()).collect();
        for (name, node) in &store.nodes {
            let has_envoy = supposes || settings.envoys.is_none() || envoys.contains(name.as_ref());
            if !node.ready || node.drained || !has_envoy {
                continue;
            }
            if let Err(error) = NodeId::parse(name) {
                notes.add(&node.object, Reason::NodeUnusable, format!("its name: {error}"));
                continue;
            }
            let Some(text) = &node.address else {
                let message = format!(
                    "it has no {}: annotate it with {}/address, or name another address type in the settings",
                    settings.node_addresses.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or "),
                    settings.prefix
                );
                notes.add(&node.object, Reason::NodeUnusable, message);
                continue;
            };
            let address = match dialled(text, settings.peer_port) {
                Ok(address) => address,
                Err(error) => {
                    notes.add(&node.object, Reason::NodeUnusable, format!("its address: {error}"));
                    continue;
                }
            };
            let weight = weight(node.weight.as_deref(), &node.object, notes);
            let Some(zone) = self.zone_of.get(name).cloned() else { continue };
            self.node_origins.insert(name.to_string(), node.object.clone());
            self.serving.insert(Arc::clone(name), weight);
            self.serving_in.entry(Arc::clone(&zone)).or_default().push(Arc::clone(name));
            self.add_node(&zone, name, address);
        }
    }

    fn add_node(&mut self, zone: &str, name: &str, address: String) {
        if let Some(zone) = self.zones.get_mut(zone) {
            let node = wire::Node { address, listen: None, ingress: None };
            zone.nodes.get_or_insert_default().insert(name.to_owned(), node);
        }
    }

    /// The machines that only their zone's object knows.
    fn other_nodes(&mut self, settings: &Settings, store: &Store, notes: &mut Notes) {
        for (zone, digest) in &store.zones {
            if !self.zones.contains_key(zone.as_ref()) {
                continue;
            }
            for node in &digest.spec.nodes {
                let twice = self.node_origins.get(&node.name);
                let refused =
                    match (twice, NodeId::parse(&node.name), dialled(&node.address, settings.peer_port)) {
                        (Some(other), ..) => format!("node \"{}\" is there already, by {other}", node.name),
                        (None, Err(error), _) => error.to_string(),
                        (None, _, Err(error)) => format!("the address of node \"{}\": {error}", node.name),
                        (None, Ok(_), Ok(address)) => {
                            self.node_origins.insert(node.name.clone(), digest.object.clone());
                            self.add_node(zone, &node.name, address);
                            continue;
                        }
                    };
                notes.add(&digest.object, Reason::ZoneUnusable, refused);
            }
        }
    }

    /// A node for every zone without one, at addresses for documentation (RFC 5737).
    fn suppose_nodes(&mut self) {
        for (place, zone) in self.names.clone().iter().enumerate() {
            if self.zones.get(zone.as_ref()).is_some_and(|zone| zone.nodes.is_some()) {
                continue;
            }
            let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
            let name = format!("any.{}", zone.chars().map(plain).collect::<String>());
            let is_there = |name: &str| {
                self.zones
                    .values()
                    .any(|zone| zone.nodes.as_ref().is_some_and(|nodes| nodes.contains_key(name)))
            };
            let others = (place..).map(|number| format!("any-{number}.{name}"));
            let Some(name) = core::iter::once(name.clone()).chain(others).find(|name| !is_there(name)) else {
                continue;
            };
            let name: Arc<str> = name.into();
            self.zone_of.insert(Arc::clone(&name), Arc::clone(zone));
            self.serving.insert(Arc::clone(&name), 1);
            self.serving_in.entry(Arc::clone(zone)).or_default().push(Arc::clone(&name));
            self.add_node(
                zone,
                &name,
                format!("192.0.2.{}:{}", place % 254 + 1, zoneway_site::DEFAULT_PEER_PORT),
            );
        }
    }
}

fn unknown_zone(place: &str, zone: &str) -> String {
    format!("{place}: there is no zone \"{zone}\": label a node with it, write a Zone, or take it out")
}

/// The zone of a node: its label's, else home.
fn zone_of(node: &NodeDigest, home: &Arc<str>, notes: &mut Notes) -> Arc<str> {
    match node.zone.as_deref().map(ZoneName::parse) {
        Some(Ok(zone)) => zone.as_str().into(),
        Some(Err(error)) => {
            let message = format!("its zone label: {error}; it is taken for one of zone \"{home}\"");
            notes.add(&node.object, Reason::NodeUnusable, message);
            Arc::clone(home)
        }
        None => {
            let message = format!("it has no zone label and is taken for one of zone \"{home}\": label it");
            notes.add(&node.object, Reason::NoZoneLabel, message);
            Arc::clone(home)
        }
    }
}

/// An address to dial, with its port.
fn dialled(text: &str, port: u16) -> Result<String, zoneway_site::HostPortError> {
    // As a Node's status and people write IPv6.
    let bracketed = text.parse::<Ipv6Addr>().map(|ip| format!("[{ip}]"));
    HostPort::parse(bracketed.as_deref().unwrap_or(text), Some(port)).map(|address| address.to_string())
}

/// What an annotation says that endpoints count for.
pub(super) fn weight(text: Option<&str>, object: &ObjectRef, notes: &mut Notes) -> u64 {
    let Some(text) = text else { return 1 };
    text.trim().parse().ok().filter(|weight| *weight <= MOST).unwrap_or_else(|| {
        let message = format!("its weight \"{text}\" is ignored: write a number from 0 to {MOST}");
        notes.add(object, Reason::Ignored, message);
        1
    })
}
