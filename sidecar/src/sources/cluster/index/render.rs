//! From the digests to the site.
//!
//! Two steps: the routing (zones, nodes, hosts, paths, exposure) is kept until an object of it changes; where services
//! run is looked up for every picture, for that is what changes all the time.

mod claim;
mod exposure;
mod from_gateways;
mod from_ingresses;
mod from_proxies;
mod merge;
mod services;
mod topology;
mod zone_set;

use std::collections::BTreeMap;
use std::sync::Arc;

use zoneway_site::wire;

use super::super::objects::ObjectRef;
use super::super::picture::{Note, Origins, Picture, Reason};
use super::super::settings::Settings;
use super::digest::Store;
use claim::Claim;
use merge::Merged;
use topology::Topology;

/// What does not depend on endpoints.
#[derive(Debug)]
pub(super) struct Routing {
    topology: Topology,
    merged: Merged,
    origins: Arc<Origins>,
    notes: Vec<Note>,
}

impl Routing {
    pub(super) fn of(settings: &Settings, supposes: bool, store: &Store) -> Self {
        let mut notes = Notes::default();
        let topology = Topology::of(settings, supposes, store, &mut notes);
        let merged = {
            let mut exposures = exposure::Exposures::new(&topology, store);
            let mut claims: Vec<Claim<'_>> = Vec::new();
            let mut asked =
                claim::Asked { exposures: &mut exposures, claims: &mut claims, notes: &mut notes };
            from_ingresses::ask(settings, store, &mut asked);
            from_proxies::ask(settings, store, &mut asked);
            from_gateways::ask(settings, store, &mut asked);
            merge::merge(claims, &topology, &mut notes)
        };
        let origins = Origins {
            zones: topology.zone_origins.clone(),
            nodes: topology.node_origins.clone(),
            paths: merged.origins.clone(),
        };
        Self { topology, merged, origins: Arc::new(origins), notes: notes.0 }
    }
}

/// The picture, with where services run now.
pub(super) fn picture(routing: &Routing, settings: &Settings, supposes: bool, store: &Store) -> Picture {
    let Routing { topology, merged, origins, notes } = routing;
    let mut notes = Notes(notes.clone());
    let services = services::services(&merged.uses, topology, supposes, store, &mut notes);
    notes.0.sort_unstable();
    notes.0.dedup();
    let site = wire::Site {
        version: 1,
        settings: Some(topology.settings(settings)),
        zones: topology.zones.clone(),
        services: Some(services).filter(|services: &BTreeMap<_, _>| !services.is_empty()),
        hosts: Some(merged.hosts.clone()).filter(|hosts| !hosts.is_empty()),
    };
    Picture {
        site: Arc::new(site),
        origins: Arc::clone(origins),
        notes: notes.0,
        hidden: Arc::clone(&merged.hidden),
        zones: topology.summaries(),
    }
}

/// What people are told, in the order in which it is found.
#[derive(Debug, Default)]
struct Notes(Vec<Note>);

impl Notes {
    fn add(&mut self, object: &ObjectRef, reason: Reason, message: impl Into<String>) {
        self.0.push(Note { object: object.clone(), reason, message: message.into() });
    }
}
