//! `zoneway explain`.

use serde_json::{Value, json};

use super::{Bench, EXAMPLE};

fn explain(bench: &Bench, arguments: &[&str]) -> Value {
    bench.run(&[&["explain", "--format", "json", "--site", "site.yaml"], arguments].concat()).well().json()
}

#[test]
fn a_journey_is_told_hop_by_hop() {
    let bench = Bench::example();
    assert_eq!(
        explain(&bench, &["--node", "edge", "https://notes.stuartpb.com/"]),
        json!({"hops": [
            {"zone": "exposed", "node": "edge", "role": "ingress", "decision":
                {"action": "zone", "reason": "cross_zone", "zone": "403", "tunnels": ["studtop"]}},
            {"zone": "403", "node": "studtop", "role": "peer", "decision": {"action": "local", "reason": "here"}}
        ], "result": "local"})
    );
}

#[test]
fn the_source_zone_is_the_nodes_unless_said_and_stays_the_same() {
    let bench = Bench::example();
    let url = "http://notes.stuartpb.com/admin#part";
    assert_eq!(explain(&bench, &["--node", "stuchip", url])["result"], "local");
    let refused = explain(&bench, &["--node", "stuchip", "--source-zone", "exposed", url]);
    assert_eq!(refused["result"], "refuse");
    assert_eq!(refused["hops"][0]["decision"]["reason"], "not_exposed");
    // The edge knows no /admin: what it forwards is refused at home.
    let forwarded = explain(&bench, &["--node", "edge", url]);
    assert_eq!(forwarded["result"], "refuse");
    assert_eq!(
        forwarded["hops"][1]["decision"],
        json!({"action": "refuse", "reason": "not_exposed", "status": 404})
    );
    let said = bench
        .run(&["explain", "--site", "site.yaml", "--node", "edge", "--source-zone", "ghost", url])
        .well();
    assert!(said.err.contains("ghost"), "{}", said.err);
}

#[test]
fn a_url_may_leave_out_scheme_and_path() {
    let bench = Bench::example();
    for url in ["notes.stuartpb.com", "NOTES.stuartpb.com:8080/x?y", "HTTP://notes.stuartpb.com?x"] {
        assert_eq!(explain(&bench, &["--node", "studtop", url])["result"], "local", "{url}");
    }
}

#[test]
fn a_transit_zone_and_an_egress_node_are_hops() {
    let site = "{version: 1, settings: {home: a}, zones: {
        a: {nodes: {a1: 10.0.0.1, a2: 10.0.0.2}, links: [{to: b, egress: [a2]}]},
        b: {nodes: {b1: 10.1.0.1}, speaks_for: [a, b], links: [{to: c}]},
        c: {nodes: {c1: 10.2.0.1}}},
      services: {s: {at: {c1: '127.0.0.1:1'}}}, hosts: {h: s}}";
    let bench = Bench::with(&[("site.yaml", site)]);
    let journey = explain(&bench, &["--node", "a1", "h"]);
    let hops: Vec<String> = journey["hops"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|hop| format!("{}/{} {}", hop["zone"], hop["node"], hop["decision"]["reason"]).replace('"', ""))
        .collect();
    assert_eq!(hops, ["a/a1 peer_egress", "a/a2 cross_zone", "b/b1 cross_zone", "c/c1 here"]);
}

#[test]
fn a_policy_of_the_site_holds_but_not_on_a_public_node() {
    let site = EXAMPLE.replace("unknown_host: refuse", "unknown_host: pass");
    let bench = Bench::with(&[("site.yaml", &site)]);
    assert_eq!(explain(&bench, &["--node", "studtop", "else.stuartpb.com"])["result"], "pass");
    assert_eq!(explain(&bench, &["--node", "edge", "else.stuartpb.com"])["result"], "refuse");
}

#[test]
fn a_zone_that_is_not_trusted_without_tls_is_a_bad_peer() {
    let site = EXAMPLE.replace(
        r#"peer_authentication: {ca: ca.pem, certificate: "{node}.pem", key: "{node}.key"}"#,
        "peer_authentication: {none: {zones: [403]}}",
    );
    let bench = Bench::with(&[("site.yaml", &site)]);
    let journey = explain(&bench, &["--node", "edge", "notes.stuartpb.com"]);
    assert_eq!(
        journey["hops"][1]["decision"],
        json!({"action": "refuse", "reason": "bad_peer", "status": 403})
    );
}

#[test]
fn people_get_the_reasons_in_words() {
    let bench = Bench::example();
    let said =
        bench.run(&["explain", "--site", "site.yaml", "--node", "edge", "notes.stuartpb.com"]).well().out;
    for text in [
        "notes.stuartpb.com/ from zone exposed",
        "1. exposed/edge (ingress)",
        "403/studtop by its tunnel",
        "because ",
        "served by 403/studtop",
    ] {
        assert!(said.contains(text), "{text} in {said}");
    }
}
