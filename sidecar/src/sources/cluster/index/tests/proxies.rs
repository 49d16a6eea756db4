//! HTTPProxies, as Contour reads them.

use super::{check, check_saying};

/// An HTTPProxy with this spec; `NAMESPACE/NAME`.
pub(super) fn proxy(name: &str, metadata: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    format!(
        "{{apiVersion: projectcontour.io/v1, kind: HTTPProxy, metadata: {{name: {name}, namespace: {namespace}{metadata}}}, spec: {{{spec}}}}}\n---\n"
    )
}

const HOST: &str = "virtualhost: {fqdn: a.example.com}";
pub(super) const WEB: &str = "services: [{name: web, port: 80}]";
pub(super) const EXPOSED: &str = ", annotations: {st8s.stuartpb.com/expose-to: '403, exposed'}";

/// A root with these routes.
fn root(routes: &str) -> String {
    proxy("p", "", &format!("{HOST}, routes: [{routes}]"))
}

#[test]
fn a_route_without_conditions_has_every_path() {
    check(&root(&format!("{{{WEB}}}")), "a.example.com/ default/web:80 403", "");
}

#[test]
fn conditions_on_the_path_are_rules() {
    check(
        &root(&format!(
            "{{{WEB}}}, {{conditions: [{{prefix: /api/}}], services: [{{name: api, port: 80}}]}}, {{conditions: [{{exact: /hook}}], {WEB}}}, \
             {{conditions: [{{regex: /v/.*}}], {WEB}}}"
        )),
        "a.example.com/ default/web:80 403
         a.example.com/api default/api:80 403
         a.example.com/hook default/web:80 403
         a.example.com/v default/web:80 403",
        "",
    );
}

#[test]
fn several_services_share_a_rule_by_weight() {
    let two = |a: &str, b: &str| {
        root(&format!("{{services: [{{name: web, port: 80{a}}}, {{name: api, port: 80{b}}}]}}"))
    };
    check(&two("", ""), "a.example.com/ default/api:80+default/web:80 403", "");
    check(
        &two(", weight: 90", ", weight: 10"),
        "a.example.com/ default/api:80*10+default/web:80*90 403",
        "LeftToController HTTPProxy default/p",
    );
    check(&two(", weight: 5", ", weight: 0"), "a.example.com/ default/web:80 403", "");
    check(&two("", ", mirror: true"), "a.example.com/ default/web:80 403", "");
}

#[test]
fn conditions_on_headers_and_queries_are_left_to_contour() {
    check_saying(
        &root(&format!(
            "{{conditions: [{{header: {{name: x-canary, present: true}}}}], services: [{{name: api, port: 80}}]}}, {{{WEB}}}"
        )),
        "a.example.com/ default/api:80+default/web:80 403",
        "LeftToController HTTPProxy default/p",
        "to a node of any service",
    );
    check(
        &root(&format!("{{conditions: [{{prefix: /x}}, {{queryParameter: {{name: q, exact: x}}}}], {WEB}}}")),
        "a.example.com/x default/web:80 403",
        "LeftToController HTTPProxy default/p",
    );
}

#[test]
fn what_envoy_answers_itself_is_answered_by_every_node_of_home() {
    check(&root("{requestRedirectPolicy: {hostname: b.example.com}}"), "a.example.com/ envoy 403", "");
    check(
        &root(&format!(
            "{{conditions: [{{prefix: /gone/}}], directResponsePolicy: {{statusCode: 410}}}}, {{{WEB}}}"
        )),
        "a.example.com/ default/web:80 403
         a.example.com/gone envoy 403",
        "",
    );
}

#[test]
fn a_wildcard_stands_for_one_label() {
    check(
        &proxy("p", "", &format!("virtualhost: {{fqdn: '*.example.com'}}, routes: [{{{WEB}}}]")),
        "*.example.com/ default/web:80 403",
        "",
    );
}

#[test]
fn it_includes_others_below_a_prefix_and_across_namespaces() {
    check(
        &(proxy(
            "p",
            EXPOSED,
            &format!(
                "{HOST}, includes: [{{name: blog, namespace: other, conditions: [{{prefix: /blog/}}]}}], routes: [{{{WEB}}}]"
            ),
        ) + &proxy(
            "other/blog",
            "",
            &format!(
                "routes: [{{{WEB}}}, {{conditions: [{{prefix: /admin/}}], {WEB}}}], includes: [{{name: deep, conditions: [{{prefix: /d}}]}}]"
            ),
        ) + &proxy("other/deep", EXPOSED, &format!("routes: [{{conditions: [{{prefix: /e}}], {WEB}}}]"))),
        "a.example.com/ default/web:80 403,exposed
         a.example.com/blog other/web:80 403
         a.example.com/blog/admin other/web:80 403
         a.example.com/blog/d/e other/web:80 403,exposed",
        "",
    );
}

