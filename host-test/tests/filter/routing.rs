//! Decisions carried out: headers, answers, log, metrics.

use anyhow::Result;
use serde_json::json;
use zoneway_host_test::{Request, Stream};

use crate::node::{Node, from_edge, settings, table};

fn header(stream: &Stream, name: &str, values: &[&str]) {
    assert_eq!(stream.values(name), values, "{name} of {stream:?}");
}

#[test]
fn without_a_table_a_request_is_refused_or_passed_as_configured() -> Result<()> {
    let mut node = Node::start()?;
    let refused = node.get("here.example")?;
    assert_eq!(refused.status(), Some(503));
    assert_eq!(refused.log_field(), "refuse no_table - - -");
    let local = refused.local.expect("an answer");
    let expected: Vec<(Vec<u8>, Vec<u8>)> = vec![
        (b"proxy-status".to_vec(), b"zoneway; error=destination_unavailable".to_vec()),
        (b"retry-after".to_vec(), b"1".to_vec()),
    ];
    assert_eq!(local.headers, expected);
    assert!(local.body.is_empty());
    let passing = settings("ingress", json!({"source_zone": "403", "no_table": "pass"}));
    let passing = node.envoy.plugin(&passing)?;
    let passed = node.envoy.send(passing, Request::get("here.example", "/"))?;
    assert!(passed.continues);
    assert_eq!(passed.log_field(), "pass no_table - - -");
    Ok(())
}

#[test]
fn a_forward_to_a_peer_lists_every_other_node() -> Result<()> {
    let mut node = Node::serving()?;
    let sent = node.get("peer.example")?;
    assert!(sent.continues && sent.route_cleared);
    header(&sent, "x-zoneway-cluster", &["zoneway/peers"]);
    header(&sent, "x-zoneway-source", &["403"]);
    header(&sent, "x-zoneway-trail", &["403/studtop"]);
    header(&sent, "cdn-loop", &["zoneway"]);
    let mut listed: Vec<String> = sent
        .values("x-zoneway-endpoints")
        .iter()
        .flat_map(|list| list.split(','))
        .map(str::to_owned)
        .collect();
    listed.sort();
    assert_eq!(listed, ["192.168.86.29:15443", "192.168.86.30:15443"]);
    assert_eq!(sent.log_field(), "peer peer - - 7.42");
    Ok(())
}

#[test]
fn a_forward_to_a_zone_names_its_cluster() -> Result<()> {
    let mut node = Node::serving()?;
    let sent =
        node.envoy.send(node.ingress, Request::get("away.example", "/").header("cdn-loop", "other"))?;
    header(&sent, "x-zoneway-cluster", &["zoneway/zone/exposed"]);
    header(&sent, "x-zoneway-endpoints", &["203.0.113.7:15443"]);
    header(&sent, "cdn-loop", &["other", "zoneway"]);
    assert_eq!(sent.log_field(), "zone cross_zone exposed - 7.42");
    Ok(())
}

#[test]
fn a_peers_request_goes_on_with_its_source_and_a_longer_trail() -> Result<()> {
    let mut node = Node::serving()?;
    let sent = node.passed_on("peer.example")?;
    header(&sent, "x-zoneway-source", &["exposed"]);
    header(&sent, "x-zoneway-trail", &["exposed/edge,403/studtop"]);
    assert_eq!(sent.log_field(), "peer peer - exposed/edge 7.42");
    Ok(())
}

#[test]
fn a_peer_is_who_its_certificate_says() -> Result<()> {
    let mut node = Node::serving()?;
    for (san, status) in [
        ("spiffe://stuartpb.com/zone/exposed/node/edge", None),
        ("spiffe://stuartpb.com/zone/exposed/node/other", Some(403)),
        ("spiffe://elsewhere.example/zone/exposed/node/edge", Some(403)),
        ("", Some(403)),
    ] {
        let request = from_edge("here.example").property("connection.uri_san_peer_certificate", san);
        assert_eq!(node.envoy.send(node.peer, request)?.status(), status, "{san}");
    }
    let mut anonymous = from_edge("here.example");
    anonymous.properties.clear();
    assert_eq!(node.envoy.send(node.peer, anonymous)?.status(), Some(403));
    Ok(())
}

#[test]
fn a_captured_public_node_speaks_for_its_own_zone_alone() -> Result<()> {
    let mut node = Node::serving()?;
    assert!(node.passed_on("here.example")?.continues);
    assert_eq!(node.passed_on("inside.example")?.status(), Some(404));
    let mut lying = from_edge("inside.example");
    for (name, value) in &mut lying.headers {
        if name == b"x-zoneway-source" {
            *value = b"403".to_vec();
        }
    }
    let refused = node.envoy.send(node.peer, lying)?;
    assert_eq!(refused.status(), Some(403));
    assert_eq!(refused.log_field(), "refuse not_spoken_for - exposed/edge 7.42");
    Ok(())
}

