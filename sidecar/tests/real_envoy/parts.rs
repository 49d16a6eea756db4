//! Finds what a test runs and did not build itself; what is missing is an error with the command that makes it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of the repository.
pub(crate) fn repository() -> PathBuf {
    let sidecar = Path::new(env!("CARGO_MANIFEST_DIR"));
    sidecar.parent().unwrap_or(sidecar).to_owned()
}

/// The `zoneway` that was built with this test.
pub(crate) const ZONEWAY: &str = env!("CARGO_BIN_EXE_zoneway");

/// Envoy: `ZONEWAY_ENVOY`, else what `make setup` installs, else the one in `PATH`.
pub(crate) fn envoy() -> Result<PathBuf> {
    let installed = repository().join(".zoneway/bin/envoy");
    let named = env::var_os("ZONEWAY_ENVOY").filter(|value| !value.is_empty()).map(PathBuf::from);
    let found = match named {
        Some(path) => path.is_file().then_some(path),
        None if installed.is_file() => Some(installed),
        None => in_path("envoy"),
    };
    found.context("there is no Envoy: run `make setup`, or name one with ZONEWAY_ENVOY")
}

/// The filter: `ZONEWAY_WASM`, else what `make wasm` leaves.
pub(crate) fn wasm() -> Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    let named = env::var_os("ZONEWAY_WASM").filter(|value| !value.is_empty()).map(PathBuf::from);
    let path = named.unwrap_or_else(|| target.join("zoneway.wasm"));
    path.is_file()
        .then_some(path)
        .context("there is no zoneway.wasm: run `make wasm`, or name one with ZONEWAY_WASM")
}

/// A program of the machine.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}
