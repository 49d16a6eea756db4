//! Which listeners of the Gateways that are read take routes: those that their controller opens.

use std::collections::BTreeMap;

use super::super::super::picture::Reason;
use super::super::super::settings::Settings;
use super::super::digest::Store;
use super::super::digest::gateway::GatewayDigest;
use super::super::digest::listener::{From, ListenerDigest};
use super::super::digest::path::HostAsk;
use super::Notes;

/// What the controllers of Contour call themselves.
const CONTOUR: &str = "projectcontour.io/";

/// The Gateways that are read, by their keys.
pub(super) struct Gateways<'a>(BTreeMap<&'a str, Vec<Opened<'a>>>);

/// A listener, as its controller takes it.
pub(super) struct Opened<'a> {
    pub(super) listener: &'a ListenerDigest,
    gateway: &'a GatewayDigest,
    /// Whether Contour may be its controller.
    contour: bool,
    /// Why it is not opened.
    pub(super) refused: Option<String>,
}

impl<'a> Gateways<'a> {
    pub(super) fn of(settings: &Settings, store: &'a Store, notes: &mut Notes) -> Self {
        let mut read = BTreeMap::new();
        for (key, gateway) in &store.gateways {
            let class = store.gateway_classes.get(&*gateway.class);
            let contour = class.map(|class| class.controller.starts_with(CONTOUR));
            let is_read = match &settings.gateway_classes {
                Some(classes) => classes.iter().any(|class| **class == *gateway.class),
                None => contour == Some(true),
            };
            if !is_read {
                continue;
            }
            let contour = contour.unwrap_or(true);
            let opened = gateway.listeners.iter().map(|listener| {
                let fault = listener.fault(contour).map(str::to_owned);
                let refused = fault.or_else(|| not_granted(listener, gateway, store));
                Opened { listener, gateway, contour, refused }
            });
            let opened: Vec<_> = opened.collect();
            for one in opened.iter().filter(|one| !one.listener.kinds.is_empty()) {
                if let Some(why) = &one.refused {
                    let message = format!("its listener \"{}\" takes no route: {why}", one.listener.name);
                    notes.add(&gateway.object, Reason::NotAttached, message);
                }
            }
            read.insert(&**key, opened);
        }
        Self(read)
    }

    /// The listeners of a Gateway; `None`: it is not read.
    pub(super) fn listeners(&self, gateway: &str) -> Option<&[Opened<'a>]> {
        self.0.get(gateway).map(Vec::as_slice)
    }
}

/// Why its certificates may not be used: they are of other namespaces, and none of those grants it.
fn not_granted(listener: &ListenerDigest, gateway: &GatewayDigest, store: &Store) -> Option<String> {
    let (namespace, secret) = listener.secrets.first()?;
    let from = gateway.namespace();
    let granted = listener.secrets.iter().any(|(its, secret)| {
        store.grants.values().any(|grant| grant.namespace == *its && grant.allows_secret(from, secret))
    });
    (!granted).then(|| {
        format!(
            "no ReferenceGrant lets Gateways of namespace \"{from}\" name the Secret {namespace}/{secret}: write one there"
        )
    })
}

impl Opened<'_> {
    /// Whether it takes routes of a namespace.
    pub(super) fn takes(&self, namespace: &str, store: &Store) -> bool {
        match &self.listener.from {
            _ if self.refused.is_some() => false,
            From::Same => *self.gateway.namespace() == *namespace,
            From::All => true,
            From::Selected(selector) => match store.namespaces.get(namespace) {
                Some(digest) => selector.matches(|key| digest.label(key)),
                // Without the object, its name is all that is known of it.
                None => selector.matches(|key| (key == "kubernetes.io/metadata.name").then_some(namespace)),
            },
            From::None => false,
        }
    }
}

/// The hosts of a route at a listener: what both have, the narrower of the two. A host that is more another listener's than
/// this one's is not among them: `others` are those of the Gateway that do not take the route, of which Contour looks at
/// every port's.
pub(super) fn intersection<'h>(
    hosts: &'h [HostAsk],
    at: &'h Opened<'_>,
    others: &'h [&Opened<'_>],
) -> impl Iterator<Item = HostAsk> + 'h {
    let none = hosts.is_empty().then_some(&HostAsk::Any);
    let (listener, port) = (&at.listener.host, at.listener.port);
    let width = match listener {
        HostAsk::Pattern(pattern) => pattern.len(),
        _ => 0,
    };
    let is_anothers = move |host: &str| {
        let mut others = others.iter().filter(|other| at.contour || other.listener.port == port);
        others.any(|other| match &other.listener.host {
            HostAsk::Pattern(its) => **its == *host || (within(host, its) && its.len() > width),
            _ => false,
        })
    };
    hosts.iter().chain(none).filter_map(move |host| match (host, listener) {
        (HostAsk::Pattern(own), HostAsk::Any) if is_anothers(own) => None,
        (host, HostAsk::Any) => Some(host.clone()),
        (HostAsk::Any, listener) => Some(listener.clone()),
        (HostAsk::Pattern(own), HostAsk::Pattern(its)) if own == its => Some(host.clone()),
        (HostAsk::Pattern(own), HostAsk::Pattern(its)) if within(own, its) => {
            (!is_anothers(own)).then(|| host.clone())
        }
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
