//! Ingresses: classes, hosts, path types, backends.

use super::{check, check_saying, hosts, household, ingress, notes, picture_of, settings};
use crate::sources::cluster::settings::Settings;

#[test]
fn a_host_goes_to_its_service_and_is_exposed_to_home_alone() {
    check(&ingress("i", "", "a.example.com / P web"), "a.example.com/ default/web:80 403", "");
}

#[test]
fn each_path_goes_to_its_own_service() {
    check(
        &ingress("i", "", "a.example.com / P web\n a.example.com /api P api\n b.example.com /x/y P api"),
        "a.example.com/ default/web:80 403
         a.example.com/api default/api:80 403
         b.example.com/x/y default/api:80 403",
        "",
    );
}

#[test]
fn a_service_is_of_the_ingresss_namespace() {
    check(&ingress("other/i", "", "a.example.com / P web"), "a.example.com/ other/web:80 403", "");
}

#[test]
fn a_wildcard_stands_for_one_label() {
    check(&ingress("i", "", "*.example.com / P web"), "*.example.com/ default/web:80 403", "");
}

#[test]
fn a_host_is_lower_case_and_has_no_dot_at_its_end() {
    check(&ingress("i", "", "A.Example.COM. / P web"), "a.example.com/ default/web:80 403", "");
}

#[test]
fn a_rule_without_a_host_stays_local() {
    let both = "- / P web\n a.example.com / P web";
    check(&ingress("i", "", both), "a.example.com/ default/web:80 403", "NoHost Ingress default/i");
}

#[test]
fn what_is_no_host_is_left_out() {
    check(
        &ingress("i", "", "a*b.example.com / P web\n ok.example.com / P web"),
        "ok.example.com/ default/web:80 403",
        "Hidden Ingress default/i",
    );
}

#[test]
fn a_default_backend_has_no_host() {
    let manifests = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}}";
    check(manifests, "", "NoHost Ingress default/i");
}

#[test]
fn a_host_without_paths_goes_to_the_default_backend() {
    let with = |default: &str| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: i}}, spec: {{{default}rules: [{{host: a.example.com}}]}}}}"
        )
    };
    check(
        &with("defaultBackend: {service: {name: web, port: {number: 80}}}, "),
        "a.example.com/ default/web:80 403",
        "NoHost Ingress default/i",
    );
    check(&with(""), "", "");
}

#[test]
fn a_backend_that_is_no_service_hides_its_path() {
    let manifests = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {rules: [{host: a.example.com, http: {paths: [
        {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}},
        {path: /files, pathType: Prefix, backend: {resource: {apiGroup: k8s.example.com, kind: StorageBucket, name: files}}}]}}]}}";
    check(
        manifests,
        "a.example.com/ default/web:80 403
         a.example.com/files - -",
        "Hidden Ingress default/i",
    );
}

#[test]
fn a_host_all_of_whose_paths_are_hidden_is_hidden() {
    let manifests = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {rules: [{host: a.example.com, http: {paths: [
        {path: /, pathType: Prefix, backend: {resource: {kind: StorageBucket, name: files}}}]}}]}}";
    check(manifests, "a.example.com hidden", "Hidden Ingress default/i");
}

#[test]
fn a_slash_at_the_end_of_a_prefix_says_nothing() {
    check(&ingress("i", "", "a.example.com /api/ P api"), "a.example.com/api default/api:80 403", "");
    check(&ingress("i", "", "a.example.com - P web"), "a.example.com/ default/web:80 403", "");
}

#[test]
fn a_path_that_no_request_can_have_hides_the_host() {
    for path in ["/a//b", "/a/../b", "/%41", "/a?b", "nope"] {
        check(
            &ingress("i", "", &format!("a.example.com / P web\n a.example.com {path} P api")),
            "a.example.com hidden",
            "Hidden Ingress default/i",
        );
    }
}

#[test]
fn two_slashes_at_the_end_of_a_path_that_is_taken_to_the_letter_are_in_no_request() {
    for kind in ["E", "I"] {
        check(
            &ingress("i", "", &format!("a.example.com / P web\n a.example.com /x// {kind} api")),
            "a.example.com hidden",
            "Hidden Ingress default/i",
        );
    }
}

#[test]
fn one_object_may_name_a_path_twice() {
    check(
        &ingress("i", "", "a.example.com /x P web\n a.example.com /x E api"),
        "a.example.com/x default/api:80+default/web:80 403",
        "",
    );
}

#[test]
fn an_exact_path_is_a_prefix_and_opens_no_more_than_what_is_around_it() {
    // Of one exposure, nothing leaks: it stands.
    check(
        &ingress("i", "", "a.example.com / P web\n a.example.com /hook E api"),
        "a.example.com/ default/web:80 403
         a.example.com/hook default/api:80 403",
        "",
    );
    // With nothing around it, what is below it is served by nobody.
    check(
        &ingress("i", &super::to("403, exposed"), "a.example.com /hook E api"),
        "a.example.com/hook default/api:80 403,exposed",
        "",
    );
    let narrow = ingress("i", "", "a.example.com / P web");
    let wide = ingress("j", &super::to("403, exposed"), "a.example.com /hook E api");
    check_saying(
        &(narrow.clone() + &wide),
        "a.example.com/ default/web:80 403
         a.example.com/hook default/api:80 403",
        "ExposureCut Ingress default/j",
        "use `Prefix`",
    );
    let prefix = ingress("j", &super::to("403, exposed"), "a.example.com /hook P api");
    check(
        &(narrow + &prefix),
        "a.example.com/ default/web:80 403
         a.example.com/hook default/api:80 403,exposed",
        "",
    );
}

