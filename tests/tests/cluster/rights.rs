//! The rights that the chart gives are all that a sidecar needs, and each of them is needed: without it, the sidecar says
//! what it may not.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use zoneway_tests::cluster::machine::zone_definition;
use zoneway_tests::cluster::{Cluster, Definitions, Name, documents, objects};
use zoneway_tests::deadline;

use crate::deploy::helm::helm;
use crate::lone::Lone;

/// Stands in the rendered chart for the release, its namespace and all names that come of them.
const RELEASE: &str = "release-of-a-test";

/// One verb of one resource, and where in the rendered chart it is given.
#[derive(Clone, Debug)]
struct Right {
    document: usize,
    rule: usize,
    group: String,
    resource: String,
    verb: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_right_of_the_chart_is_needed_and_no_other() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.install(Definitions::Contour).await?;
    cluster.install(Definitions::Gateway).await?;
    cluster.define(&zone_definition()?).await?;
    let zone = json!({
        "apiVersion": "st8s.stuartpb.com/v1alpha1", "kind": "Zone", "metadata": {"name": "403"}, "spec": {},
    });
    // Nothing that a zone can be asked for, which is told in an Event.
    let nameless = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"namespace": "web", "name": "nameless"},
        "spec": {"rules": [{"http": {"paths": [{
            "path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"name": "http"}}},
        }]}}]},
    });
    cluster
        .apply_all(&[
            objects::namespace("web", None),
            objects::service("web", "web", 80),
            objects::node("studtop", "403", "192.0.2.1"),
            zone,
            nameless,
        ])
        .await?;
    let chart = chart()?;
    let rights = rights(&documents(&chart)?);
    assert!(rights.len() > 20, "{rights:?}");

    let whole = tokio::sync::Mutex::new(start(&cluster, &chart, 0, None).await?);
    deadline::until("a sidecar with every right to read and write", || async {
        let mut sidecar = whole.lock().await;
        let now = sidecar.has_read(1).await?;
        ensure!(now["lease"]["held"] == true, "{now}");
        let said = complaints(&mut sidecar).await?;
        ensure!(said.is_empty(), "it complains of {said:?}");
        let events = cluster.list("events.k8s.io/v1", "Event").await?;
        ensure!(events.iter().any(|event| event["regarding"]["name"] == "nameless"), "no Event: {events:?}");
        let zone = cluster.get(&Name::cluster("st8s.stuartpb.com/v1alpha1", "Zone", "403")).await?;
        ensure!(zone["status"]["nodes"] == 1, "no status: {zone}");
        Ok(())
    })
    .await?;

    let mut without = Vec::new();
    for (number, right) in rights.iter().enumerate() {
        without.push((right, start(&cluster, &chart, number + 1, Some(right)).await?));
    }
    let mut needless = Vec::new();
    for (right, sidecar) in &mut without {
        let sidecar = tokio::sync::Mutex::new(sidecar);
        let complained = deadline::until("a complaint", || async {
            let said = complaints(*sidecar.lock().await).await?;
            ensure!(said.iter().any(|line| line.contains(&right.resource)), "it complains of {said:?}");
            Ok(())
        });
        if let Err(error) = complained.await {
            needless.push(format!("without {} {}/{}: {error:#}", right.verb, right.group, right.resource));
        }
    }
    assert!(needless.is_empty(), "{}", needless.join("\n"));
    Ok(())
}

/// The roles of the chart and what binds them, as Helm renders them.
fn chart() -> Result<String> {
    let name = format!("fullnameOverride={RELEASE}");
    let render = ["template", RELEASE, "--namespace", RELEASE];
    helm(&render, &["--set", &name, "--show-only", "templates/rbac.yaml"])
}

/// Every right that the documents give.
fn rights(documents: &[Value]) -> Vec<Right> {
    let mut rights = Vec::new();
    for (number, document) in documents.iter().enumerate() {
        for (rule, given) in objects::list(document, "rules").enumerate() {
            for group in objects::list(given, "apiGroups") {
                for resource in objects::list(given, "resources") {
                    for verb in objects::list(given, "verbs") {
                        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                        let (group, resource, verb) = (text(group), text(resource), text(verb));
                        rights.push(Right { document: number, rule, group, resource, verb });
                    }
                }
            }
        }
    }
    rights
}

/// Starts a sidecar with what the chart gives it, in a namespace of its own, but for one right.
async fn start(cluster: &Cluster, chart: &str, number: usize, without: Option<&Right>) -> Result<Lone> {
    let release = format!("without-{number}");
    let mut roles = documents(&chart.replace(RELEASE, &release))?;
    if let Some(right) = without {
        let role = roles.get_mut(right.document).context("the role")?;
        let mut rules: Vec<Value> = objects::list(role, "rules").cloned().collect();
        let given = rules.remove(right.rule);
        // The rule again, resource by resource, and all verbs but one for the one in question.
        for group in objects::list(&given, "apiGroups") {
            for resource in objects::list(&given, "resources") {
                let is_it = group == right.group.as_str() && resource == right.resource.as_str();
                let verbs =
                    objects::list(&given, "verbs").filter(|verb| !is_it || *verb != right.verb.as_str());
                let verbs: Vec<_> = verbs.collect();
                if !verbs.is_empty() {
                    let mut rule = given.clone();
                    rule = objects::with(rule, &["apiGroups"], json!([group]));
                    rule = objects::with(rule, &["resources"], json!([resource]));
                    rules.push(objects::with(rule, &["verbs"], json!(verbs)));
                }
            }
        }
        *role = objects::with(role.take(), &["rules"], rules.into());
    }
    let account = cluster.service_account(&release, &release).await?;
    roles.push(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": release, "name": "envoy", "labels": {"app": "envoy"}},
        "spec": {"nodeName": "studtop", "containers": [{"name": "envoy", "image": "envoy"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }));
    cluster.apply_all(&roles).await?;
    // A port of its own: each of them has another status to write to the zone.
    let more = json!({
        "peer_port": 20_000 + number,
        "envoys": {"namespace": release, "labels": {"app": "envoy"}},
    });
    let lease = json!({"lease": {"namespace": release, "name": release}});
    Lone::start(cluster, "studtop", &cluster.kubeconfig(&account)?, &more, &lease)
}

/// What it says that it may not.
async fn complaints(sidecar: &mut Lone) -> Result<Vec<String>> {
    let now = sidecar.cluster().await?;
    let mut said: Vec<String> = objects::list(&now, "kinds")
        .filter_map(|kind| objects::at(kind, "/error").as_str())
        .map(str::to_owned)
        .collect();
    said.extend(objects::at(&now, "/lease/error").as_str().map(str::to_owned));
    let log = sidecar.process.log();
    let written = log
        .lines()
        .filter(|line| line.contains("not written to") || line.contains("no Event could be written"));
    said.extend(written.map(str::to_owned));
    Ok(said)
}
