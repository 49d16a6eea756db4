//! Guards: what a controller checks of a client before it serves. Nothing here checks that, so what has one is hidden.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::super::objects::{FrontendTls, HTTPRouteFilter, ListenerTls, ProxyRoute, VirtualHost};

/// What annotations of Ingresses are called that controllers take for guards, whoever's they are: of ingress-nginx
/// (<https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/>), HAProxy's two
/// (<https://haproxy-ingress.github.io/docs/configuration/keys/>, <https://www.haproxy.com/documentation/kubernetes-ingress/>),
/// NGINX's own, Apache APISIX', AWS'.
const NAMES: &[&str] = &[
    "allow-list",
    "allowlist-source-range",
    "auth-secret",
    "auth-tls-secret",
    "auth-type",
    "auth-url",
    "basic-auth-secret",
    "blacklist",
    "blacklist-source-range",
    "blocklist-source-range",
    "deny-list",
    "denylist-source-range",
    "inbound-cidrs",
    "jwt-key",
    "mutual-authentication",
    "plugin-config-name",
    "whitelist",
    "whitelist-source-range",
];

/// Annotations that may be guards, and whose names say too little to stand for others': of Kong, NGINX and Traefik
/// (<https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/>).
const ANNOTATIONS: &[&str] = &[
    "konghq.com/plugins",
    "nginx.org/policies",
    "traefik.ingress.kubernetes.io/router.middlewares",
    "traefik.ingress.kubernetes.io/router.tls.options",
];

/// An option of a listener's TLS.
const ISTIO_MODE: &str = "gateway.istio.io/tls-terminate-mode";

/// What to tell of a guard: why what it guards is hidden, and what helps. With a class that is not read for this object alone,
/// another one's path around it would answer.
pub(in super::super) fn told(guard: &str) -> String {
    format!(
        "`{guard}` guards it at the controller, and nothing would here: leave it hidden, or give every object of the host a \
         class that is not read (`ingress_classes`, `gateway_classes`), so that the controller alone serves it"
    )
}

/// The guard of an Ingress.
pub(super) fn of_ingress(metadata: &ObjectMeta) -> Option<Box<str>> {
    let is_guard = |name: &str| {
        let short = name.split_once('/').map_or(name, |(_, short)| short);
        ANNOTATIONS.contains(&name) || NAMES.contains(&short)
    };
    let mut written = metadata.annotations.iter().flatten().filter(|(_, value)| !value.is_empty());
    written.find(|(name, _)| is_guard(name)).map(|(name, _)| name.as_str().into())
}

/// The guard of a whole host of Contour's, which no route of it can do without.
pub(super) fn of_host(host: &VirtualHost) -> Option<&'static str> {
    let clients = host.tls.as_ref().is_some_and(|tls| tls.client_validation.is_some());
    let found = [
        (clients, "virtualhost.tls.clientValidation"),
        (!host.ip_allow_policy.is_empty(), "virtualhost.ipAllowPolicy"),
        (!host.ip_deny_policy.is_empty(), "virtualhost.ipDenyPolicy"),
    ];
    first(&found)
}

/// The guard of a route of Contour's. Those of its host that a route can do without are
/// [`RootDigest::guard_of`](super::http_proxy::RootDigest::guard_of)'s.
pub(super) fn of_route(route: &ProxyRoute) -> Option<&'static str> {
    let jwt = route.jwt_verification_policy.as_ref();
    let found = [
        (!route.ip_allow_policy.is_empty(), "ipAllowPolicy"),
        (!route.ip_deny_policy.is_empty(), "ipDenyPolicy"),
        (jwt.is_some_and(|jwt| jwt.require.is_some()), "jwtVerificationPolicy"),
    ];
    first(&found)
}

/// The guard of a listener of Gateway API's: certificates of clients, as a listener, its Gateway since version 1.4 of the API,
/// or Istio (<https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/>) asks for them.
pub(super) fn of_listener(
    tls: &ListenerTls,
    port: u16,
    frontend: Option<&FrontendTls>,
) -> Option<&'static str> {
    let of_gateway = frontend.and_then(|frontend| {
        let of_port = frontend.per_port.iter().find(|one| one.port == port);
        of_port.map_or(frontend.default.as_ref(), |one| one.tls.as_ref())?.validation.as_ref()
    });
    let istio = tls.options.get(ISTIO_MODE).is_some_and(|mode| mode.contains("MUTUAL"));
    let found = [
        (tls.frontend_validation.is_some(), "tls.frontendValidation"),
        (of_gateway.is_some(), "spec.tls.frontend"),
        (istio, ISTIO_MODE),
    ];
    first(&found)
}

/// A filter of Gateway API's that may be a guard. One that is not known must not be skipped, says its reference.
pub(super) fn of_filters(filters: &[HTTPRouteFilter]) -> Option<Box<str>> {
    let harmless = |kind: &str| {
        let known = [
            "RequestHeaderModifier",
            "ResponseHeaderModifier",
            "RequestMirror",
            "RequestRedirect",
            "URLRewrite",
            "CORS",
        ];
        known.contains(&kind)
    };
    let other = filters.iter().find(|filter| !harmless(&filter.kind))?;
    Some(format!("filters: {}", other.kind).into())
}

fn first(found: &[(bool, &'static str)]) -> Option<&'static str> {
    found.iter().find(|(is_there, _)| *is_there).map(|(_, name)| *name)
}
