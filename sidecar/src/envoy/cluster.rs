//! Clusters: the nodes of this zone, the gateways of each other zone, dialled or dialling in, and the services of this
//! node.
//!
//! Members stand in files of their own: one that is added or leaves changes no cluster, so nothing is warmed up,
//! drained or dropped.

mod link;
mod service;
mod tunnel;

pub(super) use link::link_cluster;
pub(crate) use link::{PEERS, zone_cluster_name};
pub(super) use service::{service_cluster, service_cluster_name};
pub(super) use tunnel::{registrar_cluster, registrar_cluster_name, tunnel_clusters};

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value, json};
use zoneway_site::HostPort;

use super::message::{any, file_source, response, set, socket_address};

const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// How many connections, requests and retries a cluster may have at a time. Envoy's defaults (1,024, and 3 retries)
/// fail nearly everything while the first endpoint of a list is dead under load; what bounds an Envoy is its overload
/// manager.
const AT_A_TIME: u32 = 100_000;

/// What all clusters have.
fn cluster(name: &str, http_options: Value) -> Value {
    let options = any("extensions.upstreams.http.v3.HttpProtocolOptions", http_options);
    any(
        "config.cluster.v3.Cluster",
        json!({
            "name": name,
            "per_connection_buffer_limit_bytes": 32_768,
            "circuit_breakers": {"thresholds": [{
                "max_connections": AT_A_TIME,
                "max_pending_requests": AT_A_TIME,
                "max_requests": AT_A_TIME,
                "max_retries": AT_A_TIME,
            }]},
            "typed_extension_protocol_options": Map::from_iter([(HTTP_OPTIONS.to_owned(), options)]),
        }),
    )
}

/// Makes a cluster's members those of a file.
fn with_members_from(mut cluster: Value, name: &str, file: &Path) -> Value {
    set(&mut cluster, "type", "EDS");
    set(&mut cluster, "eds_cluster_config", json!({"service_name": name, "eds_config": file_source(file)}));
    cluster
}

/// Makes a cluster's members those of a site: addresses stand in the file; with a name among them all stand in the
/// cluster, and Envoy resolves them.
fn with_places(mut cluster: Value, name: &str, places: &[&HostPort], file: &Path) -> Value {
    if places.iter().all(|place| place.name().is_none()) {
        return with_members_from(cluster, name, file);
    }
    let places = places.iter().map(|place| (place.host(), place.port()));
    set(&mut cluster, "type", "STRICT_DNS");
    set(&mut cluster, "load_assignment", load_assignment(name, places));
    cluster
}

/// The file of a cluster's members.
pub(super) fn members(name: &str, addresses: impl IntoIterator<Item = SocketAddr>) -> Value {
    let places = addresses.into_iter().map(|address| (address.ip().to_string(), address.port()));
    response(vec![any("config.endpoint.v3.ClusterLoadAssignment", load_assignment(name, places))])
}

fn load_assignment(name: &str, places: impl IntoIterator<Item = (String, u16)>) -> Value {
    let endpoint =
        |(host, port): (String, u16)| json!({"endpoint": {"address": socket_address(&host, port)}});
    let endpoints: Vec<_> = places.into_iter().map(endpoint).collect();
    json!({"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]})
}
