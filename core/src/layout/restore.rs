//! Layout to table: what `GET /v1/table` answers, and the proof that nothing was lost.

use std::collections::BTreeMap;

use super::format::{Block, Section};
use super::record::HostRecord;
use super::{Layout, Target};
use crate::table::TABLE_VERSION;
use crate::table::wire::{Backend, Gateway, Host, Link, Node, Rule, Table, Zone};

/// The table as it was sent.
pub(super) fn restore(layout: &Layout) -> Table {
    let block = &layout.block;
    Table {
        version: TABLE_VERSION,
        revision: block.revision(),
        view: layout.view().to_owned(),
        zones: (0..block.count(Section::Zones)).map(|index| zone(layout, index)).collect(),
        hosts: block.hosts().map(|(_, record, pattern)| host(layout, record, pattern)).collect(),
    }
}

fn names(layout: &Layout, list: u32) -> Vec<String> {
    layout.block.list(list).iter().map(|zone| layout.zone_name(usize::from(*zone)).to_owned()).collect()
}

fn zone(layout: &Layout, index: usize) -> (String, Zone) {
    let block = &layout.block;
    let record = block.zone(index);
    let nodes = record.nodes_are_written().then(|| {
        let count = if index == block.view() { block.count(Section::Nodes) } else { 0 };
        let node =
            |node| (layout.node_id(node).to_owned(), Node { address: layout.node_address(node).to_owned() });
        (0..count).map(node).collect::<BTreeMap<_, _>>()
    });
    let zone = Zone {
        public: record.public_is_written().then_some(record.is_public()),
        nodes,
        links: record.links_are_written().then(|| record.links().map(|index| link(layout, index)).collect()),
        speaks_for: record.speaks_for_is_written().then(|| names(layout, record.speaks_for)),
    };
    (layout.zone_name(index).to_owned(), zone)
}

fn link(layout: &Layout, index: usize) -> Link {
    let block = &layout.block;
    let record = block.link(index);
    let egress = || record.egress().map(|item| layout.node_id(block.egress(item)).to_owned()).collect();
    Link {
        to: layout.zone_name(record.to).to_owned(),
        cost: record.cost_is_written().then_some(u64::from(record.cost)),
        egress: record.egress_is_written().then(egress),
        gateways: record
            .gateways_are_written()
            .then(|| record.gateways().map(|index| gateway(block, index)).collect()),
    }
}

fn gateway(block: &Block, index: usize) -> Gateway {
    let record = block.gateway(index);
    Gateway {
        node: block.text(record.node).to_owned(),
        address: record.address_is_written().then(|| block.text(record.address).to_owned()),
        tunnel: record.tunnel_is_written().then_some(record.is_tunnel()),
    }
}

fn host(layout: &Layout, record: HostRecord, pattern: &[u8]) -> Host {
    let block = &layout.block;
    let rules = record.rules_are_written().then(|| {
        let mut rules: Vec<(usize, Rule)> =
            record.rules().map(|index| (block.rule(index).ordinal(), rule(layout, index))).collect();
        rules.sort_by_key(|(ordinal, _)| *ordinal);
        rules.into_iter().map(|(_, rule)| rule).collect()
    });
    Host {
        host: String::from_utf8_lossy(pattern).into_owned(),
        exposed_to: names(layout, record.exposed_to),
        prefer: record.prefer(),
        rules,
    }
}

fn rule(layout: &Layout, index: usize) -> Rule {
    let block = &layout.block;
    let record = block.rule(index);
    Rule {
        path: block.text(record.path).to_owned(),
        exposed_to: record.exposed_to_is_written().then(|| names(layout, record.exposed_to)),
        backends: record
            .backends_are_written()
            .then(|| record.backends().map(|index| backend(layout, index)).collect()),
    }
}

fn backend(layout: &Layout, index: usize) -> Backend {
    let (target, weight, written) = layout.block.written_backend(index);
    let weight = written.then_some(u64::from(weight));
    match target {
        Target::Node(node) => Backend { node: Some(layout.node_id(node).to_owned()), zone: None, weight },
        Target::Zone(zone) => Backend { node: None, zone: Some(layout.zone_name(zone).to_owned()), weight },
    }
}
