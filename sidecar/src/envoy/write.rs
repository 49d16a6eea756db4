//! Puts rendered files where Envoy reads them.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::files::RenderedFile;

/// Writes a file whole: beside its place, then moved there. Envoy sees the old one or the new one, and reads it when it
/// is moved. A file that is as it has to be is left alone.
///
/// # Errors
/// When its folder cannot be made, or the file not written or moved.
pub(crate) fn write(file: &RenderedFile) -> io::Result<bool> {
    write_bytes(&file.path, file.content.as_bytes())
}

/// As [`write()`], for what is no text: the filter.
///
/// # Errors
/// As [`write()`].
pub(crate) fn write_bytes(path: &Path, content: &[u8]) -> io::Result<bool> {
    // There is no secret in them, and Envoy may run as somebody else.
    put(path, content, 0o644)
}

/// As [`write()`], for what its owner alone may read.
///
/// # Errors
/// As [`write()`].
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> io::Result<bool> {
    put(path, content, 0o600)
}

fn put(path: &Path, content: &[u8], mode: u32) -> io::Result<bool> {
    if std::fs::read(path).is_ok_and(|there| there == content) {
        return Ok(false);
    }
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    let mode = Permissions::from_mode(mode);
    let mut beside = tempfile::Builder::new().prefix(".new-").permissions(mode).tempfile_in(folder)?;
    beside.write_all(content)?;
    beside.as_file().sync_all()?;
    beside.persist(path)?;
    Ok(true)
}

/// Writes a file that is not there yet.
///
/// # Errors
/// As [`write()`].
pub(crate) fn write_missing(file: &RenderedFile) -> io::Result<bool> {
    if file.path.try_exists()? { Ok(false) } else { write(file) }
}