#[test]
fn an_include_without_a_prefix_has_the_paths_of_what_it_includes() {
    check(
        &(proxy("p", "", &format!("{HOST}, includes: [{{name: all}}]"))
            + &proxy("all", "", &format!("routes: [{{conditions: [{{prefix: /x/}}], {WEB}}}]"))),
        "a.example.com/x default/web:80 403",
        "",
    );
}

#[test]
fn what_is_included_and_not_there_hides_its_prefix() {
    check_saying(
        &proxy(
            "p",
            "",
            &format!(
                "{HOST}, includes: [{{name: gone, conditions: [{{prefix: /x/}}]}}], routes: [{{{WEB}}}]"
            ),
        ),
        "a.example.com/ default/web:80 403
         a.example.com/x - -",
        "Hidden HTTPProxy default/p",
        "default/gone",
    );
}

#[test]
fn a_root_includes_no_root() {
    check(
        &(proxy(
            "p",
            "",
            &format!("{HOST}, includes: [{{name: q, conditions: [{{prefix: /q/}}]}}], routes: [{{{WEB}}}]"),
        ) + &proxy("q", "", &format!("virtualhost: {{fqdn: b.example.com}}, routes: [{{{WEB}}}]"))),
        "a.example.com/ default/web:80 403
         a.example.com/q - -
         b.example.com/ default/web:80 403",
        "Hidden HTTPProxy default/p",
    );
}

#[test]
fn a_circle_of_includes_hides_its_prefix() {
    check_saying(
        &(proxy(
            "p",
            "",
            &format!("{HOST}, includes: [{{name: q, conditions: [{{prefix: /q/}}]}}], routes: [{{{WEB}}}]"),
        ) + &proxy("q", "", "includes: [{name: r, conditions: [{prefix: /r/}]}]")
            + &proxy("r", "", "includes: [{name: q, conditions: [{prefix: /q/}]}]")),
        "a.example.com/ default/web:80 403
         a.example.com/q/r/q - -",
        "Hidden HTTPProxy default/r",
        "circle",
    );
}

#[test]
fn one_that_nobody_includes_has_no_host() {
    check(&proxy("q", "", &format!("routes: [{{{WEB}}}]")), "", "NoHost HTTPProxy default/q");
    check(
        &proxy("q", "", &format!("virtualhost: {{fqdn: ''}}, routes: [{{{WEB}}}]")),
        "",
        "NoHost HTTPProxy default/q",
    );
}

#[test]
fn two_roots_of_one_fqdn_are_served_by_nobody() {
    check(
        &(proxy("p", "", &format!("{HOST}, routes: [{{{WEB}}}]"))
            + &proxy("q", "", &format!("virtualhost: {{fqdn: A.example.com}}, routes: [{{{WEB}}}]"))),
        "a.example.com hidden",
        "Hidden HTTPProxy default/p
         Hidden HTTPProxy default/q",
    );
}

#[test]
fn a_secret_of_another_namespace_has_to_be_delegated() {
    let root = proxy(
        "p",
        "",
        &format!(
            "virtualhost: {{fqdn: a.example.com, tls: {{secretName: certs/wild}}}}, routes: [{{{WEB}}}]"
        ),
    );
    let delegation = |namespace: &str, secret: &str, targets: &str| {
        format!(
            "{{apiVersion: projectcontour.io/v1, kind: TLSCertificateDelegation, metadata: {{name: d, namespace: {namespace}}}, spec: {{delegations: [{{secretName: {secret}, targetNamespaces: [{targets}]}}]}}}}\n---\n"
        )
    };
    let (served, refused) =
        (("a.example.com/ default/web:80 403", ""), ("a.example.com hidden", "Hidden HTTPProxy default/p"));
    let with = |more: &str, (hosts, notes): (&str, &str)| check(&(root.clone() + more), hosts, notes);
    with("", refused);
    with(&delegation("certs", "wild", "default"), served);
    with(&delegation("certs", "wild", "'*'"), served);
    with(&delegation("certs", "wild", "other"), refused);
    with(&delegation("certs", "other", "default"), refused);
    with(&delegation("other", "wild", "default"), refused);
    for own in ["wild", "default/wild"] {
        check(&root.replace("certs/wild", own), served.0, served.1);
    }
}

