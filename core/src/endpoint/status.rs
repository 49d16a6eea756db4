//! What the endpoint says of itself.

use serde::Serialize;

use super::answer::{Entry, NO_COMPILER};
use super::{Answer, Record, RecordError, Workers};
use crate::table::TABLE_VERSION;
use crate::table::wire::Revision;

/// One that has not been seen for this long is gone, in milliseconds.
pub const STALE_MS: u64 = 5_000;

/// All that the endpoint knows.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// The table that is served, if any.
    pub table: Option<Result<Record, RecordError>>,
    /// Who adopts tables.
    pub workers: &'a Workers,
    /// When the compiler was last seen, in milliseconds since 1970.
    pub compiler_ms: Option<u64>,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
}

#[derive(Serialize)]
struct Wire {
    versions: [u64; 1],
    table: Option<Table>,
    workers: Vec<WireWorker>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Entry>,
}

#[derive(Serialize)]
struct Table {
    revision: Revision,
    digest: String,
    hosts: u64,
    age_s: u64,
}

#[derive(Serialize)]
struct WireWorker {
    id: String,
    revision: Option<Revision>,
    seen_ms: u64,
}

impl Status<'_> {
    /// Whether the compiler was seen lately.
    #[must_use]
    pub fn compiler_answers(&self) -> bool {
        self.compiler_ms.is_some_and(|seen| self.now_ms.saturating_sub(seen) <= STALE_MS)
    }

    /// The answer to `GET /v1/status`. Its `errors` are there only while something is wrong.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let error = |message: String| Entry { path: String::new(), message };
        let mut errors = Vec::new();
        if !self.compiler_answers() {
            errors.push(error(NO_COMPILER.to_owned()));
        }
        let table = match self.table {
            Some(Ok(record)) => Some(Table {
                revision: record.revision,
                digest: record.digest.to_string(),
                hosts: record.hosts,
                age_s: self.now_ms.saturating_sub(record.accepted_ms) / 1000,
            }),
            Some(Err(unread)) => {
                errors.push(error(unread.to_string()));
                None
            }
            None => None,
        };
        let ago = |seen_ms| self.now_ms.saturating_sub(seen_ms);
        let workers = self.workers.iter().filter(|worker| ago(worker.seen_ms) <= STALE_MS);
        let workers = workers.map(|worker| WireWorker {
            id: format!("{:016x}", worker.id),
            revision: worker.revision,
            seen_ms: ago(worker.seen_ms),
        });
        let wire = Wire { versions: [TABLE_VERSION], table, workers: workers.collect(), errors };
        Answer::json(200, &wire)
    }
}
