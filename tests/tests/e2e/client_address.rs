//! Where a client is: the service learns it right, however many nodes stand between, and no public node can say that its clients
//! are the household's.

use std::sync::Arc;

use anyhow::Result;
use zoneway_tests::client::{Ask, Client, PROTOCOLS, Protocol, tls};
use zoneway_tests::home_network::HomeNetwork;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::{THREE_ZONES, TWO_ZONES};
use zoneway_tests::service::Report;

/// What a client may write about where it is, and what it claims of the host.
const CLAIMS: [(&str, &str); 8] = [
    ("x-forwarded-for", "192.168.86.23"),
    ("x-forwarded-for", "127.0.0.1, ::1"),
    ("x-forwarded-host", "dashboard.403.stuartpb.com"),
    ("x-forwarded-proto", "gopher"),
    ("x-forwarded-port", "1"),
    ("forwarded", "for=192.168.86.23;host=dashboard.403.stuartpb.com"),
    ("x-real-ip", "10.0.0.1"),
    ("x-envoy-external-address", "10.0.0.1"),
];

fn claiming(host: &str) -> Ask {
    CLAIMS.iter().fold(Ask::get(host, "/"), |ask, (name, value)| ask.header(name, value))
}

/// Every claim that has come through; Envoy's own `x-forwarded-proto` is none.
fn believed(report: &Report) -> Vec<&(String, String)> {
    let claimed = |(name, value): &&(String, String)| CLAIMS.contains(&(name.as_str(), value.as_str()));
    report.headers.iter().filter(claimed).collect()
}

/// An address that is not the loopback's wants a network of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_the_internet_is_known_by_its_address_two_hops_away() -> Result<()> {
    let Some(internet) = HomeNetwork::or_skip() else { return Ok(()) };
    let household = Household::start(THREE_ZONES).await?;
    for protocol in PROTOCOLS {
        let client = household.client_of("edge", protocol)?.from(internet.here());
        for host in ["status.stuartpb.com", "films.stuartpb.com"] {
            let report = client.send(&claiming(host)).await?.report()?;
            assert_eq!(
                report.header("x-forwarded-for"),
                [internet.here().to_string()],
                "{host} {protocol:?}"
            );
            assert_eq!(report.header("x-forwarded-proto"), ["http"], "{host} {protocol:?}");
            assert_eq!(believed(&report), Vec::<&(String, String)>::new(), "{host} {protocol:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_captured_public_node_cannot_make_its_clients_look_like_the_households() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let peer = |node: &str| {
        let (certificate, key) = household.identity(node);
        anyhow::Ok(
            Client::new(household.places.get("studtop.peer")?, Protocol::Http2)
                .tls(Arc::clone(&tls::identity(&certificate, &key)?)),
        )
    };
    let (edge, stuchip) = (peer("edge")?, peer("stuchip")?);
    let from_edge = |host: &str| {
        Ask::get(host, "/").header("x-zoneway-source", "exposed").header("x-zoneway-trail", "exposed/edge")
    };
    // Served at the gateway, and one node further.
    for host in ["music.stuartpb.com", "films.stuartpb.com"] {
        for private in [
            &["192.168.86.23"][..],
            &["10.1.2.3"],
            &["172.16.0.1"],
            &["172.31.255.255"],
            &["100.64.0.1"],
            &["169.254.1.1"],
            &["127.0.0.1"],
            &["0.0.0.0"],
            &["::1"],
            &["fe80::1"],
            &["fd00::1"],
            &["::ffff:192.168.86.23"],
            &["192.168.86.23", "203.0.113.9"],
            &["192.168.86.23, 203.0.113.9"],
            &["203.0.113.9, 192.168.86.23"],
            &["010.0.0.1"],
            &["203.0.113.9:80"],
            &["studtop"],
            &["'"],
            &[""],
            &[],
        ] {
            let mut ask = from_edge(host);
            for value in private {
                ask = ask.header("x-forwarded-for", value);
            }
            for (name, value) in [
                ("forwarded", "for=192.168.86.23"),
                ("x-real-ip", "192.168.86.23"),
                ("x-forwarded-host", "dashboard.403.stuartpb.com"),
                ("x_forwarded_for", "192.168.86.23"),
                ("x-envoy-external-address", "192.168.86.23"),
            ] {
                ask = ask.header(name, value);
            }
            let report = edge.send(&ask).await?.report()?;
            assert_eq!(report.header("x-forwarded-for"), ["192.0.0.8"], "{host} {private:?}");
            let said = report.headers.iter().filter(|(_, value)| value.contains("192.168.86.23"));
            assert_eq!(said.count(), 0, "{host} {private:?}: {report:?}");
            assert!(report.header("x-forwarded-host").is_empty(), "{host} {private:?}: {report:?}");
        }
        for public in ["203.0.113.9", "8.8.8.8", "172.32.0.1", "2a00:1450:4001::1"] {
            let report = edge.send(&from_edge(host).header("x-forwarded-for", public)).await?.report()?;
            assert_eq!(report.header("x-forwarded-for"), [public], "{host}");
        }
    }
    // Envoy believes no more than the service: the address in its log is the one that its other filters would judge.
    let line = household.node("studtop")?.logged("music.stuartpb.com").await?;
    assert!(!line.contains("\"client\":\"192.168.86.23\""), "{line}");
    let nobody = household.node("studtop")?.access_log("\"client\":\"192.0.0.8\"");
    assert!(!nobody.is_empty(), "no request was of nobody's address: {line}");

    // A node of the household is believed: its clients are at private addresses.
    let ask = Ask::get("music.stuartpb.com", "/")
        .header("x-zoneway-source", "403")
        .header("x-zoneway-trail", "403/stuchip")
        .header("x-forwarded-for", "192.168.86.23");
    assert_eq!(stuchip.send(&ask).await?.report()?.header("x-forwarded-for"), ["192.168.86.23"]);
    Ok(())
}
