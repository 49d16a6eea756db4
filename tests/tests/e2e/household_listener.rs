//! A listener behind a home router sees the internet too: who is outside its networks is of the outside zone.

use std::net::Ipv4Addr;

use anyhow::Result;
use zoneway_tests::client::{Answer, Client, PROTOCOLS, Protocol};
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;

const DASHBOARD: &str = "dashboard.403.stuartpb.com";

/// The usual site, with another ingress at studtop.
async fn household(ingress: &str) -> Result<Household> {
    Household::start(
        &TWO_ZONES.replace("ingress: [\"${studtop.ingress}\"]", &format!("ingress: [{ingress}]")),
    )
    .await
}

/// GETs `/` of a host at studtop, from an address of this machine.
async fn ask(household: &Household, protocol: Protocol, from: Ipv4Addr, host: &str) -> Result<Answer> {
    Client::new(household.places.get("studtop.ingress")?, protocol).from(from).get(host, "/").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_from_outside_the_networks_is_of_the_outside_zone() -> Result<()> {
    let household =
        household("{listen: \"${studtop.ingress}\", source_networks: [\"${insider}/32\"]}").await?;
    let (inside, outside) = (household.places.ip("insider")?, Ipv4Addr::LOCALHOST);
    for protocol in PROTOCOLS {
        assert_eq!(ask(&household, protocol, inside, DASHBOARD).await?.report()?.node, "studtop");
        for (host, node) in [("music.stuartpb.com", "studtop"), ("films.stuartpb.com", "stuchip")] {
            assert_eq!(ask(&household, protocol, outside, host).await?.report()?.node, node);
        }
        let hidden = ask(&household, protocol, outside, DASHBOARD).await?;
        let unknown = ask(&household, protocol, outside, "unknown.stuartpb.com").await?;
        assert_eq!(hidden.status, 404, "{hidden:?}");
        assert_eq!(hidden.without_date(), unknown.without_date());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_written_source_zone_is_that_of_every_client() -> Result<()> {
    let household = household("{listen: \"${studtop.ingress}\", source_zone: exposed}").await?;
    for protocol in PROTOCOLS {
        for from in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 9)] {
            assert_eq!(ask(&household, protocol, from, DASHBOARD).await?.status, 404);
            assert_eq!(
                ask(&household, protocol, from, "films.stuartpb.com").await?.report()?.node,
                "stuchip"
            );
        }
    }
    Ok(())
}
