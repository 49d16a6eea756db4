//! Kustomizations, kustomize's own and Flux's: what of them is not followed.
//!
//! No object is changed here as they would have it. Their fields are listed by what does no harm, so a field that is not known
//! is told of.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::folder::{File, Folder, Found, is_kustomization, real};
use super::place::{Place, Remark};

/// Fields of a kustomization.yaml by which no object comes or changes of which a site is made. `openapi`, `crds` and
/// `configurations` say how other fields do it, and ConfigMaps and Secrets are not read.
/// (<https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>)
const HARMLESS: [&str; 17] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "images",
    "replicas",
    "openapi",
    "crds",
    "configurations",
    "validators",
    "sortOptions",
    "buildMetadata",
    "helmGlobals",
];

/// The same for `spec` of Flux's (<https://fluxcd.io/flux/components/kustomize/api/v1/>); `path` and `sourceRef` are looked at.
const HARMLESS_OF_FLUX: [&str; 20] = [
    "path",
    "sourceRef",
    "images",
    "interval",
    "retryInterval",
    "timeout",
    "prune",
    "deletionPolicy",
    "force",
    "wait",
    "suspend",
    "dependsOn",
    "healthChecks",
    "healthCheckExprs",
    "serviceAccountName",
    "decryption",
    "validation",
    "persistentClient",
    "ignoreMissingComponents",
    "buildMetadata",
];

/// The kustomizations of a folder.
#[derive(Debug, Default)]
pub(super) struct Kustomizations {
    of_kustomize: Vec<Kustomization>,
    of_flux: Vec<FluxKustomization>,
}

#[derive(Debug)]
struct Kustomization {
    place: Place,
    /// As it is called in what is said of it.
    called: String,
    /// Fields that would change objects or make some.
    changing: Vec<String>,
    /// Files and folders with objects.
    listed: Vec<String>,
    /// What may be a file that is used otherwise, as a patch.
    used: BTreeSet<String>,
}

#[derive(Debug)]
struct FluxKustomization {
    place: Place,
    name: String,
    changing: Vec<String>,
    path: String,
    source: (String, String),
}

impl Kustomizations {
    /// Takes a document, if it is one. That of a file of the right name needs no kind.
    pub(super) fn take(&mut self, place: &Place, group: &str, kind: &str, document: &Value) -> bool {
        let named = matches!(kind, "" | "Kustomization" | "Component");
        let unsaid = group.is_empty() && is_kustomization(&place.file);
        if named && (unsaid || group == "kustomize.config.k8s.io") {
            self.of_kustomize.push(Kustomization::of(place, kind, document));
        } else if group == "kustomize.toolkit.fluxcd.io" && kind == "Kustomization" {
            self.of_flux.push(FluxKustomization::of(place, document));
        } else {
            return false;
        }
        true
    }

    /// The files that they use as patches and the like and that the kustomization around them leaves out: no objects
    /// stand there.
    pub(super) fn used<'f>(&self, folder: &'f Folder) -> HashSet<&'f Path> {
        let mut used = HashSet::new();
        for kustomization in &self.of_kustomize {
            used.extend(kustomization.uses(folder).map(|(_, real)| real));
        }
        let applied = Applied::by(self, folder);
        let files = folder.files.iter().filter(|file| used.contains(&file.real));
        files.filter(|file| matches!(applied.of(file), By::LeftOut(_))).map(|file| &*file.path).collect()
    }

    /// Keeps those whose places are to stay.
    pub(super) fn retain(&mut self, mut stays: impl FnMut(&Place) -> bool) {
        self.of_kustomize.retain(|one| stays(&one.place));
        self.of_flux.retain(|one| stays(&one.place));
    }

    /// What of each is not followed. `dropped` are files with objects that are not read, as one uses them otherwise.
    pub(super) fn tell(&self, folder: &Folder, dropped: &HashSet<&Path>, remarks: &mut Vec<Remark>) {
        let dropped = folder.files.iter().filter(|file| dropped.contains(&*file.path));
        let dropped: HashSet<&Path> = dropped.map(|file| &*file.real).collect();
        for kustomization in &self.of_kustomize {
            remarks.extend(kustomization.remark(folder, &dropped));
        }
        let sources: BTreeSet<&(String, String)> = self.of_flux.iter().map(|one| &one.source).collect();
        for kustomization in &self.of_flux {
            remarks.extend(kustomization.remark(folder, sources.len() > 1));
        }
    }

    /// Those of the files with objects that the kustomization around them leaves out.
    pub(super) fn tell_of_unlisted(
        &self,
        folder: &Folder,
        with_objects: &HashSet<&Path>,
        remarks: &mut Vec<Remark>,
    ) {
        let applied = Applied::by(self, folder);
        for file in folder.files.iter().filter(|file| with_objects.contains(&*file.path)) {
            let By::LeftOut(place) = applied.of(file) else { continue };
            let text = format!(
                "it is not among the resources of {}, and is read all the same: what it has may take paths from other \
                 objects. List it there, or move it away",
                place.file.display()
            );
            remarks.push(Remark { place: Place::whole(&file.path), text });
        }
    }
}

