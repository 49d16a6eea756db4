//! What a public node is delivered: its view, the files of its Envoy, certificates; with every path as that machine has it.
//!
//! A source takes the node that it is read at for ready, for else its Envoy would never get a table. Others are told of that
//! node only once its Envoy has one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use zoneway_core::name::NodeId;

use super::Want;
use crate::agent::delivery::{Content, Hello};
use crate::agent::picture::Meant;
use crate::envoy::{self, XdsFolder};
use crate::pki::token::fingerprint;

/// The content for a node that says where it keeps things, and its digest. `serves`: whether this node's own Envoy does; one
/// that does not is sent nothing while there is another way.
pub(super) fn content(
    want: &Want,
    node: &NodeId,
    hello: &Hello,
    serves: bool,
) -> Result<(Content, String), String> {
    let Meant::Site(site) = want.picture.meant.as_ref() else {
        return Err("the source is no site".to_owned());
    };
    let folder = XdsFolder::new(&hello.xds);
    // What is left out of the table stays a member, as what fails its probes does.
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
    let own = BTreeSet::from([want.own.clone()]);
    let without = (!serves).then(|| want.picture.without(&own)).flatten();
    let view = without.as_ref().map_or(&want.picture.view, |(picture, _)| &picture.view);
    let table = view.table().map_err(|error| format!("the view: {error:?}"))?.wire().clone();
    let content = Content { table, files, certificates, gateways: want.gateways.clone() };
    let json = serde_json::to_vec(&content).map_err(|error| error.to_string())?;
    let digest = fingerprint(&json);
    Ok((content, digest))
}
