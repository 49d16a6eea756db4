//! Where a command gets its site from: the arguments that every such command shares.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use zoneway_core::name::NodeId;
use zoneway_site::{Site, wire};

use super::Usage;
use super::run::this_node;
use crate::agent::config::{Config, Source};
use crate::sources::cluster::access::Access;
use crate::sources::cluster::manifests::{self, Manifests};
use crate::sources::cluster::picture::{Note, Origins, Picture};
use crate::sources::cluster::settings::{DEFAULT_PREFIX, Settings};
use crate::sources::cluster::watch::ClusterWatch;
use crate::sources::file;

/// How long a cluster may take to be listed.
const WITHIN: Duration = Duration::from_secs(60);

/// The site that a command works on.
#[derive(Debug, clap::Args)]
pub(crate) struct SiteSource {
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    reading: Reading,
}

/// How objects are read, which they do not say themselves.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Reading {
    /// The zone that is meant where none is named; for --cluster and --manifests. Manifests of one zone that is not
    /// public need no word.
    #[arg(long, value_name = "ZONE")]
    home: Option<String>,
    /// All that can be said of how objects are read (YAML, as `source.cluster` of a sidecar's configuration); for
    /// --cluster and --manifests.
    #[arg(long, value_name = "FILE", conflicts_with = "home")]
    settings: Option<PathBuf>,
    /// Fail where manifests have what cannot be followed, as a HelmRelease or a kustomization with patches, which without
    /// this is a warning; for --manifests.
    #[arg(long)]
    strict: bool,
}

/// One of them.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct From {
    /// The site file (YAML).
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<PathBuf>,
    /// A folder of Kubernetes manifests (or a file; `-` is standard input), as Flux has them.
    #[arg(long, value_name = "DIR")]
    pub(crate) manifests: Option<PathBuf>,
    /// The configuration of a sidecar (`zoneway run`): its source, a site file or a cluster.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A Kubernetes cluster, as it is now: a kubeconfig file, a context of the usual one, or FILE#CONTEXT.
    #[arg(long, value_name = "KUBECONFIG", num_args = 0..=1, default_missing_value = "")]
    pub(crate) cluster: Option<String>,
}

impl From {
    /// Whether it says itself how it is read.
    pub(crate) fn is_said_itself(&self) -> bool {
        self.site.is_some() || self.config.is_some()
    }
}

/// A site, with what made it.
#[derive(Debug)]
pub(crate) struct Found {
    /// As it is written.
    pub(crate) site: Arc<wire::Site>,
    /// Which object made each entry; nothing for a site file.
    pub(crate) origins: Arc<Origins>,
    /// The hosts that are there only so that no wildcard answers for them.
    pub(crate) hidden: Arc<BTreeSet<Arc<str>>>,
    /// What there is to tell of objects.
    pub(crate) notes: Vec<Note>,
}

impl SiteSource {
    /// The source of a sidecar's configuration.
    pub(crate) fn of_config(config: &Path) -> Self {
        Self::new(From { config: Some(config.to_owned()), ..From::default() }, Reading::default())
    }

    /// This one, read in this way.
    pub(crate) fn new(from: From, reading: Reading) -> Self {
        Self { from, reading }
    }

    /// Reads and checks the site.
    pub(crate) fn load(&self) -> anyhow::Result<Site> {
        self.load_for(None)
    }

    /// The same for a node: in a cluster, that one is taken for ready.
    pub(crate) fn load_for(&self, node: Option<&NodeId>) -> anyhow::Result<Site> {
        self.find(node)?.checked()
    }

    /// Brings the node's certificates where its Envoy reads them, where a sidecar's configuration says that they are brought.
    pub(crate) fn bring_certificates(&self, node: &NodeId) -> anyhow::Result<()> {
        let Some(config) = &self.from.config else { return Ok(()) };
        if let Some(mounted) = Config::load(config, Some(node.as_str()))?.certificates
            && let Err(error) = mounted.bring()
        {
            bail!("{error}: has {node} a certificate?");
        }
        Ok(())
    }

