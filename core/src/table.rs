//! The zone table: JSON in, checked, and its digest.

mod canonical;
mod fault;
mod outline;
mod validate;
pub mod wire;

pub use fault::{Fault, TableError, TableFault};
pub(crate) use outline::Outline;

use wire::Revision;

use crate::strict;

/// The version of the table's format that this program reads and writes.
pub const TABLE_VERSION: u64 = 1;

/// The sizes above which a table is refused (DESIGN, "The zone table").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of JSON.
    pub bytes: usize,
    /// Hosts of a table.
    pub hosts: usize,
    /// Nodes of the view's zone.
    pub nodes: usize,
    /// Zones of a table.
    pub zones: usize,
    /// Links of all zones.
    pub links: usize,
    /// Rules of a host.
    pub rules: usize,
    /// Backends of a rule.
    pub backends: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            hosts: 100_000,
            nodes: 10_000,
            zones: 256,
            links: 4_096,
            rules: 64,
            backends: 256,
        }
    }
}

/// A table that holds to every rule of the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    wire: wire::Table,
}

impl Table {
    /// Parses and checks a table, with the limits of the design.
    ///
    /// # Errors
    /// [`TableError::Syntax`] stops at the first fault; [`TableError::Invalid`] has every other one.
    pub fn parse(json: &[u8]) -> Result<Self, TableError> {
        Self::parse_within(json, &Limits::default())
    }

    /// Parses and checks a table within limits of the caller's.
    ///
    /// # Errors
    /// As [`Table::parse`]; [`TableError::TooLarge`] before anything is read.
    pub fn parse_within(json: &[u8], limits: &Limits) -> Result<Self, TableError> {
        if json.len() > limits.bytes {
            return Err(TableError::TooLarge { bytes: json.len(), limit: limits.bytes });
        }
        let wire = serde_json::from_slice(json).or_else(|_| {
            // Only a table that failed is read again with its path tracked: the good ones do not pay for it.
            let mut deserializer = serde_json::Deserializer::from_slice(json);
            let table = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
                let path = strict::place(error.path());
                TableError::Syntax { path, source: error.into_inner() }
            })?;
            deserializer.end().map_err(|source| TableError::Syntax { path: String::new(), source })?;
            Ok(table)
        })?;
        Self::check(wire, limits)
    }

    /// Checks a table that was built rather than read.
    ///
    /// # Errors
    /// [`TableError::Invalid`] with every fault.
    pub fn check(wire: wire::Table, limits: &Limits) -> Result<Self, TableError> {
        let faults = validate::faults(&wire, limits);
        if faults.is_empty() { Ok(Self { wire }) } else { Err(TableError::Invalid(faults)) }
    }

    /// The table's JSON form.
    #[must_use]
    pub fn wire(&self) -> &wire::Table {
        &self.wire
    }

    /// The table's JSON form, to be changed and checked again.
    #[must_use]
    pub fn into_wire(self) -> wire::Table {
        self.wire
    }

    /// Its revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.wire.revision
    }

    /// SHA-256 of the canonical JSON (RFC 8785) of what was sent, without `revision`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        canonical::digest(&self.wire)
    }
}

impl TryFrom<wire::Table> for Table {
    type Error = TableError;

    fn try_from(wire: wire::Table) -> Result<Self, TableError> {
        Self::check(wire, &Limits::default())
    }
}

/// A SHA-256, shown as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of canonical JSON that is there in parts, as [`wire::Table::canonical`] and [`wire::Host::canonical`] write it.
    #[must_use]
    pub fn of_parts<'t>(parts: impl Iterator<Item = &'t str>) -> Self {
        canonical::digest_of(parts)
    }
}

impl core::fmt::Display for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests;
