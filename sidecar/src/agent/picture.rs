//! What a source says, whole: a site or a table, as it is written and as it is meant.

mod keep;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use zoneway_core::table::{self, Table};
use zoneway_site::{Site, wire};

use super::delivery::{Delivered, Delivery};
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
    /// What home delivered (JSON).
    Delivered,
    /// A site that was made of a cluster's objects (JSON where it is written down).
    Cluster,
}

/// What a source said once, in a form that holds by itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    /// The text that it was read from, where it was read from one.
    text: Option<String>,
    written: Written,
    meant: Arc<Meant>,
}

/// As it is written.
#[derive(Debug, Clone, PartialEq)]
enum Written {
    Site(Arc<wire::Site>),
    Table(Box<table::wire::Table>),
    Delivered(Box<Delivery>),
}

/// As it is meant: checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meant {
    /// Every node gets its zone's view.
    Site(Box<Site>),
    /// Every node gets it as it is.
    Table(Box<Table>),
    /// The public node that it was delivered to gets it.
    Delivered(Box<Delivered>),
}

impl Picture {
    /// Reads and checks a text. `file` is for messages alone.
    ///
    /// # Errors
    /// Every fault with its path.
    pub(crate) fn parse(kind: Kind, text: String, file: &Path) -> Result<Self, Vec<PathError>> {
        let faults = |error: FileError| faults_of(&error);
        let (written, meant) = match kind {
            Kind::Cluster => {
                let site = serde_json::from_str(&text)
                    .map_err(|error| vec![PathError { path: String::new(), message: error.to_string() }])?;
                return Self::made(Arc::new(site), None);
            }
            Kind::Site => {
                let written: wire::Site = file::read_yaml(file, text.as_bytes()).map_err(faults)?;
                let meant = Site::try_from(&written)
                    .map_err(|error| faults(FileError::Site { file: file.to_owned(), faults: error }))?;
                (Written::Site(Arc::new(written)), Meant::Site(Box::new(meant)))
            }
            Kind::Table => {
                let meant = file::parse_table(file, text.as_bytes()).map_err(faults)?;
                (Written::Table(Box::new(meant.wire().clone())), Meant::Table(Box::new(meant)))
            }
            Kind::Delivered => {
                let written = Delivery::parse(text.as_bytes()).map_err(|fault| vec![fault])?;
                let meant = Meant::Delivered(Box::new(written.checked()?));
                (Written::Delivered(Box::new(written)), meant)
            }
        };
        Ok(Self { text: Some(text), written, meant: Arc::new(meant) })
    }

    /// Checks a site that was made here, of a cluster's objects; what it shares with one that was made `before` is not
    /// checked again.
    ///
    /// # Errors
    /// Every fault with its path: a fault of whoever made it.
    pub(crate) fn made(site: Arc<wire::Site>, before: Option<&Self>) -> Result<Self, Vec<PathError>> {
        let file = Path::new("cluster").to_owned();
        let before = before.and_then(|before| match (&before.written, before.meant.as_ref()) {
            (Written::Site(written), Meant::Site(meant)) => Some((written.as_ref(), meant.as_ref())),
            _ => None,
        });
        let meant = match before {
            Some(before) => Site::again(&site, before),
            None => Site::try_from(site.as_ref()),
        };
        let meant = meant.map_err(|faults| faults_of(&FileError::Site { file, faults }))?;
        Ok(Self { text: None, written: Written::Site(site), meant: Arc::new(Meant::Site(Box::new(meant))) })
    }

    /// Whether the source said the same again.
    pub(crate) fn says_what(&self, other: &Self) -> bool {
        match (&self.text, &other.text) {
            (Some(text), Some(other)) => text == other,
            _ => self.written == other.written,
        }
    }

    /// As it is meant.
    pub(crate) fn meant(&self) -> &Arc<Meant> {
        &self.meant
    }

    /// Every host of it.
    pub(crate) fn hosts(&self) -> BTreeSet<&str> {
        match &self.written {
            Written::Site(site) => {
                site.hosts.iter().flat_map(|hosts| hosts.keys()).map(AsRef::as_ref).collect()
            }
            Written::Table(table) => hosts_of(table),
            Written::Delivered(delivery) => hosts_of(&delivery.content.table),
        }
    }

    /// How many hosts it has.
    pub(crate) fn count(&self) -> usize {
        match &self.written {
            Written::Site(site) => site.hosts.as_ref().map_or(0, |hosts| hosts.len()),
            Written::Table(table) => table.hosts.len(),
            Written::Delivered(delivery) => delivery.content.table.hosts.len(),
        }
    }

    /// Whether it has the very hosts of another one; that it has other ones is not said where it does not.
    pub(crate) fn has_hosts_of(&self, other: &Self) -> bool {
        match (&self.written, &other.written) {
            (Written::Site(own), Written::Site(other)) => match (&own.hosts, &other.hosts) {
                (Some(own), Some(other)) => own.is(other),
                _ => false,
            },
            _ => false,
        }
    }
}

/// As it was written; what was made here, as JSON.
impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.text, &self.written) {
            (Some(text), _) => f.write_str(text),
            (None, Written::Site(site)) => json(site.as_ref(), f),
            (None, Written::Table(table)) => json(table, f),
            (None, Written::Delivered(all)) => json(all, f),
        }
    }
}

/// As one text, which is never held whole.
impl Serialize for Picture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn json(value: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    serde_json::to_writer(Pieces(f), value).map_err(|_| fmt::Error)
}

/// Takes JSON piece by piece, each of which is a text.
struct Pieces<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl io::Write for Pieces<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(piece).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hosts_of(table: &table::wire::Table) -> BTreeSet<&str> {
    table.hosts.iter().map(|host| host.host.as_str()).collect()
}
