//! A release that delivers to a public node, by values alone: the authority's key is on the machine of whoever installs it, and
//! what that signs is all that the cluster is given.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use zoneway_tests::address::{self, Addresses};
use zoneway_tests::client::{Ask, Client, Protocol};
use zoneway_tests::cluster::{Cluster, Name, objects};
use zoneway_tests::deadline;
use zoneway_tests::household::home::Bundle;
use zoneway_tests::household::pki;

use super::helm::{REQUIRED, text_at};
use super::pod::{self, Pod, helm};
use crate::lone::Lone;

const NODE: &str = "studtop";

/// Zone 403 with its gateway, the public zone with its node, and one that has nothing to do with either.
async fn household(cluster: &Cluster, edge: SocketAddr) -> Result<()> {
    let objects = [
        objects::node(NODE, "403", "127.9.9.9:15443"),
        objects::node("attic", "405", "127.9.9.8:15443"),
        pod::object(NODE),
        pod::object("attic"),
        objects::namespace("web", Some("403, exposed")),
        objects::service("web", "notes", 80),
        objects::slice("web", "notes", &[objects::endpoint("10.1.2.3", NODE)]),
        objects::ingress("web", "notes", "notes.example", "notes"),
    ];
    cluster.apply_all(&objects).await?;
    let zone = |name: &str, spec: Value| json!({"apiVersion": "st8s.stuartpb.com/v1alpha1", "kind": "Zone", "metadata": {"name": name}, "spec": spec});
    let to = |zone: &str, node: &str| json!([{"to": zone, "gateways": [{"node": node}]}]);
    let nodes = json!([{"name": "edge", "address": edge.to_string()}]);
    let zones = [
        zone("403", json!({"speaksFor": ["403", "exposed"], "links": to("exposed", "edge")})),
        zone("exposed", json!({"public": true, "nodes": nodes, "links": to("403", NODE)})),
    ];
    deadline::until("zones", || cluster.apply_all(&zones)).await
}

/// Gives the cluster what is in files, as the pages say.
fn give(cluster: &Cluster, kind: &[&str], files: &[&Path]) -> Result<()> {
    let files: Vec<_> = files.iter().map(|file| format!("--from-file={}", file.display())).collect();
    let mut create = vec!["create"];
    create.extend(kind);
    create.extend(["--namespace", "zoneway", "--dry-run=client", "--output", "yaml"]);
    create.extend(files.iter().map(String::as_str));
    let object = cluster.folder().join("given.yaml");
    fs::write(&object, cluster.kubectl(cluster.admin(), &create)?)?;
    cluster.kubectl(cluster.admin(), &["apply", "--filename", &object.display().to_string()]).map(drop)
}

/// What a sidecar says of itself.
async fn status(sidecar: &Client) -> Result<Value> {
    Ok(serde_json::from_slice(&sidecar.send(&Ask::get("sidecar", "/v1/status")).await?.body)?)
}

