//! Who may ask: annotations of objects and namespaces, zones that allow, solvers of certificates.

use super::gateways::{HTTP, gateway, route};
use super::proxies::{EXPOSED, WEB, proxy};
use super::{check, check_saying, ingress, to};

fn namespace(name: &str, annotations: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, annotations: {{{annotations}}}}}}}\n---\n"
    )
}

#[test]
fn an_annotation_that_nobody_reads_is_told_of() {
    let strange = "st8s.stuartpb.com/exposeTo: '403, exposed'";
    check_saying(
        &ingress("i", strange, "a.example.com / P web"),
        "a.example.com/ default/web:80 403",
        "Ignored Ingress default/i",
        "`st8s.stuartpb.com/exposeTo`",
    );
    check(
        &ingress("i", "example.com/expose-to: exposed", "a.example.com / P web"),
        "a.example.com/ default/web:80 403",
        "",
    );
}

#[test]
fn an_object_says_who_may_ask() {
    for (text, zones) in [
        ("403, exposed", "403,exposed"),
        ("exposed", "exposed"),
        (" exposed ,403,", "403,exposed"),
        ("", "-"),
    ] {
        check(
            &ingress("i", &to(text), "a.example.com / P web"),
            &format!("a.example.com/ default/web:80 {zones}"),
            "",
        );
    }
}

#[test]
fn else_its_namespace_does() {
    let exposed = namespace("default", &to("exposed"));
    check(
        &(exposed.clone() + &ingress("i", "", "a.example.com / P web")),
        "a.example.com/ default/web:80 exposed",
        "",
    );
    check(
        &(exposed.clone() + &ingress("i", &to("403"), "a.example.com / P web")),
        "a.example.com/ default/web:80 403",
        "",
    );
    check(
        &(exposed + &ingress("other/i", "", "a.example.com / P web")),
        "a.example.com/ other/web:80 403",
        "",
    );
}

#[test]
fn a_zone_that_is_not_there_is_left_out() {
    check_saying(
        &ingress("i", &to("403, garage"), "a.example.com / P web"),
        "a.example.com/ default/web:80 403",
        "UnknownZone Ingress default/i",
        "\"garage\"",
    );
    check(
        &(namespace("default", &to("garage")) + &ingress("i", "", "a.example.com / P web")),
        "a.example.com/ default/web:80 -",
        "UnknownZone Namespace default",
    );
}

#[test]
fn a_zone_is_there_by_its_object_alone() {
    let zone =
        "{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {name: garage}, spec: {}}\n---\n";
    check(
        &(zone.to_owned() + &ingress("i", &to("garage"), "a.example.com / P web")),
        "a.example.com/ default/web:80 garage",
        "",
    );
}

#[test]
fn a_word_that_cannot_be_read_hides_the_host() {
    check_saying(
        &ingress("i", &to("403; exposed"), "a.example.com / P web"),
        "a.example.com hidden",
        "Hidden Ingress default/i",
        "\"403; exposed\"",
    );
    check(
        &(namespace("default", &to("a b")) + &ingress("i", "", "a.example.com / P web")),
        "a.example.com hidden",
        "Hidden Namespace default
         Hidden Ingress default/i",
    );
}

#[test]
fn it_hides_its_own_paths_of_a_host_that_others_share() {
    check(
        &(ingress("i", &to("403, exposed"), "a.example.com / P web")
            + &ingress("j", &to("!"), "a.example.com /admin P api")),
        "a.example.com/ default/web:80 403,exposed
         a.example.com/admin - -",
        "Hidden Ingress default/j",
    );
}

#[test]
fn objects_that_share_a_host_keep_each_its_exposure() {
    check(
        &(ingress("i", &to("403, exposed"), "a.example.com / P web")
            + &ingress("other/j", "", "a.example.com /admin P web")),
        "a.example.com/ default/web:80 403,exposed
         a.example.com/admin other/web:80 403",
        "",
    );
}

/// A Zone that allows some.
fn allowing(allow: &str) -> String {
    format!(
        "{{apiVersion: st8s.stuartpb.com/v1alpha1, kind: Zone, metadata: {{name: exposed}}, spec: {{public: true, allow: {{{allow}}}}}}}\n---\n"
    )
}

#[test]
fn a_zone_allows_by_namespace_and_host() {
    let host = ingress("i", &to("403, exposed"), "a.example.com / P web");
    for (allow, allowed) in [
        ("", true),
        ("namespaces: [default]", true),
        ("namespaces: [other]", false),
        ("namespaces: []", false),
        ("hosts: [a.example.com]", true),
        ("hosts: ['*.example.com']", true),
        ("hosts: ['**.com']", true),
        ("hosts: ['*.com']", false),
        ("namespaces: [default], hosts: [b.example.com]", false),
        ("namespaces: [other], hosts: [a.example.com]", false),
        ("namespaces: [default], hosts: [a.example.com]", true),
    ] {
        let (zones, note) =
            if allowed { ("403,exposed", "") } else { ("403", "NotAllowed Ingress default/i") };
        check(&(allowing(allow) + &host), &format!("a.example.com/ default/web:80 {zones}"), note);
    }
}

