//! `zoneway-prune IN OUT`: a step of the filter's build.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(from), Some(to), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        bail!("usage: zoneway-prune IN OUT");
    };
    let wasm = std::fs::read(&from).with_context(|| format!("{} cannot be read", from.display()))?;
    let pruned = zoneway_prune::prune(&wasm).with_context(|| format!("{} is not pruned", from.display()))?;
    // Written beside and renamed: whoever loads the filter meanwhile finds a whole one.
    let beside = to.with_extension("wasm.new");
    std::fs::write(&beside, &pruned).with_context(|| format!("{} cannot be written", beside.display()))?;
    std::fs::rename(&beside, &to).with_context(|| format!("{} cannot be written", to.display()))
}
