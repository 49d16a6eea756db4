//! `zoneway list`.

use serde_json::json;

use super::Bench;

#[test]
fn a_zone_sees_what_it_may_ask_for_where_and_why() {
    let bench = Bench::example();
    let listed = bench
        .run(&["list", "--format", "json", "--site", "site.yaml", "--source-zone", "exposed"])
        .well()
        .json();
    assert_eq!(
        listed,
        json!({"source_zone": "exposed", "entries": [{
            "host": "notes.stuartpb.com", "path": "/", "exposed_to": ["403", "exposed"], "prefer": "zone",
            "service": "notes",
            "served_by": [
                {"zone": "403", "node": "stuchip", "weight": 1, "addresses": ["127.0.0.1:8080"]},
                {"zone": "403", "node": "studtop", "weight": 2, "addresses": ["127.0.0.1:8080"]}],
            "because": {"rule": "hosts[\"notes.stuartpb.com\"].paths[\"/\"]",
                        "exposure": "hosts[\"notes.stuartpb.com\"].expose_to", "service": "services.notes"}}]})
    );
}

#[test]
fn home_asks_where_no_zone_is_named() {
    let bench = Bench::example();
    let listed = bench.run(&["list", "--format", "json", "--site", "site.yaml"]).well().json();
    let entries = listed["entries"].as_array().expect("a list");
    let paths: Vec<String> =
        entries.iter().map(|e| format!("{}{}", e["host"], e["path"]).replace('"', "")).collect();
    assert_eq!(paths, ["dashboard.403.stuartpb.com/", "notes.stuartpb.com/", "notes.stuartpb.com/admin"]);
    assert_eq!(entries[0]["because"]["exposure"], "settings.home");
    assert_eq!(
        entries[2]["because"]["exposure"],
        "hosts[\"notes.stuartpb.com\"].paths[\"/admin\"].expose_to"
    );
    let said = bench.run(&["list", "--site", "site.yaml"]).well().out;
    assert!(
        said.contains("notes.stuartpb.com/admin\n")
            && said.contains("403/studtop at 127.0.0.1:8080 (weight 2)"),
        "{said}"
    );
}

#[test]
fn without_a_home_the_zone_has_to_be_named() {
    let bench = Bench::with(&[("site.yaml", "{version: 1, zones: {a: {}, b: {}}}")]);
    assert!(bench.run(&["list", "--site", "site.yaml"]).code(64).err.contains("--source-zone"));
    assert_eq!(
        bench.run(&["list", "--site", "site.yaml", "--source-zone", "a"]).well().out,
        "zone a may ask for nothing\n"
    );
}
