//! The minimal example under func-e, which people know Envoy by. It is installed where Go is there to do so.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::minimal::answers;
use crate::parts;
use crate::process::output;

/// Where every tool's version stands.
const VERSIONS: &str = include_str!("../../../tools/versions");

#[test]
fn func_e_runs_the_minimal_example() -> Result<()> {
    let func_e = match parts::in_path("func-e") {
        Some(func_e) => func_e,
        None => match parts::in_path("go") {
            Some(go) => install(go)?,
            None => {
                eprintln!("neither func-e nor Go is here: nothing was run with func-e");
                return Ok(());
            }
        },
    };
    answers(|example| {
        let mut command = Command::new(func_e);
        command.env("ENVOY_PATH", parts::envoy()?).env("FUNC_E_HOME", example.path("func-e"));
        command
            .args(["run", "--disable-hot-restart", "--concurrency", "1", "-c"])
            .arg(example.path("envoy.yaml"));
        Ok(command)
    })
}

/// Builds func-e once, into the repository's own folder of tools.
fn install(go: PathBuf) -> Result<PathBuf> {
    let version = VERSIONS.lines().find_map(|line| line.strip_prefix("FUNC_E_VERSION="));
    let version = version.context("tools/versions has no FUNC_E_VERSION")?;
    let folder = parts::repository().join(".zoneway/func-e").join(version);
    let func_e = folder.join("func-e");
    if !func_e.is_file() {
        let package = format!("github.com/tetratelabs/func-e/cmd/func-e@v{version}");
        output(Command::new(go).env("GOBIN", &folder).args(["install", &package]))?;
    }
    Ok(func_e)
}
