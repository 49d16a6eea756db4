//! The best paths between zones: least cost, then fewer links, then the zones' names in order.
//!
//! They are computed when a table is built, once for each distinct set of zones that may carry a source, and searched
//! again for a request only where its trail has visited a zone of the computed one.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Layout;
use super::format::{Block, Section};
use super::record::NO_ROUTE;

/// A best path from the view's zone to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Path {
    /// The sum of the costs of its links.
    pub(crate) cost: u32,
    /// Its first link, which is the view's own.
    pub(crate) link: usize,
    /// The list of the zones behind the first, where it was computed with the table.
    pub(super) zones: Option<u32>,
}

/// A set of zones, by index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exclusion([u64; 4]);

impl Exclusion {
    pub(crate) fn add(&mut self, zone: usize) {
        if let Some(word) = self.0.get_mut(zone / 64) {
            *word |= 1 << (zone % 64);
        }
    }

    pub(crate) fn has(&self, zone: usize) -> bool {
        self.0.get(zone / 64).is_some_and(|word| word >> (zone % 64) & 1 != 0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }
}

/// The path that was computed with the table.
pub(super) fn computed(block: &Block, source: usize, target: usize) -> Option<Path> {
    let set = block.zone(source).carried as usize;
    let route = block.route(set * block.count(Section::Zones) + target);
    (route.cost != NO_ROUTE).then_some(Path {
        cost: route.cost,
        link: route.link as usize,
        zones: Some(route.zones),
    })
}

/// The best path to every zone for one source, around the zones that a trail has visited.
pub(super) fn search(layout: &Layout, source: usize, visited: &Exclusion) -> Vec<Option<Path>> {
    let block = &layout.block;
    let links = |zone: usize| {
        let record = block.zone(zone);
        record.links().map(|link| {
            let record = block.link(link);
            Edge { link, to: record.to, cost: record.cost }
        })
    };
    let tree = best_paths(
        block.count(Section::Zones),
        block.view(),
        links,
        |zone| layout.speaks_for(zone, source),
        |zone| visited.has(zone),
    );
    tree.iter()
        .map(|step| step.as_ref().map(|step| Path { cost: step.cost, link: step.first_link, zones: None }))
        .collect()
}

/// A link between zones, by index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) link: usize,
    pub(super) to: usize,
    pub(super) cost: u32,
}

/// How a zone is best reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) cost: u32,
    hops: u32,
    pub(super) from: usize,
    pub(super) first_link: usize,
}

/// Dijkstra's search from one zone. Zones are numbered in the order of their names. Each link is visited once: costs
/// are 1 at least, so whatever leads to a zone at its best cost is settled before it.
pub(super) fn best_paths<L: Iterator<Item = Edge>>(
    zones: usize,
    start: usize,
    links: impl Fn(usize) -> L,
    may_leave: impl Fn(usize) -> bool,
    excluded: impl Fn(usize) -> bool,
) -> Vec<Option<Step>> {
    let mut best: Vec<Option<Step>> = vec![None; zones];
    let mut settled = vec![false; zones];
    let mut queue = BinaryHeap::from([Reverse((0_u32, 0_u32, start))]);
    while let Some(Reverse((cost, hops, zone))) = queue.pop() {
        match settled.get_mut(zone) {
            Some(done) if !*done => *done = true,
            _ => continue,
        }
        if !may_leave(zone) {
            continue;
        }
        for edge in links(zone) {
            if edge.to == start || excluded(edge.to) || settled.get(edge.to) != Some(&false) {
                continue;
            }
            let first_link = best.get(zone).copied().flatten().map_or(edge.link, |step| step.first_link);
            let new = Step { cost: cost.saturating_add(edge.cost), hops: hops + 1, from: zone, first_link };
            let old = best.get(edge.to).copied().flatten();
            let better = old.is_none_or(|old| {
                (new.cost, new.hops)
                    .cmp(&(old.cost, old.hops))
                    .then_with(|| by_names(&best, new.from, old.from))
                    .is_lt()
            });
            if better && let Some(slot) = best.get_mut(edge.to) {
                *slot = Some(new);
                queue.push(Reverse((new.cost, new.hops, edge.to)));
            }
        }
    }
    best
}

/// Compares two settled paths of the same number of links by the zones they pass, from the start.
fn by_names(best: &[Option<Step>], mut left: usize, mut right: usize) -> core::cmp::Ordering {
    let mut order = core::cmp::Ordering::Equal;
    let from = |zone: usize| best.get(zone).copied().flatten().map(|step| step.from);
    while left != right {
        // The difference nearest to the start decides, and that is the last one met on the way back.
        order = left.cmp(&right);
        let (Some(before_left), Some(before_right)) = (from(left), from(right)) else { break };
        (left, right) = (before_left, before_right);
    }
    order
}

/// The zones of a path behind its start, in order.
pub(super) fn zones_of(tree: &[Option<Step>], start: usize, target: usize) -> Vec<u8> {
    let mut zones = Vec::new();
    let mut zone = target;
    while zone != start && zones.len() < tree.len() {
        zones.push(u8::try_from(zone).unwrap_or(u8::MAX));
        let Some(step) = tree.get(zone).copied().flatten() else { break };
        zone = step.from;
    }
    zones.reverse();
    zones
}
