//! Rules 3 to 6: which hosts and paths a view has, for whom, and served by whom.

use std::collections::{BTreeMap, BTreeSet};

use zoneway_core::name::{HostPattern, NodeId, RulePath, ZoneName};
use zoneway_core::table::wire;

use super::Seen;
use crate::site::{Host, Rule};

/// The most that a zone backend's weight may be (rule 6).
const MOST: u64 = 1_000_000;

/// A rule with what of its exposure this view has.
struct SeenRule<'a> {
    path: &'a RulePath,
    rule: &'a Rule,
    exposed_to: BTreeSet<&'a ZoneName>,
    /// Whether a node of the view's zone serves it.
    here: bool,
}

impl Seen<'_> {
    /// The host as this view has it; `None` where the view does not have it.
    pub(super) fn host(&self, pattern: &HostPattern, host: &Host) -> Option<wire::Host> {
        let mut rules: Vec<SeenRule<'_>> =
            host.rules.iter().map(|(path, rule)| self.rule(path, rule)).collect();
        if self.own.public {
            // Rule 5, first half.
            rules.retain(|rule| rule.here || rule.exposed_to.contains(self.zone));
        }
        let here = rules.iter().any(|rule| rule.here);
        // Rule 3: a host's exposure is the union of its rules'.
        let exposed = |zone: &ZoneName| rules.iter().any(|rule| rule.exposed_to.contains(zone));
        // Rule 4.
        if !here && !self.own.speaks_for.iter().any(exposed) {
            return None;
        }
        if self.own.public && !here {
            // Rule 5, second half.
            rules.iter_mut().for_each(|rule| rule.exposed_to.retain(|zone| *zone == self.zone));
        }
        let union: BTreeSet<&ZoneName> = rules.iter().flat_map(|rule| &rule.exposed_to).copied().collect();
        let rules: Vec<wire::Rule> = rules.iter().map(|rule| self.written(rule, &union)).collect();
        Some(wire::Host {
            host: pattern.to_string(),
            exposed_to: texts(&union),
            prefer: Some(host.prefer).filter(|prefer| *prefer != wire::Prefer::default()),
            rules: Some(rules).filter(|rules| !rules.is_empty()),
        })
    }

    fn rule<'a>(&'a self, path: &'a RulePath, rule: &'a Rule) -> SeenRule<'a> {
        let here = self.backends(rule).any(|(zone, _, _)| zone == self.zone);
        SeenRule { path, rule, exposed_to: rule.exposed_to.iter().collect(), here }
    }

    /// The nodes that serve a rule and are there, each with its zone and weight.
    fn backends<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = (&'a ZoneName, &'a NodeId, u64)> {
        self.site.served_at(rule).filter_map(|(node, served)| {
            let zone = self.site.zone_of(node)?;
            self.is_there(node).then_some((zone, node, served.weight))
        })
    }

    fn written(&self, rule: &SeenRule<'_>, host: &BTreeSet<&ZoneName>) -> wire::Rule {
        let mut nodes = Vec::new();
        let mut zones: BTreeMap<&ZoneName, u64> = BTreeMap::new();
        for (zone, node, weight) in self.backends(rule.rule) {
            if zone == self.zone {
                let node = Some(node.to_string());
                nodes.push(wire::Backend { node, weight: written_weight(weight), zone: None });
            } else {
                let sum = zones.entry(zone).or_default();
                *sum = sum.saturating_add(weight).min(MOST);
            }
        }
        let zones = zones.into_iter().map(|(zone, weight)| wire::Backend {
            zone: Some(zone.to_string()),
            weight: written_weight(weight),
            node: None,
        });
        let backends: Vec<_> = nodes.into_iter().chain(zones).collect();
        wire::Rule {
            path: rule.path.to_string(),
            exposed_to: (rule.exposed_to != *host).then(|| texts(&rule.exposed_to)),
            backends: Some(backends).filter(|backends| !backends.is_empty()),
        }
    }
}

fn texts(zones: &BTreeSet<&ZoneName>) -> Vec<String> {
    zones.iter().map(ToString::to_string).collect()
}

fn written_weight(weight: u64) -> Option<u64> {
    Some(weight).filter(|weight| *weight != 1)
}
