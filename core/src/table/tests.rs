//! What a table is refused for, where, and what its digest is of.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Limits, Table, TableError};

fn small() -> Value {
    json!({
        "version": 1, "revision": {"epoch": 7, "sequence": 42}, "view": "403",
        "zones": {
            "403": {"nodes": {"stuchip": {"address": "192.168.86.29:15443"}},
                    "links": [{"to": "exposed", "egress": ["stuchip"],
                               "gateways": [{"node": "edge", "address": "203.0.113.7:15443"}]}],
                    "speaks_for": ["403", "exposed"]},
            "exposed": {"public": true, "links": [{"to": "403"}]}
        },
        "hosts": [{"host": "notes.stuartpb.com", "exposed_to": ["403", "exposed"],
                   "rules": [{"path": "/", "backends": [{"node": "stuchip"}]},
                             {"path": "/admin", "exposed_to": ["403"], "backends": []}]}]
    })
}

/// Replaces the value at a JSON pointer and expects faults at exactly these paths.
#[track_caller]
fn check(pointer: &str, value: Value, paths: &[&str]) {
    let mut table = small();
    *table.pointer_mut(pointer).expect("the pointer names a place") = value;
    match Table::parse(table.to_string().as_bytes()) {
        Ok(_) => assert!(paths.is_empty(), "accepted"),
        Err(error) => {
            let found: Vec<String> = error.entries().into_iter().map(|(path, _)| path).collect();
            assert_eq!(found, paths, "{error}");
        }
    }
}

#[test]
fn every_fault_has_its_path() {
    check("/version", json!(1), &[]);
    check("/version", json!(2), &["version"]);
    check(
        "/view",
        json!("nowhere"),
        &[
            "view",
            "zones.403.nodes",
            "zones.403.links[0].egress",
            "zones.403.links[0].gateways",
            "hosts[0].rules[0].backends[0].node",
        ],
    );
    check("/zones/403/nodes/stuchip/address", json!("1.2.3.4:0"), &["zones.403.nodes.stuchip.address"]);
    check("/zones/403/nodes/stuchip/address", json!("[::0]:1"), &["zones.403.nodes.stuchip.address"]);
    check("/zones/403/links/0/egress", json!(["ghost"]), &["zones.403.links[0].egress[0]"]);
    check("/zones/403/links/0/egress", json!([]), &[]);
}

#[test]
fn numbers_have_their_range() {
    let cost = |cost: u64, paths: &[&str]| {
        check("/zones/exposed/links/0", json!({"to": "403", "cost": cost}), paths)
    };
    cost(0, &["zones.exposed.links[0].cost"]);
    cost(1_000_000, &[]);
    cost(1_000_001, &["zones.exposed.links[0].cost"]);
    let weight = |weight: u64, paths: &[&str]| {
        check("/hosts/0/rules/0/backends/0", json!({"node": "stuchip", "weight": weight}), paths);
    };
    weight(0, &[]);
    weight(1_000_001, &["hosts[0].rules[0].backends[0].weight"]);
}

#[test]
fn a_view_knows_no_other_zones_inside() {
    check(
        "/zones/exposed/links/0",
        json!({"to": "403", "egress": ["x"]}),
        &["zones.exposed.links[0].egress"],
    );
    check("/zones/exposed", json!({"nodes": {"edge": {"address": "1.2.3.4:5"}}}), &["zones.exposed.nodes"]);
    check("/zones/exposed", json!({"nodes": {}, "links": [{"to": "403", "gateways": []}]}), &[]);
}

#[test]
fn public_zones_speak_for_themselves_alone() {
    check("/zones/exposed", json!({"public": true, "speaks_for": ["exposed"]}), &[]);
    check("/zones/exposed", json!({"public": true, "speaks_for": []}), &[]);
    check(
        "/zones/exposed",
        json!({"public": true, "speaks_for": ["exposed", "403"]}),
        &["zones.exposed.speaks_for"],
    );
}

