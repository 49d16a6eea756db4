//! Changes while a load runs: no answer is wrong and none fails.

use std::time::Instant;

use anyhow::{Result, ensure};
use zoneway_tests::client::Ask;
use zoneway_tests::deadline;
use zoneway_tests::household::Household;
use zoneway_tests::household::sites::TWO_ZONES;
use zoneway_tests::load::{self, Load, Sample};

fn without_failures(samples: &[Sample]) {
    let failed = load::failures(samples);
    assert!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), samples.len(), load::summary(&failed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_table_is_seen_by_every_worker_and_no_answer_is_wrong() -> Result<()> {
    // The services stand at both nodes all the time; the site says where the host is served. From one to the other it
    // goes by way of both, as every move does that is to cost nothing: two nodes never learn of it at the same time.
    let at = |nodes: &[&str]| {
        let at: Vec<String> = nodes.iter().map(|node| format!("{node}: \"${{{node}.films}}\"")).collect();
        let films = format!("films: {{at: {{{}}}}}", at.join(", "));
        TWO_ZONES.replace("films: {at: {stuchip: \"${stuchip.films}\"}}", &films)
    };
    let (stuchip, both, studtop) = (&["stuchip"][..], &["stuchip", "studtop"][..], &["studtop"][..]);
    let mut household = Household::start(&at(stuchip)).await?;
    let load = Load::start(&household.client("studtop")?, &Ask::get("films.stuartpb.com", "/"), 1000);
    let mut moves: Vec<(Instant, Instant, &str)> = Vec::new();
    for (nodes, served_by) in
        [(both, "studtop"), (studtop, "studtop"), (both, "studtop"), (stuchip, "stuchip")]
    {
        load.pass(300).await?;
        let written = Instant::now();
        household.write(&at(nodes)).await?;
        household.settled().await?;
        moves.push((written, Instant::now(), served_by));
    }
    load.pass(300).await?;
    let samples = load.finish().await?;
    without_failures(&samples);

    // Before the file was written it was the old node; after every worker had the table, the new one.
    let mut wrong = 0;
    for sample in &samples {
        let old = moves
            .iter()
            .rfind(|(_, settled, _)| sample.sent > *settled)
            .map_or("stuchip", |(_, _, node)| node);
        let moving = moves.iter().any(|(written, settled, _)| sample.overlaps(*written, *settled));
        wrong += usize::from(!moving && sample.outcome.as_deref() != Ok(old));
    }
    assert_eq!(wrong, 0, "of {}", samples.len());
    assert_eq!(load::by_node(&samples).len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_joins_and_leaves_without_a_failed_request() -> Result<()> {
    let node = "stubook: {address: \"${stubook.peer}\", listen: \"${stubook.peer}\", ingress: [\"${stubook.ingress}\"]}";
    let with_node =
        TWO_ZONES.replace("    links: [{to: exposed", &format!("      {node}\n    links: [{{to: exposed"));
    let with_member = with_node.replace("films: {at: {", "films: {at: {stubook: \"${stubook.films}\", ");
    let mut household = Household::start(TWO_ZONES).await?;
    let listeners = household.node("studtop")?.metric(&["envoy_listener_manager_listener_modified"]).await?;
    let load = Load::start(&household.client("studtop")?, &Ask::get("films.stuartpb.com", "/"), 1000);
    load.pass(300).await?;

    // The node is named, started, and then serves.
    household.write(&with_node).await?;
    household.start_node("stubook")?;
    household.settled().await?;
    household.write(&with_member).await?;
    household.settled().await?;
    deadline::until("a request to reach the new node", || async {
        ensure!(household.requests("stubook.films")? > 0, "it has served none");
        Ok(())
    })
    .await?;
    load.pass(300).await?;

    // And back. It is stopped when nobody names it any more.
    household.write(&with_node).await?;
    household.settled().await?;
    household.write(TWO_ZONES).await?;
    household.settled().await?;
    let envoy = household.node("studtop")?;
    deadline::until("the member to leave", || async {
        let members = envoy.clusters().await?.remove("zoneway/peers").unwrap_or_default();
        ensure!(members.len() <= 1, "the members are {members:?}");
        Ok(())
    })
    .await?;
    household.node("stubook")?.envoy()?.kill()?;
    load.pass(300).await?;
    let samples = load.finish().await?;
    without_failures(&samples);
    assert_eq!(load::by_node(&samples).keys().copied().collect::<Vec<_>>(), ["stubook", "stuchip"]);
    let now = household.node("studtop")?.metric(&["envoy_listener_manager_listener_modified"]).await?;
    assert_eq!(now, listeners, "a listener was changed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envoy_that_restarted_is_fed_again() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    for round in 0..2 {
        household.node("studtop")?.envoy()?.kill()?;
        household.node("studtop")?.start_envoy()?;
        household.settled().await?;
        let report = household.client("studtop")?.get("films.stuartpb.com", "/").await?.report()?;
        assert_eq!(report.node, "stuchip", "round {round}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_sidecar_an_envoy_serves_on_and_a_new_sidecar_takes_over() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    household.node("studtop")?.sidecar()?.kill()?;
    let report = household.client("studtop")?.get("films.stuartpb.com", "/").await?.report()?;
    assert_eq!(report.node, "stuchip");
    // What changed meanwhile is there when it is back; and it stops when it is asked to.
    let moved = TWO_ZONES.replace(
        "films: {at: {stuchip: \"${stuchip.films}\"}}",
        "films: {at: {studtop: \"${studtop.films}\"}}",
    );
    household.write(&moved).await?;
    let site = household.site_file();
    household.node("studtop")?.start_sidecar(&site)?;
    household.settled().await?;
    let report = household.client("studtop")?.get("films.stuartpb.com", "/").await?.report()?;
    assert_eq!(report.node, "studtop");
    let ended = household.node("studtop")?.sidecar()?.stop()?;
    assert!(ended.success(), "SIGTERM ended the sidecar with {ended}");
    Ok(())
}

/// A broken site changes nothing, and is mended by the next good one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_site_changes_nothing() -> Result<()> {
    let mut household = Household::start(TWO_ZONES).await?;
    let good = std::fs::read_to_string(household.site_file())?;
    let before = household.node("studtop")?.table_status().await?;
    for broken in [
        "version: 1\nzones: [",
        "",
        "version: 2\nzones: {}\n",
        &good.replace("service: films", "service: nothing"),
    ] {
        std::fs::write(household.site_file(), broken)?;
        let logged = household.node("studtop")?;
        let seen = logged.sidecar()?.log().matches("site.yaml").count();
        deadline::until("the sidecar to complain", || {
            let now = logged.sidecar().map(|sidecar| sidecar.log().matches("site.yaml").count());
            async move {
                ensure!(now? > seen, "the sidecar has said nothing of {broken:?}");
                Ok(())
            }
        })
        .await?;
        let now = household.node("studtop")?.table_status().await?;
        assert_eq!(now["table"]["digest"], before["table"]["digest"], "after {broken:?}");
    }
    let moved = TWO_ZONES.replace(
        "films: {at: {stuchip: \"${stuchip.films}\"}}",
        "films: {at: {studtop: \"${studtop.films}\"}}",
    );
    household.write(&moved).await?;
    household.settled().await
}
