//! What matters of an HTTPProxy and of a TLSCertificateDelegation.

use std::sync::Arc;

use zoneway_site::Protocol;

use super::super::super::objects::{
    HTTPProxy, Include, Kind, MatchCondition, ProxyRoute, ProxyService, ProxyTls, TLSCertificateDelegation,
    VirtualHost,
};
use super::meta::RouteMeta;
use super::path::{Backend, Goes, HostAsk, Port, Spoken};
use super::{Digester, class, guard};

/// What matters of an HTTPProxy.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ProxyDigest {
    pub(in super::super) meta: RouteMeta,
    pub(in super::super) class: Option<Arc<str>>,
    /// Its host, where it is a root.
    pub(in super::super) root: Option<RootDigest>,
    pub(in super::super) routes: Box<[RouteDigest]>,
    pub(in super::super) includes: Box<[IncludeDigest]>,
    /// Whether a route of it changes what is sent on.
    pub(in super::super) rewrites: bool,
}

/// The host of a root.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct RootDigest {
    pub(in super::super) host: HostAsk,
    /// The namespace and name of its certificate's Secret, where it is of another namespace.
    pub(in super::super) secret: Option<(Box<str>, Box<str>)>,
    /// Why nobody here could serve it, or Contour would not.
    pub(in super::super) fault: Option<&'static str>,
    /// What guards all of it.
    pub(in super::super) guard: Option<&'static str>,
    /// Whether somebody is asked about the requests of a route that does not say; `None`: there is nobody to ask.
    authorized: Option<bool>,
    /// Whether clients of a route that does not say have to show a token.
    tokens: bool,
}

impl RootDigest {
    /// What guards a route because its host says so, and the route does not say otherwise.
    pub(in super::super) fn guard_of(&self, route: &RouteDigest) -> Option<&'static str> {
        if self.authorized.is_some_and(|whole| route.authorized.unwrap_or(whole)) {
            return Some("virtualhost.authorization");
        }
        (self.tokens && !route.tokenless).then_some("virtualhost.jwtProviders")
    }
}

/// A route.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct RouteDigest {
    pub(in super::super) path: Result<PathCondition, Box<str>>,
    pub(in super::super) goes: Goes,
    /// Whether more than the path has to hold of a request.
    pub(in super::super) conditional: bool,
    /// What guards it, besides what its host says: [`RootDigest::guard_of`].
    pub(in super::super) guard: Option<&'static str>,
    /// Whether somebody is asked about its requests, if there is somebody to ask; `None`: as its host says.
    authorized: Option<bool>,
    /// Whether it says that no token has to be shown.
    tokenless: bool,
}

/// The condition on the path of a route or an include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum PathCondition {
    None,
    Prefix(Box<str>),
    Exact(Box<str>),
    Regex(Box<str>),
}

impl PathCondition {
    fn text(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Prefix(text) | Self::Exact(text) | Self::Regex(text) => Some(text),
        }
    }
}

/// Another HTTPProxy, below a prefix.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct IncludeDigest {
    /// Its key.
    pub(in super::super) proxy: Arc<str>,
    /// The prefix, empty where there is none.
    pub(in super::super) prefix: Result<Box<str>, Box<str>>,
    /// Whether more than the path has to hold of a request.
    pub(in super::super) conditional: bool,
}

