//! What HTTPRoutes and GRPCRoutes ask for, through the listeners of the Gateways that they are attached to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::super::objects::Kind;
use super::super::super::picture::Reason;
use super::super::super::settings::Settings;
use super::super::digest::Store;
use super::super::digest::gateway::{From, GatewayDigest, ListenerDigest, ParentDigest, RouteDigest};
use super::super::digest::guard;
use super::super::digest::meta::RouteMeta;
use super::super::digest::path::{Goes, HostAsk};
use super::Notes;
use super::claim::{Asked, REWRITES, pattern};

/// What the controllers of Contour call themselves.
const CONTOUR: &str = "projectcontour.io/";

pub(super) fn ask<'a>(settings: &Settings, store: &'a Store, asked: &mut Asked<'_, 'a>) {
    for route in store.routes.values().chain(store.grpc_routes.values()) {
        let by = &route.meta;
        let hosts = hosts(route, settings, store, asked.notes);
        if hosts.is_empty() {
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
        let hosts: Vec<&Arc<str>> = hosts.iter().filter_map(|host| pattern(host, by, asked.notes)).collect();
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

/// The hosts of a route, over all its listeners.
fn hosts(route: &RouteDigest, settings: &Settings, store: &Store, notes: &mut Notes) -> Vec<HostAsk> {
    let object = &route.meta.object;
    let mut found: Vec<HostAsk> = Vec::new();
    for parent in &route.parents {
        let Some(gateway) = store.gateways.get(&parent.gateway) else {
            let message =
                format!("Gateway {} is not there: write it, or another `parentRefs`", parent.gateway);
            notes.add(object, Reason::NotFound, message);
            continue;
        };
        if !is_read(gateway, settings, store) {
            continue;
        }
        let listeners: Vec<&ListenerDigest> =
            gateway.listeners.iter().filter(|listener| is_asked_for(listener, parent, object.kind)).collect();
        let takes = |listener: &&&ListenerDigest| takes(listener, gateway, route.meta.namespace(), store);
        let taking: Vec<&&ListenerDigest> = listeners.iter().filter(takes).collect();
        let before = found.len();
        for listener in &taking {
            found.extend(intersection(&route.hosts, &listener.host).filter(|host| !host.is_bad()));
        }
        let why = match (listeners.is_empty(), taking.is_empty(), found.len() == before) {
            (true, ..) => &format!("has no listener for {}s that fits", object.kind.name()),
            (_, true, _) => "has no listener that takes routes of this namespace",
            (.., true) => "has no listener with a host of this route",
            _ => continue,
        };
        notes.add(object, Reason::NotAttached, format!("Gateway {} {why}", parent.gateway));
    }
    for host in route.hosts.iter().filter(|host| host.is_bad()) {
        found.push(host.clone());
    }
    let mut seen = BTreeSet::new();
    found.retain(|host| seen.insert(format!("{host:?}")));
    found
}

/// Whether a Gateway is of a class that is read.
fn is_read(gateway: &GatewayDigest, settings: &Settings, store: &Store) -> bool {
    match &settings.gateway_classes {
        Some(classes) => classes.iter().any(|class| **class == *gateway.class),
        None => store
            .gateway_classes
            .get(&*gateway.class)
            .is_some_and(|class| class.controller.starts_with(CONTOUR)),
    }
}

fn is_asked_for(listener: &ListenerDigest, parent: &ParentDigest, kind: Kind) -> bool {
    listener.kinds.contains(&kind)
        && parent.section.as_ref().is_none_or(|name| *name == listener.name)
        && parent.port.is_none_or(|port| port == listener.port)
}

/// Whether a listener takes routes of a namespace.
fn takes(listener: &ListenerDigest, gateway: &GatewayDigest, namespace: &str, store: &Store) -> bool {
    match &listener.from {
        From::Same => *gateway.namespace == *namespace,
        From::All => true,
        From::Selected(selector) => match store.namespaces.get(namespace) {
            Some(digest) => selector.matches(|key| digest.label(key)),
            // Without the object, its name is all that is known of it.
            None => selector.matches(|key| (key == "kubernetes.io/metadata.name").then_some(namespace)),
        },
        From::None => false,
    }
}

/// The hosts of a route at a listener: what both have, the narrower of the two.
fn intersection<'h>(hosts: &'h [HostAsk], listener: &'h HostAsk) -> impl Iterator<Item = HostAsk> + 'h {
    let none = hosts.is_empty().then_some(&HostAsk::Any);
    hosts.iter().chain(none).filter_map(move |host| match (host, listener) {
        (host, HostAsk::Any) => Some(host.clone()),
        (HostAsk::Any, listener) => Some(listener.clone()),
        (HostAsk::Pattern(own), HostAsk::Pattern(its)) if within(own, its) => Some(host.clone()),
        (HostAsk::Pattern(own), HostAsk::Pattern(its)) if within(its, own) => Some(listener.clone()),
        _ => None,
    })
}

/// Whether every name of one pattern is one of the other; wildcards are of the kind `**.` alone here.
fn within(one: &str, other: &str) -> bool {
    one == other
        || other
            .strip_prefix("**")
            .is_some_and(|suffix| one.strip_prefix("**").unwrap_or(one).ends_with(suffix))
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
