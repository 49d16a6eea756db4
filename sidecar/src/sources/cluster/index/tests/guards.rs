//! What a controller checks of a client is checked by nobody here: what has such a guard is hidden.

use super::gateways::{HTTP, gateway, route};
use super::proxies::{WEB, proxy};
use super::{check, check_saying, ingress};

/// An HTTPProxy for `a.example.com` with this besides its fqdn, and this besides its route's service.
fn guarded(host: &str, of_route: &str) -> String {
    let open = format!("{{conditions: [{{prefix: /open}}], {WEB}}}");
    let spec = format!("virtualhost: {{fqdn: a.example.com{host}}}, routes: [{{{WEB}{of_route}}}, {open}]");
    proxy("p", "", &spec)
}

#[test]
fn a_host_that_contour_guards_is_hidden() {
    for guard in [
        "tls: {secretName: s, clientValidation: {caSecret: ca}}",
        "ipAllowPolicy: [{source: Peer, cidr: 10.0.0.0/8}]",
        "ipDenyPolicy: [{source: Peer, cidr: 10.0.0.0/8}]",
    ] {
        let manifests = guarded(&format!(", {guard}"), "");
        check_saying(&manifests, "a.example.com hidden", "Hidden HTTPProxy default/p", "`virtualhost.");
    }
    let serves = "a.example.com/ default/web:80 403\na.example.com/open default/web:80 403";
    check(&guarded(", tls: {secretName: s}, jwtProviders: [{name: jwt}]", ""), serves, "");
    check(&guarded(", tls: {secretName: s}", ""), serves, "");
}

#[test]
fn a_route_that_contour_guards_is_hidden_and_the_others_are_not() {
    for guard in [
        "ipAllowPolicy: [{source: Peer, cidr: 10.0.0.0/8}]",
        "ipDenyPolicy: [{source: Peer, cidr: 10.0.0.0/8}]",
        "jwtVerificationPolicy: {require: jwt}",
    ] {
        check(
            &guarded("", &format!(", {guard}")),
            "a.example.com/ - -\na.example.com/open default/web:80 403",
            "Hidden HTTPProxy default/p",
        );
    }
    check(
        &guarded("", ", jwtVerificationPolicy: {disabled: true}"),
        "a.example.com/ default/web:80 403\na.example.com/open default/web:80 403",
        "",
    );
}

#[test]
fn authorization_is_asked_for_by_a_host_and_its_routes() {
    let asked = ", tls: {secretName: s}, authorization: {extensionRef: {name: x}}";
    let not_asked =
        ", tls: {secretName: s}, authorization: {extensionRef: {name: x}, authPolicy: {disabled: true}}";
    let hidden = "Hidden HTTPProxy default/p";
    check(&guarded(asked, ""), "a.example.com hidden", hidden);
    check(
        &guarded(asked, ", authPolicy: {disabled: true}"),
        // `/openx` is guarded there, too.
        "a.example.com/ default/web:80 -\na.example.com/open - -",
        &format!("{hidden}\nExposureCut HTTPProxy default/p"),
    );
    check(
        &guarded(not_asked, ", authPolicy: {disabled: false}"),
        "a.example.com/ - -\na.example.com/open default/web:80 403",
        hidden,
    );
    check(
        &guarded(not_asked, ""),
        "a.example.com/ default/web:80 403\na.example.com/open default/web:80 403",
        "",
    );
    // Of what it includes, too.
    let root = format!("virtualhost: {{fqdn: a.example.com{asked}}}, includes: [{{name: q}}]");
    let both = proxy("p", "", &root) + &proxy("q", "", &format!("routes: [{{{WEB}}}]"));
    check(&both, "a.example.com hidden", "Hidden HTTPProxy default/q");
}

#[test]
fn a_token_is_asked_for_by_a_host_and_its_routes() {
    let asked = ", tls: {secretName: s}, jwtProviders: [{name: jwt, default: true}]";
    let hidden = "Hidden HTTPProxy default/p";
    check_saying(&guarded(asked, ""), "a.example.com hidden", hidden, "`virtualhost.jwtProviders`");
    check(
        &guarded(asked, ", jwtVerificationPolicy: {disabled: true}"),
        // `/openx` is guarded there, too.
        "a.example.com/ default/web:80 -\na.example.com/open - -",
        &format!("{hidden}\nExposureCut HTTPProxy default/p"),
    );
}

#[test]
fn an_ingress_that_its_controller_guards_is_hidden() {
    for guard in [
        "nginx.ingress.kubernetes.io/auth-url",
        "nginx.ingress.kubernetes.io/allowlist-source-range",
        "haproxy.org/allow-list",
        "haproxy-ingress.github.io/auth-secret",
        "nginx.org/basic-auth-secret",
        "konghq.com/plugins",
        "traefik.ingress.kubernetes.io/router.middlewares",
    ] {
        check_saying(
            &ingress("i", &format!("{guard}: 'x'"), "a.example.com / P web"),
            "a.example.com hidden",
            "Hidden Ingress default/i",
            guard,
        );
    }
    for other in ["nginx.ingress.kubernetes.io/proxy-body-size: 8m", "example.com/plugins: x"] {
        check(&ingress("i", other, "a.example.com / P web"), "a.example.com/ default/web:80 403", "");
    }
}

#[test]
fn a_filter_that_is_not_known_may_be_a_guard() {
    let with = |filters: &str, of_backend: &str| {
        let rule = format!("filters: [{filters}], backendRefs: [{{name: web, port: 80{of_backend}}}]");
        let spec = format!("parentRefs: [{{name: gw}}], hostnames: [a.example.com], rules: [{{{rule}}}]");
        gateway(HTTP) + &route("r", &spec)
    };
    let (hidden, told) = ("a.example.com hidden", "Hidden HTTPRoute default/r");
    check_saying(&with("{type: ExtensionRef}", ""), hidden, told, "`filters: ExtensionRef`");
    check(&with("", ", filters: [{type: ExternalAuth}]"), hidden, told);
    let header = "{type: RequestHeaderModifier}";
    let left = "LeftToController HTTPRoute default/r";
    check(&with(header, &format!(", filters: [{header}]")), "a.example.com/ default/web:80 403", left);
}

#[test]
fn who_rewrites_paths_or_headers_is_told_that_nobody_does_here() {
    for rewriting in [
        "pathRewritePolicy: {replacePrefix: [{replacement: /x}]}",
        "requestHeadersPolicy: {remove: [x-user]}",
        "responseHeadersPolicy: {remove: [server]}",
    ] {
        check_saying(
            &guarded("", &format!(", {rewriting}")),
            "a.example.com/ default/web:80 403\na.example.com/open default/web:80 403",
            "LeftToController HTTPProxy default/p",
            "rewriting",
        );
    }
}
