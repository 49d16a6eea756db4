//! Where everything stands in a layout: the header and the sections.
//!
//! Only this file knows offsets. Reads are checked and give zero outside, which cannot happen once
//! [`super::verify`] has passed.

use super::record::{
    BACKEND_HAS_WEIGHT, BACKEND_IS_ZONE, GatewayRecord, HostRecord, LinkRecord, NodeRecord, RouteRecord,
    RuleRecord, Text, ZoneRecord,
};
use super::{Backend, LAYOUT_VERSION, LayoutError, Target};
use crate::table::Digest;
use crate::table::wire::Revision;

pub(super) const MAGIC: [u8; 8] = *b"ZONEWAY\0";
/// Bytes before the part that the checksum is of.
pub(super) const CHECKED_FROM: usize = 24;
const SECTION_TABLE: usize = 136;
pub(super) const HEADER: usize = SECTION_TABLE + SECTIONS * 8;
const SECTIONS: usize = 12;

/// The parts behind the header, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Zones,
    Nodes,
    Links,
    Gateways,
    Egress,
    Hosts,
    Buckets,
    Rules,
    Backends,
    Routes,
    Lists,
    Text,
}

impl Section {
    pub(super) const ALL: [Self; SECTIONS] = [
        Self::Zones,
        Self::Nodes,
        Self::Links,
        Self::Gateways,
        Self::Egress,
        Self::Hosts,
        Self::Buckets,
        Self::Rules,
        Self::Backends,
        Self::Routes,
        Self::Lists,
        Self::Text,
    ];

    /// Bytes of one record.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Zones => 4 * ZoneRecord::WORDS,
            Self::Nodes => 4 * NodeRecord::WORDS,
            Self::Links => 4 * LinkRecord::WORDS,
            Self::Gateways => 4 * GatewayRecord::WORDS,
            Self::Hosts => HostRecord::UNIT,
            Self::Rules => 4 * RuleRecord::WORDS,
            Self::Routes => 4 * RouteRecord::WORDS,
            Self::Buckets => 16,
            Self::Backends => 8,
            Self::Egress => 4,
            Self::Lists | Self::Text => 1,
        }
    }
}

/// The parts of a header that are not offsets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) revision: Revision,
    pub(super) digest: Digest,
    pub(super) view: u32,
    /// How many hosts there are.
    pub(super) hosts: u32,
    /// Bits of an index slot that name a host; the others are its tag.
    pub(super) index_bits: u32,
    /// The keys of the index's hash.
    pub(super) keys: [u64; 2],
    /// Bit n: some `*.` pattern has a suffix of n labels.
    pub(super) one_label: u128,
    /// Bit n: some `**.` pattern has a suffix of n labels.
    pub(super) any_labels: u128,
}

/// The bytes of a layout with its header read.
#[derive(Clone)]
pub(super) struct Block {
    bytes: Vec<u8>,
    header: Header,
    sections: [(usize, usize); SECTIONS],
}