impl ProxyDigest {
    pub(super) fn of(proxy: &HTTPProxy, by: &mut Digester<'_>) -> Self {
        let (metadata, spec) = (&proxy.metadata, &proxy.spec);
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let class = class(metadata, spec.ingress_class_name.as_deref());
        let root = spec.virtualhost.as_ref().map(|virtualhost| {
            let tls = virtualhost.tls.as_ref();
            let secret = tls.and_then(|tls| tls.secret_name.as_deref()?.split_once('/'));
            RootDigest {
                host: HostAsk::of(Some(&virtualhost.fqdn), false),
                secret: secret
                    .filter(|(elsewhere, _)| *elsewhere != namespace)
                    .map(|(elsewhere, name)| (elsewhere.into(), name.into())),
                fault: fault_of(virtualhost, spec.tcpproxy.is_some()),
                guard: guard::of_host(virtualhost),
                authorized: virtualhost
                    .authorization
                    .as_ref()
                    .map(|asked| !asked.auth_policy.as_ref().is_some_and(|policy| policy.disabled)),
                tokens: virtualhost.jwt_providers.iter().any(|provider| provider.default),
            }
        });
        Self {
            meta: RouteMeta::of(Kind::HttpProxy, metadata, by),
            class: class.map(|class| by.texts.share(class)),
            root,
            routes: spec.routes.iter().map(|route| route_of(route, namespace, by)).collect(),
            includes: spec.includes.iter().map(|include| include_of(include, namespace, by)).collect(),
            rewrites: spec.routes.iter().any(rewrites),
        }
    }

    /// Whether a condition of it asks for more than the path.
    pub(in super::super) fn is_conditional(&self) -> bool {
        self.routes.iter().any(|route| route.conditional) || self.includes.iter().any(|one| one.conditional)
    }
}

/// Why nobody here could serve a root, or Contour would not (`HTTPProxyProcessor.computeHTTPProxy` of its source).
fn fault_of(host: &VirtualHost, tcpproxy: bool) -> Option<&'static str> {
    let is_secret = |tls: &ProxyTls| tls.secret_name.as_deref().is_some_and(|name| !name.is_empty());
    let passthrough = host.tls.as_ref().is_some_and(|tls| tls.passthrough);
    let secret = host.tls.as_ref().is_some_and(is_secret);
    let asked = host.authorization.as_ref().is_some_and(|asked| !asked.extension_ref.name.is_empty());
    if passthrough {
        return Some(
            "its TLS is handed through (`tls.passthrough`), so that no request of it is seen: route it by other means",
        );
    }
    if tcpproxy {
        return Some(
            "it hands bytes through (`tcpproxy`), so that no request of it is seen: route it by other means",
        );
    }
    if host.tls.is_some() && !secret {
        return Some(
            "its `tls` names no certificate, and Contour does not serve that: set `tls.secretName`, or take `tls` out",
        );
    }
    if !secret && (asked || !host.jwt_providers.is_empty()) {
        return Some(
            "Contour asks for `authorization` and `jwtProviders` with TLS alone, and does not serve it: set `tls.secretName`",
        );
    }
    None
}

/// Whether they ask for more than the path.
fn ask_for_more(conditions: &[MatchCondition]) -> bool {
    conditions.iter().any(|one| one.header.is_some() || one.query_parameter.is_some())
}

/// Whether it changes what is sent on.
fn rewrites(route: &ProxyRoute) -> bool {
    let headers = [&route.request_headers_policy, &route.response_headers_policy];
    let of_service = |service: &ProxyService| {
        service.request_headers_policy.is_some() || service.response_headers_policy.is_some()
    };
    route.path_rewrite_policy.is_some()
        || headers.into_iter().any(Option::is_some)
        || route.services.iter().any(of_service)
}

