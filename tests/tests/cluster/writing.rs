//! What sidecars write into the cluster: one of them at a time, each thing once.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use zoneway_tests::artefact;
use zoneway_tests::cluster::machine::Machine;
use zoneway_tests::cluster::{Cluster, Name, objects};
use zoneway_tests::deadline;
use zoneway_tests::process::output;

const LEASE: &str = "lease: {namespace: zoneway}";

async fn lease(cluster: &Cluster) -> Result<Value> {
    cluster.get(&Name::of("coordination.k8s.io/v1", "Lease", "zoneway", "zoneway")).await
}

async fn holder(cluster: &Cluster) -> Result<String> {
    let lease = lease(cluster).await?;
    let holder = lease["spec"]["holderIdentity"].as_str().context("nobody holds it")?;
    Ok(holder.to_owned())
}

/// Waits for the first holder after another one, and after a version of the lease that this one had: nobody, or who took
/// it. Read from the lease's history, so that however fast it is taken again, that it was nobody's is seen.
async fn next_after(cluster: &Cluster, lease: &Value) -> Result<String> {
    let holder = |lease: &Value| lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned();
    let version = lease["metadata"]["resourceVersion"].as_str().context("a version")?;
    let path = format!(
        "/apis/coordination.k8s.io/v1/namespaces/zoneway/leases?watch=1&timeoutSeconds=1&resourceVersion={version}"
    );
    let api = cluster.api(cluster.admin())?;
    deadline::within(10 * deadline::PATIENCE, "another holder, or none", || async {
        let answer = api.send("GET", &path, "application/json", "").await?;
        ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&answer.body));
        let events = serde_json::Deserializer::from_slice(&answer.body).into_iter::<Value>();
        let holders = events.map(|event| {
            let event = event?;
            ensure!(event["type"] == "MODIFIED", "{event}");
            Ok(holder(&event["object"]))
        });
        let holders = holders.collect::<Result<Vec<_>>>()?;
        holders.into_iter().find(|now| *now != holder(lease)).context("it is held still")
    })
    .await
}

async fn held_by_another(cluster: &Cluster, than: &str) -> Result<String> {
    deadline::until("another holder", || async {
        let now = holder(cluster).await?;
        ensure!(!now.is_empty() && now != than, "{now:?} holds it");
        Ok(now)
    })
    .await
}

async fn events(cluster: &Cluster) -> Result<Vec<Value>> {
    let events = cluster.list("events.k8s.io/v1", "Event").await?;
    Ok(events
        .into_iter()
        .filter(|event| event["reportingController"] == "st8s.stuartpb.com/zoneway")
        .collect())
}

