//! What a public node is delivered: its view, the files of its Envoy, certificates; with every path as that machine has it.

use std::collections::BTreeMap;

use serde_json::Value;
use zoneway_core::name::NodeId;

use super::Want;
use crate::agent::delivery::{Content, Hello};
use crate::agent::picture::Meant;
use crate::envoy::{self, XdsFolder};
use crate::pki::token::fingerprint;

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
        want.placement.relocate(&mut document, &hello.certificates);
        files.insert(name.display().to_string(), format!("{document:#}\n"));
    }
    let mut certificates = BTreeMap::new();
    for (name, path) in &want.files {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        certificates.insert(name.clone(), text);
    }
    let table = want.picture.view.table().map_err(|error| format!("the view: {error:?}"))?.wire().clone();
    let content = Content { table, files, certificates, gateways: want.gateways.clone() };
    let json = serde_json::to_vec(&content).map_err(|error| error.to_string())?;
    let digest = fingerprint(&json);
    Ok((content, digest))
}
