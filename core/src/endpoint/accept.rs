//! Whether a pushed table is taken.

use super::Answer;
use crate::layout::Layout;
use crate::name::ZoneName;
use crate::table::wire::Revision;
use crate::table::{Digest, Limits, Table, TableError};

/// What is to be done about a pushed table.
#[derive(Debug)]
pub struct Accepted {
    /// What the sender is answered.
    pub answer: Answer,
    /// The table to serve from now on; `None` where the old one serves on.
    pub layout: Option<Layout>,
}

/// Judges a pushed table for the nodes of `zone`, which serve `current` now.
///
/// A newer revision is taken; the one that is served already, with the same content, is answered as if it were; anything
/// else leaves the old table serving. Without a table any revision is taken.
#[must_use]
pub fn accept(
    current: Option<(Revision, Digest)>,
    zone: &ZoneName,
    limits: &Limits,
    body: &[u8],
) -> Accepted {
    let refused = |answer| Accepted { answer, layout: None };
    let table = match Table::parse_within(body, limits) {
        Ok(table) => table,
        Err(error) => {
            let status = if matches!(error, TableError::TooLarge { .. }) { 413 } else { 422 };
            return refused(Answer::refusal(status, error.entries()));
        }
    };
    let wire = table.wire();
    if wire.view != zone.as_str() {
        let message = format!(
            "the table is zone \"{}\"'s view and this node is of zone \"{zone}\": push it to a node of zone \"{}\"",
            wire.view, wire.view
        );
        return refused(Answer::refusal(422, vec![("view".to_owned(), message)]));
    }
    let revision = table.revision();
    if let Some((served, digest)) = current {
        if revision < served {
            let message = format!(
                "revision {revision} is older than {served}, which is served: raise the epoch, or push --supersede"
            );
            return refused(Answer::refusal(409, vec![("revision".to_owned(), message)]));
        }
        if revision == served {
            if table.digest() == digest {
                return refused(Answer::accepted(revision));
            }
            let message = format!(
                "revision {revision} is served already with other content: raise the sequence, or push --supersede"
            );
            return refused(Answer::refusal(409, vec![("revision".to_owned(), message)]));
        }
    }
    Accepted { answer: Answer::accepted(revision), layout: Some(Layout::compile(&table)) }
}
