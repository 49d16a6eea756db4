//! Where a command gets its site from: the arguments that every such command shares.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use zoneway_core::name::NodeId;
use zoneway_site::Site;

use super::Usage;
use super::run::this_node;
use crate::agent::config::{Config, Source};
use crate::sources::cluster::access::Access;
use crate::sources::cluster::settings::Settings;
use crate::sources::cluster::watch::ClusterWatch;
use crate::sources::file;

/// How long a cluster may take to be listed.
const WITHIN: Duration = Duration::from_secs(60);

/// The site that a command works on.
#[derive(Debug, clap::Args)]
pub(crate) struct SiteSource {
    #[command(flatten)]
    from: From,
    /// The zone that is meant where none is named; for --cluster, whose objects do not say.
    #[arg(long, value_name = "ZONE", conflicts_with_all = ["site", "config"])]
    home: Option<String>,
}

/// One of them.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct From {
    /// The site file (YAML).
    #[arg(long, value_name = "SITE")]
    site: Option<PathBuf>,
    /// The configuration of a sidecar (`zoneway run`): its source, a site file or a cluster.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A Kubernetes cluster, as it is now: a kubeconfig file, a context of the usual one, or FILE#CONTEXT.
    #[arg(long, value_name = "KUBECONFIG", num_args = 0..=1, default_missing_value = "")]
    cluster: Option<String>,
}

impl SiteSource {
    /// Reads and checks the site.
    pub(crate) fn load(&self) -> anyhow::Result<Site> {
        self.load_for(None)
    }

    /// The same for a node: in a cluster, that one is taken for ready.
    pub(crate) fn load_for(&self, node: Option<&NodeId>) -> anyhow::Result<Site> {
        let From { site, config, cluster } = &self.from;
        let (settings, access) = match (site, config, cluster) {
            (Some(site), ..) => return Ok(file::load_site(site)?),
            (_, Some(config), _) => {
                let this = node.map(ToString::to_string).or_else(this_node);
                // What no command needs to know is who is fed: any name does.
                let config = Config::load(config, Some(this.as_deref().unwrap_or("none")))?;
                match config.source {
                    Source::Site(site) => return Ok(file::load_site(&site)?),
                    Source::Table(table) => bail!(
                        "{}: the source is a table, which is one zone's view and no site: name a site or a cluster",
                        table.display()
                    ),
                    Source::Cluster(settings, access) => (*settings, access),
                }
            }
            (.., cluster) => {
                let home = self.home.as_deref().ok_or_else(|| {
                    Usage(
                        "--cluster wants the zone that is home: --home ZONE, or all of it by --config"
                            .to_owned(),
                    )
                })?;
                (Settings::of_home(home), Access::parse(cluster.as_deref().unwrap_or_default()))
            }
        };
        let own = node.map(ToString::to_string).into_iter().collect();
        listed_once(settings, &access, own)
    }
}

/// The site of a cluster as it is now.
fn listed_once(settings: Settings, access: &Access, own: BTreeSet<String>) -> anyhow::Result<Site> {
    if let Some((path, message)) = settings.faults().first() {
        return Err(Usage(format!("{path}: {message}")).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let picture = runtime.block_on(async {
        let (client, server) = access.client().await?;
        let mut watch = ClusterWatch::start(client, server.clone(), settings, own);
        let picture = tokio::time::timeout(WITHIN, watch.first()).await;
        let picture =
            picture.with_context(|| format!("{server}: not listed within {} s", WITHIN.as_secs()))?;
        picture.map_err(anyhow::Error::msg)
    })?;
    for note in &picture.notes {
        eprintln!("zoneway: warning: {note}");
    }
    Site::try_from(picture.site.as_ref())
        .context("the cluster's objects come to no site, which is a fault to report")
}
