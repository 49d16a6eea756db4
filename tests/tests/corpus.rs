//! The shared corpus, `tests/cases/`, against two of its runners, `zoneway decide` and Envoy with either build of the
//! filter. The others are core's own tests and `host-test`.

use anyhow::Result;
use zoneway_tests::artefact::{self, Filter};
use zoneway_tests::corpus::{self, command_line, envoy};
use zoneway_tests::proxy::{Program, Proxy};

/// All topics are there, and none of their cases differs.
fn check(cases: usize, differences: &[String]) {
    assert!(cases >= 200, "the corpus has only {cases} cases");
    assert!(differences.is_empty(), "{} of {cases} cases:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn the_command_line_decides_every_case_of_the_corpus() -> Result<()> {
    let topics = corpus::topics()?;
    let zoneway = Program::native(&artefact::zoneway()?);
    check(corpus::count(&topics), &command_line::differences(&zoneway, &topics)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_with_the_wasm_filter_carries_out_every_case_of_the_corpus() -> Result<()> {
    let topics = corpus::topics()?;
    check(corpus::count(&topics), &envoy::differences(&Proxy::pinned(Filter::Wasm)?, &topics).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_with_the_native_module_carries_out_every_case_of_the_corpus() -> Result<()> {
    let topics = corpus::topics()?;
    check(corpus::count(&topics), &envoy::differences(&Proxy::pinned(Filter::Module)?, &topics).await?);
    Ok(())
}
