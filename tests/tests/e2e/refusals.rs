//! A refusal tells an outsider nothing: what is not exposed looks, byte for byte, like what is not there.

use anyhow::{Result, ensure};
use zoneway_tests::client::{Ask, Client, PROTOCOLS, Protocol, raw, tls};
use zoneway_tests::deadline;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::{THREE_ZONES, TWO_ZONES};

const UNKNOWN: &str = "unknown.stuartpb.com";
const DASHBOARD: &str = "dashboard.403.stuartpb.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_exposed_looks_like_what_is_not_there() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    for protocol in PROTOCOLS {
        let client = household.client_of("edge", protocol)?;
        let unknown = client.get(UNKNOWN, "/").await?;
        assert_eq!((unknown.status, unknown.body.len()), (404, 0), "{unknown:?}");
        for (host, path) in
            [(DASHBOARD, "/"), (DASHBOARD, "/x"), ("notes.stuartpb.com", "/admin"), ("10.0.0.1", "/")]
        {
            let refused = client.get(host, path).await?;
            assert_eq!(refused.without_date(), unknown.without_date(), "{host}{path} in {protocol:?}");
        }
    }

    // On the wire, not as a library reads it: in the same case and order.
    let edge = household.places.get("edge.ingress")?;
    let (_, unknown) = raw::get(edge, UNKNOWN, "/").await?;
    for (host, path) in
        [(DASHBOARD, "/"), ("notes.stuartpb.com", "/admin/x"), ("NOTES.stuartpb.com:8443", "/admin")]
    {
        let (_, refused) = raw::get(edge, host, path).await?;
        assert_eq!(raw::without_date(&refused), raw::without_date(&unknown), "{host}{path}");
        for said in ["exposed", "zoneway-", "x-envoy"] {
            assert!(!refused.to_lowercase().contains(said), "{said:?} is in {refused}");
        }
    }

    // The true reason is in the log alone. A public node's table does not name what is not exposed; the household's
    // nodes, one of which was asked for `/admin`, know more.
    household.node("edge")?.logged("refuse unknown_host").await?;
    deadline::until("a line of the access log", || {
        let known = ["studtop", "stuchip"]
            .map(|node| household.node(node).map(|node| node.access_log("refuse not_exposed")));
        async move {
            let lines: usize = known.into_iter().map(|lines| lines.map_or(0, |lines| lines.len())).sum();
            ensure!(lines > 0, "no node of 403 has logged not_exposed");
            Ok(())
        }
    })
    .await
}

/// The public node's table may be older than the household's: it forwards what is no longer exposed, and the household
/// refuses. The client must see the same answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_by_another_node_looks_the_same() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let before = household.client("edge")?.get("films.stuartpb.com", "/").await?;
    assert_eq!(before.status, 200, "{before:?}");
    household.node("edge")?.sidecar()?.kill()?;
    let hidden = "films.stuartpb.com: {expose_to: [403], service: films}";
    household
        .write(&TWO_ZONES.replace("films.stuartpb.com: {expose_to: [403, exposed], service: films}", hidden))
        .await?;
    household.settled_nodes(&["studtop", "stuchip"]).await?;

    for protocol in PROTOCOLS {
        let client = household.client_of("edge", protocol)?;
        let unknown = client.get(UNKNOWN, "/").await?;
        let refused = client.get("films.stuartpb.com", "/").await?;
        assert_eq!(refused.without_date(), unknown.without_date(), "{protocol:?}");
    }
    let edge = household.places.get("edge.ingress")?;
    let (_, unknown) = raw::get(edge, UNKNOWN, "/").await?;
    let (_, refused) = raw::get(edge, "films.stuartpb.com", "/").await?;
    assert_eq!(raw::without_date(&refused), raw::without_date(&unknown));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_two_hops_away_looks_the_same() -> Result<()> {
    let mut household = Household::start(THREE_ZONES).await?;
    for node in ["edge", "middle"] {
        household.node(node)?.sidecar()?.kill()?;
    }
    let exposed = "films.stuartpb.com: {expose_to: [403, cloud, exposed], service: films}";
    let hidden = "films.stuartpb.com: {expose_to: [403], service: films}";
    household.write(&THREE_ZONES.replace(exposed, hidden)).await?;
    household.settled_nodes(&["studtop"]).await?;
    let edge = household.places.get("edge.ingress")?;
    let (status, unknown) = raw::get(edge, UNKNOWN, "/").await?;
    let (_, refused) = raw::get(edge, "films.stuartpb.com", "/").await?;
    assert_eq!(status, 404, "{unknown}");
    assert_eq!(raw::without_date(&refused), raw::without_date(&unknown));
    Ok(())
}

/// A peer may learn the true reason in no other way either: a 404 has no `proxy-status` details.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_insiders_are_told_more_than_the_status() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    let (certificate, key) = household.identity("edge");
    let peer = Client::new(household.places.get("studtop.peer")?, Protocol::Http2);
    let peer = peer.tls(tls::identity(&certificate, &key)?);
    let from_edge = |host: &str| {
        Ask::get(host, "/").header("x-zoneway-source", "exposed").header("x-zoneway-trail", "exposed/edge")
    };
    let unknown = peer.send(&from_edge(UNKNOWN)).await?;
    let hidden = peer.send(&from_edge(DASHBOARD)).await?;
    assert_eq!(unknown.status, 404, "{unknown:?}");
    assert_eq!(hidden.without_date(), unknown.without_date());

    // A household's client is told node, reason and revision, except on a 404.
    let answer = household.client("studtop")?.get("a..b", "/").await?;
    assert_eq!(answer.status, 400, "{answer:?}");
    let status = answer.header("proxy-status");
    assert!(status.starts_with("zoneway; error=http_request_error"), "{answer:?}");
    for told in ["studtop", "malformed_host"] {
        assert!(status.contains(told), "{told} is not in {status}");
    }
    let unknown = household.client("studtop")?.get(UNKNOWN, "/").await?;
    assert_eq!(unknown.header("proxy-status"), "zoneway; error=destination_not_found", "{unknown:?}");
    let public = household.client("edge")?.get("a..b", "/").await?;
    assert_eq!((public.status, public.header("proxy-status")), (400, "zoneway; error=http_request_error"));
    Ok(())
}
