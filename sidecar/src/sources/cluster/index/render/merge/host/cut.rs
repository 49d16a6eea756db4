//! Where a path matches more or less here than at the controller, one rule answers for requests that are another one's there: it is
//! open to no more than both are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zoneway_core::name::HostPattern;

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
            let refusing = topology.refusing(claim.exposed_to, claim.by.namespace(), &self.pattern);
            let open_to = refusing.fold(claim.exposed_to, ZoneSet::without);
            rule.cut(&self.pattern, path, open_to, topology, notes, |host, kept| {
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
                     is exposed to fewer: end it with a slash, in an Ingress use `Prefix`, or expose the two alike"
                )
            });
        }
        // `/foo` alone there leaves `/foo/x` to the rule around it, for which this one answers here; a condition leaves what
        // does not meet it. A certificate's solver has nothing below it.
        let begun = self.begun();
        for path in declared.keys() {
            let Some(rule) = self.rules.get(path).filter(|rule| !rule.whole && !is_solver(path, rule.by))
            else {
                continue;
            };
            let (conditional, below) = (rule.conditional, rule.matching.contains(&Matching::Below));
            // What is around it, and whatever text it begins with.
            let texts = core::iter::successors(begun.get(path), |text| begun.get(*text));
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

    /// The longest other text that a path begins with, for each that begins with one: one object may have thousands of
    /// paths, which are not compared each with each.
    fn begun(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        let mut begun = BTreeMap::new();
        // In their order what begins with a text follows it, and so does what begins with a longer one.
        let mut texts: Vec<&Arc<str>> = Vec::new();
        for (path, rule) in &self.rules {
            while texts.pop_if(|text| !path.starts_with(text.as_ref())).is_some() {}
            if let Some(text) = texts.last() {
                begun.insert(Arc::clone(path), Arc::clone(text));
            }
            if rule.matching.contains(&Matching::Text) {
                texts.push(path);
            }
        }
        begun
    }

    fn cut_to(
        &mut self,
        path: &Arc<str>,
        limit: ZoneSet,
        topology: &Topology,
        notes: &mut Notes,
        message: impl FnOnce(&str, &str) -> String,
    ) {
        if let Some(rule) = self.rules.get_mut(path) {
            rule.cut(&self.pattern, path, limit, topology, notes, message);
        }
    }
}

impl RuleMerge<'_> {
    /// Takes away who is not within a limit. `message`: why, made of the host and of who is left.
    fn cut(
        &mut self,
        host: &HostPattern,
        path: &str,
        limit: ZoneSet,
        topology: &Topology,
        notes: &mut Notes,
        message: impl FnOnce(&str, &str) -> String,
    ) {
        if self.exposed_to.within(limit) {
            return;
        }
        self.exposed_to = self.exposed_to & limit;
        let kept: Vec<&str> = topology.named(self.exposed_to).collect();
        let kept = if kept.is_empty() { "nobody".to_owned() } else { kept.join(", ") };
        let message = format!("{host}{path} {}", message(host.as_str(), &kept), host = host.as_str());
        notes.add(&self.by.object, Reason::ExposureCut, message);
    }
}
