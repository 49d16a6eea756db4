//! Where pictures come from: a file that is read when it changes, or a cluster that is watched.
//!
//! From here on nothing knows which of the two it was.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::warn;

use super::config::{Config, Source};
use super::picture::{Kind, Picture};
use super::receive::{self, Deliveries, ReceiveError};
use super::shared::Shared;
use super::source_watch::SourceWatch;
use super::table_endpoint::PathError;
use crate::sources::cluster::access::AccessError;
use crate::sources::cluster::picture::{Note, ZoneSummary};
use crate::sources::cluster::watch::{ClusterWatch, Drawn};

/// A source, and how changes of it are heard.
pub(crate) enum SourceRoom {
    /// A site or a table in a file.
    File {
        /// The file.
        file: PathBuf,
        /// Which of the two.
        kind: Kind,
        /// A word for each change.
        changed: mpsc::Receiver<()>,
    },
    /// A cluster.
    Cluster(Box<ClusterWatch>),
    /// Home, which delivers.
    Home(Deliveries),
}

/// Why there is no source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// There is no way to ask the cluster.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Home cannot deliver.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}

/// What a source says.
pub(crate) struct Said {
    /// Its picture, or every fault of it.
    pub(crate) picture: Result<Picture, Vec<PathError>>,
    /// When it changed so, where that is known.
    pub(crate) changed_at: Option<Instant>,
    /// Of a cluster: what is to be told of its objects, and its zones.
    pub(crate) told: Option<(Vec<Note>, Vec<ZoneSummary>)>,
}

impl SourceRoom {
    /// Starts to listen.
    ///
    /// # Errors
    /// When it is a cluster that there is no way to ask, or home and there is no way to hear it. `kept`: what an earlier
    /// run had of it.
    pub(crate) async fn start(
        config: &Config,
        kept: Option<String>,
        shared: &Arc<Shared>,
        rooms: &mut JoinSet<()>,
    ) -> Result<Self, SourceError> {
        let (file, kind) = match &config.source {
            Source::Site(file) => (file.clone(), Kind::Site),
            Source::Table(file) => (file.clone(), Kind::Table),
            Source::Receive(how) => {
                return Ok(Self::Home(receive::start(config, how, kept, shared, rooms).await?));
            }
            Source::Cluster(settings, access) => {
                let (client, server) = access.client().await?;
                let own = config.envoys.iter().map(|envoy| envoy.node.to_string()).collect();
                let watch = ClusterWatch::start(client, server, settings.as_ref().clone(), own);
                return Ok(Self::Cluster(Box::new(watch)));
            }
        };
        let (mut watch, unwatched) = SourceWatch::start(&file);
        if let Some(error) = unwatched {
            warn!("{}: not told of changes, it is looked at every 2 s: {error}", file.display());
        }
        let (tell, changed) = mpsc::channel(1);
        rooms.spawn(async move {
            loop {
                watch.changed().await;
                if tell.send(()).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self::File { file, kind, changed })
    }

    /// Returns when it may say something else than before. May be dropped and called again at any time.
    pub(crate) async fn changed(&mut self) {
        match self {
            Self::File { changed, .. } => {
                // The room that sends is never done before the agent is.
                if changed.recv().await.is_none() {
                    std::future::pending::<()>().await;
                }
            }
            Self::Cluster(watch) => watch.changed().await,
            Self::Home(deliveries) => {
                // The room that takes them is never done before the agent is.
                if deliveries.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                deliveries.mark_changed();
            }
        }
    }

    /// What it says; `again`: even where that is nothing new. `None` while a cluster is not known whole.
    /// `before`: what it said before.
    pub(crate) async fn read(&mut self, again: bool, before: Option<&Picture>) -> Option<Said> {
        match self {
            Self::File { file, kind, .. } => {
                let picture = match tokio::fs::read_to_string(&file).await {
                    Ok(text) => Picture::parse(*kind, text, file),
                    Err(error) => Err(vec![PathError { path: String::new(), message: error.to_string() }]),
                };
                Some(Said { picture, changed_at: None, told: None })
            }
            Self::Home(deliveries) => {
                let text = deliveries.borrow_and_update().as_deref()?.to_owned();
                let picture = Picture::parse(Kind::Delivered, text, Path::new("delivery"));
                Some(Said { picture, changed_at: Some(Instant::now()), told: None })
            }
            Self::Cluster(watch) => {
                let Drawn { picture, changed_at } = watch.draw(again)?;
                let told = Some((picture.notes, picture.zones));
                Some(Said {
                    picture: Picture::made(picture.site, before),
                    changed_at: Some(changed_at),
                    told,
                })
            }
        }
    }

    /// What was read has been dealt with, all of it since `begun`.
    pub(crate) fn dealt_with(&mut self, begun: Instant) {
        if let Self::Cluster(watch) = self {
            watch.took(begun);
        }
    }

    /// The cluster, where it is one.
    pub(crate) fn cluster(&self) -> Option<&ClusterWatch> {
        match self {
            Self::File { .. } | Self::Home(_) => None,
            Self::Cluster(watch) => Some(watch),
        }
    }
}

impl Source {
    /// Which kind of picture it gives.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Site(_) => Kind::Site,
            Self::Table(_) => Kind::Table,
            Self::Cluster(..) => Kind::Cluster,
            Self::Receive(_) => Kind::Delivered,
        }
    }

    /// What it is called in messages: the file, or the cluster.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Site(file) | Self::Table(file) => file.display().to_string(),
            Self::Receive(_) => "home's delivery".to_owned(),
            Self::Cluster(_, access) => match (&access.kubeconfig, &access.context) {
                (None, None) => "the cluster".to_owned(),
                (Some(file), None) => format!("the cluster of {}", file.display()),
                (None, Some(context)) => format!("the cluster {context}"),
                (Some(file), Some(context)) => format!("the cluster {context} of {}", file.display()),
            },
        }
    }
}
