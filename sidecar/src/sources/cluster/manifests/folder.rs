//! Which files below a folder are read, and which are not though they may be meant.

use std::collections::HashSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::ManifestsError;
use super::place::{Place, Remark};

/// A folder with all below it, or one file.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// As it was named.
    pub(super) named: PathBuf,
    /// The files that are read, in the order of their names.
    pub(super) files: Vec<File>,
    /// Files that would be read if neither they nor a folder around them were hidden.
    pub(super) hidden: Vec<PathBuf>,
    /// Everything that was gone through, without links: folders, and the files that are read.
    seen: HashSet<PathBuf>,
    /// Helm charts, without links.
    charts: Vec<PathBuf>,
    root: PathBuf,
}

/// A file that is read.
#[derive(Debug)]
pub(super) struct File {
    /// As it is shown.
    pub(super) path: PathBuf,
    /// The same without links.
    pub(super) real: PathBuf,
}

/// What a path that an object names comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is read, or told of as a chart.
    Read(PathBuf),
    /// There is nothing.
    Missing,
    /// It is not in the folder.
    Outside,
    /// It is in the folder and is not read: hidden, or not of a name that is.
    Unread,
}

impl Folder {
    /// Goes through a folder; a file, or `-`, is all there is.
    pub(super) fn walk(path: &Path, remarks: &mut Vec<Remark>, errors: &mut Vec<ManifestsError>) -> Self {
        let mut folder = Self { named: path.to_owned(), root: real(path), ..Self::default() };
        if path.is_dir() {
            folder.enter(path, false, remarks, errors);
        } else {
            folder.take(path.to_owned());
        }
        folder
    }

    fn take(&mut self, path: PathBuf) {
        let real = real(&path);
        self.seen.insert(real.clone());
        self.files.push(File { path, real });
    }

    fn enter(
        &mut self,
        folder: &Path,
        hidden: bool,
        remarks: &mut Vec<Remark>,
        errors: &mut Vec<ManifestsError>,
    ) {
        let listed = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        let mut entries: Vec<PathBuf> = match listed {
            Ok(entries) => entries.iter().map(fs::DirEntry::path).collect(),
            // Nobody asked for what is hidden.
            Err(_) if hidden => return,
            Err(source) => {
                return errors.push(ManifestsError::Read { file: folder.to_owned(), source });
            }
        };
        entries.sort_unstable();
        let has = |wanted: fn(&Path) -> bool| entries.iter().any(|path| wanted(path));
        if has(|path| is_named(path, "Chart.yaml")) {
            // What a kustomization lists is applied, chart or not.
            let whole = !has(is_kustomization);
            if !hidden {
                let text = "a Helm chart is not rendered: add what `helm template` makes of it".to_owned();
                remarks.push(Remark { place: Place::whole(folder), text });
                self.charts.extend(whole.then(|| real(folder)));
            }
            if whole {
                return;
            }
            entries.retain(|path| !is_named(path, "templates"));
        }
        if !hidden {
            self.seen.insert(real(folder));
        }
        for path in entries {
            let hidden = hidden || is_hidden(&path);
            if path.is_dir() {
                if !path.is_symlink() {
                    // What Git keeps for itself is nobody's manifest.
                    if !is_named(&path, ".git") {
                        self.enter(&path, hidden, remarks, errors);
                    }
                } else if !real(&path).starts_with(&self.root) && !hidden {
                    // One that leads into the folder leads to what is read there.
                    let text = "a link to a folder is not followed: name that folder itself".to_owned();
                    remarks.push(Remark { place: Place::whole(&path), text });
                }
            } else if !is_manifest(&path) {
            } else if hidden {
                self.hidden.push(path);
            } else if path.is_file() || !path.exists() {
                // A link that leads nowhere is found out by who reads it.
                self.take(path);
            } else {
                let text = "it is no file, and is not read".to_owned();
                remarks.push(Remark { place: Place::whole(&path), text });
            }
        }
    }

    /// What a path comes to that an object in this folder names.
    pub(super) fn find(&self, path: &Path) -> Found {
        let Ok(real) = fs::canonicalize(path) else { return Found::Missing };
        if self.seen.contains(&real) || self.charts.iter().any(|chart| real.starts_with(chart)) {
            Found::Read(real)
        } else if real.starts_with(&self.root) {
            Found::Unread
        } else {
            Found::Outside
        }
    }

    /// What a path comes to that counts from the top of the repository, of which this folder may be a part: a folder here,
    /// if any is meant.
    pub(super) fn find_from_top(&self, path: &str) -> Found {
        let steps = Path::new(path)
            .components()
            .filter(|step| matches!(step, Component::Normal(_) | Component::ParentDir));
        let path: PathBuf = steps.collect();
        // Without a repository around it, the folder itself or any above it may be its top.
        let mut tops: Vec<&Path> = self.root.ancestors().collect();
        if let Some(top) = tops.iter().position(|top| top.join(".git").exists()) {
            tops.truncate(top + 1);
            if path.as_os_str().is_empty() && top > 0 {
                return Found::Outside;
            }
        }
        let mut found = Found::Missing;
        for top in tops {
            match self.find(&top.join(&path)) {
                Found::Read(real) => return Found::Read(real),
                other if found == Found::Missing => found = other,
                _ => {}
            }
        }
        found
    }
}

/// Whether its name is one that is read.
fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json")
        || is_kustomization(path)
}

/// Whether kustomize looks for its configuration under this name.
pub(super) fn is_kustomization(path: &Path) -> bool {
    ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().any(|name| is_named(path, name))
}

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|own| own == name)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The path without links and `..`, where it leads anywhere.
pub(super) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