#[test]
fn every_404_is_the_same() -> Result<()> {
    let mut node = Node::serving()?;
    let unknown = node.get("unknown.example")?.local.expect("an answer");
    assert_eq!(node.passed_on("inside.example")?.local.expect("an answer"), unknown);
    assert_eq!(node.passed_on("unknown.example")?.local.expect("an answer"), unknown);
    assert_eq!(unknown.status, 404);
    Ok(())
}

#[test]
fn what_a_client_sends_under_our_prefix_is_gone() -> Result<()> {
    let mut node = Node::serving()?;
    let request = Request::get("here.example", "/")
        .header("x-zoneway-cluster", "secret")
        .header("x-zoneway-cluster", "secret")
        .header("x-zoneway-source", "exposed")
        .header("x-zoneway-anything", "1")
        .header("x-mine", "1");
    let left = node.envoy.send(node.ingress, request)?;
    assert!(left.continues && left.route_cleared);
    let names: Vec<_> =
        left.headers.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect();
    assert_eq!(names, [":method", ":authority", ":path", "x-mine"]);
    Ok(())
}

#[test]
fn a_refusal_tells_a_household_why_and_a_public_zone_nothing() -> Result<()> {
    let mut node = Node::serving()?;
    let status = |stream: Stream| {
        let local = stream.local.expect("an answer");
        local.headers.iter().map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        status(node.get("nowhere.example")?),
        ["zoneway; error=destination_unavailable; details=\"node=studtop reason=no_backend revision=7.42\""]
    );
    assert_eq!(status(node.passed_on("nowhere.example")?), ["zoneway; error=destination_unavailable"]);
    Ok(())
}

#[test]
fn requests_are_counted_and_handed_over_on_a_tick() -> Result<()> {
    let mut node = Node::serving()?;
    for host in ["here.example", "here.example", "away.example", "unknown.example", "peer.example"] {
        node.get(host)?;
    }
    assert!(node.envoy.metrics().is_empty(), "a request flushes nothing");
    node.envoy.pass(50)?;
    let name = |labels: &str| format!("envoy_zoneway.{labels}.requests_total");
    let expected = [
        (name("action.local.reason.here.zone.-"), 2),
        (name("action.peer.reason.peer.zone.-"), 1),
        (name("action.refuse.reason.unknown_host.zone.-"), 1),
        (name("action.zone.reason.cross_zone.zone.exposed"), 1),
    ];
    assert_eq!(node.envoy.metrics(), expected);
    node.get("here.example")?;
    node.envoy.pass(50)?;
    assert_eq!(node.envoy.metrics().first().map(|(_, count)| *count), Some(3));
    Ok(())
}

#[test]
fn a_cookie_or_a_client_keeps_its_endpoint() -> Result<()> {
    let mut node = Node::serving()?;
    let by_cookie = node
        .envoy
        .plugin(&settings("ingress", json!({"source_zone": "403", "balance": {"cookie": "sid"}})))?;
    let by_client =
        node.envoy.plugin(&settings("ingress", json!({"source_zone": "403", "balance": "client"})))?;
    let mut firsts = [std::collections::BTreeSet::new(), std::collections::BTreeSet::new()];
    for visitor in 0..40 {
        let request =
            Request::get("peer.example", "/").header("cookie", format!("a=b; sid=visitor{visitor}"));
        let cookie = node.envoy.send(by_cookie, request.clone())?.values("x-zoneway-endpoints");
        assert_eq!(node.envoy.send(by_cookie, request)?.values("x-zoneway-endpoints"), cookie);
        let from = |port| {
            Request::get("peer.example", "/").property("source.address", format!("10.0.0.{visitor}:{port}"))
        };
        let client = node.envoy.send(by_client, from(1_000))?.values("x-zoneway-endpoints");
        assert_eq!(node.envoy.send(by_client, from(2_000))?.values("x-zoneway-endpoints"), client);
        firsts[0].insert(cookie);
        firsts[1].insert(client);
    }
    assert_eq!(firsts.map(|orders| orders.len()), [2, 2], "different visitors go to different nodes");
    Ok(())
}

#[test]
fn an_unseeded_order_is_by_weight_then_id() -> Result<()> {
    let mut node = Node::start()?;
    let mut heavy = table(1, 1);
    heavy["hosts"][1]["rules"][0]["backends"][1]["weight"] = json!(2);
    node.push(&heavy)?;
    node.envoy.pass(100)?;
    let plugin = node.envoy.plugin(&settings("ingress", json!({"source_zone": "403", "balance": "none"})))?;
    for _ in 0..5 {
        let sent = node.envoy.send(plugin, Request::get("peer.example", "/"))?;
        header(&sent, "x-zoneway-endpoints", &["192.168.86.30:15443,192.168.86.29:15443"]);
    }
    Ok(())
}
