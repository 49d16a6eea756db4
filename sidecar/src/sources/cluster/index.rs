//! The objects that are there, each as a digest of what matters of it, and the site that they come to.
//!
//! Architecture invariant: no tokio, no client, no clock, no file. What [`Index::site`] gives depends on the objects that
//! are there alone: not on the order in which they came, and not on what was there before.

mod digest;
mod render;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::objects::{Kind, Object};
use super::picture::Picture;
use super::settings::Settings;
use digest::{Digester, Store, key_of};
use words::Words;

/// The objects that are there.
#[derive(Debug)]
pub(crate) struct Index {
    settings: Settings,
    words: Words,
    /// What is not known is taken for granted: where a service runs, and that a node is ready.
    supposes: bool,
    texts: Texts,
    store: Store,
    /// What was rendered of everything but endpoints, until something of that changes.
    routing: Option<render::Routing>,
}

impl Index {
    /// Without any object.
    pub(crate) fn new(settings: Settings) -> Self {
        let words = Words::new(&settings.prefix);
        Self {
            settings,
            words,
            supposes: false,
            texts: Texts::default(),
            store: Store::default(),
            routing: None,
        }
    }

    /// For manifests, which say what is wanted and not what is: a service without endpoints is supposed to run on every
    /// node of the home zone, a node to be ready, and a zone without nodes to have one.
    pub(crate) fn of_manifests(settings: Settings) -> Self {
        Self { supposes: true, ..Self::new(settings) }
    }

    /// An object is there, or is another than before. Tells whether anything that matters changed.
    pub(crate) fn apply(&mut self, object: impl Into<Object>) -> bool {
        let object = object.into();
        let kind = object.kind();
        let mut digester = Digester {
            words: &self.words,
            settings: &self.settings,
            supposes: self.supposes,
            texts: &mut self.texts,
        };
        let changed = self.store.apply(&object, &mut digester);
        self.changed(kind, changed)
    }

    /// An object is gone. Tells whether anything that matters changed.
    pub(crate) fn delete(&mut self, kind: Kind, namespace: Option<&str>, name: &str) -> bool {
        let changed = self.store.delete(kind, &key_of(namespace, name));
        self.changed(kind, changed)
    }

    /// These are all objects of the kind. Tells whether anything that matters changed.
    pub(crate) fn replace(&mut self, kind: Kind, list: Vec<Object>) -> bool {
        let key = |metadata: &ObjectMeta| {
            key_of(metadata.namespace.as_deref(), metadata.name.as_deref().unwrap_or_default())
        };
        let listed: BTreeSet<String> = list.iter().map(|object| key(object.metadata())).collect();
        let mut changed = false;
        for gone in self.store.keys(kind).filter(|key| !listed.contains(key.as_ref())).collect::<Vec<_>>() {
            changed |= self.store.delete(kind, &gone);
        }
        changed = self.changed(kind, changed);
        for object in list.into_iter().filter(|object| object.kind() == kind) {
            changed |= self.apply(object);
        }
        changed
    }

    /// The site that these objects come to.
    pub(crate) fn site(&mut self) -> Picture {
        let routing = self
            .routing
            .take()
            .unwrap_or_else(|| render::Routing::of(&self.settings, self.supposes, &self.store));
        let picture = render::picture(&routing, &self.settings, self.supposes, &self.store);
        self.routing = Some(routing);
        self.texts.forget_unused();
        picture
    }

    fn changed(&mut self, kind: Kind, changed: bool) -> bool {
        // Where services run is looked up anew each time; all else is kept while it holds.
        if changed && !matches!(kind, Kind::Service | Kind::EndpointSlice) {
            self.routing = None;
        }
        changed
    }
}

/// Texts that many objects share, each once.
#[derive(Debug, Default)]
struct Texts {
    known: BTreeMap<Arc<str>, ()>,
    /// How many there were when the unused were last forgotten.
    kept: usize,
}

impl Texts {
    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some((known, ())) = self.known.get_key_value(text) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = text.into();
        self.known.insert(Arc::clone(&shared), ());
        shared
    }

    fn forget_unused(&mut self) {
        if self.known.len() > 2 * self.kept + 1024 {
            self.known.retain(|text, ()| Arc::strong_count(text) > 1);
            self.kept = self.known.len();
        }
    }
}
