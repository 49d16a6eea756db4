//! `zoneway run`: the sidecar.

use std::path::PathBuf;

use super::{Exit, Output};

/// Run the sidecar: keep Envoys supplied with their zone's table.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sidecar's configuration (YAML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(crate) fn run(_args: &Args, _out: &mut Output) -> anyhow::Result<Exit> {
    anyhow::bail!("this build has no `run` command yet")
}
