//! A table has room for so many hosts and bytes. Of more, the youngest hosts are left out, and who has them is told.
//!
//! What there is no room for is found from all that there is: the rest is rendered again without it. Nothing of this costs
//! anything but a sum while there is room.

mod size;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zoneway_core::table::Limits;
use zoneway_site::DEFAULT_MAX_TABLE_BYTES;

use super::super::super::objects::{Kind, ObjectName, ObjectRef};
use super::super::super::picture::Reason;
use super::super::super::settings::Settings;
use super::super::digest::Store;
use super::claim::Claim;
use super::{Notes, Routing, Running};
pub(super) use size::{bytes_of_hosts, frames};

/// So many objects of a namespace are told one by one; of the others, the namespace.
const TOLD: usize = 10;

/// How much a table may hold.
#[derive(Debug, Clone, Copy)]
struct Room {
    hosts: usize,
    bytes: usize,
}

impl Room {
    fn of(settings: &Settings, limits: &Limits) -> Self {
        let bytes = settings.settings.max_table_bytes.unwrap_or(DEFAULT_MAX_TABLE_BYTES);
        Self { hosts: limits.hosts, bytes: usize::try_from(bytes).unwrap_or(usize::MAX) }
    }
}

/// The hosts that there is no room for: what is served is not to go because something new came, so the older a host's
/// oldest object is, the sooner it has its place.
pub(in super::super) fn left_out(
    routing: &Routing,
    running: &Running,
    settings: &Settings,
    limits: &Limits,
    store: &Store,
) -> BTreeSet<Arc<str>> {
    let room = Room::of(settings, limits);
    let hosts = &routing.merged.hosts;
    let few = hosts.len() <= room.hosts;
    if few && size::at_most(routing, running) <= room.bytes {
        return BTreeSet::new();
    }
    let sizes = size::Sizes::of(routing, running);
    if few && sizes.at_most(routing) <= room.bytes {
        return BTreeSet::new();
    }
    let mut all = size::Sum::of(routing);
    hosts.iter().for_each(|(name, host)| all.add(&sizes.of_host(name, host)));
    if few && all.most() <= room.bytes {
        return BTreeSet::new();
    }
    let ages = super::ages(settings, store, &routing.topology);
    let mut by_age: Vec<_> = hosts.iter().map(|(name, host)| (ages.get(name), name, host)).collect();
    by_age.sort_unstable_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let (mut sum, mut there, mut left) = (size::Sum::of(routing), 0, BTreeSet::new());
    for (_, name, host) in by_age {
        let more = sizes.of_host(name, host);
        if there < room.hosts && sum.with(&more) <= room.bytes {
            sum.add(&more);
            there += 1;
        } else {
            left.insert(Arc::clone(name));
        }
    }
    left
}

/// Tells who has hosts that are left out: each object once, and of many of a namespace the namespace.
pub(super) fn tell(
    claims: &[Claim<'_>],
    left: &BTreeSet<Arc<str>>,
    settings: &Settings,
    store: &Store,
    notes: &mut Notes,
) {
    let mut objects: BTreeMap<(i64, &ObjectRef), BTreeSet<&str>> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| left.contains(&claim.host)) {
        objects.entry(claim.by.age()).or_default().insert(&claim.host);
    }
    let room = Room::of(settings, &Limits::default());
    let why = format!(
        "a table has room for {} hosts and {} bytes, and older hosts have it: take hosts or paths out, let one wildcard \
         stand for many, or raise `max_table_bytes` in the settings",
        room.hosts, room.bytes
    );
    let and_more = |first: &str, count: usize| match count {
        0 | 1 => format!("{first} is left out"),
        _ => format!("{first} and {} more of its hosts are left out", count - 1),
    };
    let mut of_namespaces: BTreeMap<&str, usize> = BTreeMap::new();
    for ((_, object), hosts) in objects {
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let before = of_namespaces.entry(namespace).or_default();
        *before += 1;
        if let (Some(first), true) = (hosts.first(), *before <= TOLD) {
            let message = format!("{}: {why}", and_more(first, hosts.len()));
            notes.add(object, Reason::NoRoom, message);
        }
    }
    for (namespace, count) in of_namespaces.into_iter().filter(|(_, count)| *count > TOLD) {
        let named = || ObjectName {
            kind: Kind::Namespace,
            namespace: None,
            name: namespace.into(),
            uid: Box::default(),
        };
        let object = store.namespaces.get(namespace).map_or_else(|| named().into(), |one| one.object.clone());
        let message = format!("hosts of {count} objects of it are left out: {why}");
        notes.add(&object, Reason::NoRoom, message);
    }
}
