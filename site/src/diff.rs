//! What changes between two sites for whom: journeys, and what became public.

mod exposure;

use std::collections::{BTreeMap, BTreeSet};

use core::net::{IpAddr, Ipv6Addr};

use serde::Serialize;
use zoneway_core::name::{HostPattern, NodeId, PatternKind, RulePath, ZoneName};

use crate::journey::{Atlas, End, Hop, Journey, Start};
use crate::names::Names;
use crate::site::Site;
use crate::view::ViewError;
use exposure::Exposure;

/// What changes from one site to another. Its JSON is stable: `{"became_public", "changes"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// How many of the changes are that something became public.
    pub became_public: usize,
    /// What became public first; then by source zone, host and path.
    pub changes: Vec<Change>,
}

/// A change for one (source zone, host, path): `{"source_zone", "host", "path", "became_public", "nodes"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The zone that asks.
    pub source_zone: String,
    /// The host, a name or a pattern of either site.
    pub host: String,
    /// The path, of either site.
    pub path: String,
    /// Whether a public zone may ask now that might not before.
    pub became_public: bool,
    /// The nodes of that zone whose journey changes, by id. None where the zone has no node: what became public for its
    /// clients shows in `became_public` alone.
    pub nodes: Vec<NodeChange>,
}

/// The journey from one node, before and after: `{"node", "old", "new"}`, each of the two `null` or as
/// [`crate::Journey`] has it, without addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NodeChange {
    /// The node that is asked.
    pub node: String,
    /// What became of it; `null` where the node was not of this zone.
    pub old: Option<Course>,
    /// What becomes of it; `null` where the node is not of this zone any more.
    pub new: Option<Course>,
}

/// A journey by nodes: addresses may change without changing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Course {
    /// Each node that decides.
    pub hops: Vec<CourseHop>,
    /// What the last one does.
    pub result: End,
}

/// One node's decision: `{"zone", "node", "role", "action", "reason", "status", "next"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CourseHop {
    /// The node's zone.
    pub zone: String,
    /// Its id.
    pub node: String,
    /// `ingress` or `peer`.
    pub role: &'static str,
    /// What it does.
    pub action: &'static str,
    /// Why.
    pub reason: &'static str,
    /// The status of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The nodes that it tries, in order.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub next: Vec<String>,
}

/// Everything that changes from `old` to `new`.
///
/// DNS names count as themselves: the same name is the same address, and all of them resolve.
///
/// # Errors
/// When a view of either site is larger than a table may be.
pub fn diff(old: &Site, new: &Site) -> Result<Diff, ViewError> {
    let names = placeholders(old, new);
    let (old, new) = (Side::new(old, &names)?, Side::new(new, &names)?);
    let asked = asked(old.site, new.site);
    let zones: BTreeSet<&ZoneName> = old.site.zones().keys().chain(new.site.zones().keys()).collect();
    let mut changes = Vec::new();
    for zone in zones {
        let nodes = nodes(old.site, new.site, zone);
        for (pattern, (name, paths)) in &asked {
            for path in paths {
                let asks = Asks { zone, name, path };
                let became_public = new.is_public(&asks) && !old.is_public(&asks);
                let nodes: Vec<NodeChange> =
                    nodes.iter().filter_map(|node| node_change(&old, &new, node, &asks)).collect();
                if became_public || !nodes.is_empty() {
                    changes.push(Change {
                        source_zone: zone.to_string(),
                        host: pattern.to_string(),
                        path: path.to_string(),
                        became_public,
                        nodes,
                    });
                }
            }
        }
    }
    // Stable: within the two groups the order is that of the loops.
    changes.sort_by_key(|change| !change.became_public);
    let became_public = changes.iter().filter(|change| change.became_public).count();
    Ok(Diff { became_public, changes })
}

/// One of the two sites.
struct Side<'s> {
    site: &'s Site,
    atlas: Atlas<'s>,
    exposure: Exposure,
}

/// One question to both sites.
struct Asks<'a> {
    zone: &'a ZoneName,
    name: &'a str,
    path: &'a RulePath,
}

impl<'s> Side<'s> {
    fn new(site: &'s Site, names: &Names) -> Result<Self, ViewError> {
        Ok(Self { site, atlas: Atlas::new(site, names)?, exposure: Exposure::new(site)? })
    }

