//! `zoneway table`: one zone's view of a site.

use zoneway_core::name::ZoneName;
use zoneway_core::table::wire::Revision;

use super::site_source::SiteSource;
use super::{Exit, Output};
use crate::sources::resolve::resolve;

/// Print one zone's view of a site: the table that its Envoys get.
///
/// The table is JSON in every format. DNS names in the site are resolved now; what does not resolve is left out, with
/// a warning.
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

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Exit> {
    let site = args.site.load()?;
    let revision = Revision { epoch: args.epoch, sequence: args.sequence };
    let view = zoneway_site::view(&site, &args.zone, revision, &resolve(&site))?;
    for warning in &view.warnings {
        eprintln!("zoneway: warning: {warning}");
    }
    out.json(view.table.wire())?;
    Ok(Exit::Well)
}
