//! Any one process is killed while a thousand requests a second run: lost is what was in flight in it, and what clients
//! send to an Envoy while it is down. Nothing else.

use std::time::{Duration, Instant};

use anyhow::Result;
use zoneway_tests::client::Ask;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::load::{self, Load, Sample};

const RATE: u32 = 1000;

/// After a process is gone, others may write to it for as long as their event loop has not been told.
const UNTOLD: Duration = Duration::from_millis(50);

/// Which failures no rule allows: those outside of the given times.
fn unexplained<'s>(samples: &'s [Sample], allowed: &[(Instant, Instant)]) -> Vec<&'s Sample> {
    let explained = |sample: &Sample| allowed.iter().any(|(from, to)| sample.overlaps(*from, *to));
    load::failures(samples).into_iter().filter(|sample| !explained(sample)).collect()
}

fn check(what: &str, samples: &[Sample], allowed: &[(Instant, Instant)]) {
    let wrong = unexplained(samples, allowed);
    // How long after which kill, in milliseconds.
    let times = wrong.iter().map(|sample| {
        let last = allowed.iter().rposition(|(from, _)| *from <= sample.sent);
        let kill = last
            .and_then(|kill| allowed.get(kill))
            .map(|(from, _)| sample.sent.duration_since(*from).as_millis());
        (last, kill)
    });
    let times: Vec<_> = times.collect();
    let told = load::summary(&wrong);
    assert!(wrong.is_empty(), "{what}: {} of {} failed: {told:?} at {times:?}", wrong.len(), samples.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_that_is_killed_loses_nothing() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let site = household.site_file();
    let load = Load::start(&household.client("edge")?, &Ask::get("notes.stuartpb.com", "/"), RATE);
    for node in ["studtop", "stuchip", "edge"] {
        load.pass(300).await?;
        household.node(node)?.sidecar()?.kill()?;
        load.pass(300).await?;
        household.node(node)?.start_sidecar(&site)?;
        household.settled().await?;
    }
    load.pass(300).await?;
    check("sidecars killed", &load.finish().await?, &[]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envoy_that_is_killed_loses_only_what_was_in_it() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let load = Load::start(&household.client("edge")?, &Ask::get("notes.stuartpb.com", "/"), RATE);
    let mut allowed = Vec::new();
    for node in ["stuchip", "studtop"] {
        load.pass(500).await?;
        let from = Instant::now();
        household.node(node)?.envoy()?.kill()?;
        allowed.push((from, Instant::now() + UNTOLD));
        load.pass(1000).await?;
        // While it comes back it has no table yet: nobody's request may be the one that notices.
        household.node(node)?.start_envoy()?;
        household.settled().await?;
        load.pass(500).await?;
    }
    let samples = load.finish().await?;
    check("Envoys behind the edge killed", &samples, &allowed);
    let lost = load::failures(&samples).len();
    assert!(lost <= 40, "{lost} requests were lost, and at most twenty at a time were in flight");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingress_that_is_killed_loses_what_clients_send_until_it_is_back() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let load = Load::start(&household.client("edge")?, &Ask::get("notes.stuartpb.com", "/"), RATE);
    load.pass(500).await?;
    let from = Instant::now();
    household.node("edge")?.envoy()?.kill()?;
    household.node("edge")?.start_envoy()?;
    household.settled().await?;
    let back = Instant::now();
    load.pass(1000).await?;
    let samples = load.finish().await?;
    check("the edge's Envoy killed", &samples, &[(from, back)]);
    Ok(())
}
