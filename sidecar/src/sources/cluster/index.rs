//! The objects that are there, each as a digest of what matters of it, and the site that they come to.
//!
//! Architecture invariant: no tokio, no client, no clock, no file. What [`Index::site`] gives depends on the objects that
//! are there alone: not on the order in which they came, and not on what was there before.

mod digest;
mod render;
#[cfg(test)]
mod tests;
mod unreadable;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::objects::{Kind, Object};
use super::picture::Picture;
use super::settings::Settings;
use digest::path::Backend;
use digest::unreadable::UnreadableDigest;
use digest::{Digester, Store, key_of};
pub(crate) use unreadable::Unreadable;
use words::Words;
use zoneway_core::table::Limits;
use zoneway_site::wire;

/// The objects that are there.
#[derive(Debug)]
pub(crate) struct Index {
    settings: Settings,
    words: Words,
    /// What is not known is taken for granted: where a service runs, and that a node is ready.
    supposes: bool,
    texts: Texts,
    /// The lists of backends that paths go to: most paths have one of a few.
    backends: Pool<[Backend]>,
    store: Store,
    /// What was rendered of everything but endpoints, until something of that changes.
    routing: Option<render::Routing>,
    /// The same without the hosts that a table has no room for, where there are any.
    fitted: Option<render::Routing>,
    /// How much a table may hold.
    limits: Limits,
    /// The hosts of the last picture.
    hosts: wire::Entries<wire::Host>,
    /// Where services ran in the last picture.
    running: render::Running,
    /// The Services of which something changed since.
    moved: BTreeSet<Arc<str>>,
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
            backends: Pool::default(),
            store: Store::default(),
            routing: None,
            fitted: None,
            limits: Limits::default(),
            hosts: wire::Entries::default(),
            running: render::Running::default(),
            moved: BTreeSet::new(),
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
        let key = key_of(
            object.metadata().namespace.as_deref(),
            object.metadata().name.as_deref().unwrap_or_default(),
        );
        let before = self.service_of(kind, &key);
        let mut digester = Digester {
            words: &self.words,
            settings: &self.settings,
            supposes: self.supposes,
            texts: &mut self.texts,
            backends: &mut self.backends,
        };
        let changed = self.store.apply(&object, &mut digester);
        let after = self.service_of(kind, &key);
        if !self.store.unreadable.is_empty() && self.store.unreadable.remove(&(kind, key.into())).is_some() {
            self.routing = None;
            return true;
        }
        self.changed(kind, before.into_iter().chain(after), changed)
    }

    /// An object is there that cannot be read. Tells whether that is news.
    pub(crate) fn apply_unreadable(&mut self, kind: Kind, object: &Unreadable) -> bool {
        let metadata = &object.metadata;
        let key = key_of(metadata.namespace.as_deref(), metadata.name.as_deref().unwrap_or_default());
        let mut digester = Digester {
            words: &self.words,
            settings: &self.settings,
            supposes: self.supposes,
            texts: &mut self.texts,
            backends: &mut self.backends,
        };
        let digest = UnreadableDigest::of(kind, object, &mut digester);
        let changed = self.store.apply_unreadable(kind, &key, digest);
        if changed {
            self.routing = None;
        }
        changed
    }

    /// An object is gone. Tells whether anything that matters changed.
    pub(crate) fn delete(&mut self, kind: Kind, namespace: Option<&str>, name: &str) -> bool {
        self.delete_key(kind, &key_of(namespace, name))
    }

    /// Of this kind there are those that `is_there` says, by namespace and name, and no others. Tells whether anything that
    /// matters changed.
    pub(crate) fn retain(&mut self, kind: Kind, is_there: impl Fn(Option<&str>, &str) -> bool) -> bool {
        let known = |key: &Arc<str>| match key.split_once('/') {
            Some((namespace, name)) => is_there(Some(namespace), name),
            None => is_there(None, key),
        };
        let mut changed = false;
        for gone in self.store.keys(kind).filter(|key| !known(key)).collect::<Vec<_>>() {
            changed |= self.delete_key(kind, &gone);
        }
        changed
    }

    /// The site that these objects come to.
    pub(crate) fn site(&mut self) -> Picture {
        let moved = std::mem::take(&mut self.moved);
        let routing = match self.routing.take() {
            Some(routing) => {
                self.running.update(&moved, &routing, self.supposes, &self.store);
                routing
            }
            None => {
                let left = BTreeSet::new();
                let routing =
                    render::Routing::of(&self.settings, self.supposes, &self.store, &self.hosts, left);
                self.fitted = None;
                self.hosts = routing.hosts().clone();
                self.running = render::Running::of(&routing, &self.running, self.supposes, &self.store);
                routing
            }
        };
        let left = render::left_out(&routing, &self.running, &self.settings, &self.limits, &self.store);
        if left.is_empty() {
            self.fitted = None;
        } else if self.fitted.as_ref().is_none_or(|fitted| *fitted.left() != left) {
            let hosts = routing.hosts();
            self.fitted = Some(render::Routing::of(&self.settings, self.supposes, &self.store, hosts, left));
        }
        let shown = self.fitted.as_ref().unwrap_or(&routing);
        let picture = render::picture(shown, &self.running, &self.settings);
        self.routing = Some(routing);
        self.texts.forget_unused();
        self.backends.forget_unused();
        picture
    }

    fn delete_key(&mut self, kind: Kind, key: &str) -> bool {
        let before = self.service_of(kind, key);
        let (changed, was_unreadable) = self.store.delete(kind, key);
        if was_unreadable {
            self.routing = None;
        }
        self.changed(kind, before.into_iter(), changed) || was_unreadable
    }

    /// The key of the Service that an object says something about where it runs.
    fn service_of(&self, kind: Kind, key: &str) -> Option<Arc<str>> {
        match kind {
            Kind::Service => Some(key.into()),
            Kind::EndpointSlice => self.store.slices.get(key).map(|slice| Arc::clone(&slice.service)),
            _ => None,
        }
    }

    /// `moved`: the Services that a change is about.
    fn changed(&mut self, kind: Kind, moved: impl Iterator<Item = Arc<str>>, changed: bool) -> bool {
        if changed {
            match kind {
                Kind::Service | Kind::EndpointSlice => self.moved.extend(moved),
                _ => self.routing = None,
            }
        }
        changed
    }
}

/// Texts that many objects share.
type Texts = Pool<str>;

/// What many objects share, each once.
#[derive(Debug)]
struct Pool<T: ?Sized> {
    known: BTreeSet<Arc<T>>,
    /// How many there were when the unused were last forgotten.
    kept: usize,
}

impl<T: ?Sized + Ord> Default for Pool<T> {
    fn default() -> Self {
        Self { known: BTreeSet::new(), kept: 0 }
    }
}

impl<T: ?Sized + Ord> Pool<T> {
    fn share<'t>(&mut self, one: &'t T) -> Arc<T>
    where
        Arc<T>: From<&'t T>,
    {
        if let Some(known) = self.known.get(one) {
            return Arc::clone(known);
        }
        let shared: Arc<T> = one.into();
        self.known.insert(Arc::clone(&shared));
        shared
    }

    fn forget_unused(&mut self) {
        if self.known.len() > 2 * self.kept + 1024 {
            self.known.retain(|one| Arc::strong_count(one) > 1);
            self.kept = self.known.len();
        }
    }
}
