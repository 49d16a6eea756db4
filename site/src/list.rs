//! What a zone may ask for, where it is served, and what made it so.

use serde::Serialize;
use zoneway_core::fault::Step;
use zoneway_core::name::ZoneName;

use crate::site::{ExposedBy, Rule, Site};
use crate::wire::Prefer;

/// What a source zone may ask for. Its JSON is stable: `{"source_zone", "entries"}`, an entry being
/// `{"host", "path", "exposed_to", "prefer", "service", "served_by", "because"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Listing<'a> {
    /// The zone that asks.
    pub source_zone: &'a str,
    /// Every host and path that it may ask for, by host, then path.
    pub entries: Vec<Listed<'a>>,
}

/// One path of one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Listed<'a> {
    /// The name or pattern.
    pub host: &'a str,
    /// The path, as a prefix.
    pub path: &'a str,
    /// Every zone that may ask for it.
    pub exposed_to: Vec<&'a str>,
    /// Who serves it where several nodes run it.
    pub prefer: Prefer,
    /// The service that serves it; `null` where nothing does.
    pub service: Option<&'a str>,
    /// Where that runs; empty where it runs nowhere.
    pub served_by: Vec<ServedBy<'a>>,
    /// What made it so.
    pub because: Because,
}

/// A service on one node: `{"zone", "node", "weight", "addresses"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServedBy<'a> {
    /// The node's zone.
    pub zone: &'a str,
    /// Its id.
    pub node: &'a str,
    /// Its share; 0 takes nothing.
    pub weight: u64,
    /// Where its Envoy finds the service.
    pub addresses: Vec<String>,
}

/// The places in the site that made an entry so: `{"rule", "exposure", "service"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Because {
    /// Where the path is written.
    pub rule: String,
    /// Where its exposure is: the path's `expose_to`, the host's, or the settings' home.
    pub exposure: String,
    /// Where its service is; `null` without one.
    pub service: Option<String>,
}

/// Every host and path that a zone may ask for.
#[must_use]
pub fn list<'a>(site: &'a Site, source: &'a ZoneName) -> Listing<'a> {
    let mut entries = Vec::new();
    for (pattern, host) in site.hosts() {
        for (path, rule) in host.rules.iter().filter(|(_, rule)| rule.exposed_to.contains(source)) {
            let served_by = site.served_at(rule).filter_map(|(node, served)| {
                Some(ServedBy {
                    zone: site.zone_of(node)?.as_str(),
                    node: node.as_str(),
                    weight: served.weight,
                    addresses: served.addresses.iter().map(ToString::to_string).collect(),
                })
            });
            let mut served_by: Vec<ServedBy<'_>> = served_by.collect();
            served_by.sort_unstable_by_key(|served| (served.zone, served.node));
            entries.push(Listed {
                host: pattern.as_str(),
                path: path.as_str(),
                exposed_to: rule.exposed_to.iter().map(ZoneName::as_str).collect(),
                prefer: host.prefer,
                service: rule.service.as_deref(),
                served_by,
                because: because(pattern.as_str(), path.as_str(), rule),
            });
        }
    }
    Listing { source_zone: source.as_str(), entries }
}

fn because(host: &str, path: &str, rule: &Rule) -> Because {
    let host = format!("hosts{}", Step(host));
    let written = if rule.short { host.clone() } else { format!("{host}.paths{}", Step(path)) };
    let exposure = match rule.exposed_by {
        ExposedBy::Path => format!("{written}.expose_to"),
        ExposedBy::Host => format!("{host}.expose_to"),
        ExposedBy::Home => "settings.home".to_owned(),
    };
    let service = rule.service.as_ref().map(|name| format!("services{}", Step(name)));
    Because { rule: written, exposure, service }
}
