//! Objects in files, as Flux or `kubectl apply` have them: a folder of YAML, or one stream of it.
//!
//! A file says what is wanted and not what is there: a missing namespace is `default`, a missing EndpointSlice says
//! nothing of where a service runs ([`Index::of_manifests`]).

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::index::Index;
use super::objects::{Kind, Object, ReadError};
use super::picture::Picture;
use super::settings::Settings;
use crate::sources::file;

/// The objects of manifests, and what else was found there.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    /// Objects of kinds that are read.
    pub(crate) objects: Vec<Object>,
    /// What is there and cannot be followed, as a HelmRelease; for people.
    pub(crate) remarks: Vec<String>,
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
    #[error("{}: {message}", .file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// An object that is not of its kind.
    #[error("{}: {object}: {source}", .file.display())]
    Object {
        /// The file.
        file: PathBuf,
        /// Kind, namespace and name.
        object: String,
        /// What is wrong.
        source: ReadError,
    },
}

/// Reads a folder with all below it, a file, or `-` for standard input.
///
/// # Errors
/// Every file and object that cannot be read: nothing is to be left out unnoticed.
pub(crate) fn read(path: &Path) -> Result<Manifests, Vec<ManifestsError>> {
    let mut manifests = Manifests::default();
    let mut errors = Vec::new();
    let mut files = Vec::new();
    if path.is_dir() {
        walk(path, &mut files, &mut manifests, &mut errors);
    } else {
        files.push(path.to_owned());
    }
    for file in files {
        let text = match file::read(&file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(file::FileError::Read { file, source }) => {
                errors.push(ManifestsError::Read { file, source });
                continue;
            }
            Err(error) => {
                errors.push(ManifestsError::Syntax { file, message: error.to_string() });
                continue;
            }
        };
        manifests.add(&file, &text, &mut errors);
    }
    manifests.tell_of_twins();
    if errors.is_empty() { Ok(manifests) } else { Err(errors) }
}

/// The files of a folder, in the order of their names.
fn walk(
    folder: &Path,
    files: &mut Vec<PathBuf>,
    manifests: &mut Manifests,
    errors: &mut Vec<ManifestsError>,
) {
    let listed = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let mut entries: Vec<PathBuf> = match listed {
        Ok(entries) => entries.iter().map(fs::DirEntry::path).collect(),
        Err(source) => return errors.push(ManifestsError::Read { file: folder.to_owned(), source }),
    };
    entries.sort_unstable();
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    if entries.iter().any(|path| path.file_name().is_some_and(|name| name == "Chart.yaml")) {
        let remark = format!("{} is a Helm chart: add what `helm template` makes of it", folder.display());
        return manifests.remarks.push(remark);
    }
    for path in entries.into_iter().filter(|path| !hidden(path)) {
        // A link to a folder may lead back here.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files, manifests, errors);
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json")
            && path.is_file()
        {
            files.push(path);
        }
    }
}

impl Manifests {
    /// Adds every object of a text; `file` is named in errors alone.
    pub(crate) fn add(&mut self, file: &Path, text: &str, errors: &mut Vec<ManifestsError>) {
        let budget =
            serde_saphyr::budget! { max_events: 20_000_000, max_nodes: 10_000_000, max_documents: 1_000_000 };
        let options = serde_saphyr::options! { budget: budget, with_snippet: false };
        match serde_saphyr::from_multiple_with_options::<Value>(text, options) {
            Ok(documents) => documents.into_iter().for_each(|document| self.document(file, document, errors)),
            Err(error) => {
                let message = error.without_snippet().to_string();
                errors.push(ManifestsError::Syntax { file: file.to_owned(), message });
            }
        }
    }

    fn document(&mut self, file: &Path, mut document: Value, errors: &mut Vec<ManifestsError>) {
        let text = |document: &Value, pointer: &str| {
            document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (version, kind) = (text(&document, "/apiVersion"), text(&document, "/kind"));
        if kind.ends_with("List") {
            if let Some(Value::Array(items)) = document.get_mut("items").map(Value::take) {
                items.into_iter().for_each(|item| self.document(file, item, errors));
            }
            return;
        }
        let (group, version) = version.split_once('/').unwrap_or(("", version.as_str()));
        let name = text(&document, "/metadata/name");
        let here = |what: &str| format!("{}: {kind} {name}: {what}", file.display());
        let Some(known) = Kind::ALL.iter().find(|known| known.name() == kind && known.group() == group)
        else {
            if kind == "HelmRelease" {
                self.remarks.push(here("its chart is not rendered: add what `helm template` makes of it"));
            } else if kind == "Kustomization" && group.starts_with("kustomize.config") && changes(&document) {
                self.remarks
                    .push(here("what it changes is not changed here: give the output of `kustomize build`"));
            }
            return;
        };
        // Gateway API's versions have the same fields, as far as they are read.
        if known.version() != version && !group.starts_with("gateway.") {
            let wanted = format!("version {version} is not read: write {}", known.version());
            return self.remarks.push(here(&wanted));
        }
        without_nulls(&mut document);
        match known.read(&document) {
            Ok(mut object) => {
                let metadata = object.metadata_mut();
                if known.namespaced() {
                    metadata.namespace.get_or_insert_with(|| "default".to_owned());
                } else {
                    metadata.namespace = None;
                }
                self.objects.push(object);
            }
            Err(source) => {
                let object = format!("{kind} {name}");
                errors.push(ManifestsError::Object { file: file.to_owned(), object, source });
            }
        }
    }

    /// An object that stands in several files, as with an overlay: the last one holds.
    fn tell_of_twins(&mut self) {
        let mut seen = BTreeSet::new();
        for object in &self.objects {
            let metadata = object.metadata();
            if !seen.insert((object.kind(), metadata.namespace.clone(), metadata.name.clone())) {
                let (kind, name) = (object.kind().name(), metadata.name.as_deref().unwrap_or_default());
                let remark = format!(
                    "{kind} {name} is there more than once: the last one in the order of files holds"
                );
                self.remarks.push(remark);
            }
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

/// Whether a kustomization makes objects other than they stand in the files.
fn changes(kustomization: &Value) -> bool {
    let changing = [
        "patches",
        "patchesStrategicMerge",
        "patchesJson6902",
        "namespace",
        "namePrefix",
        "nameSuffix",
        "replacements",
        "commonLabels",
        "commonAnnotations",
        "labels",
        "helmCharts",
        "components",
    ];
    changing.iter().any(|key| kustomization.get(key).is_some())
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
