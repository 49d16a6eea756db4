//! `zoneway push`: a table to one table endpoint, by hand.

use std::path::PathBuf;

use super::{Exit, Output};

/// Push a table to a table endpoint.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The table (JSON).
    #[arg(long, value_name = "TABLE")]
    table: PathBuf,
    /// The endpoint: unix:/path, http://… or https://….
    #[arg(long, value_name = "URL")]
    to: String,
    /// Take over from the writer of the table that is served now.
    #[arg(long)]
    supersede: bool,
}

pub(crate) fn run(_args: &Args, _out: &mut Output) -> anyhow::Result<Exit> {
    anyhow::bail!("this build has no `push` command yet")
}
