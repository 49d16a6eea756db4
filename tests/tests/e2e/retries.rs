//! A peer that refuses the connection costs no request: the next endpoint of the list is tried in the same request.

use anyhow::Result;
use zoneway_tests::client::{Ask, Protocol};
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::load::{self, Load};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_peer_is_retried_in_the_same_request() -> Result<()> {
    let third = "stubook: {address: \"${stubook.peer}\", listen: \"${stubook.peer}\", ingress: [\"${stubook.ingress}\"]}";
    let site = TWO_ZONES
        .replace("    links: [{to: exposed", &format!("      {third}\n    links: [{{to: exposed"))
        .replace("films: {at: {", "films: {at: {stubook: \"${stubook.films}\", ");
    let mut household = Household::start(&site).await?;
    household.node("stuchip")?.envoy()?.kill()?;
    // At once: no health check can have noticed, and half of the requests name stuchip first.
    for _ in 0..30 {
        let report = household.client("studtop")?.get("films.stuartpb.com", "/").await?.report()?;
        assert_eq!(report.node, "stubook");
    }
    // A body that has been sent is no obstacle, and many at a time are not either.
    let answer =
        household.client("studtop")?.send(&Ask::post("films.stuartpb.com", "/", vec![b'z'; 1 << 15])).await?;
    assert_eq!(answer.report()?.body_bytes, 1 << 15);
    let load = Load::start(
        &household.client_of("studtop", Protocol::Http2)?,
        &Ask::get("films.stuartpb.com", "/"),
        500,
    );
    load.pass(1000).await?;
    let samples = load.finish().await?;
    let failed = load::failures(&samples);
    assert!(failed.is_empty(), "{} of {}: {:?}", failed.len(), samples.len(), failed.first());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_gateway_is_retried_in_the_same_request() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    household.node("studtop")?.envoy()?.kill()?;
    for _ in 0..30 {
        let report = household.client("edge")?.get("notes.stuartpb.com", "/").await?.report()?;
        assert_eq!(report.node, "stuchip");
    }
    // Where only the dead node serves, it is a 503 like any other.
    let answer = household.client("edge")?.get("music.stuartpb.com", "/").await?;
    assert_eq!(answer.status, 503, "{answer:?}");
    Ok(())
}
