//! Rule 7: hosts that a view has for one reason alone, that none of its wildcards answers for them.

use std::collections::BTreeSet;

use zoneway_core::name::{HostPattern, PatternKind};
use zoneway_core::table::wire;

use crate::site::Site;

/// Adds every further host of the site, all of whose names a pattern of the view matches: exposed to nobody.
pub(super) fn add<'a>(site: &'a Site, hosts: &mut Vec<(&'a HostPattern, wire::Host)>) {
    let there: BTreeSet<&HostPattern> = hosts.iter().map(|(pattern, _)| *pattern).collect();
    let patterns: Patterns<'_> = there.iter().copied().collect();
    let further: Vec<&HostPattern> =
        site.hosts().keys().filter(|pattern| !there.contains(pattern) && patterns.cover(pattern)).collect();
    hosts.extend(further.into_iter().map(|pattern| (pattern, hidden(pattern))));
}

/// A host that is there, exposed to nobody.
pub(super) fn hidden(pattern: &HostPattern) -> wire::Host {
    wire::Host { host: pattern.to_string(), exposed_to: Vec::new(), prefer: None, rules: None }
}

/// The suffixes of wildcards, so that a host costs by its labels and not by the number of wildcards.
#[derive(Default)]
pub(crate) struct Patterns<'a> {
    one: BTreeSet<&'a str>,
    any: BTreeSet<&'a str>,
}

impl<'a> FromIterator<&'a HostPattern> for Patterns<'a> {
    fn from_iter<I: IntoIterator<Item = &'a HostPattern>>(hosts: I) -> Self {
        let mut patterns = Self::default();
        for host in hosts {
            match host.kind() {
                PatternKind::Exact => {}
                PatternKind::OneLabel => drop(patterns.one.insert(host.suffix())),
                PatternKind::AnyLabels => drop(patterns.any.insert(host.suffix())),
            }
        }
        patterns
    }
}

impl Patterns<'_> {
    /// As [`HostPattern::covers`], for all of the wildcards at once.
    pub(crate) fn cover(&self, host: &HostPattern) -> bool {
        let below = |suffix: &&str| self.any.contains(suffix);
        let parent = host.suffix().split_once('.').map(|(_, parent)| parent);
        let ancestors = core::iter::successors(parent, |name| name.split_once('.').map(|(_, parent)| parent));
        let mut ancestors = ancestors;
        match host.kind() {
            PatternKind::Exact => {
                parent.is_some_and(|parent| self.one.contains(parent)) || ancestors.any(|name| below(&name))
            }
            PatternKind::OneLabel | PatternKind::AnyLabels => {
                below(&host.suffix()) || ancestors.any(|name| below(&name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use zoneway_core::name::HostPattern;

    use super::Patterns;

    #[test]
    fn covering_by_suffix_is_the_same_as_covering_one_by_one() {
        let all: Vec<HostPattern> =
            ["a", "x.a", "y.x.a", "z.y.x.a", "xa", "*.a", "*.x.a", "**.a", "**.x.a", "b"]
                .map(|text| HostPattern::parse(text).expect("a pattern"))
                .into();
        for pattern in &all {
            let patterns: Patterns<'_> = [pattern].into_iter().collect();
            for host in all.iter().filter(|host| *host != pattern) {
                assert_eq!(patterns.cover(host), pattern.covers(host), "{pattern} {host}");
            }
        }
    }
}