#[test]
fn a_zone_that_allows_a_host_that_is_none_allows_nothing_by_it() {
    check(
        &(allowing("hosts: ['a*']") + &ingress("i", &to("403, exposed"), "a.example.com / P web")),
        "a.example.com/ default/web:80 403",
        "NotAllowed Ingress default/i
         ZoneUnusable Zone exposed",
    );
}

#[test]
fn a_zone_that_allows_one_name_does_not_allow_a_wildcard_over_it() {
    check(
        &(allowing("hosts: [a.example.com]") + &ingress("i", &to("403, exposed"), "*.example.com / P web")),
        "*.example.com/ default/web:80 403",
        "NotAllowed Ingress default/i",
    );
}

/// What cert-manager writes while it solves a challenge.
fn solver(name: &str, host: &str, annotations: &str) -> String {
    let path = format!("{host} /.well-known/acme-challenge/T0ken E api");
    ingress(name, annotations, &path)
        .replace("annotations:", "labels: {acme.cert-manager.io/http01-solver: 'true'}, annotations:")
}

#[test]
fn a_solver_is_exposed_as_its_host_is() {
    check(
        &(ingress("i", &to("403, exposed"), "a.example.com / P web") + &solver("cm-1", "a.example.com", "")),
        "a.example.com/ default/web:80 403,exposed
         a.example.com/.well-known/acme-challenge/T0ken default/api:80 403,exposed",
        "",
    );
    check(
        &(ingress("i", "", "a.example.com / P web") + &solver("cm-1", "a.example.com", "")),
        "a.example.com/ default/web:80 403
         a.example.com/.well-known/acme-challenge/T0ken default/api:80 403",
        "",
    );
}

#[test]
fn a_solver_that_is_alone_is_exposed_as_the_wildcard_that_would_answer() {
    let wildcard = ingress("i", &to("403, exposed"), "*.example.com / P web");
    check(
        &(wildcard + &solver("cm-1", "a.example.com", "")),
        "*.example.com/ default/web:80 403,exposed
         a.example.com/.well-known/acme-challenge/T0ken default/api:80 403,exposed",
        "",
    );
    check(
        &solver("cm-1", "a.example.com", ""),
        "a.example.com/.well-known/acme-challenge/T0ken default/api:80 403",
        "",
    );
}

#[test]
fn a_path_like_a_solvers_is_none_without_the_label() {
    check(
        &(ingress("i", &to("403, exposed"), "a.example.com / P web")
            + &ingress("j", "", "a.example.com /.well-known/acme-challenge/T0ken P api")),
        "a.example.com/ default/web:80 403,exposed
         a.example.com/.well-known/acme-challenge/T0ken default/api:80 403",
        "",
    );
}

#[test]
fn the_label_opens_nothing_but_the_solvers_path() {
    let elsewhere = solver("cm-1", "a.example.com", "")
        .replace("/.well-known/acme-challenge/T0ken", "/admin")
        .replace("Exact", "Prefix");
    check(
        &(ingress("i", &to("403, exposed"), "a.example.com / P web") + &elsewhere),
        "a.example.com/ default/web:80 403,exposed
         a.example.com/admin default/api:80 403",
        "",
    );
}

#[test]
fn a_solver_does_not_hide_the_host_whose_certificate_it_is_about() {
    // What the pattern matches, and what the solver has, is open to the same.
    check(
        &(ingress("i", &to("403, exposed"), "a.example.com /(.*) I web")
            + &solver("cm-1", "a.example.com", "")),
        "a.example.com/ default/web:80 403,exposed
         a.example.com/.well-known/acme-challenge/T0ken default/api:80 403,exposed",
        "",
    );
}

#[test]
fn a_solver_of_a_host_that_is_exposed_in_part_is_exposed_as_that_part() {
    let host = ingress("i", "", "a.example.com / P web")
        + &ingress("j", &to("403, exposed"), "a.example.com /pub P web");
    check(
        &(host + &solver("cm-1", "a.example.com", "")),
        "a.example.com/ default/web:80 403
         a.example.com/.well-known/acme-challenge/T0ken default/api:80 403,exposed
         a.example.com/pub default/web:80 403,exposed",
        "",
    );
}

