//! Requests that a controller tells apart and a rule does not: the rule is open to no more than all of them are.

use super::gateways::{HTTP, gateway, route};
use super::proxies::{EXPOSED, WEB, proxy};
use super::{check, check_saying, ingress, to};

/// Two Ingresses with a rule each, the first of which is the older and exposed as the first word says.
fn two(first: &str, second: &str) -> String {
    let one = |name: &str, text: &str| {
        let (exposed, rule) = text.split_once(' ').expect("EXPOSED RULE");
        let annotations = if exposed == "public" { to("403, exposed") } else { String::new() };
        ingress(name, &annotations, &format!("a.example.com {rule}"))
    };
    one("a", first) + &one("b", second)
}

#[test]
fn what_another_object_has_of_a_path_by_another_kind_of_path_narrows_it() {
    let cut = "ExposureCut Ingress default/a";
    check(
        &two("public /admin E web", "home /admin P api"),
        "a.example.com/admin default/web:80 403",
        &format!("{cut}\nPathTaken Ingress default/b"),
    );
    check(
        &two("public /api/v1.* I web", "home /api/secret.* I api"),
        "a.example.com/api default/web:80 403",
        cut,
    );
    check_saying(
        &two("public / P web", "home /(adm|sec).* I api"),
        "a.example.com/ default/web:80 403",
        cut,
        "Ingress default/b's",
    );
    // Of one kind of path the older object has all.
    check(
        &two("public / P web", "home / P api"),
        "a.example.com/ default/web:80 403,exposed",
        "PathTaken Ingress default/b",
    );
}

#[test]
fn what_lost_its_path_to_an_older_object_narrows_what_is_around_it_all_the_same() {
    let public =
        |name: &str, rule: &str| ingress(name, &to("403, exposed"), &format!("a.example.com {rule}"));
    let around = public("app", "/ P web");
    let admin = ingress("secret", "", "a.example.com /admin I api");
    let expected = "a.example.com/ default/web:80 403\na.example.com/admin default/web:80 403";
    for probe in ["/admin E web", "/admin P web"] {
        check(
            &(public("probe", probe) + &admin + &around),
            expected,
            "ExposureCut Ingress default/app\nExposureCut Ingress default/probe\nPathTaken Ingress default/secret",
        );
    }
    // Of one kind of path the older object has it all, what is longer too.
    check(
        &(public("probe", "/admin I web") + &admin + &around),
        "a.example.com/ default/web:80 403,exposed\na.example.com/admin default/web:80 403,exposed",
        "PathTaken Ingress default/secret",
    );
}

#[test]
fn what_is_left_to_a_path_of_two_kinds_is_open_to_no_more_than_both() {
    let two = two("home /a P web", "public /a I api");
    check(
        &(two + &ingress("c", &to("exposed"), "a.example.com /a/b E web")),
        "a.example.com/a default/web:80 403\na.example.com/a/b default/web:80 -",
        "PathTaken Ingress default/b\nExposureCut Ingress default/c",
    );
    let two = self::two("public /a P web", "home /a I api");
    check(
        &(two + &ingress("c", &to("403, exposed"), "a.example.com /a/b E web")),
        "a.example.com/a default/web:80 403\na.example.com/a/b default/web:80 403",
        "ExposureCut Ingress default/a\nPathTaken Ingress default/b\nExposureCut Ingress default/c",
    );
}

#[test]
fn a_path_and_the_same_with_a_slash_are_two_at_the_controller() {
    let taken = "ExposureCut Ingress default/a\nPathTaken Ingress default/b";
    check(&two("public /x E web", "home /x/ E api"), "a.example.com/x default/web:80 403", taken);
    check(
        &two("public /x/ E web", "home /x/ E api"),
        "a.example.com/x default/web:80 403,exposed",
        "PathTaken Ingress default/b",
    );
    // Of two prefixes of HTTPRoutes Contour takes the longer text first.
    check(
        &routes(("public", "path: {value: /x}"), ("home", "path: {value: /x/}")),
        "a.example.com/x default/web:80 403",
        "ExposureCut HTTPRoute default/a\nPathTaken HTTPRoute default/b",
    );
    // A pattern without anything special is one path, after what is exact.
    let literal = "path: {type: RegularExpression, value: /x}";
    check(
        &routes(("public", literal), ("home", "path: {type: Exact, value: /x}")),
        "a.example.com/x default/web:80 403",
        "ExposureCut HTTPRoute default/a\nPathTaken HTTPRoute default/b",
    );
    // The path itself is of what is around it.
    check_saying(
        &two("home / P web", "public /foo/ E api"),
        "a.example.com/ default/web:80 403\na.example.com/foo default/api:80 403",
        "ExposureCut Ingress default/b",
        "ends with a slash",
    );
}

