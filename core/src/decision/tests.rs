//! What the corpus in `tests/cases` does not say: the peer's checks, when a seed is drawn, and paths around a trail.

use serde_json::{Value, json};

use super::{Decision, Here, Outcome, Peer, Policy, Reason, Request, Role, Trail, decide};
use crate::layout::Layout;
use crate::name::ZoneName;
use crate::table::Table;

/// Zone `a` with nodes n1 and n2; from it `b` directly at 5 or through `c` and `d`, at 2 each way.
fn layout() -> Layout {
    let table = json!({
        "version": 1, "revision": {"epoch": 1, "sequence": 1}, "view": "a",
        "zones": {
            "a": {"nodes": {"n1": {"address": "10.0.0.1:1"}, "n2": {"address": "10.0.0.2:1"}},
                  "links": [{"to": "b", "cost": 5, "gateways": [{"node": "gb", "address": "10.1.0.1:1"}]},
                            {"to": "c", "gateways": [{"node": "gc", "address": "10.2.0.1:1"}, {"node": "gt", "tunnel": true}]},
                            {"to": "d", "egress": ["n2"], "gateways": [{"node": "gd", "address": "10.3.0.1:1"}]}],
                  "speaks_for": ["a", "x"]},
            "b": {}, "x": {"public": true},
            "c": {"links": [{"to": "b"}], "speaks_for": ["a", "c"]},
            "d": {"links": [{"to": "b"}], "speaks_for": ["a", "d", "x"]}
        },
        "hosts": [{"host": "far.example", "exposed_to": ["a", "x"], "rules": [{"path": "/", "backends": [{"zone": "b"}]}]},
                  {"host": "two.example", "exposed_to": ["a"], "prefer": "zone",
                   "rules": [{"path": "/", "backends": [{"node": "n1"}, {"node": "n2"}]}]}]
    });
    Layout::compile(&Table::parse(table.to_string().as_bytes()).unwrap())
}

fn answer(decision: &Decision<'_>) -> Value {
    match &decision.outcome {
        Outcome::Peer { reason, endpoints } => json!([reason.as_str(), endpoints]),
        Outcome::Zone { zone, endpoints, tunnels } => json!([zone, endpoints, tunnels]),
        Outcome::Local | Outcome::Refuse(_) | Outcome::Pass(_) => json!(decision.reason().as_str()),
    }
}

struct Case<'a> {
    host: &'a str,
    source: &'a str,
    trail: &'a str,
    peer: Peer<'a>,
}

const PLAIN: Case<'static> = Case { host: "far.example", source: "a", trail: "", peer: Peer::Unchecked };

#[track_caller]
fn check(case: &Case<'_>, expected: &Value) {
    let layout = layout();
    let request = Request {
        host: case.host.as_bytes(),
        path: b"/",
        role: if case.trail.is_empty() { Role::Ingress } else { Role::Peer },
        source_zone: case.source.as_bytes(),
        trail: Trail::Joined(case.trail.as_bytes()),
        loops: 0,
        peer: case.peer,
    };
    let here = Here { zone: "a", node: "n1" };
    let decision = decide(Some(&layout), &here, &Policy::default(), &request, &mut || None);
    assert_eq!(answer(&decision), *expected);
}

#[test]
fn the_cheapest_path_is_taken_and_names_break_ties() {
    check(&PLAIN, &json!(["c", ["10.2.0.1:1"], ["gt"]]));
}

#[test]
fn a_path_leads_through_zones_that_speak_for_the_source_alone() {
    // `c` does not speak for `x`, `d` does; its link has its egress at n2.
    check(&Case { source: "x", ..PLAIN }, &json!(["peer_egress", ["10.0.0.2:1"]]));
}

#[test]
fn a_path_leads_around_what_the_trail_has_visited() {
    check(&Case { trail: "c/gc", ..PLAIN }, &json!(["peer_egress", ["10.0.0.2:1"]]));
    check(&Case { trail: "d/gd,c/gc", ..PLAIN }, &json!(["b", ["10.1.0.1:1"], []]));
    check(&Case { trail: "a/n2", ..PLAIN }, &json!(["c", ["10.2.0.1:1"], ["gt"]]));
    // The second-best path is for zones that were visited, not for an egress that was.
    check(&Case { trail: "a/n2", source: "x", ..PLAIN }, &json!("no_path"));
}

#[test]
fn a_certificate_has_to_be_the_last_items() {
    let with = |uri_san: &'static str, trail: &'static str| Case {
        trail,
        peer: Peer::Certificate { domain: "example", uri_san: uri_san.as_bytes() },
        ..PLAIN
    };
    let refused = json!("bad_peer");
    check(&with("spiffe://example/zone/a/node/n2", "a/n2"), &json!(["c", ["10.2.0.1:1"], ["gt"]]));
    check(&with("spiffe://example/zone/a/node/n2", "d/n2"), &refused);
    check(&with("spiffe://example/zone/a/node/n2x", "a/n2"), &refused);
    check(&with("spiffe://example/zone/a/node/n", "a/n2"), &refused);
    check(&with("spiffe://other/zone/a/node/n2", "a/n2"), &refused);
    check(&with("", "a/n2"), &refused);
    check(&with("", "a/N2"), &json!("bad_hop"));
}

#[test]
fn without_certificates_the_last_items_zone_is_one_of_those_written() {
    let zones = [ZoneName::parse("a").unwrap(), ZoneName::parse("d").unwrap()];
    let with = |trail| Case { trail, peer: Peer::Zones(&zones), ..PLAIN };
    check(&with("a/n2"), &json!(["c", ["10.2.0.1:1"], ["gt"]]));
    check(&with("c/gc"), &json!("bad_peer"));
}

#[test]
fn a_seed_is_drawn_once_and_only_where_two_are_to_be_ordered() {
    #[track_caller]
    fn drawn(host: &str, node: &str, expected: u32) {
        let (layout, mut drawn) = (layout(), 0);
        let request = Request {
            host: host.as_bytes(),
            path: b"/",
            role: Role::Ingress,
            source_zone: b"a",
            trail: Trail::EMPTY,
            loops: 0,
            peer: Peer::Unchecked,
        };
        let here = Here { zone: "a", node };
        decide(Some(&layout), &here, &Policy::default(), &request, &mut || {
            drawn += 1;
            Some(9)
        });
        assert_eq!(drawn, expected);
    }
    drawn("two.example", "n1", 1);
    drawn("far.example", "n1", 1);
    drawn("none.example", "n1", 0);
}

#[test]
fn reasons_are_listed_once_and_all() {
    let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Reason::ALL.len());
}
