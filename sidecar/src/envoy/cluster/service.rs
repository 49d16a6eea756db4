//! The cluster of a service on this node.

use std::path::Path;

use serde_json::{Value, json};
use zoneway_site::{HostPort, Protocol, Service, Verify};

use super::super::message::{extension, file, set};
use super::{cluster, with_places};

/// The name of a service's cluster.
pub(crate) fn service_cluster_name(service: &str) -> String {
    format!("service/{service}")
}

/// A service's cluster.
pub(crate) fn service_cluster(
    name: &str,
    service: &Service,
    addresses: &[HostPort],
    members: &Path,
) -> Value {
    let addresses: Vec<_> = addresses.iter().collect();
    let mut cluster = with_places(cluster(name, http_options(service)), name, &addresses, members);
    set(&mut cluster, "connect_timeout", "5s");
    if has_tls(service.protocol) {
        set(&mut cluster, "transport_socket", tls(service));
    }
    cluster
}

fn has_tls(protocol: Protocol) -> bool {
    match protocol {
        Protocol::Https | Protocol::H2 => true,
        Protocol::Http | Protocol::H2c => false,
    }
}

fn http_options(service: &Service) -> Value {
    let mut options = match service.protocol {
        Protocol::Http | Protocol::Https => json!({"explicit_http_config": {"http_protocol_options": {}}}),
        Protocol::H2c | Protocol::H2 => {
            json!({"explicit_http_config": {"http2_protocol_options": {"allow_connect": true}}})
        }
    };
    if has_tls(service.protocol) {
        // The name to ask for, and to find in the certificate, is the host that the client asked for.
        let checked = service.verify != Verify::None;
        set(
            &mut options,
            "upstream_http_protocol_options",
            json!({"auto_sni": true, "auto_san_validation": checked}),
        );
    }
    options
}

fn tls(service: &Service) -> Value {
    let alpn = match service.protocol {
        Protocol::H2 | Protocol::H2c => "h2",
        Protocol::Http | Protocol::Https => "http/1.1",
    };
    let mut common = json!({
        "alpn_protocols": [alpn],
        // Envoy's own maximum for an upstream is TLS 1.2.
        "tls_params": {"tls_maximum_protocol_version": "TLSv1_3"},
    });
    match &service.verify {
        Verify::None => {}
        Verify::System => set(&mut common, "validation_context", json!({"system_root_certs": {}})),
        Verify::Ca(path) => {
            set(&mut common, "validation_context", json!({"trusted_ca": file(Path::new(path))}));
        }
    }
    extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        json!({"common_tls_context": common}),
    )
}
