//! `zoneway envoy`, as it is run by hand.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::parts::{ZONEWAY, repository};

fn zoneway(run_dir: &Path, more: &[&str]) -> Result<(bool, String, String)> {
    let site = repository().join("envoy-config/minimal/site.yaml");
    let mut command = Command::new(ZONEWAY);
    command.args(["envoy", "--node", "here", "--site"]).arg(site).arg("--run-dir").arg(run_dir).args(more);
    let output = command.output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.success(), text(&output.stdout), text(&output.stderr)))
}

#[test]
fn the_bootstrap_is_printed_and_starting_files_are_written_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (well, yaml, said) = zoneway(folder.path(), &[])?;
    ensure!(well && said.is_empty() && yaml.contains("static_resources:"), "{said}{yaml}");
    let clusters = folder.path().join("xds/clusters.json");
    ensure!(fs::read_to_string(&clusters)?.contains("service/hello"));

    // Whatever a sidecar has made of it since stays, and is said.
    fs::write(&clusters, "{}")?;
    let (well, _, said) = zoneway(folder.path(), &[])?;
    ensure!(well && said.contains("clusters.json") && said.contains("stays"), "{said}");
    ensure!(fs::read_to_string(&clusters)? == "{}");
    Ok(())
}

#[test]
fn files_for_another_machine_are_written_apart_and_name_its_run_folder() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("for-edge");
    fs::create_dir_all(&files)?;
    fs::write(files.join("clusters.json"), "of an earlier site")?;
    let run_dir = folder.path().join("run");
    let (well, _, said) = zoneway(&run_dir, &["--files", &files.display().to_string()])?;
    ensure!(well && said.is_empty(), "{said}");
    let clusters = fs::read_to_string(files.join("clusters.json"))?;
    ensure!(clusters.contains(&run_dir.join("xds/endpoints").display().to_string()), "{clusters}");
    ensure!(files.join("routes/local.json").is_file() && !run_dir.exists());
    Ok(())
}

#[test]
fn the_bootstrap_as_json_is_the_same_document() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (_, yaml, _) = zoneway(folder.path(), &[])?;
    let (_, json, _) = zoneway(folder.path(), &["--format", "json"])?;
    let from_yaml: serde_json::Value = serde_saphyr::from_str(&yaml)?;
    ensure!(from_yaml == serde_json::from_str::<serde_json::Value>(&json)?);
    Ok(())
}

#[test]
fn the_filter_is_wasm_at_a_place_or_a_module_by_its_name() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (_, yaml, _) = zoneway(folder.path(), &["--wasm", "/opt/zoneway.wasm"])?;
    ensure!(yaml.contains("filename: /opt/zoneway.wasm"), "{yaml}");
    let (_, yaml, _) = zoneway(folder.path(), &["--filter", "module"])?;
    ensure!(yaml.contains("dynamic_module_config") && !yaml.contains("vm_config"), "{yaml}");
    let (well, _, said) = zoneway(folder.path(), &["--filter", "module", "--wasm", "x"])?;
    ensure!(!well && said.contains("--wasm"), "{said}");
    let status = Command::new(ZONEWAY).args(["envoy", "--filter", "module"]).status()?;
    ensure!(status.code().context("killed")? == 64, "wrong usage: {status}");
    Ok(())
}
