//! A household behind a router that lets nobody in, and a public node on the internet that holds nothing of it: home dials,
//! signs its key, delivers, and is sent requests.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zoneway_tests::client::grpc::Call;
use zoneway_tests::client::websocket::WebSocket;
use zoneway_tests::client::{Ask, PROTOCOLS, Protocol};
use zoneway_tests::deadline::{self, PATIENCE};
use zoneway_tests::home_network::HomeNetwork;
use zoneway_tests::household::home::Home;
use zoneway_tests::household::sites::tunnelled;

/// Five seconds on a quiet machine.
const HEALED_WITHIN: Duration = Duration::from_secs(50);

/// Whether nobody answers at an address: the router drops what comes, so waiting is all that there is.
async fn nobody_answers(network: &HomeNetwork, port: u16) -> bool {
    let dialled = timeout(Duration::from_secs(1), TcpStream::connect((network.address(), port))).await;
    !matches!(dialled, Ok(Ok(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_household_that_can_only_dial_out_has_a_public_node() -> Result<()> {
    let Some(network) = HomeNetwork::or_skip() else { return Ok(()) };
    let mut home = Home::start_behind(&network, &tunnelled("studtop"), &["studtop"]).await?;
    let bundle = home.bundle("edge", "bundle")?;
    let mut edge = bundle.install()?;
    reached(&home, PATIENCE, "the install").await?;
    edge.alive()?;
    for place in ["studtop.peer", "studtop.ingress", "stuchip.peer", "studtop.music"] {
        let port = home.household.places.get(place)?.port();
        assert!(nobody_answers(&network, port).await, "{place} can be dialled from outside");
    }

    // The gateway, and the public node's machine: each alone.
    home.household.node("studtop")?.envoy()?.kill()?;
    let answer = home.household.client("edge")?.get("music.stuartpb.com", "/").await?;
    assert_eq!((answer.status, answer.header("proxy-status").is_empty()), (503, false), "{answer:?}");
    home.household.node("studtop")?.sidecar()?.kill()?;
    home.household.node("studtop")?.start_envoy()?;
    home.start_sidecar("studtop")?;
    reached(&home, HEALED_WITHIN, "the start of the gateway").await?;
    edge.kill()?;
    let _edge = bundle.restart()?;
    reached(&home, HEALED_WITHIN, "the start of the public node").await?;

    // An edit at home arrives, over the line that home's new sidecar has dialled.
    let dashboard = "dashboard.403.stuartpb.com: dashboard";
    let exposed = "board.stuartpb.com: {expose_to: [exposed], service: dashboard}";
    home.edit(|site| site.replace(dashboard, exposed)).await?;
    deadline::until("the edit to arrive", || async {
        home.household.client("edge")?.get("board.stuartpb.com", "/").await?.report().map(drop)
    })
    .await
}

/// Waits until requests get home: to the gateway and to a node behind it, in each protocol that there is.
async fn reached(home: &Home, limit: Duration, since: &str) -> Result<()> {
    let start = Instant::now();
    // A worker of the public node without a tunnel is one until the gateway has dialled often enough.
    deadline::within(limit, "every kind of request to get home", || every_kind_gets_home(home)).await?;
    eprintln!("home was reached {:?} after {since}", start.elapsed());
    Ok(())
}

async fn every_kind_gets_home(home: &Home) -> Result<()> {
    let household = &home.household;
    let at = household.places.get("edge.ingress")?;
    for (host, served_by) in [("music.stuartpb.com", "studtop"), ("films.stuartpb.com", "stuchip")] {
        for protocol in PROTOCOLS {
            let ask = Ask::post(host, "/a/b?c=d", "a body");
            let report = household.client_of("edge", protocol)?.send(&ask).await?.report()?;
            ensure!((report.node.as_str(), report.body_bytes) == (served_by, 6), "{protocol:?}: {report:?}");
        }
        let mut socket = WebSocket::open(at, host, "/ws").await?;
        ensure!(socket.node == served_by, "{host} is served by {}", socket.node);
        socket.echo("a message").await?;
        socket.close().await?;
    }
    for (host, served_by) in [("lines.stuartpb.com", "studtop"), ("calls.stuartpb.com", "stuchip")] {
        let client = household.client_of("edge", Protocol::Http2)?;
        let mut call = Call::open(&client, host, "/demo.Echo/Stream").await?;
        ensure!(call.node == served_by, "{host} is served by {}", call.node);
        call.echo("a message").await?;
        ensure!(call.close().await? == "0", "{host}: the call did not end well");
    }
    Ok(())
}