#[test]
fn a_solver_is_exposed_to_no_zone_that_does_not_allow_it() {
    let root = "virtualhost: {fqdn: a.example.com}, includes: [{name: q, namespace: other}]";
    check(
        &(allowing("namespaces: [other]")
            + &proxy("p", "", root)
            + &proxy("other/q", EXPOSED, &format!("routes: [{{{WEB}}}]"))
            + &solver("cm-1", "a.example.com", "")),
        "a.example.com/ other/web:80 403,exposed
         a.example.com/.well-known/acme-challenge/T0ken default/api:80 403",
        "NotAllowed Ingress default/cm-1",
    );
}

#[test]
fn a_solver_of_a_namespace_that_has_nothing_of_the_host_is_exposed_by_its_own_namespaces_word() {
    let host = ingress("i", &to("403, exposed"), "a.example.com / P web");
    let of_other = |name: &str, annotations: &str| {
        solver(name, "a.example.com", annotations).replace("name: api", "name: web")
    };
    let stranger = of_other("other/cm-1", "");
    let token = "a.example.com/.well-known/acme-challenge/T0ken other/web:80";
    for (word, zones) in [("", "403"), (&*namespace("other", &to("")), "-")] {
        check_saying(
            &(word.to_owned() + &host + &stranger),
            &format!("a.example.com/ default/web:80 403,exposed\n{token} {zones}"),
            "ExposureCut Ingress other/cm-1",
            "ask for the certificate in the namespace that has it",
        );
    }
    // What it says itself holds, as of any object.
    let said = of_other("other/cm-1", &to("403, exposed"));
    check(
        &(host.clone() + &said),
        &format!("a.example.com/ default/web:80 403,exposed\n{token} 403,exposed"),
        "",
    );
    // Another solver of its own makes it none that has the host; a path that is not exposed lends it nothing.
    let second = of_other("other/cm-2", "").replace("T0ken", "second");
    check(
        &(host.clone() + &stranger + &second),
        &format!(
            "a.example.com/ default/web:80 403,exposed\n{token} 403
             a.example.com/.well-known/acme-challenge/second other/web:80 403"
        ),
        "ExposureCut Ingress other/cm-1\nExposureCut Ingress other/cm-2",
    );
    check(
        &(host + &stranger + &ingress("other/j", "", "a.example.com /mine P web")),
        &format!(
            "a.example.com/ default/web:80 403,exposed\n{token} 403
             a.example.com/mine other/web:80 403"
        ),
        "ExposureCut Ingress other/cm-1",
    );
    // Nor does a wildcard of somebody else's.
    check(
        &(ingress("i", &to("403, exposed"), "*.example.com / P web") + &stranger),
        &format!("*.example.com/ default/web:80 403,exposed\n{token} 403"),
        "ExposureCut Ingress other/cm-1",
    );
}

#[test]
fn a_solver_is_exposed_as_its_host_where_the_root_or_the_certificate_or_the_gateway_is_its_namespaces() {
    let included = proxy("other/q", EXPOSED, &format!("routes: [{{{WEB}}}]"));
    let root = |name: &str, tls: &str| {
        let include = "includes: [{name: q, namespace: other}]";
        proxy(name, "", &format!("virtualhost: {{fqdn: a.example.com{tls}}}, {include}"))
    };
    let token = "a.example.com/.well-known/acme-challenge/T0ken default/api:80 403,exposed";
    let expected = format!("a.example.com/ other/web:80 403,exposed\n{token}");
    let solver = solver("cm-1", "a.example.com", "");
    check(&(root("p", "") + &included + &solver), &expected, "");
    let delegation = "{apiVersion: projectcontour.io/v1, kind: TLSCertificateDelegation, metadata: {name: d, namespace: default}, \
                      spec: {delegations: [{secretName: cert, targetNamespaces: ['*']}]}}\n---\n";
    let root = root("other/p", ", tls: {secretName: default/cert}");
    check(&(delegation.to_owned() + &root + &included + &solver), &expected, "");

    let backend = "rules: [{backendRefs: [{name: web, port: 80}]}]";
    let listener = HTTP.replace("}", ", allowedRoutes: {namespaces: {from: All}}}");
    let spec =
        format!("parentRefs: [{{name: gw, namespace: default}}], hostnames: [a.example.com], {backend}");
    let app = route("other/r", &spec).replace("namespace: other}", &format!("namespace: other{EXPOSED}}}"));
    let rule = "matches: [{path: {type: Exact, value: /.well-known/acme-challenge/T0ken}}], backendRefs: [{name: api, port: 80}]";
    let spec = format!("parentRefs: [{{name: gw}}], hostnames: [a.example.com], rules: [{{{rule}}}]");
    let label = "namespace: default, labels: {acme.cert-manager.io/http01-solver: 'true'}}";
    let solver = route("cm-1", &spec).replacen("namespace: default}", label, 1);
    check(&(gateway(&listener) + &app + &solver), &expected, "");
}
