//! The corpus against Envoy with either build of the filter: what its shell makes of each decision.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use zoneway_tests::artefact::Filter;
use zoneway_tests::corpus::envoy::Decider;
use zoneway_tests::corpus::{self, Case, Topic};

/// In Envoy the seeds are drawn, so the shares of a case are met by chance.
const REQUESTS_FOR_SHARES: u64 = 2_000;

/// Five standard deviations of a share of so many requests.
const SLACK: f64 = 0.056;

async fn wrong_shares(decider: &Decider, case: &Case, topic: &Topic) -> Result<Vec<String>> {
    let Some(bounds) = &case.expect_shares else { return Ok(Vec::new()) };
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for seen in decider.decide_often(case, topic, REQUESTS_FOR_SHARES).await? {
        let first = seen.endpoints.into_iter().next().unwrap_or(seen.action);
        *counted.entry(first).or_default() += 1;
    }
    Ok(corpus::wrong_shares(&counted, bounds, SLACK))
}

async fn wrong_in_topic(decider: &mut Decider, topic: &Topic) -> Result<Vec<String>> {
    if let Some(table) = &topic.table {
        decider.push(table).await?;
    }
    let mut wrong = Vec::new();
    for case in &topic.cases {
        let differences = if case.expect_shares.is_some() {
            wrong_shares(decider, case, topic).await?
        } else {
            decider.decide(case, topic).await.with_context(|| case.name.clone())?.differences(case)
        };
        wrong.extend(
            differences.iter().map(|difference| format!("{}: {}: {difference}", topic.name, case.name)),
        );
    }
    Ok(wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_with_the_wasm_filter_carries_out_every_case_of_the_corpus() -> Result<()> {
    check(Filter::Wasm).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_with_the_native_module_carries_out_every_case_of_the_corpus() -> Result<()> {
    check(Filter::Module).await
}

async fn check(filter: Filter) -> Result<()> {
    let topics = corpus::topics()?;
    let mut zones: BTreeMap<&str, Vec<&Topic>> = BTreeMap::new();
    for topic in &topics {
        zones.entry(&topic.here.zone).or_default().push(topic);
    }
    let mut wrong = Vec::new();
    for (_, mut topics) in zones {
        // Whoever decides without a table comes first: an Envoy never forgets one.
        topics.sort_by_key(|topic| topic.table.is_some());
        let mut decider = Decider::start(filter, &topics).await?;
        for topic in topics {
            wrong.extend(
                wrong_in_topic(&mut decider, topic).await.with_context(|| format!("in {}", topic.name))?,
            );
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}
