//! Every rule of the table's format beyond syntax and types, all faults in one pass.
//!
//! A path is written out for a fault alone: a table of 10,000 hosts has 50,000 places, and is most often right.

use core::fmt::{Arguments, Display};

use hashbrown::HashSet;

use super::wire::{Backend, Gateway, Host, Link, Rule, Table, Zone};
use super::{Fault, Limits, TABLE_VERSION, TableFault};
use crate::fault::Step;
use crate::name::{Address, HostPattern, NodeId, RulePath, ZoneName};

/// The most that a weight or a cost may be.
pub(super) const MOST: u64 = 1_000_000;

/// All faults of a table, in its own order.
pub(super) fn faults(table: &Table, limits: &Limits) -> Vec<Fault> {
    let mut check = Check { table, limits, found: Vec::new() };
    check.table();
    check.found
}

/// Whether a table has no fault, of which all but the hosts is in `rest`, all but the names of the hosts in `kinds`.
pub(super) fn is_sound<'a>(
    rest: &Table,
    kinds: &[Host],
    mut names: impl ExactSizeIterator<Item = &'a str>,
    limits: &Limits,
) -> bool {
    let mut check = Check { table: rest, limits, found: Vec::new() };
    check.table();
    kinds.iter().for_each(|kind| check.beside_name(Place("hosts", 0), kind));
    let mut seen = HashSet::with_capacity(names.len());
    check.found.is_empty()
        && names.len() <= limits.hosts
        && names.all(|name| HostPattern::check(name).is_ok() && seen.insert(name))
}

