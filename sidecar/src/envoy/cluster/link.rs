//! Clusters of other nodes: `zoneway/peers`, and `zoneway/zone/NAME` for each other zone.
//!
//! The filter says which members are dialled, and in which order; Envoy only carries it out. In Envoy 1.40 the health
//! of a member changes nothing about that (its override_host policy says so in a comment): checks and outlier
//! detection are there to be seen in the admin interface, and what fails is passed over by a retry.

use std::path::Path;

use serde_json::{Value, json};

use super::super::header_rules;
use super::super::message::{extension, set};
use super::super::secrets::Neighbours;
use super::super::tls::Identity;
use super::{cluster, with_members_from};

/// The cluster of this zone's other nodes.
pub(crate) const PEERS: &str = "zoneway/peers";

/// The cluster of another zone's gateways.
pub(crate) fn zone_cluster_name(zone: &str) -> String {
    format!("zoneway/zone/{zone}")
}

/// A cluster whose members are these nodes; without an identity, in clear.
pub(crate) fn link_cluster(
    name: &str,
    servers: Neighbours<'_>,
    identity: Option<&Identity>,
    members: &Path,
) -> Value {
    // A request that is on a line where nothing arrives any more fails after eight seconds at most; those that come later
    // open a connection anew.
    let options = http_options(json!({"interval": "4s", "timeout": "4s"}));
    let mut link = with_members_from(cluster(name, options), name, members);
    // A machine that is switched off answers nothing at all: the next endpoint waits for this.
    set(&mut link, "connect_timeout", "1s");
    set(&mut link, "load_balancing_policy", policy(ordered()));
    set(&mut link, "health_checks", json!([health_check()]));
    set(&mut link, "ignore_health_on_host_removal", true);
    set(&mut link, "outlier_detection", outlier_detection());
    if let Some(identity) = identity {
        set(&mut link, "transport_socket", identity.client(servers));
    }
    link
}

/// HTTP/2, with pings: where a machine vanishes with requests under way they fail after some seconds, not never.
pub(super) fn http_options(keepalive: Value) -> Value {
    json!({
        // The server bounds a connection's age too; this end need not believe that it does.
        "common_http_protocol_options": {"idle_timeout": "3600s", "max_connection_duration": "720s"},
        "explicit_http_config": {"http2_protocol_options": {
            "allow_connect": true,
            "connection_keepalive": keepalive,
        }},
        "http_filters": header_rules::upstream_filters(),
    })
}

/// The endpoints of the list, in its order. A list that is used up or names no member leaves the choice to a policy
/// that finds nobody: a subset on a key that no member has.
fn ordered() -> Value {
    let nobody = extension(
        "envoy.load_balancing_policies.subset",
        "extensions.load_balancing_policies.subset.v3.Subset",
        json!({
            "fallback_policy": "NO_FALLBACK",
            "subset_selectors": [{"keys": ["zoneway/nobody"]}],
            "subset_lb_policy": policy(extension(
                "envoy.load_balancing_policies.round_robin",
                "extensions.load_balancing_policies.round_robin.v3.RoundRobin",
                json!({}),
            )),
        }),
    );
    extension(
        "envoy.load_balancing_policies.override_host",
        "extensions.load_balancing_policies.override_host.v3.OverrideHost",
        json!({
            "override_host_sources": [{"header": header_rules::ENDPOINTS}],
            "fallback_policy": policy(nobody),
        }),
    )
}

fn policy(policy: Value) -> Value {
    json!({"policies": [{"typed_extension_config": policy}]})
}

/// A connection, with its TLS handshake and so the peer's identity. A request would need an answer for it, and a peer
/// answers none without a trail. Three that fail take eight seconds at most: then the sidecar has another table without
/// that member.
fn health_check() -> Value {
    json!({
        "timeout": "1s",
        "interval": "2s",
        "unhealthy_interval": "1s",
        "no_traffic_interval": "1s",
        "no_traffic_healthy_interval": "2s",
        "interval_jitter_percent": 10,
        "unhealthy_threshold": 3,
        "healthy_threshold": 1,
        "tcp_health_check": {},
    })
}

/// By failures of the connection alone: what a service answers says nothing about the node, and a node that is out
/// would be out for every service. Half of the members stay, whatever happens.
fn outlier_detection() -> Value {
    json!({
        "split_external_local_origin_errors": true,
        "consecutive_local_origin_failure": 5,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "max_ejection_percent": 50,
        "base_ejection_time": "10s",
    })
}
