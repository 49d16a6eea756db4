//! A public node that can dial nobody at home: home's gateways dial it, and requests come back over the connections that
//! they opened.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use zoneway_tests::client::grpc::Call;
use zoneway_tests::client::websocket::WebSocket;
use zoneway_tests::client::{Ask, PROTOCOLS, Protocol};
use zoneway_tests::deadline;
use zoneway_tests::household::sites::tunnelled;
use zoneway_tests::household::{Household, pki};
use zoneway_tests::recorder::Recorder;

/// Connections of a gateway to a public node: eight for each of its two workers.
const CONNECTIONS: u64 = 16;

/// Starts a household, and waits until every tunnel is there and a request gets home.
async fn start(gateways: &str) -> Result<Household> {
    let mut household = Household::start(&tunnelled(gateways)).await?;
    registered(&mut household, gateways.split(',').map(|_| CONNECTIONS).sum()).await?;
    reached(&household, deadline::PATIENCE).await?;
    Ok(household)
}

/// Waits until so many connections were registered at the public node since it started.
async fn registered(household: &mut Household, wanted: u64) -> Result<()> {
    let edge = household.node("edge")?;
    deadline::until("the tunnels", || async {
        let registered = edge.metric(&["reverse_tunnel_handshake_accepted"]).await?;
        ensure!(registered >= wanted, "{registered} of {wanted} connections are registered");
        Ok(())
    })
    .await
}

