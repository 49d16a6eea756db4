//! Objects whose own objects are made elsewhere: by a program that renders them, or in the cluster.

use serde_json::Value;

/// What makes objects of others, or changes them, and how its objects are had: of some kinds, by their group.
pub(super) fn makes_objects(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        (_, "HelmRelease")
        | ("helm.cattle.io", "HelmChart" | "HelmChartConfig")
        | ("helm.k0sproject.io", "Chart") => {
            Some("its chart is not rendered: add what `helm template` makes of it")
        }
        ("argoproj.io", "Application" | "ApplicationSet") => {
            Some("what Argo CD makes of its sources is not made here: add what `argocd app manifests` prints")
        }
        ("fluxcd.controlplane.io", "ResourceSet" | "FluxInstance") => {
            Some("what it makes is not made here: add what `flux-operator build` prints")
        }
        ("fleet.cattle.io", "GitRepo" | "Bundle" | "HelmOp")
        | ("kappctrl.k14s.io", "App")
        | ("packaging.carvel.dev", "PackageInstall") => {
            Some("what it makes is not made here: add the objects that come of it")
        }
        ("kyverno.io", "ClusterPolicy" | "Policy")
        | ("admissionregistration.k8s.io", "MutatingAdmissionPolicy")
        | ("policies.kyverno.io", "MutatingPolicy" | "GeneratingPolicy") => {
            Some("what it makes or changes in the cluster is not made or changed here: add what comes of it")
        }
        _ => None,
    }
}

/// Whether a document was encrypted by SOPS (<https://getsops.io/docs/>), all of it or some fields.
pub(super) fn is_encrypted(document: &Value) -> bool {
    document.get("sops").is_some_and(Value::is_object)
}