fn route_of(route: &ProxyRoute, namespace: &str, by: &mut Digester<'_>) -> RouteDigest {
    let actions = [
        !route.services.is_empty(),
        route.request_redirect_policy.is_some(),
        route.direct_response_policy.is_some(),
    ];
    let one_action = actions.into_iter().filter(|is_there| *is_there).count() == 1;
    let answered = route.services.is_empty();
    let service = |service: &ProxyService| {
        if service.port == 0 {
            return Err(format!("its service \"{}\" has no port", service.name).into());
        }
        let (port, weight) = (Port::Number(service.port), service.weight.unwrap_or(0));
        let spoken = match service.protocol.as_deref() {
            Some("h2c") => Spoken::By(Protocol::H2c),
            Some("h2") => Spoken::By(Protocol::H2),
            Some("tls") => Spoken::By(Protocol::Https),
            _ => Spoken::AsPort,
        };
        let checked = service.validation.is_some();
        Ok(Backend { spoken, checked, ..Backend::of(namespace, &service.name, port, weight, by) })
    };
    let goes = if answered {
        Goes::Answered
    } else {
        // As Contour has it: where no service has a weight, all have the same.
        let services = || route.services.iter().filter(|service| !service.mirror);
        let weightless = services().all(|service| service.weight.unwrap_or(0) == 0);
        match Goes::to(services().map(service).map(|backend| {
            backend.map(|backend| Backend { weight: if weightless { 1 } else { backend.weight }, ..backend })
        })) {
            Goes::To(backends) if backends.is_empty() => {
                Goes::Unusable("none of its services answers: all are mirrors".into())
            }
            goes => goes,
        }
    };
    RouteDigest {
        path: path_of(&route.conditions).and_then(|path| {
            let why =
                "a route has one of `services`, `requestRedirectPolicy` and `directResponsePolicy`: keep one";
            one_action.then_some(path).ok_or_else(|| why.into())
        }),
        goes: goes.shared(by),
        conditional: ask_for_more(&route.conditions),
        guard: guard::of_route(route),
        authorized: route.auth_policy.as_ref().map(|policy| !policy.disabled),
        tokenless: route.jwt_verification_policy.as_ref().is_some_and(|policy| policy.disabled),
    }
}

fn include_of(include: &Include, namespace: &str, by: &mut Digester<'_>) -> IncludeDigest {
    let namespace =
        include.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(namespace);
    let prefix = path_of(&include.conditions).and_then(|condition| match condition {
        PathCondition::None => Ok("".into()),
        PathCondition::Prefix(prefix) => Ok(prefix),
        PathCondition::Exact(_) | PathCondition::Regex(_) => Err("an include has a `prefix` alone".into()),
    });
    let conditional = ask_for_more(&include.conditions);
    IncludeDigest { proxy: by.texts.share(&format!("{namespace}/{}", include.name)), prefix, conditional }
}

/// The one condition on the path, as Contour merges them.
fn path_of(conditions: &[MatchCondition]) -> Result<PathCondition, Box<str>> {
    let mut found = PathCondition::None;
    for condition in conditions {
        let written =
            |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(Box::<str>::from);
        let kinds = [
            written(&condition.prefix).map(PathCondition::Prefix),
            written(&condition.exact).map(PathCondition::Exact),
            written(&condition.regex).map(PathCondition::Regex),
        ];
        for kind in kinds.into_iter().flatten() {
            if found != PathCondition::None {
                return Err("it has more than one of `prefix`, `exact` and `regex`: keep one".into());
            }
            if let Some(text) = kind.text().filter(|text| !text.starts_with('/')) {
                return Err(format!("the path \"{text}\" does not start with `/`").into());
            }
            found = kind;
        }
    }
    Ok(found)
}

/// What matters of a TLSCertificateDelegation.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct DelegationDigest {
    delegations: Box<[SecretDigest]>,
}

/// A Secret, and the namespaces that may use it.
#[derive(Debug, PartialEq, Eq)]
struct SecretDigest {
    name: Box<str>,
    targets: Box<[Box<str>]>,
}

impl DelegationDigest {
    pub(super) fn of(delegation: &TLSCertificateDelegation) -> Self {
        let delegations = delegation.spec.delegations.iter().map(|delegation| {
            let targets = delegation.target_namespaces.iter().map(|target| target.as_str().into());
            SecretDigest { name: delegation.secret_name.as_str().into(), targets: targets.collect() }
        });
        Self { delegations: delegations.collect() }
    }

    /// Whether this namespace may use the Secret.
    pub(in super::super) fn allows(&self, secret: &str, namespace: &str) -> bool {
        let to = |one: &SecretDigest| {
            one.targets.iter().any(|target| matches!(&**target, "*") || **target == *namespace)
        };
        self.delegations.iter().any(|one| *one.name == *secret && to(one))
    }
}
