//! The whole way of the corpus through Envoys: one for each zone, every case of its topics.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::super::{self as corpus, Case, Topic};
use super::Decider;
use crate::proxy::Proxy;

/// In Envoy the seeds are drawn, so the shares of a case are met by chance.
const REQUESTS_FOR_SHARES: u64 = 2_000;

/// Five standard deviations of a share of so many requests.
const SLACK: f64 = 0.056;

/// What these Envoys decide in another way than the corpus says; nothing where all is well.
///
/// # Errors
/// Envoy or the filter is missing, or refuses, or does not answer.
pub async fn differences(proxy: &Proxy, topics: &[Topic]) -> Result<Vec<String>> {
    let mut zones: BTreeMap<&str, Vec<&Topic>> = BTreeMap::new();
    for topic in topics {
        zones.entry(&topic.here.zone).or_default().push(topic);
    }
    let mut wrong = Vec::new();
    for (_, mut topics) in zones {
        // Whoever decides without a table comes first: an Envoy never forgets one.
        topics.sort_by_key(|topic| topic.table.is_some());
        let mut decider = Decider::start(proxy, &topics).await?;
        for topic in topics {
            let found = of_topic(proxy, &mut decider, topic).await;
            wrong.extend(found.with_context(|| format!("in {}", topic.name))?);
        }
    }
    Ok(wrong)
}

async fn of_topic(proxy: &Proxy, decider: &mut Decider, topic: &Topic) -> Result<Vec<String>> {
    if let Some(table) = &topic.table {
        decider.push(table).await?;
    }
    let mut wrong = Vec::new();
    for case in &topic.cases {
        let found = if case.expect_shares.is_some() {
            of_shares(decider, case, topic).await?
        } else {
            let seen = decider.decide(case, topic).await.with_context(|| case.name.clone())?;
            // Another version may leave as it is what the pinned one changes first: then the decision stands.
            let decided = Case { envoy: None, ..case.clone() };
            let untouched =
                !proxy.is_pinned() && case.expect.is_some() && seen.differences(&decided).is_empty();
            if untouched { Vec::new() } else { seen.differences(case) }
        };
        wrong.extend(found.iter().map(|difference| format!("{}: {}: {difference}", topic.name, case.name)));
    }
    Ok(wrong)
}

async fn of_shares(decider: &Decider, case: &Case, topic: &Topic) -> Result<Vec<String>> {
    let Some(bounds) = &case.expect_shares else { return Ok(Vec::new()) };
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for seen in decider.decide_often(case, topic, REQUESTS_FOR_SHARES).await? {
        let first = seen.endpoints.into_iter().next().unwrap_or(seen.action);
        *counted.entry(first).or_default() += 1;
    }
    Ok(corpus::wrong_shares(&counted, bounds, SLACK))
}