/// Which files are applied, as far as kustomizations say it. All paths are without links.
#[derive(Debug)]
struct Applied<'k> {
    resources: HashSet<PathBuf>,
    /// By the folders that they are in.
    kustomizations: HashMap<PathBuf, &'k Place>,
    /// The folders that Flux takes; all of one without a kustomization.yaml.
    by_flux: HashSet<PathBuf>,
}

/// What applies a file.
#[derive(Debug)]
enum By<'k> {
    /// A kustomization.yaml that lists it, Flux, or who knows.
    Any,
    /// Not the kustomization around it.
    LeftOut(&'k Place),
}

impl<'k> Applied<'k> {
    fn by(kustomizations: &'k Kustomizations, folder: &Folder) -> Self {
        let mut resources = HashSet::new();
        let mut around = HashMap::new();
        for one in &kustomizations.of_kustomize {
            let at = one.place.folder();
            resources.extend(one.listed.iter().filter_map(|path| found(folder.find(&at.join(path)))));
            if is_kustomization(&one.place.file) {
                around.insert(real(&at), &one.place);
            }
        }
        let by_flux = kustomizations.of_flux.iter();
        let by_flux = by_flux.filter_map(|one| found(folder.find_from_top(&one.path))).collect();
        Self { resources, kustomizations: around, by_flux }
    }

    fn of(&self, file: &File) -> By<'k> {
        if self.resources.contains(&file.real) {
            return By::Any;
        }
        for ancestor in file.real.ancestors().skip(1) {
            if let Some(place) = self.kustomizations.get(ancestor) {
                return By::LeftOut(place);
            }
            if self.by_flux.contains(ancestor) {
                return By::Any;
            }
        }
        By::Any
    }
}

impl Kustomization {
    fn of(place: &Place, kind: &str, document: &Value) -> Self {
        let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let called = format!("{} {name}", if kind.is_empty() { "Kustomization" } else { kind });
        let mut used = BTreeSet::new();
        for field in [
            "patches",
            "patchesStrategicMerge",
            "patchesJson6902",
            "replacements",
            "transformers",
            "generators",
            "validators",
            "configurations",
            "crds",
            "openapi",
            "helmCharts",
            "configMapGenerator",
            "secretGenerator",
        ] {
            document.get(field).into_iter().for_each(|value| texts(value, &mut used));
        }
        let listed = ["resources", "bases", "components"];
        let listed = listed.iter().filter_map(|field| document.get(*field)?.as_array()).flatten();
        Self {
            place: place.clone(),
            called: called.trim_end().to_owned(),
            changing: changing(document, &HARMLESS).into_iter().map(|field| format!("`{field}`")).collect(),
            listed: listed.filter_map(Value::as_str).map(str::to_owned).collect(),
            used,
        }
    }

