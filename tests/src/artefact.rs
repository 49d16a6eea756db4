//! Finds the programs under test (the zoneway binary, the filter, Envoy) and those of a Kubernetes cluster. It builds
//! nothing; what is missing is an error that names the command which makes it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};

use crate::proxy::Proxy;

/// Which of the two filters Envoy loads, by `ZONEWAY_FILTER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `zoneway.wasm`, the default.
    Wasm,
    /// `libzoneway.so`.
    Module,
}

impl Filter {
    /// How many report that they adopted a table, with two workers: those, and of the Wasm filter the main thread's
    /// VM too. One that has never adopted any is not in a status.
    #[must_use]
    pub const fn adopters(self) -> usize {
        match self {
            Self::Wasm => 3,
            Self::Module => 2,
        }
    }

    /// The word that `zoneway envoy --filter` knows it by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wasm => "wasm",
            Self::Module => "module",
        }
    }
}

/// The filter that this run tests.
///
/// # Errors
/// `ZONEWAY_FILTER` is neither `wasm` nor `module`.
pub fn filter() -> Result<Filter> {
    match env::var("ZONEWAY_FILTER").as_deref() {
        Ok("wasm") | Err(_) => Ok(Filter::Wasm),
        Ok("module") => Ok(Filter::Module),
        Ok(other) => bail!("ZONEWAY_FILTER is {other:?}: it must be wasm or module"),
    }
}

/// The folder of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// The `zoneway` binary: `ZONEWAY_BIN`, else the newer of the debug and the release build.
///
/// # Errors
/// There is none.
pub fn zoneway() -> Result<PathBuf> {
    if let Some(path) = named("ZONEWAY_BIN")? {
        return Ok(path);
    }
    let built = |profile: &str| target().join(profile).join("zoneway");
    [built("debug"), built("release")]
        .into_iter()
        .filter(|path| path.is_file())
        .max_by_key(|path| path.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH))
        .context("no zoneway binary in the target folder: run `cargo build -p zoneway-sidecar`, or set ZONEWAY_BIN")
}

/// The compiled filter: `ZONEWAY_WASM`, else the one that `make wasm` leaves.
///
/// # Errors
/// There is none.
pub fn wasm() -> Result<PathBuf> {
    if let Some(path) = named("ZONEWAY_WASM")? {
        return Ok(path);
    }
    let path = target().join("zoneway.wasm");
    ensure!(path.is_file(), "{} is not there: run `make wasm`, or set ZONEWAY_WASM", path.display());
    Ok(path)
}

/// The native module: `ZONEWAY_MODULE`, else the one that `make module` leaves. Envoy finds it by its folder.
///
/// # Errors
/// There is none.
pub fn module() -> Result<PathBuf> {
    if let Some(path) = named("ZONEWAY_MODULE")? {
        return Ok(path);
    }
    let path = target().join("libzoneway.so");
    ensure!(path.is_file(), "{} is not there: run `make module`, or set ZONEWAY_MODULE", path.display());
    Ok(path)
}

/// The native module that panics when a request asks for it: an example of the crate zoneway-module, which
/// `cargo test --workspace` builds.
///
/// # Errors
/// There is none.
pub fn panicking_module() -> Result<PathBuf> {
    let path = target().join("debug/examples/libpanicking.so");
    ensure!(path.is_file(), "no panicking module: run `cargo build -p zoneway-module --example panicking`");
    Ok(path)
}

/// A command that starts Envoy, which finds what this filter needs.
///
/// # Errors
/// Envoy or the filter is missing.
pub fn envoy_with(filter: Filter) -> Result<Command> {
    Ok(Proxy::pinned(filter)?.command())
}

/// Envoy: `ZONEWAY_ENVOY`, else the one that `make setup` installs, else the one in `PATH`.
///
/// # Errors
/// There is none.
pub fn envoy() -> Result<PathBuf> {
    if let Some(path) = named("ZONEWAY_ENVOY")? {
        return Ok(path);
    }
    let installed = repository().join(".zoneway/bin/envoy");
    let path = env::var_os("PATH").unwrap_or_default();
    std::iter::once(installed)
        .chain(env::split_paths(&path).map(|folder| folder.join("envoy")))
        .find(|path| path.is_file())
        .context("no Envoy: run `make setup`, or set ZONEWAY_ENVOY")
}

/// A part of a Kubernetes cluster, such as `bin/etcd`: in the folder `ZONEWAY_CLUSTER`, else where `make cluster` leaves it.
///
/// # Errors
/// There is none.
pub fn cluster(part: &str) -> Result<PathBuf> {
    let folder = env::var_os("ZONEWAY_CLUSTER").filter(|value| !value.is_empty());
    let folder = folder.map_or_else(|| repository().join(".zoneway/cluster"), PathBuf::from);
    let path = folder.join(part);
    ensure!(path.is_file(), "{} is not there: run `make cluster`, or set ZONEWAY_CLUSTER", path.display());
    Ok(path)
}

/// A program or library for arm64, of those that `make arm64` builds: in `ZONEWAY_ARM64`, else in target/arm64.
///
/// # Errors
/// There is none.
pub fn arm64(name: &str) -> Result<PathBuf> {
    let folder = env::var_os("ZONEWAY_ARM64").map_or_else(|| target().join("arm64"), PathBuf::from);
    of_make_arm64(folder.join(name))
}

/// The pinned Envoy, as it is for arm64.
///
/// # Errors
/// `make arm64` was not run.
pub fn arm64_envoy() -> Result<PathBuf> {
    of_make_arm64(repository().join(".zoneway/arm64/envoy"))
}

/// What runs programs of arm64, and the folder of the libraries that they are linked with.
///
/// # Errors
/// `make arm64` was not run.
pub fn arm64_emulator() -> Result<(PathBuf, PathBuf)> {
    let folder = repository().join(".zoneway/arm64");
    let libraries = folder.join("libraries");
    of_make_arm64(libraries.join("lib/ld-linux-aarch64.so.1"))?;
    Ok((of_make_arm64(folder.join("qemu"))?, libraries))
}

fn of_make_arm64(path: PathBuf) -> Result<PathBuf> {
    ensure!(path.is_file(), "{} is not there: run `make arm64`", path.display());
    Ok(path)
}

fn named(variable: &str) -> Result<Option<PathBuf>> {
    let Some(value) = env::var_os(variable).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(value);
    ensure!(path.is_file(), "{variable} names {}, and no file is there", path.display());
    Ok(Some(path))
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}
