//! From claims to hosts: objects that share a host are merged by path, and no path is open to more than its object says.
//!
//! A rule's path matches prefixes at segment borders. A controller's may match less (`Exact`) or more (`/foo` as a text
//! matches `/foobar`), and then another rule answers for the difference, there or here. Where their exposures differ,
//! the wider one is cut: what is exposed is what both say.

mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zoneway_core::name::{HostPattern, PatternKind};
use zoneway_site::wire;

use super::super::super::objects::ObjectRef;
use super::super::digest::path::Backend;
use super::Notes;
use super::claim::Claim;
use super::topology::Topology;
use super::zone_set::ZoneSet;
use host::HostMerge;

/// Every host, and what serves it.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) hosts: BTreeMap<String, wire::Host>,
    /// The services that rules name, by their names in the site.
    pub(super) uses: BTreeMap<Arc<str>, Use>,
    pub(super) origins: BTreeMap<String, BTreeMap<String, ObjectRef>>,
    pub(super) hidden: Arc<BTreeSet<String>>,
}

/// A service of the site.
#[derive(Debug)]
pub(super) struct Use {
    /// Empty: Envoy answers by itself.
    pub(super) backends: Vec<Backend>,
    /// Who names it.
    pub(super) by: Vec<ObjectRef>,
}

pub(super) fn merge(mut claims: Vec<Claim<'_>>, topology: &Topology, notes: &mut Notes) -> Merged {
    claims.sort_by(|a, b| (&a.host, &a.path, a.by.age()).cmp(&(&b.host, &b.path, b.by.age())));
    let mut hosts: Vec<HostMerge<'_>> = Vec::new();
    for claims in claims.chunk_by(|a, b| a.host == b.host) {
        hosts.extend(HostMerge::of(claims, topology, notes));
    }
    let wildcards: BTreeMap<Arc<str>, ZoneSet> = hosts
        .iter()
        .filter(|host| host.pattern.kind() != PatternKind::Exact)
        .map(|host| (Arc::clone(&host.host), host.exposed_to()))
        .collect();
    let mut merged = Merged::default();
    let mut hidden = BTreeSet::new();
    for mut host in hosts {
        let pattern = host.pattern.clone();
        host.expose_solvers(|| covering(&pattern, &wildcards));
        host.cut(topology, notes);
        let name = host.host.to_string();
        let (written, uses, origins) = host.written(topology, notes);
        if origins.is_empty() {
            hidden.insert(name.clone());
        } else {
            merged.origins.insert(name.clone(), origins);
        }
        for (service, backends, by) in uses {
            let used = merged.uses.entry(service).or_insert_with(|| Use { backends, by: Vec::new() });
            used.by.push(by);
        }
        merged.hosts.insert(name, written);
    }
    merged.hidden = Arc::new(hidden);
    merged
}

/// Who may ask for the wildcard that would answer for a host.
fn covering(host: &HostPattern, wildcards: &BTreeMap<Arc<str>, ZoneSet>) -> Option<ZoneSet> {
    let parent = host.suffix().split_once('.').map(|(_, parent)| parent)?;
    if let (PatternKind::Exact, Some(exposed)) = (host.kind(), wildcards.get(format!("*.{parent}").as_str()))
    {
        return Some(*exposed);
    }
    let mut ancestors =
        core::iter::successors(Some(parent), |name| name.split_once('.').map(|(_, parent)| parent));
    ancestors.find_map(|name| wildcards.get(format!("**.{name}").as_str())).copied()
}