    /// What it uses otherwise than as an object, as it is written and without links.
    fn uses<'a>(&'a self, folder: &'a Folder) -> impl Iterator<Item = (&'a str, PathBuf)> {
        let at = self.place.folder();
        self.used.iter().filter_map(move |path| Some((path.as_str(), found(folder.find(&at.join(path)))?)))
    }

    fn remark(&self, folder: &Folder, dropped: &HashSet<&Path>) -> Option<Remark> {
        let at = self.place.folder();
        let mut left = self.changing.clone();
        let uses = self.uses(folder).filter(|(_, real)| dropped.contains(&**real));
        left.extend(uses.map(|(path, _)| format!("`{path}` (used by it, not read as an object)")));
        for entry in &self.listed {
            let why = match folder.find(&at.join(entry)) {
                Found::Read(_) => continue,
                Found::Missing if is_remote(entry) => "elsewhere".to_owned(),
                Found::Missing => "not there".to_owned(),
                Found::Outside => format!("outside of {}", folder.named.display()),
                Found::Unread => "not a file that is read".to_owned(),
            };
            left.push(format!("`{entry}` ({why})"));
        }
        if left.is_empty() {
            return None;
        }
        let text = format!(
            "{}: not followed: {}. Read what `kustomize build {}` prints in place of it",
            self.called,
            left.join(", "),
            at.display()
        );
        Some(Remark { place: self.place.clone(), text })
    }
}

impl FluxKustomization {
    fn of(place: &Place, document: &Value) -> Self {
        let text =
            |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let spec = document.get("spec").unwrap_or(&Value::Null);
        let mut fields = Vec::new();
        for field in changing(spec, &HARMLESS_OF_FLUX) {
            match spec.get(field) {
                Some(Value::Object(below)) if field == "postBuild" || field == "commonMetadata" => {
                    let below = below.keys().map(|key| format!("`spec.{field}.{key}`"));
                    fields.extend(below);
                }
                _ => fields.push(format!("`spec.{field}`")),
            }
        }
        Self {
            place: place.clone(),
            name: text("/metadata/name"),
            changing: fields,
            path: text("/spec/path"),
            source: (text("/spec/sourceRef/kind"), text("/spec/sourceRef/name")),
        }
    }

    fn remark(&self, folder: &Folder, of_several: bool) -> Option<Remark> {
        let mut left = self.changing.clone();
        let path = if self.path.is_empty() { "./" } else { &self.path };
        let (kind, name) = &self.source;
        // What `flux bootstrap` calls the repository that it writes to.
        let own = kind.is_empty() || (kind == "GitRepository" && (!of_several || name == "flux-system"));
        if !own {
            left.push(format!("`spec.sourceRef` ({kind} {name}, which may be none of this folder)"));
        } else if !matches!(folder.find_from_top(path), Found::Read(_)) {
            left.push(format!("`spec.path` ({path} is not in {})", folder.named.display()));
        }
        if left.is_empty() {
            return None;
        }
        let text = format!(
            "Flux Kustomization {name}: not followed: {}. Read what `flux build kustomization {name} --path {path} \
             --kustomization-file {} --dry-run` prints in place of it",
            left.join(", "),
            self.place.file.display(),
            name = self.name,
        );
        Some(Remark { place: self.place.clone(), text })
    }
}

/// The fields that say something and are not harmless.
fn changing<'v>(document: &'v Value, harmless: &[&str]) -> Vec<&'v str> {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    let fields = document.as_object().into_iter().flatten();
    fields
        .filter(|(field, value)| says(value) && !harmless.contains(&field.as_str()))
        .map(|(field, _)| field.as_str())
        .collect()
}

/// Every text in a value that may be a path; of `key=path`, as generators have it, the path.
fn texts(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if !text.contains('\n') => {
            into.insert(text.clone());
            into.extend(text.split_once('=').map(|(_, path)| path.to_owned()));
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, into)),
        _ => {}
    }
}

/// Whether an entry of `resources` is one that kustomize would fetch.
fn is_remote(entry: &str) -> bool {
    entry.contains("://")
        || entry.contains('?')
        || entry.starts_with("git@")
        || entry.starts_with("github.com/")
}

fn found(found: Found) -> Option<PathBuf> {
    if let Found::Read(real) = found { Some(real) } else { None }
}
