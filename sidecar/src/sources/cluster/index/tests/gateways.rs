//! HTTPRoutes and GRPCRoutes through Gateways.

use super::{check, check_saying, hosts, household, notes, picture_of, settings};
use crate::sources::cluster::settings::Settings;

const CLASS: &str = "{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: contour}, spec: {controllerName: projectcontour.io/gateway-controller}}\n---\n";

/// A Gateway `gw` of Contour's class with these listeners.
pub(super) fn gateway(listeners: &str) -> String {
    format!(
        "{CLASS}{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{name: gw, namespace: default}}, spec: \
         {{gatewayClassName: contour, listeners: [{listeners}]}}}}\n---\n"
    )
}

/// An HTTPRoute: `NAMESPACE/NAME` and its spec.
pub(super) fn route(name: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{{spec}}}}}\n---\n"
    )
}

pub(super) const HTTP: &str = "{name: http, port: 80, protocol: HTTP}";
const RULES: &str = "rules: [{backendRefs: [{name: web, port: 80}]}]";

/// A route on `gw` with these hosts.
fn on(parent: &str, hostnames: &str) -> String {
    route("r", &format!("parentRefs: [{{name: gw{parent}}}], hostnames: [{hostnames}], {RULES}"))
}

#[test]
fn a_route_has_its_hosts_at_a_listener_without_one() {
    check(&(gateway(HTTP) + &on("", "a.example.com")), "a.example.com/ default/web:80 403", "");
}

#[test]
fn hosts_of_route_and_listener_intersect() {
    for (listener, route, expected) in [
        ("a.example.com", "a.example.com", "a.example.com"),
        ("a.example.com", "", "a.example.com"),
        ("'*.example.com'", "a.example.com", "a.example.com"),
        ("'*.example.com'", "a.b.example.com", "a.b.example.com"),
        ("'*.example.com'", "", "**.example.com"),
        ("a.example.com", "'*.example.com'", "a.example.com"),
        ("'*.example.com'", "'*.b.example.com'", "**.b.example.com"),
        ("'*.b.example.com'", "'*.example.com'", "**.b.example.com"),
    ] {
        let listener = format!("{{name: http, port: 80, protocol: HTTP, hostname: {listener}}}");
        check(&(gateway(&listener) + &on("", route)), &format!("{expected}/ default/web:80 403"), "");
    }
    for (listener, route) in [
        ("b.example.com", "a.example.com"),
        ("'*.example.com'", "example.com"),
        ("'*.example.com'", "a.notexample.com"),
    ] {
        let listener = format!("{{name: http, port: 80, protocol: HTTP, hostname: {listener}}}");
        check(&(gateway(&listener) + &on("", route)), "", "NotAttached HTTPRoute default/r");
    }
}

#[test]
fn several_listeners_add_up() {
    let listeners = "{name: a, port: 80, protocol: HTTP, hostname: a.example.com}, {name: b, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}, hostname: '*.example.org'}";
    check(
        &(gateway(listeners) + &on("", "a.example.com, b.example.org, c.example.net")),
        "a.example.com/ default/web:80 403
         b.example.org/ default/web:80 403",
        "",
    );
    let both = "{name: http, port: 80, protocol: HTTP}, {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}";
    check(&(gateway(both) + &on("", "a.example.com")), "a.example.com/ default/web:80 403", "");
}

#[test]
fn a_route_may_ask_for_a_section_or_a_port() {
    let listeners = "{name: a, port: 80, protocol: HTTP, hostname: a.example.com}, {name: b, port: 81, protocol: HTTP, hostname: b.example.com}";
    check(&(gateway(listeners) + &on(", sectionName: b", "")), "b.example.com/ default/web:80 403", "");
    check(&(gateway(listeners) + &on(", port: 80", "")), "a.example.com/ default/web:80 403", "");
    check(&(gateway(listeners) + &on(", sectionName: c", "")), "", "NotAttached HTTPRoute default/r");
    check(
        &(gateway(listeners) + &on(", sectionName: a, port: 81", "")),
        "",
        "NotAttached HTTPRoute default/r",
    );
}

#[test]
fn a_listener_says_whose_routes_it_takes() {
    let from = |allowed: &str| {
        gateway(&format!("{{name: http, port: 80, protocol: HTTP, allowedRoutes: {{{allowed}}}}}"))
    };
    let other = route(
        "other/r",
        &format!("parentRefs: [{{name: gw, namespace: default}}], hostnames: [a.example.com], {RULES}"),
    );
    let team = "{apiVersion: v1, kind: Namespace, metadata: {name: other, labels: {team: blue}}}\n---\n";
    let (served, refused) = (("a.example.com/ other/web:80 403", ""), ("", "NotAttached HTTPRoute other/r"));
    for (allowed, (hosts, notes)) in [
        ("", refused),
        ("namespaces: {from: Same}", refused),
        ("namespaces: {from: All}", served),
        ("namespaces: {from: None}", refused),
        ("namespaces: {from: Selector, selector: {matchLabels: {team: blue}}}", served),
        ("namespaces: {from: Selector, selector: {matchLabels: {team: red}}}", refused),
        (
            "namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: other}}}",
            served,
        ),
        ("namespaces: {from: All}, kinds: [{kind: HTTPRoute}]", served),
        ("namespaces: {from: All}, kinds: [{kind: GRPCRoute}]", refused),
    ] {
        check(&(from(allowed) + team + &other), hosts, notes);
    }
}

