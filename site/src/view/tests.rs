//! The view of the design's example, and each rule by itself.

use core::net::IpAddr;

use serde_json::{Value, json};
use zoneway_core::name::ZoneName;
use zoneway_core::table::Table;
use zoneway_core::table::wire::Revision;

use super::{View, view};
use crate::{Names, Site, wire};

fn seen_with(site: &str, zone: &str, names: &Names) -> View {
    let wire: wire::Site = serde_saphyr::from_str(site).expect("the site is YAML");
    let site = Site::try_from(wire).expect("the site is valid");
    let zone = ZoneName::parse(zone).expect("a zone name");
    view(&site, &zone, Revision { epoch: 7, sequence: 42 }, names).expect("the site has the zone")
}

fn seen(site: &str, zone: &str) -> Value {
    serde_json::to_value(seen_with(site, zone, &Names::default()).table.wire()).expect("a table is JSON")
}

/// Two zones, 403 with nodes a and b and the public one with node edge, and these services and hosts.
fn site(rest: &str) -> String {
    format!(
        "{{version: 1, zones: {{403: {{nodes: {{b: 10.0.0.2, a: 10.0.0.1}}, speaks_for: [exposed, 403],
           links: [{{to: exposed}}]}},
         exposed: {{public: true, nodes: {{edge: 203.0.113.7}}, links: [{{to: 403}}]}}}}, {rest}}}"
    )
}

#[track_caller]
fn check_hosts(rest: &str, zone: &str, expected: Value) {
    assert_eq!(seen(&site(rest), zone)["hosts"], expected);
}

#[track_caller]
fn check_zones(zones: &str, zone: &str, expected: Value) {
    assert_eq!(seen(&format!("{{version: 1, zones: {zones}}}"), zone)["zones"], expected);
}

#[test]
fn the_example_site_gives_the_example_table() {
    let view = seen_with(include_str!("../../tests/data/example.yaml"), "403", &Names::default());
    let expected = Table::parse(include_bytes!("../../tests/data/example.403.json")).expect("a table");
    assert_eq!(view.table, expected);
    assert_eq!(view.table.digest(), expected.digest());
    assert!(view.warnings.is_empty());
}

#[test]
fn a_view_has_every_zones_outside_and_its_own_inside() {
    let zones = "{a: {nodes: {n: 10.0.0.1}, speaks_for: [b, a], links: [{to: c, cost: 3}, {to: b, egress: [n]}]},
                  b: {nodes: {m: 10.0.0.2:1, l: 10.0.0.3}, speaks_for: [b], links: [{to: a, egress: [m], gateways: [n]}]},
                  c: {public: true, speaks_for: [a, b, c]}}";
    check_zones(
        zones,
        "a",
        json!({
            "a": {"nodes": {"n": {"address": "10.0.0.1:15443"}},
                  "links": [{"to": "b", "egress": ["n"], "gateways": [{"node": "l", "address": "10.0.0.3:15443"},
                                                                      {"node": "m", "address": "10.0.0.2:1"}]},
                            {"to": "c", "cost": 3}],
                  "speaks_for": ["a", "b"]},
            "b": {"links": [{"to": "a"}]},
            "c": {"public": true}
        }),
    );
}

#[test]
fn a_gateway_is_dialled_at_the_links_address_else_at_its_own() {
    let zones = "{a: {nodes: {n: 10.0.0.1}}, b: {nodes: {x: 10.0.0.2, y: 10.0.0.3}},
                  c: {links: [{to: b, address: {y: '192.0.2.1:9'}}, {to: a, tunnel: true}]}}";
    check_zones(
        zones,
        "c",
        json!({
            "a": {}, "b": {},
            "c": {"links": [{"to": "a", "gateways": [{"node": "n", "tunnel": true}]},
                            {"to": "b", "gateways": [{"node": "x", "address": "10.0.0.2:15443"},
                                                     {"node": "y", "address": "192.0.2.1:9"}]}]}
        }),
    );
}