    /// Whether the zone is public here and may ask.
    fn is_public(&self, asks: &Asks<'_>) -> bool {
        let public = self.site.zones().get(asks.zone).is_some_and(|zone| zone.public);
        public && self.exposure.allows(asks.zone, asks.name, asks.path)
    }

    fn way(&self, node: &NodeId, asks: &Asks<'_>) -> Option<Course> {
        if self.site.zone_of(node)? != asks.zone {
            return None;
        }
        let start = Start {
            node,
            source_zone: asks.zone.as_str(),
            host: asks.name.as_bytes(),
            path: asks.path.as_str().as_bytes(),
        };
        self.atlas.journey(&start).as_ref().map(Course::from)
    }
}

/// What changes from one node; `None` where nothing does.
fn node_change(old: &Side<'_>, new: &Side<'_>, node: &NodeId, asks: &Asks<'_>) -> Option<NodeChange> {
    let (old, new) = (old.way(node, asks), new.way(node, asks));
    let refused = |way: &Course| way.result == End::Refuse;
    let same = match (&old, &new) {
        (Some(old), Some(new)) => old == new,
        // A node that is new, or gone, takes nothing from anybody where it refuses.
        (Some(only), None) | (None, Some(only)) => refused(only),
        (None, None) => true,
    };
    (!same).then(|| NodeChange { node: node.to_string(), old, new })
}

/// The nodes of a zone to ask from: those that it has in both sites; where it has none in both, those of either.
fn nodes<'s>(old: &'s Site, new: &'s Site, zone: &ZoneName) -> Vec<&'s NodeId> {
    let of = |site: &'s Site| -> BTreeSet<&'s NodeId> {
        site.zones().get(zone).into_iter().flat_map(|zone| zone.nodes.keys()).collect()
    };
    let (old, new) = (of(old), of(new));
    let both: Vec<_> = old.intersection(&new).copied().collect();
    if both.is_empty() { old.union(&new).copied().collect() } else { both }
}

/// Every host of either site with a name that it matches, and every path of it in either.
fn asked<'s>(old: &'s Site, new: &'s Site) -> BTreeMap<&'s HostPattern, (String, BTreeSet<&'s RulePath>)> {
    let hosts = || old.hosts().iter().chain(new.hosts());
    let mut label = "any".to_owned();
    while hosts().any(|(pattern, _)| pattern.suffix().split('.').any(|part| part == label)) {
        label.push('y');
    }
    let mut asked = BTreeMap::new();
    for (pattern, host) in hosts() {
        let (_, paths) = asked.entry(pattern).or_insert_with(|| (a_name(pattern, &label), BTreeSet::new()));
        paths.extend(host.rules.keys());
    }
    asked
}

/// A name that this pattern matches and no other pattern of the site that does not cover it.
fn a_name(pattern: &HostPattern, label: &str) -> String {
    let suffix = pattern.suffix();
    match pattern.kind() {
        PatternKind::Exact => suffix.to_owned(),
        PatternKind::OneLabel => format!("{label}.{suffix}"),
        // Two labels: one might be another pattern's, `*.suffix`.
        PatternKind::AnyLabels => format!("{label}.{label}.{suffix}"),
    }
}

/// An address of its own for every name: from 100::/64, which leads nowhere (RFC 6666).
fn placeholders(old: &Site, new: &Site) -> Names {
    let names: BTreeSet<&str> = old.names().into_iter().chain(new.names()).collect();
    let address = |number: u64| IpAddr::V6(Ipv6Addr::from_bits((0x0100_u128 << 112) | u128::from(number)));
    names.into_iter().zip((1..).map(address)).collect()
}

impl From<&Journey<'_>> for Course {
    fn from(journey: &Journey<'_>) -> Self {
        let hop = |hop: &Hop<'_>| CourseHop {
            zone: hop.zone.to_owned(),
            node: hop.node.to_owned(),
            role: hop.role,
            action: hop.decision.action,
            reason: hop.decision.reason,
            status: hop.decision.status,
            next: hop.next.iter().map(|node| (*node).to_owned()).collect(),
        };
        Self { hops: journey.hops.iter().map(hop).collect(), result: journey.result }
    }
}