#[test]
fn listeners_of_other_protocols_take_none() {
    for protocol in ["TLS", "TCP", "UDP", "example.com/own"] {
        let listener = format!("{{name: x, port: 80, protocol: {protocol}}}");
        check(&(gateway(&listener) + &on("", "a.example.com")), "", "NotAttached HTTPRoute default/r");
    }
}

#[test]
fn a_route_without_any_host_stays_local() {
    check(&(gateway(HTTP) + &on("", "")), "", "NoHost HTTPRoute default/r");
}

#[test]
fn paths_are_rules() {
    let spec = "parentRefs: [{name: gw}], hostnames: [a.example.com], rules: [
        {matches: [{path: {value: /}}, {path: {type: PathPrefix, value: /api/}}], backendRefs: [{name: api, port: 80}]},
        {matches: [{path: {type: Exact, value: /hook}}], backendRefs: [{name: web, port: 80}]},
        {matches: [{path: {type: RegularExpression, value: '/v/.*'}}], backendRefs: [{name: web, port: 80}]}]";
    check(
        &(gateway(HTTP) + &route("r", spec)),
        "a.example.com/ default/api:80 403
         a.example.com/api default/api:80 403
         a.example.com/hook default/web:80 403
         a.example.com/v default/web:80 403",
        "",
    );
}

#[test]
fn other_matches_are_left_to_the_controller() {
    for matching in ["headers: [{name: x, value: y}]", "queryParams: [{name: x, value: y}]", "method: GET"] {
        let spec = format!(
            "parentRefs: [{{name: gw}}], hostnames: [a.example.com], rules: [{{matches: [{{{matching}}}], backendRefs: [{{name: web, port: 80}}]}}]"
        );
        check(
            &(gateway(HTTP) + &route("r", &spec)),
            "a.example.com/ default/web:80 403",
            "LeftToController HTTPRoute default/r",
        );
    }
}

#[test]
fn backends_share_by_weight_and_a_redirect_has_none() {
    let rules = |rule: &str| {
        gateway(HTTP)
            + &route(
                "r",
                &format!("parentRefs: [{{name: gw}}], hostnames: [a.example.com], rules: [{{{rule}}}]"),
            )
    };
    check(
        &rules("backendRefs: [{name: web, port: 80, weight: 9}, {name: api, port: 80}]"),
        "a.example.com/ default/api:80*1+default/web:80*9 403",
        "LeftToController HTTPRoute default/r",
    );
    check(
        &rules("backendRefs: [{name: web, port: 80}, {name: api, port: 80, weight: 0}]"),
        "a.example.com/ default/web:80 403",
        "",
    );
    check(
        &rules("filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]"),
        "a.example.com/ envoy 403",
        "",
    );
    check(
        &rules("filters: [{type: URLRewrite}], backendRefs: [{name: web, port: 80}]"),
        "a.example.com/ default/web:80 403",
        "LeftToController HTTPRoute default/r",
    );
    check(&rules("backendRefs: []"), "a.example.com/ - 403", "");
    check(&rules("backendRefs: [{name: web}]"), "a.example.com hidden", "Hidden HTTPRoute default/r");
    check(
        &rules("backendRefs: [{group: example.com, kind: Bucket, name: web}]"),
        "a.example.com hidden",
        "Hidden HTTPRoute default/r",
    );
}

#[test]
fn a_backend_of_another_namespace_has_to_be_granted() {
    let manifests = gateway(HTTP)
        + &route(
            "r",
            "parentRefs: [{name: gw}], hostnames: [a.example.com], rules: [{backendRefs: [{name: web, namespace: other, port: 80}]}]",
        );
    let grant = |from: &str, to: &str| {
        format!(
            "{{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {{name: g, namespace: other}}, spec: {{from: [{from}], to: [{to}]}}}}\n---\n"
        )
    };
    let routes = |namespace: &str| {
        format!("{{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: {namespace}}}")
    };
    let (served, refused) =
        (("a.example.com/ other/web:80 403", ""), ("a.example.com hidden", "Hidden HTTPRoute default/r"));
    let with = |more: &str, (hosts, notes): (&str, &str)| check(&(manifests.clone() + more), hosts, notes);
    with("", refused);
    with(&grant(&routes("default"), "{group: '', kind: Service}"), served);
    with(&grant(&routes("default"), "{group: '', kind: Service, name: web}"), served);
    with(&grant(&routes("default"), "{group: '', kind: Service, name: api}"), refused);
    with(&grant(&routes("elsewhere"), "{group: '', kind: Service}"), refused);
    with(&grant(&routes("default"), "{group: '', kind: Secret}"), refused);
    check_saying(&manifests, refused.0, refused.1, "ReferenceGrant");
}

#[test]
fn a_gateway_that_is_not_there_is_noted() {
    check_saying(&on("", "a.example.com"), "", "NotFound HTTPRoute default/r", "default/gw");
}

