//! Envoy configuration for a node: its bootstrap, and the files that it reads clusters, members and routes from.
//!
//! Everything here is a pure function of a site or a table, but for [`write`]. What changes while an Envoy runs
//! (services, hosts, nodes, gateways, zones, certificates, who is believed) is in the files; what takes a restart
//! (listeners, the filter's own configuration) is in the bootstrap. Each rule under "In Envoy" of DESIGN stands in one place below.

mod access_log;
mod cluster;
mod connection_manager;
mod error;
mod files;
mod filter;
mod header_rules;
mod listener;
mod message;
mod overload;
mod rate_limit;
mod route;
mod run_folder;
mod secrets;
mod shown;
mod stats;
mod tls;
mod trust;
mod tunnel;
pub(crate) mod write;
mod yaml;

pub(crate) use cluster::{PEERS, zone_cluster_name};
pub(crate) use error::Error;
pub(crate) use files::{Picture, RenderedFile, delivered_files, site_files, table_files};
pub(crate) use filter::Build;
pub(crate) use run_folder::{RunFolder, XdsFolder};
pub(crate) use tls::spiffe_id;
pub(crate) use yaml::to_yaml;

use std::path::PathBuf;

use serde_json::{Value, json};
use zoneway_core::name::NodeId;
use zoneway_site::{PeerAuthentication, Site};

use filter::Filter;
use listener::Peers;
use message::{file_source, private_pipe};
use secrets::Certificate;
use tls::Identity;
use tunnel::Tunnels;

/// The bootstrap of a node's Envoy.
///
/// # Errors
/// When the site has no such node, or it is not said safely how nodes know each other.
pub(crate) fn bootstrap(
    site: &Site,
    node: &NodeId,
    build: &Build,
    folder: &RunFolder,
) -> Result<Value, Error> {
    let (zone_name, config) = site.node(node).ok_or_else(|| unknown_node(site, node))?;
    let settings = site.settings();
    let public = site.public_zones().any(|public| public == zone_name);
    let public_zones: Vec<_> = site.public_zones().collect();
    let filter = Filter {
        build,
        zone: zone_name,
        node: node.as_str(),
        public,
        settings,
        public_zones: &public_zones,
        sni: false,
    };
    let mut listeners: Vec<_> =
        config.ingress.iter().map(|ingress| listener::ingress(ingress, &filter, folder)).collect();
    let identity = identity(site, node, &folder.xds())?;
    let tunnels = Tunnels::of(site, zone_name, node, identity.as_ref())?;
    if let Some(authentication) = peer_authentication(site, node)? {
        let peers = Peers { authentication, identity: identity.as_ref() };
        listeners.push(listener::peer(config, peers, &tunnels, &filter, folder)?);
        for zone in tunnels.dialled.keys() {
            listeners.push(listener::tunnel(node, zone, peers, &filter, folder)?);
        }
    }
    listeners.push(listener::table(settings.max_table_bytes, &filter, folder));
    let mut extensions = filter.bootstrap_extensions();
    extensions.extend(tunnels.bootstrap_extensions(zone_name, node, identity.as_ref()));
    Ok(json!({
        "node": {"id": node.as_str(), "cluster": zone_name.as_str()},
        "admin": {"address": private_pipe(&folder.admin_socket()), "ignore_global_conn_limit": true},
        "bootstrap_extensions": extensions,
        "stats_config": stats::stats_config(),
        "layered_runtime": {"layers": [{"name": "zoneway", "static_layer": {STRICT_CHUNKS: true}}]},
        "overload_manager": overload::overload_manager(),
        "dynamic_resources": {"cds_config": file_source(&folder.xds().clusters())},
        "static_resources": {"listeners": listeners},
    }))
}

/// Envoy would else read past what is left over in a chunk, and take what follows for the next one.
const STRICT_CHUNKS: &str = "envoy.reloadable_features.strict_chunk_parsing";

/// Why nothing can be said of a node that the site does not have.
pub(crate) fn unknown_node(site: &Site, node: &NodeId) -> Error {
    let known = site.zones().values().flat_map(|zone| zone.nodes.keys().cloned()).collect();
    Error::UnknownNode { node: node.clone(), known }
}

/// How the node's peers are known; `None` for a node that is alone and where nothing is written.
fn peer_authentication<'s>(site: &'s Site, node: &NodeId) -> Result<Option<&'s PeerAuthentication>, Error> {
    let authentication = site.settings().peer_authentication.as_ref();
    match authentication {
        Some(PeerAuthentication::None { zones }) => {
            match site.public_zones().find(|zone| zones.contains(*zone)) {
                Some(zone) => Err(Error::PublicWithoutAuthentication { zone: zone.clone() }),
                None => Ok(authentication),
            }
        }
        Some(PeerAuthentication::Tls { .. }) => Ok(authentication),
        None if site.zones().values().map(|zone| zone.nodes.len()).sum::<usize>() < 2 => Ok(None),
        None => Err(Error::NoPeerAuthentication { node: node.clone() }),
    }
}

/// What the node's connections are checked by; `None` without mutual TLS.
fn identity(site: &Site, node: &NodeId, xds: &XdsFolder) -> Result<Option<Identity>, Error> {
    let settings = site.settings();
    let Some(PeerAuthentication::Tls { ca, crl, .. }) = &settings.peer_authentication else {
        return Ok(None);
    };
    Ok(Some(Identity {
        domain: settings.domain.clone().ok_or(Error::NoDomain)?,
        ca: own_file(ca, node),
        crl: crl.as_ref().map(|crl| own_file(crl, node)),
        xds: xds.clone(),
    }))
}

/// What the node proves who it is with; `None` without mutual TLS.
fn certificate(site: &Site, node: &NodeId) -> Option<Certificate> {
    let Some(PeerAuthentication::Tls { certificate, key, .. }) = &site.settings().peer_authentication else {
        return None;
    };
    Some(Certificate { chain: own_file(certificate, node), key: own_file(key, node) })
}

fn own_file(name: &str, node: &NodeId) -> PathBuf {
    PathBuf::from(name.replace("{node}", node.as_str()))
}

#[cfg(test)]
mod tests;
