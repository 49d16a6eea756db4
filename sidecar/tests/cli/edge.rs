//! `zoneway edge bundle`: what it says when it cannot be made, what is left then, and whether systemd takes its units.

use std::fs;
use std::io::{Write as _, stderr};
use std::process::Command;

use super::Bench;

/// Home's sidecar, which delivers.
const RUN: &str = "version: 1
source: {site: site.yaml}
state: state
envoys: [{node: studtop, run_dir: run}]
outside: {ca: ca.pem, certificate: '{node}.pem', key: '{node}.key', authority: .}
";

const MAKE: [&str; 8] = ["edge", "bundle", "--config", "run.yaml", "--node", "edge", "--wasm", "filter.wasm"];

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
    refused(&bench, &["--config", "other.yaml", "--node", "edge"], "neither `authority` nor `signed`");
    let said = bench.run(&["edge", "bundle", "--config", "no.yaml", "--node", "edge"]).code(1);
    assert_eq!(said.err.matches("No such file").count(), 1, "{}", said.err);
}

#[test]
fn a_bundle_for_a_key_that_is_signed_elsewhere_has_no_token_and_needs_no_file_of_where_it_is_delivered_from()
{
    let bench = bench();
    let there = RUN.replace("authority: .", "signed: /there").replace("ca: ca.pem", "ca: /there/ca.pem");
    bench.write("run.yaml", &there);
    refused(&bench, &MAKE[2..], "say with --ca where");
    let said = bench.run(&[&MAKE[..], &["--ca", "ca.pem"]].concat()).well();
    assert!(!said.out.contains("minutes"), "{}", said.out);
    let list = Command::new("tar").args(["tzf", "edge.tar.gz"]).current_dir(bench.path()).output().unwrap();
    let files = String::from_utf8(list.stdout).unwrap();
    assert!(files.contains("certificates/ca.pem") && !files.contains("token"), "{files}");
    assert!(!bench.path().join("tokens").exists());
}

#[test]
fn a_bundle_that_fails_leaves_the_one_that_was_there_and_nothing_beside_it() {
    let bench = bench();
    bench.run(&MAKE).well();
    let before = fs::read(bench.path().join("edge.tar.gz")).unwrap();
    let files = || fs::read_dir(bench.path()).unwrap().count();
    let there = files();
    refused(&bench, &[&MAKE[2..], &["--envoy", "no-envoy"]].concat(), "cannot read no-envoy");
    assert!(fs::read(bench.path().join("edge.tar.gz")).unwrap() == before, "it is another one");
    assert_eq!(files(), there);
}

#[test]
fn systemd_takes_the_units_of_a_bundle() {
    let bench = bench();
    bench.run(&MAKE).well();
    let unpacked = Command::new("tar").args(["xzf", "edge.tar.gz"]).current_dir(bench.path()).status();
    assert!(unpacked.unwrap().success());
    let root = bench.path().join("zoneway-edge/files");
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    for unit in ["zoneway", "zoneway-envoy"] {
        let file = root.join(format!("etc/systemd/system/{unit}.service"));
        let text = fs::read_to_string(&file).unwrap().replace("@ROOT@", &root.display().to_string());
        fs::write(&file, text).unwrap();
        verify.arg(file);
    }
    let Ok(said) = verify.output() else {
        // Past the test runner, which shows nothing of a test that passes.
        writeln!(stderr(), "SKIPPED: the units of a bundle: no systemd-analyze to read them").unwrap();
        return;
    };
    // It may have something to say of this machine's own units too.
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    let faults: Vec<_> = told.lines().filter(|line| line.contains("zoneway")).collect();
    assert!(said.status.success() && faults.is_empty(), "{told}");
}
