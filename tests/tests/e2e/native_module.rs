//! The native module in real Envoys, whichever filter the run tests: it decides, says so, and serves its endpoint as the
//! Wasm filter does. `ZONEWAY_FILTER=module` runs every other test against it too.

use anyhow::{Result, ensure};
use zoneway_tests::artefact::Filter;
use zoneway_tests::client::{Ask, PROTOCOLS};
use zoneway_tests::deadline;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_household_of_native_modules_serves_forwards_refuses_counts_and_logs() -> Result<()> {
    let mut household = Household::start_with(Filter::Module, TWO_ZONES).await?;
    for protocol in PROTOCOLS {
        let client = household.client_of("studtop", protocol)?;
        for (host, node) in [
            ("music.stuartpb.com", "studtop"),
            ("films.stuartpb.com", "stuchip"),
            ("status.stuartpb.com", "edge"),
        ] {
            let ask = Ask::get(host, "/").header("x-zoneway-cluster", "service/dashboard");
            let report = client.send(&ask).await?.report()?;
            assert_eq!((report.node.as_str(), report.host.as_str()), (node, host), "{protocol:?}");
            assert!(report.headers.iter().all(|(name, _)| name != "x-zoneway-cluster"), "{report:?}");
        }
        // From the edge what is not exposed is what is not there, to the byte.
        let edge = household.client_of("edge", protocol)?;
        let hidden = edge.get("dashboard.403.stuartpb.com", "/").await?;
        assert_eq!(hidden.status, 404);
        assert_eq!(hidden.without_date(), edge.get("nobody.stuartpb.com", "/").await?.without_date());
        assert_eq!(edge.get("films.stuartpb.com", "/").await?.report()?.node, "stuchip");
    }

    let studtop = household.node("studtop")?;
    deadline::until("the counters", || async {
        for (labels, count) in [
            (["action=\"local\"", "reason=\"here\""], 2),
            (["action=\"peer\"", "reason=\"peer\""], 2),
            (["action=\"zone\"", "zone=\"exposed\""], 2),
        ] {
            let [first, second] = labels;
            let now = studtop.metric(&["envoy_zoneway_requests_total", first, second]).await?;
            ensure!(now >= count, "{now} of {labels:?}");
        }
        Ok(())
    })
    .await?;
    assert_eq!(studtop.metric(&["envoy_zoneway_panics_total"]).await?, 0);
    studtop.logged("\"zoneway\":\"peer peer - - ").await?;
    studtop.logged("\"zoneway\":\"zone cross_zone exposed - ").await?;
    studtop.logged("\"zoneway\":\"-\"").await?;
    household.node("edge")?.logged("\"zoneway\":\"refuse unknown_host - - ").await?;

    // Two workers, and what is served is served by both.
    let status = household.node("studtop")?.table_status().await?;
    assert_eq!(status["workers"].as_array().map(Vec::len), Some(2), "{status}");
    Ok(())
}
