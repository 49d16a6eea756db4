//! A line between home and the internet that fails without a word: packets are lost, the router forgets its connections, the
//! provider gives home another address. Both ways over it are tried at once: the tunnel that home dialled, by which a client of
//! the internet comes in, and a connection of a link that is dialled, by which a client at home goes out.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use zoneway_tests::address;
use zoneway_tests::client::Client;
use zoneway_tests::home_network::{HomeNetwork, Lost};
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::tunnelled;

/// Ten seconds on a quiet machine.
const FOUND_WITHIN: Duration = Duration::from_secs(100);
/// An answer that nothing was waited for, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);
/// So many answers in a row: an Envoy has a connection for each of its workers, and more.
const IN_A_ROW: usize = 10;

/// A household behind a router, and a public node that its gateway dials.
async fn start(network: &HomeNetwork) -> Result<Household> {
    let edge = address::free(network.here())?.to_string();
    let mut household = Household::prepare(&tunnelled("studtop").replace("${edge.peer}", &edge)).await?;
    household.move_into(network.home(), &["studtop", "stuchip"])?;
    for node in ["studtop", "stuchip", "edge"] {
        household.start_node(node)?;
    }
    household.settled().await?;
    Ok(household)
}

/// A client at each end, and the host at the other end that it asks for.
fn ways(household: &Household) -> Result<[(&'static str, Client, &'static str); 2]> {
    Ok([
        ("by the tunnel", household.client("edge")?, "music.stuartpb.com"),
        ("by the link", household.client("studtop")?, "status.stuartpb.com"),
    ])
}

/// Asks again and again, both ways at once, until the answers have this status and come at once.
async fn answered(household: &Household, status: u16, what: &str) -> Result<()> {
    let mut asked = tokio::task::JoinSet::new();
    for (way, client, host) in ways(household)? {
        let what = format!("{what}, {way}");
        asked.spawn(async move { answered_by(&client, host, status, &what).await });
    }
    while let Some(way) = asked.join_next().await {
        way??;
    }
    Ok(())
}

async fn answered_by(client: &Client, host: &str, status: u16, what: &str) -> Result<()> {
    let start = Instant::now();
    let (mut longest, mut since, mut in_a_row) = (Duration::ZERO, start, 0);
    while in_a_row < IN_A_ROW {
        let asked = Instant::now();
        let answer = client.get(host, "/").await?;
        let waited = asked.elapsed();
        longest = longest.max(waited);
        if answer.status == status && waited < AT_ONCE {
            in_a_row += 1;
        } else {
            ensure!(start.elapsed() < FOUND_WITHIN, "{what}: after {waited:?} still {answer:?}");
            (since, in_a_row) = (Instant::now(), 0);
        }
    }
    eprintln!("{what}: {status} after {:?}, the longest wait was {longest:?}", since - start);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_waits_where_packets_are_lost() -> Result<()> {
    let Some(network) = HomeNetwork::or_skip() else { return Ok(()) };
    let household = start(&network).await?;
    answered(&household, 200, "at first").await?;
    for lost in [Lost::BothWays, Lost::FromHome, Lost::ToHome] {
        network.lose(lost)?;
        answered(&household, 503, &format!("{lost:?} lost")).await?;
        network.lose_none()?;
        answered(&household, 200, &format!("{lost:?} lost no more")).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_that_forgot_and_a_new_address_are_got_over() -> Result<()> {
    let Some(mut network) = HomeNetwork::or_skip() else { return Ok(()) };
    let household = start(&network).await?;
    answered(&household, 200, "at first").await?;
    network.reboot_router()?;
    answered(&household, 200, "the router was rebooted").await?;
    network.change_address()?;
    answered(&household, 200, "home has another address").await
}
