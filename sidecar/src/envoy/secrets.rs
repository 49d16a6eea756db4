//! Secrets: the files that tell an Envoy where its node's certificate is, and who may be at the other end of a connection.
//!
//! Certificates, authorities and the list of revoked ones stay where the site says they are. Envoy watches their folders,
//! so that one that is moved into its place, or a whole folder behind a symbolic link, is read without a restart. A secret
//! that lists nobody would be Envoy's word for anybody: here it accepts no node's identity.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::files::RenderedFile;
use super::message::{any, file, file_source, response, set};
use super::run_folder::XdsFolder;
use super::tls::{Identity, nodes_of};

/// The secret of the node's own certificate.
pub(super) const NODE: &str = "node";

/// A reference to a secret, by which a TLS context has it.
pub(super) fn reference(name: &str, xds: &XdsFolder) -> Value {
    json!({"name": name, "sds_config": file_source(&xds.secret(name))})
}

/// Who may be at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neighbours<'z> {
    /// Those that may dial this node.
    Clients,
    /// The other nodes of its zone, as servers.
    Peers,
    /// The gateways of another zone that it is sent to, as servers.
    Zone(&'z str),
    /// The gateways of every link from its zone: these register tunnels.
    Gateways,
    /// The nodes of another zone that send through tunnels of this node.
    Nodes(&'z str),
}

impl Neighbours<'_> {
    /// The name of the secret that lists them.
    pub(super) fn secret(&self) -> String {
        match self {
            Self::Clients => "clients".to_owned(),
            Self::Peers => "peers".to_owned(),
            Self::Zone(zone) => format!("zone/{zone}"),
            Self::Gateways => "gateways".to_owned(),
            Self::Nodes(zone) => format!("nodes/{zone}"),
        }
    }
}

/// An identity that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Accepted {
    /// Every node of a zone: where nobody here knows which there are.
    Zone(String),
    /// A node of a zone.
    Node(String, String),
}

impl Accepted {
    /// Nodes of one zone.
    pub(super) fn nodes<N: ToString>(
        zone: &str,
        nodes: impl IntoIterator<Item = N>,
    ) -> impl Iterator<Item = Self> {
        let zone = zone.to_owned();
        nodes.into_iter().map(move |node| Self::Node(zone.clone(), node.to_string()))
    }

    fn matcher(&self, domain: &str) -> Value {
        match self {
            Self::Zone(zone) => json!({"prefix": nodes_of(domain, zone)}),
            Self::Node(zone, node) => json!({"exact": format!("{}{node}", nodes_of(domain, zone))}),
        }
    }
}

/// The files of a certificate (PEM).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// The certificate, and whatever leads from it to an authority.
    pub(super) chain: PathBuf,
    /// Its key.
    pub(super) key: PathBuf,
}

impl Certificate {
    /// The secret that says where it is. Until key and certificate are both the new ones, the old ones serve.
    pub(super) fn secret(&self, name: &str, xds: &XdsFolder) -> RenderedFile {
        let certificate = json!({
            "certificate_chain": file(&self.chain),
            "private_key": file(&self.key),
            "watched_directory": {"path": folder_of(&self.chain)},
        });
        secret(name, "tls_certificate", certificate, xds)
    }
}

impl Identity {
    /// The secret of who may be at the other end.
    pub(super) fn accepting(&self, whom: Neighbours<'_>, accepted: &BTreeSet<Accepted>) -> RenderedFile {
        let mut matchers: Vec<_> = accepted.iter().map(|one| one.matcher(&self.domain)).collect();
        if matchers.is_empty() {
            // An authority's own, which is no node's.
            matchers.push(json!({"exact": format!("spiffe://{}", self.domain)}));
        }
        let matchers: Vec<_> =
            matchers.into_iter().map(|uri| json!({"san_type": "URI", "matcher": uri})).collect();
        let mut context = json!({"trusted_ca": file(&self.ca), "match_typed_subject_alt_names": matchers});
        let mut folder = Some(folder_of(&self.ca));
        if let Some(crl) = &self.crl {
            set(&mut context, "crl", file(crl));
            set(&mut context, "only_verify_leaf_cert_crl", true);
            // Envoy watches one folder for both, or else each file by itself.
            folder = folder.filter(|folder| *folder == folder_of(crl));
        }
        if let Some(folder) = folder {
            set(&mut context, "watched_directory", json!({"path": folder}));
        }
        secret(&whom.secret(), "validation_context", context, &self.xds)
    }

    /// Reads back what [`Identity::accepting`] wrote.
    pub(super) fn of_secret(text: &str, xds: &XdsFolder) -> Option<Self> {
        let secret: Value = serde_json::from_str(text).ok()?;
        let context = secret.pointer("/resources/0/validation_context")?;
        let file = |pointer: &str| context.pointer(pointer).and_then(Value::as_str).map(PathBuf::from);
        let matcher = context.pointer("/match_typed_subject_alt_names/0/matcher")?;
        let uri = matcher.get("exact").or_else(|| matcher.get("prefix"))?.as_str()?;
        let domain = uri.strip_prefix("spiffe://")?.split('/').next()?.to_owned();
        Some(Self { domain, ca: file("/trusted_ca/filename")?, crl: file("/crl/filename"), xds: xds.clone() })
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn secret(name: &str, kind: &str, content: Value, xds: &XdsFolder) -> RenderedFile {
    let mut secret = json!({"name": name});
    set(&mut secret, kind, content);
    let response = response(vec![any("extensions.transport_sockets.tls.v3.Secret", secret)]);
    RenderedFile { path: xds.secret(name), content: format!("{response:#}\n") }
}
