//! The certificates that clients see.
//!
//! Each is a secret in a file of its own, as a node's own certificate is: Envoy watches the certificate's folder, and one that is
//! moved into its place is shown without a restart.

use std::path::PathBuf;

use serde_json::{Value, json};
use zoneway_site::{Node, Tls};

use super::files::RenderedFile;
use super::message::extension;
use super::run_folder::XdsFolder;
use super::secrets::{self, Certificate};

/// Where one of them is, on this node.
fn own(file: &str, node: &str) -> PathBuf {
    PathBuf::from(file.replace("{node}", node))
}

fn name(tls: &Tls, node: &str) -> String {
    format!("ingress/{}", own(&tls.certificate, node).display())
}

/// The secrets of a node's listeners for clients.
pub(super) fn secrets(config: &Node, node: &str, xds: &XdsFolder) -> Vec<RenderedFile> {
    let mut files: Vec<RenderedFile> = Vec::new();
    for tls in config.ingress.iter().flat_map(|ingress| &ingress.tls) {
        let certificate = Certificate { chain: own(&tls.certificate, node), key: own(&tls.key, node) };
        let file = certificate.secret(&name(tls, node), xds);
        // Several listeners may show the same one.
        if files.iter().all(|other| other.path != file.path) {
            files.push(file);
        }
    }
    files
}

/// The transport socket of a listener for clients: TLS 1.2 or 1.3, HTTP/2 or HTTP/1.1. The certificate that names the host asked
/// for is shown, else the first.
pub(super) fn transport_socket(certificates: &[Tls], node: &str, xds: &XdsFolder) -> Value {
    let references: Vec<_> =
        certificates.iter().map(|tls| secrets::reference(&name(tls, node), xds)).collect();
    extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        json!({
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {
                    "tls_minimum_protocol_version": "TLSv1_2",
                    "tls_maximum_protocol_version": "TLSv1_3",
                },
                "tls_certificate_sds_secret_configs": references,
            },
        }),
    )
}
