//! Where services run now: the ready endpoints of each node, and who serves those that have none.

mod place;
mod shares;

use std::collections::BTreeMap;

use zoneway_core::table::Limits;
use zoneway_site::{HostPort, Protocol, Sorted, wire};

use super::super::super::picture::Reason;
use super::super::digest::Store;
use super::super::digest::path::{Backend, Port};
use super::super::digest::service::{PortDigest, ServiceDigest};
use super::super::digest::slice::{At, Family, SliceDigest, State};
use super::Notes;
use super::merge::Use;
use super::topology::{MOST, Topology, weight};
use place::named;
use shares::{Shares, reduce, with};

/// A service that rules name.
pub(super) fn service(
    used: &Use,
    topology: &Topology,
    supposes: bool,
    store: &Store,
    notes: &mut Notes,
) -> wire::Service {
    Seen { topology, supposes, store, notes, used, at: BTreeMap::new() }.service()
}

/// One service, while its backends are gone through.
struct Seen<'s> {
    topology: &'s Topology,
    supposes: bool,
    store: &'s Store,
    notes: &'s mut Notes,
    used: &'s Use,
    /// Addresses and share of each node.
    at: Shares<'s>,
}

impl<'s> Seen<'s> {
    fn service(&mut self) -> wire::Service {
        if self.used.backends.is_empty() {
            return self.answered();
        }
        let mut protocol = None;
        for backend in &self.used.backends {
            let service = self.store.services.get(&backend.service);
            let port = service.and_then(|service| service.port(&backend.port));
            let spoken = port.map(|port| backend.spoken.of(port.protocol));
            if let (Some(first), Some(other)) = (protocol, spoken)
                && first != other
            {
                self.tell(Reason::Ignored, &format!(
                    "Service {} does not speak what another of the same path does (`appProtocol`), and one is spoken to all: \
                     it gets no request here; give it a path or a host of its own",
                    backend.service
                ));
                continue;
            }
            protocol = protocol.or(spoken);
            let before = std::mem::take(&mut self.at);
            self.backend(backend, service, port);
            if self.used.backends.len() > 1 {
                self.at = with(before, std::mem::take(&mut self.at), backend.weight);
            }
        }
        if self.used.backends.len() > 1 {
            reduce(&mut self.at);
        }
        let weights = || self.used.backends.iter().map(|backend| backend.weight);
        if weights().min() != weights().max() {
            self.tell(
                Reason::LeftToController,
                "the weights of a path's Services are heeded here between nodes; a node shares what it gets among all their \
                 endpoints alike. A split that has to be exact is the controller's",
            );
        }
        let served = |(node, (mut addresses, weight)): (&'s str, (Vec<String>, u64))| {
            addresses.sort_unstable();
            addresses.dedup();
            let weight = Some(weight.min(MOST)).filter(|weight| *weight != 1);
            (node.to_owned(), wire::Served { addresses, weight })
        };
        self.fit();
        let at: Sorted<_, _> = std::mem::take(&mut self.at).into_iter().map(served).collect();
        let protocol = protocol.filter(|protocol| *protocol != Protocol::Http);
        let has_tls = matches!(protocol, Some(Protocol::Https | Protocol::H2));
        let checked = self.used.backends.iter().any(|backend| backend.checked);
        if has_tls && checked {
            self.tell(
                Reason::LeftToController,
                "the authority and the name of its `validation` are not read here: a certificate has to be for the host that \
                 a client asks for, and of an authority that the machine trusts",
            );
        }
        // As Contour has it: nobody checks a service's certificate unless told by which authority.
        let verify = (has_tls && !checked).then(|| "none".to_owned());
        wire::Service { at: Some(at).filter(|at| !at.is_empty()), protocol, verify }
    }

