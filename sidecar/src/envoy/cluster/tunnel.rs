//! Clusters of reverse tunnels, at both ends: the nodes where a gateway registers its tunnels, and the tunnels that
//! gateways of another zone have registered here.
//!
//! A tunnel goes by the identity of the gateway that dialled it, which its certificate was checked for. The filter says
//! by whose tunnel a request goes; one that has no tunnel, or a dead one, costs a retry.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use zoneway_core::name::ZoneName;
use zoneway_site::HostPort;

use super::super::header_rules;
use super::super::message::{extension, set};
use super::super::route::FORWARD_RETRIES;
use super::super::secrets::Neighbours;
use super::super::tls::{Identity, nodes_of};
use super::link::http_options;
use super::{cluster, with_places, zone_cluster_name};

/// The cluster of a zone's nodes, where this gateway registers its tunnels. It is `zoneway envoy`'s, as those of
/// services are: a listener belongs to it.
pub(crate) fn registrar_cluster_name(zone: &ZoneName) -> String {
    format!("tunnel/{zone}")
}

/// The nodes of a zone that take this gateway's tunnels.
///
/// What vanished without a word is noticed by TCP within 10 seconds: the other end asks too, but only this one can dial
/// anew.
pub(crate) fn registrar_cluster(
    zone: &ZoneName,
    places: &[&HostPort],
    identity: &Identity,
    members: &Path,
) -> Value {
    let name = registrar_cluster_name(zone);
    let mut registrar = with_places(cluster(&name, http1()), &name, places, members);
    set(&mut registrar, "connect_timeout", "5s");
    set(
        &mut registrar,
        "upstream_connection_options",
        json!({"tcp_keepalive": {"keepalive_time": 4, "keepalive_interval": 3, "keepalive_probes": 2}}),
    );
    set(&mut registrar, "transport_socket", identity.registration(zone));
    registrar
}

/// A registration is one request in HTTP/1.1; then the connection is turned around.
fn http1() -> Value {
    json!({"explicit_http_config": {"http_protocol_options": {}}})
}

/// The clusters of a zone whose gateways dial in. The zone's own tries one after the other, a try each: the tunnels of
/// the gateway that the filter named, then those of every gateway.
pub(crate) fn tunnel_clusters(zone: &str, gateways: &BTreeSet<&str>, identity: &Identity) -> Vec<Value> {
    let nodes = nodes_of(&identity.domain, zone);
    let decided = format!("zoneway/tunnel/{zone}");
    let of = |gateway: &str| format!("{decided}/{gateway}");
    let named = format!("{nodes}%REQ({})%", header_rules::TUNNEL);
    let mut clusters = vec![tunnels(&decided, &named, zone, identity)];
    clusters.extend(
        gateways.iter().map(|gateway| tunnels(&of(gateway), &format!("{nodes}{gateway}"), zone, identity)),
    );
    let others = gateways.iter().cycle().map(|gateway| of(gateway));
    let tries = std::iter::once(decided.clone()).chain(others).take(1 + FORWARD_RETRIES);
    let tries: Vec<_> = tries.map(|name| json!({"name": name})).collect();
    let mut one_after_the_other = cluster(&zone_cluster_name(zone), requests());
    set(&mut one_after_the_other, "lb_policy", "CLUSTER_PROVIDED");
    set(
        &mut one_after_the_other,
        "cluster_type",
        extension(
            "envoy.clusters.composite",
            "extensions.clusters.composite.v3.ClusterConfig",
            json!({"clusters": tries}),
        ),
    );
    clusters.push(one_after_the_other);
    clusters
}

/// The tunnels of the gateway that `of` says, in Envoy's command operators. A tunnel is a bare connection: what
/// registered it was TLS, and another TLS runs inside, by which each end sees who the other is.
fn tunnels(name: &str, of: &str, zone: &str, identity: &Identity) -> Value {
    let mut tunnels = cluster(name, requests());
    set(&mut tunnels, "lb_policy", "CLUSTER_PROVIDED");
    set(
        &mut tunnels,
        "cluster_type",
        extension(
            "envoy.clusters.reverse_connection",
            "extensions.clusters.reverse_connection.v3.ReverseConnectionClusterConfig",
            json!({"host_id_format": of}),
        ),
    );
    // The inner handshake, over a connection that is there: one that is not answered is dead.
    set(&mut tunnels, "connect_timeout", "1s");
    set(&mut tunnels, "transport_socket", identity.client(Neighbours::Zone(zone)));
    tunnels
}

/// Pings that find a dead tunnel in 6 seconds: a home's address changes, and its router forgets a connection, without a
/// word to this end.
fn requests() -> Value {
    http_options(json!({"interval": "3s", "timeout": "3s"}))
}
