//! Certificates and keys as files: keys for their owner alone (0600), each whole or not there.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Error;

/// What to do with a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Leave it, and say so.
    Refuse,
    /// Put the new one in its place.
    Replace,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// `NAME.pem`.
    pub(crate) certificate: PathBuf,
    /// `NAME.key`.
    pub(crate) key: PathBuf,
}

impl Pair {
    /// The files of that name in a folder.
    pub(crate) fn named(folder: &Path, name: &str) -> Self {
        Self { certificate: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) }
    }

    /// Whether either file is there.
    pub(crate) fn is_there(&self) -> bool {
        self.certificate.exists() || self.key.exists()
    }

    /// Refuses where a file is there that is to be left.
    pub(super) fn expect(&self, existing: Existing, remedy: &'static str) -> Result<(), Error> {
        let there = || [&self.certificate, &self.key].into_iter().find(|path| path.exists());
        match there().filter(|_| existing == Existing::Refuse) {
            Some(path) => Err(Error::Exists { path: path.clone(), remedy }),
            None => Ok(()),
        }
    }

    /// Writes both.
    pub(super) fn write(
        &self,
        certificate: &str,
        key: &str,
        existing: Existing,
        remedy: &'static str,
    ) -> Result<(), Error> {
        self.expect(existing, remedy)?;
        // The key first: a certificate without its key would be a puzzle.
        put(&self.key, key, 0o600, existing, remedy)?;
        put(&self.certificate, certificate, 0o644, existing, remedy)
    }
}

/// Writes a secret by itself (0600).
pub(super) fn put_key(path: &Path, content: &str, existing: Existing) -> Result<(), Error> {
    put(path, content, 0o600, existing, "use it, or remove it")
}

/// Writes a file whole.
pub(super) fn put(
    path: &Path,
    content: &str,
    mode: u32,
    existing: Existing,
    remedy: &'static str,
) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mode = Permissions::from_mode(mode);
    let mut file =
        tempfile::Builder::new().prefix(".new-").permissions(mode).tempfile_in(folder).map_err(failed)?;
    file.write_all(content.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let kept = match existing {
        Existing::Refuse => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    };
    match kept {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Error::Exists { path: path.to_owned(), remedy })
        }
        Err(error) => Err(failed(error.error)),
    }
}

/// Moves a file over another.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).map_err(|source| Error::Write { path: to.to_owned(), source })
}

/// Removes a file.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    std::fs::remove_file(path).map_err(|source| Error::Write { path: path.to_owned(), source })
}
