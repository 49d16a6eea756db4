//! Listeners that their controller does not open take no route, and what a listener guards is hidden.

use super::gateways::{gateway, route};
use super::{check, check_saying, hosts, household, notes, picture_of, settings};
use crate::sources::cluster::settings::Settings;

/// A certificate of the Gateway's own namespace.
const OWN: &str = "certificateRefs: [{name: c}]";

/// Listeners, and a route of `a.example.com` on them.
fn with(listeners: &str) -> String {
    gateway(listeners) + &on("r", "", "a.example.com")
}

/// A route on `gw`: what its parent says besides, and its hosts.
fn on(name: &str, parent: &str, hostnames: &str) -> String {
    route(
        name,
        &format!(
            "parentRefs: [{{name: gw, namespace: default{parent}}}], hostnames: [{hostnames}], rules: [{{backendRefs: [{{name: \
             web, port: 80}}]}}]"
        ),
    )
}

/// A listener of protocol HTTPS with this as its TLS.
fn https(tls: &str) -> String {
    format!("{{name: l, port: 443, protocol: HTTPS, tls: {{{tls}}}}}")
}

/// A ReferenceGrant of namespace `other` for Gateways of a namespace.
fn grant(namespace: &str, to: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {{name: g, namespace: other}}, spec: \
         {{from: [{{group: gateway.networking.k8s.io, kind: Gateway, namespace: {namespace}}}], to: [{to}]}}}}\n---\n"
    )
}

const SERVED: &str = "a.example.com/ default/web:80 403";
const REFUSED: &str = "NotAttached Gateway default/gw\nNotAttached HTTPRoute default/r";

/// Nothing is served, and the Gateway's owner and the route's are told why.
#[track_caller]
fn check_refused(manifests: &str, why: &str) {
    check_saying(
        manifests,
        "",
        REFUSED,
        &format!("Gateway default/gw: NotAttached: its listener \"l\" takes no route: {why}"),
    );
    check_saying(
        manifests,
        "",
        REFUSED,
        &format!("Gateway default/gw takes no route at its listener \"l\": {why}"),
    );
}

/// What a Gateway of a class of another controller's serves.
fn of_another(manifests: &str) -> (String, String) {
    let another = manifests.replace("projectcontour.io/gateway-controller", "example.com/controller");
    let classes = Some(vec!["contour".to_owned()]);
    let whole = format!("{}\n---\n{another}", household());
    let picture = picture_of(Settings { gateway_classes: classes, ..settings() }, &whole);
    (hosts(&picture), notes(&picture))
}

#[track_caller]
fn check_of_another(manifests: &str, hosts: &str, notes: &str) {
    assert_eq!(of_another(manifests), (hosts.to_owned(), notes.to_owned()), "{manifests}");
}

#[test]
fn https_needs_tls_that_ends_here_and_a_certificate() {
    let bare = with("{name: l, port: 443, protocol: HTTPS}");
    for (manifests, why) in [
        (bare, "`protocol: HTTPS` needs `tls`"),
        (with(&https("")), "it has no certificate"),
        (with(&https("mode: Terminate")), "it has no certificate"),
        (with(&https("mode: Passthrough")), "`tls.mode: Passthrough`"),
        (with(&https(&format!("mode: Passthrough, {OWN}"))), "`tls.mode: Passthrough`"),
    ] {
        check_refused(&manifests, why);
        check_of_another(&manifests, "", REFUSED);
    }
    check(&with(&https(OWN)), SERVED, "");
    check(&with(&https(&format!("mode: Terminate, {OWN}"))), SERVED, "");
    check_of_another(&with(&https(OWN)), SERVED, "");
}

#[test]
fn contour_takes_one_certificate_of_a_secret_and_others_may_take_more() {
    for tls in [
        "certificateRefs: [{name: c}, {name: d}]",
        "certificateRefs: [{group: example.com, kind: Vault, name: c}]",
        "options: {example.com/certificate: c}",
    ] {
        check(&with(&https(tls)), "", REFUSED);
        check_of_another(&with(&https(tls)), SERVED, "");
    }
    check(&with(&https("certificateRefs: [{group: '', kind: Secret, name: c}]")), SERVED, "");
}

#[test]
fn a_certificate_of_another_namespace_has_to_be_granted() {
    let manifests = with(&https("certificateRefs: [{name: c, namespace: other}]"));
    let secret = "{group: '', kind: Secret}";
    check_refused(
        &manifests,
        "no ReferenceGrant lets Gateways of namespace \"default\" name the Secret other/c",
    );
    for granted in [secret, "{group: '', kind: Secret, name: c}", "{group: '', kind: Secret, name: ''}"] {
        check(&(manifests.clone() + &grant("default", granted)), SERVED, "");
    }
    for (namespace, other) in [
        ("default", "{group: '', kind: Secret, name: d}"),
        ("default", "{group: '', kind: Service}"),
        ("elsewhere", secret),
    ] {
        check(&(manifests.clone() + &grant(namespace, other)), "", REFUSED);
    }
    let routes = grant("default", secret).replace("kind: Gateway,", "kind: HTTPRoute,");
    check(&(manifests.clone() + &routes), "", REFUSED);
    check(&with(&https("certificateRefs: [{name: c, namespace: default}]")), SERVED, "");
    // One of several is enough for who takes several.
    let both = with(&https("certificateRefs: [{name: c, namespace: other}, {name: d}]"));
    check_of_another(&both, SERVED, "");
    check_of_another(&manifests, "", REFUSED);
}

