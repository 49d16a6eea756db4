//! Who may set a header under `x-zoneway-`, and how far it travels (DESIGN, "In Envoy").
//!
//! Envoy picks a route before any filter runs, so what a client sends must be gone before that; and the endpoint is
//! chosen after the route was, so what steers it leaves no sooner than in the upstream cluster's own filters.

use serde_json::{Value, json};

use super::message::extension;

/// The prefix of every header that is ours.
const PREFIX: &str = "x-zoneway-";
/// Names the cluster of a forward; its presence is what the first route of every virtual host matches.
pub(super) const CLUSTER: &str = "x-zoneway-cluster";
/// The ordered list of addresses to dial.
pub(super) const ENDPOINTS: &str = "x-zoneway-endpoints";
/// The node to reach through a reverse tunnel.
pub(super) const TUNNEL: &str = "x-zoneway-tunnel";
/// Those that steer one Envoy alone: no other may send them, and none leaves with a request.
const STEERING: [&str; 3] = [CLUSTER, ENDPOINTS, TUNNEL];

/// Takes from a client's request all that is ours, before a route is picked.
pub(super) fn before_ingress_routes() -> Value {
    early(vec![json!({"remove_on_match": {"key_matcher": {"prefix": PREFIX}}})])
}

/// Takes from a peer's request what steers, before a route is picked. Source and trail are the peer's to say, and
/// the filter's to check.
pub(super) fn before_peer_routes() -> Value {
    early(removals())
}

fn early(mutations: Vec<Value>) -> Value {
    json!([extension(
        "zoneway/early_headers",
        "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        json!({"mutations": mutations}),
    )])
}

/// The filters of a cluster of peers: what steered has done its work once the endpoint is chosen.
pub(super) fn upstream_filters() -> Value {
    json!([
        extension(
            "zoneway/steering_headers",
            "extensions.filters.http.header_mutation.v3.HeaderMutation",
            json!({"mutations": {"request_mutations": removals()}}),
        ),
        extension(
            "envoy.filters.http.upstream_codec",
            "extensions.filters.http.upstream_codec.v3.UpstreamCodec",
            json!({}),
        ),
    ])
}

fn removals() -> Vec<Value> {
    STEERING.iter().map(|header| json!({"remove": header})).collect()
}
