//! Helm, and the sets of values that the chart is tried with.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use zoneway_tests::artefact;
use zoneway_tests::process::output;

/// What every release has to say.
pub(super) const REQUIRED: &[&str] = &["--set", "settings.domain=stuartpb.com,settings.home=403"];

/// Each with its name: what a release may want beside [`REQUIRED`].
pub(super) const SETS: &[(&str, &[&str])] = &[
    ("as it is", &[]),
    ("the sidecar alone", &["--set", "envoy.enabled=false"]),
    (
        "the sidecar alone, in a folder that is there",
        &["--set", "envoy.enabled=false,socketFolder.prepare.enabled=false,socketFolder.path=/run/edge"],
    ),
    ("the node's network", &["--set", "envoy.hostNetwork=true"]),
    ("the native module", &["--set", "envoy.filter=module,envoy.concurrency=0"]),
    ("no certificates", &["--set", "peerAuthentication.secretName=,peerAuthentication.none={403}"]),
    (
        "certificates of cert-manager",
        &[
            "--set",
            "peerAuthentication.certManager.nodes.studtop=403,peerAuthentication.certManager.nodes.stu\\.chip=403",
        ],
    ),
    ("a list of revoked certificates", &["--set", "peerAuthentication.crl=true"]),
    (
        "certificates for clients",
        &[
            "--set",
            "envoy.tlsSecrets={www,wiki.tls}",
            "--set-json",
            r#"settings.ingress=["0.0.0.0:80",{"listen":"0.0.0.0:443","tls":[{"certificate":"/etc/zoneway-tls/www/tls.crt","key":"/etc/zoneway-tls/www/tls.key"},{"certificate":"/etc/zoneway-tls/wiki.tls/tls.crt","key":"/etc/zoneway-tls/wiki.tls/tls.key"}]}]"#,
        ],
    ),
    (
        "public nodes",
        &[
            "--set",
            "publicNodes.enabled=true,publicNodes.places.edge=203.0.113.7:443,peerAuthentication.crl=true,envoy.tlsSecrets={www}",
        ],
    ),
    ("public nodes, and the sidecar alone", &["--set", "publicNodes.enabled=true,envoy.enabled=false"]),
    ("watched by Prometheus", &["--set", "serviceMonitor.enabled=true,serviceMonitor.labels.team=home"]),
    (
        "rights and account from elsewhere",
        &["--set", "rbac.create=false,serviceAccount.create=false,crd.install=false"],
    ),
    (
        "everything else",
        &[
            "--set",
            "image.repository=image.example.org/zoneway,image.tag=v1,imagePullSecrets[0].name=pull,priorityClassName=system-node-critical,fullnameOverride=z,tolerations[0].operator=Exists,podLabels.a=b,podAnnotations.c=d",
            "--set-json",
            r#"settings.ingress=["0.0.0.0:80",{"listen":"[::]:443","source_zone":"403"}]"#,
        ],
    ),
];

/// Runs helm with the chart: `helm COMMAND… CHART REQUIRED ARGUMENTS`.
///
/// # Errors
/// It ends with anything but 0.
pub(crate) fn helm(command: &[&str], arguments: &[&str]) -> Result<String> {
    let mut helm = Command::new(artefact::cluster("bin/helm")?);
    helm.args(command).arg(artefact::repository().join("deploy/chart"));
    // A helm that was built from source takes the cluster for a very old one.
    let versions = fs::read_to_string(artefact::repository().join("tools/versions"))?;
    let kubernetes = versions.lines().find_map(|line| line.strip_prefix("KUBERNETES_VERSION="));
    helm.arg("--kube-version").arg(kubernetes.context("tools/versions names no KUBERNETES_VERSION")?);
    output(helm.args(REQUIRED).args(arguments))
}

/// What a release in the namespace `zoneway` consists of, as text.
///
/// # Errors
/// The chart does not render.
pub(super) fn text(arguments: &[&str]) -> Result<String> {
    helm(&["template", "zoneway", "--namespace", "zoneway"], arguments)
}

/// The same, object by object.
///
/// # Errors
/// As [`text()`].
pub(super) fn objects(arguments: &[&str]) -> Result<Vec<Value>> {
    documents(&text(arguments)?)
}

/// Every document of a YAML text.
///
/// # Errors
/// It is no YAML.
pub(super) fn documents(yaml: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml)?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// The one object of a kind.
///
/// # Errors
/// There is none.
pub(super) fn only<'o>(objects: &'o [Value], kind: &str) -> Result<&'o Value> {
    let found = objects.iter().find(|object| object.get("kind").is_some_and(|its| its == kind));
    found.with_context(|| format!("there is no {kind}"))
}

/// The value at a JSON pointer; null where there is none.
pub(super) fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The text at a JSON pointer; empty where there is none.
pub(super) fn text_at<'v>(value: &'v Value, pointer: &str) -> &'v str {
    at(value, pointer).as_str().unwrap_or_default()
}

/// The values of a list at a JSON pointer; none where there is no list.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
