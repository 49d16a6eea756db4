//! Where a command gets its site from: the arguments that every such command shares.

use std::path::PathBuf;

use zoneway_site::Site;

use crate::sources::file;

/// The site that a command works on.
#[derive(Debug, clap::Args)]
pub(crate) struct SiteSource {
    /// The site file (YAML).
    #[arg(long, value_name = "SITE")]
    pub(crate) site: PathBuf,
}

impl SiteSource {
    /// Reads and checks the site.
    pub(crate) fn load(&self) -> anyhow::Result<Site> {
        Ok(file::load_site(&self.site)?)
    }
}
