//! What HTTPRoutes and GRPCRoutes ask for, through the listeners of the Gateways that they are attached to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::super::objects::Kind;
use super::super::super::picture::Reason;
use super::super::super::settings::Settings;
use super::super::digest::Store;
use super::super::digest::gateway::{ParentDigest, RouteDigest};
use super::super::digest::guard;
use super::super::digest::listener::ListenerDigest;
use super::super::digest::meta::RouteMeta;
use super::super::digest::path::{Goes, HostAsk};
use super::Notes;
use super::claim::{Asked, REWRITES, pattern};
use super::listeners::{Gateways, Opened, intersection};

pub(super) fn ask<'a>(settings: &Settings, store: &'a Store, asked: &mut Asked<'_, 'a>) {
    let gateways = Gateways::of(settings, store, asked.notes);
    for route in store.routes.values().chain(store.grpc_routes.values()) {
        let by = &route.meta;
        asked.tell_strange(by);
        let Hosts { served, guarded, guard } = hosts(route, &gateways, store, asked.notes);
        if let Some(why) = guard {
            asked.notes.add(&by.object, Reason::Hidden, why);
        }
        for host in guarded.iter().filter_map(|host| pattern(host, by, asked.notes)).collect::<Vec<_>>() {
            asked.hide(host, by, None);
        }
        if served.is_empty() {
            continue;
        }
        if route.is_conditional() {
            let message = "its matches on headers, queries and methods are left to the Gateway's controller: a request is \
                           routed by host and path, to a node of any backend that has them";
            asked.notes.add(&by.object, Reason::LeftToController, message);
        }
        if route.rules.iter().any(|rule| rule.rewrites) {
            asked.notes.add(&by.object, Reason::LeftToController, REWRITES);
        }
        let hosts: Vec<&Arc<str>> = served.iter().filter_map(|host| pattern(host, by, asked.notes)).collect();
        if by.solver && has_gateway(route, &gateways) {
            asked.holders.extend(hosts.iter().map(|host| (Arc::clone(host), by.namespace())));
        }
        for host in hosts {
            for rule in &route.rules {
                let guarded = rule.guard.as_deref().map(|guard| (guard::told(guard), false));
                let refused = guarded.or_else(|| not_granted(&rule.goes, by, store));
                for path in &rule.paths {
                    match &refused {
                        Some((why, unserved)) => asked.hide_path(host, path, by, why, *unserved),
                        None => asked.path(host, path, &rule.goes, by),
                    }
                }
            }
        }
    }
}

/// The hosts of a route, each once.
#[derive(Default)]
struct Hosts {
    served: Vec<HostAsk>,
    /// Those that a listener guards.
    guarded: Vec<HostAsk>,
    /// What to tell of them.
    guard: Option<String>,
}

/// The hosts of a route, over all its listeners.
fn hosts(route: &RouteDigest, gateways: &Gateways<'_>, store: &Store, notes: &mut Notes) -> Hosts {
    let object = &route.meta.object;
    let mut found = Hosts::default();
    for parent in &route.parents {
        if !store.gateways.contains_key(&parent.gateway) {
            let message =
                format!("Gateway {} is not there: write it, or another `parentRefs`", parent.gateway);
            notes.add(object, Reason::NotFound, message);
            continue;
        }
        let Some(listeners) = gateways.listeners(&parent.gateway) else { continue };
        let is_asked_for = |one: &Opened<'_>| is_asked_for(one.listener, parent, object.kind);
        let takes = |one: &&Opened<'_>| is_asked_for(one) && one.takes(route.meta.namespace(), store);
        let (taking, others): (Vec<&Opened<'_>>, Vec<&Opened<'_>>) = listeners.iter().partition(takes);
        let before = found.served.len() + found.guarded.len();
        for one in &taking {
            let listener = one.listener;
            let hosts = intersection(&route.hosts, one, &others).filter(|host| !host.is_bad());
            let Some(guard) = listener.guard else {
                found.served.extend(hosts);
                continue;
            };
            let unguarded = found.guarded.len();
            found.guarded.extend(hosts);
            if found.guarded.len() > unguarded {
                found.guard.get_or_insert_with(|| {
                    let (told, name) = (guard::told(guard), &listener.name);
                    format!(
                        "its hosts at Gateway {}'s listener \"{name}\" are hidden: {told}",
                        parent.gateway
                    )
                });
            }
        }
        let is_found = found.served.len() + found.guarded.len() > before;
        let mut asked_for = listeners.iter().filter(|one| is_asked_for(one)).peekable();
        let why = match (asked_for.peek(), taking.is_empty(), is_found) {
            (None, ..) => format!("has no listener for {}s that fits", object.kind.name()),
            (_, true, _) => match asked_for.find_map(|one| Some((&one.listener.name, one.refused.as_ref()?)))
            {
                Some((name, why)) => format!("takes no route at its listener \"{name}\": {why}"),
                None => "has no listener that takes routes of this namespace".to_owned(),
            },
            (.., false) if others.is_empty() => "has no listener with a host of this route".to_owned(),
            (.., false) => {
                "has no listener that takes it and has a host of it that is not another's".to_owned()
            }
            _ => continue,
        };
        notes.add(object, Reason::NotAttached, format!("Gateway {} {why}", parent.gateway));
    }
    for host in route.hosts.iter().filter(|host| host.is_bad()) {
        found.served.push(host.clone());
    }
    let mut seen = BTreeSet::new();
    for hosts in [&mut found.guarded, &mut found.served] {
        hosts.retain(|host| seen.insert(format!("{host:?}")));
    }
    found
}

/// Whether a route is attached to a Gateway of its own namespace.
fn has_gateway(route: &RouteDigest, gateways: &Gateways<'_>) -> bool {
    let own =
        |key: &str| key.split_once('/').is_some_and(|(namespace, _)| namespace == route.meta.namespace());
    route.parents.iter().any(|parent| own(&parent.gateway) && gateways.listeners(&parent.gateway).is_some())
}

fn is_asked_for(listener: &ListenerDigest, parent: &ParentDigest, kind: Kind) -> bool {
    listener.kinds.contains(&kind)
        && parent.section.as_ref().is_none_or(|name| *name == listener.name)
        && parent.port.is_none_or(|port| port == listener.port)
}

impl HostAsk {
    fn is_bad(&self) -> bool {
        matches!(self, Self::Bad(_))
    }
}

/// Why a backend may not be used: it is of another namespace, which does not grant it; and whether that holds of all.
fn not_granted(goes: &Goes, by: &RouteMeta, store: &Store) -> Option<(String, bool)> {
    let (kind, namespace) = (by.object.kind, by.namespace());
    let Goes::To(backends) = goes else { return None };
    let mut refused = backends.iter().filter_map(|backend| {
        let (its, service) = backend.service.split_once('/')?;
        let granted = its == namespace
            || store.grants.values().any(|grant| *grant.namespace == *its && grant.allows(kind, namespace, service));
        let why = || {
            format!(
                "no ReferenceGrant lets {}s of namespace \"{namespace}\" name the Service {its}/{service}: write one \
                 there",
                kind.name()
            )
        };
        (!granted).then(why)
    });
    let first = refused.next()?;
    Some((first, 1 + refused.count() == backends.len()))
}
