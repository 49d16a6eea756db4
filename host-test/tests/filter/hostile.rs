//! Requests that are made to hurt: none may trap.

use anyhow::Result;
use proptest::prelude::*;
use zoneway_host_test::Request;

use crate::node::{Node, from_edge, table};

#[track_caller]
fn check(node: &mut Node, request: Request, status: Option<u32>) -> Result<()> {
    let stream = node.envoy.send(node.ingress, request.clone())?;
    assert!(!stream.trapped, "{request:?}");
    assert_eq!(stream.status(), status, "{request:?}");
    Ok(())
}

#[test]
fn bytes_that_are_no_text_are_no_trap() -> Result<()> {
    let mut node = Node::serving()?;
    let evil: &[u8] = b"\xff\xfe\x00\x80";
    check(&mut node, Request::get(evil, "/"), Some(400))?;
    check(&mut node, Request::get("here.example", evil), None)?;
    check(&mut node, Request::get("here.example", "/").header("x-a", evil).header("cookie", evil), None)?;
    check(&mut node, Request::get("here.example", "/").header("cdn-loop", evil), None)?;
    check(&mut node, Request::get("here.example", "/").header("x-zoneway-source", evil), None)?;
    let peer =
        Request::get("here.example", "/").header("x-zoneway-source", evil).header("x-zoneway-trail", evil);
    assert_eq!(node.envoy.send(node.peer, peer)?.status(), Some(400));
    Ok(())
}

#[test]
fn absent_and_repeated_pseudo_headers_are_refused() -> Result<()> {
    let mut node = Node::serving()?;
    check(&mut node, Request::default(), Some(400))?;
    check(&mut node, Request::default().header(":path", "/"), Some(400))?;
    check(&mut node, Request::default().header(":authority", "here.example"), None)?;
    check(&mut node, Request::get("here.example", "/").header(":authority", "here.example"), Some(400))?;
    check(&mut node, Request::get("here.example", "/").header("host", "here.example"), Some(400))?;
    check(&mut node, Request::get("here.example,here.example", "/"), Some(400))?;
    check(&mut node, Request::get("", ""), Some(400))?;
    Ok(())
}

#[test]
fn large_headers_are_no_trap() -> Result<()> {
    let mut node = Node::serving()?;
    let large = vec![b'a'; 64 * 1024];
    check(&mut node, Request::get("here.example", "/").header("x-large", &large), None)?;
    check(&mut node, Request::get(&large, "/"), Some(400))?;
    check(&mut node, Request::get("here.example", [b"/".to_vec(), large.clone()].concat()), None)?;
    check(
        &mut node,
        Request::get("here.example", "/").header("cdn-loop", "zoneway,".repeat(8_000)),
        Some(508),
    )?;
    let trail = "exposed/edge,".repeat(5_000);
    let peer = Request::get("here.example", "/")
        .header("x-zoneway-source", "exposed")
        .header("x-zoneway-trail", trail);
    assert_eq!(node.envoy.send(node.peer, peer)?.status(), Some(400));
    let many = (0..2_000)
        .fold(Request::get("peer.example", "/"), |request, at| request.header(format!("x-{at}"), "1"));
    check(&mut node, many, None)?;
    Ok(())
}

#[test]
fn a_header_map_that_is_not_whole_is_refused() -> Result<()> {
    let mut node = Node::serving()?;
    let map = |texts: &[&[u8]]| {
        let mut block = u32::try_from(texts.len() / 2)?.to_le_bytes().to_vec();
        for text in texts {
            block.extend(u32::try_from(text.len())?.to_le_bytes());
        }
        texts.iter().for_each(|text| block.extend([text, &b"\0"[..]].concat()));
        anyhow::Ok(block)
    };
    let whole = map(&[b":authority", b"here.example", b":path", b"/"])?;
    check(&mut node, Request::default().block(&whole), None)?;
    for end in 0..whole.len() {
        check(&mut node, Request::default().block(&whole[..end]), Some(400))?;
    }
    for at in 0..20 {
        let mut wrong = whole.clone();
        wrong[at] ^= 0x81;
        check(&mut node, Request::default().block(wrong), Some(400))?;
    }
    check(&mut node, Request::default().block([&whole[..], b"\0"].concat()), Some(400))?;
    check(&mut node, Request::default().block(map(&[])?), Some(400))?;
    check(&mut node, Request::default().block([0xff; 64]), Some(400))?;
    let no_text = map(&[b":authority", b"here.example", b":path", b"/", b"x-zoneway-\xff", b"1"])?;
    check(&mut node, Request::default().block(no_text), Some(400))?;
    let large = vec![0xff; 64 * 1024];
    let large = map(&[b":authority", b"here.example", b":path", b"/", b"x-large", &large])?;
    check(&mut node, Request::default().block(large), None)?;
    Ok(())
}

