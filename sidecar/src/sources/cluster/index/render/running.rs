//! Where every service runs, each looked up again only when something of it changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zoneway_site::wire;

use super::super::super::picture::Note;
use super::super::digest::Store;
use super::merge::Use;
use super::services::service;
use super::{Notes, Routing};

/// Every service that a rule names.
#[derive(Debug, Default)]
pub(in super::super) struct Running {
    services: wire::Entries<wire::Service>,
    /// What is told of each, where there is anything.
    notes: BTreeMap<Arc<str>, Vec<Note>>,
    /// The names in the site of what a Service is a backend of, by the Service's key.
    users: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

impl Running {
    /// Looks up all of them. What runs as it did `before` is kept.
    pub(in super::super) fn of(routing: &Routing, before: &Self, supposes: bool, store: &Store) -> Self {
        let mut running = Self::default();
        let mut services = Vec::with_capacity(routing.merged.uses.iter().len());
        for (name, used) in routing.merged.uses.iter() {
            let written = running.one(name, used, routing, supposes, store);
            let written = match before.services.get(name) {
                Some(before) if **before == written => Arc::clone(before),
                _ => Arc::new(written),
            };
            services.push((Arc::clone(name), written));
            for backend in &used.backends {
                running.users.entry(Arc::clone(&backend.service)).or_default().push(Arc::clone(name));
            }
        }
        let services: BTreeMap<Arc<str>, Arc<wire::Service>> = services.into_iter().collect();
        running.services =
            if services == *before.services { before.services.clone() } else { services.into() };
        running
    }

    /// Looks up those that have one of these Services as a backend.
    pub(in super::super) fn update(
        &mut self,
        changed: &BTreeSet<Arc<str>>,
        routing: &Routing,
        supposes: bool,
        store: &Store,
    ) {
        let users = changed.iter().filter_map(|service| self.users.get(service)).flatten();
        let users: BTreeSet<Arc<str>> = users.cloned().collect();
        for name in users {
            let Some(used) = routing.merged.uses.get(&name) else { continue };
            let written = self.one(&name, used, routing, supposes, store);
            if self.services.get(&name).is_none_or(|before| **before != written) {
                self.services.make_mut().insert(name, Arc::new(written));
            }
        }
    }

    /// All of them.
    pub(super) fn services(&self) -> &wire::Entries<wire::Service> {
        &self.services
    }

    /// What there is to tell.
    pub(super) fn notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.values().flatten()
    }

    fn one(
        &mut self,
        name: &Arc<str>,
        used: &Use,
        routing: &Routing,
        supposes: bool,
        store: &Store,
    ) -> wire::Service {
        let mut notes = Notes::default();
        let written = service(used, &routing.topology, supposes, store, &mut notes);
        if notes.0.is_empty() {
            self.notes.remove(name);
        } else {
            self.notes.insert(Arc::clone(name), notes.0);
        }
        written
    }
}
