//! Which zones a source zone's requests can get to over links, whatever the host.

use std::collections::BTreeSet;

use zoneway_core::name::ZoneName;

use crate::site::{Link, Site};

/// The zones that requests of this source zone can get to from its own nodes, its own among them: over links that have
/// gateways and that somebody can use, leaving only zones that speak for it (step 8 of the decision).
pub(crate) fn reachable<'a>(site: &'a Site, source: &'a ZoneName) -> BTreeSet<&'a ZoneName> {
    let usable =
        |link: &Link| !link.gateways.is_empty() && link.egress.as_ref().is_none_or(|nodes| !nodes.is_empty());
    let mut found = BTreeSet::from([source]);
    let mut left = vec![source];
    while let Some(zone) = left.pop().and_then(|name| site.zones().get(name)) {
        if !zone.speaks_for.contains(source) {
            continue;
        }
        for (target, link) in &zone.links {
            if usable(link) && found.insert(target) {
                left.push(target);
            }
        }
    }
    found
}
