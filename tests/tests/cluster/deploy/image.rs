//! The image: its parts are what `make dist` makes and where the programs look; and which Envoy stands beside it.

use std::fs;

use anyhow::{Context, Result};
use zoneway_tests::artefact;

use super::helm::{SETS, list, objects, only};

fn read(path: &str) -> Result<String> {
    let path = artefact::repository().join(path);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn version() -> Result<String> {
    let manifest = read("Cargo.toml")?;
    let package = manifest.split("[workspace.package]").nth(1).context("no [workspace.package]")?;
    let line = package.lines().find_map(|line| line.strip_prefix("version = "));
    Ok(line.context("no version")?.trim_matches('"').to_owned())
}

#[test]
fn the_chart_and_the_image_have_the_version_of_the_programs() -> Result<()> {
    let version = version()?;
    let chart = read("deploy/chart/Chart.yaml")?;
    for key in ["version", "appVersion"] {
        assert!(chart.lines().any(|line| line == format!("{key}: {version}")), "{key} is not {version}");
    }
    assert!(read("deploy/Containerfile")?.lines().any(|line| line == format!("ARG VERSION={version}")));
    Ok(())
}

#[test]
fn the_pods_run_the_envoy_that_is_tested() -> Result<()> {
    let pinned = read(".envoy-version")?;
    let objects = objects(&[])?;
    let pod = &only(&objects, "DaemonSet")?["spec"]["template"]["spec"];
    let envoy = list(pod, "/containers").find(|container| container["name"] == "envoy");
    let image = envoy.context("there is no Envoy")?["image"].clone();
    assert_eq!(image, format!("envoyproxy/envoy:v{}", pinned.trim()));
    Ok(())
}

#[test]
fn every_image_is_pinned() -> Result<()> {
    for (name, set) in SETS {
        let objects = objects(set)?;
        let pod = &only(&objects, "DaemonSet")?["spec"]["template"]["spec"];
        for container in list(pod, "/initContainers").chain(list(pod, "/containers")) {
            let image = container["image"].as_str().unwrap_or_default();
            let pinned =
                image.contains('@') || image.rsplit_once(':').is_some_and(|(_, tag)| tag != "latest");
            assert!(pinned, "{name}: {image}");
        }
    }
    Ok(())
}

/// Each file that the image copies is one that `tools/dist` writes, for both machines, and lands where the binary looks.
#[test]
fn the_image_holds_what_make_dist_makes() -> Result<()> {
    let file = read("deploy/Containerfile")?;
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert_eq!(lines.first().copied(), Some("FROM scratch"), "the base needs no network");
    assert!(!lines.iter().any(|line| line.starts_with("RUN ")), "nothing is run: nothing needs emulation");
    let copied: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("COPY ")?.split_once(' ')?.1.split_once(' '))
        .collect();
    let dist = read("tools/dist")?;
    let made = [
        ("dist/zoneway-$version-linux-$architecture", "/usr/bin/zoneway"),
        ("dist/libzoneway-$version-linux-$architecture.so", "/usr/lib/zoneway/libzoneway.so"),
        ("dist/zoneway-$version.wasm", "/usr/lib/zoneway/zoneway.wasm"),
    ];
    for (source, place) in made {
        assert!(dist.contains(&format!("\"{source}\"")), "tools/dist makes no {source}");
        let source = source.replace("$version", "${VERSION}").replace("$architecture", "${TARGETARCH}");
        assert!(copied.contains(&(source.as_str(), place)), "{source} is not copied to {place}: {copied:?}");
    }
    for architecture in ["amd64", "arm64"] {
        assert!(dist.lines().any(|line| line.ends_with(architecture)), "{architecture} is not made");
    }
    let binary = read("sidecar/src/cli/envoy.rs")?;
    for place in ["/usr/lib/zoneway/libzoneway.so", "/usr/lib/zoneway/zoneway.wasm"] {
        assert!(binary.contains(&format!("\"{place}\"")), "the binary does not look for {place}");
    }
    Ok(())
}
