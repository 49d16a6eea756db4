use std::collections::BTreeSet;

use serde_json::{Value, json};
use zoneway_core::table::Table;
use zoneway_site::Sheet;

use super::narrowed;

fn table(hosts: Value) -> Table {
    let table = json!({
        "version": 1, "revision": {"epoch": 0, "sequence": 0}, "view": "x",
        "zones": {"x": {"nodes": {"n": {"address": "10.0.0.1:1"}}}, "y": {}, "z": {}},
        "hosts": hosts,
    });
    Table::parse(table.to_string().as_bytes()).unwrap()
}

fn host(name: &str, rules: &[(&str, &[&str])]) -> Value {
    let all = rules.iter().flat_map(|(_, zones)| zones.iter()).collect::<BTreeSet<_>>();
    let rules = rules
        .iter()
        .map(|(path, zones)| json!({"path": path, "exposed_to": zones, "backends": [{"node": "n"}]}));
    json!({"host": name, "exposed_to": all, "rules": rules.collect::<Vec<_>>()})
}

/// What the bridge exposes, as `host path zones`.
fn check(old: Value, new: Value, expected: Option<&[&str]>) {
    let bridge = narrowed(&Sheet::of(&table(old)), &Sheet::of(&table(new))).map(|view| view.table().unwrap());
    let lines = bridge.map(|table| {
        let hosts = table.wire().hosts.iter();
        let line = |host: &str, rule: &zoneway_core::table::wire::Rule| {
            format!("{host} {} {}", rule.path, rule.exposed_to.as_ref().unwrap().join(","))
        };
        hosts
            .flat_map(|host| host.rules.iter().flatten().map(move |rule| line(&host.host, rule)))
            .collect::<Vec<_>>()
    });
    assert_eq!(
        lines.as_deref(),
        expected.map(|lines| lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>()).as_deref()
    );
}

#[test]
fn what_only_gains_exposure_needs_no_table_between() {
    let old = json!([host("a.net", &[("/", &["x"])])]);
    check(old.clone(), old.clone(), None);
    check(old.clone(), json!([host("a.net", &[("/", &["x", "y"])])]), None);
    check(old.clone(), json!([host("a.net", &[("/", &["x"])]), host("b.net", &[("/", &["y"])])]), None);
    check(old, json!([]), None);
}

#[test]
fn a_path_that_becomes_narrower_is_closed_before_its_route_comes() {
    check(
        json!([host("a.net", &[("/", &["x", "y"])])]),
        json!([host("a.net", &[("/", &["x", "y"]), ("/admin", &["x"])])]),
        Some(&["a.net / x,y", "a.net /admin x"]),
    );
}

#[test]
fn a_path_that_becomes_wider_with_its_neighbour_needs_no_table_between() {
    // The new route for all of the host comes first; until then the old, narrower rule stands.
    check(
        json!([host("a.net", &[("/", &["x", "y"]), ("/admin", &["x"])])]),
        json!([host("a.net", &[("/", &["x", "y"])])]),
        None,
    );
}

#[test]
fn a_name_that_leaves_a_wildcard_is_closed_to_those_that_only_the_wildcard_knew() {
    check(
        json!([host("*.net", &[("/", &["x", "y"])])]),
        json!([host("*.net", &[("/", &["x", "y"])]), host("admin.net", &[("/", &["x", "z"])])]),
        Some(&["*.net / x,y", "admin.net / x"]),
    );
}

#[test]
fn a_name_that_falls_to_a_wildcard_is_closed_to_those_that_the_wildcard_does_not_know() {
    check(
        json!([host("a.net", &[("/", &["x", "y"])])]),
        json!([host("**.net", &[("/", &["y", "z"])])]),
        Some(&["a.net / y"]),
    );
}

#[test]
fn who_may_ask_before_and_after_may_ask_in_between_and_nobody_else() {
    // Every zone, path and pair of small tables: the bridge allows what both allow, where both answer.
    let sets: [&[&str]; 4] = [&[], &["x"], &["x", "y"], &["y", "z"]];
    let entries = |root: &[&str], deep: Option<&[&str]>| {
        let mut rules = vec![("/", root)];
        rules.extend(deep.map(|zones| ("/p", zones)));
        json!([host("a.net", &rules)])
    };
    for root in sets {
        for deep in sets.iter().map(|set| Some(*set)).chain([None]) {
            for new_root in sets {
                for new_deep in sets.iter().map(|set| Some(*set)).chain([None]) {
                    let (old, new) = (table(entries(root, deep)), table(entries(new_root, new_deep)));
                    let bridge = narrowed(&Sheet::of(&old), &Sheet::of(&new));
                    let bridge = bridge.map_or(old, |view| view.table().unwrap());
                    for path in ["/", "/p"] {
                        let host = &bridge.wire().hosts[0];
                        let (_, allowed) = super::governing(host, path).unwrap();
                        let was = if path == "/p" { deep.unwrap_or(root) } else { root };
                        let will = if path == "/p" { new_deep.unwrap_or(new_root) } else { new_root };
                        let both =
                            was.iter().filter(|zone| will.contains(zone)).copied().collect::<BTreeSet<_>>();
                        assert_eq!(allowed, both, "{path}: {root:?} {deep:?} then {new_root:?} {new_deep:?}");
                    }
                }
            }
        }
    }
}
