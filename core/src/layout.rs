//! The flat form of a table: one block of bytes that is copied, checked once and read in place.
//!
//! A program that routes never holds a table in any other form. The block is made once ([`Layout::compile`]), travels
//! through shared data or memory, and is adopted by each reader ([`Layout::adopt`]), which checks its length, its
//! checksum and every offset in it. Reading allocates nothing.
//!
//! | part | what it holds |
//! |---|---|
//! | header | magic, layout version, length, checksum, revision, digest of the JSON, view, keys of the index |
//! | sections | zones, nodes, links, gateways, egress, hosts, the index of hosts, rules, backends, routes, lists, text |
//!
//! Numbers are little-endian `u32`. What many hosts share (lists of rules, backends, zones, texts) stands once. The
//! index is a cuckoo table of buckets of four: a look-up reads two buckets, whatever the names are, and then a host's
//! words with its pattern right behind them.

mod build;
mod format;
mod index;
mod record;
mod restore;
mod routes;
mod verify;

use crate::authority::Authority;
use crate::decision::Here;
use crate::table::wire::{self, Prefer, Revision};
use crate::table::{Digest, Outline, Table};
use crate::words::{same, strip};
use format::{Block, Section};

pub(crate) use routes::{Exclusion, Path};

/// The version of the layout that this program writes and reads. A reader keeps what it has when it meets another.
pub const LAYOUT_VERSION: u32 = 2;

/// A table in its flat form, checked.
#[derive(Clone)]
pub struct Layout {
    block: Block,
}

/// Why bytes are no layout that this program can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Too few bytes for a header.
    #[error("{0} bytes are too few for a layout")]
    TooShort(usize),
    /// Something else altogether.
    #[error("the bytes do not begin as a layout does")]
    Magic,
    /// Written by another release.
    #[error("layout version {0} is not known here: this program reads version {LAYOUT_VERSION}, upgrade it")]
    Version(u32),
    /// Cut off, or with something behind it.
    #[error("the layout says {said} bytes and has {found}")]
    Length {
        /// Bytes by the header.
        said: u32,
        /// Bytes there are.
        found: usize,
    },
    /// Changed on its way.
    #[error("the layout's checksum does not fit")]
    Checksum,
    /// An offset that leads outside, or a value out of its range.
    #[error("the layout's {0} lead outside of it")]
    Bounds(&'static str),
}

impl Layout {
    /// Makes the flat form of a table. The same table gives the same bytes.
    #[must_use]
    pub fn compile(table: &Table) -> Self {
        Self { block: build::build(table) }
    }

    /// As [`Layout::compile`], and the same bytes.
    pub(crate) fn compile_outline(outline: &Outline<'_>) -> Self {
        Self { block: build::build_outline(outline) }
    }

    /// Takes over bytes that [`Layout::bytes`] gave, perhaps in another process.
    ///
    /// # Errors
    /// When the bytes are no layout, of another version, cut off, changed, or lead outside themselves.
    pub fn adopt(bytes: Vec<u8>) -> Result<Self, LayoutError> {
        let block = Block::open(bytes)?;
        verify::verify(&block)?;
        Ok(Self { block })
    }

