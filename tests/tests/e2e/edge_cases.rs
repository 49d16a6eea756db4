//! The corpus of `tests/edge/` at the public node, over HTTP/1.1 and HTTP/2, with TLS and without.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use zoneway_tests::edge::{Over, topics};
use zoneway_tests::household::Household;

/// Who answers.
const SITE: &str = include_str!("../../edge/site.yml");
/// Connections at a time.
const AT_ONCE: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_sends_reaches_what_it_names_and_nothing_else() -> Result<()> {
    let household = Household::start(SITE).await?;
    let places = ["edge.ingress", "edge.ingress-tls"].map(|place| household.places.get(place));
    let [plain, tls] = places;
    let (plain, tls) = (plain?, tls?);
    let reached = || -> Result<u64> {
        let services = household
            .places
            .iter()
            .filter(|(_, name, _)| !name.starts_with("peer") && !name.starts_with("ingress"));
        services.map(|(node, name, _)| household.requests(&format!("{node}.{name}"))).sum()
    };
    let before = reached()?;

    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut sent = JoinSet::new();
    let (mut expected, mut broken) = (0, 0);
    for topic in topics()? {
        for case in topic.cases {
            for (over, at) in [(Over::Plain, plain), (Over::Tls, tls)] {
                if !case.is_for(over) {
                    continue;
                }
                expected += case.reaches.len();
                broken += usize::from(case.breaks);
                let (case, topic, slots) = (case.clone(), topic.name.clone(), Arc::clone(&slots));
                sent.spawn(async move {
                    let _slot = slots.acquire_owned().await?;
                    let seen = match case.send(at, over).await {
                        Ok(seen) if seen == case.expected() => return Ok(None),
                        Ok(seen) => format!("{:?} reaching {:?}", seen.answers, seen.reaches),
                        Err(error) => format!("{error:#}"),
                    };
                    anyhow::Ok(Some(format!("{topic}: {} ({over:?}): {seen}", case.name)))
                });
            }
        }
    }
    let count = sent.len();
    let mut wrong: Vec<String> =
        sent.join_all().await.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {count} connections:\n{}", wrong.len(), wrong.join("\n"));
    // Nothing that was hidden in another request has reached a service either.
    let reached = usize::try_from(reached()? - before)?;
    assert!(
        (expected..=expected + broken).contains(&reached),
        "{reached} requests, not {expected} and up to {broken}"
    );
    Ok(())
}
