//! An Envoy to be tested: which program it is, what runs it, and which build of the filter it loads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::artefact::{self, Filter};
use crate::deadline::PATIENCE;

/// How many times slower than this machine one is that is emulated, at its start: 20 s instead of one.
const EMULATION: u32 = 5;

/// A program, and what has to stand before it on the command line.
#[derive(Clone, Debug)]
pub struct Program(Vec<OsString>);

impl Program {
    /// One of this machine.
    #[must_use]
    pub fn native(path: &Path) -> Self {
        Self(vec![path.into()])
    }

    /// One for arm64, which qemu runs with the libraries of `make arm64`.
    ///
    /// # Errors
    /// `make arm64` was not run.
    pub fn arm64(path: &Path) -> Result<Self> {
        let (emulator, libraries) = artefact::arm64_emulator()?;
        Ok(Self(vec![emulator.into(), "-L".into(), libraries.into(), path.into()]))
    }

    /// A command that starts it.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut words = self.0.iter();
        let mut command = Command::new(words.next().cloned().unwrap_or_default());
        command.args(words);
        command
    }
}

/// An Envoy and a build of the filter.
#[derive(Clone, Debug)]
pub struct Proxy {
    envoy: Program,
    filter: Filter,
    file: PathBuf,
    pinned: bool,
    patience: Duration,
}

impl Proxy {
    /// The Envoy that this run tests.
    ///
    /// # Errors
    /// It, or the filter, is missing.
    pub fn pinned(filter: Filter) -> Result<Self> {
        Ok(Self { pinned: true, ..Self::of(filter, &artefact::envoy()?)? })
    }

    /// Another Envoy of this machine.
    ///
    /// # Errors
    /// The filter is missing.
    pub fn of(filter: Filter, envoy: &Path) -> Result<Self> {
        let file = match filter {
            Filter::Wasm => artefact::wasm()?,
            Filter::Module => artefact::module()?,
        };
        Ok(Self { envoy: Program::native(envoy), filter, file, pinned: false, patience: PATIENCE })
    }

    /// The pinned Envoy as it is for arm64, with the module for arm64.
    ///
    /// # Errors
    /// `make wasm` or `make arm64` was not run.
    pub fn arm64(filter: Filter) -> Result<Self> {
        let file = match filter {
            Filter::Wasm => artefact::wasm()?,
            Filter::Module => artefact::arm64("libzoneway.so")?,
        };
        let envoy = Program::arm64(&artefact::arm64_envoy()?)?;
        Ok(Self { envoy, filter, file, pinned: true, patience: PATIENCE * EMULATION })
    }

    /// The same Envoy with another build of the native module. Envoy finds it by its folder: it must be named
    /// libzoneway.so.
    #[must_use]
    pub fn with_module(mut self, library: &Path) -> Self {
        library.clone_into(&mut self.file);
        self
    }

    /// The build of the filter.
    #[must_use]
    pub const fn filter(&self) -> Filter {
        self.filter
    }

    /// The `.wasm`, where that is the filter.
    #[must_use]
    pub fn wasm(&self) -> Option<&Path> {
        (self.filter == Filter::Wasm).then_some(&*self.file)
    }

    /// Whether it is of the pinned version, which the corpus' `envoy` keys are of.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// How long to wait for it.
    #[must_use]
    pub const fn patience(&self) -> Duration {
        self.patience
    }

    /// A command that starts it, which finds what the filter needs.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = self.envoy.command();
        if self.filter == Filter::Module {
            command.env("ENVOY_DYNAMIC_MODULES_SEARCH_PATH", self.file.parent().unwrap_or(Path::new(".")));
        }
        command
    }
}
