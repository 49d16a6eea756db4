//! `zoneway status`: what a table endpoint or a sidecar says of itself.

use super::{Exit, Output};

/// Show what a table endpoint serves, or what a sidecar does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The endpoint or sidecar: unix:/path, http://… or https://….
    #[arg(long, value_name = "URL")]
    to: String,
}

pub(crate) fn run(_args: &Args, _out: &mut Output) -> anyhow::Result<Exit> {
    anyhow::bail!("this build has no `status` command yet")
}
