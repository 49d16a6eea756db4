//! Sites (YAML) and tables (JSON) in files.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_saphyr::{Error as YamlError, Options};
use zoneway_core::strict;
use zoneway_core::table::{Table, TableError};
use zoneway_site::{Site, SiteError, wire};

/// Why a file gives no site, or no table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("{} cannot be read", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Not YAML, or not of the site's fields and types. The first fault stops the reading.
    #[error("{}{place}: {}{message}", .file.display(), at(.path))]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Where in the text.
        place: Place,
        /// Where in the site, as `zones.403.links[0]`; empty for the whole.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// A site, but against the rules.
    #[error("{}", in_file(.file, &entries_of(.faults)))]
    Site {
        /// The file.
        file: PathBuf,
        /// Every fault.
        faults: SiteError,
    },
    /// No table, or one against the rules.
    #[error("{}", in_file(.file, &.faults.entries()))]
    Table {
        /// The file.
        file: PathBuf,
        /// Every fault.
        faults: TableError,
    },
}

/// A line and column in a file, both from 1; shown as `:16:20`, or as nothing where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Line and column.
    pub(crate) at: Option<(u64, u64)>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.at.map_or(Ok(()), |(line, column)| write!(f, ":{line}:{column}"))
    }
}

impl FileError {
    /// Every fault as its path in the document and its message.
    pub(crate) fn entries(&self) -> Vec<(String, String)> {
        match self {
            Self::Read { source, .. } => vec![(String::new(), source.to_string())],
            Self::Syntax { path, message, .. } => vec![(path.clone(), message.clone())],
            Self::Site { faults, .. } => entries_of(faults),
            Self::Table { faults, .. } => faults.entries(),
        }
    }

    /// Where in the text, where that is known.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Syntax { place, .. } => *place,
            _ => Place::default(),
        }
    }
}

/// Reads and checks a site.
pub(crate) fn load_site(file: &Path) -> Result<Site, FileError> {
    parse_site(file, &read(file)?)
}

/// Reads and checks a table.
pub(crate) fn load_table(file: &Path) -> Result<Table, FileError> {
    parse_table(file, &read(file)?)
}

/// The bytes of a file; `-` is standard input.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, FileError> {
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    bytes.map_err(|source| FileError::Read { file: file.to_owned(), source })
}

/// Checks a table; `file` is named in errors alone.
pub(crate) fn parse_table(file: &Path, json: &[u8]) -> Result<Table, FileError> {
    Table::parse(json).map_err(|faults| FileError::Table { file: file.to_owned(), faults })
}

/// Checks a site; `file` is named in errors alone.
pub(crate) fn parse_site(file: &Path, yaml: &[u8]) -> Result<Site, FileError> {
    check_site(file, &read_yaml(file, yaml)?)
}

/// Checks what was read; `file` is named in errors alone.
pub(crate) fn check_site(file: &Path, written: &wire::Site) -> Result<Site, FileError> {
    Site::try_from(written).map_err(|faults| FileError::Site { file: file.to_owned(), faults })
}

/// Reads a YAML document without checking more than its syntax and types; `file` is named in errors alone.
pub(crate) fn read_yaml<T: DeserializeOwned>(file: &Path, yaml: &[u8]) -> Result<T, FileError> {
    let mut path = String::new();
    let read = serde_saphyr::with_deserializer_from_slice_with_options(yaml, options(), |deserializer| {
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            path = strict::place(error.path());
            error.into_inner()
        })
    });
    read.map_err(|error| {
        let (place, message) = fault(&error);
        FileError::Syntax { file: file.to_owned(), place, path, message }
    })
}

/// Where something is wrong in YAML, and what.
pub(crate) fn fault(error: &YamlError) -> (Place, String) {
    (Place { at: error.location().map(|at| (at.line(), at.column())) }, message(error))
}

/// Room for a site of 100,000 hosts; the library's own limits are for smaller documents.
fn options() -> Options {
    let budget = serde_saphyr::budget! { max_events: 20_000_000, max_nodes: 10_000_000 };
    serde_saphyr::options! { budget: budget, with_snippet: false }
}

/// The library's message without the place, which stands before it already, and without its advice to programmers.
fn message(error: &YamlError) -> String {
    if let YamlError::DuplicateMappingKey { key, .. } = error.without_snippet() {
        let key = key.as_ref().map_or_else(|| "a key".to_owned(), |key| format!("`{key}`"));
        return format!("{key} stands twice: keep one");
    }
    let text = error.without_snippet().to_string();
    match error.location() {
        Some(at) => {
            let place = format!(" at line {}, column {}", at.line(), at.column());
            text.strip_suffix(&place).unwrap_or(&text).to_owned()
        }
        None => text,
    }
}

fn entries_of(error: &SiteError) -> Vec<(String, String)> {
    error.0.iter().map(|fault| (fault.path.clone(), fault.fault.to_string())).collect()
}

fn in_file(file: &Path, entries: &[(String, String)]) -> String {
    let line = |(path, message): &(String, String)| format!("{}: {}{message}", file.display(), at(path));
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}
