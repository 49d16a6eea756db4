//! Several gateways deliver to several public nodes, and are dialled by each: the loss of one costs requests in flight alone,
//! and nothing older takes the place of what was delivered.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use zoneway_tests::client::Ask;
use zoneway_tests::deadline::{self, PATIENCE};
use zoneway_tests::household::home::Home;
use zoneway_tests::household::sites::tunnelled;
use zoneway_tests::load::{self, Load};

const GATEWAYS: [&str; 2] = ["studtop", "stuchip"];
const EDGES: [&str; 2] = ["edge", "edge2"];
/// Ten seconds in which the one that is gone may come back, and two, on a quiet machine.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(120);
/// A request is in flight on each connection of a load, and each of two workers learns that a tunnel is gone by one more.
const IN_FLIGHT: usize = 20 + 4;

fn site() -> String {
    let one = "edge: {address: \"${edge.peer}\", listen: \"${edge.peer}\", ingress: [\"${edge.ingress}\"]}";
    let two = format!("{one}\n      {}", one.replace("edge", "edge2"));
    tunnelled("studtop, stuchip").replace(one, &two)
}

/// Exposes what both gateways serve under a further name.
async fn expose(home: &mut Home, name: &str) -> Result<()> {
    let line = format!("hosts:\n  {name}.stuartpb.com: {{expose_to: [exposed], service: notes}}\n");
    home.edit(|site| site.replace("hosts:\n", &line)).await
}

/// Waits until both public nodes serve a name.
async fn exposed(home: &Home, name: &str, limit: Duration) -> Result<()> {
    for edge in EDGES {
        deadline::within(limit, &format!("{edge} to serve {name}"), || async {
            let host = format!("{name}.stuartpb.com");
            home.household.client(edge)?.get(&host, "/").await?.report().map(drop)
        })
        .await?;
    }
    Ok(())
}

/// The gateway that delivered to a public node, and the other one.
async fn deliverer(home: &Home, edge: &str) -> Result<(&'static str, &'static str)> {
    let deliveries = async |gateway| {
        let told = home.told(gateway, edge).await?;
        told.get("deliveries").and_then(Value::as_u64).context("no count")
    };
    let [first, second] = GATEWAYS;
    match (deliveries(first).await?, deliveries(second).await?) {
        (1.., 0) => Ok((first, second)),
        (0, 1..) => Ok((second, first)),
        counts => bail!("the gateways delivered so often to {edge}: {counts:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_gone_costs_what_is_in_flight_and_another_delivers() -> Result<()> {
    let mut home = Home::start(&site(), &GATEWAYS).await?;
    let old = home.household.folder().join("old.yaml");
    fs::copy(home.household.site_file(), &old)?;
    let mut machines = Vec::new();
    for edge in EDGES {
        machines.push(home.bundle(edge, edge)?.install()?);
    }
    exposed(&home, "notes", PATIENCE).await?;
    expose(&mut home, "first").await?;
    exposed(&home, "first", PATIENCE).await?;

    // One of the two is gone, machine and all.
    let (gone, other) = deliverer(&home, "edge").await?;
    let load = Load::start(&home.household.client("edge")?, &Ask::get("notes.stuartpb.com", "/"), 100);
    load.pass(200).await?;
    home.household.node(gone)?.envoy()?.kill()?;
    home.household.node(gone)?.sidecar()?.kill()?;
    let start = Instant::now();
    load.pass(300).await?;
    let samples = load.finish().await?;
    let failed = load::failures(&samples);
    assert!(failed.len() <= IN_FLIGHT, "{} failed: {:?}", failed.len(), load::summary(&failed));
    expose(&mut home, "second").await?;
    exposed(&home, "second", TAKEN_OVER_WITHIN).await?;
    eprintln!("{} failed; {other} delivered {:?} after {gone} was killed", failed.len(), start.elapsed());

    // It comes back with the site of long ago: that is not put over what is there.
    home.start_sidecar_of(gone, &old)?;
    for edge in EDGES {
        deadline::until("the old one to stand by", || async {
            let told = home.told(gone, edge).await?;
            ensure!(told["state"] == "standby" && told["deliveries"] == 0, "{told}");
            Ok(())
        })
        .await?;
    }
    exposed(&home, "second", Duration::ZERO).await?;
    for machine in &mut machines {
        machine.alive()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_node_is_told_of_the_gateway_that_delivers_once_that_ones_own_envoy_serves() -> Result<()> {
    let mut home = Home::start(&tunnelled("studtop, stuchip"), &GATEWAYS).await?;
    let machine = home.bundle("edge", "machine")?;
    let _node = machine.install()?;
    let names = async |expected: &[&str]| {
        deadline::until(&format!("the public node to be told of {expected:?}"), || async {
            let mut gateways = machine.gateways()?;
            gateways.sort();
            ensure!(gateways == expected, "it is told of {gateways:?}");
            Ok(())
        })
        .await
    };
    names(&["stuchip", "studtop"]).await?;

    // Its sidecar is there, and the source says what it said before.
    let (first, other) = deadline::until("one to say that it delivered", || deliverer(&home, "edge")).await?;
    home.household.node(first)?.envoy()?.kill()?;
    names(&[other]).await?;
    home.household.node(first)?.start_envoy()?;
    names(&["stuchip", "studtop"]).await
}
