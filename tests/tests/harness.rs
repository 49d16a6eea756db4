//! The tools of the tests themselves: every client against the demonstration service, with no Envoy between, so that a
//! failure elsewhere is Envoy's or zoneway's.

use std::net::Ipv4Addr;

use anyhow::Result;
use zoneway_tests::client::grpc::Call;
use zoneway_tests::client::websocket::WebSocket;
use zoneway_tests::client::{Ask, Client, PROTOCOLS, Protocol, raw};
use zoneway_tests::household::places::Places;
use zoneway_tests::household::sites::{THREE_ZONES, TWO_ZONES};
use zoneway_tests::load::{self, Load};
use zoneway_tests::service::{Running, Service};
use zoneway_tests::{address, artefact, process};

async fn service(forward: Option<std::net::SocketAddr>) -> Result<(std::net::SocketAddr, Running)> {
    let at = address::free(Ipv4Addr::LOCALHOST)?;
    let service = Service { name: "notes".to_owned(), node: "studtop".to_owned(), forward };
    Ok((at, service.start(at).await?))
}

#[tokio::test]
async fn the_service_reports_what_reached_it_in_either_version() -> Result<()> {
    let (at, _running) = service(None).await?;
    for protocol in PROTOCOLS {
        let ask = Ask::post("notes.example", "/a?b", "four").header("x-a", "1").header("x-a", "2");
        let answer = Client::new(at, protocol).send(&ask).await?;
        let report = answer.report()?;
        assert_eq!(
            (report.node.as_str(), report.host.as_str(), report.path.as_str(), report.body_bytes),
            ("studtop", "notes.example", "/a?b", 4)
        );
        assert_eq!(report.header("X-A"), ["1", "2"]);
        assert_eq!(answer.header("x-served-by"), "studtop");
    }
    Ok(())
}

#[tokio::test]
async fn a_service_that_forwards_keeps_the_host_and_the_headers() -> Result<()> {
    let (inner, _inner) = service(None).await?;
    let (outer, _outer) = service(Some(inner)).await?;
    for protocol in PROTOCOLS {
        let ask = Ask::get("notes.example", "/x").header("cdn-loop", "a");
        let report = Client::new(outer, protocol).send(&ask).await?.report()?;
        assert_eq!((report.host.as_str(), report.path.as_str()), ("notes.example", "/x"));
        assert_eq!(report.header("cdn-loop"), ["a"]);
    }
    Ok(())
}

#[tokio::test]
async fn messages_and_streams_come_back() -> Result<()> {
    let (at, _running) = service(None).await?;
    let mut socket = WebSocket::open(at, "notes.example", "/ws").await?;
    socket.echo("hello").await?;
    assert_eq!(socket.node, "studtop");
    socket.close().await?;

    let mut call =
        Call::open(&Client::new(at, Protocol::Http2), "notes.example", "/demo.Echo/Stream").await?;
    call.echo("one").await?;
    call.echo("two").await?;
    assert_eq!(call.close().await?, "0");

    let lines = Client::new(at, Protocol::Http1).get("notes.example", "/stream?chunks=3&pause_ms=1").await?;
    assert_eq!(&lines.body[..], b"0\n1\n2\n");
    let (status, answer) = raw::lines(at, &["GET /a HTTP/1.1", "host: x"]).await?;
    assert_eq!(status, 200, "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_load_keeps_its_rate_and_says_who_served() -> Result<()> {
    let (at, running) = service(None).await?;
    let load = Load::start(&Client::new(at, Protocol::Http1), &Ask::get("notes.example", "/"), 1000);
    load.pass(300).await?;
    let samples = load.finish().await?;
    assert_eq!(load::failures(&samples).len(), 0, "{samples:?}");
    assert_eq!(load::by_node(&samples), [("studtop", samples.len())].into());
    assert_eq!(running.requests(), samples.len() as u64);
    Ok(())
}

#[test]
fn the_sites_of_the_tests_are_valid() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for site in [TWO_ZONES, THREE_ZONES] {
        let file = folder.path().join("site.yaml");
        std::fs::write(&file, Places::new(folder.path().to_path_buf()).fill(site)?)?;
        for zone in ["403", "exposed"] {
            let mut command = std::process::Command::new(artefact::zoneway()?);
            process::output(command.arg("table").arg("--site").arg(&file).args(["--zone", zone]))?;
        }
    }
    Ok(())
}
