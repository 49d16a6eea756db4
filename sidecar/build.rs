//! Tells the binary which commit it was built from: `ZONEWAY_COMMIT` where a builder says it, else git, else unknown.

use std::process::Command;

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn main() {
    println!("cargo::rerun-if-env-changed=ZONEWAY_COMMIT");
    let said = std::env::var("ZONEWAY_COMMIT").ok().filter(|commit| !commit.is_empty());
    if said.is_none()
        && let Some(log) = git(&["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"])
    {
        // Moves with every commit and checkout, in a linked worktree too.
        println!("cargo::rerun-if-changed={log}");
    }
    let commit = said.or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    println!("cargo::rustc-env=ZONEWAY_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}
