//! The record of the table that is served: small, written after the table itself, and looked at on every tick.

use super::Reader;
use crate::layout::Layout;
use crate::table::Digest;
use crate::table::wire::Revision;

/// `ZWR`, and the version of this format behind it.
const MAGIC: [u8; 3] = *b"ZWR";
const VERSION: u8 = 1;

/// What is served, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The table's revision.
    pub revision: Revision,
    /// The table's digest.
    pub digest: Digest,
    /// How many hosts it has.
    pub hosts: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted_ms: u64,
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by another release.
    #[error(
        "the table's record has version {0}, this program reads version {VERSION}: upgrade the older of the two"
    )]
    Version(u8),
    /// Something else altogether.
    #[error("the table's record is broken: push the table again")]
    Broken,
}

impl Record {
    /// The record of a layout that was accepted at this time.
    #[must_use]
    pub fn of(layout: &Layout, accepted_ms: u64) -> Self {
        Self {
            revision: layout.revision(),
            digest: layout.digest(),
            hosts: u64::try_from(layout.hosts()).unwrap_or(u64::MAX),
            accepted_ms,
        }
    }

    /// The record as it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        for number in [self.revision.epoch, self.revision.sequence, self.hosts, self.accepted_ms] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.digest.0);
        bytes
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When the bytes are of another version, or no record at all.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader(bytes);
        match (reader.take(), reader.u8()) {
            (Some(MAGIC), Some(VERSION)) => {}
            (Some(MAGIC), Some(version)) => return Err(RecordError::Version(version)),
            _ => return Err(RecordError::Broken),
        }
        let read = move || {
            let revision = Revision { epoch: reader.u64()?, sequence: reader.u64()? };
            let (hosts, accepted_ms) = (reader.u64()?, reader.u64()?);
            let digest = Digest(reader.take()?);
            reader.rest().is_empty().then_some(Self { revision, digest, hosts, accepted_ms })
        };
        read().ok_or(RecordError::Broken)
    }
}
