//! What a request costs in host calls.

use anyhow::Result;
use serde_json::json;
use zoneway_host_test::Request;

use crate::node::{Node, from_edge, settings};

#[test]
fn a_local_request_costs_one_host_call() -> Result<()> {
    let mut node = Node::serving()?;
    for _ in 0..3 {
        let stream = node.get("here.example")?;
        assert!(stream.continues);
        assert_eq!(stream.calls, ["proxy_get_header_map_pairs"]);
        assert!(!stream.route_cleared);
        assert_eq!(stream.log_field(), "-");
    }
    Ok(())
}

#[test]
fn a_local_request_of_a_peer_or_by_client_address_costs_two() -> Result<()> {
    let mut node = Node::serving()?;
    let stream = node.passed_on("here.example")?;
    assert!(stream.continues);
    assert_eq!(stream.calls, ["proxy_get_header_map_pairs", "proxy_get_property"]);
    let by_address = node.envoy.plugin(&settings("ingress", json!({})))?;
    let request = Request::get("here.example", "/").property("source.address", "192.168.86.4:55000");
    let stream = node.envoy.send(by_address, request)?;
    assert!(stream.continues);
    assert_eq!(stream.calls, ["proxy_get_header_map_pairs", "proxy_get_property"]);
    Ok(())
}

#[test]
fn a_forward_costs_eight_at_most() -> Result<()> {
    let mut node = Node::serving()?;
    let by_client = node.envoy.plugin(&settings("ingress", json!({"balance": "client"})))?;
    let peers = json!({"peer_authentication": {"spiffe": "stuartpb.com"}, "balance": "client"});
    let peer_by_client = node.envoy.plugin(&settings("peer", peers))?;
    let client = |request: Request| request.property("source.address", "192.168.86.4:55000");
    for (plugin, request) in [
        (node.ingress, Request::get("peer.example", "/")),
        (node.ingress, Request::get("away.example", "/")),
        (node.peer, from_edge("peer.example")),
        (by_client, client(Request::get("peer.example", "/"))),
        (peer_by_client, client(from_edge("peer.example"))),
    ] {
        let stream = node.envoy.send(plugin, request)?;
        assert!(stream.continues);
        assert!(!stream.values("x-zoneway-cluster").is_empty());
        assert!(stream.calls.len() <= 8, "{:?}", stream.calls);
    }
    Ok(())
}
