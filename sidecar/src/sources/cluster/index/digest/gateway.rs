//! What matters of Gateway API's objects.

use std::sync::Arc;

use super::super::super::objects::{
    AllowedRoutes, BackendRef, Gateway, GatewayClass, HTTPRoute, HTTPRouteRule, HttpPathMatch, Kind,
    LabelSelector, Listener, ParentRef, ReferenceGrant,
};
use super::Digester;
use super::meta::RouteMeta;
use super::path::{Backend, Goes, HostAsk, PathAsk, Port};

const GROUP: &str = "gateway.networking.k8s.io";

/// What matters of a GatewayClass.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ClassDigest {
    pub(in super::super) controller: Box<str>,
}

impl ClassDigest {
    pub(super) fn of(class: &GatewayClass) -> Self {
        Self { controller: class.spec.controller_name.as_str().into() }
    }
}

/// What matters of a Gateway.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct GatewayDigest {
    pub(in super::super) namespace: Box<str>,
    pub(in super::super) class: Box<str>,
    /// Those that take HTTPRoutes.
    pub(in super::super) listeners: Box<[ListenerDigest]>,
}

/// A listener.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ListenerDigest {
    pub(in super::super) name: Box<str>,
    pub(in super::super) port: u16,
    pub(in super::super) host: HostAsk,
    pub(in super::super) from: From,
}

/// The namespaces whose routes a listener takes.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum From {
    Same,
    All,
    Selected(LabelSelector),
    None,
}

impl GatewayDigest {
    pub(super) fn of(gateway: &Gateway) -> Self {
        let listeners = gateway.spec.listeners.iter().filter(|listener| takes_http_routes(listener));
        Self {
            namespace: gateway.metadata.namespace.as_deref().unwrap_or_default().into(),
            class: gateway.spec.gateway_class_name.as_str().into(),
            listeners: listeners.map(ListenerDigest::of).collect(),
        }
    }
}

fn takes_http_routes(listener: &Listener) -> bool {
    let kinds = listener.allowed_routes.as_ref().map(|allowed| allowed.kinds.as_slice()).unwrap_or_default();
    let ours = |group: Option<&str>| group.is_none_or(|group| group == GROUP);
    matches!(listener.protocol.as_str(), "HTTP" | "HTTPS")
        && (kinds.is_empty()
            || kinds.iter().any(|kind| kind.kind == "HTTPRoute" && ours(kind.group.as_deref())))
}

impl ListenerDigest {
    fn of(listener: &Listener) -> Self {
        Self {
            name: listener.name.as_str().into(),
            port: listener.port,
            host: HostAsk::of(listener.hostname.as_deref(), true),
            from: from(listener.allowed_routes.as_ref()),
        }
    }
}

fn from(allowed: Option<&AllowedRoutes>) -> From {
    let Some(namespaces) = allowed.and_then(|allowed| allowed.namespaces.as_ref()) else { return From::Same };
    match (namespaces.from.as_deref(), &namespaces.selector) {
        (None | Some("Same"), _) => From::Same,
        (Some("All"), _) => From::All,
        (Some("Selector"), Some(selector)) => From::Selected(selector.clone()),
        _ => From::None,
    }
}

/// What matters of an HTTPRoute.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct RouteDigest {
    pub(in super::super) meta: RouteMeta,
    pub(in super::super) parents: Box<[ParentDigest]>,
    pub(in super::super) hosts: Box<[HostAsk]>,
    pub(in super::super) rules: Box<[RuleDigest]>,
    /// Whether a match of it asks for more than the path.
    pub(in super::super) conditional: bool,
}

/// A Gateway that a route is attached to.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ParentDigest {
    /// The key of the Gateway.
    pub(in super::super) gateway: Arc<str>,
    pub(in super::super) section: Option<Box<str>>,
    pub(in super::super) port: Option<u16>,
}

/// A rule: its paths, and where they go.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct RuleDigest {
    pub(in super::super) paths: Box<[Result<PathAsk, Box<str>>]>,
    pub(in super::super) goes: Goes,
}

