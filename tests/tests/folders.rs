//! Who may know whom: the workspace's crates depend on each other as the table of folders says, and no further.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use zoneway_tests::artefact;
use zoneway_tests::process::output;

/// Every edge there may be. A crate that is not named here depends on no other crate of the workspace.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("zoneway-site", &["zoneway-core"]),
    ("zoneway-filter", &["zoneway-core"]),
    ("zoneway-module", &["zoneway-core"]),
    ("zoneway-sidecar", &["zoneway-core", "zoneway-site"]),
];

#[test]
fn crates_of_the_workspace_know_only_whom_they_may() -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["metadata", "--no-deps", "--format-version", "1", "--offline"];
    let metadata = output(Command::new(cargo).args(arguments).current_dir(artefact::repository()))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let members: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let allowed: BTreeMap<_, _> = MAY_KNOW.iter().copied().collect();

    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        // Dependencies of every kind: a test or a build script that knows too much is an edge too.
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let other = dependency["name"].as_str().unwrap_or_default();
            let may = allowed.get(name).is_some_and(|known| known.contains(&other));
            if members.contains(other) && !may {
                wrong.push(format!("{name} must not depend on {other}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(members.contains("zoneway-core"), "the workspace has no zoneway-core: {members:?}");
    Ok(())
}
