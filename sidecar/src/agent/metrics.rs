//! The sidecar's metrics, in the OpenMetrics text format (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::feed::State;
use super::report::{ClusterStatus, OutsideStatus, Serving, SidecarStatus};

/// Whose metric it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Node {
    node: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NodeState {
    node: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutsideState {
    node: String,
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Server {
    server: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabel {
    identity: String,
    serial: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonText {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: String,
}

/// Seconds from a change in a cluster to a table that an Envoy accepted: the bounds of the histogram's buckets.
const BOUNDS: [f64; 12] = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0];

/// Counters that count from the start, and gauges that are set when somebody asks.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pushes: Family<Node, Counter>,
    failures: Family<Node, Counter>,
    reloads: Family<Reload, Counter>,
    age: Family<Node, Gauge>,
    hosts: Family<Node, Gauge>,
    epoch: Family<Node, Gauge>,
    sequence: Family<Node, Gauge>,
    state: Family<NodeState, Gauge>,
    held: Gauge,
    serves: Gauge,
    change_to_push: Family<Node, Histogram, fn() -> Histogram>,
    objects: Family<KindLabel, Gauge>,
    notes: Family<ReasonLabel, Gauge>,
    reachable: Family<Server, Gauge>,
    event_age: Family<Server, Gauge>,
    lease_held: Family<Server, Gauge>,
    days_left: Family<CertificateLabel, Gauge>,
    not_after: Family<CertificateLabel, Gauge>,
    refused: Family<ReasonText, Counter>,
    out: Family<Node, Gauge>,
    outside_state: Family<OutsideState, Gauge>,
    outside_deliveries: Family<Node, Gauge>,
    outside_left: Family<Node, Gauge>,
}

impl Metrics {
    /// All of them, at nothing.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("zoneway_sidecar");
        macro_rules! registered {
            ($name:literal, $help:literal) => {{
                let metric = Default::default();
                let kept = Clone::clone(&metric);
                registry.register($name, $help, metric);
                kept
            }};
        }
        let pushes = registered!("pushes", "Tables that an Envoy accepted");
        let failures = registered!("push_failures", "Pushes that an Envoy refused or did not answer");
        let reloads = registered!("reloads", "Reads of the source, by whether it serves since");
        let age =
            registered!("table_age_seconds", "Seconds since an Envoy accepted the table that it serves");
        let hosts = registered!("table_hosts", "Hosts of the table that an Envoy serves");
        let epoch = registered!("table_epoch", "Epoch of the table that an Envoy serves");
        let sequence = registered!("table_sequence", "Sequence of the table that an Envoy serves");
        let state = registered!("node_state", "1 for the state that the feed of an Envoy is in");
        let held = registered!("held_hosts", "Hosts that went from the source all at once and stay for now");
        let serves =
            registered!("source_serves", "1 when the source serves as it stands, 0 when it is refused");
        let new: fn() -> Histogram = || Histogram::new(BOUNDS);
        let change_to_push = Family::new_with_constructor(new);
        let help = "Seconds from a change in the cluster to a table with it that an Envoy accepted";
        registry.register("change_to_push_seconds", help, change_to_push.clone());
        let objects = registered!("cluster_objects", "Objects of a kind that the cluster has");
        let notes =
            registered!("cluster_notes", "Objects that cannot be used as they are written, by reason");
        let reachable =
            registered!("cluster_reachable", "1 when the API server answered last, 0 when it did not");
        let event_age =
            registered!("cluster_event_age_seconds", "Seconds since anything was heard of an object");
        let lease_held = registered!("lease_held", "1 when this sidecar is who writes into the cluster");
        let days_left = registered!("certificate_days_left", "Whole days until a certificate expires");
        let help = "When a certificate expires, in seconds since 1970";
        let not_after: Family<CertificateLabel, Gauge> = Family::default();
        registry.register("certificate_expiry_timestamp_seconds", help, not_after.clone());
        let refused =
            registered!("clients_refused", "Clients that a public node did not let deliver, by reason");
        let out =
            registered!("out", "Nodes and links that an Envoy's table is without: they failed their probes");
        let outside_state =
            registered!("public_node_state", "1 for the state that a public node is in, as home sees it");
        let outside_deliveries = registered!(
            "public_node_deliveries",
            "Deliveries that a public node took since this sidecar started"
        );
        let outside_left = registered!(
            "public_node_certificate_left_seconds",
            "Seconds until a public node's certificate is over"
        );
        Self {
            registry,
            pushes,
            failures,
            reloads,
            age,
            hosts,
            epoch,
            sequence,
            state,
            held,
            serves,
            change_to_push,
            objects,
            notes,
            reachable,
            event_age,
            lease_held,
            days_left,
            not_after,
            refused,
            out,
            outside_state,
            outside_deliveries,
            outside_left,
        }
    }

    /// A table was accepted.
    ///
    /// `took`: since the source changed, where that is known.
    pub(crate) fn pushed(&self, node: &str, took: Option<Duration>) {
        let node = Node { node: node.to_owned() };
        self.pushes.get_or_create(&node).inc();
        if let Some(took) = took {
            self.change_to_push.get_or_create(&node).observe(took.as_secs_f64());
        }
    }

    /// A table was not.
    pub(crate) fn push_failed(&self, node: &str) {
        self.failures.get_or_create(&Node { node: node.to_owned() }).inc();
    }

    /// A client was not let in.
    pub(crate) fn client_refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonText { reason }).inc();
    }

    /// The source was read.
    pub(crate) fn reloaded(&self, serves: bool) {
        self.reloads.get_or_create(&Reload { result: if serves { "serves" } else { "refused" } }).inc();
    }

    /// The text of all of them.
    ///
    /// # Errors
    /// Never: a string takes any text.
    pub(crate) fn text(&self, status: &SidecarStatus) -> Result<String, std::fmt::Error> {
        self.held.set(number(status.held.len() as u64));
        self.serves.set(i64::from(status.source.serving == Serving::File));
        self.set_cluster(status.source.cluster.as_ref());
        self.days_left.clear();
        self.not_after.clear();
        for one in &status.certificates {
            let (identity, serial) = (one.identity.clone(), one.serial.clone());
            let label = CertificateLabel { identity, serial };
            self.days_left.get_or_create(&label).set(one.days_left);
            self.not_after.get_or_create(&label).set(one.not_after_s);
        }
        self.age.clear();
        self.hosts.clear();
        self.epoch.clear();
        self.sequence.clear();
        for node in &status.nodes {
            let label = Node { node: node.node.clone() };
            // Both are there from the start, at 0: an alert on their rate needs the first one too.
            drop(self.pushes.get_or_create(&label));
            drop(self.failures.get_or_create(&label));
            for state in State::NAMES {
                let is = i64::from(node.state == state);
                self.state.get_or_create(&NodeState { node: node.node.clone(), state }).set(is);
            }
            self.out.get_or_create(&label).set(number(node.out.len() as u64));
            if let Some(table) = &node.table {
                #[allow(clippy::cast_possible_truncation, reason = "saturates, and no table is that old")]
                self.age.get_or_create(&label).set(table.age_s as i64);
                self.hosts.get_or_create(&label).set(number(table.hosts));
                self.epoch.get_or_create(&label).set(number(table.revision.epoch));
                self.sequence.get_or_create(&label).set(number(table.revision.sequence));
            }
        }
        self.set_outside(&status.outside);
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }

    fn set_outside(&self, nodes: &[OutsideStatus]) {
        self.outside_state.clear();
        self.outside_left.clear();
        for node in nodes {
            let label = Node { node: node.node.clone() };
            let state = OutsideState { node: node.node.clone(), state: node.state.clone() };
            self.outside_state.get_or_create(&state).set(1);
            self.outside_deliveries.get_or_create(&label).set(number(node.deliveries));
            if let Some(left) = node.certificate_left_s {
                self.outside_left.get_or_create(&label).set(number(left));
            }
        }
    }

    fn set_cluster(&self, cluster: Option<&ClusterStatus>) {
        self.objects.clear();
        self.notes.clear();
        self.event_age.clear();
        self.lease_held.clear();
        let Some(cluster) = cluster else { return };
        let server = Server { server: cluster.server.clone() };
        for kind in &cluster.kinds {
            if let Some(objects) = kind.objects {
                self.objects.get_or_create(&KindLabel { kind: kind.kind.clone() }).set(number(objects));
            }
        }
        for (reason, notes) in &cluster.notes {
            self.notes.get_or_create(&ReasonLabel { reason: reason.clone() }).set(number(*notes));
        }
        self.reachable.get_or_create(&server).set(i64::from(cluster.reachable));
        if let Some(seconds) = cluster.event_age_s {
            self.event_age.get_or_create(&server).set(number(seconds));
        }
        if let Some(lease) = &cluster.lease {
            self.lease_held.get_or_create(&server).set(i64::from(lease.held));
        }
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