#[test]
fn of_two_listeners_in_one_place_contour_opens_the_first_and_others_none() {
    let second = |more: &str| {
        format!(
            "{{name: first, port: 80, protocol: HTTP, hostname: a.example.com}}, {{name: l, port: 80, protocol: HTTP, hostname: \
             a.example.com{more}}}"
        )
    };
    let all = ", allowedRoutes: {namespaces: {from: All}}";
    // The first takes routes of its own namespace alone.
    let other = gateway(&second(all)) + &on("other/r", "", "a.example.com");
    let told = "NotAttached Gateway default/gw\nNotAttached HTTPRoute other/r";
    check_saying(&other, "", told, "its port 80 and hostname are the listener \"first\"'s too");
    check(&with(&second("")), SERVED, "NotAttached Gateway default/gw");
    check_of_another(&with(&second("")), "", REFUSED);
    for (port, hostname) in [("81", "a.example.com"), ("80", "'*.example.com'"), ("80", "''")] {
        let apart = format!(
            "{{name: first, port: 80, protocol: HTTP, hostname: a.example.com}}, {{name: l, port: {port}, protocol: HTTP, \
             hostname: {hostname}}}"
        );
        check(&with(&apart), SERVED, "");
    }
    let neither =
        "{name: first, port: 80, protocol: HTTP, hostname: ''}, {name: l, port: 80, protocol: HTTP}";
    check(&(gateway(neither) + &on("r", ", sectionName: l", "a.example.com")), "", REFUSED);
}

#[test]
fn one_port_has_one_protocol_or_several_of_tls() {
    let after = |first: &str, second: &str| {
        let listener = |name: &str, protocol: &str, host: &str| {
            let tls = if protocol == "HTTPS" { format!(", tls: {{{OWN}}}") } else { String::new() };
            format!("{{name: {name}, port: 80, protocol: {protocol}{tls}{host}}}")
        };
        let listeners = listener("first", first, ", hostname: b.example.com")
            + ", "
            + &listener("l", second, ", hostname: a.example.com");
        gateway(&listeners) + &on("r", ", sectionName: l", "a.example.com")
    };
    for (first, second) in [("HTTP", "HTTPS"), ("HTTPS", "HTTP"), ("TCP", "HTTP"), ("TCP", "HTTPS")] {
        check_refused(&after(first, second), "its port 80 is the listener \"first\"'s too, of protocol");
    }
    for (first, second) in [("HTTPS", "HTTPS"), ("TLS", "HTTPS"), ("projectcontour.io/https", "HTTPS")] {
        check(&after(first, second), SERVED, "");
    }
    check(&after("UDP", "HTTP"), "", REFUSED);
    check_of_another(&after("UDP", "HTTP"), SERVED, "");
}

#[test]
fn a_selector_has_to_select() {
    let selecting = |selector: &str| {
        with(&format!(
            "{{name: l, port: 80, protocol: HTTP, allowedRoutes: {{namespaces: {{from: Selector{selector}}}}}}}"
        ))
    };
    check_refused(&selecting(""), "`from: Selector` needs a `selector`");
    check_refused(&selecting(", selector: {}"), "its `selector` is empty");
    check_of_another(&selecting(", selector: {}"), SERVED, "");
    for expression in ["operator: NotIn", "operator: In, values: []", "operator: DoesNotExist, values: [a]"] {
        let selector = format!(", selector: {{matchExpressions: [{{key: team, {expression}}}]}}");
        check_refused(&selecting(&selector), "an expression of its `selector`");
        check_of_another(&selecting(&selector), "", REFUSED);
    }
    check(
        &selecting(", selector: {matchExpressions: [{key: team, operator: NotIn, values: [a]}]}"),
        SERVED,
        "",
    );
}

