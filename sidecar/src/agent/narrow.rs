//! The table for the moment in which a node's own routes change.
//!
//! A table decides who may ask for a path, a route decides which service answers it, and Envoy takes the two one after
//! the other. Between them an old decision would meet a new route, or a new decision an old one: a service that was
//! exposed to few would answer those that another one was exposed to. So where both change, a table comes first that
//! allows each path only to whom both the old and the new one do. Who may ask before and after is served all the while.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use zoneway_core::name::{HostPattern, PatternKind};
use zoneway_core::table::wire::{self, Host, Rule};
use zoneway_core::table::{Limits, Table};
use zoneway_site::Sheet;

/// The old view, with each host and path exposed to no zone that the new one does not expose it to. `None` where the
/// old one is that already, or where the two are too large together to be one table.
///
/// What the new view does not answer at all stays as it is: no new route takes its place.
pub(crate) fn narrowed(old: &Sheet, new: &Sheet) -> Option<Sheet> {
    let (before, after) = old.differences(new).ok()?;
    let hosts = narrower(&before, &after);
    let all = wire::Table { hosts: hosts.clone(), ..old.frame().wire().clone() };
    Table::try_from(all).ok()?;
    let fits = |view: &Sheet| view.hosts() <= Limits::default().hosts;
    Some(old.with(&hosts)).filter(|view| !hosts.is_empty() && fits(view))
}

/// The entries that take the place of the old table's, or stand beside them.
fn narrower(old: &Table, new: &Table) -> Vec<Host> {
    let (old_hosts, new_hosts) = (Hosts::of(old), Hosts::of(new));
    let patterns = old_hosts.by_pattern.keys().chain(new_hosts.by_pattern.keys()).collect::<BTreeSet<_>>();
    let narrower =
        |pattern: &&HostPattern| both(pattern, old_hosts.answering(pattern)?, new_hosts.answering(pattern)?);
    patterns.iter().filter_map(narrower).collect()
}

/// An entry for a pattern that exposes what both do; `None` where the first exposes no more than the second.
fn both(pattern: &HostPattern, before: &Host, after: &Host) -> Option<Host> {
    let paths = rules(before).chain(rules(after)).map(|rule| rule.path.as_str()).collect::<BTreeSet<_>>();
    let (mut rules, mut exposed_to, mut narrower) = (Vec::new(), BTreeSet::new(), false);
    for path in paths {
        let Some((rule, was)) = governing(before, path) else { continue };
        // A path that no rule of the new entry answers has no new route either.
        let stays = match governing(after, path) {
            Some((_, will)) => was.intersection(&will).copied().collect(),
            None => was.clone(),
        };
        narrower |= stays != was;
        exposed_to.extend(stays.iter().map(|zone| (*zone).to_owned()));
        let exposed = stays.into_iter().map(str::to_owned).collect();
        rules.push(Rule {
            path: path.to_owned(),
            exposed_to: Some(exposed),
            backends: rule.backends.clone(),
        });
    }
    narrower.then(|| Host {
        host: pattern.to_string(),
        exposed_to: exposed_to.into_iter().collect(),
        prefer: before.prefer,
        rules: Some(rules),
    })
}

fn rules(host: &Host) -> impl Iterator<Item = &Rule> {
    host.rules.iter().flatten()
}

/// The rule that answers a rule's path, and the zones that it is exposed to.
fn governing<'h>(host: &'h Host, path: &str) -> Option<(&'h Rule, BTreeSet<&'h str>)> {
    let covers = |rule: &&Rule| {
        let prefix = rule.path.trim_end_matches('/');
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let rule = rules(host).filter(covers).max_by_key(|rule| rule.path.len())?;
    let exposed = rule.exposed_to.as_ref().unwrap_or(&host.exposed_to);
    Some((rule, exposed.iter().map(String::as_str).collect()))
}

/// The entries of a table, by their patterns.
struct Hosts<'t> {
    by_pattern: BTreeMap<HostPattern, &'t Host>,
}

impl<'t> Hosts<'t> {
    fn of(table: &'t Table) -> Self {
        let hosts = table.wire().hosts.iter();
        // A table was checked: every pattern of it is one.
        let by_pattern =
            hosts.filter_map(|host| Some((HostPattern::parse(&host.host).ok()?, host))).collect();
        Self { by_pattern }
    }

    /// The entry that answers for the names of a pattern: its own, else the closest wildcard that has all of them.
    fn answering(&self, pattern: &HostPattern) -> Option<&'t Host> {
        if let Some(own) = self.by_pattern.get(pattern) {
            return Some(own);
        }
        let wider = self.by_pattern.iter().filter(|(other, _)| other.covers(pattern));
        // `*.` before `**.` of the same suffix, then the longest suffix: as a decision looks.
        let closest =
            wider.max_by_key(|(other, _)| (other.suffix().len(), other.kind() == PatternKind::OneLabel));
        closest.map(|(_, host)| *host)
    }
}