async fn reached(household: &Household, limit: Duration) -> Result<()> {
    deadline::within(limit, "a request to get home", || async {
        household.client("edge")?.get("music.stuartpb.com", "/").await?.report().map(drop)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_comes_home_over_a_connection_that_home_opened() -> Result<()> {
    let household = start("studtop").await?;
    let table = household.table_text("exposed")?;
    for node in ["studtop", "stuchip"] {
        let peer = household.places.get(&format!("{node}.peer"))?.to_string();
        assert!(!table.contains(&peer), "the public node could dial {node}: {table}");
    }
    // At the gateway, and at a node behind it.
    for (host, served_by) in [("music.stuartpb.com", "studtop"), ("films.stuartpb.com", "stuchip")] {
        for protocol in PROTOCOLS {
            let ask = Ask::post(host, "/a/b?c=d", "a body").header("x-kept", "yes");
            let report = household.client_of("edge", protocol)?.send(&ask).await?.report()?;
            let told = format!("{host} in {protocol:?}: {report:?}");
            assert_eq!(report.node, served_by, "{told}");
            let got = (report.method.as_str(), report.path.as_str(), report.body_bytes);
            assert_eq!(got, ("POST", "/a/b?c=d", 6), "{told}");
            assert_eq!(report.header("x-kept"), ["yes"], "{told}");
            for steering in ["cluster", "endpoints", "tunnel"] {
                assert!(report.header(&format!("x-zoneway-{steering}")).is_empty(), "{told}");
            }
        }
    }
    // The other way is dialled, as ever.
    let report = household.client("stuchip")?.get("status.stuartpb.com", "/").await?.report()?;
    assert_eq!(report.node, "edge");
    // What is not exposed is no more so.
    let answer = household.client("edge")?.get("dashboard.403.stuartpb.com", "/").await?;
    assert_eq!(answer.status, 404, "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websockets_and_calls_of_grpc_come_home_too() -> Result<()> {
    let household = start("studtop").await?;
    let at = household.places.get("edge.ingress")?;
    for (host, served_by) in [("music.stuartpb.com", "studtop"), ("films.stuartpb.com", "stuchip")] {
        let mut socket = WebSocket::open(at, host, "/ws").await?;
        assert_eq!(socket.node, served_by, "{host}");
        for round in 0..3 {
            socket.echo(&format!("message {round}")).await?;
        }
        socket.close().await?;
    }
    for (host, served_by) in [("lines.stuartpb.com", "studtop"), ("calls.stuartpb.com", "stuchip")] {
        let client = household.client_of("edge", Protocol::Http2)?;
        let mut stream = Call::open(&client, host, "/demo.Echo/Stream").await?;
        assert_eq!(stream.node, served_by, "{host}");
        for message in ["one", "two", "three"] {
            stream.echo(message).await?;
        }
        assert_eq!(stream.close().await?, "0", "{host}");
    }
    Ok(())
}

/// Envoy takes the TLS of a tunnel's registration off again: without the one inside, all of this would be readable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_request_can_be_read_on_the_wire() -> Result<()> {
    let site = tunnelled("studtop");
    let dialled = "{to: exposed, cost: 10, gateways: [edge]}";
    let recorded = "{to: exposed, cost: 10, gateways: [edge], address: {edge: \"${edge.free_wire}\"}}";
    let mut household = Household::prepare(&site.replace(dialled, recorded)).await?;
    let places = &household.places;
    let recorder = Recorder::start(places.get("edge.free_wire")?, places.get("edge.peer")?).await?;
    for node in ["studtop", "stuchip", "edge"] {
        household.start_node(node)?;
    }
    household.settled().await?;
    reached(&household, deadline::PATIENCE).await?;

    let before = recorder.bytes();
    let words = ["films.stuartpb.com", "/the-secret-path", "x-secret-header", "secret-value", "secret body"];
    let [host, path, name, value, body] = words;
    for protocol in PROTOCOLS {
        let ask = Ask::post(host, path, body).header(name, value);
        let report = household.client_of("edge", protocol)?.send(&ask).await?.report()?;
        assert_eq!(report.node, "stuchip");
    }
    assert!(recorder.bytes() > before, "the requests took another way");
    // What asks for a tunnel is in the clear: this is the wire.
    assert!(recorder.saw("zoneway-tunnel"), "no tunnel was registered over this wire");
    for word in words.into_iter().chain(["stuchip", "x-zoneway-", "PRI * HTTP/2.0", "cdn-loop"]) {
        assert!(!recorder.saw(word), "{word:?} can be read on the wire");
    }
    Ok(())
}

/// Either end that is killed and started again is well within five seconds on a quiet machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_heals_when_either_end_comes_back() -> Result<()> {
    let mut household = start("studtop").await?;
    for node in ["studtop", "edge", "studtop"] {
        household.node(node)?.envoy()?.kill()?;
        if node == "studtop" {
            let answer = household.client("edge")?.get("music.stuartpb.com", "/").await?;
            assert_eq!(answer.status, 503, "{answer:?}");
        }
        household.node(node)?.start_envoy()?;
        reached(&household, Duration::from_secs(50)).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_at_once_and_over_two_by_two_workers_all_come_home() -> Result<()> {
    let household = start("studtop, stuchip").await?;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let client = household.client("edge")?;
        clients.spawn(async move {
            let mut connection = client.connect().await?;
            for _ in 0..500 {
                let report = connection.send(&Ask::get("notes.stuartpb.com", "/")).await?.report()?;
                ensure!(["studtop", "stuchip"].contains(&report.node.as_str()), "{report:?}");
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_gone_leaves_the_others_tunnels() -> Result<()> {
    let mut household = start("studtop, stuchip").await?;
    let rounds = [("studtop", "stuchip"), ("stuchip", "studtop")];
    for (round, (gone, other)) in (2..).zip(rounds) {
        registered(&mut household, round * CONNECTIONS).await?;
        household.settled().await?;
        household.node(gone)?.envoy()?.kill()?;
        let mut lost = 0;
        // Whichever of them a request's seed names first.
        for _ in 0..50 {
            let answer = household.client("edge")?.get("notes.stuartpb.com", "/").await?;
            if answer.status == 503 {
                lost += 1;
            } else {
                assert_eq!(answer.report()?.node, other);
            }
        }
        // A worker has two connections to a gateway at most, and learns by the first request that one of them is gone.
        assert!(lost <= 4, "{lost} requests were lost with {gone}");
        household.node(gone)?.start_envoy()?;
    }
    Ok(())
}

/// Whoever shows another certificate than that of the gateway registers no tunnel of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_is_registered_by_the_gateway_that_it_is_named_after_alone() -> Result<()> {
    let mut household = Household::prepare(&tunnelled("studtop, stuchip")).await?;
    household.start_node("edge")?;
    household.node("edge")?.serving().await?;
    let (studtop, stuchip) = (household.identity("studtop"), household.identity("stuchip"));
    let folder = household.folder().to_path_buf();
    let own = keep(&studtop, &folder.join("own"))?;
    // The same name from an authority of the attacker's own; and, from home's, a node that is no gateway of the link.
    pki::init(&folder.join("attacker"))?;
    let forged = pki::issue(&folder.join("attacker"), "403", "studtop")?;
    let other = pki::issue(&folder, "exposed", "other")?;
    let refusals = [
        ("another gateway's", keep(&stuchip, &folder.join("stuchip-kept"))?, "handshake_validation_failed"),
        ("another authority's", forged, "ssl_fail_verify_error"),
        ("one of another zone", other, "ssl_fail_verify_san"),
    ];
    for (whose, certificate, counter) in refusals {
        put(&certificate, &studtop)?;
        household.node("studtop")?.start_envoy()?;
        let edge = household.node("edge")?;
        deadline::until("a refusal", || async {
            ensure!(edge.metric(&[counter]).await? > 0, "{whose}: {counter} is 0");
            Ok(())
        })
        .await?;
        assert_eq!(edge.metric(&["reverse_tunnel_handshake_accepted"]).await?, 0, "{whose}");
        let answer = household.client("edge")?.get("music.stuartpb.com", "/").await?;
        assert_eq!(answer.status, 503, "{whose}: {answer:?}");
        household.node("studtop")?.envoy()?.kill()?;
    }
    put(&own, &studtop)?;
    household.start_node("studtop")?;
    reached(&household, deadline::PATIENCE).await
}

/// Copies a certificate and its key.
fn put(from: &(PathBuf, PathBuf), to: &(PathBuf, PathBuf)) -> Result<()> {
    fs::copy(&from.0, &to.0)?;
    fs::copy(&from.1, &to.1)?;
    Ok(())
}

fn keep(from: &(PathBuf, PathBuf), stem: &Path) -> Result<(PathBuf, PathBuf)> {
    let kept = (stem.with_extension("pem"), stem.with_extension("key"));
    put(from, &kept)?;
    Ok(kept)
}

/// A gateway dials all of them: one that is gone takes nothing with it but what clients send to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_public_node_has_tunnels_of_its_own() -> Result<()> {
    let one = "edge: {address: \"${edge.peer}\", listen: \"${edge.peer}\", ingress: [\"${edge.ingress}\"]}";
    let two = format!("{one}\n      {}", one.replace("edge", "edge2"));
    let mut household = Household::start(&tunnelled("studtop").replace(one, &two)).await?;
    for edge in ["edge", "edge2"] {
        deadline::until("a request to get home", || async {
            household.client(edge)?.get("films.stuartpb.com", "/").await?.report().map(drop)
        })
        .await?;
    }
    household.node("edge2")?.envoy()?.kill()?;
    for _ in 0..50 {
        household.client("edge")?.get("films.stuartpb.com", "/").await?.report()?;
    }
    household.node("edge2")?.start_envoy()?;
    deadline::within(Duration::from_secs(50), "the other public node's tunnels to heal", || async {
        household.client("edge2")?.get("films.stuartpb.com", "/").await?.report().map(drop)
    })
    .await
}