    /// A table has a limit of backends a rule: nodes of its zone, and other zones. Of too many nodes of a zone those with
    /// the smallest shares leave; they forward to the others.
    fn fit(&mut self) {
        let most = self.room();
        if self.at.len() <= most {
            return;
        }
        let mut zones: BTreeMap<&str, Vec<(u64, &'s str)>> = BTreeMap::new();
        for (node, (_, weight)) in &self.at {
            let zone = self.topology.zone_of(node).unwrap_or_default();
            zones.entry(zone).or_default().push((u64::MAX - weight, node));
        }
        for (zone, mut nodes) in zones {
            nodes.sort_unstable();
            for (_, node) in nodes.iter().skip(most) {
                self.at.remove(node);
            }
            self.tell_of_room(nodes.len(), zone);
        }
    }

    /// How many nodes of one zone a rule has room for, beside every other zone.
    fn room(&self) -> usize {
        Limits::default().backends.saturating_sub(self.topology.names.len()).max(1)
    }

    fn tell_of_room(&mut self, count: usize, zone: &str) {
        let most = self.room();
        if count > most {
            let message = format!("{count} nodes of zone \"{zone}\" could serve it, {most} at most do");
            self.tell(Reason::Ignored, &message);
        }
    }

    /// What Envoy answers by itself is answered by every one of the home zone, as far as a rule has room for them.
    fn answered(&mut self) -> wire::Service {
        let served = wire::Served { addresses: Vec::new(), weight: Some(1) };
        let topology = self.topology;
        let nodes = topology.serving_in(topology.home());
        self.tell_of_room(nodes.len(), topology.home());
        let nodes = nodes.iter().take(self.room());
        wire::Service {
            at: Some(nodes.map(|node| (node.to_string(), served.clone())).collect()),
            ..wire::Service::default()
        }
    }

    /// Adds where a backend runs.
    fn backend(
        &mut self,
        backend: &Backend,
        service: Option<&'s ServiceDigest>,
        port: Option<&'s PortDigest>,
    ) {
        let Some(service) = service else {
            if self.supposes {
                self.suppose(backend, None);
            } else {
                self.missing(&format!("Service {} is not there: write it, or name another", backend.service));
            }
            return;
        };
        if let Some(name) = &service.external_name {
            let number = port.map(|port| port.number).or(backend.port.number());
            return self.external(service, backend, name, number);
        }
        if port.is_none() && !(service.headless && backend.port.number().is_some()) {
            let known: Vec<String> = service.ports.iter().map(|port| port.number.to_string()).collect();
            self.missing(&format!(
                "Service {} has no port {} (it has {}): name one of its ports",
                backend.service,
                backend.port,
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            ));
            return;
        }
        self.endpoints(service, backend, port);
    }

    fn missing(&mut self, message: &str) {
        self.tell(Reason::ServiceNotFound, message);
    }

    /// Tells every object that asks for it.
    fn tell(&mut self, reason: Reason, message: &str) {
        for object in &self.used.by {
            self.notes.add(object, reason, message);
        }
    }

    fn endpoints(&mut self, service: &'s ServiceDigest, backend: &Backend, port: Option<&'s PortDigest>) {
        let keys = self.store.slices_of.get(&backend.service);
        if keys.is_none() && self.supposes {
            return self.suppose(backend, Some(service));
        }
        let slices = || keys.into_iter().flatten().filter_map(|key| self.store.slices.get(key));
        // The same Pods stand in the slices of both families: one of them counts.
        let of_family = |family: Family| slices().any(|s| s.family == family && !s.endpoints.is_empty());
        let first = service.family.filter(|family| of_family(*family));
        let family = first.unwrap_or(if of_family(Family::V4) { Family::V4 } else { Family::V6 });
        let slices = || slices().filter(|slice| slice.family == family || slice.family == Family::Name);
        let usable = |state: State| state == State::Ready || service.publish_not_ready;
        let endpoints =
            || slices().flat_map(|slice| slice.endpoints.iter().map(move |endpoint| (slice, endpoint)));
        // Those that are about to go serve as long as there is no other, as kube-proxy has it (KEP-1669).
        let leaving = !endpoints().any(|(_, endpoint)| usable(endpoint.state));
        let found: Vec<(&'s SliceDigest, &'s At, Option<&'s str>, u16)> = endpoints()
            .filter(|(_, endpoint)| usable(endpoint.state) || (leaving && endpoint.state == State::Leaving))
            .filter_map(|(slice, endpoint)| {
                let number = number(slice, port, &backend.port)?;
                Some((slice, &endpoint.at, endpoint.node.as_deref(), number))
            })
            .collect();
        if found.is_empty() && endpoints().any(|(_, endpoint)| usable(endpoint.state)) {
            self.missing(&format!(
                "no EndpointSlice of Service {} has the port that its port {} leads to: name the slice's port as the \
                 Service's port is named",
                backend.service, backend.port
            ));
        }
        let counts = self.counts(service);
        for (slice, at, node, number) in found {
            let Some(address) = at.address(number) else { continue };
            match node.and_then(|node| Some((node, self.topology.serving(node)?))) {
                Some((node, weight)) => self.add(node, address, counts.saturating_mul(weight)),
                None => {
                    let zone = node.and_then(|node| self.topology.zone_of(node));
                    let written = slice.zone.as_deref().or(service.zone.as_deref());
                    self.everywhere(zone.or(written), &address, counts);
                }
            }
        }
    }

    /// What one endpoint of a service counts for.
    fn counts(&mut self, service: &ServiceDigest) -> u64 {
        weight(service.weight.as_deref(), &service.object, self.notes)
    }

    /// Served by every Envoy of a zone, or of home.
    fn everywhere(&mut self, zone: Option<&str>, address: &str, counts: u64) {
        let topology = self.topology;
        let zone = zone.filter(|zone| topology.place(zone).is_some()).unwrap_or(topology.home());
        for node in topology.serving_in(zone) {
            let weight = topology.serving(node).unwrap_or(1);
            self.add(node, address.to_owned(), counts.saturating_mul(weight));
        }
    }

    /// A name for something elsewhere.
    fn external(&mut self, service: &'s ServiceDigest, backend: &Backend, name: &str, port: Option<u16>) {
        let Some(address) = port.and_then(|port| named(name, port)) else {
            return self.missing(&format!(
                "Service {} is a name for \"{name}\", port {}, which is no place to dial: name another machine, by a name \
                 or an address, and a port",
                backend.service, backend.port
            ));
        };
        let counts = self.counts(service);
        self.everywhere(service.zone.as_deref(), &address, counts);
    }

    /// Manifests do not say where a service runs: on every node of its zone, under its name in the cluster.
    fn suppose(&mut self, backend: &Backend, service: Option<&'s ServiceDigest>) {
        let Some((namespace, name)) = backend.service.split_once('/') else { return };
        let number = service.and_then(|service| Some(service.port(&backend.port)?.number));
        let number = number.or(backend.port.number()).unwrap_or(80);
        let zone = service.and_then(|service| service.zone.as_deref());
        match HostPort::parse(&format!("{name}.{namespace}.svc:{number}"), None) {
            Ok(address) => self.everywhere(zone, &address.to_string(), 1),
            Err(error) => {
                self.missing(&format!("Service {} can have no such name: {error}", backend.service))
            }
        }
    }

    fn add(&mut self, node: &str, address: String, weight: u64) {
        let Some((node, _)) = self.topology.serving_entry(node) else { return };
        let (addresses, sum) = self.at.entry(node).or_default();
        addresses.push(address);
        *sum = sum.saturating_add(weight);
    }
}

impl ServiceDigest {
    fn port(&self, port: &Port) -> Option<&PortDigest> {
        self.ports.iter().find(|own| match port {
            Port::Number(number) => own.number == *number,
            Port::Name(name) => own.name == *name,
        })
    }
}

impl Port {
    fn number(&self) -> Option<u16> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(_) => None,
        }
    }
}

/// The port of a slice's endpoints: the one of the same name; a slice without ports has every one.
fn number(slice: &SliceDigest, port: Option<&PortDigest>, asked: &Port) -> Option<u16> {
    let Some(port) = port else { return asked.number() };
    match slice.ports.iter().find(|(name, _)| *name == port.name) {
        Some((_, number)) => number.or(Some(port.number)),
        None if slice.ports.is_empty() => Some(port.number),
        None => None,
    }
}
