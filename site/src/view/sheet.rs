//! A view as it is sent: canonical JSON, a line for each host, so that views which were made of one another share what they
//! have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use zoneway_core::table::wire::{self, Revision};
use zoneway_core::table::{Digest, Table, TableError};

/// What stands before the hosts of a table's canonical JSON.
const BEFORE: &str = "{\"hosts\":[";

/// A view as it is sent, of no revision yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The table without its hosts.
    frame: Arc<Table>,
    /// What stands behind the hosts in its canonical JSON.
    after: Arc<str>,
    /// Canonical JSON of each host, in their order.
    lines: Vec<Arc<str>>,
    digest: Digest,
}

impl Sheet {
    /// The hosts of a view within its frame. Both were checked.
    pub(super) fn new(frame: Arc<Table>, lines: Vec<Arc<str>>) -> Self {
        let after = frame.wire().canonical();
        let after: Arc<str> = after.strip_prefix(BEFORE).unwrap_or_default().into();
        let mut sheet = Self { frame, after, lines, digest: Digest([0; 32]) };
        sheet.digest = Digest::of_parts(sheet.before_revision().chain([",", sheet.behind_revision()]));
        sheet
    }

    /// A table as it is.
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let wire::Table { version, revision, view, zones, hosts } = table.wire();
        let frame = wire::Table {
            version: *version,
            revision: *revision,
            view: view.clone(),
            zones: zones.clone(),
            hosts: Vec::new(),
        };
        // What is right with its hosts is right without.
        let frame = Table::try_from(frame).unwrap_or_else(|_| table.clone());
        Self::new(Arc::new(frame), hosts.iter().map(|host| host.canonical().into()).collect())
    }

    /// The zone whose view it is.
    #[must_use]
    pub fn view(&self) -> &str {
        &self.frame.wire().view
    }

    /// The table without its hosts: zones, nodes, links.
    #[must_use]
    pub fn frame(&self) -> &Table {
        &self.frame
    }

    /// How many hosts it has.
    #[must_use]
    pub fn hosts(&self) -> usize {
        self.lines.len()
    }

    /// The digest of the table.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The table as JSON, with a revision.
    #[must_use]
    pub fn json(&self, revision: Revision) -> Vec<u8> {
        let revision =
            format!(",\"revision\":{{\"epoch\":{},\"sequence\":{}}},", revision.epoch, revision.sequence);
        let parts = || self.before_revision().chain([revision.as_str(), self.behind_revision()]);
        let mut json = Vec::with_capacity(parts().map(str::len).sum());
        parts().for_each(|part| json.extend_from_slice(part.as_bytes()));
        json
    }

    /// The table.
    ///
    /// # Errors
    /// Never of a checked view; the parser cannot know that.
    pub fn table(&self) -> Result<Table, TableError> {
        Table::parse(&self.json(self.frame.revision()))
    }

    /// What two views of a zone do not have in common, as tables: each with the hosts that the other does not have so,
    /// and with its wildcards.
    ///
    /// # Errors
    /// As [`Sheet::table`].
    pub fn differences(&self, other: &Self) -> Result<(Table, Table), TableError> {
        let (own, its) = (self.by_line(), other.by_line());
        let part = |sheet: &Self, there: &BTreeMap<&str, ()>| {
            let keep = |line: &&Arc<str>| line.contains("\"host\":\"*") || !there.contains_key(line.as_ref());
            let lines = sheet.lines.iter().filter(keep).cloned().collect();
            Self::new(Arc::clone(&sheet.frame), lines).table()
        };
        Ok((part(self, &its)?, part(other, &own)?))
    }

    /// With other entries for some hosts, or further ones.
    #[must_use]
    pub fn with(&self, hosts: &[wire::Host]) -> Self {
        let mut lines: BTreeMap<&str, Arc<str>> =
            self.lines.iter().map(|line| (host_of(line), Arc::clone(line))).collect();
        for host in hosts {
            lines.insert(&host.host, host.canonical().into());
        }
        Self::new(Arc::clone(&self.frame), lines.into_values().collect())
    }

    fn by_line(&self) -> BTreeMap<&str, ()> {
        self.lines.iter().map(|line| (line.as_ref(), ())).collect()
    }

    /// Canonical JSON up to where a revision belongs.
    fn before_revision(&self) -> impl Iterator<Item = &str> + Clone {
        let lines = self.lines.iter().enumerate();
        let lines = lines.flat_map(|(place, line)| [if place == 0 { "" } else { "," }, line.as_ref()]);
        [BEFORE].into_iter().chain(lines).chain(["]"])
    }

    /// The rest of it, without the comma.
    fn behind_revision(&self) -> &str {
        self.after.strip_prefix("],").unwrap_or_default()
    }
}

/// The host that a line is about: a checked pattern has nothing in it that JSON escapes.
fn host_of(line: &str) -> &str {
    let rest = line.split_once("\"host\":\"").map_or("", |(_, rest)| rest);
    rest.split_once('"').map_or(rest, |(host, _)| host)
}
