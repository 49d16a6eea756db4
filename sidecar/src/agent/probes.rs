//! Which of the nodes and gateways that an Envoy dials are out: three probes failed in a row, and 30 s of health have not
//! passed since. A state machine without I/O.
//!
//! Envoy probes (its health checks say so after the third failure); what is done about it is [`without()`]'s.

mod without;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use zoneway_core::name::{Address, NodeId};
use zoneway_core::table::wire;

use super::feed::Time;
use super::listing::{Listing, Probed};
use crate::envoy::{PEERS, zone_cluster_name};
pub(crate) use without::without;

/// How long something has to be well before it is back (DESIGN, "What happens when"), where the configuration does not say.
pub(crate) const BACK_AFTER: Duration = Duration::from_secs(30);
/// How long something that was never well has to fail. Where a whole site starts at once, some of it is there later than the
/// rest, and Envoy's very first probe counts for three.
const NEVER_WELL: Duration = Duration::from_secs(120);

/// How long ago something may have gone out by a first probe, when Envoy is found to have started anew.
const JUST_NOW: Duration = Duration::from_secs(5);

/// What is probed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// Another node of this zone.
    Node(String),
    /// The link to a zone, by one of its gateways.
    Gateway {
        /// The zone.
        to: String,
        /// The gateway.
        node: String,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "node {node}"),
            Self::Gateway { to, node } => write!(f, "the link to {to} by {node}"),
        }
    }
}

/// What Envoy says of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Its last probe succeeded, or not three failed.
    Well,
    /// Three failed in a row.
    Failed,
    /// It was not probed yet.
    Unknown,
}

/// The state machine of one Envoy's probes.
#[derive(Debug)]
pub(crate) struct Probes {
    back_after: Duration,
    subjects: BTreeMap<Subject, Health>,
}

#[derive(Debug, Default)]
struct Health {
    out: bool,
    was_well: bool,
    /// Since when it has been what it is now: well, or failing.
    since: Option<(bool, Time)>,
}

impl Probes {
    /// Nothing was seen yet.
    pub(crate) fn new(back_after: Duration) -> Self {
        Self { back_after, subjects: BTreeMap::new() }
    }

    /// What Envoy says now of everything that is probed; what is not among it is forgotten. Gives whether anything went
    /// out or came back.
    pub(crate) fn saw(&mut self, seen: &BTreeMap<Subject, Seen>, now: Time) -> bool {
        let before = self.out();
        self.subjects.retain(|subject, _| seen.contains_key(subject));
        for (subject, seen) in seen {
            let health = self.subjects.entry(subject.clone()).or_default();
            let is_well = match seen {
                Seen::Unknown => continue,
                Seen::Well => true,
                Seen::Failed => false,
            };
            let since = match health.since {
                Some((was, since)) if was == is_well => since,
                _ => now,
            };
            health.since = Some((is_well, since));
            let lasted = now.saturating_sub(since);
            if is_well {
                health.was_well = true;
                health.out &= lasted < self.back_after;
            } else if health.was_well || lasted >= NEVER_WELL {
                health.out = true;
            }
        }
        before != self.out()
    }

    /// Envoy has started anew: to the new one nothing was ever well, and its first probe counts for three. What was out before
    /// stays out. Gives whether anything came back.
    pub(crate) fn restarted(&mut self, now: Time) -> bool {
        let before = self.out();
        for health in self.subjects.values_mut() {
            let is_first_probe =
                matches!(health.since, Some((false, since)) if now.saturating_sub(since) < JUST_NOW);
            if !health.out || is_first_probe {
                *health = Health::default();
            }
        }
        before != self.out()
    }

    /// What is out.
    pub(crate) fn out(&self) -> BTreeSet<Subject> {
        self.subjects.iter().filter(|(_, health)| health.out).map(|(subject, _)| subject.clone()).collect()
    }
}

/// What a table has a node dial, by cluster and address.
pub(crate) fn dialled(table: &wire::Table, here: &NodeId) -> BTreeMap<Subject, (String, SocketAddr)> {
    let Some(zone) = table.zones.get(&table.view) else { return BTreeMap::new() };
    let socket = |address: &str| Address::parse(address).ok().map(|address| address.socket_addr());
    let others = zone.nodes.iter().flatten().filter(|(id, _)| id.as_str() != here.as_str());
    let nodes = others.filter_map(|(id, node)| {
        Some((Subject::Node(id.clone()), (PEERS.to_owned(), socket(&node.address)?)))
    });
    let gateways = zone.links.iter().flatten().flat_map(|link| {
        link.gateways.iter().flatten().filter_map(|gateway| {
            let subject = Subject::Gateway { to: link.to.clone(), node: gateway.node.clone() };
            Some((subject, (zone_cluster_name(&link.to), socket(gateway.address.as_deref()?)?)))
        })
    });
    nodes.chain(gateways).collect()
}

