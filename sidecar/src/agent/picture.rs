//! What a source says, whole: a site or a table, as it is written and as it is meant.

mod keep;

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use zoneway_core::table::{self, Table};
use zoneway_site::{Site, wire};

use super::table_endpoint::{PathError, faults_of};
use crate::sources::file::{self, FileError};
pub(crate) use keep::with_held;

/// Which of the two a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A site (YAML).
    Site,
    /// A table (JSON).
    Table,
}

/// What a source said once, in a form that holds by itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    text: String,
    written: Written,
    meant: Meant,
}

/// As it is written.
#[derive(Debug, Clone, PartialEq)]
enum Written {
    Site(Box<wire::Site>),
    Table(Box<table::wire::Table>),
}

/// As it is meant: checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meant {
    /// Every node gets its zone's view.
    Site(Box<Site>),
    /// Every node gets it as it is.
    Table(Box<Table>),
}

impl Picture {
    /// Reads and checks a text. `file` is for messages alone.
    ///
    /// # Errors
    /// Every fault with its path.
    pub(crate) fn parse(kind: Kind, text: String, file: &Path) -> Result<Self, Vec<PathError>> {
        let faults = |error: FileError| faults_of(&error);
        let (written, meant) = match kind {
            Kind::Site => {
                let written: wire::Site = file::read_yaml(file, text.as_bytes()).map_err(faults)?;
                let meant = Site::try_from(&written)
                    .map_err(|error| faults(FileError::Site { file: file.to_owned(), faults: error }))?;
                (Written::Site(Box::new(written)), Meant::Site(Box::new(meant)))
            }
            Kind::Table => {
                let meant = file::parse_table(file, text.as_bytes()).map_err(faults)?;
                (Written::Table(Box::new(meant.wire().clone())), Meant::Table(Box::new(meant)))
            }
        };
        Ok(Self { text, written, meant })
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// As it is meant.
    pub(crate) fn meant(&self) -> &Meant {
        &self.meant
    }

    /// Every host of it.
    pub(crate) fn hosts(&self) -> BTreeSet<String> {
        match &self.written {
            Written::Site(site) => site.hosts.iter().flat_map(|hosts| hosts.keys().cloned()).collect(),
            Written::Table(table) => table.hosts.iter().map(|host| host.host.clone()).collect(),
        }
    }
}