#[test]
fn of_an_ingress_and_an_httpproxy_with_the_same_path_contour_takes_the_httpproxy_whatever_their_age() {
    let routes =
        format!("virtualhost: {{fqdn: a.example.com}}, routes: [{{conditions: [{{prefix: /x}}], {WEB}}}]");
    check(
        &(ingress("i", &to("403, exposed"), "a.example.com /x I api") + &proxy("p", "", &routes)),
        "a.example.com/x default/api:80 403",
        "ExposureCut Ingress default/i\nPathTaken HTTPProxy default/p",
    );
}

#[test]
fn of_two_httpproxies_with_the_same_path_contour_takes_the_includer_whatever_their_age() {
    let spec = |more: &str| format!("{more}routes: [{{conditions: [{{prefix: /x}}], {WEB}}}]");
    let root = spec("virtualhost: {fqdn: a.example.com}, includes: [{name: child}], ");
    check(
        &(proxy("child", EXPOSED, &spec("")) + &proxy("root", "", &root)),
        "a.example.com/x default/web:80 403",
        "ExposureCut HTTPProxy default/child\nPathTaken HTTPProxy default/root",
    );
}

#[test]
fn a_text_that_ends_with_a_slash_leaves_its_path_to_the_rule_around_it() {
    check_saying(
        &two("home / P web", "public /foo/ I api"),
        "a.example.com/ default/web:80 403\na.example.com/foo default/api:80 403",
        "ExposureCut Ingress default/b",
        "ends with a slash",
    );
    check(
        &two("home / P web", "public /foo/ P api"),
        "a.example.com/ default/web:80 403\na.example.com/foo default/api:80 403,exposed",
        "",
    );
}

#[test]
fn an_exact_path_is_limited_by_a_text_that_it_begins_with() {
    check(
        &two("home /fo I web", "public /foo E api"),
        "a.example.com/fo default/web:80 403\na.example.com/foo default/api:80 403",
        "ExposureCut Ingress default/b",
    );
}

/// HTTPRoutes `a` and `b`: who may ask, the matches, the service.
fn routes(first: (&str, &str), second: (&str, &str)) -> String {
    let one = |name: &str, (exposed, matches): (&str, &str), service: &str| {
        let rule = format!("matches: [{{{matches}}}], backendRefs: [{{name: {service}, port: 80}}]");
        let spec = format!("parentRefs: [{{name: gw}}], hostnames: [a.example.com], rules: [{{{rule}}}]");
        let annotations = if exposed == "public" { EXPOSED } else { "" };
        route(name, &spec).replace("namespace: default}", &format!("namespace: default{annotations}}}"))
    };
    gateway(HTTP) + &one("a", first, "web") + &one("b", second, "api")
}

const HEADER: &str = "headers: [{name: x, value: y}]";

#[test]
fn a_condition_leaves_what_does_not_meet_it_to_the_rule_around() {
    let left = "LeftToController HTTPRoute default/b";
    check_saying(
        &routes(("home", ""), ("public", &format!("path: {{value: /admin}}, {HEADER}"))),
        "a.example.com/ default/web:80 403\na.example.com/admin default/api:80 403",
        &format!("ExposureCut HTTPRoute default/b\n{left}"),
        "does not meet its conditions",
    );
    // And of one path, to the other object.
    check(
        &routes(("public", ""), ("home", HEADER)),
        "a.example.com/ default/web:80 403",
        &format!("ExposureCut HTTPRoute default/a\nPathTaken HTTPRoute default/b\n{left}"),
    );
    check(
        &routes(("public", ""), ("public", "method: GET")),
        "a.example.com/ default/web:80 403,exposed",
        &format!("PathTaken HTTPRoute default/b\n{left}"),
    );
}

