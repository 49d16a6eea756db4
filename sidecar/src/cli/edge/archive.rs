//! A gzipped tar archive, with everything in one folder.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use crate::pki;

/// The folder that everything is in.
const FOLDER: &str = "zoneway-edge";

/// An archive that is being written.
pub(super) struct Archive(Builder<GzEncoder<File>>);

impl Archive {
    /// A new archive, for its owner alone.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        // One that is there may be readable for others: a new file takes its place.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self(Builder::new(GzEncoder::new(file, Compression::fast()))))
    }

    /// Adds a file of this machine.
    pub(super) fn file(&mut self, name: &str, mode: u32, from: &Path) -> anyhow::Result<()> {
        let open = || format!("cannot read {}", from.display());
        let file = File::open(from).with_context(open)?;
        let mut header = header(mode, file.metadata().with_context(open)?.len());
        let path = Path::new(FOLDER).join(name);
        self.0.append_data(&mut header, path, file).with_context(|| format!("cannot pack {}", from.display()))
    }

    /// Adds a text.
    pub(super) fn text(&mut self, name: &str, mode: u32, text: &str) -> anyhow::Result<()> {
        let mut header = header(mode, text.len() as u64);
        let path = Path::new(FOLDER).join(name);
        self.0.append_data(&mut header, path, text.as_bytes()).with_context(|| format!("cannot pack {name}"))
    }

    /// Writes what is left.
    pub(super) fn finish(self) -> io::Result<()> {
        let mut file = self.0.into_inner()?.finish()?;
        file.flush()?;
        file.sync_all()
    }
}

fn header(mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(u64::try_from(pki::now()).unwrap_or_default());
    header
}
