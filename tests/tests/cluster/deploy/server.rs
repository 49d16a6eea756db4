//! What a real API server, its PodSecurity admission, and kubeconform say of what the chart renders.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use zoneway_tests::artefact;
use zoneway_tests::cluster::{Cluster, Definitions};
use zoneway_tests::process::output;

use super::conformity::write_schemas;
use super::helm::{SETS, text};

/// A namespace that refuses nothing, and says what `restricted` would.
const NAMESPACE: &str = "
apiVersion: v1
kind: Namespace
metadata:
  name: zoneway
  labels:
    pod-security.kubernetes.io/enforce: privileged
    pod-security.kubernetes.io/warn: restricted
";

async fn cluster() -> Result<Cluster> {
    let cluster = Cluster::start().await?;
    cluster.install(Definitions::Prometheus).await?;
    cluster.install(Definitions::CertManager).await?;
    cluster.apply(NAMESPACE).await?;
    Ok(cluster)
}

/// Applies a file or a folder without doing it; gives the warnings.
fn dry_run(cluster: &Cluster, arguments: &[&str], what: &Path) -> Result<BTreeSet<String>> {
    let mut kubectl = Command::new(artefact::cluster("bin/kubectl")?);
    kubectl.env("KUBECONFIG", cluster.kubeconfig(cluster.admin())?).env("HOME", cluster.folder());
    kubectl.args(["apply", "--dry-run=server", "--validate=strict"]).args(arguments).arg(what);
    let done = kubectl.output().context("cannot start kubectl")?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    ensure!(done.status.success(), "{}: {said}", what.display());
    let warnings = said.lines().filter_map(|line| line.strip_prefix("Warning: "));
    Ok(warnings.map(str::to_owned).collect())
}

/// What pods do that `restricted` forbids: nothing but what each set of values is for.
fn forbidden(set: &str) -> Option<&'static str> {
    match set {
        "the sidecar alone" | "public nodes, and the sidecar alone" => Some(
            "would violate PodSecurity \"restricted:latest\": unrestricted capabilities (container \"folder\" must not include \"CHOWN\", \"FOWNER\" in securityContext.capabilities.add), \
             restricted volume types (volume \"run\" uses restricted volume type \"hostPath\"), runAsNonRoot != true (container \"folder\" must not set securityContext.runAsNonRoot=false), \
             runAsUser=0 (container \"folder\" must not set runAsUser=0)",
        ),
        "the sidecar alone, in a folder that is there" => Some(
            "would violate PodSecurity \"restricted:latest\": restricted volume types (volume \"run\" uses restricted volume type \"hostPath\")",
        ),
        "the node's network" => Some(
            "would violate PodSecurity \"restricted:latest\": host namespaces (hostNetwork=true), hostPort (container \"envoy\" uses hostPorts 15443, 80)",
        ),
        "certificates for clients" | "everything else" => Some(
            "would violate PodSecurity \"restricted:latest\": hostPort (container \"envoy\" uses hostPorts 15443, 443, 80)",
        ),
        _ => Some(
            "would violate PodSecurity \"restricted:latest\": hostPort (container \"envoy\" uses hostPorts 15443, 80)",
        ),
    }
}

#[tokio::test]
async fn the_api_server_takes_what_the_chart_renders_and_pods_are_as_restricted_as_they_can_be() -> Result<()>
{
    let cluster = cluster().await?;
    let folder = TempDir::new()?;
    let schemas = folder.path().join("schemas");
    fs::create_dir(&schemas)?;
    let kinds = write_schemas(&cluster, &schemas).await?;
    assert!(kinds > 50, "the API server has {kinds} kinds only");
    for (name, set) in SETS {
        let file = folder.path().join("rendered.yaml");
        fs::write(&file, text(set)?)?;
        conform(&schemas, &file).with_context(|| (*name).to_owned())?;
        let warnings = dry_run(&cluster, &["-f"], &file).with_context(|| (*name).to_owned())?;
        let warnings: Vec<&str> = warnings.iter().map(String::as_str).collect();
        assert_eq!(warnings, forbidden(name).into_iter().collect::<Vec<_>>(), "{name}");
    }

    // The schemas are not ones that anything passes.
    let broken = folder.path().join("broken.yaml");
    fs::write(&broken, text(&[])?.replace("startupProbe:", "startUpProbe:"))?;
    let refused = conform(&schemas, &broken).err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(refused.contains("startUpProbe"), "kubeconform said: {refused}");

    // The base and the rollout too; Flux's own kinds are not there to compare with.
    for built in ["deploy/kustomize", "deploy/flux"] {
        let file = folder.path().join("built.yaml");
        let mut kubectl = Command::new(artefact::cluster("bin/kubectl")?);
        fs::write(&file, output(kubectl.arg("kustomize").arg(artefact::repository().join(built)))?)?;
        conform(&schemas, &file).context(built)?;
    }
    Ok(())
}

fn conform(schemas: &Path, manifests: &Path) -> Result<()> {
    let place = schemas.join("{{.ResourceKind}}{{.KindSuffix}}.json");
    let mut kubeconform = Command::new(artefact::cluster("bin/kubeconform")?);
    kubeconform.args(["-strict", "-skip", "HelmRelease,HelmRepository,GitRepository"]);
    kubeconform.arg("-schema-location").arg(place);
    output(kubeconform.arg(manifests)).map(drop)
}
