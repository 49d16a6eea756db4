//! Where a request goes: here, to a peer of the zone, to another zone, and through one.

use anyhow::Result;
use zoneway_tests::client::{Ask, PROTOCOLS};
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::{THREE_ZONES, TWO_ZONES};

/// Asks `node`'s ingress for `host` in either version, and checks which node's service answers and how many forwards
/// the request made.
async fn check(
    household: &Household,
    node: &str,
    host: &str,
    served_by: &str,
    forwards: usize,
) -> Result<()> {
    for protocol in PROTOCOLS {
        let ask = Ask::post(host, "/a/b?c=d", "a body").header("x-kept", "yes");
        let answer = household.client_of(node, protocol)?.send(&ask).await?;
        let report = answer.report()?;
        let told = format!("{host} from {node} in {protocol:?}: {report:?}");
        assert_eq!(report.node, served_by, "{told}");
        let got = (report.method.as_str(), report.host.as_str(), report.path.as_str(), report.body_bytes);
        assert_eq!(got, ("POST", host, "/a/b?c=d", 6), "{told}");
        assert_eq!(report.header("x-kept"), ["yes"], "{told}");
        // Every hop leaves its mark against loops, and nothing of what steered it.
        let loops: usize = report.header("cdn-loop").iter().map(|line| line.split(',').count()).sum();
        assert_eq!(loops, forwards, "{told}");
        for steering in ["cluster", "endpoints", "tunnel"] {
            assert!(report.header(&format!("x-zoneway-{steering}")).is_empty(), "{told}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_goes_to_the_node_that_serves_it() -> Result<()> {
    let household = Household::start(TWO_ZONES).await?;
    // Local, on every node.
    check(&household, "studtop", "music.stuartpb.com", "studtop", 0).await?;
    check(&household, "studtop", "dashboard.403.stuartpb.com", "studtop", 0).await?;
    check(&household, "stuchip", "films.stuartpb.com", "stuchip", 0).await?;
    check(&household, "edge", "status.stuartpb.com", "edge", 0).await?;
    // Here first where several nodes serve.
    check(&household, "studtop", "notes.stuartpb.com", "studtop", 0).await?;
    check(&household, "stuchip", "notes.stuartpb.com", "stuchip", 0).await?;
    // To the peer that serves.
    check(&household, "studtop", "films.stuartpb.com", "stuchip", 1).await?;
    check(&household, "stuchip", "dashboard.403.stuartpb.com", "studtop", 1).await?;
    // To the other zone, either way.
    check(&household, "studtop", "status.stuartpb.com", "edge", 1).await?;
    check(&household, "stuchip", "status.stuartpb.com", "edge", 1).await?;

    // From the public node either gateway may be dialled: where it does not serve itself, it hands on.
    for (host, served_by) in [("music.stuartpb.com", "studtop"), ("films.stuartpb.com", "stuchip")] {
        for _ in 0..8 {
            let report = household.client("edge")?.get(host, "/").await?.report()?;
            assert_eq!(report.node, served_by, "{report:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_crosses_a_zone_between_two_others() -> Result<()> {
    let household = Household::start(THREE_ZONES).await?;
    check(&household, "studtop", "status.stuartpb.com", "edge", 2).await?;
    check(&household, "edge", "films.stuartpb.com", "studtop", 2).await?;
    check(&household, "middle", "films.stuartpb.com", "studtop", 1).await?;
    // What is not exposed is refused where the request arrives, and the zone between does not help.
    let answer = household.client("edge")?.get("dashboard.403.stuartpb.com", "/").await?;
    assert_eq!(answer.status, 404, "{answer:?}");
    let answer = household.client("middle")?.get("dashboard.403.stuartpb.com", "/").await?;
    assert_eq!(answer.status, 404, "{answer:?}");
    Ok(())
}