#[test]
fn a_host_that_gives_no_header_map_has_the_request_refused() -> Result<()> {
    let mut node = Node::serving()?;
    node.envoy.break_call(node.ingress, "proxy_get_header_map_pairs")?;
    check(&mut node, Request::get("here.example", "/"), Some(400))?;
    check(&mut node, Request::get("here.example", "/"), None)
}

#[test]
fn a_peers_headers_stand_once_each() -> Result<()> {
    let mut node = Node::serving()?;
    for request in [
        from_edge("here.example").header("x-zoneway-source", "exposed"),
        from_edge("here.example").header("x-zoneway-trail", "exposed/edge"),
        Request::get("here.example", "/").header("x-zoneway-source", "exposed"),
        Request::get("here.example", "/").header("x-zoneway-trail", "exposed/edge"),
    ] {
        let refused = node.envoy.send(node.peer, request)?;
        assert_eq!(refused.status(), Some(400));
        assert_eq!(refused.log_field(), "refuse bad_hop - - 7.42");
    }
    Ok(())
}

#[test]
fn no_headers_or_bodies_make_a_trap() -> Result<()> {
    let node = Node::serving()?;
    let names = prop_oneof![
        Just(":authority"),
        Just(":path"),
        Just(":method"),
        Just("host"),
        Just("cookie"),
        Just("cdn-loop"),
        Just("x-zoneway-source"),
        Just("x-zoneway-trail"),
        Just("x-zoneway-cluster"),
        Just("x-other"),
    ];
    let values = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        Just(b"here.example".to_vec()),
        Just(b"peer.example".to_vec()),
        Just(b"exposed/edge".to_vec()),
        Just(b"exposed".to_vec()),
        Just(b"/v1/table".to_vec()),
        Just(b"PUT".to_vec()),
    ];
    let headers = proptest::collection::vec((names, values), 0..12);
    let body = proptest::collection::vec(any::<u8>(), 0..300);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let node = std::cell::RefCell::new(node);
    runner.run(&(headers, body), |(headers, body)| {
        let node = &mut *node.borrow_mut();
        let request = headers
            .into_iter()
            .fold(Request::default(), |request, (name, value)| request.header(name, value));
        let with_body = Request { body: body.chunks(100).map(<[u8]>::to_vec).collect(), ..request.clone() };
        for plugin in [node.ingress, node.peer] {
            let stream = node.envoy.send(plugin, request.clone()).expect("the VM is there");
            prop_assert!(!stream.trapped);
        }
        let stream = node.envoy.send(node.table, with_body).expect("the VM is there");
        prop_assert!(!stream.trapped);
        Ok(())
    })?;
    assert_eq!(node.borrow_mut().push(&table(8, 0))?.0, 200, "the singleton lives");
    Ok(())
}

#[test]
fn no_body_kills_the_singleton() -> Result<()> {
    let mut node = Node::serving()?;
    let whole = table(8, 0).to_string().into_bytes();
    for at in (0..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] = changed[at].wrapping_add(1);
        node.push_bytes(&changed)?;
        node.push_bytes(&whole[..at])?;
    }
    node.push_bytes("[".repeat(100_000).as_bytes())?;
    node.push_bytes(format!("{{\"version\":{}", "9".repeat(1_000)).as_bytes())?;
    assert_eq!(node.push(&table(1_000_000, 0))?.0, 200);
    Ok(())
}
