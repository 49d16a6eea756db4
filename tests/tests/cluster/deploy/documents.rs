//! The pages on installing, upgrading and uninstalling, run one after the other on one real API server.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use zoneway_tests::artefact;
use zoneway_tests::cluster::{Api, Cluster};
use zoneway_tests::process::output;

use super::helm::{at, text_at};

/// Everything that a release is made of, but for what it keeps: (API path, plural).
const MADE: &[(&str, &str)] = &[
    ("/apis/apps/v1/namespaces/zoneway", "daemonsets"),
    ("/apis/rbac.authorization.k8s.io/v1", "clusterroles"),
    ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
    ("/apis/rbac.authorization.k8s.io/v1/namespaces/zoneway", "roles"),
    ("/apis/rbac.authorization.k8s.io/v1/namespaces/zoneway", "rolebindings"),
    ("/api/v1/namespaces/zoneway", "configmaps"),
    ("/api/v1/namespaces/zoneway", "serviceaccounts"),
    ("/api/v1/namespaces/zoneway", "secrets"),
    ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
];

#[tokio::test]
async fn the_pages_do_what_they_say() -> Result<()> {
    let cluster = Cluster::start().await?;
    for node in ["studtop", "stuchip"] {
        cluster.apply_all(&[json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})]).await?;
    }
    let mut pages = Command::new(artefact::repository().join("tools/check-examples"));
    pages.env("KUBECONFIG", cluster.kubeconfig(cluster.admin())?).env("HOME", cluster.folder());
    pages.current_dir(artefact::repository()).arg("--cluster");
    pages.args(["docs/install.md", "docs/upgrade.md", "docs/uninstall.md"]);
    let api = cluster.api(cluster.admin())?;
    tokio::select! {
        read = tokio::task::spawn_blocking(move || output(&mut pages)) => read??,
        collected = collect(&api) => return collected,
    };

    // Nothing of Zoneway's is left but the namespace.
    for (group, plural) in MADE {
        let left: Vec<_> = list(&api, group, plural).await?.iter().map(name).collect();
        assert!(!left.iter().any(|name| name.contains("zone")), "{plural}: {left:?}");
    }
    Ok(())
}

/// How often the controller manager's part looks for something to do; nobody waits for it to have looked.
const LOOKS_EVERY: Duration = Duration::from_millis(100);

/// The part of the controller manager, which does not run here: an object that was deleted, but for what belongs to it, goes
/// once that has been let go of. Nothing belongs to anything here.
pub(super) async fn collect(api: &Api) -> Result<()> {
    let mut looks = tokio::time::interval(LOOKS_EVERY);
    loop {
        looks.tick().await;
        for (group, plural) in MADE {
            for object in list(api, group, plural).await? {
                let deleted = object.pointer("/metadata/deletionTimestamp").is_some();
                if deleted && *at(&object, "/metadata/finalizers") == json!(["orphan"]) {
                    let path = format!("{group}/{plural}/{}", name(&object));
                    let patch = json!({"metadata": {"finalizers": null}}).to_string();
                    api.send("PATCH", &path, "application/merge-patch+json", patch).await?;
                }
            }
        }
    }
}

async fn list(api: &Api, group: &str, plural: &str) -> Result<Vec<Value>> {
    let answer = api.send("GET", &format!("{group}/{plural}"), "application/json", "").await?;
    let mut list: Value = serde_json::from_slice(&answer.body)?;
    Ok(list.pointer_mut("/items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default())
}

fn name(object: &Value) -> String {
    text_at(object, "/metadata/name").to_owned()
}
