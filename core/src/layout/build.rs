//! Table to layout. What stands many times in a table stands once in the layout.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::format::{Block, Header, Section, word};
use super::index::{self, Pattern};
use super::record::{
    BACKEND_HAS_WEIGHT, BACKEND_IS_ZONE, GatewayRecord, HostRecord, LinkRecord, NO_ROUTE, RuleRecord,
    ZoneRecord,
};
use super::routes::{Edge, best_paths, zones_of};
use crate::name::PatternKind;
use crate::table::wire::{self, Prefer};
use crate::table::{Digest, Outline, Table};

/// The layout of a checked table.
pub(super) fn build(table: &Table) -> Block {
    let wire = table.wire();
    let mut build = Build::new(wire);
    for host in &wire.hosts {
        let kind = build.kind(host);
        build.host(&host.host, kind);
    }
    build.finish(wire, table.digest())
}

/// As [`build`], and the very same bytes.
pub(super) fn build_outline(outline: &Outline<'_>) -> Block {
    let mut build = Build::new(outline.rest());
    let kinds: Vec<Kind> = outline.kinds().iter().map(|kind| build.kind(kind)).collect();
    for host in outline.hosts() {
        if let Some(kind) = kinds.get(host.kind) {
            build.host(host.name, *kind);
        }
    }
    build.finish(outline.rest(), outline.digest())
}

/// A checked pattern's kind and the host behind its wildcard.
fn split(pattern: &str) -> (PatternKind, &str) {
    if let Some(suffix) = pattern.strip_prefix("**.") {
        (PatternKind::AnyLabels, suffix)
    } else if let Some(suffix) = pattern.strip_prefix("*.") {
        (PatternKind::OneLabel, suffix)
    } else {
        (PatternKind::Exact, pattern)
    }
}

#[derive(Default)]
struct Build<'a> {
    zone_indices: BTreeMap<&'a str, u32>,
    node_indices: BTreeMap<&'a str, u32>,
    /// For each distinct set of zones that speak for a source: its number.
    carriers: BTreeMap<Vec<bool>, u32>,
    /// By zone: the set that speaks for it.
    carried: Vec<u32>,
    zones: Vec<u8>,
    nodes: Vec<u8>,
    links: Vec<u8>,
    gateways: Vec<u8>,
    egress: Vec<u8>,
    hosts: Vec<u8>,
    patterns: Vec<Pattern<'a>>,
    rules: Vec<u8>,
    backends: Vec<u8>,
    routes: Vec<u8>,
    lists: Pool,
    texts: Pool,
    rule_lists: HashMap<Vec<u8>, u32>,
    backend_lists: HashMap<Vec<u8>, u32>,
}

/// The words of a host's record, but for the length of its pattern.
#[derive(Clone, Copy)]
struct Kind {
    meta: u32,
    words: [u32; 3],
}

/// Bytes in which equal pieces stand once.
#[derive(Default)]
struct Pool {
    bytes: Vec<u8>,
    known: HashMap<Vec<u8>, u32>,
}

impl Pool {
    fn share(&mut self, piece: &[u8]) -> u32 {
        if let Some(at) = self.known.get(piece) {
            return *at;
        }
        let at = self.append(piece);
        self.known.insert(piece.to_vec(), at);
        at
    }

    fn append(&mut self, piece: &[u8]) -> u32 {
        let at = word(self.bytes.len());
        self.bytes.extend_from_slice(piece);
        at
    }
}

fn push<const N: usize>(section: &mut Vec<u8>, words: [u32; N]) {
    words.iter().for_each(|word| section.extend_from_slice(&word.to_le_bytes()));
}

fn flag(set: bool, flag: u32) -> u32 {
    if set { flag } else { 0 }
}

/// Appends records to a section, unless the very same run of them is there already; the number of the first.
fn share_run(section: &mut Vec<u8>, known: &mut HashMap<Vec<u8>, u32>, run: Vec<u8>, width: usize) -> u32 {
    *known.entry(run).or_insert_with_key(|run| {
        let first = word(section.len() / width);
        section.extend_from_slice(run);
        first
    })
}

impl<'a> Build<'a> {
    fn new(wire: &'a wire::Table) -> Self {
        let own = wire.zones.get(&wire.view).and_then(|zone| zone.nodes.as_ref());
        let mut build = Self {
            zone_indices: wire.zones.keys().map(String::as_str).zip(0..).collect(),
            node_indices: own.into_iter().flatten().map(|(id, _)| id.as_str()).zip(0..).collect(),
            ..Self::default()
        };
        for source in wire.zones.keys() {
            let carriers = wire.zones.iter().map(|(name, zone)| match &zone.speaks_for {
                Some(speaks_for) => speaks_for.contains(source),
                None => name == source,
            });
            let next = word(build.carriers.len());
            let set = *build.carriers.entry(carriers.collect()).or_insert(next);
            build.carried.push(set);
        }
        for (name, zone) in &wire.zones {
            build.zone(name, zone);
        }
        build
    }

