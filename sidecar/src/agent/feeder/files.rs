//! The xds files of one Envoy: which pictures they have to hold, writing them, and whether Envoy has what they name.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use zoneway_core::name::NodeId;
use zoneway_core::table::Table;

use crate::agent::client::{Ask, Client};
use crate::agent::config::XdsPlaces;
use crate::agent::feed::Stage;
use crate::agent::members::Members;
use crate::agent::node_picture::{NodePicture, OwnFiles, render};
use crate::agent::picture::Meant;
use crate::agent::probes::{self, Seen, Subject};
use crate::envoy::{self, RenderedFile, XdsFolder};

/// The files of one Envoy.
#[derive(Debug)]
pub(super) struct Files {
    node: NodeId,
    xds: XdsFolder,
    places: XdsPlaces,
    admin: Client,
    want: Option<Arc<NodePicture>>,
    /// What was or may have been served since every worker last had one and the same table, the newest last.
    may_serve: Vec<Arc<NodePicture>>,
    /// A table of another writer that was served when this one came.
    before: Option<Box<Table>>,
    /// What Envoy has to list before the wanted table is pushed, and the number of the files that say so.
    needed: Option<(u64, Members)>,
}

/// How many pictures files hold at most beside the wanted one: each is what an Envoy accepted or may have accepted
/// while none was adopted by all, which is one in the usual course of things.
const MOST_PICTURES: usize = 8;

impl Files {
    pub(super) fn new(node: NodeId, places: XdsPlaces, before: Option<Arc<NodePicture>>) -> Self {
        let xds = XdsFolder::new(places.folder.clone());
        let admin = Client::new(places.admin.clone(), None);
        let may_serve = before.into_iter().collect();
        Self { node, xds, places, admin, want: None, may_serve, before: None, needed: None }
    }

    /// Takes note of what is wanted; gives the number of the files that go with it alone.
    pub(super) fn wanted(&mut self, picture: &Arc<NodePicture>) -> u64 {
        self.want = Some(Arc::clone(picture));
        let OwnFiles { rendered, number } = picture.files(&self.node, &self.xds);
        if self.needed.as_ref().is_none_or(|(of, _)| of != number) {
            let members = match rendered {
                Ok(files) => Members::of(files.iter().map(|file| file.content.as_str())),
                Err(_) => Members::default(),
            };
            self.needed = Some((*number, members));
        }
        *number
    }

    /// Whether this node's own routes are others in the second picture than in the first.
    pub(super) fn routes_change(&self, old: &NodePicture, new: &NodePicture) -> bool {
        let path = self.xds.local_routes();
        routes(old.files(&self.node, &self.xds), &path) != routes(new.files(&self.node, &self.xds), &path)
    }

    /// Whether a served table is one that these files were written for.
    pub(super) fn knows(&self, digest: &str) -> bool {
        let before = || self.before.as_ref().is_some_and(|table| table.digest().to_string() == digest);
        self.may_serve.iter().chain(&self.want).any(|picture| picture.digest == digest) || before()
    }

    /// The picture that is served, where it is one of this writer's.
    pub(super) fn serving(&self, digest: &str) -> Option<&Arc<NodePicture>> {
        self.may_serve.iter().rev().find(|picture| picture.digest == digest)
    }

    /// A table that is served and that this writer did not push.
    pub(super) fn served_before(&mut self, json: &[u8]) {
        self.before = Table::parse(json).ok().map(Box::new);
    }

    /// A picture may be served from now on.
    pub(super) fn may_be_served(&mut self, picture: &Arc<NodePicture>) {
        self.may_serve.retain(|other| !Arc::ptr_eq(other, picture));
        self.may_serve.push(Arc::clone(picture));
        let surplus = self.may_serve.len().saturating_sub(MOST_PICTURES);
        self.may_serve.drain(..surplus);
    }

