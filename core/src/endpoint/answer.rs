//! An answer of the endpoint: a status and JSON.

use serde::Serialize;

use crate::layout::LayoutError;
use crate::table::wire::{self, Revision};

/// How many errors one answer lists (DESIGN, "The table endpoint").
pub const MOST_ERRORS: usize = 1_000;

/// An answer; its body is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Entry],
}

/// One error, as every answer of the endpoint writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) message: String,
}

impl Answer {
    /// The table is served now, or was already.
    #[must_use]
    pub fn accepted(revision: Revision) -> Self {
        Self::json(200, &Verdict { accepted: true, revision: Some(revision), errors: &[] })
    }

    /// The table is refused, for these paths and messages; [`MOST_ERRORS`] of them at most are listed.
    #[must_use]
    pub fn refusal(status: u16, errors: Vec<(String, String)>) -> Self {
        let entry = |(path, message)| Entry { path, message };
        let errors: Vec<_> = errors.into_iter().take(MOST_ERRORS).map(entry).collect();
        Self::json(status, &Verdict { accepted: false, revision: None, errors: &errors })
    }

    /// The table is larger than this endpoint takes.
    #[must_use]
    pub fn too_large(bytes: usize, limit: usize) -> Self {
        let message = format!(
            "the table has {bytes} bytes or more, {limit} at most: split the site or raise `max_table_bytes`"
        );
        Self::refusal(413, vec![(String::new(), message)])
    }

    /// The part of Envoy that compiles tables does not answer.
    #[must_use]
    pub fn no_compiler() -> Self {
        Self::refusal(503, vec![(String::new(), NO_COMPILER.to_owned())])
    }

    /// The table that is served, as JSON; or why it cannot be read.
    #[must_use]
    pub fn table(table: Result<wire::Table, LayoutError>) -> Self {
        match table {
            Ok(table) => Self::json(200, &table),
            Err(unread) => Self::refusal(500, vec![(String::new(), unread.to_string())]),
        }
    }

    /// There is no table yet.
    #[must_use]
    pub fn no_table() -> Self {
        let message = "there is no table yet: push one with PUT /v1/table".to_owned();
        Self::refusal(404, vec![(String::new(), message)])
    }

    /// A value as JSON. One that cannot be written would be a mistake of this program: it is answered, not panicked on.
    pub(super) fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self { status, body },
            Err(_) => Self { status: 500, body: Vec::new() },
        }
    }
}

/// What to do when nobody compiles.
pub(super) const NO_COMPILER: &str = "the singleton that compiles tables does not answer: check that the bootstrap has \
     one (envoy.bootstrap.wasm, singleton, vm_id zoneway, role compiler), and restart Envoy if it has crashed; the table \
     that is served is not touched";
