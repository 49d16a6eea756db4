//! Entries by name, sorted, in the room that they need: most hosts have one path, and most services few nodes, for which a tree
//! makes room for eleven.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use zoneway_core::strict;

/// Entries by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sorted<K, V>(Box<[(K, V)]>);

impl<K: AsRef<str>, V> Sorted<K, V> {
    /// Every name with its entry, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> + Clone {
        self.0.iter().map(|(name, entry)| (name, entry))
    }

    /// Every name, in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(name, _)| name)
    }

    /// Every entry, in the order of the names.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, entry)| entry)
    }

    /// The entry of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&V> {
        let place = self.0.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
        self.0.get(place).map(|(_, entry)| entry)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K, V> From<BTreeMap<K, V>> for Sorted<K, V> {
    fn from(entries: BTreeMap<K, V>) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<K, V> IntoIterator for Sorted<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Sorted<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        entries.into_iter().collect::<BTreeMap<K, V>>().into()
    }
}

/// As a map is read: a name that stands twice is an error.
impl<'de, V: Deserialize<'de>> Deserialize<'de> for Sorted<String, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strict::map(deserializer).map(Self::from)
    }
}

impl<K: Serialize, V: Serialize> Serialize for Sorted<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, entry)| (name, entry)))
    }
}