#[test]
fn a_hosts_exposure_is_the_union_of_its_paths_and_narrower_ones_are_written() {
    check_hosts(
        "services: {s: {at: {a: '127.0.0.1:1'}}},
         hosts: {h: {expose_to: [exposed], paths: {/a: s, /b: {service: s, expose_to: [403]},
                                                   /c: {service: s, expose_to: []}, /d: {expose_to: [exposed, 403]}}}}",
        "403",
        json!([{"host": "h", "exposed_to": ["403", "exposed"], "rules": [
            {"path": "/a", "exposed_to": ["exposed"], "backends": [{"node": "a"}]},
            {"path": "/b", "exposed_to": ["403"], "backends": [{"node": "a"}]},
            {"path": "/c", "exposed_to": [], "backends": [{"node": "a"}]},
            {"path": "/d"}]}]),
    );
}

#[test]
fn where_nothing_is_said_home_alone_may_ask() {
    check_hosts(
        "services: {s: {at: {a: '127.0.0.1:1'}}}, hosts: {h: s, i: {paths: {/: s}}}",
        "403",
        json!([{"host": "h", "exposed_to": ["403"], "rules": [{"path": "/", "backends": [{"node": "a"}]}]},
               {"host": "i", "exposed_to": ["403"], "rules": [{"path": "/", "backends": [{"node": "a"}]}]}]),
    );
}

#[test]
fn a_host_is_seen_where_it_may_be_asked_for_or_is_served_with_any_weight() {
    let rest = "services: {s: {at: {edge: {address: '127.0.0.1:1', weight: 0}}}},
                hosts: {h: s, i: {expose_to: [403], paths: {/: {}}}}";
    let rules = json!([{"path": "/", "backends": [{"node": "edge", "weight": 0}]}]);
    check_hosts(rest, "exposed", json!([{"host": "h", "exposed_to": ["403"], "rules": rules}]));
    let zones = "{a: {nodes: {n: 10.0.0.1}}, b: {nodes: {m: 10.0.0.2}, speaks_for: []}}";
    let site = format!(
        "{{version: 1, settings: {{home: a}}, zones: {zones}, services: {{s: {{at: {{n: '127.0.0.1:1'}}}}}},
           hosts: {{h: {{service: s, expose_to: [a, b]}}}}}}"
    );
    assert_eq!(seen(&site, "b")["hosts"], json!([]), "b speaks for nobody and serves nothing");
}

#[test]
fn a_public_view_names_no_other_path_and_no_other_zone() {
    let rest = "services: {s: {at: {a: '127.0.0.1:1'}}, e: {at: {edge: '127.0.0.1:1'}}},
                hosts: {h: {paths: {/: {service: s, expose_to: [403, exposed]}, /admin: {service: s, expose_to: [403]}}},
                        i: {paths: {/: {service: s, expose_to: [403, exposed]}, /e: {service: e, expose_to: [403]},
                                    /in: {service: s, expose_to: [403]}}},
                        j: s}";
    check_hosts(
        rest,
        "exposed",
        json!([
            {"host": "h", "exposed_to": ["exposed"], "rules": [{"path": "/", "backends": [{"zone": "403"}]}]},
            {"host": "i", "exposed_to": ["403", "exposed"], "rules": [
                {"path": "/", "backends": [{"zone": "403"}]},
                {"path": "/e", "exposed_to": ["403"], "backends": [{"node": "edge"}]}]}
        ]),
    );
}

#[test]
fn backends_elsewhere_are_their_zone_with_the_sum_of_their_weights() {
    let weights = |a: u64, b: u64, sum: Value| {
        let rest = format!(
            "services: {{s: {{at: {{a: {{address: '127.0.0.1:1', weight: {a}}}, b: {{address: ['127.0.0.1:1', 'x.y:2'],
             weight: {b}}}, edge: '127.0.0.1:1'}}}}}}, hosts: {{h: {{service: s, expose_to: [exposed]}}}}"
        );
        check_hosts(
            &rest,
            "exposed",
            json!([{"host": "h", "exposed_to": ["exposed"], "rules": [{"path": "/", "backends": [{"node": "edge"}, sum]}]}]),
        );
    };
    weights(2, 3, json!({"zone": "403", "weight": 5}));
    weights(0, 1, json!({"zone": "403"}));
    weights(0, 0, json!({"zone": "403", "weight": 0}));
    weights(1_000_000, 1_000_000, json!({"zone": "403", "weight": 1_000_000}));
}

