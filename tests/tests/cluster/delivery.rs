//! A public node outside the cluster: whoever holds the lease delivers to it, and the next one when that one is gone.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use zoneway_tests::address::{self, Addresses};
use zoneway_tests::client::{Client, Protocol};
use zoneway_tests::cluster::machine::zone_definition;
use zoneway_tests::cluster::{Cluster, objects};
use zoneway_tests::deadline;
use zoneway_tests::household::home::Bundle;
use zoneway_tests::household::pki;

use crate::lone::Lone;

/// The gateways of the household.
const GATEWAYS: [&str; 2] = ["studtop", "stuchip"];

/// The household's zone and the public one, each with its link to the other.
fn zones(edge: &str) -> [Value; 2] {
    let zone = |name: &str, spec: Value| json!({"apiVersion": "st8s.stuartpb.com/v1alpha1", "kind": "Zone", "metadata": {"name": name}, "spec": spec});
    let gateways = GATEWAYS.map(|node| json!({"node": node}));
    [
        zone(
            "403",
            json!({"speaksFor": ["403", "exposed"], "links": [{"to": "exposed", "gateways": [{"node": "edge"}]}]}),
        ),
        zone(
            "exposed",
            json!({"public": true, "nodes": [{"name": "edge", "address": edge}], "links": [{"to": "403", "gateways": gateways}]}),
        ),
    ]
}

/// What a sidecar says of the public node: how it stands with it.
async fn state(sidecar: &Mutex<Lone>) -> Result<String> {
    let status = sidecar.lock().await.status().await?;
    let state = status.pointer("/outside/0/state").and_then(Value::as_str);
    state.map(str::to_owned).with_context(|| format!("it tells of no public node: {status}"))
}

async fn until_it_is(sidecar: &Mutex<Lone>, wanted: &str) -> Result<()> {
    deadline::until(wanted, || async {
        let now = state(sidecar).await?;
        ensure!(now == wanted, "it is {now}: {}", sidecar.lock().await.process.log());
        Ok(())
    })
    .await
}

/// Waits until a host is looked for at home, where no Envoy is, and another one is not there: its table names the first alone.
async fn knows(edge: &Client, host: &str, but: &str) -> Result<()> {
    deadline::until("the public node to know a host", || async {
        for (host, status) in [(host, 503), (but, 404)] {
            let answer = edge.get(host, "/").await?;
            ensure!(answer.status == status, "{host}: {}", answer.status);
        }
        Ok(())
    })
    .await
}

fn gateway(cluster: &Cluster, folder: &Path, node: &str, ingress: &str, receives_at: &str) -> Result<Lone> {
    let file = |name: &str| folder.join(name).display().to_string();
    let settings = json!({
        "home": "403", "domain": "stuartpb.com", "ingress": [ingress],
        "peer_authentication": {
            "ca": file("ca.pem"), "crl": file("crl.pem"), "certificate": file("{node}.pem"), "key": file("{node}.key"),
        },
    });
    let outside = json!({
        "ca": file("ca.pem"), "crl": file("crl.pem"), "certificate": file("{node}.pem"), "key": file("{node}.key"),
        "authority": folder, "places": {"edge": receives_at},
    });
    let beside = json!({"lease": {"namespace": "zoneway"}, "outside": outside});
    let kubeconfig = cluster.kubeconfig(cluster.admin())?;
    Lone::start(cluster, node, &kubeconfig, &json!({"settings": settings}), &beside)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_holder_of_the_lease_delivers_to_a_public_node_and_the_next_one_once_it_is_gone() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.define(&zone_definition()?).await?;
    let ip = Addresses::default().node();
    let [peer, ingress, receives_at] = [address::free(ip)?, address::free(ip)?, address::free(ip)?];
    let mut all = vec![
        objects::namespace("zoneway", None),
        objects::namespace("web", Some("403, exposed")),
        objects::service("web", "notes", 80),
        objects::slice("web", "notes", &[objects::endpoint("10.1.2.3", "studtop")]),
        objects::ingress("web", "notes", "notes.example", "notes"),
    ];
    all.extend(GATEWAYS.map(|node| objects::node(node, "403", "127.9.9.9:15443")));
    all.extend(zones(&peer.to_string()));
    cluster.apply_all(&all).await?;

    let folder = cluster.folder().join("authority");
    pki::init(&folder)?;
    let mut sidecars = Vec::new();
    for node in GATEWAYS {
        pki::issue(&folder, "403", node)?;
        let sidecar = gateway(&cluster, &folder, node, &ingress.to_string(), &receives_at.to_string())?;
        sidecars.push(Mutex::new(sidecar));
    }
    let [first, second] = sidecars.as_slice() else { unreachable!("two") };
    let config = first.lock().await.config.clone();
    let bundle = deadline::until("the cluster to be read", || async {
        Bundle::make(&config, "edge", receives_at, cluster.folder().join("bundle"))
    })
    .await?;
    let _node = bundle.install()?;
    // No Envoy runs at home here. Of its own a sidecar knows that, of the others the cluster would tell it.
    let told_of = |gateway: &'static str| {
        let bundle = &bundle;
        async move {
            let told = bundle.gateways()?;
            ensure!(told == [gateway], "the public node is told of {told:?}");
            anyhow::Ok(())
        }
    };

    // One of the two holds the lease.
    let ((holder, holds), (other, holds_next)) = deadline::until("one of them to deliver", || async {
        match (state(first).await?.as_str(), state(second).await?.as_str()) {
            ("delivered", "standby") => Ok(((first, GATEWAYS[0]), (second, GATEWAYS[1]))),
            ("standby", "delivered") => Ok(((second, GATEWAYS[1]), (first, GATEWAYS[0]))),
            states => anyhow::bail!("{states:?}"),
        }
    })
    .await?;
    let edge = Client::new(ingress, Protocol::Http1);
    knows(&edge, "notes.example", "more.example").await?;
    told_of(holds_next).await?;
    cluster.apply_all(&[objects::ingress("web", "more", "more.example", "notes")]).await?;
    knows(&edge, "more.example", "last.example").await?;

    // It goes without a word: the lease runs out, and the other one delivers what the cluster says by then.
    holder.lock().await.process.kill()?;
    cluster.apply_all(&[objects::ingress("web", "last", "last.example", "notes")]).await?;
    until_it_is(other, "delivered").await?;
    knows(&edge, "last.example", "none.example").await?;
    told_of(holds).await
}
