//! Objects in files, as Flux or `kubectl apply` have them: a folder of YAML, or one stream of it.
//!
//! A file says what is wanted and not what is there: a missing namespace is `default`, a missing EndpointSlice says
//! nothing of where a service runs ([`Index::of_manifests`]).

mod folder;
mod kustomization;
mod made;
mod place;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use serde_saphyr::Spanned;

use folder::Folder;
use kustomization::Kustomizations;
use made::{is_encrypted, makes_objects};
use place::{Place, Remark};

use super::index::Index;
use super::objects::{Kind, Object, ReadError, zone_fields};
use super::picture::Picture;
use super::settings::Settings;
use crate::sources::file;

/// The objects of manifests, and what else was found there.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    /// Objects of kinds that are read.
    pub(crate) objects: Vec<Object>,
    /// What is there and cannot be followed, as a HelmRelease.
    pub(crate) remarks: Vec<Remark>,
    /// Where the objects stand, in their order.
    places: Vec<Place>,
    kustomizations: Kustomizations,
}

/// Why manifests cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestsError {
    /// A file or folder that cannot be read.
    #[error("{} cannot be read: {source}", .file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Not YAML.
    #[error("{}{at}: {message}", .file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Where in it.
        at: file::Place,
        /// What is wrong.
        message: String,
    },
    /// An object without a name, or a list of none.
    #[error("{place}: {object}: {message}")]
    Shape {
        /// Where it stands.
        place: Place,
        /// Kind and name.
        object: String,
        /// What is wrong.
        message: &'static str,
    },
    /// An object that is not of its kind.
    #[error("{place}: {object}: {source}")]
    Object {
        /// Where it stands.
        place: Place,
        /// Kind, namespace and name.
        object: String,
        /// What is wrong.
        source: ReadError,
    },
}

impl ManifestsError {
    fn file(&self) -> &Path {
        match self {
            Self::Read { file, .. } | Self::Syntax { file, .. } => file,
            Self::Shape { place, .. } | Self::Object { place, .. } => &place.file,
        }
    }

    fn is_of_object(&self) -> bool {
        matches!(self, Self::Shape { .. } | Self::Object { .. })
    }
}

/// Reads a folder with all below it, a file, or `-` for standard input.
///
/// # Errors
/// Every file and object that cannot be read: nothing is to be left out unnoticed.
pub(crate) fn read(path: &Path) -> Result<Manifests, Vec<ManifestsError>> {
    let mut manifests = Manifests::default();
    let mut errors = Vec::new();
    let folder = Folder::walk(path, &mut manifests.remarks, &mut errors);
    for file in &folder.files {
        match file::read(&file.path) {
            Ok(bytes) => manifests.add_bytes(&file.path, &bytes, &mut errors),
            Err(file::FileError::Read { file, source }) => errors.push(ManifestsError::Read { file, source }),
            Err(error) => {
                let (file, at) = (file.path.clone(), error.place());
                errors.push(ManifestsError::Syntax { file, at, message: error.to_string() });
            }
        }
    }
    let used = manifests.kustomizations.used(&folder);
    let mut dropped = manifests.without(&used);
    errors.retain(|error| match used.get(error.file()) {
        // A patch need not have all that an object has, and values may be no YAML.
        Some(file) => {
            dropped.extend(error.is_of_object().then_some(file));
            false
        }
        None => true,
    });
    for file in &folder.hidden {
        manifests.tell_of_hidden(file);
    }
    manifests.kustomizations.tell(&folder, &dropped, &mut manifests.remarks);
    let with_objects = manifests.places.iter().map(|place| &*place.file).collect();
    manifests.kustomizations.tell_of_unlisted(&folder, &with_objects, &mut manifests.remarks);
    manifests.tell_of_twins();
    if manifests.objects.is_empty() {
        let text = "nothing of a kind that is read is there".to_owned();
        manifests.remarks.push(Remark { place: Place::whole(path), text });
    }
    manifests.remarks.sort_unstable();
    if errors.is_empty() { Ok(manifests) } else { Err(errors) }
}

