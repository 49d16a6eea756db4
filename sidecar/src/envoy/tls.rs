//! Who a connection between nodes is with: mutual TLS by SPIFFE identity.
//!
//! TLS 1.3 alone, in both directions: an upstream context's own maximum is 1.2, so that both ends are written out. No
//! session is resumed: a resumed one outlives the certificate that it was opened with. Certificates, and who is
//! believed, stand in files of their own ([`super::secrets`]), which Envoy reads again when they change.

use std::path::PathBuf;

use serde_json::{Value, json};
use zoneway_core::name::{NodeId, ZoneName};

use super::message::extension;
use super::run_folder::XdsFolder;
use super::secrets::{self, Neighbours};

/// What a node's connections to other nodes are checked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The trust domain, as in `spiffe://DOMAIN/zone/Z/node/N`.
    pub(super) domain: String,
    /// The authorities that sign every node's certificate (PEM): two, while one replaces the other.
    pub(super) ca: PathBuf,
    /// The certificates that are not good any more although their time is not over (PEM).
    pub(super) crl: Option<PathBuf>,
    /// The folder of the secrets.
    pub(super) xds: XdsFolder,
}

/// The identity of a node: the URI in its certificate.
pub(crate) fn spiffe_id(domain: &str, zone: &ZoneName, node: &NodeId) -> String {
    format!("{}{node}", nodes_of(domain, zone.as_str()))
}

/// What the identity of every node of a zone starts with. A zone's name holds no slash: no other zone's starts so.
pub(super) fn nodes_of(domain: &str, zone: &str) -> String {
    format!("spiffe://{domain}/zone/{zone}/node/")
}

/// What the two ends of a connection speak: requests, in HTTP/2.
const REQUESTS: &str = "h2";
/// The same for a connection that is to become a tunnel, by which a listener tells it from those that bring requests.
pub(super) const TUNNEL: &str = "zoneway-tunnel";

impl Identity {
    /// The transport socket of a listener for requests of other nodes: of these.
    pub(super) fn server(&self, clients: Neighbours<'_>) -> Value {
        downstream(self.common(REQUESTS, clients))
    }

    /// The transport socket at which tunnels are registered: by gateways and no other.
    pub(super) fn registrar(&self) -> Value {
        downstream(self.common(TUNNEL, Neighbours::Gateways))
    }

    /// The transport socket of a cluster of other nodes: of these.
    pub(super) fn client(&self, servers: Neighbours<'_>) -> Value {
        upstream(self.common(REQUESTS, servers))
    }

    /// The transport socket by which a tunnel is registered, at the nodes that send through it.
    pub(super) fn registration(&self, zone: &ZoneName) -> Value {
        upstream(self.common(TUNNEL, Neighbours::Nodes(zone.as_str())))
    }

    fn common(&self, protocol: &str, accepted: Neighbours<'_>) -> Value {
        json!({
            "alpn_protocols": [protocol],
            "tls_params": {
                "tls_minimum_protocol_version": "TLSv1_3",
                "tls_maximum_protocol_version": "TLSv1_3",
            },
            "tls_certificate_sds_secret_configs": [secrets::reference(secrets::NODE, &self.xds)],
            "validation_context_sds_secret_config": secrets::reference(&accepted.secret(), &self.xds),
        })
    }
}

fn downstream(common: Value) -> Value {
    extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        json!({
            "require_client_certificate": true,
            "disable_stateless_session_resumption": true,
            "disable_stateful_session_resumption": true,
            "common_tls_context": common,
        }),
    )
}

fn upstream(common: Value) -> Value {
    extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        json!({"max_session_keys": 0, "common_tls_context": common}),
    )
}
