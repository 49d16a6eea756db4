//! The check at adoption: every offset and index of a layout leads to where it should.

use core::ops::Range;

use super::format::{Block, Section};
use super::record::{HostRecord, NO_ROUTE, Text};
use super::{LayoutError, Target};

/// Checks what [`Block::open`] has not: all that the sections say of each other.
pub(super) fn verify(block: &Block) -> Result<(), LayoutError> {
    let inside = |range: Range<usize>, section| range.is_empty() || range.end <= block.count(section);
    let text = |text: Text| block.text_bytes(text).is_some_and(|bytes| core::str::from_utf8(bytes).is_ok());
    let zones = block.count(Section::Zones);
    let zone = |zone: usize| zone < zones;
    let list =
        |list: u32| block.has_list(list) && block.list(list).iter().all(|item| zone(usize::from(*item)));
    let all = |section: Section, name: &'static str, check: &dyn Fn(usize) -> bool| {
        if (0..block.count(section)).all(check) { Ok(()) } else { Err(LayoutError::Bounds(name)) }
    };

    if !zone(block.view()) || zones > 256 {
        return Err(LayoutError::Bounds("view and zones"));
    }
    all(Section::Zones, "zones", &|index| {
        let record = block.zone(index);
        text(record.name)
            && list(record.speaks_for)
            && inside(record.links(), Section::Links)
            && (record.carried as usize + 1) * zones <= block.count(Section::Routes)
    })?;
    all(Section::Nodes, "nodes", &|index| {
        let record = block.node(index);
        text(record.id) && text(record.address)
    })?;
    all(Section::Links, "links", &|index| {
        let record = block.link(index);
        zone(record.to)
            && inside(record.egress(), Section::Egress)
            && inside(record.gateways(), Section::Gateways)
    })?;
    all(Section::Gateways, "gateways", &|index| {
        let record = block.gateway(index);
        text(record.node) && text(record.address)
    })?;
    all(Section::Egress, "egress nodes", &|index| block.egress(index) < block.count(Section::Nodes))?;
    all(Section::Routes, "routes", &|index| {
        let record = block.route(index);
        record.cost == NO_ROUTE || (record.link as usize) < block.count(Section::Links) && list(record.zones)
    })?;
    // One bit for each unit at which a host begins: the index may name no other.
    let mut begins = vec![0_u64; block.count(Section::Hosts).div_ceil(64)];
    let (mut end, mut hosts) = (0, 0);
    for (unit, record, pattern) in block.hosts() {
        if !(list(record.exposed_to) && inside(record.rules(), Section::Rules)) {
            return Err(LayoutError::Bounds("hosts"));
        }
        if let Some(word) = begins.get_mut(unit / 64) {
            *word |= 1 << (unit % 64);
        }
        (end, hosts) = (unit + HostRecord::units(pattern.len()), hosts + 1);
    }
    if end != block.count(Section::Hosts) || hosts != block.header().hosts {
        return Err(LayoutError::Bounds("hosts"));
    }
    all(Section::Rules, "rules", &|index| {
        let record = block.rule(index);
        text(record.path) && list(record.exposed_to) && inside(record.backends(), Section::Backends)
    })?;
    all(Section::Backends, "backends", &|index| match block.backend(index).target {
        Target::Node(node) => node < block.count(Section::Nodes),
        Target::Zone(index) => zone(index),
    })?;
    let bits = block.header().index_bits;
    if bits >= 32 {
        return Err(LayoutError::Bounds("index bits"));
    }
    let begins = |unit: usize| begins.get(unit / 64).is_some_and(|word| word >> (unit % 64) & 1 != 0);
    all(Section::Buckets, "buckets", &|index| {
        block.bucket(index).iter().all(|slot| match slot & ((1 << bits) - 1) {
            0 => true,
            unit => begins(unit as usize - 1),
        })
    })
}