    /// The bytes, to be handed on.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.block.bytes()
    }

    /// The bytes, to be used again.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.block.into_bytes()
    }

    /// The revision of the table.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.block.revision()
    }

    /// The digest of the table's JSON (see [`Table::digest`]).
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.block.digest()
    }

    /// How many hosts the table has.
    #[must_use]
    pub fn hosts(&self) -> usize {
        self.block.header().hosts as usize
    }

    /// The zone whose view the table is.
    #[must_use]
    pub fn view(&self) -> &str {
        self.zone_name(self.block.view())
    }

    /// The table again, as it was sent: its digest is the same.
    #[must_use]
    pub fn to_table(&self) -> wire::Table {
        restore::restore(self)
    }

    /// The entry that answers for a host name: exact, then `*.`, then the longest `**.`.
    #[must_use]
    pub fn find(&self, host: &Authority) -> Option<Entry> {
        index::find_exact(&self.block, host.as_bytes()).or_else(|| self.find_wildcard(host))
    }

    /// The exact entry that is written just so. Any bytes may be asked for: a name that is found is canonical, since
    /// every name of a table is.
    pub(crate) fn find_exact(&self, name: &[u8]) -> Option<Entry> {
        index::find_exact(&self.block, name)
    }

    /// The wildcard that answers for a host name without an exact entry.
    pub(crate) fn find_wildcard(&self, host: &Authority) -> Option<Entry> {
        index::find_wildcard(&self.block, host)
    }

    /// The pattern of an entry, as it is in the table.
    #[must_use]
    pub fn pattern(&self, entry: Entry) -> &str {
        let pattern = self.block.host(entry.unit).map(|(_, pattern)| pattern).unwrap_or_default();
        core::str::from_utf8(pattern).unwrap_or_default()
    }

    /// The zones of the table that are public, by name. Shells tell such zones less.
    pub fn public_zones(&self) -> impl Iterator<Item = &str> {
        (0..self.block.count(Section::Zones))
            .filter(|zone| self.block.zone(*zone).is_public())
            .map(|zone| self.zone_name(zone))
    }

    pub(crate) fn zone_name(&self, zone: usize) -> &str {
        self.block.text(self.block.zone(zone).name)
    }

    fn zone_name_bytes(&self, zone: usize) -> &[u8] {
        self.block.text_bytes(self.block.zone(zone).name).unwrap_or_default()
    }

    /// The index of a zone, by its name.
    pub(crate) fn zone_index(&self, name: &[u8]) -> Option<usize> {
        // Most requests come from the view's own zone.
        if same(self.zone_name_bytes(self.block.view()), name) {
            return Some(self.block.view());
        }
        self.block.search(Section::Zones, name, |zone| self.block.zone(zone).name)
    }

    pub(crate) fn speaks_for(&self, zone: usize, source: usize) -> bool {
        let record = self.block.zone(zone);
        if record.speaks_for_is_written() { self.lists(record.speaks_for, source) } else { zone == source }
    }

    fn lists(&self, list: u32, zone: usize) -> bool {
        self.block.list(list).iter().any(|item| usize::from(*item) == zone)
    }

    pub(crate) fn host_is_exposed_to(&self, entry: Entry, zone: usize) -> bool {
        self.lists(entry.record.exposed_to, zone)
    }

    /// Whether two hosts are exposed to other zones, as far as this view can tell.
    pub(crate) fn differ_in_exposure(&self, one: Entry, other: Entry) -> bool {
        let view = self.block.view();
        let [one, other] = [one, other].map(|entry| self.block.list(entry.record.exposed_to));
        // A public view names its own zone alone where it does not serve the host, whoever else may ask.
        let is_cut = |list: &[u8]| {
            self.block.zone(view).is_public() && matches!(list, [only] if usize::from(*only) == view)
        };
        one != other && !is_cut(one) && !is_cut(other)
    }

    pub(crate) fn host_prefers_zone(&self, entry: Entry) -> bool {
        entry.record.prefer() == Some(Prefer::Zone)
    }

    /// Whether the host has any rule other than `/`, so that a request's path matters.
    pub(crate) fn host_has_paths(&self, entry: Entry) -> bool {
        entry.record.has_paths()
    }

    /// The rule with the longest path that is a prefix of a request's.
    pub(crate) fn rule(&self, entry: Entry, path: &[u8]) -> Option<Rule> {
        if !entry.record.has_paths() {
            // `/` is the only one, if there is any.
            return entry.record.rules().next().map(|rule| Rule(self.block.rule(rule)));
        }
        // Rules stand with the longest path first.
        entry.record.rules().map(|rule| Rule(self.block.rule(rule))).find(|rule| {
            let prefix = self.block.text_bytes(rule.0.path).unwrap_or_default();
            prefix == b"/"
                || strip(path, prefix).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
        })
    }

    pub(crate) fn rule_is_exposed_to(&self, rule: Rule, zone: usize) -> bool {
        !rule.0.exposed_to_is_written() || self.lists(rule.0.exposed_to, zone)
    }

    /// The backends of a rule, in the table's order.
    pub(crate) fn backends(&self, rule: Rule) -> impl Iterator<Item = Backend> {
        rule.0.backends().map(|backend| self.block.backend(backend))
    }

    pub(crate) fn node_id(&self, node: usize) -> &str {
        self.block.text(self.block.node(node).id)
    }

    pub(crate) fn node_address(&self, node: usize) -> &str {
        self.block.text(self.block.node(node).address)
    }

    pub(crate) fn is_here(&self, node: usize, here: &Here<'_>) -> bool {
        self.block.text_bytes(self.block.node(node).id).is_some_and(|id| same(id, here.node.as_bytes()))
    }

    /// The best path to a zone for requests of a source zone, as it was computed when the table was built.
    pub(crate) fn path(&self, source: usize, target: usize) -> Option<Path> {
        routes::computed(&self.block, source, target)
    }

    /// The best paths that avoid the zones a trail has visited.
    pub(crate) fn paths_around(&self, source: usize, visited: &Exclusion) -> Vec<Option<Path>> {
        routes::search(self, source, visited)
    }

    /// Whether the best path of [`Layout::path`] leads through one of these zones.
    pub(crate) fn path_meets(&self, path: &Path, visited: &Exclusion) -> bool {
        path.zones
            .is_some_and(|list| self.block.list(list).iter().any(|zone| visited.has(usize::from(*zone))))
    }

    pub(crate) fn link(&self, link: usize) -> Link<'_> {
        Link { layout: self, record: self.block.link(link) }
    }
}

impl core::fmt::Debug for Layout {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Layout({} {}, {} hosts)", self.view(), self.revision(), self.hosts())
    }
}

/// A host of a table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Where it stands in its section.
    unit: usize,
    record: record::HostRecord,
}

/// A rule of a host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule(record::RuleRecord);

/// Where a rule is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) target: Target,
    pub(crate) weight: u32,
}

/// A node of the view's zone or another zone, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Node(usize),
    Zone(usize),
}

/// A link of the view's zone.
pub(crate) struct Link<'a> {
    layout: &'a Layout,
    record: record::LinkRecord,
}

/// A gateway of a link.
pub(crate) struct Gateway<'a> {
    pub(crate) node: &'a str,
    /// `None`: it has dialled in.
    pub(crate) address: Option<&'a str>,
}

impl<'a> Link<'a> {
    pub(crate) fn target(&self) -> usize {
        self.record.to
    }

    /// The nodes that can use the link; `None`: all.
    pub(crate) fn egress(&self) -> Option<impl Iterator<Item = usize> + use<'a>> {
        let block = &self.layout.block;
        self.record.egress_is_written().then(|| self.record.egress().map(|item| block.egress(item)))
    }

    pub(crate) fn gateways(&self) -> impl Iterator<Item = Gateway<'a>> + use<'a> {
        let block = &self.layout.block;
        self.record.gateways().map(move |gateway| {
            let record = block.gateway(gateway);
            let address = record.address_is_written().then(|| block.text(record.address));
            Gateway { node: block.text(record.node), address }
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
