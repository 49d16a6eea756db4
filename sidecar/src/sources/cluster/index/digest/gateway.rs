//! What matters of Gateway API's objects.

use std::sync::Arc;

use super::super::super::objects::{
    BackendRef, GRPCRoute, GRPCRouteRule, Gateway, GatewayClass, GrpcMethodMatch, HTTPRoute, HTTPRouteFilter,
    HTTPRouteRule, HttpPathMatch, Kind, ObjectRef, ParentRef, ReferenceGrant,
};
use super::listener::ListenerDigest;
use super::meta::RouteMeta;
use super::path::{Backend, Goes, HostAsk, PathAsk, Port, Spoken};
use super::{Digester, guard};

/// The group of what is Gateway API's.
pub(super) const GROUP: &str = "gateway.networking.k8s.io";

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
    pub(in super::super) object: ObjectRef,
    pub(in super::super) class: Box<str>,
    pub(in super::super) listeners: Box<[ListenerDigest]>,
}

impl GatewayDigest {
    pub(super) fn of(gateway: &Gateway, by: &mut Digester<'_>) -> Self {
        let object = by.object(Kind::Gateway, &gateway.metadata);
        Self {
            listeners: ListenerDigest::all(&gateway.spec, object.namespace.as_deref().unwrap_or_default()),
            class: gateway.spec.gateway_class_name.as_str().into(),
            object,
        }
    }

    /// Its namespace.
    pub(in super::super) fn namespace(&self) -> &str {
        self.object.namespace.as_deref().unwrap_or_default()
    }
}

/// What matters of an HTTPRoute or a GRPCRoute.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct RouteDigest {
    pub(in super::super) meta: RouteMeta,
    pub(in super::super) parents: Box<[ParentDigest]>,
    pub(in super::super) hosts: Box<[HostAsk]>,
    pub(in super::super) rules: Box<[RuleDigest]>,
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
    /// What may be a guard of it.
    pub(in super::super) guard: Option<Box<str>>,
    /// Whether another path than the one that was asked for is sent on.
    pub(in super::super) rewrites: bool,
}

impl RouteDigest {
    pub(super) fn of(route: &HTTPRoute, by: &mut Digester<'_>) -> Self {
        let (metadata, spec) = (&route.metadata, &route.spec);
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        Self {
            meta: RouteMeta::of(Kind::HttpRoute, metadata, by),
            parents: ParentDigest::all(&spec.parent_refs, namespace, by),
            hosts: spec.hostnames.iter().map(|host| HostAsk::of(Some(host), true)).collect(),
            rules: spec.rules.iter().map(|rule| RuleDigest::of(rule, namespace, by)).collect(),
        }
    }

    /// Whether a match of it asks for more than the path.
    pub(in super::super) fn is_conditional(&self) -> bool {
        let mut paths = self.rules.iter().flat_map(|rule| &rule.paths).flatten();
        paths.any(|path| path.conditional)
    }

    /// The same of a route of gRPC methods, whose paths are `/SERVICE/METHOD`.
    pub(super) fn of_grpc(route: &GRPCRoute, by: &mut Digester<'_>) -> Self {
        let (metadata, spec) = (&route.metadata, &route.spec);
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        Self {
            meta: RouteMeta::of(Kind::GrpcRoute, metadata, by),
            parents: ParentDigest::all(&spec.parent_refs, namespace, by),
            hosts: spec.hostnames.iter().map(|host| HostAsk::of(Some(host), true)).collect(),
            rules: spec.rules.iter().map(|rule| RuleDigest::of_grpc(rule, namespace, by)).collect(),
        }
    }
}

impl ParentDigest {
    fn all(parents: &[ParentRef], namespace: &str, by: &mut Digester<'_>) -> Box<[Self]> {
        let gateways = parents.iter().filter(|parent| {
            parent.kind.as_deref().is_none_or(|kind| kind == "Gateway")
                && parent.group.as_deref().is_none_or(|group| group == GROUP)
        });
        gateways.map(|parent| Self::of(parent, namespace, by)).collect()
    }

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
        let matches = rule.matches.iter().map(|one| {
            let more = !one.headers.is_empty() || !one.query_params.is_empty() || one.method.is_some();
            Ok(path_of(one.path.as_ref().unwrap_or(&whole), by)?.where_more_holds(more))
        });
        let mut paths: Vec<_> = matches.collect();
        if paths.is_empty() {
            paths.push(path_of(&whole, by));
        }
        let goes = if rule.filters.iter().any(|filter| filter.kind == "RequestRedirect") {
            Goes::Answered
        } else {
            Goes::to(
                rule.backend_refs.iter().map(|backend| backend_of(backend, Spoken::AsPort, namespace, by)),
            )
        };
        let rewrites = rule.filters.iter().any(|filter| REWRITES.contains(&filter.kind.as_str()));
        let (goes, guard) = (goes.shared(by), guard_of(&rule.filters, &rule.backend_refs));
        Self { paths: paths.into(), goes, guard, rewrites }
    }
}

impl RuleDigest {
    fn of_grpc(rule: &GRPCRouteRule, namespace: &str, by: &mut Digester<'_>) -> Self {
        let every = GrpcMethodMatch::default();
        let matches = rule.matches.iter().map(|one| {
            let path = method_of(one.method.as_ref().unwrap_or(&every), by)?;
            Ok(path.where_more_holds(!one.headers.is_empty()))
        });
        let mut paths: Vec<_> = matches.collect();
        if paths.is_empty() {
            paths.push(method_of(&every, by));
        }
        let goes = Goes::to(
            rule.backend_refs.iter().map(|backend| backend_of(backend, Spoken::Grpc, namespace, by)),
        );
        let (goes, guard) = (goes.shared(by), guard_of(&rule.filters, &rule.backend_refs));
        Self { paths: paths.into(), goes, guard, rewrites: false }
    }
}

