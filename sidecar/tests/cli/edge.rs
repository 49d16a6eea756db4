//! `zoneway edge bundle`: what it says when it cannot be made, and what is left then.

use std::fs;

use super::Bench;

/// Home's sidecar, which delivers.
const RUN: &str = "version: 1
source: {site: site.yaml}
state: state
envoys: [{node: studtop, run_dir: run}]
outside: {ca: ca.pem, certificate: '{node}.pem', key: '{node}.key', authority: .}
";

fn bench() -> Bench {
    let bench = Bench::example();
    bench.run(&["pki", "init", "--domain", "stuartpb.com"]).well();
    bench.write("run.yaml", RUN);
    bench.write("filter.wasm", "the filter");
    bench
}

#[track_caller]
fn refused(bench: &Bench, arguments: &[&str], part: &str) {
    let said = bench.run(&[&["edge", "bundle"], arguments].concat()).code(1);
    assert!(said.err.contains(part) && said.err.lines().count() == 1, "{part}: {}", said.err);
}

#[test]
fn each_thing_that_is_missing_is_named_once_with_what_to_do() {
    let bench = bench();
    let edge = ["--config", "run.yaml", "--node", "edge"];
    refused(&bench, &["--config", "run.yaml", "--node", "ege"], "the site has no node ege; it has");
    refused(&bench, &["--config", "run.yaml", "--node", "studtop"], "which is not public");
    refused(&bench, &[&edge[..], &["--wasm", "no.wasm"]].concat(), "say with --wasm where the filter is");
    bench.write("other.yaml", &RUN.replace(", authority: .", ""));
    refused(&bench, &["--config", "other.yaml", "--node", "edge"], "`outside.authority` is missing");
    let said = bench.run(&["edge", "bundle", "--config", "no.yaml", "--node", "edge"]).code(1);
    assert_eq!(said.err.matches("No such file").count(), 1, "{}", said.err);
}

#[test]
fn a_bundle_that_fails_leaves_the_one_that_was_there_and_nothing_beside_it() {
    let bench = bench();
    let make = ["edge", "bundle", "--config", "run.yaml", "--node", "edge", "--wasm", "filter.wasm"];
    bench.run(&make).well();
    let before = fs::read(bench.path().join("edge.tar.gz")).unwrap();
    let files = || fs::read_dir(bench.path()).unwrap().count();
    let there = files();
    refused(&bench, &[&make[2..], &["--envoy", "no-envoy"]].concat(), "cannot read no-envoy");
    assert!(fs::read(bench.path().join("edge.tar.gz")).unwrap() == before, "it is another one");
    assert_eq!(files(), there);
}
