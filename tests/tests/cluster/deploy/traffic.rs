//! What is served while Zoneway is taken out: a release on a real API server; Envoy and sidecar started with the release's own
//! arguments, configuration and rights, as its pod starts them; and a client that asks all the while.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use zoneway_tests::address::{self, Addresses};
use zoneway_tests::client::{Ask, Client, Protocol};
use zoneway_tests::cluster::{Cluster, Name, objects};
use zoneway_tests::load::{self, Load};
use zoneway_tests::service::Service;
use zoneway_tests::{artefact, deadline};

use super::documents::collect;
use super::helm::REQUIRED;
use super::pod::{self, Pod, helm};

const NODE: &str = "studtop";
const HOST: &str = "notes.example";

/// A cluster with a node, a pod that is ready there, and a host that is served there at an address.
async fn household(cluster: &Cluster, peer: SocketAddr, served: SocketAddr) -> Result<()> {
    let mut slice = objects::slice("web", "notes", &[objects::endpoint(&served.ip().to_string(), NODE)]);
    *slice.pointer_mut("/ports/0/port").context("a slice has a port")? = served.port().into();
    let exposed = json!({
        "apiVersion": "st8s.stuartpb.com/v1alpha1", "kind": "Zone",
        "metadata": {"name": "exposed"}, "spec": {"public": true},
    });
    let objects = [
        objects::node(NODE, "403", &peer.to_string()),
        objects::namespace("web", None),
        objects::service("web", "notes", served.port()),
        slice,
        objects::ingress("web", "notes", HOST, "notes"),
        pod::object(NODE),
    ];
    cluster.apply_all(&objects).await?;
    deadline::until("zones", || cluster.apply_all(std::slice::from_ref(&exposed))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_served_is_served_on_while_zoneway_is_uninstalled_in_its_order() -> Result<()> {
    let cluster = Cluster::start().await?;
    let loopback = Addresses::default().node();
    let (ingress, peer, place) =
        (address::free(loopback)?, address::free(Ipv4Addr::UNSPECIFIED)?, address::free(address::own()?)?);
    let status = address::free(Ipv4Addr::UNSPECIFIED)?;
    let _service =
        Service { name: "notes".to_owned(), node: NODE.to_owned(), forward: None }.start(place).await?;

    let chart = artefact::repository().join("deploy/chart").display().to_string();
    let mut install: Vec<String> =
        ["install", "zoneway", &chart, "--create-namespace"].map(str::to_owned).into();
    install.extend(REQUIRED.iter().map(|argument| (*argument).to_owned()));
    install.push("--set".to_owned());
    install.push(format!(
        "settings.ingress={{{ingress}}},envoy.peerPort={},sidecar.port={},\
         peerAuthentication.secretName=,peerAuthentication.none={{403}}",
        peer.port(),
        status.port()
    ));
    helm(&cluster, install).await?;
    household(&cluster, SocketAddr::from((loopback, peer.port())), place).await?;

    let pod = Pod::prepare(&cluster, NODE, &cluster.folder().join("pod")).await?;
    pod.render()?;
    let mut envoy = pod.envoy()?;
    let mut sidecar = pod.sidecar()?;
    let client = Client::new(ingress, Protocol::Http1);
    let told = Client::new(SocketAddr::from((loopback, status.port())), Protocol::Http1);
    let served = || async {
        // What one worker answers, another may not yet: the sidecar is ready when every one of them has its table.
        let ready = told.send(&Ask::get("sidecar", "/readyz")).await?;
        ensure!(ready.status == 200, "{}", String::from_utf8_lossy(&ready.body));
        let answer = client.send(&Ask::get(HOST, "/")).await?;
        ensure!(answer.status == 200, "{answer:?}");
        anyhow::Ok(())
    };
    let ready = deadline::until("the host to be served", served).await;
    sidecar.alive()?;
    ready?;

    let load = Load::start(&client, &Ask::get(HOST, "/"), 100);
    load.pass(50).await?;
    // 1. The release, and with it the sidecar's rights; the pods stay.
    let uninstall = ["uninstall", "zoneway", "--cascade", "orphan"].map(str::to_owned);
    let api = cluster.api(cluster.admin())?;
    tokio::select! {
        uninstalled = helm(&cluster, uninstall.into()) => uninstalled.map(drop)?,
        collected = collect(&api) => return collected,
    }
    tokio::select! {
        gone = deadline::until("its rights to go", || async {
            let role = Name::cluster("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "zoneway");
            ensure!(cluster.get(&role).await.is_err(), "the binding is still there");
            Ok(())
        }) => gone?,
        collected = collect(&api) => return collected,
    }
    load.pass(50).await?;
    let kept = pod.place("/var/lib/zoneway/last-good.json");
    deadline::until("what the cluster says to be kept", || async {
        ensure!(fs::read_to_string(&kept)?.contains(HOST), "{} has no {HOST}", kept.display());
        Ok(())
    })
    .await?;
    // Its sidecar ends, and is started again as the kubelet does: without rights it has what it kept.
    sidecar.kill()?;
    load.pass(50).await?;
    let mut sidecar = pod.sidecar()?;
    load.pass(50).await?;
    // 2. The zones and their kind, which in this order change nothing any more.
    cluster
        .delete(&Name::cluster(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "zones.st8s.stuartpb.com",
        ))
        .await?;
    load.pass(50).await?;
    let samples = load.finish().await?;
    let failures = load::failures(&samples);
    assert!(failures.is_empty(), "{} of {}: {:?}", failures.len(), samples.len(), load::summary(&failures));

    // Even an Envoy that starts again gets what its sidecar kept.
    envoy.kill()?;
    let _envoy = pod.envoy()?;
    deadline::until("the host to be served again", served).await?;
    sidecar.alive()
}
