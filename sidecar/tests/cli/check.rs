//! `zoneway check`.

use serde_json::{Value, json};

use super::{Bench, EXAMPLE, Said};

/// The paths of one kind of entry of the only file.
fn paths(said: &Said, kind: &str) -> Vec<String> {
    let report = said.json();
    let entries = report["files"][0][kind].as_array().expect("a list").clone();
    entries.iter().map(|entry| entry["path"].as_str().expect("a text").to_owned()).collect()
}

#[track_caller]
fn warns(site: &str, expected: &[&str]) {
    let bench = Bench::with(&[("site.yaml", site)]);
    let said = bench.run(&["check", "--format", "json", "site.yaml"]).well();
    assert_eq!(paths(&said, "warnings"), expected, "{}", said.out);
    assert_eq!(said.err.lines().count(), expected.len(), "{}", said.err);
}

#[test]
fn what_is_well_is_said_in_a_line_a_file() {
    let bench = Bench::example();
    let said = bench.run(&["check", "site.yaml", "403.json", "exposed.json"]).well();
    assert_eq!(said.out.lines().count(), 3, "{}", said.out);
    assert_eq!(said.err, "");
    let report = bench.run(&["check", "--format", "json", "site.yaml", "403.json"]).well().json();
    assert_eq!(
        report,
        json!({"ok": true, "files": [
            {"file": "site.yaml", "kind": "site", "errors": [], "warnings": []},
            {"file": "403.json", "kind": "table", "errors": [], "warnings": []}]})
    );
}

#[test]
fn every_error_comes_with_its_file_and_path() {
    let site = EXAMPLE
        .replace("gateways: [edge]", "gateways: [studtop, edge, ghost]")
        .replace("/: notes", "/: note")
        .replace("speaks_for: [403, exposed]", "speaks_for: [403, exposd]");
    let bench = Bench::with(&[("site.yaml", &site)]);
    let said = bench.run(&["check", "site.yaml"]).code(1);
    for line in [
        "error: site.yaml: zones.403.speaks_for[1]: ",
        "error: site.yaml: zones.403.links[0].gateways[0]: ",
        "error: site.yaml: zones.403.links[0].gateways[2]: ",
        "error: site.yaml: hosts[\"notes.stuartpb.com\"].paths[\"/\"].service: ",
    ] {
        assert_eq!(said.err.matches(line).count(), 1, "{line} in {}", said.err);
    }
    assert!(said.err.contains("did you mean \"exposed\"?") && said.err.contains("did you mean \"notes\"?"));
    let said = bench.run(&["check", "--format", "json", "site.yaml"]).code(1);
    assert_eq!(said.json()["ok"], json!(false));
    assert_eq!(paths(&said, "errors").len(), 4, "{}", said.out);
}

#[test]
fn a_key_that_stands_twice_is_told_with_its_place_and_what_to_do() {
    let bench = Bench::with(&[("site.yaml", "version: 1\nzones:\n  a: {}\n  b c: {}\n  a: {}\n")]);
    let said = bench.run(&["check", "site.yaml"]).code(1);
    assert_eq!(said.err, "error: site.yaml:5:3: zones: `a` stands twice: keep one\n");
}

#[test]
fn a_name_that_is_none_is_quoted_in_its_path() {
    let bench = Bench::with(&[
        ("site.yaml", "version: 1\nzones: {a/b: {}}\n"),
        (
            "table.json",
            r#"{"version": 1, "revision": {"epoch": 1, "sequence": 1}, "view": "a/b", "zones": {"a/b": {}}, "hosts": []}"#,
        ),
        ("typo.yaml", "version: 1\nzones: {a/b: {nodez: {}}}\n"),
    ]);
    for file in ["site.yaml", "table.json"] {
        let said = bench.run(&["check", file]).code(1);
        assert!(
            said.err.starts_with(&format!("error: {file}: zones[\"a/b\"]: \"a/b\" is no zone name")),
            "{}",
            said.err
        );
    }
    let said = bench.run(&["check", "typo.yaml"]).code(1);
    assert!(
        said.err.starts_with("error: typo.yaml:2:15: zones[\"a/b\"].nodez: unknown field"),
        "{}",
        said.err
    );
}