async fn until_it_says(sidecar: &Client, state: &str, part: &str) -> Result<()> {
    deadline::until(&format!("{state}: {part}"), || async {
        let all = status(sidecar).await?;
        let told = all.pointer("/outside/0").with_context(|| format!("it tells of no public node: {all}"))?;
        let is_so = text_at(told, "/state") == state && text_at(told, "/message").contains(part);
        ensure!(is_so, "{} {}", text_at(told, "/state"), text_at(told, "/message"));
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_delivers_to_a_public_node_whose_key_was_signed_elsewhere() -> Result<()> {
    let cluster = Cluster::start().await?;
    let ip = Addresses::default().node();
    let [peer, ingress, receives_at] = [address::free(ip)?, address::free(ip)?, address::free(ip)?];
    let authority = cluster.folder().join("authority");
    pki::init(&authority)?;
    let (certificate, key) = pki::issue(&authority, "403", NODE)?;
    let ca = authority.join("ca.pem");

    let chart = zoneway_tests::artefact::repository().join("deploy/chart").display().to_string();
    let mut install: Vec<String> =
        ["install", "zoneway", &chart, "--create-namespace"].map(str::to_owned).into();
    install.extend(REQUIRED.iter().map(|argument| (*argument).to_owned()));
    install.push("--set".to_owned());
    install.push(format!(
        "settings.ingress={{{ingress}}},publicNodes.enabled=true,publicNodes.places.edge={receives_at}"
    ));
    helm(&cluster, install).await?;
    give(&cluster, &["secret", "generic", "zoneway-peers"], &[&ca, &certificate, &key])?;
    household(&cluster, peer).await?;

    // A node holds the lease that no public node lets in.
    let lease = json!({"lease": {"namespace": "zoneway", "name": "zoneway"}});
    let mut attic =
        Lone::start(&cluster, "attic", &cluster.kubeconfig(cluster.admin())?, &json!({}), &lease)?;
    deadline::until("the lease to be held", || async {
        let lease = Name::of("coordination.k8s.io/v1", "Lease", "zoneway", "zoneway");
        let holder = cluster.get(&lease).await?;
        ensure!(text_at(&holder, "/spec/holderIdentity").starts_with("attic_"), "{holder}");
        Ok(())
    })
    .await?;
    let pod = Pod::prepare(&cluster, NODE, &cluster.folder().join("pod")).await?;
    let listens = address::free(ip)?;
    pod.configure("", "listen", json!(listens.to_string()))?;
    let mut sidecar = pod.sidecar()?;
    let told = Client::new(listens, Protocol::Http1);

    // On the machine with the authority: the release's own configuration, and a kubeconfig.
    let config = cluster.get(&Name::of("v1", "ConfigMap", "zoneway", "zoneway")).await?;
    let run = cluster.folder().join("run.yaml");
    fs::write(&run, text_at(&config, "/data/run.yaml"))?;
    let kubeconfig = cluster.kubeconfig(cluster.admin())?;
    let folder = cluster.folder().join("bundle");
    let bundle = Bundle::make_with(&run, "edge", receives_at, folder, |bundle| {
        bundle.env("KUBECONFIG", &kubeconfig).arg("--ca").arg(&ca)
    })?;
    let mut machine = bundle.install()?;
    let there = bundle.root().join("var/lib/zoneway/certificates");
    let request = there.join("edge.csr");
    deadline::until("its request", || async {
        ensure!(request.exists(), "it is not there");
        Ok(())
    })
    .await?;
    until_it_says(&told, "stranger", "zoneway pki issue --request").await?;
    sidecar.alive()?;

    let request = request.display().to_string();
    pki::run(&authority, &["issue", "--request", &request, "--zone", "exposed", "--node", "edge"])?;
    let signed = authority.join("edge.pem");
    give(&cluster, &["configmap", "zoneway-public-nodes"], &[&signed])?;
    pod.mount(&cluster)?;
    let edge = Client::new(ingress, Protocol::Http1);
    let knows = async |host: &str, but: &str| {
        // At home no Envoy runs: what its table names is looked for there.
        deadline::until(&format!("the public node to know {host}"), || async {
            for (host, status) in [(host, 503), (but, 404)] {
                let answer = edge.get(host, "/").await?;
                ensure!(answer.status == status, "{host}: {}", answer.status);
            }
            Ok(())
        })
        .await
    };
    knows("notes.example", "more.example").await?;
    until_it_says(&told, "delivered", "what it is to have").await?;
    cluster.apply_all(&[objects::ingress("web", "more", "more.example", "notes")]).await?;
    knows("more.example", "last.example").await?;

    // Its certificate is renewed there too, for the same key.
    pki::run(&authority, &["renew", "--node", "edge"])?;
    give(&cluster, &["configmap", "zoneway-public-nodes"], &[&signed])?;
    pod.mount(&cluster)?;
    deadline::until("the new certificate", || async {
        let has = fs::read_to_string(there.join("edge.pem"))?;
        ensure!(has == fs::read_to_string(&signed)?, "it has the old one");
        Ok(())
    })
    .await?;
    until_it_says(&told, "delivered", "what it is to have").await?;
    attic.status().await?;
    machine.alive()
}
