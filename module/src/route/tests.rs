//! Requests to a listener of each role, decided by one table.

use zoneway_core::table::Table;

use super::*;
use crate::double::{Request, reply};

const TABLE: &str = r#"{
    "version": 1, "revision": {"epoch": 7, "sequence": 42}, "view": "403",
    "zones": {
        "403": {"nodes": {"stuchip": {"address": "10.0.0.2:15443"}, "studtop": {"address": "10.0.0.1:15443"}},
                "links": [{"to": "exposed", "gateways": [{"node": "edge", "address": "203.0.113.7:15443"}]}],
                "speaks_for": ["403", "exposed"]},
        "exposed": {"public": true, "links": [{"to": "403"}]}
    },
    "hosts": [
        {"host": "films.example", "exposed_to": ["403", "exposed"],
         "rules": [{"path": "/", "backends": [{"node": "stuchip"}]}]},
        {"host": "music.example", "exposed_to": ["403"], "rules": [{"path": "/", "backends": [{"node": "studtop"}]}]},
        {"host": "status.example", "exposed_to": ["403"], "rules": [{"path": "/", "backends": [{"zone": "exposed"}]}]}
    ]
}"#;

const INGRESS: &str = r#"{"role": "ingress", "zone": "403", "node": "studtop", "source_zone": "403"}"#;
const PEER: &str =
    r#"{"role": "peer", "zone": "403", "node": "studtop", "peer_authentication": {"spiffe": "example"}}"#;

fn pass(settings: &str, request: &mut Request) -> Verdict {
    let table = Table::parse(TABLE.as_bytes()).expect("the table is well");
    let settings = Settings::parse(settings.as_bytes()).expect("the settings are well");
    route(&settings, Some(&Layout::compile(&table)), request)
}

#[test]
fn a_local_request_goes_on_untouched() {
    let mut request = Request::of(&[(":authority", "music.example"), (":path", "/"), ("accept", "*/*")]);
    assert_eq!(pass(INGRESS, &mut request), Verdict::Continue);
    assert_eq!(request.headers.len(), 3);
    assert_eq!((request.log.as_deref(), request.route_cache_cleared), (None, false));
}

#[test]
fn what_steers_is_taken_from_a_local_request_and_its_route_picked_anew() {
    let mut request = Request::of(&[
        (":authority", "music.example"),
        (":path", "/"),
        ("X-Zoneway-Cluster", "service/secret"),
        ("x-zoneway-cluster", "service/secret"),
    ]);
    assert_eq!(pass(INGRESS, &mut request), Verdict::Continue);
    assert_eq!((request.header("x-zoneway-cluster").as_str(), request.route_cache_cleared), ("", true));
}

#[test]
fn a_forward_to_a_peer_carries_what_the_next_node_needs() {
    let mut request = Request::of(&[(":authority", "films.example"), (":path", "/"), ("cdn-loop", "other")]);
    assert_eq!(pass(INGRESS, &mut request), Verdict::Continue);
    assert_eq!(request.header("x-zoneway-cluster"), "zoneway/peers");
    assert_eq!(request.header("x-zoneway-endpoints"), "10.0.0.2:15443");
    assert_eq!(request.header("x-zoneway-source"), "403");
    assert_eq!(request.header("x-zoneway-trail"), "403/studtop");
    assert_eq!(request.header("cdn-loop"), "other|zoneway");
    assert!(request.route_cache_cleared);
    assert_eq!(request.log.as_deref(), Some("peer peer - - 7.42"));
}

#[test]
fn a_forward_to_a_zone_names_its_cluster() {
    let mut request = Request::of(&[(":authority", "status.example"), (":path", "/")]);
    assert_eq!(pass(INGRESS, &mut request), Verdict::Continue);
    assert_eq!(request.header("x-zoneway-cluster"), "zoneway/zone/exposed");
    assert_eq!(request.log.as_deref(), Some("zone cross_zone exposed - 7.42"));
}

#[test]
fn a_refusal_is_answered_and_logged() {
    let mut request = Request::of(&[(":authority", "nobody.example"), (":path", "/")]);
    let reply = reply(pass(INGRESS, &mut request));
    assert_eq!((reply.status, reply.body.len()), (404, 0));
    assert_eq!(reply.headers, [("proxy-status", "zoneway; error=destination_not_found".to_owned())]);
    assert_eq!(request.log.as_deref(), Some("refuse unknown_host - - 7.42"));
}

#[test]
fn a_peer_is_known_by_its_certificate() {
    let sent = [
        (":authority", "music.example"),
        (":path", "/"),
        ("x-zoneway-source", "403"),
        ("x-zoneway-trail", "403/stuchip"),
    ];
    let mut request = Request::of(&sent);
    request.uri_san = Some("spiffe://example/zone/403/node/stuchip");
    assert_eq!(pass(PEER, &mut request), Verdict::Continue);
    let mut request = Request::of(&sent);
    request.uri_san = Some("spiffe://example/zone/403/node/other");
    assert_eq!(reply(pass(PEER, &mut request)).status, 403);
    let mut request = Request::of(&sent);
    assert_eq!(reply(pass(PEER, &mut request)).status, 403);
}

#[test]
fn a_client_is_of_the_zone_that_its_address_says() {
    const HOUSEHOLD: &str =
        r#"{"role": "ingress", "zone": "403", "node": "studtop", "outside_zone": "exposed"}"#;
    for (client, status) in [
        (Some("192.168.1.7:5000"), None),
        (Some("203.0.113.9:5000"), Some(404)),
        (Some("/run/socket"), Some(404)),
        (None, Some(404)),
    ] {
        let mut request = Request::of(&[(":authority", "music.example"), (":path", "/")]);
        request.client = client;
        let status_of = match pass(HOUSEHOLD, &mut request) {
            Verdict::Answer(reply) => Some(reply.status),
            Verdict::Continue | Verdict::Wait => None,
        };
        assert_eq!(status_of, status, "{client:?}");
    }
}

#[test]
fn headers_that_are_no_text_or_far_too_long_never_panic() {
    let long = "a".repeat(64 << 10);
    for host in ["", "\u{fffd}", "[", ":", long.as_str()] {
        let mut request =
            Request::of(&[(":authority", host), (":path", long.as_str()), ("x-zoneway-trail", host)]);
        request.headers.push(("x-zoneway-source".to_owned(), vec![0xff, 0xfe, 0]));
        assert_eq!(reply(pass(INGRESS, &mut request)).status, 400, "{:?}", host.get(..9));
        assert_eq!(reply(pass(PEER, &mut request)).status, 400);
    }
    assert_eq!(reply(pass(INGRESS, &mut Request::default())).status, 400);
}