impl Block {
    /// Puts a header before the sections.
    pub(super) fn assemble(header: Header, sections: [Vec<u8>; SECTIONS]) -> Self {
        let length = HEADER + sections.iter().map(|section| section.len().next_multiple_of(8)).sum::<usize>();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&word(length).to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&header.revision.epoch.to_le_bytes());
        bytes.extend_from_slice(&header.revision.sequence.to_le_bytes());
        bytes.extend_from_slice(&header.digest.0);
        bytes.extend_from_slice(&header.view.to_le_bytes());
        bytes.extend_from_slice(&header.index_bits.to_le_bytes());
        header.keys.iter().for_each(|key| bytes.extend_from_slice(&key.to_le_bytes()));
        bytes.extend_from_slice(&header.one_label.to_le_bytes());
        bytes.extend_from_slice(&header.any_labels.to_le_bytes());
        bytes.extend_from_slice(&header.hosts.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        let mut offset = HEADER;
        let mut places = [(0, 0); SECTIONS];
        for ((section, data), place) in Section::ALL.into_iter().zip(&sections).zip(&mut places) {
            *place = (offset, data.len() / section.width());
            bytes.extend_from_slice(&word(place.0).to_le_bytes());
            bytes.extend_from_slice(&word(place.1).to_le_bytes());
            offset += data.len().next_multiple_of(8);
        }
        for data in &sections {
            bytes.extend_from_slice(data);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        let sum = checksum(bytes.get(CHECKED_FROM..).unwrap_or_default());
        if let Some(slot) = bytes.get_mut(16..CHECKED_FROM) {
            slot.copy_from_slice(&sum.to_le_bytes());
        }
        Self { bytes, header, sections: places }
    }

    /// Reads the header and checks magic, version, length, checksum and the place of every section.
    pub(super) fn open(bytes: Vec<u8>) -> Result<Self, LayoutError> {
        if bytes.len() < HEADER {
            return Err(LayoutError::TooShort(bytes.len()));
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(LayoutError::Magic);
        }
        let version = read_u32(&bytes, 8);
        if version != LAYOUT_VERSION {
            return Err(LayoutError::Version(version));
        }
        let said = read_u32(&bytes, 12);
        if usize::try_from(said) != Ok(bytes.len()) {
            return Err(LayoutError::Length { said, found: bytes.len() });
        }
        if checksum(bytes.get(CHECKED_FROM..).unwrap_or_default()) != read_u64(&bytes, 16) {
            return Err(LayoutError::Checksum);
        }
        let mut digest = [0; 32];
        if let Some(found) = bytes.get(40..72) {
            digest.copy_from_slice(found);
        }
        let header = Header {
            revision: Revision { epoch: read_u64(&bytes, 24), sequence: read_u64(&bytes, 32) },
            digest: Digest(digest),
            view: read_u32(&bytes, 72),
            hosts: read_u32(&bytes, 128),
            index_bits: read_u32(&bytes, 76),
            keys: [read_u64(&bytes, 80), read_u64(&bytes, 88)],
            one_label: read_u128(&bytes, 96),
            any_labels: read_u128(&bytes, 112),
        };
        let mut sections = [(0, 0); SECTIONS];
        for ((index, place), section) in sections.iter_mut().enumerate().zip(Section::ALL) {
            let at = SECTION_TABLE + index * 8;
            *place = (read_u32(&bytes, at) as usize, read_u32(&bytes, at + 4) as usize);
            let end = place.1.checked_mul(section.width()).and_then(|size| size.checked_add(place.0));
            if place.0 < HEADER || end.is_none_or(|end| end > bytes.len()) {
                return Err(LayoutError::Bounds("sections"));
            }
        }
        Ok(Self { bytes, header, sections })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn revision(&self) -> Revision {
        self.header.revision
    }

    pub(super) fn digest(&self) -> Digest {
        self.header.digest
    }

    pub(super) fn view(&self) -> usize {
        self.header.view as usize
    }

    fn place(&self, section: Section) -> (usize, usize) {
        self.sections.get(section as usize).copied().unwrap_or_default()
    }

    pub(super) fn count(&self, section: Section) -> usize {
        self.place(section).1
    }

    /// `N` words of a section's record.
    fn record<const N: usize>(&self, section: Section, index: usize) -> [u32; N] {
        let at = self.place(section).0 + index * N * 4;
        let mut words = [0; N];
        if let Some(bytes) = self.bytes.get(at..at + N * 4) {
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
                *word = u32::from_le_bytes(*bytes);
            }
        }
        words
    }

    pub(super) fn zone(&self, zone: usize) -> ZoneRecord {
        let [name, meta, speaks_for, links_from, links, carried] = self.record(Section::Zones, zone);
        ZoneRecord { name: Text(name, meta & 0xff), meta, speaks_for, links_from, links, carried }
    }

    pub(super) fn node(&self, node: usize) -> NodeRecord {
        let [id, lengths, address] = self.record(Section::Nodes, node);
        NodeRecord { id: Text(id, lengths & 0xffff), address: Text(address, lengths >> 16) }
    }

    pub(super) fn link(&self, link: usize) -> LinkRecord {
        let [to, cost, meta, egress_from, egress, gateways_from, gateways] =
            self.record(Section::Links, link);
        LinkRecord { to: to as usize, cost, meta, egress_from, egress, gateways_from, gateways }
    }

    pub(super) fn gateway(&self, gateway: usize) -> GatewayRecord {
        let [node, lengths, address, meta] = self.record(Section::Gateways, gateway);
        GatewayRecord { node: Text(node, lengths & 0xffff), address: Text(address, lengths >> 16), meta }
    }

    pub(super) fn egress(&self, item: usize) -> usize {
        let [node] = self.record(Section::Egress, item);
        node as usize
    }

    /// The host at a unit of its section, and its pattern, which stands right behind its words: whoever compares the
    /// one reads the other from the same lines of the cache.
    pub(super) fn host(&self, unit: usize) -> Option<(HostRecord, &[u8])> {
        let (words, behind) =
            self.bytes.get(self.place(Section::Hosts).0 + unit * HostRecord::UNIT..)?.split_first_chunk()?;
        let record = HostRecord::read(words);
        Some((record, behind.get(..record.length())?))
    }

    /// Every host in the table's order, with its unit.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (usize, HostRecord, &[u8])> {
        let (mut unit, end) = (0, self.count(Section::Hosts));
        core::iter::from_fn(move || {
            let (record, pattern) = self.host(unit).filter(|_| unit < end)?;
            let at = unit;
            unit += HostRecord::units(pattern.len());
            Some((at, record, pattern))
        })
    }

