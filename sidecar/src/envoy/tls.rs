//! Who a connection between nodes is with: mutual TLS by SPIFFE identity.
//!
//! TLS 1.3 alone, in both directions: an upstream context's own maximum is 1.2, so that both ends are written out. No
//! session is resumed: a resumed one outlives the certificate that it was opened with.

use std::path::PathBuf;

use serde_json::{Value, json};
use zoneway_core::name::{NodeId, ZoneName};

use super::message::{extension, file};

/// What a node proves who it is with, and whom it believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The trust domain, as in `spiffe://DOMAIN/zone/Z/node/N`.
    pub(super) domain: String,
    /// The certificate authority of every node (PEM).
    pub(super) ca: PathBuf,
    /// The node's own certificate (PEM).
    pub(super) certificate: PathBuf,
    /// Its key (PEM).
    pub(super) key: PathBuf,
}

/// The identity of a node: the URI in its certificate.
pub(crate) fn spiffe_id(domain: &str, zone: &ZoneName, node: &NodeId) -> String {
    format!("{}{node}", nodes_of(domain, zone.as_str()))
}

/// What the identity of every node of a zone starts with. A zone's name holds no slash: no other zone's starts so.
pub(super) fn nodes_of(domain: &str, zone: &str) -> String {
    format!("{}{zone}/node/", nodes_of_any_zone(domain))
}

fn nodes_of_any_zone(domain: &str) -> String {
    format!("spiffe://{domain}/zone/")
}

/// What the two ends of a connection speak: requests, in HTTP/2.
const REQUESTS: &str = "h2";
/// The same for a connection that is to become a tunnel, by which a listener tells it from those that bring requests.
pub(super) const TUNNEL: &str = "zoneway-tunnel";

impl Identity {
    /// The transport socket of a listener for peers: any node of the trust domain, and the filter compares which.
    pub(super) fn server(&self) -> Value {
        downstream(self.common(REQUESTS, [json!({"prefix": nodes_of_any_zone(&self.domain)})]))
    }

    /// The same where only nodes of one zone can be at the other end.
    pub(super) fn server_for(&self, zone: &ZoneName) -> Value {
        downstream(self.common(REQUESTS, [json!({"prefix": nodes_of(&self.domain, zone.as_str())})]))
    }

    /// The transport socket at which tunnels are registered: by these nodes and no other.
    pub(super) fn registrar<'n>(&self, nodes: impl IntoIterator<Item = (&'n ZoneName, &'n NodeId)>) -> Value {
        let exact = |(zone, node)| json!({"exact": spiffe_id(&self.domain, zone, node)});
        downstream(self.common(TUNNEL, nodes.into_iter().map(exact)))
    }

    /// The transport socket of a cluster of peers: nodes of this zone alone.
    pub(super) fn client(&self, zone: &str) -> Value {
        upstream(self.common(REQUESTS, [json!({"prefix": nodes_of(&self.domain, zone)})]))
    }

    /// The transport socket by which a tunnel is registered, at nodes of this zone alone.
    pub(super) fn registration(&self, zone: &ZoneName) -> Value {
        upstream(self.common(TUNNEL, [json!({"prefix": nodes_of(&self.domain, zone.as_str())})]))
    }

    /// Reads back what [`Identity::client`] wrote.
    pub(super) fn of_client(socket: &Value) -> Option<Self> {
        let common = socket.pointer("/typed_config/common_tls_context")?;
        let text = |pointer: &str| common.pointer(pointer).and_then(Value::as_str);
        let prefix = text("/validation_context/match_typed_subject_alt_names/0/matcher/prefix")?;
        Some(Self {
            domain: prefix.strip_prefix("spiffe://")?.split_once('/')?.0.to_owned(),
            ca: text("/validation_context/trusted_ca/filename")?.into(),
            certificate: text("/tls_certificates/0/certificate_chain/filename")?.into(),
            key: text("/tls_certificates/0/private_key/filename")?.into(),
        })
    }

    /// `accepted`: how the URI in the certificate at the other end may read.
    fn common(&self, protocol: &str, accepted: impl IntoIterator<Item = Value>) -> Value {
        let accepted =
            accepted.into_iter().map(|uri| json!({"san_type": "URI", "matcher": uri})).collect::<Vec<_>>();
        json!({
            "alpn_protocols": [protocol],
            "tls_params": {
                "tls_minimum_protocol_version": "TLSv1_3",
                "tls_maximum_protocol_version": "TLSv1_3",
            },
            "tls_certificates": [
                {"certificate_chain": file(&self.certificate), "private_key": file(&self.key)},
            ],
            "validation_context": {
                "trusted_ca": file(&self.ca),
                "match_typed_subject_alt_names": accepted,
            },
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