/// Reads off what Envoy's `/clusters?format=json` says of them.
///
/// # Errors
/// When the listing is no JSON.
pub(crate) fn seen(
    dialled: &BTreeMap<Subject, (String, SocketAddr)>,
    listing: &[u8],
) -> Result<BTreeMap<Subject, Seen>, serde_json::Error> {
    let listing: Listing<'_> = serde_json::from_slice(listing)?;
    let mut members: BTreeMap<(&str, SocketAddr), Seen> = BTreeMap::new();
    for cluster in listing.cluster_statuses.iter().filter(|cluster| cluster.name.starts_with("zoneway/")) {
        for member in &cluster.host_statuses {
            let Some(address) = member.address() else { continue };
            let seen = match member.health_status {
                Probed { pending_active_hc: true, .. } => Seen::Unknown,
                Probed { failed_active_health_check: true, .. } => Seen::Failed,
                Probed { .. } => Seen::Well,
            };
            members.insert((&cluster.name, address), seen);
        }
    }
    let seen = |(cluster, address): &(String, SocketAddr)| {
        members.get(&(cluster.as_str(), *address)).copied().unwrap_or(Seen::Unknown)
    };
    Ok(dialled.iter().map(|(subject, place)| (subject.clone(), seen(place))).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{Probes, Seen, Subject};

    fn node() -> Subject {
        Subject::Node("a".to_owned())
    }

    /// Tells a node's health second by second (`.` well, `x` failed, `?` unknown, `R` Envoy started anew) and gives when it was out.
    fn outs(story: &str) -> String {
        let mut probes = Probes::new(super::BACK_AFTER);
        let mut outs = String::new();
        for (second, what) in story.chars().enumerate() {
            let seen = match what {
                '.' => Seen::Well,
                'x' => Seen::Failed,
                _ => Seen::Unknown,
            };
            let was = !probes.out().is_empty();
            let now = Duration::from_secs(second as u64);
            let changed = match what {
                'R' => probes.restarted(now),
                _ => probes.saw(&BTreeMap::from([(node(), seen)]), now),
            };
            let is = !probes.out().is_empty();
            assert_eq!(changed, was != is, "{story} at {second}");
            outs.push(if is { 'o' } else { '-' });
        }
        outs
    }

    #[test]
    fn what_failed_is_out_at_once_and_back_after_half_a_minute_of_health() {
        let well = ".".repeat(31);
        assert_eq!(outs(&format!(".x{well}")), format!("-o{}-", "o".repeat(30)));
    }

    #[test]
    fn the_first_probe_of_an_envoy_that_started_anew_counts_for_one_whether_that_is_known_before_it_or_after()
    {
        assert_eq!(outs(".Rxx.x"), "-----o");
        assert_eq!(outs(".xR."), "-o--");
        // What was out before stays out.
        let well = ".".repeat(31);
        assert_eq!(outs(&format!(".xxxxxxR{well}")), format!("-{}-", "o".repeat(7 + 30)));
    }

    #[test]
    fn a_failure_begins_the_half_minute_anew() {
        let story = format!(".x{}x{}", ".".repeat(29), ".".repeat(31));
        assert_eq!(outs(&story), format!("-{}-", "o".repeat(1 + 29 + 1 + 30)));
    }

    #[test]
    fn what_was_never_well_goes_out_too_but_not_by_its_first_probe() {
        let failed = "x".repeat(120);
        assert_eq!(outs(&format!("?{failed}x")), format!("-{}o", "-".repeat(120)));
        assert_eq!(outs(&format!("?{failed}.")), "-".repeat(122));
    }

    #[test]
    fn what_is_unknown_changes_nothing() {
        assert_eq!(outs(".x???"), "-oooo");
        assert_eq!(outs("...??"), "-----");
    }

    #[test]
    fn what_is_not_dialled_any_more_is_forgotten() {
        let mut probes = Probes::new(super::BACK_AFTER);
        probes.saw(&BTreeMap::from([(node(), Seen::Well)]), Duration::ZERO);
        assert!(probes.saw(&BTreeMap::from([(node(), Seen::Failed)]), Duration::from_secs(1)));
        assert!(probes.saw(&BTreeMap::new(), Duration::from_secs(2)));
        assert!(probes.out().is_empty());
    }
}