    /// Writes the files of a stage, whole, those that others name first.
    pub(super) async fn write(&mut self, stage: Stage) -> Result<(), String> {
        let Some(want) = self.want.clone() else { return Ok(()) };
        let files = self.files_of(stage, &want)?;
        let surplus = (stage == Stage::Final).then(|| (self.places.folder.join("endpoints"), owned(&want)));
        tokio::task::spawn_blocking(move || write_all(&files, surplus))
            .await
            .map_err(|error| error.to_string())??;
        Ok(())
    }

    fn files_of(&self, stage: Stage, want: &Arc<NodePicture>) -> Result<Vec<RenderedFile>, String> {
        let own = want.files(&self.node, &self.xds);
        let mut older = self.may_serve.iter().rev().filter(|older| !Arc::ptr_eq(older, want)).peekable();
        let files = match stage {
            Stage::Bridge if older.peek().is_some() || self.before.is_some() => {
                let pictures = std::iter::once(want).chain(older).map(AsRef::as_ref).collect::<Vec<_>>();
                &render(&pictures, self.before.as_deref(), &self.node, &self.xds)
            }
            Stage::Bridge | Stage::Final => &own.rendered,
        };
        files.as_ref().map_err(ToString::to_string).cloned()
    }

    /// Every worker decides by this picture's table: what was before it is not served any more.
    pub(super) fn adopted(&mut self, picture: &Arc<NodePicture>) {
        if self.may_serve.len() != 1 || self.before.is_some() {
            self.may_serve = vec![Arc::clone(picture)];
            self.before = None;
        }
    }

    /// How the probes of what is dialled went.
    pub(super) async fn seen(
        &mut self,
        dialled: &BTreeMap<Subject, (String, SocketAddr)>,
    ) -> Result<BTreeMap<Subject, Seen>, String> {
        let listing = self.listing().await?;
        probes::seen(dialled, &listing).map_err(|error| format!("{}: {error}", self.admin.url()))
    }

    /// How many clusters and members of the wanted picture Envoy does not list.
    pub(super) async fn missing(&mut self) -> Result<usize, String> {
        let listing = self.listing().await?;
        let Some((_, needed)) = &self.needed else { return Ok(0) };
        needed.missing(&listing).map_err(|error| format!("{}: {error}", self.admin.url()))
    }

    async fn listing(&mut self) -> Result<Bytes, String> {
        let ask = Ask::get("/clusters?format=json", Duration::from_secs(5));
        let answer = self.admin.ask(&ask).await.map_err(|error| error.to_string())?;
        if answer.status != StatusCode::OK {
            return Err(format!("{} answered {}", self.admin.url(), answer.status));
        }
        Ok(answer.body)
    }
}

/// The file of a node's own routes.
fn routes<'f>(files: &'f OwnFiles, path: &Path) -> Option<&'f RenderedFile> {
    files.rendered.as_ref().ok()?.iter().find(|file| file.path == path)
}

/// The beginning of the names of the members' files that are this writer's: with a table alone, those of services are
/// `zoneway envoy`'s.
fn owned(picture: &NodePicture) -> &'static str {
    match picture.meant.as_ref() {
        Meant::Site(_) | Meant::Delivered(_) => "",
        Meant::Table(_) => "zoneway+",
    }
}

fn write_all(files: &[RenderedFile], surplus: Option<(PathBuf, &'static str)>) -> Result<(), String> {
    for file in files {
        envoy::write::write(file).map_err(|error| format!("{}: {error}", file.path.display()))?;
    }
    let Some((folder, owned)) = surplus else { return Ok(()) };
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let is_owned =
            entry.file_name().to_str().is_some_and(|name| name.starts_with(owned) && name.ends_with(".json"));
        if is_owned && !files.iter().any(|file| file.path == path) {
            // Nothing names it any more; one that cannot be removed does no harm.
            let _ = std::fs::remove_file(&path);
        }
    }
    Ok(())
}
