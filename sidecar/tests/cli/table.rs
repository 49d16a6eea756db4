//! `zoneway table`.

use serde_json::Value;

use super::{Bench, EXAMPLE};

#[test]
fn the_example_site_gives_the_example_table() {
    let bench = Bench::with(&[("site.yaml", EXAMPLE)]);
    let arguments = ["table", "--site", "site.yaml", "--zone", "403", "--epoch", "7", "--sequence", "42"];
    let expected: Value =
        serde_json::from_str(include_str!("../../../site/tests/data/example.403.json")).expect("JSON");
    let said = bench.run(&arguments).well();
    assert_eq!(said.json(), expected);
    assert_eq!(said.err, "");
    let json = bench.run(&[&arguments[..], &["--format", "json"]].concat()).well();
    assert_eq!(json.out, said.out, "a table is JSON in every format");
}

#[test]
fn a_view_is_a_table_that_check_accepts() {
    let bench = Bench::example();
    bench.run(&["check", "403.json", "exposed.json"]).well();
}

#[test]
fn a_name_that_does_not_resolve_is_left_out_with_a_warning() {
    // RFC 6761, section 6.4: names under `invalid` never resolve.
    let site = "{version: 1, zones: {a: {nodes: {n: zoneway.invalid, m: 10.0.0.1, l: localhost}}}}";
    let bench = Bench::with(&[("site.yaml", site)]);
    let said = bench.run(&["table", "--site", "site.yaml", "--zone", "a"]).well();
    let nodes = &said.json()["zones"]["a"]["nodes"];
    assert!(nodes.get("n").is_none());
    assert_eq!(nodes["m"]["address"], "10.0.0.1:15443");
    assert_eq!(nodes["l"]["address"], "127.0.0.1:15443");
    assert!(said.err.contains("zoneway.invalid"), "{}", said.err);
    let said = bench.run(&["check", "site.yaml"]).well();
    assert!(said.err.contains("warning: site.yaml: zones.a.nodes.n: "), "{}", said.err);
}
