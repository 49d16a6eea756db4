//! The paths of a host, sorted, in the room that they need: most hosts have one, for which a tree makes room for eleven.

use std::collections::BTreeMap;

use zoneway_core::name::RulePath;

use crate::site::Rule;

/// The rules of a host, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(Box<[(RulePath, Rule)]>);

impl Rules {
    /// Every path with its rule, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&RulePath, &Rule)> + Clone {
        self.0.iter().map(|(path, rule)| (path, rule))
    }

    /// Every path, in order.
    pub fn keys(&self) -> impl Iterator<Item = &RulePath> {
        self.iter().map(|(path, _)| path)
    }

    /// Every rule, in the order of the paths.
    pub fn values(&self) -> impl Iterator<Item = &Rule> {
        self.iter().map(|(_, rule)| rule)
    }

    /// The rule of a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Rule> {
        let place = self.0.binary_search_by(|(known, _)| known.as_str().cmp(path)).ok()?;
        self.0.get(place).map(|(_, rule)| rule)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<BTreeMap<RulePath, Rule>> for Rules {
    fn from(rules: BTreeMap<RulePath, Rule>) -> Self {
        Self(rules.into_iter().collect())
    }
}