/// What kubectl prints.
fn kubectl(cluster: &Cluster, arguments: &[&str]) -> Result<String> {
    let mut kubectl = Command::new(artefact::cluster("bin/kubectl")?);
    kubectl.env("KUBECONFIG", cluster.kubeconfig(cluster.admin())?).env("HOME", cluster.folder());
    output(kubectl.args(arguments))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sidecar_writes_and_another_takes_over_when_it_ends() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.define(&zoneway_tests::cluster::machine::zone_definition()?).await?;
    let zone = json!({"apiVersion": "st8s.stuartpb.com/v1alpha1", "kind": "Zone", "metadata": {"name": "403"}, "spec": {}});
    let mut hostless = objects::ingress("web", "nameless", "x.example", "notes");
    hostless["spec"]["rules"][0].as_object_mut().context("a rule")?.remove("host");
    cluster
        .apply_all(&[
            objects::namespace("zoneway", None),
            objects::namespace("web", None),
            objects::service("web", "notes", 80),
            zone,
            hostless,
        ])
        .await?;
    let mut machines = Vec::new();
    for name in ["studtop", "stuchip"] {
        machines.push(Machine::start(&cluster, name, "403", LEASE).await?);
    }

    // A note becomes one Event of its object, whoever is asked to tell it.
    let told = deadline::until("an Event", || async {
        let told = events(&cluster).await?;
        ensure!(!told.is_empty(), "there is none");
        Ok(told)
    })
    .await?;
    assert_eq!(told.len(), 1, "{told:?}");
    let event = told.first().context("one")?;
    assert_eq!(event["regarding"]["name"], "nameless");
    assert_eq!((event["reason"].as_str(), event["type"].as_str()), (Some("NoHost"), Some("Warning")));
    let note = event["note"].as_str().unwrap_or_default();
    assert!(note.contains("without a host stays local") && note.contains("give it a host"), "{note:?}");
    for machine in &machines {
        let (_, metrics) = machine.page("/metrics").await?;
        let counted = "zoneway_sidecar_cluster_notes{reason=\"NoHost\"} 1";
        assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    }

    // The status of a Zone is what `kubectl get` shows.
    deadline::until("the status", || async {
        let zone = cluster.get(&Name::cluster("st8s.stuartpb.com/v1alpha1", "Zone", "403")).await?;
        ensure!(zone["status"]["nodes"] == 2, "{}", zone["status"]);
        ensure!(zone["status"]["conditions"][0]["status"] == "True", "{}", zone["status"]);
        Ok(())
    })
    .await?;
    let shown = kubectl(&cluster, &["get", "zones", "--output", "wide"])?;
    let (head, zone) = shown.split_once('\n').context("a line for each")?;
    for column in ["NAME", "PUBLIC", "NODES", "LINKS UP", "READY", "REASON", "TABLE", "AGE"] {
        assert!(head.contains(column), "{column}: {shown}");
    }
    let cells: Vec<&str> = zone.split_whitespace().collect();
    assert!(cells.starts_with(&["403", "2", "0", "True", "Routed"]), "{shown}");

    let version = |zone: &Value| zone["metadata"]["resourceVersion"].clone();
    let before = version(&cluster.get(&Name::cluster("st8s.stuartpb.com/v1alpha1", "Zone", "403")).await?);

    // Who ends gives the lease back; who is killed loses it when it has run out.
    let first = holder(&cluster).await?;
    let leads = |name: &str, holder: &str| holder.starts_with(&format!("{name}_"));
    let leader = machines.iter_mut().find(|machine| leads(&machine.node.name, &first)).context("a holder")?;
    let before_the_end = lease(&cluster).await?;
    let ended = leader.node.sidecar()?.stop()?;
    assert!(ended.success(), "{ended}");
    assert_eq!(next_after(&cluster, &before_the_end).await?, "", "nobody waits for it to run out");
    leader.start_sidecar()?;
    leader.node.serving().await?;
    let second = held_by_another(&cluster, &first).await?;
    let leader =
        machines.iter_mut().find(|machine| leads(&machine.node.name, &second)).context("a holder")?;
    leader.node.sidecar()?.kill()?;
    leader.start_sidecar()?;
    let third = held_by_another(&cluster, &second).await?;
    assert_ne!(third, second);

    // Nobody told anything twice, and nothing was written that said the same.
    assert_eq!(events(&cluster).await?.len(), 1);
    let after = version(&cluster.get(&Name::cluster("st8s.stuartpb.com/v1alpha1", "Zone", "403")).await?);
    assert_eq!(after, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_that_is_deleted_and_made_again_is_told_of_again() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.define(&zoneway_tests::cluster::machine::zone_definition()?).await?;
    let zone = json!({"apiVersion": "st8s.stuartpb.com/v1alpha1", "kind": "Zone", "metadata": {"name": "403"}, "spec": {}});
    let name = Name::in_object(&zone)?;
    cluster.apply_all(&[objects::namespace("zoneway", None), zone.clone()]).await?;
    let _machine = Machine::start(&cluster, "studtop", "403", LEASE).await?;
    let mut uids = BTreeSet::new();
    // It says the same of each.
    for _ in 0..3 {
        let told = deadline::within(10 * deadline::PATIENCE, "the status", || async {
            let told = cluster.get(&name).await?;
            ensure!(told["status"]["nodes"] == 1, "{told}");
            Ok(told)
        });
        let told = told.await?;
        assert_eq!(told["status"]["conditions"][0]["status"], "True", "{told}");
        assert!(uids.insert(told["metadata"]["uid"].to_string()), "{told}");
        cluster.delete(&name).await?;
        cluster.apply_all(std::slice::from_ref(&zone)).await?;
    }
    Ok(())
}
