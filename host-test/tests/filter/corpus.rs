//! The shared corpus against the compiled filter.

use std::path::Path;

use anyhow::Result;
use zoneway_host_test::corpus;

#[test]
fn the_corpus_is_decided_as_written() -> Result<()> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases"));
    let report = corpus::run(folder)?;
    assert!(
        report.failures.is_empty(),
        "{} of {} cases:\n{}",
        report.failures.len(),
        report.cases,
        report.failures.join("\n")
    );
    assert!(report.cases > 0, "{} has no cases", folder.display());
    Ok(())
}
