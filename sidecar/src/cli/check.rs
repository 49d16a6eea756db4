//! `zoneway check`: every error and warning of sites and tables.

use std::path::PathBuf;

use super::{Exit, Output};

/// Check sites and tables: every error with its path, and warnings.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Sites (YAML) and tables (JSON).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(_args: &Args, _out: &mut Output) -> anyhow::Result<Exit> {
    anyhow::bail!("this build has no `check` command yet")
}
