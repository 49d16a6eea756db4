//! Whether a pushed table is taken.

use super::Answer;
use crate::layout::Layout;
use crate::name::ZoneName;
use crate::table::wire::{self, Revision};
use crate::table::{Digest, Limits, Outline, Table, TableError};

/// What is to be done about a pushed table.
#[derive(Debug, Clone)]
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
    let table = match Judged::parse(body, limits) {
        Ok(table) => table,
        Err(error) => {
            let status = if matches!(error, TableError::TooLarge { .. }) { 413 } else { 422 };
            return refused(Answer::refusal(status, error.entries()));
        }
    };
    let view = table.view();
    if view != zone.as_str() {
        let message = format!(
            "the table is zone \"{view}\"'s view and this node is of zone \"{zone}\": push it to a node of zone \"{view}\""
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
    Accepted { answer: Answer::accepted(revision), layout: Some(table.compile()) }
}

/// A table that holds to every rule, in the form that was the cheaper one to read.
enum Judged<'a> {
    Outline(Outline<'a>),
    Table(Table),
}

impl<'a> Judged<'a> {
    fn parse(body: &'a [u8], limits: &Limits) -> Result<Self, TableError> {
        match Outline::parse(body, limits) {
            Some(outline) => Ok(Self::Outline(outline)),
            None => Table::parse_within(body, limits).map(Self::Table),
        }
    }

    /// The table, or of an outline all of it but its hosts.
    fn wire(&self) -> &wire::Table {
        match self {
            Self::Outline(outline) => outline.rest(),
            Self::Table(table) => table.wire(),
        }
    }

    fn view(&self) -> &str {
        &self.wire().view
    }

    fn revision(&self) -> Revision {
        self.wire().revision
    }

    fn digest(&self) -> Digest {
        match self {
            Self::Outline(outline) => outline.digest(),
            Self::Table(table) => table.digest(),
        }
    }

    fn compile(&self) -> Layout {
        match self {
            Self::Outline(outline) => Layout::compile_outline(outline),
            Self::Table(table) => Layout::compile(table),
        }
    }
}
