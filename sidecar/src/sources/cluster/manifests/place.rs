//! Where in files something stands, and what is said of it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file, or a folder, and a line of it; shown as `FILE:LINE`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(super) file: Arc<Path>,
    /// From 1; 0 is the whole file.
    pub(super) line: u64,
}

impl Place {
    /// A file or a folder as a whole.
    pub(super) fn whole(file: &Path) -> Self {
        Self { file: file.into(), line: 0 }
    }

    /// The folder that the file is in.
    pub(super) fn folder(&self) -> PathBuf {
        match self.file.parent() {
            Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
            Some(folder) => folder.to_owned(),
            None => self.file.to_path_buf(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 { write!(f, ":{}", self.line) } else { Ok(()) }
    }
}

/// What is there and is not followed, or not read as it is meant; for people. They are ordered by their places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Remark {
    pub(super) place: Place,
    pub(super) text: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}