struct Check<'a> {
    table: &'a Table,
    limits: &'a Limits,
    found: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, path: impl Display, fault: impl Into<TableFault>) {
        self.found.push(Fault { path: path.to_string(), fault: fault.into() });
    }

    fn at_most(&mut self, path: impl Display, what: &'static str, count: usize, limit: usize) {
        if count > limit {
            self.fault(path, TableFault::TooMany { what, count, limit });
        }
    }

    fn within(&mut self, path: impl Display, value: Option<u64>, least: u64) {
        if let Some(value) = value.filter(|value| !(least..=MOST).contains(value)) {
            self.fault(path, TableFault::Range { value, least, most: MOST });
        }
    }

    fn table(&mut self) {
        let table = self.table;
        if table.version != TABLE_VERSION {
            self.fault("version", TableFault::Version(table.version));
        }
        self.known_zone("view", &table.view);
        self.at_most("zones", "zones", table.zones.len(), self.limits.zones);
        let links = table.zones.values().map(|zone| zone.links.as_ref().map_or(0, Vec::len)).sum();
        self.at_most("zones", "links", links, self.limits.links);
        for (name, zone) in &table.zones {
            let path = format!("zones{}", Step(name));
            if let Err(error) = ZoneName::parse(name) {
                self.fault(&path, error);
            }
            self.zone(&path, name, zone);
        }
        self.at_most("hosts", "hosts", table.hosts.len(), self.limits.hosts);
        let mut seen = HashSet::with_capacity(table.hosts.len());
        for (index, host) in table.hosts.iter().enumerate() {
            let path = Place("hosts", index);
            if !seen.insert(host.host.as_str()) {
                self.fault(
                    format_args!("{path}.host"),
                    TableFault::Repeated { what: "host", name: host.host.clone() },
                );
            }
            self.host(path, host);
        }
    }

    fn zone(&mut self, path: &str, name: &str, zone: &Zone) {
        let own = name == self.table.view;
        if let Some(nodes) = zone.nodes.as_ref().filter(|nodes| !nodes.is_empty()) {
            if !own {
                self.not_the_view(format_args!("{path}.nodes"), "nodes");
            }
            self.at_most(format_args!("{path}.nodes"), "nodes", nodes.len(), self.limits.nodes);
            for (id, node) in nodes {
                let fault = NodeId::parse(id).err().map(TableFault::from);
                let address = Address::parse(&node.address).err().map(TableFault::from);
                for (below, fault) in [("", fault), (".address", address)] {
                    if let Some(fault) = fault {
                        self.fault(format_args!("{path}.nodes{}{below}", Step(id)), fault);
                    }
                }
            }
        }
        let mut targets = HashSet::new();
        for (index, link) in zone.links.iter().flatten().enumerate() {
            let path = format!("{path}.links[{index}]");
            self.known_zone(format_args!("{path}.to"), &link.to);
            if link.to == name {
                self.fault(format_args!("{path}.to"), TableFault::LinkToItself);
            }
            if !targets.insert(link.to.as_str()) {
                let fault = TableFault::Repeated { what: "a link to", name: link.to.clone() };
                self.fault(format_args!("{path}.to"), fault);
            }
            self.link(&path, own, link);
        }
        if let Some(speaks_for) = &zone.speaks_for {
            let path = format!("{path}.speaks_for");
            self.zones(&path, speaks_for);
            // Anything empty is valid: an empty list speaks for nobody, which is less than the zone itself.
            let itself = speaks_for.iter().all(|source| source == name);
            if zone.public == Some(true) && !itself {
                self.fault(&path, TableFault::PublicSpeaksFor);
            }
        }
    }

    fn link(&mut self, path: &str, own: bool, link: &Link) {
        self.within(format_args!("{path}.cost"), link.cost, 1);
        if let Some(egress) = link.egress.as_ref().filter(|egress| !egress.is_empty()) {
            if !own {
                self.not_the_view(format_args!("{path}.egress"), "egress");
            }
            let mut seen = HashSet::new();
            for (index, node) in egress.iter().enumerate() {
                let path = format!("{path}.egress[{index}]");
                if own {
                    self.known_node(&path, node);
                }
                if !seen.insert(node) {
                    self.fault(&path, TableFault::Repeated { what: "node", name: node.clone() });
                }
            }
        }
        if let Some(gateways) = link.gateways.as_ref().filter(|gateways| !gateways.is_empty()) {
            if !own {
                self.not_the_view(format_args!("{path}.gateways"), "gateways");
            }
            let mut seen = HashSet::new();
            for (index, gateway) in gateways.iter().enumerate() {
                let path = format!("{path}.gateways[{index}]");
                if !seen.insert(&gateway.node) {
                    let fault = TableFault::Repeated { what: "gateway", name: gateway.node.clone() };
                    self.fault(format_args!("{path}.node"), fault);
                }
                self.gateway(&path, gateway);
            }
        }
    }

    fn gateway(&mut self, path: &str, gateway: &Gateway) {
        if let Err(error) = NodeId::parse(&gateway.node) {
            self.fault(format_args!("{path}.node"), error);
        }
        if let Some(Err(error)) = gateway.address.as_deref().map(Address::parse) {
            self.fault(format_args!("{path}.address"), error);
        }
        if gateway.address.is_some() == (gateway.tunnel == Some(true)) {
            self.fault(path, TableFault::GatewayWay);
        }
    }

    fn host(&mut self, path: Place, host: &Host) {
        if let Err(error) = HostPattern::check(&host.host) {
            self.fault(format_args!("{path}.host"), error);
        }
        self.beside_name(path, host);
    }

    /// All of a host but its name.
    fn beside_name(&mut self, path: Place, host: &Host) {
        self.zones(format_args!("{path}.exposed_to"), &host.exposed_to);
        let rules = host.rules.as_deref().unwrap_or_default();
        self.at_most(format_args!("{path}.rules"), "rules", rules.len(), self.limits.rules);
        let mut seen = HashSet::new();
        for (index, rule) in rules.iter().enumerate() {
            let path = format_args!("{path}.rules[{index}]");
            if let Err(error) = RulePath::check(&rule.path) {
                self.fault(format_args!("{path}.path"), error);
            }
            if !seen.insert(rule.path.as_str()) {
                let fault = TableFault::Repeated { what: "path", name: rule.path.clone() };
                self.fault(format_args!("{path}.path"), fault);
            }
            self.rule(path, host, rule);
        }
    }

    fn rule(&mut self, path: Arguments<'_>, host: &Host, rule: &Rule) {
        if let Some(exposed_to) = &rule.exposed_to {
            self.zones(format_args!("{path}.exposed_to"), exposed_to);
            for (index, zone) in exposed_to.iter().enumerate() {
                if !host.exposed_to.contains(zone) {
                    let fault = TableFault::WiderThanHost(zone.clone());
                    self.fault(format_args!("{path}.exposed_to[{index}]"), fault);
                }
            }
        }
        let backends = rule.backends.as_deref().unwrap_or_default();
        self.at_most(format_args!("{path}.backends"), "backends", backends.len(), self.limits.backends);
        let mut seen = HashSet::new();
        for (index, backend) in backends.iter().enumerate() {
            let path = format_args!("{path}.backends[{index}]");
            if let (Some(name), None) | (None, Some(name)) = (&backend.node, &backend.zone)
                && !seen.insert((backend.node.is_some(), name))
            {
                self.fault(path, TableFault::Repeated { what: "backend", name: name.clone() });
            }
            self.backend(path, backend);
        }
    }

    fn backend(&mut self, path: Arguments<'_>, backend: &Backend) {
        match (&backend.node, &backend.zone) {
            (Some(node), None) => self.known_node(format_args!("{path}.node"), node),
            (None, Some(zone)) if *zone == self.table.view => {
                self.fault(format_args!("{path}.zone"), TableFault::OwnZone(zone.clone()));
            }
            (None, Some(zone)) => self.known_zone(format_args!("{path}.zone"), zone),
            _ => self.fault(path, TableFault::BackendKind),
        }
        self.within(format_args!("{path}.weight"), backend.weight, 0);
    }

    fn not_the_view(&mut self, path: impl Display, what: &'static str) {
        self.fault(path, TableFault::NotTheView { view: self.table.view.clone(), what });
    }

    fn zones(&mut self, path: impl Display, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            let path = format_args!("{path}[{index}]");
            self.known_zone(path, name);
            if names.iter().take(index).any(|earlier| earlier == name) {
                self.fault(path, TableFault::Repeated { what: "zone", name: name.clone() });
            }
        }
    }

    fn known_zone(&mut self, path: impl Display, name: &str) {
        if !self.table.zones.contains_key(name) {
            match ZoneName::parse(name) {
                Ok(_) => self.fault(path, TableFault::UnknownZone(name.to_owned())),
                Err(error) => self.fault(path, error),
            }
        }
    }

    fn known_node(&mut self, path: impl Display, id: &str) {
        let own = self.table.zones.get(&self.table.view);
        if !own.and_then(|zone| zone.nodes.as_ref()).is_some_and(|nodes| nodes.contains_key(id)) {
            match NodeId::parse(id) {
                Ok(_) => self.fault(path, TableFault::UnknownNode(id.to_owned())),
                Err(error) => self.fault(path, error),
            }
        }
    }
}

/// `hosts[3]`, written only when there is something to say of it.
#[derive(Clone, Copy)]
struct Place(&'static str, usize);

impl Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}[{}]", self.0, self.1)
    }
}
