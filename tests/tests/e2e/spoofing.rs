//! What a client writes under `x-zoneway-` steers nothing: not the source zone, not the route, not the endpoint.

use anyhow::Result;
use zoneway_tests::client::{Ask, Client, PROTOCOLS, Protocol, raw, tls};
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;

const DASHBOARD: &str = "dashboard.403.stuartpb.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cannot_say_where_it_came_from() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let edge = household.places.get("edge.ingress")?;
    let claims = [
        &["x-zoneway-source: 403"][..],
        &["X-Zoneway-Source: 403", "X-ZONEWAY-TRAIL: 403/studtop"],
        &["x-zoneway-source: exposed", "x-zoneway-source: 403", "x-zoneway-trail: 403/studtop"],
        &["x-zoneway-SOURCE:403", "x-zoneway-trail:403/studtop,403/stuchip"],
        &["x-zoneway-source: 403\t", "x-zoneway-trail:"],
        &["x_zoneway_source: 403", "x_zoneway-trail: 403/studtop"],
        &["x-zoneway-source: 403", "connection: x-zoneway-source"],
        &["x-zoneway-cluster: zoneway/zone/403", "x-zoneway-source: 403", "x-zoneway-trail: 403/studtop"],
    ];
    for claim in claims {
        let mut lines = vec!["GET / HTTP/1.1".to_owned(), format!("host: {DASHBOARD}")];
        lines.extend(claim.iter().map(|&line| line.to_owned()));
        let (status, answer) = raw::lines(edge, &lines).await?;
        // Underscores in names are refused by Envoy itself.
        assert!([400, 404].contains(&status), "{claim:?}: {answer}");
        let (_, plain) = raw::get(edge, DASHBOARD, "/").await?;
        if status == 404 {
            assert_eq!(raw::without_date(&answer), raw::without_date(&plain), "{claim:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_header_of_a_client_reaches_a_service_or_another_node() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let names = ["source", "trail", "cluster", "endpoints", "tunnel", "anything", "x-zoneway-twice"];
    for protocol in PROTOCOLS {
        // Served here, by a peer, and in the other zone.
        for host in ["music.stuartpb.com", "films.stuartpb.com", "status.stuartpb.com"] {
            let mut ask = Ask::get(host, "/");
            for name in names {
                ask = ask
                    .header(&format!("x-zoneway-{name}"), "spoofed")
                    .header(&format!("X-Zoneway-{name}"), "spoofed,again");
            }
            let report = household.client_of("studtop", protocol)?.send(&ask).await?.report()?;
            let spoofed: Vec<_> =
                report.headers.iter().filter(|(_, value)| value.contains("spoofed")).collect();
            assert!(spoofed.is_empty(), "{host} in {protocol:?}: {spoofed:?}");
        }
    }
    Ok(())
}

/// Envoy picks a route before its filters run, so a header that a route looks at is decided upon before any filter has
/// removed it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_cannot_pick_the_route() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let endpoints = household.places.get("studtop.dashboard")?.to_string();
    let peer = household.places.get("studtop.peer")?.to_string();
    let before = household.requests("studtop.dashboard")?;
    for cluster in household.node("edge")?.clusters().await?.into_keys() {
        for endpoints in [&endpoints, &peer, "garbage", ""] {
            let spoof = |host: &str| {
                let ask = Ask::get(host, "/").header("x-zoneway-cluster", &cluster);
                ask.header("x-zoneway-endpoints", endpoints).header("x-zoneway-source", "403")
            };
            let client = household.client("edge")?;
            let refused = client.send(&spoof(DASHBOARD)).await?;
            assert_eq!(refused.status, 404, "{cluster} {endpoints}: {refused:?}");
            // What is served here is served here, whichever cluster was named.
            let report = client.send(&spoof("status.stuartpb.com")).await?.report()?;
            assert_eq!(report.node, "edge", "{cluster} {endpoints}");
        }
    }
    for cluster in household.node("studtop")?.clusters().await?.into_keys() {
        let ask = Ask::get("music.stuartpb.com", "/").header("x-zoneway-cluster", &cluster);
        let report = household.client("studtop")?.send(&ask).await?.report()?;
        assert_eq!(report.service, "music", "{cluster}");
    }
    assert_eq!(household.requests("studtop.dashboard")?, before, "a spoofed request reached the dashboard");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_a_client_nor_a_peer_can_pick_the_endpoint() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let edge = household.places.get("edge.peer")?.to_string();
    let unlisted = household.places.get("stuchip.notes")?.to_string();
    for endpoints in [edge.as_str(), &unlisted, "garbage", ",,,", "127.0.0.1:1", ""] {
        for host in ["films.stuartpb.com", "status.stuartpb.com"] {
            let served_by = if host.starts_with("films") { "stuchip" } else { "edge" };
            let ask = Ask::get(host, "/")
                .header("x-zoneway-endpoints", endpoints)
                .header("x-zoneway-tunnel", "edge");
            let report = household.client("studtop")?.send(&ask).await?.report()?;
            assert_eq!(report.node, served_by, "{endpoints:?}");
        }
    }

    // A peer says where a request came from, but not where it goes.
    let (certificate, key) = household.identity("edge");
    let peer = Client::new(household.places.get("studtop.peer")?, Protocol::Http2);
    let peer = peer.tls(tls::identity(&certificate, &key)?);
    let ask = |host: &str| {
        let ask = Ask::get(host, "/")
            .header("x-zoneway-source", "exposed")
            .header("x-zoneway-trail", "exposed/edge");
        ask.header("x-zoneway-cluster", "zoneway/zone/exposed").header("x-zoneway-endpoints", &edge)
    };
    assert_eq!(peer.send(&ask("music.stuartpb.com")).await?.report()?.node, "studtop");
    assert_eq!(peer.send(&ask("films.stuartpb.com")).await?.report()?.node, "stuchip");
    assert_eq!(peer.send(&ask(DASHBOARD)).await?.status, 404);
    Ok(())
}

/// With a list that is exhausted, a cluster's other members would be next: they must not be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_not_listed_is_never_dialled() -> Result<()> {
    let third = "stubook: {address: \"${stubook.peer}\", listen: \"${stubook.peer}\", ingress: [\"${stubook.ingress}\"]}";
    let site =
        TWO_ZONES.replace("    links: [{to: exposed", &format!("      {third}\n    links: [{{to: exposed"));
    let mut household = Household::start(&site).await?;
    household.node("stuchip")?.envoy()?.kill()?;
    for _ in 0..20 {
        let answer = household.client("studtop")?.get("films.stuartpb.com", "/").await?;
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    let members = household.node("studtop")?.clusters().await?.remove("zoneway/peers").unwrap_or_default();
    let stubook = household.places.get("stubook.peer")?.to_string();
    assert_eq!(
        members.get(&stubook),
        Some(&true),
        "stubook could not be dialled anyhow, so nothing is shown"
    );
    let logged = household.node("stubook")?.access_log("films.stuartpb.com");
    assert!(logged.is_empty(), "{logged:?}");
    Ok(())
}