#[test]
fn bytes_that_are_handed_through_cannot_be_routed() {
    check_saying(
        &proxy(
            "p",
            "",
            "virtualhost: {fqdn: a.example.com, tls: {passthrough: true}}, tcpproxy: {services: [{name: web, port: 80}]}",
        ),
        "a.example.com hidden",
        "Hidden HTTPProxy default/p",
        "passthrough",
    );
    check(
        &proxy(
            "p",
            "",
            "virtualhost: {fqdn: a.example.com, tls: {secretName: s}}, tcpproxy: {services: [{name: web, port: 80}]}",
        ),
        "a.example.com hidden",
        "Hidden HTTPProxy default/p",
    );
}

#[test]
fn what_contour_refuses_is_hidden() {
    check(&proxy("p", "", HOST), "a.example.com hidden", "Hidden HTTPProxy default/p");
    check(
        &root(&format!("{{conditions: [{{prefix: /a}}, {{prefix: /b}}], {WEB}}}")),
        "a.example.com hidden",
        "Hidden HTTPProxy default/p",
    );
    check(
        &root(&format!("{{conditions: [{{prefix: a}}], {WEB}}}")),
        "a.example.com hidden",
        "Hidden HTTPProxy default/p",
    );
    check(&root("{conditions: [{prefix: /}]}"), "a.example.com hidden", "Hidden HTTPProxy default/p");
    check(
        &proxy(
            "p",
            "",
            &format!("{HOST}, includes: [{{name: q, conditions: [{{exact: /x}}]}}], routes: [{{{WEB}}}]"),
        ),
        "a.example.com hidden",
        "Hidden HTTPProxy default/p",
    );
}

#[test]
fn it_is_of_the_class_that_it_says() {
    let of = |metadata: &str, spec: &str| proxy("p", metadata, &format!("{HOST}, routes: [{{{WEB}}}]{spec}"));
    let served = "a.example.com/ default/web:80 403";
    check(&of("", ", ingressClassName: contour"), served, "");
    check(&of("", ", ingressClassName: other"), "", "");
    check(&of(", annotations: {projectcontour.io/ingress.class: other}", ""), "", "");
    check(&of(", annotations: {kubernetes.io/ingress.class: other}", ""), "", "");
    check(
        &of(
            ", annotations: {projectcontour.io/ingress.class: contour, kubernetes.io/ingress.class: other}",
            "",
        ),
        served,
        "",
    );
}

#[test]
fn a_prefix_is_a_text_and_narrows_what_is_around_it() {
    check_saying(
        &(proxy(
            "p",
            EXPOSED,
            &format!(
                "{HOST}, includes: [{{name: q, conditions: [{{prefix: /admin}}]}}], routes: [{{{WEB}}}]"
            ),
        ) + &proxy("q", "", &format!("routes: [{{{WEB}}}]"))),
        "a.example.com/ default/web:80 403
         a.example.com/admin default/web:80 403",
        "ExposureCut HTTPProxy default/p",
        "use `Prefix`",
    );
}

#[test]
fn a_prefix_that_nothing_serves_narrows_nothing() {
    check(
        &proxy(
            "p",
            EXPOSED,
            &format!("{HOST}, includes: [{{name: gone, conditions: [{{prefix: /x}}]}}], routes: [{{{WEB}}}]"),
        ),
        "a.example.com/ default/web:80 403,exposed
         a.example.com/x - -",
        "Hidden HTTPProxy default/p",
    );
}

#[test]
fn what_contour_refuses_of_a_host_is_served_by_nobody() {
    for (host, why) in [
        (", tls: {minimumProtocolVersion: '1.3'}", "`tls` names no certificate"),
        (", jwtProviders: [{name: jwt}]", "with TLS alone"),
        (", authorization: {extensionRef: {name: x}}", "with TLS alone"),
    ] {
        let spec = format!("virtualhost: {{fqdn: a.example.com{host}}}, routes: [{{{WEB}}}]");
        check_saying(&proxy("p", "", &spec), "a.example.com hidden", "Hidden HTTPProxy default/p", why);
    }
}

#[test]
fn a_route_does_one_thing() {
    let redirect = "requestRedirectPolicy: {hostname: x.example.com}";
    for route in [format!("{WEB}, {redirect}"), "conditions: [{prefix: /}]".to_owned()] {
        let spec = format!("virtualhost: {{fqdn: a.example.com}}, routes: [{{{route}}}]");
        check_saying(
            &proxy("p", "", &spec),
            "a.example.com hidden",
            "Hidden HTTPProxy default/p",
            "keep one",
        );
    }
}
