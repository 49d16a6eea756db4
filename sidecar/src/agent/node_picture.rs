//! What one node's Envoy is to have: its zone's table, and the files that go with it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use zoneway_core::name::{NodeId, ZoneName};
use zoneway_core::table::Table;
use zoneway_core::table::wire::Revision;
use zoneway_site::{Names, Sheet, ViewBook, ViewError};

use super::feed::Content;
use super::picture::Meant;
use super::probes::{Subject, without};
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
    pub(crate) view: Arc<Sheet>,
    /// The same with what is out at present: that stays a member of its cluster, for it is probed there.
    pub(crate) whole: Arc<Sheet>,
    /// Its digest.
    pub(crate) digest: String,
    /// When the source changed so, where that is known: it is the newest picture of that change.
    pub(crate) changed_at: Option<Instant>,
    /// The files that go with it alone, once they were asked for.
    pub(super) files: OnceLock<OwnFiles>,
}

/// The files of a node for one picture.
#[derive(Debug)]
pub(crate) struct OwnFiles {
    /// Themselves, or why there are none.
    pub(crate) rendered: Result<Vec<RenderedFile>, envoy::Error>,
    /// A number for them: the same number, the same files.
    pub(crate) number: u64,
}

/// The views of every zone that was asked for: the next one costs what changed.
pub(crate) type Books = BTreeMap<ZoneName, ViewBook>;

/// Every zone's view that is asked for, each computed once; and what may be wrong with them.
#[derive(Debug)]
pub(crate) struct Views<'a> {
    meant: &'a Arc<Meant>,
    names: &'a Names,
    books: &'a mut Books,
    views: BTreeMap<ZoneName, (Arc<Sheet>, String)>,
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
    pub(crate) fn new(meant: &'a Arc<Meant>, names: &'a Names, books: &'a mut Books) -> Self {
        Self { meant, names, books, views: BTreeMap::new(), warnings: Vec::new() }
    }

    /// A node's picture.
    ///
    /// # Errors
    /// When the site does not know the node, or its zone's view is larger than a table may be.
    pub(crate) fn picture(&mut self, node: &NodeId) -> Result<NodePicture, NodeError> {
        let (zone, (view, digest)) = match self.meant.as_ref() {
            Meant::Site(site) => {
                let zone = site.zone_of(node).ok_or_else(|| NodeError::Unknown(node.clone()))?;
                if !self.views.contains_key(zone) {
                    let book = self.books.entry(zone.clone()).or_insert_with(|| ViewBook::new(zone.clone()));
                    let (sheet, warnings) = book.sheet(site, self.names)?;
                    let warning = |warning: &zoneway_site::Warning| PathError {
                        path: format!("zones.{zone}"),
                        message: warning.to_string(),
                    };
                    self.warnings.extend(warnings.iter().map(warning));
                    let digest = sheet.digest().to_string();
                    self.views.insert(zone.clone(), (Arc::new(sheet), digest));
                }
                let view = self.views.get(zone).cloned().ok_or_else(|| NodeError::Unknown(node.clone()))?;
                (zone.to_string(), view)
            }
            Meant::Table(table) => as_it_is(table),
            Meant::Delivered(delivered) => as_it_is(&delivered.table),
        };
        Ok(NodePicture {
            meant: Arc::clone(self.meant),
            zone,
            whole: Arc::clone(&view),
            view,
            digest,
            changed_at: None,
            files: OnceLock::new(),
        })
    }
}

/// The zone of a table, and the table.
fn as_it_is(table: &Table) -> (String, (Arc<Sheet>, String)) {
    let sheet = Sheet::of(table);
    let digest = sheet.digest().to_string();
    (table.wire().view.clone(), (Arc::new(sheet), digest))
}

impl NodePicture {
    /// The same source, with another view of it.
    pub(crate) fn with_view(&self, view: Sheet) -> Self {
        let digest = view.digest().to_string();
        let (meant, whole, zone) = (Arc::clone(&self.meant), Arc::clone(&self.whole), self.zone.clone());
        Self { meant, zone, view: Arc::new(view), whole, digest, changed_at: None, files: OnceLock::new() }
    }

    /// The same without what is out, and what that really is: the last path stays.
    pub(crate) fn without(&self, out: &BTreeSet<Subject>) -> Option<(Self, BTreeSet<Subject>)> {
        // A view that was checked, and a part of one; the parser cannot know that.
        let (table, gone) = without(self.whole.table().ok()?.wire(), out);
        Some((self.with_view(Sheet::of(&Table::try_from(table).ok()?)), gone))
    }

    /// The files that go with it alone, rendered once. They are those of the node that it is the picture of.
    pub(crate) fn files(&self, node: &NodeId, xds: &XdsFolder) -> &OwnFiles {
        self.files.get_or_init(|| {
            let rendered = render(&[self], None, node, xds);
            let mut hasher = DefaultHasher::new();
            match &rendered {
                Ok(files) => files.iter().for_each(|file| (&file.path, &file.content).hash(&mut hasher)),
                Err(error) => error.to_string().hash(&mut hasher),
            }
            OwnFiles { rendered, number: hasher.finish() }
        })
    }

    /// What the feed is told of it, with the number of its files where it has any.
    pub(crate) fn content(&self, files: u64) -> Content {
        Content { digest: self.digest.clone(), files }
    }

    /// The picture as JSON, with a revision.
    pub(crate) fn json(&self, revision: Revision) -> Vec<u8> {
        self.view.json(revision)
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
                all.push(envoy::Picture { site, table: picture.whole.frame() });
            }
        }
        all.extend(served.map(|table| envoy::Picture { site: newest_site, table }));
        return envoy::site_files(&all, node, xds);
    }
    let tables = pictures.iter().map(|picture| picture.whole.frame()).chain(served).collect::<Vec<_>>();
    let delivered = pictures.iter().filter_map(|picture| match picture.meant.as_ref() {
        Meant::Delivered(delivered) => Some(&delivered.files),
        _ => None,
    });
    let delivered = delivered.collect::<Vec<_>>();
    if !delivered.is_empty() {
        return envoy::delivered_files(&tables, node, xds, &delivered);
    }
    // A file that is not there is told of in the same words as one that holds nothing.
    let there = |file| std::fs::read_to_string(file).unwrap_or_default();
    envoy::table_files(&tables, node, xds, &there(xds.clusters()), &there(xds.peers()))
}