#[test]
fn a_wildcard_never_answers_for_a_further_host() {
    let zones = "zones: {a: {nodes: {n: 10.0.0.1}}, b: {nodes: {m: 10.0.0.2}}, p: {public: true, nodes: {o: 10.0.0.3}}}";
    let hosts = "{'*.x': {expose_to: [a, p], prefer: zone, service: s}, 'in.x': {expose_to: [b], prefer: zone, service: s},
                  '*.in.x': {expose_to: [b], service: s}, 'y': {expose_to: [b], service: s}, 'none.x': {},
                  '**.x': {expose_to: [b], service: s}, '**.deep.x': {expose_to: [b], service: s}}";
    let at = |zone: &str| {
        let site = format!(
            "{{version: 1, settings: {{home: a}}, {zones}, services: {{s: {{at: {{m: '127.0.0.1:1'}}}}}}, hosts: {hosts}}}"
        );
        seen(&site, zone)["hosts"].clone()
    };
    let hidden = |host: &str| json!({"host": host, "exposed_to": []});
    let star = json!({"host": "*.x", "exposed_to": ["a", "p"], "prefer": "zone",
                      "rules": [{"path": "/", "backends": [{"zone": "b"}]}]});
    assert_eq!(at("a"), json!([star, hidden("in.x"), hidden("none.x")]));
    let b = at("b");
    assert_eq!(b.as_array().map(Vec::len), Some(7), "b serves all of them, `none.x` is hidden: {b}");
    assert_eq!(at("p").as_array().map(Vec::len), Some(1), "a public view names no other host");
}

#[test]
fn a_name_that_never_resolved_takes_its_node_with_it() {
    let site = "{version: 1, zones: {a: {nodes: {n: n.home, o: o.home:7}, links: [{to: b, egress: [n]}]},
                                     b: {nodes: {m: 10.0.0.2}, links: [{to: a}, {to: c, address: {x: x.home}}]},
                                     c: {nodes: {x: 10.0.0.3}, links: [{to: a, address: {n: '10.9.9.9:1', o: o.home}}]}},
                 settings: {home: a},
                 services: {s: {at: {n: '127.0.0.1:1', o: '127.0.0.1:1'}}, t: {at: {n: '127.0.0.1:1'}}},
                 hosts: {h: {service: s, expose_to: [a, b]}, i: {service: t, expose_to: [b]}}}";
    let names: Names = [("o.home", IpAddr::from([10, 0, 0, 9]))].into_iter().collect();
    let a = seen_with(site, "a", &names);
    let wire = serde_json::to_value(a.table.wire()).expect("JSON");
    assert_eq!(wire["zones"]["a"]["nodes"], json!({"o": {"address": "10.0.0.9:7"}}));
    assert_eq!(wire["zones"]["a"]["links"][0]["egress"], json!([]), "nobody, which is not everybody");
    assert_eq!(wire["hosts"].as_array().map(Vec::len), Some(1), "no node of a serves i, and a may not ask");
    assert_eq!(wire["hosts"][0]["rules"][0]["backends"], json!([{"node": "o"}]));
    assert_eq!(a.warnings.len(), 1);

    let b = seen_with(site, "b", &names);
    let wire = serde_json::to_value(b.table.wire()).expect("JSON");
    assert_eq!(
        wire["zones"]["b"]["links"],
        json!([{"to": "a", "gateways": [{"node": "o", "address": "10.0.0.9:7"}]}, {"to": "c"}])
    );
    assert_eq!(wire["hosts"][0]["rules"][0]["backends"], json!([{"zone": "a"}]));
    assert_eq!(wire["hosts"][1]["rules"][0], json!({"path": "/"}), "nothing serves it now");
    assert_eq!(b.warnings.len(), 2);
    assert!(b.warnings.iter().all(|warning| warning.to_string().contains(".home")));

    let c = seen_with(site, "c", &names);
    let wire = serde_json::to_value(c.table.wire()).expect("JSON");
    let gateways =
        json!([{"node": "n", "address": "10.9.9.9:1"}, {"node": "o", "address": "10.0.0.9:15443"}]);
    assert_eq!(
        wire["zones"]["c"]["links"][0]["gateways"], gateways,
        "a gateway stays that does not need the name"
    );
}