/// Filters that change what is sent on.
const REWRITES: [&str; 4] = ["URLRewrite", "RequestHeaderModifier", "ResponseHeaderModifier", "CORS"];

/// What may be a guard among the filters of a rule, and of its backends.
fn guard_of(filters: &[HTTPRouteFilter], backends: &[BackendRef]) -> Option<Box<str>> {
    let of_backends = || backends.iter().find_map(|backend| guard::of_filters(&backend.filters));
    guard::of_filters(filters).or_else(of_backends)
}

/// The path of a gRPC method (gRPC over HTTP/2: `:path` is `/SERVICE/METHOD`).
fn method_of(method: &GrpcMethodMatch, by: &mut Digester<'_>) -> Result<PathAsk, Box<str>> {
    let written = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (service, name) = (written(&method.service), written(&method.method));
    match (method.kind.as_deref(), service, name) {
        (_, None, None) => PathAsk::segments("/", by.texts),
        (None | Some("Exact"), Some(service), None) => PathAsk::segments(&format!("/{service}"), by.texts),
        (None | Some("Exact"), Some(service), Some(name)) => {
            PathAsk::exact(&format!("/{service}/{name}"), by.texts)
        }
        // A method of whatever service.
        (None | Some("Exact"), None, Some(name)) => PathAsk::regex(&format!("/[^/]+/{name}"), by.texts),
        (Some("RegularExpression"), service, name) => {
            let any = || "[^/]+".to_owned();
            let (service, name) = (service.unwrap_or_else(any), name.unwrap_or_else(any));
            PathAsk::regex(&format!("/{service}/{name}"), by.texts)
        }
        (Some(other), ..) => Err(format!("its method's type \"{other}\" is not known here").into()),
    }
}

fn path_of(path: &HttpPathMatch, by: &mut Digester<'_>) -> Result<PathAsk, Box<str>> {
    let text = path.value.as_deref().unwrap_or("/");
    match path.kind.as_deref() {
        None | Some("PathPrefix") => PathAsk::segments_as_written(text, by.texts),
        Some("Exact") => PathAsk::exact(text, by.texts),
        Some("RegularExpression") => PathAsk::regex(text, by.texts),
        Some(other) => Err(format!("its path type \"{other}\" is not known here").into()),
    }
}

fn backend_of(
    backend: &BackendRef,
    spoken: Spoken,
    namespace: &str,
    by: &mut Digester<'_>,
) -> Result<Backend, Box<str>> {
    let service = backend.kind.as_deref().is_none_or(|kind| kind == "Service")
        && backend.group.as_deref().is_none_or(str::is_empty);
    if !service {
        return Err("its backend is no Service, which alone can be followed to nodes".into());
    }
    let port = backend.port.filter(|port| *port > 0);
    let port = port.ok_or_else(|| format!("its backend \"{}\" has no port", backend.name))?;
    let namespace = backend.namespace.as_deref().unwrap_or(namespace);
    let weight = backend.weight.unwrap_or(1);
    Ok(Backend { spoken, ..Backend::of(namespace, &backend.name, Port::Number(port), weight, by) })
}

/// What matters of a ReferenceGrant: which namespaces' routes may name which Services of its own, and whose Gateways which
/// Secrets.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct GrantDigest {
    pub(in super::super) namespace: Box<str>,
    from: Box<[(Box<str>, Box<str>)]>,
    /// `None`: every Service.
    services: Box<[Option<Box<str>>]>,
    /// `None`: every Secret.
    secrets: Box<[Option<Box<str>>]>,
}

impl GrantDigest {
    pub(super) fn of(grant: &ReferenceGrant) -> Self {
        let from = grant.spec.from.iter().filter(|from| from.group == GROUP);
        let to = |kind: &str| {
            let named = grant.spec.to.iter().filter(|to| to.group.is_empty() && to.kind == kind);
            named.map(|to| to.name.as_deref().filter(|name| !name.is_empty()).map(Into::into)).collect()
        };
        Self {
            namespace: grant.metadata.namespace.as_deref().unwrap_or_default().into(),
            from: from.map(|from| (from.kind.as_str().into(), from.namespace.as_str().into())).collect(),
            services: to("Service"),
            secrets: to("Secret"),
        }
    }

    /// Whether routes of a kind and a namespace may name a Service of this one.
    pub(in super::super) fn allows(&self, kind: Kind, from: &str, service: &str) -> bool {
        self.is_from(kind, from) && is_among(&self.services, service)
    }

    /// Whether Gateways of a namespace may name a Secret of this one.
    pub(in super::super) fn allows_secret(&self, from: &str, secret: &str) -> bool {
        self.is_from(Kind::Gateway, from) && is_among(&self.secrets, secret)
    }

    fn is_from(&self, kind: Kind, from: &str) -> bool {
        self.from.iter().any(|(its, namespace)| **its == *kind.name() && **namespace == *from)
    }
}

fn is_among(names: &[Option<Box<str>>], wanted: &str) -> bool {
    names.iter().any(|name| name.as_ref().is_none_or(|name| **name == *wanted))
}
