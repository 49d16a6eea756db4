//! Who may ask for what, in the site as a whole: no view shows that, for a public one names no host but its own.

use zoneway_core::decision::{Here, Peer, Policy, Reason, Request, Role, Trail, decide};
use zoneway_core::layout::Layout;
use zoneway_core::name::{RulePath, ZoneName};
use zoneway_core::table::wire::{self, Revision};
use zoneway_core::table::{Limits, TABLE_VERSION, Table};

use crate::site::{Host, Site};
use crate::view::ViewError;

/// A table of every host, of each path's exposure, and of no backend: `core::decide` finds the entry and the rule.
pub(super) struct Exposure {
    table: Option<Layout>,
}

/// No node of a site, for a node's id has no capitals.
const NOBODY: &str = "NOBODY";

impl Exposure {
    pub(super) fn new(site: &Site) -> Result<Self, ViewError> {
        let Some(zone) = site.zones().keys().next() else { return Ok(Self { table: None }) };
        let wire = wire::Table {
            version: TABLE_VERSION,
            revision: Revision::default(),
            view: zone.to_string(),
            zones: site.zones().keys().map(|zone| (zone.to_string(), wire::Zone::default())).collect(),
            hosts: site.hosts().iter().map(|(pattern, host)| whole(pattern.as_str(), host)).collect(),
        };
        // It is never sent anywhere, so only what a layout can hold limits it.
        let limits = Limits { hosts: usize::MAX, rules: usize::MAX, ..Limits::default() };
        let table = Table::check(wire, &limits)
            .map_err(|faults| ViewError::Refused { zone: zone.clone(), faults })?;
        Ok(Self { table: Some(Layout::compile(&table)) })
    }

    /// Whether a zone may ask for a path of a host.
    pub(super) fn allows(&self, source: &ZoneName, host: &str, path: &RulePath) -> bool {
        let Some(table) = &self.table else { return false };
        let request = Request {
            host: host.as_bytes(),
            path: path.as_str().as_bytes(),
            role: Role::Ingress,
            source_zone: source.as_str().as_bytes(),
            trail: Trail::Items(&[]),
            loops: 0,
            peer: Peer::Unchecked,
        };
        let here = Here { zone: table.view(), node: NOBODY };
        let decision = decide(Some(table), &here, &Policy::default(), &request, &mut || None);
        // Nothing is served in this table, so who may ask hears just that.
        decision.reason() == Reason::NoBackend
    }
}

fn whole(pattern: &str, host: &Host) -> wire::Host {
    let texts =
        |zones: &mut dyn Iterator<Item = &ZoneName>| zones.map(ToString::to_string).collect::<Vec<_>>();
    let union: std::collections::BTreeSet<&ZoneName> =
        host.rules.values().flat_map(|rule| rule.exposed_to.iter()).collect();
    let rules = host.rules.iter().map(|(path, rule)| wire::Rule {
        path: path.to_string(),
        exposed_to: Some(texts(&mut rule.exposed_to.iter())),
        backends: None,
    });
    wire::Host {
        host: pattern.to_owned(),
        exposed_to: texts(&mut union.into_iter()),
        prefer: None,
        rules: Some(rules.collect()),
    }
}