    pub(super) fn bucket(&self, bucket: usize) -> [u32; 4] {
        self.record(Section::Buckets, bucket)
    }

    pub(super) fn rule(&self, rule: usize) -> RuleRecord {
        let [path, length, exposed_to, backends_from, backends, meta] = self.record(Section::Rules, rule);
        RuleRecord { path: Text(path, length), exposed_to, backends_from, backends, meta }
    }

    pub(super) fn backend(&self, backend: usize) -> Backend {
        let (target, weight, _) = self.written_backend(backend);
        Backend { target, weight }
    }

    /// A backend, and whether its weight was written.
    pub(super) fn written_backend(&self, backend: usize) -> (Target, u32, bool) {
        let [target, weight] = self.record(Section::Backends, backend);
        let index = (target & !(BACKEND_IS_ZONE | BACKEND_HAS_WEIGHT)) as usize;
        let kind = if target & BACKEND_IS_ZONE == 0 { Target::Node(index) } else { Target::Zone(index) };
        (kind, weight, target & BACKEND_HAS_WEIGHT != 0)
    }

    pub(super) fn route(&self, route: usize) -> RouteRecord {
        let [cost, link, zones] = self.record(Section::Routes, route);
        RouteRecord { cost, link, zones }
    }

    /// A list of zones, by index.
    pub(super) fn list(&self, list: u32) -> &[u8] {
        let (start, size) = self.place(Section::Lists);
        let section = self.bytes.get(start..start + size).unwrap_or_default();
        let Some([low, high, rest @ ..]) = section.get(list as usize..) else { return &[] };
        rest.get(..usize::from(u16::from_le_bytes([*low, *high]))).unwrap_or_default()
    }

    /// Whether a list is whole.
    pub(super) fn has_list(&self, list: u32) -> bool {
        let (start, size) = self.place(Section::Lists);
        let section = self.bytes.get(start..start + size).unwrap_or_default();
        match section.get(list as usize..) {
            Some([low, high, rest @ ..]) => rest.len() >= usize::from(u16::from_le_bytes([*low, *high])),
            _ => false,
        }
    }

    pub(super) fn text_bytes(&self, text: Text) -> Option<&[u8]> {
        let (start, size) = self.place(Section::Text);
        let section = self.bytes.get(start..start + size)?;
        section.get(text.0 as usize..)?.get(..text.1 as usize)
    }

    pub(super) fn text(&self, text: Text) -> &str {
        core::str::from_utf8(self.text_bytes(text).unwrap_or_default()).unwrap_or_default()
    }

    /// Binary search in a section that is sorted by a name.
    pub(super) fn search(&self, section: Section, name: &[u8], of: impl Fn(usize) -> Text) -> Option<usize> {
        let (mut low, mut high) = (0, self.count(section));
        while low < high {
            let middle = low + (high - low) / 2;
            match self.text_bytes(of(middle)).unwrap_or_default().cmp(name) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
                core::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

/// A length or offset as it is written. A layout never grows to 4 GiB: its table's JSON is bounded.
pub(super) fn word(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn read_u64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn read_u128(bytes: &[u8], at: usize) -> u128 {
    bytes.get(at..at + 16).and_then(|bytes| bytes.try_into().ok()).map_or(0, u128::from_le_bytes)
}

/// Four lanes of multiply and rotate over 64-bit words: it finds what a copy or a disk may damage, in about a tenth
/// of a millisecond a megabyte; it is no defence against a forger, who cannot reach shared data.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut lanes = [1_u64, 2, 3, 4];
    let blocks = bytes.chunks_exact(32);
    let rest = blocks.remainder();
    for block in blocks {
        for (lane, bytes) in lanes.iter_mut().zip(block.as_chunks().0) {
            *lane = (*lane ^ u64::from_le_bytes(*bytes)).wrapping_mul(MULTIPLIER).rotate_left(29);
        }
    }
    let seed = bytes.len() as u64;
    let mixed = lanes.iter().fold(seed, |sum, lane| (sum ^ lane).wrapping_mul(MULTIPLIER).rotate_left(31));
    rest.iter().fold(mixed, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(MULTIPLIER).rotate_left(31))
}
