//! An arm64 Envoy, as on a Raspberry Pi, under qemu, with either build of the filter: a handful of cases of the corpus.
//! `make soak` has all of them, and `zoneway` built for arm64 besides.

use anyhow::Result;
use zoneway_tests::artefact::Filter;
use zoneway_tests::corpus::{self, Topic, envoy};
use zoneway_tests::proxy::Proxy;

/// Topics of one zone, for one Envoy: clients and peers, every action, hosts that no client library would send.
const HANDFUL: [&str; 4] = ["arrivals", "exposure", "hosts", "zone-paths"];

fn handful() -> Result<Vec<Topic>> {
    let mut topics = corpus::topics()?;
    topics.retain(|topic| HANDFUL.contains(&topic.name.as_str()));
    assert_eq!(topics.len(), HANDFUL.len(), "the corpus has each of {HANDFUL:?}");
    Ok(topics)
}

async fn check(filter: Filter) -> Result<()> {
    let differences = envoy::differences(&Proxy::arm64(filter)?, &handful()?).await?;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arm64_envoy_with_the_wasm_filter_carries_out_a_handful_of_cases() -> Result<()> {
    check(Filter::Wasm).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arm64_envoy_with_the_native_module_carries_out_a_handful_of_cases() -> Result<()> {
    check(Filter::Module).await
}