impl RouteDigest {
    pub(super) fn of(route: &HTTPRoute, by: &mut Digester<'_>) -> Self {
        let (metadata, spec) = (&route.metadata, &route.spec);
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let mut matches = spec.rules.iter().flat_map(|rule| &rule.matches);
        let conditional = matches
            .any(|one| !one.headers.is_empty() || !one.query_params.is_empty() || one.method.is_some());
        let gateways = spec.parent_refs.iter().filter(|parent| {
            parent.kind.as_deref().is_none_or(|kind| kind == "Gateway")
                && parent.group.as_deref().is_none_or(|group| group == GROUP)
        });
        Self {
            meta: RouteMeta::of(Kind::HttpRoute, metadata, by),
            parents: gateways.map(|parent| ParentDigest::of(parent, namespace, by)).collect(),
            hosts: spec.hostnames.iter().map(|host| HostAsk::of(Some(host), true)).collect(),
            rules: spec.rules.iter().map(|rule| RuleDigest::of(rule, namespace, by)).collect(),
            conditional,
        }
    }
}

impl ParentDigest {
    fn of(parent: &ParentRef, namespace: &str, by: &mut Digester<'_>) -> Self {
        let namespace = parent.namespace.as_deref().unwrap_or(namespace);
        Self {
            gateway: by.texts.share(&format!("{namespace}/{}", parent.name)),
            section: parent.section_name.as_deref().map(Into::into),
            port: parent.port,
        }
    }
}

impl RuleDigest {
    fn of(rule: &HTTPRouteRule, namespace: &str, by: &mut Digester<'_>) -> Self {
        let whole = HttpPathMatch::default();
        let mut paths: Vec<_> =
            rule.matches.iter().map(|one| path_of(one.path.as_ref().unwrap_or(&whole), by)).collect();
        if paths.is_empty() {
            paths.push(path_of(&whole, by));
        }
        let goes = if rule.filters.iter().any(|filter| filter.kind == "RequestRedirect") {
            Goes::Answered
        } else {
            Goes::to(rule.backend_refs.iter().map(|backend| backend_of(backend, namespace, by)))
        };
        Self { paths: paths.into(), goes }
    }
}

fn path_of(path: &HttpPathMatch, by: &mut Digester<'_>) -> Result<PathAsk, Box<str>> {
    let text = path.value.as_deref().unwrap_or("/");
    match path.kind.as_deref() {
        None | Some("PathPrefix") => PathAsk::segments(text, by.texts),
        Some("Exact") => PathAsk::exact(text, by.texts),
        Some("RegularExpression") => PathAsk::regex(text, by.texts),
        Some(other) => Err(format!("its path type \"{other}\" is not known here").into()),
    }
}

fn backend_of(backend: &BackendRef, namespace: &str, by: &mut Digester<'_>) -> Result<Backend, Box<str>> {
    let service = backend.kind.as_deref().is_none_or(|kind| kind == "Service")
        && backend.group.as_deref().is_none_or(str::is_empty);
    if !service {
        return Err("its backend is no Service, which alone can be followed to nodes".into());
    }
    let port = backend.port.ok_or_else(|| format!("its backend \"{}\" has no port", backend.name))?;
    let namespace = backend.namespace.as_deref().unwrap_or(namespace);
    Ok(Backend::of(namespace, &backend.name, Port::Number(port), backend.weight.unwrap_or(1), by))
}

/// What matters of a ReferenceGrant: which namespaces' HTTPRoutes may name which Services of its own.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct GrantDigest {
    pub(in super::super) namespace: Box<str>,
    from: Box<[Box<str>]>,
    /// `None`: every Service.
    to: Box<[Option<Box<str>>]>,
}

impl GrantDigest {
    pub(super) fn of(grant: &ReferenceGrant) -> Self {
        let from = grant.spec.from.iter().filter(|from| from.group == GROUP && from.kind == "HTTPRoute");
        let to = grant.spec.to.iter().filter(|to| to.group.is_empty() && to.kind == "Service");
        Self {
            namespace: grant.metadata.namespace.as_deref().unwrap_or_default().into(),
            from: from.map(|from| from.namespace.as_str().into()).collect(),
            to: to.map(|to| to.name.as_deref().map(Into::into)).collect(),
        }
    }

    /// Whether HTTPRoutes of a namespace may name a Service of this one.
    pub(in super::super) fn allows(&self, from: &str, service: &str) -> bool {
        self.from.iter().any(|namespace| **namespace == *from)
            && self.to.iter().any(|name| name.as_ref().is_none_or(|name| **name == *service))
    }
}