    /// The same, with what made it. What there is to tell of objects is told.
    pub(crate) fn find(&self, node: Option<&NodeId>) -> anyhow::Result<Found> {
        let From { site, manifests, config, cluster } = &self.from;
        if self.from.is_said_itself() && self.reading.is_said() {
            let message = "--home and --settings are for --manifests and --cluster: a site and a configuration say it themselves";
            return Err(Usage(message.to_owned()).into());
        }
        if let Some(site) = site {
            return of_file(site);
        }
        if let Some(manifests) = manifests {
            return of_manifests(manifests, &self.reading);
        }
        let (settings, access) = match config {
            Some(config) => {
                let this = node.map(ToString::to_string).or_else(this_node);
                // What no command needs to know is who is fed: any name does.
                let config = Config::load(config, Some(this.as_deref().unwrap_or("none")))?;
                match config.source {
                    Source::Site(site) => return of_file(&site),
                    Source::Table(table) => bail!(
                        "{}: the source is a table, which is one zone's view and no site: name a site or a cluster",
                        table.display()
                    ),
                    Source::Receive(_) => bail!(
                        "the source is what home delivers, which is one zone's view and no site: ask at home"
                    ),
                    Source::Cluster(settings, access) => (*settings, access),
                }
            }
            None => {
                let settings = self.reading.settings(|| None)?;
                (settings, Access::parse(cluster.as_deref().unwrap_or_default()))
            }
        };
        let own = node.map(ToString::to_string).into_iter().collect();
        listed_once(settings, &access, own)
    }
}

impl Reading {
    /// Whether anything is said.
    pub(crate) fn is_said(&self) -> bool {
        self.home.is_some() || self.settings.is_some()
    }

    /// The settings that are named, or the defaults with the home that is named or found.
    fn settings(&self, found: impl FnOnce() -> Option<String>) -> anyhow::Result<Settings> {
        let settings = match &self.settings {
            Some(path) => file::read_yaml(path, &file::read(path)?)?,
            None => {
                let home = self.home.clone().or_else(found);
                Settings::of_home(&home.ok_or_else(|| {
                    Usage(
                        "which zone is home is not clear: write --home ZONE, or all of it by --settings"
                            .to_owned(),
                    )
                })?)
            }
        };
        let faults: Vec<String> =
            settings.faults().into_iter().map(|(path, message)| format!("{path}: {message}")).collect();
        if faults.is_empty() { Ok(settings) } else { Err(Usage(faults.join("\n")).into()) }
    }
}

impl Found {
    /// The site as it is meant.
    pub(crate) fn checked(&self) -> anyhow::Result<Site> {
        Site::try_from(self.site.as_ref()).context("the objects come to no site, which is a fault to report")
    }

    fn of(picture: Picture) -> Self {
        for note in &picture.notes {
            eprintln!("zoneway: warning: {note}");
        }
        let Picture { site, origins, hidden, notes, .. } = picture;
        Self { site, origins, hidden, notes }
    }
}

/// The site of a site file.
fn of_file(path: &Path) -> anyhow::Result<Found> {
    let site: wire::Site = file::read_yaml(path, &file::read(path)?)?;
    file::check_site(path, &site)?;
    let hosts = site.hosts.iter().flat_map(|hosts| hosts.iter());
    let hidden = hosts.filter(|(_, host)| {
        host.service.is_none() && host.paths.as_ref().is_none_or(|paths| paths.is_empty())
    });
    let hidden = hidden.map(|(host, _)| Arc::clone(host)).collect();
    Ok(Found { site: Arc::new(site), origins: Arc::default(), hidden: Arc::new(hidden), notes: Vec::new() })
}

/// The site of a folder of manifests.
pub(crate) fn of_manifests(path: &Path, reading: &Reading) -> anyhow::Result<Found> {
    let manifests: Manifests = manifests::read(path).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| error.to_string()).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    for remark in &manifests.remarks {
        eprintln!("zoneway: warning: {remark}");
    }
    if !manifests.remarks.is_empty() {
        let (dir, warnings) = (path.display(), manifests.remarks.len());
        let warnings = format!("{warnings} warning{}", if warnings == 1 { "" } else { "s" });
        if reading.strict {
            bail!("{dir}: {warnings}, and --strict allows none");
        }
        eprintln!(
            "zoneway: warning: {dir}: {warnings}: what is applied may expose more than is read here (--strict makes that a failure)"
        );
    }
    let settings = reading.settings(|| manifests.home(DEFAULT_PREFIX))?;
    Ok(Found::of(manifests.picture(settings)))
}

/// The site of a cluster as it is now.
fn listed_once(settings: Settings, access: &Access, own: BTreeSet<String>) -> anyhow::Result<Found> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let picture = runtime.block_on(async {
        let (client, server) = access.client().await?;
        let mut watch = ClusterWatch::start(client, server.clone(), settings, own);
        let picture = tokio::time::timeout(WITHIN, watch.first()).await;
        let picture =
            picture.with_context(|| format!("{server}: not listed within {} s", WITHIN.as_secs()))?;
        picture.map_err(anyhow::Error::msg)
    })?;
    Ok(Found::of(picture))
}
