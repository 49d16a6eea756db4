//! A picture with hosts of earlier ones: what went from the source and stays for now.
//!
//! All else is the new picture's: zones, nodes, what zones speak for, and the services that it still has. Of a kept
//! host, what the new picture does not know any more (zones, nodes) is left out, never widened.

use std::collections::BTreeSet;
use std::sync::Arc;

use zoneway_core::table::{self, Table};
use zoneway_site::{Site, wire};

use super::{Meant, Picture, Written};

/// The new picture with hosts from earlier ones, each named with the picture that had it. `None` where the two do not
/// go together.
pub(crate) fn with_held<'a>(
    new: &Picture,
    held: impl IntoIterator<Item = (&'a str, &'a Picture)>,
) -> Option<Meant> {
    match &new.written {
        Written::Site(site) => {
            let mut site = site.as_ref().clone();
            for (host, from) in held {
                if let Written::Site(from) = &from.written {
                    keep_in_site(&mut site, host, from);
                }
            }
            Site::try_from(&site).ok().map(|site| Meant::Site(Box::new(site)))
        }
        Written::Table(table) => {
            let mut table = table.as_ref().clone();
            for (host, from) in held {
                if let Written::Table(from) = &from.written {
                    keep_in_table(&mut table, host, from);
                }
            }
            table.hosts.sort_by(|a, b| a.host.cmp(&b.host));
            Table::try_from(table).ok().map(|table| Meant::Table(Box::new(table)))
        }
        // Home holds, not its outpost.
        Written::Delivered(_) => Some(new.meant.as_ref().clone()),
    }
}

fn keep_in_site(site: &mut wire::Site, name: &str, from: &wire::Site) {
    let host = from.hosts.as_ref().and_then(|hosts| hosts.get(name));
    let Some(mut host) = host.map(|host| host.as_ref().clone()) else { return };
    let known = |zone: &wire::Name| site.zones.contains_key(zone.as_str());
    let of_rules = rules(&mut host.paths).map(|rule| &mut rule.expose_to);
    for zones in [&mut host.expose_to].into_iter().chain(of_rules).flatten() {
        zones.retain(known);
    }
    let nodes = site.zones.values().flat_map(|zone| zone.nodes.iter().flat_map(|nodes| nodes.keys()));
    let nodes = nodes.cloned().collect::<BTreeSet<_>>();
    let services = site.services.get_or_insert_default().make_mut();
    for service in [&mut host.service].into_iter().chain(rules(&mut host.paths).map(|rule| &mut rule.service))
    {
        let Some(name) = service.as_ref().map(|name| Arc::clone(&name.0)) else { continue };
        if services.contains_key(&name) {
            continue;
        }
        match from.services.as_ref().and_then(|services| services.get(&name)) {
            Some(old) => {
                let mut old = old.as_ref().clone();
                old.at = old.at.map(|at| at.into_iter().filter(|(node, _)| nodes.contains(node)).collect());
                services.insert(name, Arc::new(old));
            }
            None => *service = None,
        }
    }
    let hosts = site.hosts.get_or_insert_default().make_mut();
    hosts.entry(name.into()).or_insert_with(|| Arc::new(host));
}

fn rules(
    paths: &mut Option<std::collections::BTreeMap<String, wire::Rule>>,
) -> impl Iterator<Item = &mut wire::Rule> {
    paths.iter_mut().flat_map(|paths| paths.values_mut())
}

fn keep_in_table(table: &mut table::wire::Table, name: &str, from: &table::wire::Table) {
    if table.hosts.iter().any(|host| host.host == name) {
        return;
    }
    let Some(mut host) = from.hosts.iter().find(|host| host.host == name).cloned() else { return };
    let known = |zone: &String| table.zones.contains_key(zone);
    host.exposed_to.retain(known);
    let exposed = host.exposed_to.clone();
    let nodes = table.zones.get(&table.view).and_then(|zone| zone.nodes.as_ref());
    for rule in host.rules.iter_mut().flatten() {
        if let Some(zones) = &mut rule.exposed_to {
            zones.retain(|zone| exposed.contains(zone));
        }
        if let Some(backends) = &mut rule.backends {
            backends.retain(|backend| match (&backend.node, &backend.zone) {
                (Some(node), _) => nodes.is_some_and(|nodes| nodes.contains_key(node)),
                (None, Some(zone)) => known(zone) && *zone != table.view,
                (None, None) => false,
            });
        }
    }
    table.hosts.push(host);
}
