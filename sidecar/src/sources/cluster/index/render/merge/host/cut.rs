//! Where a path matches more or less here than at the controller, one rule answers for requests that are another one's there: it is
//! open to no more than both are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::super::super::super::picture::Reason;
use super::super::super::super::digest::path::Matching;
use super::super::super::Notes;
use super::super::super::claim::{Claim, Where};
use super::super::super::topology::Topology;
use super::super::super::zone_set::ZoneSet;
use super::{HostMerge, RuleMerge, is_solver, parent};

impl<'a> HostMerge<'a> {
    /// Of the requests of a path the controller hands some to another object, where it tells the two apart: by another kind of
    /// path, or by conditions. Here one rule answers for all of them, so it is open to whom both are.
    pub(super) fn share(
        &self,
        path: &Arc<str>,
        rule: &mut RuleMerge<'_>,
        claims: &[Claim<'a>],
        topology: &Topology,
        notes: &mut Notes,
    ) {
        for claim in claims.iter().filter(|claim| claim.by.object != rule.by.object) {
            let is_same = rule.matching.contains(&claim.matching) && claim.matching != Matching::Regex;
            let is_served = !matches!(claim.goes, Where::Answered | Where::Unserved);
            if !is_served || (is_same && !claim.conditional && !rule.conditional) {
                continue;
            }
            let open_to = topology.allowed.iter().fold(claim.exposed_to, |open, (zone, allowed)| {
                if allowed.allows(claim.by.namespace(), &self.pattern) { open } else { open.without(*zone) }
            });
            self.cut_rule(rule, path, open_to, topology, notes, |host, kept| {
                format!(
                    "is exposed to {kept} alone: some requests of {host}{path} are {}'s, which is exposed to fewer: give \
                     the two different paths, or expose them alike",
                    claim.by.object
                )
            });
        }
    }

    /// Cuts exposures where a path matches more or less here than at the controller.
    pub(in super::super) fn cut(&mut self, topology: &Topology, notes: &mut Notes) {
        if self.rules.len() < 2 {
            // There is nothing around the one.
            return;
        }
        let declared: BTreeMap<Arc<str>, ZoneSet> =
            self.rules.iter().map(|(path, rule)| (Arc::clone(path), rule.exposed_to)).collect();
        let around = |path: &str| {
            let above = core::iter::successors(parent(path), |path| parent(path));
            let mut above = above.filter_map(|above| declared.get_key_value(above));
            above.next().map(|(path, _)| Arc::clone(path))
        };
        // `/foo` as a text matches `/foobar` there, for which the rule around it answers here.
        for (path, exposed_to) in &declared {
            let text = self
                .rules
                .get(path)
                .is_some_and(|rule| rule.matching.contains(&Matching::Text) && !rule.unserved);
            let Some(outer) = around(path).filter(|_| text && path.as_ref() != "/") else { continue };
            self.cut_to(&outer, *exposed_to, topology, notes, |host, kept| {
                format!(
                    "is exposed to {kept} alone: {host}{path} matches whatever begins with that text, `{path}x` too, and \
                     is exposed to fewer: use `Prefix`, or expose the two alike"
                )
            });
        }
        // `/foo` alone there leaves `/foo/x` to the rule around it, for which this one answers here; a condition leaves what
        // does not meet it. A certificate's solver has nothing below it.
        for path in declared.keys() {
            let Some(rule) = self.rules.get(path).filter(|rule| !rule.whole && !is_solver(path, rule.by))
            else {
                continue;
            };
            let (conditional, below) = (rule.conditional, rule.matching.contains(&Matching::Below));
            // What is around it, and whatever text it begins with.
            let begins = |other: &Arc<str>, rule: &RuleMerge<'_>| {
                other != path && rule.matching.contains(&Matching::Text) && path.starts_with(other.as_ref())
            };
            let texts = self.rules.iter().filter(|(other, rule)| begins(other, rule)).map(|(other, _)| other);
            let outers: BTreeSet<Arc<str>> = around(path).into_iter().chain(texts.cloned()).collect();
            for outer in outers {
                let limit = self.rules.get(&outer).filter(|rule| !rule.unserved).map(|rule| rule.exposed_to);
                let Some(limit) = limit else { continue };
                self.cut_to(path, limit, topology, notes, |host, kept| match (conditional, below) {
                    (true, _) => format!(
                        "is exposed to {kept} alone: what does not meet its conditions on headers, queries or methods is \
                         {outer}'s at the controller, and is not told apart here: expose the two alike"
                    ),
                    (false, true) => format!(
                        "is exposed to {kept} alone: {host}{path} itself is {outer}'s at the controller, since the text \
                         ends with a slash: leave that out, use `Prefix`, or expose the two alike"
                    ),
                    (false, false) => format!(
                        "is exposed to {kept} alone: a rule's path is a prefix, so it would open all of {host}{path}/ to \
                         whoever may ask for it, which is {outer}'s: use `Prefix` if all below may be asked for"
                    ),
                });
            }
        }
    }

    fn cut_to(
        &mut self,
        path: &Arc<str>,
        limit: ZoneSet,
        topology: &Topology,
        notes: &mut Notes,
        message: impl FnOnce(&str, &str) -> String,
    ) {
        let Some(mut rule) = self.rules.remove(path) else { return };
        self.cut_rule(&mut rule, path, limit, topology, notes, message);
        self.rules.insert(Arc::clone(path), rule);
    }

    fn cut_rule(
        &self,
        rule: &mut RuleMerge<'_>,
        path: &str,
        limit: ZoneSet,
        topology: &Topology,
        notes: &mut Notes,
        message: impl FnOnce(&str, &str) -> String,
    ) {
        if rule.exposed_to.within(limit) {
            return;
        }
        rule.exposed_to = rule.exposed_to & limit;
        let kept: Vec<&str> = topology.named(rule.exposed_to).collect();
        let kept = if kept.is_empty() { "nobody".to_owned() } else { kept.join(", ") };
        let message = format!("{}{path} {}", self.host, message(&self.host, &kept));
        notes.add(&rule.by.object, Reason::ExposureCut, message);
    }
}
