//! What an operator sees of each decision: the counter by action, reason and zone, and the field of the access log.

use anyhow::{Result, ensure};
use zoneway_tests::deadline;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;

const COUNTER: &str = "envoy_zoneway_requests_total";

/// Waits until a node has counted so many decisions of an action, a reason and a zone.
async fn counted(household: &mut Household, node: &str, labels: [&str; 3], count: u64) -> Result<()> {
    let node = household.node(node)?;
    let [action, reason, zone] = labels;
    let labels = [format!("action=\"{action}\""), format!("reason=\"{reason}\""), format!("zone=\"{zone}\"")];
    let mut texts = vec![COUNTER];
    texts.extend(labels.iter().map(String::as_str));
    deadline::until("the counter", || async {
        let now = node.metric(&texts).await?;
        ensure!(now == count, "{}: {now} of {action} {reason} {zone}, not {count}", node.name);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_decision_is_counted_and_logged() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let journeys = [
        ("studtop", "music.stuartpb.com", 200, 3),
        ("studtop", "films.stuartpb.com", 200, 4),
        ("studtop", "status.stuartpb.com", 200, 5),
        ("studtop", "unknown.stuartpb.com", 404, 6),
        // A public node's table names nothing that is not exposed.
        ("edge", "dashboard.403.stuartpb.com", 404, 7),
    ];
    for (node, host, status, times) in journeys {
        for _ in 0..times {
            let answer = household.client(node)?.get(host, "/seen").await?;
            assert_eq!(answer.status, status, "{answer:?}");
        }
    }
    counted(&mut household, "studtop", ["local", "here", "-"], 3).await?;
    counted(&mut household, "studtop", ["peer", "peer", "-"], 4).await?;
    counted(&mut household, "studtop", ["zone", "cross_zone", "exposed"], 5).await?;
    counted(&mut household, "studtop", ["refuse", "unknown_host", "-"], 6).await?;
    counted(&mut household, "edge", ["refuse", "unknown_host", "-"], 7).await?;
    // The other side of a forward counts it as its own.
    counted(&mut household, "stuchip", ["local", "here", "-"], 4).await?;

    // ACTION REASON ZONE TRAIL EPOCH.SEQUENCE
    let served = household.node("studtop")?.table_status().await?;
    let part = |part: &str| {
        served.pointer(&format!("/table/revision/{part}")).map_or(String::new(), ToString::to_string)
    };
    let revision = format!("{}.{}", part("epoch"), part("sequence"));
    household.node("studtop")?.logged(&format!("peer peer - - {revision}")).await?;
    household.node("studtop")?.logged(&format!("zone cross_zone exposed - {revision}")).await?;
    household.node("studtop")?.logged("refuse unknown_host").await?;
    let line = household.node("edge")?.logged("refuse unknown_host").await?;
    assert!(line.contains("dashboard.403.stuartpb.com"), "{line}");
    Ok(())
}