    /// Adds what is known only at the end: routes, the index and the header.
    fn finish(mut self, wire: &wire::Table, digest: Digest) -> Block {
        self.routes(wire);
        let half = |at: usize| {
            digest.0.iter().skip(at).take(8).fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
        };
        let index = index::build(&self.patterns, [half(0), half(8)]);
        let header = Header {
            revision: wire.revision,
            digest,
            view: self.zone_index(&wire.view),
            hosts: word(self.patterns.len()),
            index_bits: index.index_bits,
            keys: index.keys,
            one_label: index.one_label,
            any_labels: index.any_labels,
        };
        Block::assemble(
            header,
            Section::ALL.map(|section| match section {
                Section::Zones => core::mem::take(&mut self.zones),
                Section::Nodes => core::mem::take(&mut self.nodes),
                Section::Links => core::mem::take(&mut self.links),
                Section::Gateways => core::mem::take(&mut self.gateways),
                Section::Egress => core::mem::take(&mut self.egress),
                Section::Hosts => core::mem::take(&mut self.hosts),
                Section::Buckets => index.buckets.clone(),
                Section::Rules => core::mem::take(&mut self.rules),
                Section::Backends => core::mem::take(&mut self.backends),
                Section::Routes => core::mem::take(&mut self.routes),
                Section::Lists => core::mem::take(&mut self.lists.bytes),
                Section::Text => core::mem::take(&mut self.texts.bytes),
            }),
        )
    }

    fn zone_index(&self, name: &str) -> u32 {
        self.zone_indices.get(name).copied().unwrap_or_default()
    }

    fn zone_list(&mut self, names: &[String]) -> u32 {
        let mut list = u16::try_from(names.len()).unwrap_or_default().to_le_bytes().to_vec();
        list.extend(names.iter().map(|name| u8::try_from(self.zone_index(name)).unwrap_or(u8::MAX)));
        self.lists.share(&list)
    }

    fn zone(&mut self, name: &str, zone: &wire::Zone) {
        for (id, node) in zone.nodes.iter().flatten() {
            let lengths = word(id.len()) | word(node.address.len()) << 16;
            let (id, address) = (self.texts.share(id.as_bytes()), self.texts.append(node.address.as_bytes()));
            push(&mut self.nodes, [id, lengths, address]);
        }
        let first_link = word(self.links.len() / Section::Links.width());
        for link in zone.links.iter().flatten() {
            self.link(link);
        }
        let meta = word(name.len())
            | flag(zone.public == Some(true), ZoneRecord::PUBLIC)
            | flag(zone.public.is_some(), ZoneRecord::PUBLIC_WRITTEN)
            | flag(zone.speaks_for.is_some(), ZoneRecord::SPEAKS_FOR)
            | flag(zone.nodes.is_some(), ZoneRecord::NODES)
            | flag(zone.links.is_some(), ZoneRecord::LINKS);
        let name_at = self.texts.share(name.as_bytes());
        let speaks_for = self.zone_list(zone.speaks_for.as_deref().unwrap_or_default());
        let links = word(zone.links.as_ref().map_or(0, Vec::len));
        let carried = self.carried.get(self.zone_index(name) as usize).copied().unwrap_or_default();
        push(&mut self.zones, [name_at, meta, speaks_for, first_link, links, carried]);
    }

    fn link(&mut self, link: &wire::Link) {
        let (egress, gateways) = (link.egress.as_deref(), link.gateways.as_deref());
        let meta = flag(link.cost.is_some(), LinkRecord::COST)
            | flag(egress.is_some(), LinkRecord::EGRESS)
            | flag(gateways.is_some(), LinkRecord::GATEWAYS);
        let (egress, gateways) = (egress.unwrap_or_default(), gateways.unwrap_or_default());
        let first_egress = word(self.egress.len() / Section::Egress.width());
        for node in egress {
            let node = self.node_indices.get(node.as_str()).copied().unwrap_or_default();
            push(&mut self.egress, [node]);
        }
        let first_gateway = word(self.gateways.len() / Section::Gateways.width());
        for gateway in gateways {
            let address = gateway.address.as_deref().unwrap_or_default();
            let meta = flag(gateway.address.is_some(), GatewayRecord::ADDRESS)
                | flag(gateway.tunnel == Some(true), GatewayRecord::TUNNEL)
                | flag(gateway.tunnel.is_some(), GatewayRecord::TUNNEL_WRITTEN);
            let lengths = word(gateway.node.len()) | word(address.len()) << 16;
            let node = self.texts.share(gateway.node.as_bytes());
            let address = self.texts.append(address.as_bytes());
            push(&mut self.gateways, [node, lengths, address, meta]);
        }
        let to = self.zone_index(&link.to);
        let cost = u32::try_from(link.cost.unwrap_or(1)).unwrap_or(u32::MAX);
        let counts = (word(egress.len()), word(gateways.len()));
        push(&mut self.links, [to, cost, meta, first_egress, counts.0, first_gateway, counts.1]);
    }

