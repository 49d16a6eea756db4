//! WebSocket and gRPC, and bodies that come slowly: here, at a peer, in another zone, and through a third.

use std::time::{Duration, Instant};

use anyhow::Result;
use http_body_util::BodyExt;
use zoneway_tests::client::grpc::Call;
use zoneway_tests::client::websocket::WebSocket;
use zoneway_tests::client::{Ask, Protocol};
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::{THREE_ZONES, TWO_ZONES};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_opens_here_at_a_peer_and_across_zones() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let journeys = [
        ("studtop", "music.stuartpb.com", "studtop"),
        ("studtop", "films.stuartpb.com", "stuchip"),
        ("studtop", "status.stuartpb.com", "edge"),
        ("edge", "films.stuartpb.com", "stuchip"),
    ];
    let mut open = Vec::new();
    for (node, host, served_by) in journeys {
        let at = household.places.get(&format!("{node}.ingress"))?;
        let socket = WebSocket::open(at, host, "/ws").await?;
        assert_eq!(socket.node, served_by, "{host} from {node}");
        open.push(socket);
    }
    // All at once, and more than one message on each.
    for round in 0..3 {
        for socket in &mut open {
            socket.echo(&format!("message {round}")).await?;
        }
    }
    for socket in open {
        socket.close().await?;
    }
    // What is not exposed does not upgrade either.
    let edge = household.places.get("edge.ingress")?;
    assert!(WebSocket::open(edge, "dashboard.403.stuartpb.com", "/ws").await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_grpc_streams_here_at_a_peer_and_across_zones() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let journeys = [
        ("studtop", "lines.stuartpb.com", "studtop"),
        ("studtop", "calls.stuartpb.com", "stuchip"),
        ("edge", "calls.stuartpb.com", "stuchip"),
        ("edge", "lines.stuartpb.com", "studtop"),
        // Out of the household, into the public zone.
        ("studtop", "pages.stuartpb.com", "edge"),
        ("stuchip", "pages.stuartpb.com", "edge"),
    ];
    for (node, host, served_by) in journeys {
        calls(&household, node, host, served_by).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_and_a_call_of_grpc_pass_through_a_third_zone() -> Result<()> {
    let household = Household::start(THREE_ZONES).await?;
    for (node, host, served_by) in
        [("edge", "films.stuartpb.com", "studtop"), ("studtop", "status.stuartpb.com", "edge")]
    {
        let at = household.places.get(&format!("{node}.ingress"))?;
        let mut socket = WebSocket::open(at, host, "/ws").await?;
        assert_eq!(socket.node, served_by, "{host} from {node}");
        for message in ["one", "two", "three"] {
            socket.echo(message).await?;
        }
        socket.close().await?;
    }
    for (node, host, served_by) in
        [("edge", "calls.stuartpb.com", "studtop"), ("studtop", "pages.stuartpb.com", "edge")]
    {
        calls(&household, node, host, served_by).await?;
    }
    Ok(())
}

/// Calls a host from a node, once for one message and once for a stream of them.
async fn calls(household: &Household, node: &str, host: &str, served_by: &str) -> Result<()> {
    let client = household.client_of(node, Protocol::Http2)?;
    // Unary: one message each way.
    let mut unary = Call::open(&client, host, "/demo.Echo/Unary").await?;
    unary.echo("once").await?;
    assert_eq!(unary.node, served_by, "{host} from {node}");
    assert_eq!(unary.close().await?, "0", "{host} from {node}");
    // Streaming: each message is answered before the next is sent.
    let mut stream = Call::open(&client, host, "/demo.Echo/Stream").await?;
    for message in ["one", "two", "three"] {
        stream.echo(message).await?;
    }
    assert_eq!(stream.close().await?, "0", "{host} from {node}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_comes_slowly_passes_as_it_comes() -> Result<()> {
    let household = Household::start(THREE_ZONES).await?;
    // Through two forwards: the first line is there long before the last.
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = household.client_of("edge", protocol)?.connect().await?;
        let ask = Ask::get("films.stuartpb.com", "/stream?chunks=10&pause_ms=100");
        let start = Instant::now();
        let mut body = connection
            .open(&ask, http_body_util::Empty::new().map_err(|no| match no {}).boxed_unsync())
            .await?
            .into_body();
        let (mut first, mut lines) = (None, String::new());
        while let Some(frame) = body.frame().await {
            first.get_or_insert_with(|| start.elapsed());
            lines.push_str(&String::from_utf8_lossy(frame?.data_ref().map_or(&[][..], |data| data)));
        }
        assert_eq!(lines.lines().count(), 10, "{lines:?}");
        let first = first.unwrap_or(Duration::MAX);
        assert!(first < start.elapsed() / 2, "the first line came after {first:?} of {:?}", start.elapsed());
    }
    // Far more than any buffer of a connection.
    let big = vec![b'z'; 8 << 20];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let ask = Ask::post("films.stuartpb.com", "/echo", big.clone());
        let answer = household.client_of("edge", protocol)?.send(&ask).await?;
        assert_eq!((answer.status, answer.body.len()), (200, big.len()), "{protocol:?}");
    }
    Ok(())
}
