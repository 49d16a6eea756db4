//! A hundred sidecars at once, as when every node of a cluster starts after a power cut.

use anyhow::{Result, ensure};
use serde_json::json;
use zoneway_tests::cluster::machine::Machine;
use zoneway_tests::cluster::{Cluster, objects};
use zoneway_tests::deadline;

use crate::lone::Lone;

const CROWD: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_sidecars_that_start_at_once_all_read_the_cluster_and_one_writes() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster
        .apply_all(&[
            objects::namespace("zoneway", None),
            objects::namespace("web", None),
            objects::service("web", "web", 80),
            objects::ingress("web", "web", "web.example", "web"),
        ])
        .await?;
    let names: Vec<String> = (0..CROWD).map(|number| format!("node-{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        cluster.apply_all(&[objects::node(name, "403", &format!("192.0.2.{}:15443", number + 1))]).await?;
    }
    let mut machine = Machine::start(&cluster, "studtop", "403", "").await?;
    let kubeconfig = cluster.kubeconfig(cluster.admin())?;
    let lease = json!({"lease": {"namespace": "zoneway"}});
    let mut crowd = Vec::new();
    for name in &names {
        crowd.push(Lone::start(&cluster, name, &kubeconfig, &json!({}), &lease)?);
    }
    for sidecar in &mut crowd {
        until_read(sidecar, 1).await?;
    }
    one_holds(&mut crowd).await?;

    // All of them see what changes, and so does the one that has its Envoy.
    cluster.apply_all(&[objects::ingress("web", "more", "more.example", "web")]).await?;
    for sidecar in &mut crowd {
        until_read(sidecar, 2).await?;
    }
    let both = ["more.example".to_owned(), "web.example".to_owned()];
    machine
        .until_every_worker_has("both hosts", |table| {
            let mut hosts = zoneway_tests::cluster::machine::hosts(table);
            hosts.sort();
            hosts == both
        })
        .await
}

async fn until_read(sidecar: &mut Lone, ingresses: u64) -> Result<()> {
    let sidecar = tokio::sync::Mutex::new(sidecar);
    deadline::until("a sidecar to read the cluster", || async {
        sidecar.lock().await.has_read(ingresses).await.map(drop)
    })
    .await
}

/// Waits until exactly one says that it holds the lease.
async fn one_holds(crowd: &mut [Lone]) -> Result<()> {
    let crowd = tokio::sync::Mutex::new(crowd);
    deadline::until("one of them to hold the lease", || async {
        let mut held = 0;
        for sidecar in crowd.lock().await.iter_mut() {
            let now = sidecar.cluster().await?;
            held += usize::from(*objects::at(&now, "/lease/held") == true);
        }
        ensure!(held == 1, "{held} hold the lease");
        Ok(())
    })
    .await
}
