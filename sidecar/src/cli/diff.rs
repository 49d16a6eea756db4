//! `zoneway diff`.

use super::{Exit, Output};

/// In the making.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args, _out: &mut Output) -> anyhow::Result<Exit> {
    anyhow::bail!("this build has no `diff` command yet")
}
