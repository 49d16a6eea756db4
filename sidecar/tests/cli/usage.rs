//! Help, version, completions, manual pages, and the exit codes of wrong usage.

use std::io::Read;
use std::process::{Command, Stdio};

use super::Bench;

const COMMANDS: [&str; 16] = [
    "check",
    "table",
    "decide",
    "explain",
    "list",
    "diff",
    "site",
    "envoy",
    "push",
    "status",
    "pki",
    "edge",
    "run",
    "schema",
    "completions",
    "man",
];

#[test]
fn every_command_has_help_and_a_format() {
    let bench = Bench::with(&[]);
    let help = bench.run(&["--help"]).well().out;
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command} in {help}");
        let said = bench.run(&[command, "--help"]).well();
        assert!(said.out.contains("--format"), "{}", said.out);
        assert!(said.err.is_empty(), "{}", said.err);
    }
    for (command, what) in [("pki", "init"), ("pki", "issue"), ("edge", "bundle")] {
        bench.run(&[command, what, "--help"]).well();
    }
}

#[test]
fn wrong_usage_is_64_and_said_on_standard_error() {
    let bench = Bench::example();
    for arguments in [
        &[][..],
        &["nonsense"],
        &["check"],
        &["check", "--nonsense", "site.yaml"],
        &["check", "--format", "xml", "site.yaml"],
        &["table", "--site", "site.yaml"],
        &["table", "--site", "site.yaml", "--zone", "-"],
        &["table", "--site", "site.yaml", "--zone", "403", "--epoch", "-1"],
        &["decide", "--table", "403.json", "notes.stuartpb.com", "/"],
        &["decide", "--node", "n", "notes.stuartpb.com", "/"],
        &["decide", "--table", "403.json", "--zone", "403", "--node", "n", "h", "/"],
        &["decide", "--table", "403.json", "--node", "n", "--role", "table", "h", "/"],
        &["decide", "--table", "403.json", "--node", "n", "--seed", "18446744073709551616", "h", "/"],
        &["decide", "--table", "403.json", "--node", "n", "--unknown-host", "maybe", "h", "/"],
        &["decide", "--table", "403.json", "--node", "n"],
        &["explain", "--site", "site.yaml", "--node", "studtop"],
        &["explain", "--site", "site.yaml", "--node", "studtop", "ftp://notes.stuartpb.com/"],
        &["explain", "--site", "site.yaml", "--node", "studtop", "http:///"],
        &["diff", "--site", "site.yaml"],
        &["diff", "--site", "site.yaml", "--site", "site.yaml", "--site", "site.yaml"],
        &["envoy", "--site", "site.yaml"],
        &["push", "--table", "403.json"],
        &["status"],
        &["run"],
        &["schema", "envoy"],
        &["man", "nonsense"],
        &["completions", "cmd"],
    ] {
        let said = bench.run(arguments);
        assert_eq!(said.code, 64, "{arguments:?}: {}", said.err);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_done_is_1_and_said_on_standard_error() {
    let bench = Bench::example();
    for arguments in [
        &["check", "ghost.yaml"][..],
        &["table", "--site", "ghost.yaml", "--zone", "403"],
        &["table", "--site", "site.yaml", "--zone", "ghost"],
        &["decide", "--table", "ghost.json", "--node", "n", "h", "/"],
        &["decide", "--table", "site.yaml", "--node", "n", "h", "/"],
        &["decide", "--table", "403.json", "--node", "n", "--requests", "ghost"],
        &["explain", "--site", "site.yaml", "--node", "ghost", "http://h/"],
        &["list", "--site", "ghost.yaml"],
        &["diff", "--site", "site.yaml", "--site", "ghost.yaml"],
    ] {
        let said = bench.run(arguments);
        assert_eq!(said.code, 1, "{arguments:?}: {}", said.err);
        assert!(said.err.contains("ghost") || said.err.contains("site.yaml"), "{arguments:?}: {}", said.err);
    }
}

#[test]
fn the_version_names_the_commit_and_what_it_works_with() {
    let bench = Bench::with(&[]);
    let version = bench.run(&["--version"]).well().out;
    assert!(version.starts_with(&format!("zoneway {}\n", env!("CARGO_PKG_VERSION"))), "{version}");
    for line in ["commit:", "table versions: 1", "Envoy versions: 1.40"] {
        assert!(version.contains(line), "{line} in {version}");
    }
    bench.run(&["-V"]).well();
}

#[test]
fn shells_and_man_know_every_command() {
    let bench = Bench::with(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bench.run(&["completions", shell]).well().out;
        assert!(COMMANDS.iter().all(|command| script.contains(command)), "{shell}");
    }
    assert!(bench.run(&["man"]).well().out.contains(".TH zoneway 1"));
    assert!(bench.run(&["man", "pki", "init"]).well().out.contains(".TH zoneway-pki-init 1"));
    let page = bench.run(&["man", "decide", "--format", "json"]).well().json();
    assert!(page["man"].as_str().expect("a text").contains("zoneway-decide"));
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let bench = Bench::example();
    bench.write("requests", &"{\"host\": \"notes.stuartpb.com\"}\n".repeat(20_000));
    let mut child = Command::new(env!("CARGO_BIN_EXE_zoneway"))
        .args(["decide", "--table", "403.json", "--node", "n", "--requests", "requests"])
        .current_dir(bench.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut err).expect("text");
    assert!(child.wait().expect("it ends").success(), "{err}");
    assert_eq!(err, "");
}
