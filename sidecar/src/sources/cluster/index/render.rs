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
mod room;
mod running;
mod services;
mod topology;
mod zone_set;

use std::collections::{BTreeMap, BTreeSet};
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
    /// The bytes of each zone's table without its hosts, and of all hosts without their backends.
    frames: Vec<usize>,
    bytes: usize,
    /// The hosts that there is no room for.
    left: BTreeSet<Arc<str>>,
}

pub(super) use room::left_out;
pub(super) use running::Running;

impl Routing {
    /// `hosts`: those of a picture before. `left`: the hosts that there is no room for.
    pub(super) fn of(
        settings: &Settings,
        supposes: bool,
        store: &Store,
        hosts: &wire::Entries<wire::Host>,
        left: BTreeSet<Arc<str>>,
    ) -> Self {
        let mut notes = Notes::default();
        let topology = Topology::of(settings, supposes, store, &mut notes);
        let mut merged = {
            let (claims, holders) = claims(settings, store, &topology, &mut notes);
            if !left.is_empty() {
                room::tell(&claims, &left, settings, store, &mut notes);
            }
            merge::merge(claims, &holders, &topology, hosts, &left, &mut notes)
        };
        let origins = Origins {
            zones: topology.zone_origins.clone(),
            nodes: topology.node_origins.clone(),
            paths: std::mem::take(&mut merged.origins),
        };
        let (frames, bytes) = (room::frames(&topology), room::bytes_of_hosts(&merged.hosts, topology.home()));
        Self { topology, merged, origins: Arc::new(origins), notes: notes.0, frames, bytes, left }
    }
}

impl Routing {
    /// Every host.
    pub(super) fn hosts(&self) -> &wire::Entries<wire::Host> {
        &self.merged.hosts
    }

    /// The hosts that it was to leave out.
    pub(super) fn left(&self) -> &BTreeSet<Arc<str>> {
        &self.left
    }
}

/// What all objects ask for, and whose hosts are.
fn claims<'a>(
    settings: &Settings,
    store: &'a Store,
    topology: &'a Topology,
    notes: &mut Notes,
) -> (Vec<Claim<'a>>, Holders<'a>) {
    let mut exposures = exposure::Exposures::new(topology, store);
    let (mut claims, mut holders): (Vec<Claim<'a>>, _) = (Vec::new(), Holders::new());
    let mut asked =
        claim::Asked { exposures: &mut exposures, claims: &mut claims, holders: &mut holders, notes };
    from_ingresses::ask(settings, store, &mut asked);
    from_proxies::ask(settings, store, &mut asked);
    from_gateways::ask(settings, store, &mut asked);
    from_unreadable::ask(settings, store, &mut asked);
    (claims, holders)
}

/// Of each host, when the oldest object was made that asks for it, and which.
fn ages(settings: &Settings, store: &Store, topology: &Topology) -> BTreeMap<Arc<str>, (i64, ObjectRef)> {
    let mut ages: BTreeMap<Arc<str>, (i64, ObjectRef)> = BTreeMap::new();
    let (claims, _) = claims(settings, store, topology, &mut Notes::default());
    for claim in claims {
        let (created, object) = claim.by.age();
        match ages.get_mut(&claim.host) {
            Some((oldest, its)) if (*oldest, &*its) > (created, object) => {
                (*oldest, *its) = (created, object.clone());
            }
            Some(_) => {}
            None => drop(ages.insert(claim.host, (created, object.clone()))),
        }
    }
    ages
}

/// The picture, with where services run now.
pub(super) fn picture(routing: &Routing, running: &Running, settings: &Settings) -> Picture {
    let Routing { topology, merged, origins, notes, .. } = routing;
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