#[test]
fn one_bad_file_of_several_is_enough() {
    let bench = Bench::example();
    let table = std::fs::read_to_string(bench.path().join("403.json")).expect("the view is there");
    bench.write("bad.json", &table.replace(r#""node": "stuchip""#, r#""node": "ghost""#));
    let said = bench.run(&["check", "--format", "json", "site.yaml", "bad.json", "ghost.yaml"]).code(1);
    let report = said.json();
    let errors = |file: usize| report["files"][file]["errors"].as_array().map(Vec::len);
    assert_eq!(errors(0), Some(0));
    assert!(errors(1) > Some(1), "a table's errors come in one pass too: {}", said.out);
    assert_eq!(errors(2), Some(1));
}

#[test]
fn a_table_is_a_json_object_with_view() {
    let kind = |name: &str, text: &str| -> Value {
        let bench = Bench::with(&[(name, text)]);
        bench.run(&["check", "--format", "json", name]).json()["files"][0]["kind"].clone()
    };
    assert_eq!(kind("a", r#"{"version": 1, "zones": {}}"#), "site", "a site may be JSON too");
    assert_eq!(kind("a", r#"{"version": 1, "view": "a"}"#), "table");
    assert_eq!(kind("a.yaml", r#"{"view": "a", "zones": {}, "#), "table", "broken, and still a table");
    assert_eq!(kind("a.json", "version: 1"), "site");
}

#[test]
fn what_cannot_be_read_has_its_line_and_column() {
    let bench = Bench::with(&[("site.yaml", "version: 1\nzones:\n  a:\n    links: [{to: b, too: c}]\n")]);
    let said = bench.run(&["check", "site.yaml"]).code(1);
    assert!(said.err.starts_with("error: site.yaml:4:21: zones.a.links[0].too: "), "{}", said.err);
    let entry = bench.run(&["check", "--format", "json", "site.yaml"]).code(1).json();
    let entry = &entry["files"][0]["errors"][0];
    assert_eq!((&entry["line"], &entry["column"]), (&json!(4), &json!(21)));
    for text in ["", "- 1\n", "version: 1\n---\nversion: 1\n", "{", "version: 1\nzones: {a: }\n", "\u{1}"] {
        bench.write("site.yaml", text);
        let said = bench.run(&["check", "site.yaml"]).code(1);
        assert!(said.err.starts_with("error: site.yaml"), "{text:?}: {}", said.err);
    }
    std::fs::write(bench.path().join("site.yaml"), [0xff, 0xfe, 0x00]).expect("it can be written");
    bench.run(&["check", "site.yaml"]).code(1);
}

#[test]
fn standard_input_can_be_checked() {
    let said = Bench::with(&[]).run_with(&["check", "-"], EXAMPLE).well();
    assert!(said.out.starts_with("-: ok"), "{}", said.out);
}

#[test]
fn a_view_that_is_no_table_is_an_error() {
    let nodes: String = (0..257).map(|n| format!("n{n}: 10.0.0.1, ")).collect();
    let at: String = (0..257).map(|n| format!("n{n}: '127.0.0.1:1', ")).collect();
    let site = format!(
        "{{version: 1, zones: {{a: {{nodes: {{{nodes}}}}}}}, services: {{s: {{at: {{{at}}}}}}}, hosts: {{h: s}}}}"
    );
    let bench = Bench::with(&[("site.yaml", &site)]);
    let said = bench.run(&["check", "--format", "json", "site.yaml"]).code(1);
    assert_eq!(paths(&said, "errors"), ["the view of zone a: hosts[0].rules[0].backends"]);
}

#[test]
fn who_may_ask_and_cannot_get_there_is_a_warning() {
    let site = |links: &str, speaks_for: &str| {
        format!(
            "{{version: 1, settings: {{home: a}}, zones: {{a: {{nodes: {{n: 10.0.0.1}}, links: [{links}]}}, \
               b: {{nodes: {{m: 10.0.0.2}}, speaks_for: {speaks_for}, links: [{{to: c}}]}}, \
               c: {{nodes: {{o: 10.0.0.3}}}}}}, \
               services: {{s: {{at: {{o: '127.0.0.1:1'}}}}}}, hosts: {{h.x: s}}}}"
        )
    };
    let path = "hosts[\"h.x\"]";
    warns(&site("", "[a, b]"), &[path]);
    warns(&site("{to: b}", "[b]"), &[path]);
    warns(&site("{to: b, gateways: []}", "[a, b]"), &["zones.a.links[0]", path]);
    warns(&site("{to: b}", "[a, b]"), &[]);
    warns(&site("{to: c}", "[b]"), &[]);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let zones = "zones: {a: {nodes: {n: 10.0.0.1, m: 10.0.0.1}}, p: {public: true, speaks_for: [a], nodes: {o: 10.0.0.3}}}";
    let site = |rest: &str| {
        format!(
            "{{version: 1, {}, {rest}}}",
            zones.replace("m: 10.0.0.1", "m: 10.0.0.2").replace("speaks_for: [a], ", "")
        )
    };
    warns(&format!("{{version: 1, {zones}}}"), &["zones.a.nodes.n", "zones.p.speaks_for"]);
    warns(&site("services: {s: {at: {n: '127.0.0.1:1'}}}"), &["services.s"]);
    warns(
        &site("services: {s: {at: {n: []}, verify: none}}, hosts: {h: s}"),
        &["services.s.verify", "services.s.at.n", "hosts.h"],
    );
    warns(&site("hosts: {h: {}, i: {paths: {/: {}}}}"), &["hosts.h", "hosts.i.paths[\"/\"]"]);
    warns(
        &site("settings: {max_hops: 0, peer_authentication: {none: {zones: [a, p]}}}"),
        &["settings.peer_authentication.none.zones", "settings.max_hops"],
    );
    warns(
        &site("settings: {peer_authentication: {ca: a, certificate: b, key: c}}"),
        &["settings.peer_authentication"],
    );
    warns(
        &site("settings: {ingress: [{listen: '0.0.0.0:80', source_zone: a, outside_zone: p}]}"),
        &["settings.ingress[0].outside_zone"],
    );
    warns(
        &site(
            "services: {s: {at: {o: '127.0.0.1:1'}}, t: {at: {n: '127.0.0.1:1'}}},
             hosts: {'*.x': {service: s, expose_to: [p]}, a.x: t,
                     h: {paths: {/: {service: s, expose_to: [p]}, /in: {service: t, expose_to: [a]}}}}",
        ),
        &["hosts[\"a.x\"]", "hosts.h.paths[\"/in\"]"],
    );
}
