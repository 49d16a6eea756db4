//! Many entries by name, shared: a copy of a site costs nothing, and what two sites have in common is seen at a glance.

use std::collections::BTreeMap;
use std::sync::Arc;

use core::ops::Deref;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use zoneway_core::strict;

/// Entries by name. Two sites that were made of one another share what did not change: the map, or single entries.
#[derive(Debug, PartialEq, Eq)]
pub struct Entries<T: Eq>(Arc<BTreeMap<Arc<str>, Arc<T>>>);

impl<T: Eq> Entries<T> {
    /// Whether these are the same entries, not only equal ones. It costs nothing.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The entries, to be changed; other sites that share them keep what they have.
    pub fn make_mut(&mut self) -> &mut BTreeMap<Arc<str>, Arc<T>> {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: Eq> Clone for Entries<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Eq> Default for Entries<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Eq> Deref for Entries<T> {
    type Target = BTreeMap<Arc<str>, Arc<T>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Eq> From<BTreeMap<Arc<str>, Arc<T>>> for Entries<T> {
    fn from(entries: BTreeMap<Arc<str>, Arc<T>>) -> Self {
        Self(Arc::new(entries))
    }
}

impl<T: Eq, N: Into<Arc<str>>> FromIterator<(N, T)> for Entries<T> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(name, entry)| (name.into(), Arc::new(entry)));
        Self(Arc::new(entries.collect()))
    }
}

impl<'a, T: Eq> IntoIterator for &'a Entries<T> {
    type Item = (&'a Arc<str>, &'a Arc<T>);
    type IntoIter = std::collections::btree_map::Iter<'a, Arc<str>, Arc<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de> + Eq> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict::map(deserializer).map(Self::from_iter)
    }
}

impl<T: Serialize + Eq> Serialize for Entries<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, entry)| (name.as_ref(), entry.as_ref())))
    }
}
