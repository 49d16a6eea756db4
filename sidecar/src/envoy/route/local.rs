//! What one node serves, as virtual hosts.
//!
//! The filter has decided before: these routes answer for hosts and paths that it called local. They agree with its
//! precedence all the same, for a request must not reach another service than the one it was decided for.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use zoneway_core::name::{HostPattern, PatternKind, RulePath};

use super::super::message::set;
use super::{not_found, path_match, serve, virtual_host};

/// The hosts with a path that is served here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Local {
    hosts: BTreeMap<HostPattern, LocalHost>,
}

/// The paths of a host: the cluster that serves each, and `None` for one that is served elsewhere.
pub(crate) type LocalHost = BTreeMap<RulePath, Option<String>>;

impl Local {
    /// Adds an older picture: where both have a path, what is served here now stands, and what was served here
    /// before goes on until it is taken out.
    pub(crate) fn add(&mut self, host: &HostPattern, paths: LocalHost) {
        let entry = self.hosts.entry(host.clone()).or_default();
        for (path, cluster) in paths {
            let place = entry.entry(path).or_default();
            if place.is_none() {
                *place = cluster;
            }
        }
    }

    /// One virtual host for each exact name and for each suffix: Envoy, unlike a table, has one kind of wildcard.
    pub(super) fn virtual_hosts(&self) -> Vec<Value> {
        let served = || self.hosts.iter().filter(|(_, paths)| paths.values().any(Option::is_some));
        let mut hosts = Vec::new();
        let mut suffixes: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (host, paths) in served() {
            match host.kind() {
                PatternKind::Exact => {
                    hosts.push(virtual_host(host.as_str(), host.as_str(), routes(paths, None)))
                }
                PatternKind::OneLabel => {
                    // Ordered by their text, `**.` comes before `*.`: what is here already is the other wildcard's.
                    let entry = suffixes.entry(host.suffix()).or_default();
                    let wider = std::mem::take(entry);
                    let one_label = one_label(host.suffix());
                    entry.extend(routes(paths, Some(&one_label)));
                    entry.push(with_host(not_found(), &one_label));
                    entry.extend(wider);
                }
                PatternKind::AnyLabels => {
                    suffixes.entry(host.suffix()).or_default().extend(routes(paths, None))
                }
            }
        }
        let any_labels: BTreeMap<&str, &LocalHost> = served()
            .filter(|(host, _)| host.kind() == PatternKind::AnyLabels)
            .map(|(host, paths)| (host.suffix(), paths))
            .collect();
        for (suffix, mut own) in suffixes {
            // Envoy looks in the longest suffix alone. Names with more labels than a `*.` takes are there too, and
            // are the next shorter `**.`'s.
            if !any_labels.contains_key(suffix)
                && let Some(paths) = shorter(suffix).find_map(|shorter| any_labels.get(shorter))
            {
                own.extend(routes(paths, None));
            }
            let domain = format!("*.{suffix}");
            hosts.push(virtual_host(&domain, &domain, own));
        }
        hosts
    }
}

/// The longest path first.
fn routes(paths: &LocalHost, host: Option<&Value>) -> Vec<Value> {
    let mut paths: Vec<_> = paths.iter().collect();
    paths.sort_by(|(a, _), (b, _)| b.as_str().len().cmp(&a.as_str().len()).then_with(|| a.cmp(b)));
    let route = |(path, cluster): (&RulePath, &Option<String>)| {
        let route = match cluster {
            Some(cluster) => serve(path, cluster),
            None => json!({"match": path_match(path), "direct_response": {"status": 404}}),
        };
        host.map_or(route.clone(), |host| with_host(route, host))
    };
    paths.into_iter().map(route).collect()
}

/// The suffixes of a name, longest first, without the name itself.
fn shorter(suffix: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(suffix), |name| name.split_once('.').map(|(_, rest)| rest)).skip(1)
}

/// Matches a host that has one label before the suffix. Ports and trailing dots are gone by then, capitals are not.
fn one_label(suffix: &str) -> Value {
    let regex = format!(r"(?i)[^.]+\.{}", suffix.replace('.', r"\."));
    json!({"name": ":authority", "string_match": {"safe_regex": {"regex": regex}}})
}

fn with_host(mut route: Value, host: &Value) -> Value {
    if let Some(matching) = route.get_mut("match") {
        set(matching, "headers", json!([host]));
    }
    route
}
