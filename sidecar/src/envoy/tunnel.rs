//! Reverse tunnels: a gateway that nobody can dial dials instead, and requests come to it over the connections that it
//! opened (Envoy 1.40's reverse tunnels, which Envoy calls experimental).
//!
//! Two kinds of TLS are in it. The outer one carries the registration alone: then Envoy takes it off, and what is left
//! is a bare connection. So a second one runs inside, where the node that sends is the client and the gateway the server,
//! as on a connection that was dialled. A tunnel goes by the URI in the certificate that registered it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use zoneway_core::name::{NodeId, ZoneName};
use zoneway_site::{HostPort, Site, Way};

use super::cluster::registrar_cluster_name;
use super::error::Error;
use super::message::extension;
use super::tls::{self, Identity, spiffe_id};

/// Connections of each worker of a gateway to each node that it dials. They belong to workers at the other end too: a
/// worker there that gets none cannot send. So a public node may have eight times the workers of a gateway.
const CONNECTIONS: u32 = 8;

/// Envoy wants a group's name beside a node's, and a key that is a group's finds any node of it. All are of one group,
/// and no node is called like it.
const GROUP: &str = "zoneway";

/// The tunnels of one node.
#[derive(Debug, Default)]
pub(super) struct Tunnels<'s> {
    /// Whether gateways of other zones dial in here.
    is_registrar: bool,
    /// The zones that this node is a gateway for, with the nodes that send through its tunnels, and where each is dialled.
    pub(super) dialled: BTreeMap<&'s ZoneName, Vec<(&'s NodeId, &'s HostPort)>>,
}

impl<'s> Tunnels<'s> {
    /// The tunnels of a node, from every link of the site.
    ///
    /// # Errors
    /// When there are some and the node has no identity.
    pub(super) fn of(
        site: &'s Site,
        own: &ZoneName,
        node: &NodeId,
        identity: Option<&Identity>,
    ) -> Result<Self, Error> {
        let mut tunnels = Self::default();
        for (from, zone) in site.zones() {
            for (to, link) in &zone.links {
                let gateways =
                    || link.gateways.iter().filter(|(_, way)| **way == Way::Tunnel).map(|(id, _)| id);
                let sends = |id: &NodeId| link.egress.as_ref().is_none_or(|egress| egress.contains(id));
                let here = if from == own && sends(node) {
                    let dial_in = gateways().next().is_some();
                    tunnels.is_registrar |= dial_in;
                    dial_in
                } else {
                    to == own && gateways().any(|gateway| gateway == node)
                };
                if here && identity.is_none() {
                    return Err(Error::TunnelInClear { from: from.clone(), to: to.clone() });
                }
                if here && to == own {
                    let back = site.zones().get(own).and_then(|zone| zone.links.get(from));
                    let nodes = zone.nodes.iter().filter(|(id, _)| sends(id));
                    let places = nodes.map(|(id, node)| match back.and_then(|back| back.gateways.get(id)) {
                        Some(Way::Dial(place)) => (id, place),
                        Some(Way::Tunnel) | None => (id, &node.address),
                    });
                    tunnels.dialled.insert(from, places.collect());
                }
            }
        }
        Ok(tunnels)
    }

    /// The filter chain where gateways register; `None` where none does. Only they get through its handshake, and each
    /// only under its own name.
    pub(super) fn registrar(&self, identity: &Identity) -> Option<Value> {
        let registration = extension(
            "envoy.filters.network.reverse_tunnel",
            "extensions.filters.network.reverse_tunnel.v3.ReverseTunnel",
            json!({
                "ping_interval": "2s",
                "handshake_timeout": "5s",
                "validation": {"node_id_format": "%DOWNSTREAM_PEER_URI_SAN%", "cluster_id_format": GROUP},
            }),
        );
        self.is_registrar.then(|| {
            json!({
                "name": "tunnel",
                "filter_chain_match": {"application_protocols": [tls::TUNNEL]},
                "filters": [registration],
                "transport_socket": identity.registrar(),
                "transport_socket_connect_timeout": "10s",
            })
        })
    }

    /// What Envoy itself needs for either end.
    pub(super) fn bootstrap_extensions(
        &self,
        own: &ZoneName,
        node: &NodeId,
        identity: Option<&Identity>,
    ) -> Vec<Value> {
        let mut extensions = Vec::new();
        if self.is_registrar {
            extensions.push(extension(
                "envoy.bootstrap.reverse_tunnel.upstream_socket_interface",
                "extensions.bootstrap.reverse_tunnel.upstream_socket_interface.v3.\
                 UpstreamReverseConnectionSocketInterface",
                json!({"stat_prefix": "tunnel", "ping_failure_threshold": 2}),
            ));
        }
        if let Some(identity) = identity.filter(|_| !self.dialled.is_empty()) {
            extensions.push(extension(
                "envoy.bootstrap.reverse_tunnel.downstream_socket_interface",
                "extensions.bootstrap.reverse_tunnel.downstream_socket_interface.v3.\
                 DownstreamReverseConnectionSocketInterface",
                json!({
                    "stat_prefix": "tunnel",
                    "maintain_interval": "1s",
                    "max_reconnect_backoff": "2s",
                    "http_handshake": {
                        "handshake_timeout": "5s",
                        // The listener's address has no room for a URI: it is cut at colons.
                        "additional_headers": [{
                            "header": {
                                "key": "x-envoy-reverse-tunnel-node-id",
                                "value": spiffe_id(&identity.domain, own, node),
                            },
                            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                        }],
                    },
                }),
            ));
        }
        extensions
    }
}

/// The address of a listener that dials the nodes of a zone.
pub(super) fn address(node: &NodeId, zone: &ZoneName) -> Value {
    let registrar = registrar_cluster_name(zone);
    json!({"socket_address": {
        "address": format!("rc://{node}:{GROUP}:{GROUP}@{registrar}:{CONNECTIONS}"),
        "port_value": 0,
        "resolver_name": "envoy.resolvers.reverse_connection",
    }})
}
