//! What a public node is delivered: its view, the files of its Envoy, certificates; with every path as that machine has it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use zoneway_core::name::NodeId;
use zoneway_site::{PeerAuthentication, Site};

use super::Want;
use crate::agent::delivery::{CA, CRL, Content, Hello};
use crate::agent::picture::Meant;
use crate::envoy::{self, XdsFolder};
use crate::pki::token::fingerprint;

/// The certificate files that a site names for a node, each with the name that it has in the node's own folder.
pub(crate) fn names(site: &Site, node: &NodeId) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let listeners = site.node(node).map(|(_, node)| &node.ingress);
    for tls in listeners.into_iter().flatten().flat_map(|ingress| ingress.tls.iter()) {
        for path in [&tls.certificate, &tls.key] {
            let path = path.replace("{node}", node.as_str());
            names.insert(path.clone(), path.trim_start_matches(['/', '.']).replace('/', "+"));
        }
    }
    if let Some(PeerAuthentication::Tls { ca, certificate, key, crl }) = &site.settings().peer_authentication
    {
        let own = |name: &str| name.replace("{node}", node.as_str());
        names.insert(own(ca), CA.to_owned());
        names.extend(crl.as_deref().map(|crl| (own(crl), CRL.to_owned())));
        names.insert(own(certificate), format!("{node}.pem"));
        names.insert(own(key), format!("{node}.key"));
    }
    // A file that is watched for a change is named with its folder.
    let folders = names.keys().filter_map(|path| Some(Path::new(path).parent()?.display().to_string()));
    let folders = folders.map(|folder| if folder.is_empty() { ".".to_owned() } else { folder });
    names.extend(folders.collect::<Vec<_>>().into_iter().map(|folder| (folder, String::new())));
    names
}

/// Whether a name is that of what a listener for clients shows, which is delivered as it is.
pub(crate) fn is_listeners(name: &str, node: &NodeId) -> bool {
    !name.is_empty() && ![CA, CRL, &format!("{node}.pem"), &format!("{node}.key")].contains(&name)
}

/// Puts the paths of another machine in the place of those of the site, wherever one stands in a message.
pub(crate) fn relocate(message: &mut Value, names: &BTreeMap<String, String>, folder: &Path) {
    match message {
        Value::String(text) => {
            if let Some(name) = names.get(text.as_str()) {
                let path = if name.is_empty() { folder.to_owned() } else { folder.join(name) };
                *text = path.display().to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| relocate(item, names, folder)),
        Value::Object(fields) => fields.values_mut().for_each(|field| relocate(field, names, folder)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The content for a node that says where it keeps things, and its digest.
pub(super) fn content(want: &Want, node: &NodeId, hello: &Hello) -> Result<(Content, String), String> {
    let Meant::Site(site) = want.picture.meant.as_ref() else {
        return Err("the source is no site".to_owned());
    };
    let folder = XdsFolder::new(&hello.xds);
    let picture = envoy::Picture { site, table: want.picture.view.frame() };
    let mut files = BTreeMap::new();
    for file in envoy::site_files(&[picture], node, &folder).map_err(|error| error.to_string())? {
        let name = file.path.strip_prefix(&hello.xds).map_err(|error| error.to_string())?;
        let mut document: Value = serde_json::from_str(&file.content).map_err(|error| error.to_string())?;
        relocate(&mut document, &want.names, &hello.certificates);
        files.insert(name.display().to_string(), format!("{document:#}\n"));
    }
    let mut certificates = BTreeMap::new();
    for (name, path) in &want.files {
        match std::fs::read_to_string(path) {
            Ok(text) => drop(certificates.insert(name.clone(), text)),
            Err(error) if name == CRL && error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
    let table = want.picture.view.table().map_err(|error| format!("the view: {error:?}"))?.wire().clone();
    let content = Content { table, files, certificates, gateways: want.gateways.clone() };
    let json = serde_json::to_vec(&content).map_err(|error| error.to_string())?;
    let digest = fingerprint(&json);
    Ok((content, digest))
}