    /// What a host is beside its name.
    fn kind(&mut self, host: &wire::Host) -> Kind {
        let rules = host.rules.as_deref().unwrap_or_default();
        let first_rule = self.rules(rules);
        let meta = flag(host.prefer.is_some(), HostRecord::PREFER)
            | flag(host.prefer == Some(Prefer::Zone), HostRecord::ZONE)
            | flag(host.rules.is_some(), HostRecord::RULES)
            | flag(rules.iter().any(|rule| rule.path != "/"), HostRecord::PATHS);
        let exposed_to = self.zone_list(&host.exposed_to);
        Kind { meta, words: [exposed_to, first_rule, word(rules.len())] }
    }

    fn host(&mut self, pattern: &'a str, Kind { meta, words: [exposed_to, first_rule, rules] }: Kind) {
        let (kind, suffix) = split(pattern);
        let unit = word(self.hosts.len() / HostRecord::UNIT);
        self.patterns.push(Pattern { kind, suffix, unit });
        push(&mut self.hosts, [word(pattern.len()) | meta, exposed_to, first_rule, rules]);
        self.hosts.extend_from_slice(pattern.as_bytes());
        self.hosts.resize(self.hosts.len().next_multiple_of(HostRecord::UNIT), 0);
    }

    /// The rules with the longest path first, each with its place in the table.
    fn rules(&mut self, rules: &[wire::Rule]) -> u32 {
        let mut ordered: Vec<(usize, &wire::Rule)> = rules.iter().enumerate().collect();
        ordered.sort_by_key(|(_, rule)| core::cmp::Reverse(rule.path.len()));
        let mut run = Vec::with_capacity(rules.len() * Section::Rules.width());
        for (ordinal, rule) in ordered {
            let meta = word(ordinal)
                | flag(rule.exposed_to.is_some(), RuleRecord::EXPOSED_TO)
                | flag(rule.backends.is_some(), RuleRecord::BACKENDS);
            let path = self.texts.share(rule.path.as_bytes());
            let exposed_to = self.zone_list(rule.exposed_to.as_deref().unwrap_or_default());
            let backends = rule.backends.as_deref().unwrap_or_default();
            let first_backend = self.backends(backends);
            push(
                &mut run,
                [path, word(rule.path.len()), exposed_to, first_backend, word(backends.len()), meta],
            );
        }
        share_run(&mut self.rules, &mut self.rule_lists, run, Section::Rules.width())
    }

    fn backends(&mut self, backends: &[wire::Backend]) -> u32 {
        let mut run = Vec::with_capacity(backends.len() * Section::Backends.width());
        for backend in backends {
            let target = match (&backend.node, &backend.zone) {
                (Some(node), _) => self.node_indices.get(node.as_str()).copied().unwrap_or_default(),
                (None, zone) => self.zone_index(zone.as_deref().unwrap_or_default()) | BACKEND_IS_ZONE,
            };
            let weight = u32::try_from(backend.weight.unwrap_or(1)).unwrap_or(u32::MAX);
            push(&mut run, [target | flag(backend.weight.is_some(), BACKEND_HAS_WEIGHT), weight]);
        }
        share_run(&mut self.backends, &mut self.backend_lists, run, Section::Backends.width())
    }

    /// For each set of carriers the best path from the view's zone to every zone.
    fn routes(&mut self, wire: &wire::Table) {
        let start = self.zone_index(&wire.view) as usize;
        let edges = self.edges(wire);
        let mut sets: Vec<_> = core::mem::take(&mut self.carriers).into_iter().collect();
        sets.sort_by_key(|(_, number)| *number);
        for (carriers, _) in sets {
            let links = |zone: usize| edges.get(zone).into_iter().flatten().copied();
            let may_leave = |zone: usize| carriers.get(zone) == Some(&true);
            let tree = best_paths(edges.len(), start, links, may_leave, |_| false);
            for (target, step) in tree.iter().enumerate() {
                let route = step.map_or([NO_ROUTE, 0, 0], |step| {
                    let zones = zones_of(&tree, start, target);
                    let mut list = u16::try_from(zones.len()).unwrap_or_default().to_le_bytes().to_vec();
                    list.extend(zones);
                    [step.cost, word(step.first_link), self.lists.share(&list)]
                });
                push(&mut self.routes, route);
            }
        }
    }

    /// The links of every zone, numbered as in their section.
    fn edges(&self, wire: &wire::Table) -> Vec<Vec<Edge>> {
        let mut number = 0;
        let mut edge = |link: &wire::Link| {
            let cost = u32::try_from(link.cost.unwrap_or(1)).unwrap_or(u32::MAX);
            number += 1;
            Edge { link: number - 1, to: self.zone_index(&link.to) as usize, cost }
        };
        wire.zones.values().map(|zone| zone.links.iter().flatten().map(&mut edge).collect()).collect()
    }
}

// A checked pattern is cut here as `HostPattern` cuts it.
#[cfg(test)]
#[test]
fn patterns_are_cut_as_host_pattern_cuts_them() {
    for text in ["a.b", "*.a.b", "**.a.b"] {
        let pattern = crate::name::HostPattern::parse(text).unwrap();
        assert_eq!(split(text), (pattern.kind(), pattern.suffix()));
    }
}
