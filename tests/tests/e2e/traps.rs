//! The Wasm filter traps in a real Envoy: that request fails closed, the worker recovers, and nothing else notices. The
//! builds that trap are made here from the one that ships (see `zoneway_tests::trap`).

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use zoneway_tests::artefact::Filter;
use zoneway_tests::client::{Ask, Protocol, unix};
use zoneway_tests::deadline;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::trap::{self, MOST_HEADERS, Trap};

/// A request that makes the filter trap.
fn fatal(host: &str) -> Ask {
    (0..=MOST_HEADERS).fold(Ask::get(host, "/"), |ask, line| ask.header(&format!("x-line-{line}"), "1"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_traps_fails_closed_and_its_worker_recovers() -> Result<()> {
    let mut household = Household::prepare_with(Filter::Wasm, TWO_ZONES).await?;
    let wasm = trap::build(Trap::Headers, household.folder())?;
    let site = household.site_file();
    household.node("studtop")?.render_with(&site, &wasm)?;
    for node in ["studtop", "stuchip", "edge"] {
        household.start_node(node)?;
    }
    household.settled().await?;
    let (served, unknown) = (Ask::get("music.stuartpb.com", "/"), Ask::get("unknown.stuartpb.com", "/"));

    // A connection of HTTP/2 is one worker's, and outlives a request that fails.
    let mut connection = household.client_of("studtop", Protocol::Http2)?.connect().await?;
    for round in 0..3 {
        assert_eq!(connection.send(&served).await?.status, 200, "round {round}");
        let before = household.requests("studtop.music")?;
        // Closed: it never reaches the service, though its route would lead there.
        assert_eq!(connection.send(&fatal("music.stuartpb.com")).await?.status, 503, "round {round}");
        assert_eq!(household.requests("studtop.music")?, before, "round {round}");
        // It is back with the table, which nobody had to push. Until then (there is a pause before another VM is made
        // after a second trap) nothing passes undecided.
        let start = Instant::now();
        loop {
            let (unknown, served) =
                (connection.send(&unknown).await?.status, connection.send(&served).await?.status);
            assert!(matches!(unknown, 404 | 503), "an unknown host was answered with {unknown}");
            assert!(matches!(served, 200 | 503), "a host of this node was answered with {served}");
            if (unknown, served) == (404, 200) {
                break;
            }
            assert!(start.elapsed() < deadline::PATIENCE, "round {round}: {unknown} and {served}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    // The endpoint and the compiler are VMs of their own: tables are taken as before.
    let status = household.node("studtop")?.table_status().await?;
    assert_eq!(status.get("errors"), None, "{status}");
    household.write(&TWO_ZONES.replace("  music.stuartpb.com:", "  tunes.stuartpb.com:")).await?;
    household.settled().await?;
    assert_eq!(household.client("studtop")?.get("tunes.stuartpb.com", "/").await?.status, 200);
    assert_eq!(household.client("studtop")?.get("music.stuartpb.com", "/").await?.status, 404);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compiler_that_trapped_is_told_of_by_the_status() -> Result<()> {
    let mut household = Household::prepare_with(Filter::Wasm, TWO_ZONES).await?;
    let wasm = trap::build(Trap::Queue, household.folder())?;
    let site = household.site_file();
    household.node("studtop")?.render_with(&site, &wasm)?;
    household.node("studtop")?.start_envoy()?;
    let socket = household.node("studtop")?.table_socket();
    let table = household.table_text("403")?;
    let errors = |status: &Value| status["errors"][0]["message"].as_str().map(str::to_owned);
    let alive = deadline::until("the endpoint", || unix::json(&socket, "/v1/status")).await?;
    assert_eq!(errors(&alive), None, "{alive}");

    let (status, answer) = unix::send(&socket, "PUT", "/v1/table", table).await?;
    assert_eq!(status, 503, "{}", String::from_utf8_lossy(&answer));
    let said = deadline::until("the status to say so", || async {
        let status = unix::json(&socket, "/v1/status").await?;
        errors(&status).ok_or_else(|| anyhow::anyhow!("{status}"))
    })
    .await?;
    assert!(said.contains("restart"), "the message has no remedy: {said}");
    // What has no table refuses, and goes on doing so.
    assert_eq!(household.client("studtop")?.get("music.stuartpb.com", "/").await?.status, 503);
    Ok(())
}