#[test]
fn what_a_listener_guards_is_hidden_and_its_route_says_so_once() {
    let hidden = "Hidden HTTPRoute default/r";
    for (tls, guard) in [
        (
            format!("{OWN}, frontendValidation: {{caCertificateRefs: [{{name: ca}}]}}"),
            "`tls.frontendValidation`",
        ),
        (format!("{OWN}, options: {{gateway.istio.io/tls-terminate-mode: MUTUAL}}"), "tls-terminate-mode"),
    ] {
        let manifests = gateway(&https(&tls)) + &on("r", "", "a.example.com, b.example.com");
        check_saying(&manifests, "a.example.com hidden\nb.example.com hidden", hidden, guard);
        let one = household() + "\n---\n" + &manifests;
        assert_eq!(picture_of(settings(), &one).notes.len(), 1);
        // Nor by another way, of the same route or of another.
        let both = format!("{}, {{name: http, port: 80, protocol: HTTP}}", https(&tls));
        check(&with(&both), "a.example.com hidden", hidden);
        let others = gateway(&both)
            + &on("r", ", sectionName: l", "a.example.com")
            + &on("s", ", sectionName: http", "a.example.com, b.example.com");
        let sharer = format!("{hidden}\nHidden HTTPRoute default/s");
        check(&others, "a.example.com hidden\nb.example.com/ default/web:80 403", &sharer);
    }
    let simple = format!("{OWN}, options: {{gateway.istio.io/tls-terminate-mode: SIMPLE}}");
    check(&with(&https(&simple)), SERVED, "");
    let elsewhere = gateway(
        &https(&format!("{OWN}, frontendValidation: {{}}"))
            .replace("name: l,", "name: l, hostname: b.example.com,"),
    );
    check(&(elsewhere + &on("r", "", "a.example.com")), "", "NotAttached HTTPRoute default/r");
}

#[test]
fn a_gateway_may_guard_its_listeners_by_port() {
    let guarded = |frontend: &str| {
        with(&https(OWN)).replace("listeners:", &format!("tls: {{frontend: {{{frontend}}}}}, listeners:"))
    };
    let validation = "{validation: {caCertificateRefs: [{name: ca}]}}";
    let hidden = ("a.example.com hidden", "Hidden HTTPRoute default/r");
    for (frontend, (hosts, notes)) in [
        (format!("default: {validation}"), hidden),
        (format!("default: {{}}, perPort: [{{port: 443, tls: {validation}}}]"), hidden),
        (format!("default: {{}}, perPort: [{{port: 444, tls: {validation}}}]"), (SERVED, "")),
        (format!("default: {validation}, perPort: [{{port: 443, tls: {{}}}}]"), (SERVED, "")),
        ("default: {}".to_owned(), (SERVED, "")),
    ] {
        check(&guarded(&frontend), hosts, notes);
    }
    let plain = guarded(&format!("default: {validation}")).replace("protocol: HTTPS", "protocol: HTTP");
    check(&plain, SERVED, "");
}

#[test]
fn a_host_of_a_listener_that_does_not_take_the_route_is_no_wider_ones() {
    let all = "allowedRoutes: {namespaces: {from: All}}";
    let beside = |wide: &str, narrow: &str| {
        gateway(&format!(
            "{{name: wide, port: 80, protocol: HTTP{wide}, {all}}}, {{name: l, port: 443, {narrow}}}"
        ))
    };
    let of_other = on("other/r", "", "a.example.com");
    let told = "NotAttached HTTPRoute other/r";
    let own = format!("protocol: HTTPS, tls: {{{OWN}}}");
    for wide in ["", ", hostname: '*.example.com'"] {
        for narrow in [
            format!("hostname: a.example.com, {own}"),
            "hostname: a.example.com, protocol: TLS, tls: {mode: Passthrough}".to_owned(),
        ] {
            check(&(beside(wide, &narrow) + &of_other), "", told);
        }
        let refused = beside(wide, "hostname: a.example.com, protocol: HTTPS") + &of_other;
        check(&refused, "", &format!("NotAttached Gateway default/gw\n{told}"));
        let elsewhere = beside(wide, &format!("hostname: b.example.com, {own}")) + &of_other;
        check(&elsewhere, "a.example.com/ other/web:80 403", "");
        // It is for who may.
        check(
            &(beside(wide, &format!("hostname: a.example.com, {own}")) + &on("r", "", "a.example.com")),
            SERVED,
            "",
        );
    }
    // Contour looks at every port's.
    let other_port = beside("", &format!("hostname: a.example.com, {own}")) + &of_other;
    check_of_another(&other_port, "a.example.com/ other/web:80 403", "");
    let one_port = beside("", "hostname: a.example.com, protocol: HTTP").replace("443", "80") + &of_other;
    check(&one_port, "", told);
    check_of_another(&one_port, "", told);
    let wildcard = format!("hostname: '*.example.com', {own}");
    check(&(beside("", &wildcard) + &of_other), "", told);
    check(
        &(beside(", hostname: a.example.com", &wildcard) + &of_other),
        "a.example.com/ other/web:80 403",
        "",
    );
}

#[test]
fn a_refused_listener_is_told_of_once_and_the_gateways_others_serve() {
    let listeners = format!(
        "{{name: l, port: 443, protocol: HTTPS}}, {{name: http, port: 80, protocol: HTTP}}, {{name: own, port: 444, protocol: HTTPS, tls: {{{OWN}}}}}"
    );
    let routes: String = ["a", "b", "c"].map(|name| on(name, "", &format!("{name}.example.com"))).concat();
    let served = "a.example.com/ default/web:80 403
                  b.example.com/ default/web:80 403
                  c.example.com/ default/web:80 403";
    check(&(gateway(&listeners) + &routes), served, "NotAttached Gateway default/gw");
    let picture = picture_of(settings(), &(household() + "\n---\n" + &gateway(&listeners) + &routes));
    assert_eq!(picture.notes.len(), 1);
}