#[test]
fn a_text_that_matches_across_borders_narrows_what_is_around_it() {
    let wide = ingress("i", &super::to("403, exposed"), "a.example.com / P web");
    let narrow = |path: &str, kind: &str| ingress("j", "", &format!("a.example.com {path} {kind} api"));
    check_saying(
        &(wide.clone() + &narrow("/admin", "I")),
        "a.example.com/ default/web:80 403
         a.example.com/admin default/api:80 403",
        "ExposureCut Ingress default/i",
        "use `Prefix`",
    );
    for (path, kind) in [("/admin/", "I"), ("/admin", "P")] {
        check(
            &(wide.clone() + &narrow(path, kind)),
            "a.example.com/ default/web:80 403,exposed
             a.example.com/admin default/api:80 403",
            "",
        );
    }
    // The nearest rule around it answers for the difference, not those further out.
    let between = ingress("k", &super::to("403, exposed"), "a.example.com /a P web");
    check(
        &(wide + &between + &narrow("/a/admin", "I")),
        "a.example.com/ default/web:80 403,exposed
         a.example.com/a default/web:80 403
         a.example.com/a/admin default/api:80 403",
        "ExposureCut Ingress default/k",
    );
}

#[test]
fn a_pattern_of_paths_is_the_prefix_before_it() {
    for (path, expected) in [
        ("/api/.*", "/api"),
        ("/api.*", "/"),
        ("/api/v[12]/users", "/api"),
        ("/.*", "/"),
        ("/api/?x*", "/"),
        ("/(a|b)/c", "/"),
        ("^/api/x+/y", "/api"),
        ("/x/y*", "/x"),
    ] {
        check(
            &ingress("i", "", &format!("a.example.com {path} I web")),
            &format!("a.example.com{expected} default/web:80 403"),
            "",
        );
    }
}

#[test]
fn a_pattern_of_paths_among_different_exposures_hides_the_host() {
    let wide = ingress("i", &super::to("403, exposed"), "a.example.com / P web");
    check_saying(
        &(wide + &ingress("j", "", "a.example.com /x/.* I api")),
        "a.example.com hidden",
        "Hidden Ingress default/j",
        "regular expression",
    );
}

#[track_caller]
fn check_class(classes: &[&str], more: &str, metadata: &str, spec: &str, read: bool) {
    let settings =
        Settings { ingress_classes: classes.iter().map(ToString::to_string).collect(), ..settings() };
    let manifests = format!(
        "{}\n---\n{more}{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: i{metadata}}}, spec: {{{spec}rules: [{{host: a.example.com, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]}}}}",
        household()
    );
    let picture = picture_of(settings, &manifests);
    assert_eq!(
        hosts(&picture),
        if read { "a.example.com/ default/web:80 403" } else { "" },
        "{classes:?} {metadata} {spec}"
    );
    assert_eq!(notes(&picture), "");
}

#[test]
fn ingresses_of_the_named_classes_are_read() {
    let contours = ["contour", ""];
    let annotated = |class: &str| format!(", annotations: {{kubernetes.io/ingress.class: {class}}}");
    check_class(&contours, "", "", "", true);
    check_class(&contours, "", "", "ingressClassName: contour, ", true);
    check_class(&contours, "", "", "ingressClassName: nginx, ", false);
    check_class(&contours, "", &annotated("contour"), "", true);
    check_class(&contours, "", &annotated("nginx"), "", false);
    check_class(&contours, "", &annotated("nginx"), "ingressClassName: contour, ", false);
    check_class(&["nginx", "traefik"], "", "", "ingressClassName: traefik, ", true);
    check_class(&["nginx"], "", "", "", false);
    check_class(&[""], "", "", "ingressClassName: contour, ", false);
}

#[test]
fn an_ingress_without_a_class_is_of_the_default_class() {
    let class = |name: &str| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {{name: {name}, annotations: {{ingressclass.kubernetes.io/is-default-class: 'true'}}}}, spec: {{controller: example.com/x}}}}\n---\n"
        )
    };
    check_class(&["contour", ""], &class("nginx"), "", "", false);
    check_class(&["nginx"], &class("nginx"), "", "", true);
    check_class(&["contour", ""], &(class("nginx") + &class("traefik")), "", "", true);
}

#[test]
fn an_exact_path_within_what_nothing_serves_stands() {
    let manifests = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {rules: [{host: a.example.com, http: {paths: [
        {path: /x, pathType: Exact, backend: {service: {name: web, port: {number: 80}}}},
        {path: /, pathType: Prefix, backend: {resource: {kind: StorageBucket, name: files}}}]}}]}}";
    check(
        manifests,
        "a.example.com/ - -
         a.example.com/x default/web:80 403",
        "Hidden Ingress default/i",
    );
}
