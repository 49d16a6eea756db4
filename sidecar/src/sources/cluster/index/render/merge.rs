//! From claims to hosts: objects that share a host are merged by path, and no path is open to more than its object says.
//!
//! A rule's path matches prefixes at segment borders. A controller's may match less (`Exact`) or more (`/foo` as a text
//! matches `/foobar`), and then another rule answers for the difference, there or here. Where their exposures differ,
//! the wider one is cut: what is exposed is what both say.

mod host;
mod stand_in;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use zoneway_core::name::{HostPattern, PatternKind};
use zoneway_site::wire;

use super::super::super::objects::ObjectRef;
use super::super::super::picture::PathOrigins;
use super::super::digest::path::Backend;
use super::Notes;
use super::claim::{Claim, Holders};
use super::topology::Topology;
use host::{HostMerge, Standing};
use stand_in::stand_ins;

/// Every host, and what serves it.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) hosts: wire::Entries<wire::Host>,
    pub(super) uses: Uses,
    pub(super) origins: BTreeMap<Arc<str>, PathOrigins>,
    pub(super) hidden: Arc<BTreeSet<Arc<str>>>,
}

/// The services that rules name, by their names in the site; in no order.
#[derive(Debug, Default)]
pub(super) struct Uses(HashMap<Arc<str>, Use>);

impl Uses {
    /// Every service.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Use)> {
        self.0.iter()
    }

    /// The service of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Use> {
        self.0.get(name)
    }

    /// A rule of this object's names a service. Gives the one text for all that name it.
    fn note(&mut self, name: String, backends: Vec<Backend>, by: &ObjectRef) -> Arc<str> {
        let name = match self.0.get_key_value(name.as_str()) {
            Some((known, _)) => Arc::clone(known),
            None => name.into(),
        };
        let used = self.0.entry(Arc::clone(&name)).or_insert_with(|| Use { backends, by: Vec::new() });
        used.by.push(by.clone());
        name
    }
}

/// A service of the site.
#[derive(Debug)]
pub(super) struct Use {
    /// Empty: Envoy answers by itself.
    pub(super) backends: Vec<Backend>,
    /// Who names it.
    pub(super) by: Vec<ObjectRef>,
}

/// `before`: the hosts as they were, of which those that are so still are kept. `left`: hosts that there is no room for.
pub(super) fn merge(
    mut claims: Vec<Claim<'_>>,
    holders: &Holders<'_>,
    topology: &Topology,
    before: &wire::Entries<wire::Host>,
    left: &BTreeSet<Arc<str>>,
    notes: &mut Notes,
) -> Merged {
    claims.sort_by(|a, b| (&a.host, &a.path, a.by.age()).cmp(&(&b.host, &b.path, b.by.age())));
    let all_hosts = || claims.chunk_by(|a, b| a.host == b.host);
    let is_left = |claims: &[Claim<'_>]| claims.first().is_some_and(|claim| left.contains(&claim.host));
    let hosts = || all_hosts().filter(|claims| left.is_empty() || !is_left(claims));
    // What is told of them is told below.
    let wildcards = hosts().filter(|claims| claims.first().is_some_and(|claim| claim.host.starts_with('*')));
    let wildcards = wildcards.filter_map(|claims| {
        let mut host = HostMerge::of(claims, topology, &mut Notes::default())?;
        host.regexes(&mut Notes::default());
        Some(host)
    });
    let wildcards: BTreeMap<Arc<str>, Standing<'_>> =
        wildcards.map(|host| (Arc::clone(&host.host), host.standing(holders))).collect();
    let stand_ins = match left.is_empty() {
        true => BTreeMap::new(),
        false => stand_ins(all_hosts().filter(|claims| is_left(claims)), &wildcards, topology),
    };
    let mut merged = Merged::default();
    let mut hidden = BTreeSet::new();
    // In order. A map that is made of a list has no room for more entries, which is half of one that they are put into.
    let (mut all, mut made_by) = (Vec::new(), Vec::new());
    // There are more hosts than services, and most say no more than the service's name: one piece of memory for each word.
    let mut words: HashSet<Arc<wire::Host>> = HashSet::new();
    let mut before_it = before.iter().peekable();
    // One after the other: a host that is being merged takes ten times the room of one that is written.
    for claims in hosts() {
        let Some(mut host) = HostMerge::of(claims, topology, notes) else { continue };
        let covering = |pattern: &HostPattern| nearest(pattern, &wildcards).map(|(_, standing)| standing);
        host.expose_solvers(covering, holders, topology, notes);
        host.regexes(notes);
        host.cut(topology, notes);
        let name = Arc::clone(&host.host);
        if let Some(stands_in) = stand_ins.get(&name) {
            host.stand_in(stands_in, topology, notes);
        }
        let (written, origins) = host.written(topology, notes, &mut merged.uses);
        if origins.is_empty() {
            hidden.insert(Arc::clone(&name));
        } else {
            made_by.push((Arc::clone(&name), origins));
        }
        while before_it.next_if(|(other, _)| **other < name).is_some() {}
        let written = match before_it.next_if(|(other, _)| **other == name) {
            Some((_, before)) if **before == written => Arc::clone(before),
            _ => words.get(&written).cloned().unwrap_or_else(|| Arc::new(written)),
        };
        words.insert(Arc::clone(&written));
        all.push((name, written));
    }
    merged.origins = made_by.into_iter().collect();
    let all: BTreeMap<Arc<str>, Arc<wire::Host>> = all.into_iter().collect();
    merged.hosts = if all == **before { before.clone() } else { all.into() };
    merged.hidden = Arc::new(hidden);
    merged
}

/// The wildcard that would answer for a host if that were not there.
fn nearest<'w, W>(host: &HostPattern, wildcards: &'w BTreeMap<Arc<str>, W>) -> Option<(&'w Arc<str>, &'w W)> {
    let found = |name: String| wildcards.get_key_value(name.as_str());
    let parent = host.suffix().split_once('.').map(|(_, parent)| parent);
    let next = match host.kind() {
        PatternKind::Exact => parent.and_then(|parent| found(format!("*.{parent}"))),
        PatternKind::OneLabel => found(format!("**.{}", host.suffix())),
        PatternKind::AnyLabels => None,
    };
    let mut ancestors = core::iter::successors(parent, |name| name.split_once('.').map(|(_, parent)| parent));
    next.or_else(|| ancestors.find_map(|name| found(format!("**.{name}"))))
}
