//! What an Envoy gives up first when it runs out of memory or connections.
//!
//! Source: Envoy's "Configuring Envoy as an edge proxy"
//! (<https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/best_practices/edge>).

use serde_json::{Value, json};

use super::message::extension;

const HEAP: &str = "envoy.resource_monitors.fixed_heap";

/// Bytes of heap at which Envoy is full: the edge guide's 1 GiB.
const HEAP_BYTES: u64 = 1 << 30;

/// Connections of clients and peers at a time: the edge guide's figure. The table endpoint and the admin interface are
/// not counted, so that a flood does not cut off the sidecar.
const CONNECTIONS: u64 = 50_000;

/// Gives memory back at 95% of the heap, takes no more requests at 98%.
pub(super) fn overload_manager() -> Value {
    let at = |action: &str, share: f64| {
        json!({
            "name": format!("envoy.overload_actions.{action}"),
            "triggers": [{"name": HEAP, "threshold": {"value": share}}],
        })
    };
    json!({
        "refresh_interval": "0.25s",
        "resource_monitors": [
            extension(
                HEAP,
                "extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                json!({"max_heap_size_bytes": HEAP_BYTES}),
            ),
            extension(
                "envoy.resource_monitors.global_downstream_max_connections",
                "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                json!({"max_active_downstream_connections": CONNECTIONS}),
            ),
        ],
        "actions": [at("shrink_heap", 0.95), at("stop_accepting_requests", 0.98)],
    })
}
