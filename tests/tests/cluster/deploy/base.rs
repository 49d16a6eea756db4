//! The kustomize base is what the chart renders, and kubectl builds it.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;
use zoneway_tests::artefact;
use zoneway_tests::process::output;

use super::helm::{documents, objects, only, text_at};

#[test]
fn the_base_is_what_the_chart_renders() -> Result<()> {
    output(Command::new(artefact::repository().join("tools/kustomize")).arg("--check"))?;
    Ok(())
}

#[test]
fn kubectl_builds_the_base_and_the_example_of_a_rollout() -> Result<()> {
    for (folder, kind, count) in [("deploy/kustomize", "DaemonSet", 1), ("deploy/flux", "HelmRelease", 6)] {
        let mut kubectl = Command::new(artefact::cluster("bin/kubectl")?);
        let built = output(kubectl.arg("kustomize").arg(artefact::repository().join(folder)))?;
        let found = documents(&built)?.iter().filter(|object| object["kind"] == kind).count();
        assert_eq!(found, count, "{folder}");
    }
    Ok(())
}

#[test]
fn the_chart_takes_the_values_of_the_example_of_a_rollout() -> Result<()> {
    let file = std::fs::read_to_string(artefact::repository().join("deploy/flux/4-zoneway.yaml"))?;
    let documents = documents(&file)?;
    let folder = tempfile::TempDir::new()?;
    let values = folder.path().join("values.json");
    std::fs::write(&values, only(&documents, "HelmRelease")?["spec"]["values"].to_string())?;
    let objects = objects(&["--values", &values.display().to_string()])?;
    only(&objects, "ServiceMonitor").map(drop)
}

/// MetalLB gives nobody an address until it is told which, and knows how that is said only once it runs.
#[test]
fn metallb_is_told_the_addresses_of_the_example_of_a_rollout() -> Result<()> {
    let file = std::fs::read_to_string(artefact::repository().join("deploy/flux/1-metallb.yaml"))?;
    let releases = documents(&file)?;
    let release = releases.iter().find(|release| release["metadata"]["name"] == "addresses");
    let spec = &release.context("there is no release `addresses`")?["spec"];
    let folder = tempfile::TempDir::new()?;
    let values = folder.path().join("values.json");
    std::fs::write(&values, spec["values"].to_string())?;
    let chart = text_at(spec, "/chart/spec/chart");
    let mut helm = Command::new(artefact::cluster("bin/helm")?);
    helm.args(["template", "addresses", "--namespace", text_at(spec, "/targetNamespace")]);
    helm.arg(artefact::repository().join(chart)).arg("--values").arg(values);
    let objects = documents(&output(&mut helm)?)?;
    let pool = only(&objects, "IPAddressPool")?;
    assert_eq!(pool["metadata"]["namespace"], "metallb-system");
    assert_eq!(pool["spec"]["addresses"], spec["values"]["addresses"]);
    let told = only(&objects, "L2Advertisement")?;
    assert_eq!(told["spec"]["ipAddressPools"], json!([pool["metadata"]["name"]]));

    // Flux fetches of the repository what is not ignored.
    let sources = std::fs::read_to_string(artefact::repository().join("deploy/flux/sources.yaml"))?;
    let sources = documents(&sources)?;
    let ignored = text_at(only(&sources, "GitRepository")?, "/spec/ignore");
    assert!(ignored.lines().any(|line| line == format!("!/{chart}")), "{chart} is not fetched: {ignored}");
    Ok(())
}

/// Where an earlier step is not named, Flux does them at once.
#[test]
fn a_household_is_rolled_out_in_its_order() -> Result<()> {
    let mut kubectl = Command::new(artefact::cluster("bin/kubectl")?);
    let built = output(kubectl.arg("kustomize").arg(artefact::repository().join("deploy/flux")))?;
    let objects = documents(&built)?;
    let releases = || objects.iter().filter(|object| object["kind"] == "HelmRelease");
    let mut done: Vec<&str> = Vec::new();
    while done.len() < releases().count() {
        let ready: Vec<&str> = releases()
            .filter(|release| {
                let named = release.pointer("/spec/dependsOn").and_then(|on| on.as_array());
                named.into_iter().flatten().all(|on| done.iter().any(|name| on["name"] == *name))
            })
            .filter_map(|release| release["metadata"]["name"].as_str())
            .filter(|name| !done.contains(name))
            .collect();
        assert_eq!(ready.len(), 1, "one step at a time, after {done:?}: {ready:?}");
        done.extend(ready);
    }
    assert_eq!(
        done,
        ["metallb", "addresses", "prometheus-operator-crds", "household-ingress", "zoneway", "dashboard"]
    );
    Ok(())
}
