//! JSON Schemas for kubeconform, of the kinds that an API server serves: made from its own OpenAPI v3, so that nothing is
//! fetched and Contour's and our own kinds are there too.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use zoneway_tests::cluster::{Api, Cluster};
use zoneway_tests::deadline;

use super::helm::{at, list, text_at};

/// Writes a schema for each kind of a cluster into a folder, by the names that kubeconform's
/// `{{.ResourceKind}}{{.KindSuffix}}.json` gives them.
///
/// # Errors
/// The API server does not answer, or a file cannot be written.
pub(super) async fn write_schemas(cluster: &Cluster, folder: &Path) -> Result<usize> {
    let api = cluster.api(cluster.admin())?;
    // A kind of a CRD is served a moment before its schema is.
    let index = deadline::until("the schemas of CRDs", || async {
        let index = get(&api, "/openapi/v3").await?;
        for (group, kind) in
            [("apis/monitoring.coreos.com/v1", "ServiceMonitor"), ("apis/cert-manager.io/v1", "Certificate")]
        {
            ensure!(at(&index, "/paths").get(group).is_some(), "{kind} has none");
        }
        anyhow::Ok(index)
    })
    .await?;
    let mut written = 0;
    for (_, document) in at(&index, "/paths").as_object().context("no paths")? {
        let mut schemas =
            at(&get(&api, text_at(document, "/serverRelativeURL")).await?, "/components/schemas").clone();
        close(&mut schemas);
        for (name, schema) in schemas.as_object().into_iter().flatten() {
            let kinds: Vec<_> = list(schema, "/x-kubernetes-group-version-kind").collect();
            // Options and lists of any kind name every group: they are nobody's manifest.
            if let [kind] = kinds.as_slice() {
                let group = text_at(kind, "/group").split('.').next().unwrap_or_default();
                let parts = [text_at(kind, "/kind"), group, text_at(kind, "/version")].map(str::to_lowercase);
                let file: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                let schema = json!({
                    "$ref": format!("#/components/schemas/{name}"),
                    "components": {"schemas": schemas},
                });
                fs::write(folder.join(format!("{}.json", file.join("-"))), schema.to_string())?;
                written += 1;
            }
        }
    }
    Ok(written)
}

async fn get(api: &Api, path: &str) -> Result<Value> {
    let answer = api.send("GET", path, "application/json", "").await?;
    ensure!(answer.status == 200, "{path}: {}", answer.status);
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Forbids what an object's schema does not name, as kubeconform's own strict schemas do.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let named = members.get("properties").is_some_and(Value::is_object);
            let open = members.contains_key("additionalProperties")
                || members.get("x-kubernetes-preserve-unknown-fields").is_some_and(|keep| keep == true);
            if named && !open {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            each(members);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn each(members: &mut Map<String, Value>) {
    // A property may be called `properties`: what stands under the keyword are names, not schemas.
    for (keyword, value) in members {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(named)) => named.values_mut().for_each(close),
            ("default" | "enum" | "example" | "x-kubernetes-group-version-kind", _) => {}
            (_, value) => close(value),
        }
    }
}
