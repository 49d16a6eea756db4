//! Sites and tables in files.

use std::path::{Path, PathBuf};

use zoneway_site::Site;

/// Why a file gives no site.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("{}: {source}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// Reads and checks a site.
pub(crate) fn load_site(file: &Path) -> Result<Site, FileError> {
    let _text =
        std::fs::read_to_string(file).map_err(|source| FileError::Read { file: file.to_owned(), source })?;
    Ok(Site {})
}
