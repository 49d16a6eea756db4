//! What one node's Envoy is to have: its zone's table, and the files that go with it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use zoneway_core::name::{NodeId, ZoneName};
use zoneway_core::table::Table;
use zoneway_core::table::wire::Revision;
use zoneway_site::{Names, View, ViewError, view};

use super::feed::Content;
use super::picture::Meant;
use super::table_endpoint::PathError;
use crate::envoy::{self, RenderedFile, XdsFolder};

/// A picture of the source, as one node has it.
#[derive(Debug)]
pub(crate) struct NodePicture {
    /// The source, whole; for what the node serves itself.
    pub(crate) meant: Arc<Meant>,
    /// The node's zone.
    pub(crate) zone: String,
    /// The table, of no revision yet.
    pub(crate) table: Arc<Table>,
    /// Its digest.
    pub(crate) digest: String,
    /// When the source changed so, where that is known: it is the newest picture of that change.
    pub(crate) changed_at: Option<Instant>,
}

/// Every zone's view that is asked for, each computed once; and what may be wrong with them.
#[derive(Debug)]
pub(crate) struct Views<'a> {
    meant: &'a Arc<Meant>,
    names: &'a Names,
    views: BTreeMap<ZoneName, (Arc<Table>, String)>,
    /// What had to be left out.
    pub(crate) warnings: Vec<PathError>,
}

/// Why a node has no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    /// The site does not know it.
    #[error("node \"{0}\" is in no zone of the site: add it there, or take it out of `envoys`")]
    Unknown(NodeId),
    /// Its zone has no view.
    #[error(transparent)]
    View(#[from] ViewError),
}

impl<'a> Views<'a> {
    /// No view yet.
    pub(crate) fn new(meant: &'a Arc<Meant>, names: &'a Names) -> Self {
        Self { meant, names, views: BTreeMap::new(), warnings: Vec::new() }
    }

    /// A node's picture.
    ///
    /// # Errors
    /// When the site does not know the node, or its zone's view is larger than a table may be.
    pub(crate) fn picture(&mut self, node: &NodeId) -> Result<NodePicture, NodeError> {
        let (zone, (table, digest)) = match self.meant.as_ref() {
            Meant::Site(site) => {
                let zone = site.zone_of(node).ok_or_else(|| NodeError::Unknown(node.clone()))?;
                if !self.views.contains_key(zone) {
                    let View { table, warnings, .. } = view(site, zone, Revision::default(), self.names)?;
                    let warning = |warning: &zoneway_site::Warning| PathError {
                        path: format!("zones.{zone}"),
                        message: warning.to_string(),
                    };
                    self.warnings.extend(warnings.iter().map(warning));
                    let digest = table.digest().to_string();
                    self.views.insert(zone.clone(), (Arc::new(table), digest));
                }
                let view = self.views.get(zone).cloned().ok_or_else(|| NodeError::Unknown(node.clone()))?;
                (zone.to_string(), view)
            }
            Meant::Table(table) => {
                (table.wire().view.clone(), (Arc::new(table.as_ref().clone()), table.digest().to_string()))
            }
        };
        Ok(NodePicture { meant: Arc::clone(self.meant), zone, table, digest, changed_at: None })
    }
}

impl NodePicture {
    /// What the feed is told of it: a number for the files, so that the same ones are not written again.
    pub(crate) fn content(&self, files: &Result<Vec<RenderedFile>, envoy::Error>) -> Content {
        let mut hasher = DefaultHasher::new();
        match files {
            Ok(files) => files.iter().for_each(|file| (&file.path, &file.content).hash(&mut hasher)),
            Err(error) => error.to_string().hash(&mut hasher),
        }
        Content { digest: self.digest.clone(), files: hasher.finish() }
    }

    /// The picture as JSON, with a revision.
    ///
    /// # Errors
    /// Never of a checked table; serde cannot know that.
    pub(crate) fn json(&self, revision: Revision) -> serde_json::Result<Vec<u8>> {
        let mut table = self.table.wire().clone();
        table.revision = revision;
        serde_json::to_vec(&table)
    }
}

/// The files of a node for pictures, the newest first; `served`: a table that its Envoy serves from before, whose
/// members have to stay too.
///
/// # Errors
/// When the newest picture cannot be rendered for the node.
pub(crate) fn render(
    pictures: &[&NodePicture],
    served: Option<&Table>,
    node: &NodeId,
    xds: &XdsFolder,
) -> Result<Vec<RenderedFile>, envoy::Error> {
    let Some(newest) = pictures.first() else { return Ok(Vec::new()) };
    if let Meant::Site(newest_site) = newest.meant.as_ref() {
        let mut all = Vec::new();
        for picture in pictures {
            if let Meant::Site(site) = picture.meant.as_ref() {
                all.push(envoy::Picture { site, table: &picture.table });
            }
        }
        all.extend(served.map(|table| envoy::Picture { site: newest_site, table }));
        return envoy::site_files(&all, node, xds);
    }
    let tables = pictures.iter().map(|picture| picture.table.as_ref()).chain(served).collect::<Vec<_>>();
    // A file that is not there is told of in the same words as one that holds nothing.
    let there = |file| std::fs::read_to_string(file).unwrap_or_default();
    envoy::table_files(&tables, node, xds, &there(xds.clusters()), &there(xds.peers()))
}