impl Manifests {
    fn add_bytes(&mut self, file: &Path, bytes: &[u8], errors: &mut Vec<ManifestsError>) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.add(file, text, errors),
            Err(error) => {
                let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = 1 + sound.iter().filter(|byte| **byte == b'\n').count() as u64;
                let column = 1 + sound.iter().rev().take_while(|byte| **byte != b'\n').count() as u64;
                errors.push(ManifestsError::Syntax {
                    file: file.to_owned(),
                    at: file::Place { at: Some((line, column)) },
                    message: "it is not UTF-8: write it so".to_owned(),
                });
            }
        }
    }

    /// Adds every object of a text; `file` is named in what is said alone.
    pub(crate) fn add(&mut self, file: &Path, text: &str, errors: &mut Vec<ManifestsError>) {
        // Room for definitions as deep as those of operators, and for what a program has printed in one piece.
        let budget = serde_saphyr::budget! {
            max_events: 20_000_000,
            max_nodes: 10_000_000,
            max_documents: 1_000_000,
            max_depth: 200,
            max_total_scalar_bytes: 1 << 30,
        };
        let options = serde_saphyr::options! { budget: budget, with_snippet: false };
        match serde_saphyr::from_multiple_with_options::<Spanned<Value>>(text, options) {
            Ok(documents) => {
                let file: Arc<Path> = file.into();
                for document in documents {
                    let place = Place { file: Arc::clone(&file), line: document.referenced.line() };
                    self.document(&place, document.value, errors);
                }
            }
            Err(error) => {
                let (at, mut message) = file::fault(&error);
                if text.contains("{{") {
                    message.push_str("; a template has to be rendered first, as by `helm template`");
                }
                errors.push(ManifestsError::Syntax { file: file.to_owned(), at, message });
            }
        }
    }

    fn document(&mut self, place: &Place, mut document: Value, errors: &mut Vec<ManifestsError>) {
        let text = |document: &Value, pointer: &str| {
            document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (version, kind) = (text(&document, "/apiVersion"), text(&document, "/kind"));
        if let Some(of) = kind.strip_suffix("List") {
            match document.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => {
                    items.into_iter().for_each(|item| self.item(place, item, of, &version, errors));
                }
                Some(value)
                    if !value.is_null()
                        && (of.is_empty() || Kind::ALL.iter().any(|kind| kind.name() == of)) =>
                {
                    let message = "items: a list is wanted";
                    errors.push(ManifestsError::Shape { place: place.clone(), object: kind, message });
                }
                // A kind that only sounds like a list.
                _ => {}
            }
            return;
        }
        let (group, version) = version.split_once('/').unwrap_or(("", version.as_str()));
        let name = text(&document, "/metadata/name");
        let mut remark = |what: &str| {
            let text = format!("{kind} {name}: {what}");
            self.remarks.push(Remark { place: place.clone(), text });
        };
        let known = Kind::ALL.iter().find(|known| known.name() == kind && known.group() == group);
        if is_encrypted(&document) && (known.is_some() || kind.is_empty() || kind.starts_with("ENC[")) {
            return remark("it is encrypted by SOPS, and is not read: give it decrypted");
        }
        let Some(known) = known else {
            if let Some(what) = makes_objects(group, &kind) {
                remark(what);
            } else {
                self.kustomizations.take(place, group, &kind, &document);
            }
            return;
        };
        // Gateway API's versions have the same fields, as far as they are read.
        if known.version() != version && !group.starts_with("gateway.") {
            return remark(&format!("version {version} is not read: write {}", known.version()));
        }
        without_nulls(&mut document);
        let unknown = (*known == Kind::Zone).then(|| zone_fields::unknown(&document)).flatten();
        match unknown.map_or_else(|| known.read(&document), Err) {
            Ok(mut object) => {
                let metadata = object.metadata_mut();
                if metadata.name.as_ref().is_none_or(String::is_empty) {
                    let message = "metadata.name: an object needs one";
                    return errors.push(ManifestsError::Shape {
                        place: place.clone(),
                        object: kind,
                        message,
                    });
                }
                if known.namespaced() {
                    metadata.namespace.get_or_insert_with(|| "default".to_owned());
                } else {
                    metadata.namespace = None;
                }
                self.objects.push(object);
                self.places.push(place.clone());
            }
            Err(source) => {
                let object = format!("{kind} {name}");
                errors.push(ManifestsError::Object { place: place.clone(), object, source });
            }
        }
    }

    /// An item of a list: of a list of one kind it need not say its own.
    fn item(
        &mut self,
        place: &Place,
        mut item: Value,
        of: &str,
        version: &str,
        errors: &mut Vec<ManifestsError>,
    ) {
        if let Value::Object(fields) = &mut item
            && !of.is_empty()
            && !fields.contains_key("kind")
        {
            fields.insert("kind".to_owned(), of.into());
            fields.insert("apiVersion".to_owned(), version.into());
        }
        self.document(place, item, errors);
    }

    /// Leaves out what these files say; those that said anything.
    fn without<'f>(&mut self, files: &HashSet<&'f Path>) -> HashSet<&'f Path> {
        let mut dropped = HashSet::new();
        let mut stays = |place: &Place| {
            let file = files.get(&*place.file);
            dropped.extend(file);
            file.is_none()
        };
        if !files.is_empty() {
            let objects = std::mem::take(&mut self.objects).into_iter().zip(std::mem::take(&mut self.places));
            (self.objects, self.places) = objects.filter(|(_, place)| stays(place)).unzip();
            self.remarks.retain(|remark| stays(&remark.place));
            self.kustomizations.retain(stays);
        }
        dropped
    }

    /// A hidden file is no manifest, unless it looks like one.
    fn tell_of_hidden(&mut self, file: &Path) {
        let Ok(bytes) = file::read(file) else { return };
        let has = |word: &[u8]| bytes.windows(word.len()).any(|bytes| bytes == word);
        if !has(b"apiVersion") || !has(b"kind") {
            return;
        }
        let (mut there, mut errors) = (Self::default(), Vec::new());
        there.add_bytes(file, &bytes, &mut errors);
        if !there.objects.is_empty() || !there.remarks.is_empty() || !errors.is_empty() {
            let text = "it is hidden and is not read: call it otherwise if it is applied".to_owned();
            self.remarks.push(Remark { place: Place::whole(file), text });
        }
    }

    /// An object that stands in several places, as with an overlay: the last one holds.
    fn tell_of_twins(&mut self) {
        let mut places: BTreeMap<_, Vec<&Place>> = BTreeMap::new();
        for (object, place) in self.objects.iter().zip(&self.places) {
            let metadata = object.metadata();
            let key = (object.kind(), metadata.namespace.as_deref(), metadata.name.as_deref());
            places.entry(key).or_default().push(place);
        }
        for ((kind, namespace, name), mut places) in places {
            let Some(last) = places.pop().filter(|_| !places.is_empty()) else { continue };
            let others: Vec<String> = places.iter().map(ToString::to_string).collect();
            let namespace = namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
            let text = format!(
                "{} {namespace}{} is also in {}: this one holds, as the last in the order of files; give the folder of one \
                 cluster, or what `kustomize build` prints",
                kind.name(),
                name.unwrap_or_default(),
                others.join(", ")
            );
            self.remarks.push(Remark { place: last.clone(), text });
        }
    }

    /// The zone that is home where nobody says: the only one that is not public.
    pub(crate) fn home(&self, prefix: &str) -> Option<String> {
        let label = format!("{prefix}/zone");
        let mut inner = BTreeSet::new();
        let mut public = BTreeSet::new();
        for object in &self.objects {
            match object {
                Object::Zone(zone) => {
                    let name = zone.metadata.name.clone();
                    if zone.spec.public == Some(true) { public.extend(name) } else { inner.extend(name) }
                }
                Object::Node(node) => inner.extend(
                    node.metadata
                        .labels
                        .iter()
                        .flatten()
                        .filter(|(key, _)| **key == label)
                        .map(|(_, value)| value.clone()),
                ),
                _ => {}
            }
        }
        inner.retain(|zone| !public.contains(zone));
        if inner.len() == 1 { inner.pop_first() } else { None }
    }

    /// The site that they come to.
    pub(crate) fn picture(self, settings: Settings) -> Picture {
        let mut index = Index::of_manifests(settings);
        for object in self.objects {
            index.apply(object);
        }
        index.site()
    }
}

/// A field that is null is one that is not there (the API server drops it).
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