#[test]
fn all_faults_come_in_one_pass() {
    let two = json!([{"path": "/x/", "exposed_to": ["else", "403"], "backends": [{}, {"zone": "403", "weight": 1000001}]}]);
    check(
        "/hosts/0/rules",
        two,
        &[
            "hosts[0].rules[0].path",
            "hosts[0].rules[0].exposed_to[0]",
            "hosts[0].rules[0].exposed_to[0]",
            "hosts[0].rules[0].backends[0]",
            "hosts[0].rules[0].backends[1].zone",
            "hosts[0].rules[0].backends[1].weight",
        ],
    );
}

#[test]
fn syntax_stops_at_the_first_fault_and_names_it() {
    let syntax = |text: &str, path: &str| match Table::parse(text.as_bytes()) {
        Err(TableError::Syntax { path: found, .. }) => assert_eq!(found, path, "{text}"),
        other => panic!("{text}: {other:?}"),
    };
    let text = small().to_string();
    syntax("{", "");
    syntax(&format!("{text} x"), "");
    syntax(
        &text.replace("\"prefer\"", "\"x\"").replace("\"public\":true", "\"public\":null"),
        "zones.exposed.public",
    );
    syntax(&text.replace("\"path\":\"/admin\"", "\"path\":\"/admin\",\"path\":\"/b\""), "hosts[0].rules[1]");
    syntax(&text.replace("\"exposed\":{", "\"403\":{"), "zones");
    syntax(&text.replace("\"epoch\":7", "\"epoch\":-7"), "revision.epoch");
    syntax(&text.replace("\"to\":", "\"too\":"), "zones.403.links[0].too");
}

#[test]
fn an_object_is_no_list_and_a_word_no_object() {
    check("/revision", json!([1, 1]), &["revision"]);
    check("/hosts/0", json!(["a.b", []]), &["hosts[0]"]);
    check("/zones/403/nodes/stuchip", json!(["1.2.3.4:5"]), &["zones.403.nodes.stuchip"]);
    check("/hosts/0", json!({"host": "a", "exposed_to": [], "prefer": {"zone": null}}), &["hosts[0].prefer"]);
    check("/hosts/0", json!({"host": "a", "exposed_to": [], "prefer": "zones"}), &["hosts[0].prefer"]);
    check("/hosts/0", json!({"host": "a", "exposed_to": [], "prefer": "zone"}), &[]);
}

#[test]
fn a_key_with_a_dot_is_no_two_steps_of_a_path() {
    let nodes = json!({"n2.rack": {"address": "x"}, "stuchip": {"address": "1.2.3.4:5"}});
    check("/zones/403/nodes", nodes, &["zones.403.nodes[\"n2.rack\"].address"]);
    check("/zones/403/nodes", json!({"n2.rack": {"address": 1}}), &["zones.403.nodes[\"n2.rack\"].address"]);
}

#[test]
fn limits_hold() {
    let table = small().to_string();
    let limits = Limits { bytes: table.len() - 1, ..Limits::default() };
    assert!(matches!(Table::parse_within(table.as_bytes(), &limits), Err(TableError::TooLarge { .. })));
    let limits = Limits { rules: 1, zones: 1, hosts: 0, ..Limits::default() };
    let paths: Vec<_> = Table::parse_within(table.as_bytes(), &limits).unwrap_err().entries();
    assert_eq!(
        paths.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
        ["zones", "hosts", "hosts[0].rules"]
    );
}

#[test]
fn the_digest_is_of_the_sorted_json_without_the_revision() {
    let mut value = small();
    let table = Table::parse(serde_json::to_string_pretty(&value).unwrap().as_bytes()).unwrap();
    value.as_object_mut().unwrap().remove("revision");
    // Without serde_json's `preserve_order` an object is sorted by its keys, which is RFC 8785 here.
    let expected: [u8; 32] = Sha256::digest(value.to_string().as_bytes()).into();
    assert_eq!(table.digest().0, expected);
    value["hosts"][0]["prefer"] = json!("node");
    value["revision"] = json!({"epoch": 0, "sequence": 0});
    let spelled = Table::parse(value.to_string().as_bytes()).unwrap();
    assert_ne!(spelled.digest().0, expected, "a default that is written out is other content");
}
