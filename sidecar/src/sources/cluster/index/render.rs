//! From the digests to the site.
//!
//! Two steps: the routing (zones, nodes, hosts, paths, exposure) is kept until an object of it changes; where a service
//! runs is kept until something of that service changes. What comes out the same as before stays the same piece of
//! memory, so that whoever goes on from here sees at a glance what changed.

mod claim;
mod exposure;
mod from_gateways;
mod from_ingresses;
mod from_proxies;
mod from_unreadable;
mod listeners;
mod merge;
mod running;
mod services;
mod topology;
mod zone_set;

use std::sync::Arc;

use zoneway_site::wire;

use super::super::objects::ObjectRef;
use super::super::picture::{Note, Origins, Picture, Reason};
use super::super::settings::Settings;
use super::digest::Store;
use claim::{Claim, Holders};
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

pub(super) use running::Running;

impl Routing {
    /// `hosts`: those of a picture before.
    pub(super) fn of(
        settings: &Settings,
        supposes: bool,
        store: &Store,
        hosts: &wire::Entries<wire::Host>,
    ) -> Self {
        let mut notes = Notes::default();
        let topology = Topology::of(settings, supposes, store, &mut notes);
        let mut merged = {
            let mut exposures = exposure::Exposures::new(&topology, store);
            let (mut claims, mut holders): (Vec<Claim<'_>>, _) = (Vec::new(), Holders::new());
            let mut asked = claim::Asked {
                exposures: &mut exposures,
                claims: &mut claims,
                holders: &mut holders,
                notes: &mut notes,
            };
            from_ingresses::ask(settings, store, &mut asked);
            from_proxies::ask(settings, store, &mut asked);
            from_gateways::ask(settings, store, &mut asked);
            from_unreadable::ask(settings, store, &mut asked);
            merge::merge(claims, &holders, &topology, hosts, &mut notes)
        };
        let origins = Origins {
            zones: topology.zone_origins.clone(),
            nodes: topology.node_origins.clone(),
            paths: std::mem::take(&mut merged.origins),
        };
        Self { topology, merged, origins: Arc::new(origins), notes: notes.0 }
    }
}

impl Routing {
    /// Every host.
    pub(super) fn hosts(&self) -> &wire::Entries<wire::Host> {
        &self.merged.hosts
    }
}

/// The picture, with where services run now.
pub(super) fn picture(routing: &Routing, running: &Running, settings: &Settings) -> Picture {
    let Routing { topology, merged, origins, notes } = routing;
    let mut notes = Notes(notes.clone());
    notes.0.extend(running.notes().cloned());
    let services = running.services().clone();
    notes.0.sort_unstable();
    notes.0.dedup();
    let site = wire::Site {
        version: 1,
        settings: Some(topology.settings(settings)),
        zones: topology.zones.clone(),
        services: Some(services).filter(|services| !services.is_empty()),
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
