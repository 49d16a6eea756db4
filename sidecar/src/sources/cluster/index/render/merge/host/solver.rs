//! Solvers of certificates' challenges: who writes one can get a certificate for the host, so its path is exposed as its own
//! namespace has the host, and no further.

use std::collections::BTreeMap;

use zoneway_core::name::HostPattern;

use super::super::super::super::super::picture::Reason;
use super::super::super::super::digest::meta::RouteMeta;
use super::super::super::super::words::ACME_PATH;
use super::super::super::Notes;
use super::super::super::claim::Holders;
use super::super::super::topology::Topology;
use super::super::super::zone_set::ZoneSet;
use super::HostMerge;

/// To whom a host is open, solvers' paths aside.
pub(in super::super) struct Standing<'a> {
    whole: ZoneSet,
    /// Of each namespace that has something of it, to whom that is open.
    by_namespace: BTreeMap<&'a str, ZoneSet>,
}

impl<'a> HostMerge<'a> {
    /// To whom it is open.
    pub(in super::super) fn standing(&self, holders: &Holders<'a>) -> Standing<'a> {
        let mut standing = Standing { whole: ZoneSet::default(), by_namespace: BTreeMap::new() };
        for (_, rule) in self.rules.iter().filter(|(path, rule)| !is_solver(path, rule.by)) {
            standing.whole = standing.whole | rule.exposed_to;
            // Whatever its path, what has a solver's label stands for no host.
            if !rule.by.solver {
                let its = standing.by_namespace.entry(rule.by.namespace()).or_default();
                *its = *its | rule.exposed_to;
            }
        }
        let whose = |(host, _): &&(_, &'a str)| *host == self.host;
        for (_, namespace) in holders.range((self.host.clone(), "")..).take_while(whose) {
            standing.by_namespace.insert(*namespace, standing.whole);
        }
        standing
    }

    /// Certificates are asked for where the host is: a solver's path is exposed as what its namespace has of the host, or of
    /// the wildcard that would answer for it.
    pub(in super::super) fn expose_solvers<'w>(
        &mut self,
        covering: impl FnOnce(&HostPattern) -> Option<&'w Standing<'a>>,
        holders: &Holders<'a>,
        topology: &Topology,
        notes: &mut Notes,
    ) where
        'a: 'w,
    {
        if !self.rules.iter().any(|(path, rule)| is_solver(path, rule.by)) {
            return;
        }
        let own = self.standing(holders);
        let alone = self.rules.iter().all(|(path, rule)| is_solver(path, rule.by));
        let Some(standing) = (if alone { covering(&self.pattern) } else { Some(&own) }) else { return };
        let mut rules = std::mem::take(&mut self.rules);
        for (path, rule) in &mut rules {
            if !is_solver(path, rule.by) || rule.by.expose_to.is_some() || rule.hidden {
                continue;
            }
            let namespace = rule.by.namespace();
            let its = standing.by_namespace.get(namespace).copied().unwrap_or_default();
            rule.exposed_to = rule.exposed_to | its;
            if !standing.whole.within(rule.exposed_to) {
                let message = format!(
                    "{}{path} is not exposed as the host is, and a certificate may not come of it: namespace \"{namespace}\" \
                     has nothing of that host that is exposed so: ask for the certificate in the namespace that has it, or \
                     say `expose-to` on the solver or its namespace",
                    self.host
                );
                notes.add(&rule.by.object, Reason::ExposureCut, message);
            }
            rule.allow(&self.pattern, path, topology, notes);
            self.share(path, rule, topology, notes);
        }
        self.rules = rules;
    }
}

/// Whether cert-manager's solver answers at a path.
pub(in super::super) fn is_solver(path: &str, by: &RouteMeta) -> bool {
    by.solver && path.strip_prefix(ACME_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
