//! Listeners: for clients, for other nodes, however these come, and for the sidecar.

use serde_json::{Value, json};
use zoneway_core::name::{NodeId, ZoneName};
use zoneway_site::{Clients, Ingress, Network, Node, PeerAuthentication};

use super::access_log::refusals;
use super::cluster::registrar_cluster_name;
use super::connection_manager::{From, Manners, connection_manager, endpoint_manager};
use super::error::Error;
use super::filter::{Build, Filter};
use super::message::{address, extension, private_pipe, set};
use super::run_folder::RunFolder;
use super::secrets::Neighbours;
use super::shown;
use super::tls::Identity;
use super::tunnel::{self, Tunnels};

/// Bytes that a connection may have waiting in either direction: Envoy's edge guide.
const CONNECTION_BUFFER: u64 = 32_768;

/// A listener for clients. Where it depends on a client's address which zone the client is of, it has two filter chains
/// and a request pays nothing for it.
pub(super) fn ingress(ingress: &Ingress, filter: &Filter<'_>, folder: &RunFolder) -> Value {
    let routes = folder.xds().local_routes();
    let sni = !ingress.tls.is_empty();
    let filter = &filter.knowing_sni(sni);
    let chain = |name: &str, from: From, plugin: Value| {
        let manners = Manners { rate_limit: ingress.rate_limit, sni, ..filter.manners(from) };
        let mut chain = json!({"name": name, "filters": [connection_manager(&manners, plugin, &routes)]});
        if sni {
            set(
                &mut chain,
                "transport_socket",
                shown::transport_socket(&ingress.tls, filter.node, &folder.xds()),
            );
            set(&mut chain, "transport_socket_connect_timeout", "10s");
        }
        chain
    };
    let mut listener = listener(&format!("ingress/{}", ingress.listen), address(ingress.listen));
    if sni {
        set(&mut listener, "listener_filters", json!([tls_inspector()]));
    }
    match &ingress.clients {
        Clients::All(zone) => {
            let from = if filter.public || zone != filter.zone { From::Outside } else { From::Inside };
            set(&mut listener, "filter_chains", json!([chain("all", from, filter.ingress(zone))]));
        }
        // At a public node the neighbours are the public too.
        Clients::ByNetwork { inside, outside: Some(outside), .. } if filter.public && inside == outside => {
            set(&mut listener, "filter_chains", json!([chain("all", From::Outside, filter.ingress(inside))]));
        }
        Clients::ByNetwork { inside, networks, outside } => {
            // A chain that matches no network would match all of them.
            if !networks.is_empty() {
                let mut chain = chain("inside", From::Inside, filter.ingress(inside));
                let ranges: Vec<_> = networks.iter().map(range).collect();
                set(&mut chain, "filter_chain_match", json!({"source_prefix_ranges": ranges}));
                set(&mut listener, "filter_chains", json!([chain]));
            }
            let outside = chain("outside", From::Outside, filter.ingress_outside(outside.as_ref()));
            set(&mut listener, "default_filter_chain", outside);
        }
    }
    listener
}

fn range(network: &Network) -> Value {
    json!({"address_prefix": network.address().to_string(), "prefix_len": network.length()})
}

/// How other nodes are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peers<'a> {
    /// What the filter is to compare.
    pub(super) authentication: &'a PeerAuthentication,
    /// What the node shows of itself; in clear where there is none.
    pub(super) identity: Option<&'a Identity>,
}

/// The listener for other nodes. Those that dial in to be asked come to the same port, and say so in the handshake.
pub(super) fn peer(
    node: &Node,
    peers: Peers<'_>,
    tunnels: &Tunnels<'_>,
    filter: &Filter<'_>,
    folder: &RunFolder,
) -> Result<Value, Error> {
    let requests = filter.peer(peers.authentication)?;
    let manager = connection_manager(&filter.manners(From::Peers), requests, &folder.xds().local_routes());
    let mut chain = json!({"name": "peer", "filters": [manager]});
    if let Some(identity) = peers.identity {
        set(&mut chain, "transport_socket", identity.server(Neighbours::Clients));
        set(&mut chain, "transport_socket_connect_timeout", "10s");
    }
    let mut listener = listener(&format!("peer/{}", node.listen), address(node.listen));
    set(&mut listener, "access_log", refusals("peer"));
    match peers.identity.and_then(|identity| tunnels.registrar(identity)) {
        Some(registrar) => {
            set(&mut listener, "listener_filters", json!([tls_inspector()]));
            set(&mut listener, "filter_chains", json!([registrar, chain]));
        }
        None => set(&mut listener, "filter_chains", json!([chain])),
    }
    Ok(listener)
}

/// A listener whose connections this node dials itself, to the nodes of a zone that cannot dial it; in all else it is
/// one for other nodes. There is no limit on the time until the handshake: it comes with the first request.
pub(super) fn tunnel(
    node: &NodeId,
    zone: &ZoneName,
    peers: Peers<'_>,
    filter: &Filter<'_>,
    folder: &RunFolder,
) -> Result<Value, Error> {
    let requests = filter.peer(peers.authentication)?;
    let manager = connection_manager(&filter.manners(From::Tunnel), requests, &folder.xds().local_routes());
    let mut chain = json!({"name": "tunnel", "filters": [manager]});
    if let Some(identity) = peers.identity {
        set(&mut chain, "transport_socket", identity.server(Neighbours::Nodes(zone.as_str())));
    }
    let mut listener = listener(&registrar_cluster_name(zone), tunnel::address(node, zone));
    set(&mut listener, "access_log", refusals("tunnel"));
    set(&mut listener, "listener_filters_timeout", "0s");
    set(&mut listener, "filter_chains", json!([chain]));
    Ok(listener)
}

/// The table endpoint: on a Unix socket that only its owner may open. A table is one request's body: for the Wasm filter the
/// buffer holds it three times over, which a chunked upload needs there; the module takes it as it comes, and what Envoy has
/// once buffered it keeps. Neither a flood of clients nor a full heap shuts the sidecar out.
pub(super) fn table(max_table_bytes: u64, filter: &Filter<'_>, folder: &RunFolder) -> Value {
    let mut listener = listener("table", private_pipe(&folder.table_socket()));
    if let Build::Wasm(_) = filter.build {
        let buffer = max_table_bytes.saturating_mul(3).saturating_add(CONNECTION_BUFFER).min(u32::MAX.into());
        set(&mut listener, "per_connection_buffer_limit_bytes", buffer);
    }
    set(&mut listener, "ignore_global_conn_limit", true);
    set(&mut listener, "bypass_overload_manager", true);
    set(
        &mut listener,
        "filter_chains",
        json!([{"name": "table", "filters": [endpoint_manager(filter.table())]}]),
    );
    listener
}

/// Reads of a TLS handshake what it asks for, before there is a connection.
fn tls_inspector() -> Value {
    extension(
        "envoy.filters.listener.tls_inspector",
        "extensions.filters.listener.tls_inspector.v3.TlsInspector",
        json!({}),
    )
}

fn listener(name: &str, address: Value) -> Value {
    json!({
        "name": name,
        "address": address,
        "traffic_direction": "INBOUND",
        "per_connection_buffer_limit_bytes": CONNECTION_BUFFER,
    })
}
