//! `zoneway table`: one zone's view of a site.

use zoneway_core::name::ZoneName;

use super::site_source::SiteSource;
use super::{Exit, Output};

/// Print one zone's view of a site: the table that its Envoys get.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    site: SiteSource,
    /// The zone whose view it is.
    #[arg(long, value_parser = ZoneName::parse)]
    zone: ZoneName,
    /// The revision's epoch.
    #[arg(long, default_value_t = 0)]
    epoch: u64,
    /// The revision's sequence.
    #[arg(long, default_value_t = 0)]
    sequence: u64,
}

pub(crate) fn run(_args: &Args, _out: &mut Output) -> anyhow::Result<Exit> {
    anyhow::bail!("this build has no `table` command yet")
}
