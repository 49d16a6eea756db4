//! A mistake of the native module itself, in real Envoys: the request gets 500, it is counted, and Envoy lives.
//!
//! The module is the shipped one but for a panic on demand (module/examples/panicking.rs).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use zoneway_tests::artefact::{self, Filter};
use zoneway_tests::client::{raw, unix};
use zoneway_tests::corpus::envoy::Decider;
use zoneway_tests::corpus::{self, Topic};
use zoneway_tests::deadline;
use zoneway_tests::proxy::Proxy;

/// How often it panics. On connections of their own, so that both workers do.
const PANICS: u64 = 20;

async fn panics_counted(admin: &Path) -> Result<u64> {
    let (_, body) = unix::send(admin, "GET", "/stats/prometheus", "").await?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let counts = text.lines().filter(|line| line.starts_with("envoy_zoneway_panics_total"));
    counts.map(|line| Ok::<u64, anyhow::Error>(line.rsplit(' ').next().context("a count")?.parse()?)).sum()
}

async fn differences(decider: &Decider, topic: &Topic) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for case in &topic.cases {
        found.extend(decider.decide(case, topic).await?.differences(case));
    }
    Ok(found)
}

/// `proxy` loads `library` as its module.
async fn check(proxy: Proxy, library: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let module = folder.path().join("libzoneway.so");
    fs::copy(library, &module)?;
    let mut topics = corpus::topics()?;
    topics.retain(|topic| topic.name == "hosts");
    let topic = topics.first().context("the corpus has hosts")?;
    let mut decider = Decider::start(&proxy.with_module(&module), &[topic]).await?;
    decider.push(topic.table.as_ref().context("hosts has a table")?).await?;

    let listener = decider.listener(topic.cases.first().context("hosts has cases")?, topic)?;
    let asked = ["GET / HTTP/1.1", "host: a.example", "x-panic: 1"].map(str::to_owned);
    for _ in 0..PANICS {
        let (status, answer) = raw::lines(listener, &asked).await?;
        assert_eq!(status, 500, "{answer}");
        assert!(answer.contains("proxy-status: zoneway; error=proxy_internal_error"), "{answer}");
    }

    let nothing: Vec<String> = Vec::new();
    assert_eq!(differences(&decider, topic).await?, nothing, "it decides as before");
    deadline::until("the count", || async {
        let counted = panics_counted(&decider.admin()).await?;
        ensure!(counted == PANICS, "{counted} of {PANICS}");
        Ok(())
    })
    .await?;
    decider.envoy().alive()?;
    let log = decider.envoy().log();
    assert!(log.contains("libzoneway.so: panicked at module"), "{log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_the_module_is_a_500_for_that_request_and_counted_and_envoy_lives() -> Result<()> {
    check(Proxy::pinned(Filter::Module)?, &artefact::panicking_module()?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_is_on_arm64() -> Result<()> {
    check(Proxy::arm64(Filter::Module)?, &artefact::arm64("libpanicking.so")?).await
}
