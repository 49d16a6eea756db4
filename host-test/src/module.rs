//! The compiled filter under test.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use wasmtime::{Engine, Module};

/// The module, compiled once a process: `ZONEWAY_WASM`, or `target/zoneway.wasm`.
///
/// # Errors
/// When there is none; the error says how to build it.
pub fn module() -> Result<Module> {
    static MODULE: OnceLock<Module> = OnceLock::new();
    if let Some(module) = MODULE.get() {
        return Ok(module.clone());
    }
    let path = std::env::var_os("ZONEWAY_WASM").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/zoneway.wasm")),
        PathBuf::from,
    );
    let bytes = std::fs::read(&path).with_context(|| {
        format!("{} cannot be read: build the filter with `make wasm`, or set ZONEWAY_WASM", path.display())
    })?;
    let module = Module::new(&Engine::default(), bytes)
        .map_err(|error| anyhow::anyhow!("{} is no module: {error}", path.display()))?;
    Ok(MODULE.get_or_init(|| module).clone())
}
