//! Who may ask: the object's own word, else its namespace's, else the home zone alone.

use std::collections::HashMap;

use zoneway_core::name::ZoneName;

use super::super::super::objects::ObjectRef;
use super::super::super::picture::Reason;
use super::super::digest::Store;
use super::super::digest::meta::RouteMeta;
use super::Notes;
use super::topology::Topology;
use super::zone_set::ZoneSet;

/// What annotations say, each text read once.
pub(super) struct Exposures<'a> {
    topology: &'a Topology,
    store: &'a Store,
    read: HashMap<&'a str, Read>,
}

/// A text, as it was read.
#[derive(Debug, Clone, Default)]
struct Read {
    zones: ZoneSet,
    /// Zones that are not there.
    unknown: Vec<String>,
    /// Why it cannot be read.
    fault: Option<String>,
}

impl<'a> Exposures<'a> {
    pub(super) fn new(topology: &'a Topology, store: &'a Store) -> Self {
        Self { topology, store, read: HashMap::new() }
    }

    /// The zones that may ask for what an object has; `None` where that cannot be read.
    pub(super) fn of(&mut self, by: &'a RouteMeta, notes: &mut Notes) -> Option<ZoneSet> {
        let namespace = self.store.namespaces.get(by.namespace());
        let (text, object): (&'a str, &ObjectRef) = match (&by.expose_to, namespace) {
            (Some(text), _) => (text, &by.object),
            (None, Some(namespace)) => match &namespace.expose_to {
                Some(text) => (text, &namespace.object),
                None => return Some(ZoneSet::one(self.topology.home)),
            },
            (None, None) => return Some(ZoneSet::one(self.topology.home)),
        };
        let topology = self.topology;
        let read = self.read.entry(text).or_insert_with(|| Read::of(text, topology));
        for zone in &read.unknown {
            let message = format!(
                "expose-to: there is no zone \"{zone}\", so nobody of it may ask: label a node with it, write a Zone, or \
                 take it out"
            );
            notes.add(object, Reason::UnknownZone, message);
        }
        let Some(fault) = &read.fault else { return Some(read.zones) };
        let message =
            format!("expose-to: {fault}; until then nobody may ask: write zones as in \"403, exposed\"");
        notes.add(object, Reason::Hidden, message.clone());
        if *object != by.object {
            notes.add(&by.object, Reason::Hidden, format!("by {object}: {message}"));
        }
        None
    }
}

impl Read {
    fn of(text: &str, topology: &Topology) -> Self {
        let mut read = Self::default();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match (topology.place(name), ZoneName::parse(name)) {
                (Some(place), _) => read.zones = read.zones | ZoneSet::one(place),
                (None, Ok(_)) => read.unknown.push(name.to_owned()),
                (None, Err(error)) => read.fault = Some(error.to_string()),
            }
        }
        read
    }
}