#[test]
fn what_meets_a_condition_is_not_an_older_objects_that_has_none() {
    let admin = "path: {value: /admin}";
    let left = "PathTaken HTTPRoute default/b\nLeftToController HTTPRoute default/b";
    check(
        &(routes(("public", admin), ("home", &format!("{admin}, {HEADER}")))
            + &ingress("i", &to("403, exposed"), "a.example.com /admin/x E web")),
        "a.example.com/admin default/web:80 403\na.example.com/admin/x default/web:80 403",
        &format!("ExposureCut Ingress default/i\nExposureCut HTTPRoute default/a\n{left}"),
    );
}

#[test]
fn a_condition_of_an_include_is_one_of_all_that_it_includes() {
    let spec = format!(
        "virtualhost: {{fqdn: a.example.com}}, routes: [{{{WEB}}}], \
         includes: [{{name: q, conditions: [{{header: {{name: x, present: true}}}}]}}]"
    );
    check(
        &(proxy("p", EXPOSED, &spec) + &proxy("q", "", &format!("routes: [{{{WEB}}}]"))),
        "a.example.com/ default/web:80 403",
        "ExposureCut HTTPProxy default/p\nLeftToController HTTPProxy default/p\nPathTaken HTTPProxy default/q",
    );
}

#[test]
fn where_one_of_several_backends_can_be_used_the_controller_serves_on() {
    let rule = "backendRefs: [{name: web, port: 80}, {kind: Foo, name: x, port: 80}]";
    let spec = format!("parentRefs: [{{name: gw}}], hostnames: [a.example.com], rules: [{{{rule}}}]");
    check(
        &(gateway(HTTP)
            + &route("r", &spec)
            + &ingress("i", &to("403, exposed"), "a.example.com /foo E api")),
        "a.example.com/ - -\na.example.com/foo default/api:80 -",
        "ExposureCut Ingress default/i\nHidden HTTPRoute default/r",
    );
}

#[test]
fn of_an_httpproxy_with_a_route_that_cannot_be_used_contour_takes_nothing() {
    let root = format!(
        "virtualhost: {{fqdn: a.example.com}}, routes: [{{{WEB}}}], \
         includes: [{{name: q, conditions: [{{prefix: /team}}]}}]"
    );
    let child = format!(
        "routes: [{{conditions: [{{prefix: /a}}], {WEB}}}, {{conditions: [{{prefix: /b, exact: /b}}], {WEB}}}]"
    );
    check(
        &(proxy("p", "", &root) + &proxy("q", EXPOSED, &child)),
        "a.example.com/ default/web:80 403\na.example.com/team - -\na.example.com/team/a - -",
        "Hidden HTTPProxy default/q",
    );
}

#[test]
fn of_two_includes_with_the_same_conditions_contour_takes_the_first() {
    let root = "virtualhost: {fqdn: a.example.com}, includes: \
                [{name: one, conditions: [{prefix: /x}]}, {name: two, conditions: [{prefix: /x}]}]";
    let child = |path: &str| format!("routes: [{{conditions: [{{prefix: {path}}}], {WEB}}}]");
    check(
        &(proxy("p", "", root) + &proxy("one", "", &child("/")) + &proxy("two", EXPOSED, &child("/y"))),
        "a.example.com/x default/web:80 403",
        "Ignored HTTPProxy default/p",
    );
    // Those without conditions are all taken.
    let root =
        "virtualhost: {fqdn: a.example.com}, includes: [{name: one}, {name: two, conditions: [{prefix: /}]}]";
    check(
        &(proxy("p", "", root) + &proxy("one", "", &child("/x")) + &proxy("two", EXPOSED, &child("/y"))),
        "a.example.com/x default/web:80 403\na.example.com/y default/web:80 403,exposed",
        "",
    );
}

#[test]
fn includes_that_double_at_each_depth_end() {
    let both = |next: &str| {
        let include = |header: &str| {
            format!("{{name: {next}, conditions: [{{header: {{name: {header}, present: true}}}}]}}")
        };
        format!("includes: [{}, {}]", include("a"), include("b"))
    };
    let mut manifests = proxy("p0", "", &format!("virtualhost: {{fqdn: a.example.com}}, {}", both("p1")));
    for depth in 1..30 {
        manifests += &proxy(&format!("p{depth}"), "", &both(&format!("p{}", depth + 1)));
    }
    manifests += &proxy("p30", "", &format!("routes: [{{{WEB}}}]"));
    let picture = super::picture_of(super::settings(), &format!("{}\n---\n{manifests}", super::household()));
    assert_eq!(super::hosts(&picture), "a.example.com hidden");
    assert!(super::notes(&picture).contains("Hidden HTTPProxy default/p0"));
}
