//! Where every room writes what it knows, for whoever asks: `/v1/status`, `/metrics`, `/readyz`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::body::Bytes;

use super::cluster::ClusterNow;
use super::report::{HeldHost, NodeStatus, OutsideStatus, Serving, SidecarStatus, SourceStatus};
use super::table_endpoint::PathError;

/// What is known now.
#[derive(Debug)]
pub(crate) struct Board {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: SourceNow,
    cluster: Option<ClusterNow>,
    nodes: BTreeMap<String, NodeNow>,
    outside: BTreeMap<String, OutsideStatus>,
    /// What each public node said last that it counts, by node and page.
    pages: BTreeMap<(String, String), Bytes>,
}

/// The source, as it was last heard of.
#[derive(Debug, Clone)]
pub(crate) struct SourceNow {
    /// The file.
    pub(crate) file: String,
    /// What serves.
    pub(crate) serving: Serving,
    /// When that was read.
    pub(crate) read_at: Option<Instant>,
    /// What is wrong with the file.
    pub(crate) errors: Vec<PathError>,
    /// What may be wrong with what serves.
    pub(crate) warnings: Vec<PathError>,
    /// Which hosts are held, each until when.
    pub(crate) held: Vec<(String, Instant)>,
}

/// A node, as it was last heard of.
#[derive(Debug, Clone)]
pub(crate) struct NodeNow {
    /// All but ages.
    pub(crate) status: NodeStatus,
    /// When the age in it was told.
    pub(crate) polled_at: Instant,
}

impl Board {
    /// A board that knows no node yet.
    pub(crate) fn new(source: SourceNow) -> Self {
        let (nodes, outside, pages) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { inner: Mutex::new(Inner { source, cluster: None, nodes, outside, pages }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nobody panics with the lock held; if one did, what it wrote is whole all the same.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is known of the source.
    pub(crate) fn set_source(&self, source: SourceNow) {
        self.inner().source = source;
    }

    /// Says who knows how the cluster is that is the source.
    pub(crate) fn set_cluster(&self, cluster: ClusterNow) {
        self.inner().cluster = Some(cluster);
    }

    /// Writes what is known of a node.
    pub(crate) fn set_node(&self, node: NodeNow) {
        self.inner().nodes.insert(node.status.node.clone(), node);
    }

    /// Whether every worker of a node's Envoy decided by a table when it was asked last; `None` before it was asked.
    pub(crate) fn serves(&self, node: &str) -> Option<bool> {
        let inner = self.inner();
        let NodeStatus { table, workers, .. } = &inner.nodes.get(node)?.status;
        let adopted = !workers.is_empty() && workers.iter().all(|worker| worker.revision.is_some());
        Some(table.is_some() && adopted)
    }

    /// Writes what is known of a public node.
    pub(crate) fn set_outside(&self, status: OutsideStatus) {
        self.inner().outside.insert(status.node.clone(), status);
    }

    /// Writes what a public node counts.
    pub(crate) fn set_outside_page(&self, node: &str, page: &str, text: Bytes) {
        self.inner().pages.insert((node.to_owned(), page.to_owned()), text);
    }

    /// What a public node said last that it counts.
    pub(crate) fn outside_page(&self, node: &str, page: &str) -> Option<Bytes> {
        self.inner().pages.get(&(node.to_owned(), page.to_owned())).cloned()
    }

    /// A public node is not ours any more.
    pub(crate) fn forget_outside(&self, node: &str) {
        let mut inner = self.inner();
        inner.outside.remove(node);
        inner.pages.retain(|(of, _), _| of != node);
    }

    /// All of it, with ages as of now.
    pub(crate) fn status(&self) -> SidecarStatus {
        let inner = self.inner();
        let source = &inner.source;
        let left = |until: &Instant| until.saturating_duration_since(Instant::now()).as_secs();
        SidecarStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source: SourceStatus {
                file: source.file.clone(),
                serving: source.serving,
                age_s: source.read_at.map(|at| at.elapsed().as_secs()),
                errors: source.errors.clone(),
                warnings: source.warnings.clone(),
                cluster: inner.cluster.as_ref().map(ClusterNow::status),
            },
            held: source
                .held
                .iter()
                .map(|(host, until)| HeldHost { host: host.clone(), left_s: left(until) })
                .collect(),
            nodes: inner.nodes.values().map(NodeNow::status_now).collect(),
            certificates: Vec::new(),
            outside: inner.outside.values().cloned().collect(),
        }
    }
}

impl NodeNow {
    fn status_now(&self) -> NodeStatus {
        let mut status = self.status.clone();
        if let Some(table) = &mut status.table {
            table.age_s += self.polled_at.elapsed().as_secs_f64().floor();
        }
        status
    }
}
