//! The sidecar's metrics, in the OpenMetrics text format (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::feed::State;
use super::report::{Serving, SidecarStatus};

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
struct Reload {
    result: &'static str,
}

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
        Self { registry, pushes, failures, reloads, age, hosts, epoch, sequence, state, held, serves }
    }

    /// A table was accepted.
    pub(crate) fn pushed(&self, node: &str) {
        self.pushes.get_or_create(&Node { node: node.to_owned() }).inc();
    }

    /// A table was not.
    pub(crate) fn push_failed(&self, node: &str) {
        self.failures.get_or_create(&Node { node: node.to_owned() }).inc();
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
            if let Some(table) = &node.table {
                #[allow(clippy::cast_possible_truncation, reason = "saturates, and no table is that old")]
                self.age.get_or_create(&label).set(table.age_s as i64);
                self.hosts.get_or_create(&label).set(number(table.hosts));
                self.epoch.get_or_create(&label).set(number(table.revision.epoch));
                self.sequence.get_or_create(&label).set(number(table.revision.sequence));
            }
        }
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
