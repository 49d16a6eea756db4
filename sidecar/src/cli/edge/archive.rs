//! A gzipped tar archive, with everything in one folder.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};
use tempfile::NamedTempFile;

use crate::pki;

/// The folder that everything is in.
const FOLDER: &str = "zoneway-edge";

/// An archive that is being written, beside its place: one that does not come to its end leaves there what was.
pub(super) struct Archive {
    builder: Builder<GzEncoder<NamedTempFile>>,
    place: PathBuf,
}

impl Archive {
    /// A new archive, for its owner alone.
    pub(super) fn create(place: &Path) -> io::Result<Self> {
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        let builder = Builder::new(GzEncoder::new(file, Compression::fast()));
        Ok(Self { builder, place: place.to_owned() })
    }

    /// Adds a file of this machine.
    pub(super) fn file(&mut self, name: &str, mode: u32, from: &Path) -> anyhow::Result<()> {
        let open = || format!("cannot read {}", from.display());
        let file = File::open(from).with_context(open)?;
        let mut header = header(mode, file.metadata().with_context(open)?.len());
        let path = Path::new(FOLDER).join(name);
        self.builder
            .append_data(&mut header, path, file)
            .with_context(|| format!("cannot pack {}", from.display()))
    }

    /// Adds a text.
    pub(super) fn text(&mut self, name: &str, mode: u32, text: &str) -> anyhow::Result<()> {
        let mut header = header(mode, text.len() as u64);
        let path = Path::new(FOLDER).join(name);
        self.builder
            .append_data(&mut header, path, text.as_bytes())
            .with_context(|| format!("cannot pack {name}"))
    }

    /// Writes what is left, and puts it in its place.
    pub(super) fn finish(self) -> io::Result<()> {
        let mut file = self.builder.into_inner()?.finish()?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(self.place)?;
        Ok(())
    }
}

fn header(mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(u64::try_from(pki::now()).unwrap_or_default());
    header
}