#[test]
fn parents_that_are_no_gateways_are_not_ours() {
    check(
        &route(
            "r",
            &format!(
                "parentRefs: [{{group: '', kind: Service, name: web}}], hostnames: [a.example.com], {RULES}"
            ),
        ),
        "",
        "",
    );
}

#[test]
fn gateways_are_read_by_class() {
    let foreign = CLASS.replace("projectcontour.io", "example.com") + &gateway(HTTP).replace(CLASS, "");
    let manifests = |gateways: &str| format!("{}\n---\n{gateways}{}", household(), on("", "a.example.com"));
    let read = |classes: Option<&[&str]>, gateways: &str| {
        let classes = classes.map(|classes| classes.iter().map(ToString::to_string).collect());
        let picture = picture_of(Settings { gateway_classes: classes, ..settings() }, &manifests(gateways));
        assert_eq!(notes(&picture), "");
        hosts(&picture)
    };
    let served = "a.example.com/ default/web:80 403";
    assert_eq!(read(None, &gateway(HTTP)), served);
    assert_eq!(read(None, &foreign), "");
    assert_eq!(read(None, &gateway(HTTP).replace(CLASS, "")), "");
    assert_eq!(read(Some(&["contour"]), &foreign), served);
    assert_eq!(read(Some(&["contour"]), &gateway(HTTP).replace(CLASS, "")), served);
    assert_eq!(read(Some(&["other"]), &gateway(HTTP)), "");
}

#[test]
fn a_redirect_at_one_listener_leaves_the_host_to_the_route_of_the_other() {
    let listeners = "{name: http, port: 80, protocol: HTTP}, {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}";
    let redirect = |name: &str| {
        route(
            name,
            "parentRefs: [{name: gw, sectionName: http}], hostnames: [a.example.com], rules: [{filters: [{type: RequestRedirect}]}]",
        )
    };
    let real = route(
        "m",
        &format!("parentRefs: [{{name: gw, sectionName: https}}], hostnames: [a.example.com], {RULES}"),
    );
    for name in ["a", "z"] {
        check(&(gateway(listeners) + &redirect(name) + &real), "a.example.com/ default/web:80 403", "");
    }
}

/// A GRPCRoute `g` on `gw`, with these matches.
fn grpc(matches: &str) -> String {
    route(
        "g",
        &format!(
            "parentRefs: [{{name: gw}}], hostnames: [a.example.com], rules: [{{matches: [{matches}], backendRefs: [{{name: web, \
             port: 80}}]}}]"
        ),
    )
    .replace("HTTPRoute", "GRPCRoute")
}

#[test]
fn a_grpc_method_is_a_path_and_its_service_speaks_http_2() {
    for (matches, path) in [
        ("", "/"),
        ("{method: {service: shop.Cart}}", "/shop.Cart"),
        ("{method: {service: shop.Cart, method: Add}}", "/shop.Cart/Add"),
        ("{method: {method: Add}}", "/"),
        ("{method: {type: RegularExpression, service: 'shop[.]Cart'}}", "/"),
    ] {
        check(&(gateway(HTTP) + &grpc(matches)), &format!("a.example.com{path} default/web:80:grpc 403"), "");
    }
    let picture = picture_of(
        settings(),
        &(household() + "\n---\n" + &gateway(HTTP) + &grpc("") + &on("", "b.example.com")),
    );
    assert_eq!(
        super::services(&picture),
        "default/web:80 studtop=10.1.0.1:8080\ndefault/web:80:grpc h2c studtop=10.1.0.1:8080"
    );
    check(
        &(gateway(HTTP) + &grpc("{method: {type: Glob, service: x}}")),
        "a.example.com hidden",
        "Hidden GRPCRoute default/g",
    );
}

#[test]
fn a_listener_takes_the_kinds_that_it_names() {
    let only = |kind: &str| {
        gateway(&format!(
            "{{name: http, port: 80, protocol: HTTP, allowedRoutes: {{kinds: [{{kind: {kind}}}]}}}}"
        ))
    };
    check(&(only("GRPCRoute") + &grpc("")), "a.example.com/ default/web:80:grpc 403", "");
    check(&(only("HTTPRoute") + &grpc("")), "", "NotAttached GRPCRoute default/g");
    check(&(only("GRPCRoute") + &on("", "a.example.com")), "", "NotAttached HTTPRoute default/r");
}

#[test]
fn a_grant_is_for_the_kind_that_it_names() {
    let other = grpc("").replace("name: web, port", "name: web, namespace: other, port");
    let grant = |kind: &str| {
        format!(
            "{{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {{name: g, namespace: other}}, spec: \
             {{from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: default}}], to: [{{group: '', kind: Service}}]}}}}\n"
        )
    };
    let check =
        |kind: &str, hosts: &str, notes: &str| check(&(gateway(HTTP) + &other + &grant(kind)), hosts, notes);
    check("GRPCRoute", "a.example.com/ other/web:80:grpc 403", "");
    check("HTTPRoute", "a.example.com hidden", "Hidden GRPCRoute default/g");
}
