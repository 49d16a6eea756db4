//! Objects that share a host: paths, age, preference, limits.

use super::{check, check_saying, ingress, to};

/// With a date of creation.
pub(super) fn dated(ingress: &str, date: &str) -> String {
    ingress.replace("annotations:", &format!("creationTimestamp: '{date}', annotations:"))
}

const OLD: &str = "2025-01-01T00:00:00Z";
const NEW: &str = "2026-01-01T00:00:00Z";

#[test]
fn a_path_claimed_twice_goes_to_the_older_object() {
    let (i, j) =
        (ingress("i", "", "a.example.com / P web"), ingress("j", &to("exposed"), "a.example.com / P api"));
    check_saying(
        &(dated(&i, NEW) + &dated(&j, OLD)),
        "a.example.com/ default/api:80 exposed",
        "PathTaken Ingress default/i",
        "older",
    );
    check(
        &(dated(&i, OLD) + &dated(&j, NEW)),
        "a.example.com/ default/web:80 403",
        "PathTaken Ingress default/j",
    );
    // Of one second: by namespace and name.
    check(
        &(dated(&i, OLD) + &dated(&j, OLD)),
        "a.example.com/ default/web:80 403",
        "PathTaken Ingress default/j",
    );
}

#[test]
fn the_other_paths_of_a_younger_object_are_its_own() {
    check(
        &(dated(&ingress("i", "", "a.example.com / P web"), OLD)
            + &dated(&ingress("j", &to("exposed"), "a.example.com / P api\n a.example.com /x P api"), NEW)),
        "a.example.com/ default/web:80 403
         a.example.com/x default/api:80 exposed",
        "PathTaken Ingress default/j",
    );
}

#[test]
fn an_object_that_hides_a_host_tells_those_who_share_it() {
    check(
        &(ingress("i", "", "a.example.com / P web") + &ingress("j", "", "a.example.com /a//b P api")),
        "a.example.com hidden",
        "Hidden Ingress default/i
         Hidden Ingress default/j",
    );
}

#[test]
fn hosts_of_others_go_on() {
    check(
        &(ingress("i", "", "b.example.com / P web") + &ingress("j", &to("!"), "a.example.com / P api")),
        "a.example.com hidden
         b.example.com/ default/web:80 403",
        "Hidden Ingress default/j",
    );
}

#[test]
fn an_object_says_who_serves() {
    let prefer = |who: &str| format!("st8s.stuartpb.com/prefer: {who}");
    check(
        &ingress("i", &prefer("zone"), "a.example.com / P web"),
        "a.example.com/ default/web:80 403 prefer zone",
        "",
    );
    check(&ingress("i", &prefer("node"), "a.example.com / P web"), "a.example.com/ default/web:80 403", "");
    check(
        &ingress("i", &prefer("me"), "a.example.com / P web"),
        "a.example.com/ default/web:80 403",
        "Ignored Ingress default/i",
    );
    let (zone, node) = (
        ingress("i", &prefer("zone"), "a.example.com / P web"),
        ingress("j", &prefer("node"), "a.example.com /x P api"),
    );
    check(
        &(dated(&zone, OLD) + &dated(&node, NEW)),
        "a.example.com/ default/web:80 403 prefer zone
         a.example.com/x default/api:80 403 prefer zone",
        "Ignored Ingress default/j",
    );
    check(
        &(dated(&zone, NEW) + &dated(&node, OLD)),
        "a.example.com/ default/web:80 403
         a.example.com/x default/api:80 403",
        "Ignored Ingress default/i",
    );
}

fn many(count: usize, service: impl Fn(usize) -> &'static str) -> String {
    let rules: Vec<String> = (0..count).map(|n| format!("a.example.com /p{n:03} P {}", service(n))).collect();
    ingress("i", "", &rules.join("\n"))
}

#[test]
fn what_says_the_same_as_the_rule_around_it_leaves_when_a_table_has_no_room() {
    let rules = many(80, |_| "web") + &ingress("r", "", "a.example.com / P web\n a.example.com /own P api");
    check(
        &rules,
        "a.example.com/ default/web:80 403
         a.example.com/own default/api:80 403",
        "",
    );
}

#[test]
fn too_many_paths_hide_the_host() {
    check_saying(&many(65, |_| "web"), "a.example.com hidden", "Hidden Ingress default/i", "64 at most");
    let full: Vec<String> = (0..64).map(|n| format!("a.example.com/p{n:03} default/web:80 403")).collect();
    check(&many(64, |_| "web"), &full.join("\n"), "");
}
