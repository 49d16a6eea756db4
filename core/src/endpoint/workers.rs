//! Who adopts tables, and which one each of them serves: one list that all of them write, by compare-and-swap.

use super::Reader;
use crate::table::wire::Revision;

/// `ZWW1`: a list of another version is kept under another key, so that two releases do not overwrite each other's.
const MAGIC: [u8; 4] = *b"ZWW1";

/// One that adopts tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worker {
    /// Drawn at random when it started.
    pub id: u64,
    /// What it serves.
    pub revision: Option<Revision>,
    /// When it last said so, in milliseconds since 1970.
    pub seen_ms: u64,
}

/// All of them, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workers(Vec<Worker>);

impl Workers {
    /// Reads a list. Bytes that are none are an empty one: every worker writes itself down again within a second.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        if reader.take() != Some(MAGIC) {
            return Self::default();
        }
        let mut worker = move || {
            let (id, seen_ms, has_table) = (reader.u64()?, reader.u64()?, reader.u8()?);
            let revision = Revision { epoch: reader.u64()?, sequence: reader.u64()? };
            Some(Worker { id, revision: (has_table == 1).then_some(revision), seen_ms })
        };
        Self(core::iter::from_fn(&mut worker).collect())
    }

    /// The list as it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for worker in &self.0 {
            bytes.extend_from_slice(&worker.id.to_le_bytes());
            bytes.extend_from_slice(&worker.seen_ms.to_le_bytes());
            bytes.push(u8::from(worker.revision.is_some()));
            let revision = worker.revision.unwrap_or_default();
            bytes.extend_from_slice(&revision.epoch.to_le_bytes());
            bytes.extend_from_slice(&revision.sequence.to_le_bytes());
        }
        bytes
    }

    /// Writes a worker down, and drops those that have not been seen for `stale_ms` before it.
    pub fn seen(&mut self, worker: Worker, stale_ms: u64) {
        self.0.retain(|other| {
            other.id != worker.id && worker.seen_ms.saturating_sub(other.seen_ms) <= stale_ms
        });
        let at = self.0.partition_point(|other| other.id < worker.id);
        self.0.insert(at, worker);
    }

    /// Each worker, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Worker> {
        self.0.iter()
    }
}
