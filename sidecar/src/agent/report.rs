//! What a sidecar says of itself at `/v1/status`: of its source, and of every node that it pushes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zoneway_core::table::wire::Revision;

use super::certificates::CertificateStatus;
use super::table_endpoint::{PathError, ServedTable, Worker};

/// A sidecar's status. As with a reader's, fields that a newer one adds are passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SidecarStatus {
    /// The program's version.
    pub(crate) version: String,
    /// Where the tables come from.
    pub(crate) source: SourceStatus,
    /// The hosts that went from the source and stay for now.
    pub(crate) held: Vec<HeldHost>,
    /// Every Envoy that it feeds.
    pub(crate) nodes: Vec<NodeStatus>,
    /// The certificates of these Envoys, and of the authorities that they believe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) certificates: Vec<CertificateStatus>,
    /// Every public node that it delivers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) outside: Vec<OutsideStatus>,
}

/// A public node, as home's sidecar sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutsideStatus {
    /// The node.
    pub(crate) node: String,
    /// Its zone.
    pub(crate) zone: String,
    /// Where its sidecar is dialled.
    pub(crate) address: String,
    /// `delivered`, `standby`, or the name of what stands in the way.
    pub(crate) state: String,
    /// The same in words.
    pub(crate) message: String,
    /// Whether a person should look.
    pub(crate) trouble: bool,
    /// Which delivery it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<Revision>,
    /// Deliveries that it took since this sidecar started.
    pub(crate) deliveries: u64,
    /// Deliveries that it refused.
    pub(crate) failures: u64,
    /// Seconds until its certificate is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate_left_s: Option<u64>,
    /// What its own sidecar says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sidecar: Option<Box<SidecarStatus>>,
}

/// The state of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SourceStatus {
    /// The file.
    pub(crate) file: String,
    /// What serves now.
    pub(crate) serving: Serving,
    /// Seconds since what serves was read; none before that, and for what was kept from before a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) age_s: Option<u64>,
    /// What is wrong with the file as it stands; empty when it serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<PathError>,
    /// What may be wrong with what serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<PathError>,
    /// How the cluster is, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<ClusterStatus>,
}

/// A cluster that is watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClusterStatus {
    /// Its API server.
    pub(crate) server: String,
    /// Whether that answered when it was asked last.
    pub(crate) reachable: bool,
    /// What was said when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Seconds since anything was heard of an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_age_s: Option<u64>,
    /// Every kind that is watched.
    pub(crate) kinds: Vec<KindStatus>,
    /// How many things there are to tell of objects, by reason.
    pub(crate) notes: BTreeMap<String, u64>,
    /// Who writes into the cluster, where that is set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lease: Option<LeaseStatus>,
}

/// One kind of object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KindStatus {
    /// As RBAC names it: `ingresses.networking.k8s.io`.
    pub(crate) kind: String,
    /// How many there are; none before they were listed once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) objects: Option<u64>,
    /// What is wrong with its watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// The lease of who writes into the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LeaseStatus {
    /// Whether it is held here.
    pub(crate) held: bool,
    /// Who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<String>,
    /// Why it cannot be looked at or written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// Which picture of the source serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Serving {
    /// None was ever read.
    Nothing,
    /// The file as it stands.
    File,
    /// An earlier state of the file: as it stands it is refused.
    LastGood,
    /// What the state folder kept from before this start: the file is refused since.
    Kept,
}

/// A host that went from the source and stays for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldHost {
    /// The host.
    pub(crate) host: String,
    /// Seconds until it goes.
    pub(crate) left_s: u64,
}

/// One Envoy, as its feed sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeStatus {
    /// The node.
    pub(crate) node: String,
    /// Its zone; none while it is in no site that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    /// Its table endpoint.
    pub(crate) endpoint: String,
    /// `in_sync`, or the name of what it waits for.
    pub(crate) state: String,
    /// The same in words.
    pub(crate) message: String,
    /// Whether a person should look.
    pub(crate) trouble: bool,
    /// What was last sent to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<Revision>,
    /// What it serves, as it said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<ServedTable>,
    /// Its workers, as it said last.
    #[serde(default)]
    pub(crate) workers: Vec<Worker>,
    /// Pushes that were accepted since this sidecar started.
    pub(crate) pushes: u64,
    /// Pushes that were not.
    pub(crate) failures: u64,
    /// Nodes and links that failed their probes: its table is without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) out: Vec<String>,
}

impl SidecarStatus {
    /// Whether the source serves as it stands and no node is in trouble.
    pub(crate) fn is_well(&self) -> bool {
        self.source.serving == Serving::File
            && self.nodes.iter().all(|node| !node.trouble)
            && self.outside.iter().all(|node| !node.trouble)
    }
}
