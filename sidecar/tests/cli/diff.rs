//! `zoneway diff`.

use serde_json::Value;

use super::{Bench, EXAMPLE};

/// The changes as `[PUBLIC ]host/path from zone at nodes`, and the exit code.
fn diff(old: &str, new: &str) -> (Vec<String>, i32) {
    let bench = Bench::with(&[("old.yaml", old), ("new.yaml", new)]);
    let said = bench.run(&["diff", "--format", "json", "--site", "old.yaml", "--site", "new.yaml"]);
    let report = said.json();
    let change = |change: &Value| {
        let text = |name: &str| change[name].as_str().expect("a text").to_owned();
        let nodes: Vec<&str> = change["nodes"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|node| node["node"].as_str().expect("a node"))
            .collect();
        let public = if change["became_public"] == true { "PUBLIC " } else { "" };
        format!(
            "{public}{}{} from {} at {}",
            text("host"),
            text("path"),
            text("source_zone"),
            nodes.join(",")
        )
    };
    let changes: Vec<String> = report["changes"].as_array().expect("a list").iter().map(change).collect();
    let public = changes.iter().filter(|change| change.starts_with("PUBLIC")).count();
    assert_eq!(report["became_public"], public);
    (changes, said.code)
}

#[track_caller]
fn check(new: &str, code: i32, expected: &[&str]) {
    let (changes, found) = diff(EXAMPLE, new);
    assert_eq!(changes, expected);
    assert_eq!(found, code);
}

#[test]
fn nothing_changes_between_a_site_and_itself_however_it_is_written() {
    check(EXAMPLE, 0, &[]);
    check(&EXAMPLE.replace("speaks_for: [403, exposed]", "speaks_for: [exposed, 403]"), 0, &[]);
    check(&EXAMPLE.replace("192.168.86.23 ", "studtop.lan "), 0, &[]);
}

#[test]
fn what_became_public_comes_first_and_is_2() {
    let new = EXAMPLE
        .replace(
            "/admin: {service: notes, expose_to: [403]}",
            "/admin: {service: notes, expose_to: [403, exposed]}",
        )
        .replace("dashboard: {at: {studtop:", "dashboard: {at: {stuchip:");
    check(
        &new,
        2,
        &[
            "PUBLIC notes.stuartpb.com/admin from exposed at edge",
            "dashboard.403.stuartpb.com/ from 403 at stuchip,studtop",
        ],
    );
    let (changes, code) = diff(&new, EXAMPLE);
    assert_eq!(changes.len(), 2, "the other way round it is no longer public");
    assert_eq!(code, 0);
}

#[test]
fn a_new_host_and_a_new_path_are_changes_only_where_they_differ() {
    check(
        &format!("{EXAMPLE}  new.stuartpb.com: notes\n"),
        0,
        &["new.stuartpb.com/ from 403 at stuchip,studtop"],
    );
    check(&EXAMPLE.replace("      /: notes\n", "      /: notes\n      /same: notes\n"), 0, &[]);
    let open = "  new.stuartpb.com: {service: notes, expose_to: [exposed]}\n";
    check(
        &format!("{EXAMPLE}{open}"),
        2,
        &["PUBLIC new.stuartpb.com/ from exposed at edge", "new.stuartpb.com/ from 403 at stuchip,studtop"],
    );
}

#[test]
fn a_wildcard_that_opens_a_known_host_is_seen_and_a_hidden_host_is_not_public() {
    let zones = "version: 1, zones: {a: {nodes: {n: 10.0.0.1}, speaks_for: [a, p]}, \
                 p: {public: true, nodes: {o: 10.0.0.2}, links: [{to: a}]}}, services: {s: {at: {n: '127.0.0.1:1'}}}";
    let site = |hosts: &str| format!("{{{zones}, hosts: {{{hosts}}}}}");
    let hidden = site("in.x: s");
    // The edge forwards in.x by the wildcard and home refuses it: its journey changes, but it is not public.
    let (changes, code) = diff(&hidden, &site("in.x: s, '*.x': {service: s, expose_to: [p]}"));
    assert_eq!(changes, ["PUBLIC *.x/ from p at o", "*.x/ from a at n", "in.x/ from p at o"]);
    assert_eq!(code, 2);
    let (changes, code) = diff(
        &site("in.x: s, '*.x': {service: s, expose_to: [p]}"),
        &site("in.x: {service: s, expose_to: [a, p]}, '*.x': {service: s, expose_to: [p]}"),
    );
    assert_eq!(changes, ["PUBLIC in.x/ from p at o"]);
    assert_eq!(code, 2);
}

#[test]
fn what_becomes_public_for_clients_of_a_zone_without_nodes_counts_too() {
    let site = |expose: &str| {
        format!(
            "{{version: 1, zones: {{a: {{nodes: {{n: 10.0.0.1}}}}, p: {{public: true}}}}, \
               services: {{s: {{at: {{n: '127.0.0.1:1'}}}}}}, hosts: {{h: {{service: s, expose_to: {expose}}}}}}}"
        )
    };
    assert_eq!(diff(&site("[a]"), &site("[a, p]")), (vec!["PUBLIC h/ from p at ".to_owned()], 2));
    assert_eq!(diff(&site("[a, p]"), &site("[a]")), (vec![], 0));
}

#[test]
fn a_zone_that_becomes_public_makes_public_what_it_may_ask_for() {
    let site = |public: bool| {
        format!(
            "{{version: 1, settings: {{home: a}}, zones: {{a: {{nodes: {{n: 10.0.0.1}}, speaks_for: [a, p]}}, \
               p: {{public: {public}, nodes: {{o: 10.0.0.2}}, links: [{{to: a}}]}}}}, \
               services: {{s: {{at: {{n: '127.0.0.1:1'}}}}}}, hosts: {{h: {{service: s, expose_to: [p]}}, i: s}}}}"
        )
    };
    assert_eq!(diff(&site(false), &site(true)), (vec!["PUBLIC h/ from p at ".to_owned()], 2));
}

#[test]
fn a_node_more_is_no_change_for_the_others_but_a_new_zone_is_one() {
    check(
        &EXAMPLE.replace("studtop: 192.168.86.23 ", "third: 192.168.86.99\n      studtop: 192.168.86.23 "),
        0,
        &[],
    );
    let cloud = "zones:\n  cloud: {nodes: {vm: 10.9.0.1}, links: [{to: 403}]}\n";
    let new = EXAMPLE
        .replace("zones:\n", cloud)
        .replace("speaks_for: [403, exposed]", "speaks_for: [403, exposed, cloud]")
        .replace("expose_to: [403, exposed]", "expose_to: [403, exposed, cloud]");
    check(&new, 0, &["notes.stuartpb.com/ from cloud at vm"]);
}

#[test]
fn people_see_before_and_after() {
    let new = EXAMPLE.replace("expose_to: [403]}", "expose_to: [403, exposed]}");
    let bench = Bench::with(&[("old.yaml", EXAMPLE), ("new.yaml", &new)]);
    let said = bench.run(&["diff", "--site", "old.yaml", "--site", "new.yaml"]).code(2).out;
    assert!(said.starts_with("PUBLIC notes.stuartpb.com/admin from zone exposed\n"), "{said}");
    assert!(said.contains("- exposed/edge > 403/studtop: refused with 404 (not_exposed)"), "{said}");
    assert!(said.contains("+ exposed/edge > 403/studtop: served"), "{said}");
    assert!(said.ends_with("1 change, it BECAME PUBLIC\n"), "{said}");
}
