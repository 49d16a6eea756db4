//! What is served while Zoneway is taken out: a release on a real API server; Envoy and sidecar started with the release's own
//! arguments, configuration and rights, as its pod starts them; and a client that asks all the while.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use zoneway_tests::address::{self, Addresses};
use zoneway_tests::client::{Ask, Client, Protocol};
use zoneway_tests::cluster::{Cluster, Name, objects};
use zoneway_tests::load::{self, Load};
use zoneway_tests::process::{Process, output};
use zoneway_tests::service::Service;
use zoneway_tests::{artefact, deadline};

use super::documents::collect;
use super::helm::{REQUIRED, at, list, text_at};

const NODE: &str = "studtop";
const HOST: &str = "notes.example";

/// The processes of a release's pod on [`NODE`], on this machine.
struct Pod {
    folder: PathBuf,
    daemon_set: Value,
}

impl Pod {
    /// Takes what the release put into the cluster, and has its init container's program write Envoy's configuration.
    async fn prepare(cluster: &Cluster, folder: &Path) -> Result<Self> {
        let daemon_set = cluster.get(&Name::of("apps/v1", "DaemonSet", "zoneway", "zoneway")).await?;
        let config = cluster.get(&Name::of("v1", "ConfigMap", "zoneway", "zoneway")).await?;
        let mut config: Value = serde_saphyr::from_str(text_at(&config, "/data/run.yaml"))?;
        // What only a pod has: an account's token at its place, and folders that are its own.
        let account = cluster.service_account("zoneway", "zoneway").await?;
        let kubeconfig = cluster.kubeconfig(&account)?;
        for (object, member, place) in [
            ("/source", "kubeconfig", kubeconfig),
            ("", "state", folder.join("state")),
            ("/envoys/0", "run_dir", folder.join("run")),
        ] {
            let object = config.pointer_mut(object).and_then(Value::as_object_mut);
            object.context("run.yaml is another than it was")?.insert(member.to_owned(), json!(place));
        }
        for name in ["state", "run", "envoy"] {
            fs::create_dir_all(folder.join(name))?;
        }
        fs::write(folder.join("run.yaml"), config.to_string())?;
        let pod = Self { folder: folder.to_owned(), daemon_set };
        let mut render = Command::new(artefact::zoneway()?);
        render.args(pod.arguments("/initContainers", "render")?).arg("--wasm").arg(artefact::wasm()?);
        output(&mut render)?;
        Ok(pod)
    }

    /// A container's arguments, with this machine's places for the pod's.
    fn arguments(&self, kind: &str, name: &str) -> Result<Vec<String>> {
        let pod = at(&self.daemon_set, "/spec/template/spec");
        let container = list(pod, kind).find(|container| text_at(container, "/name") == name);
        let container = container.with_context(|| format!("the pod has no container {name}"))?;
        let place = |name: &str| self.folder.join(name).display().to_string();
        let arguments = list(container, "/args").filter_map(Value::as_str).map(|argument| {
            argument
                .replace("$(NODE_NAME)", NODE)
                .replace("/etc/zoneway/run.yaml", &place("run.yaml"))
                .replace("/etc/envoy", &place("envoy"))
                .replace("/run/zoneway", &place("run"))
        });
        Ok(arguments.collect())
    }

    fn envoy(&self) -> Result<Process> {
        let mut envoy = Command::new(artefact::envoy()?);
        envoy.args(self.arguments("/containers", "envoy")?);
        Process::start("Envoy", &mut envoy, &self.folder.join("envoy.log"))
    }

    fn sidecar(&self) -> Result<Process> {
        let mut sidecar = Command::new(artefact::zoneway()?);
        sidecar.args(self.arguments("/containers", "zoneway")?);
        Process::start("sidecar", &mut sidecar, &self.folder.join("sidecar.log"))
    }
}

async fn helm(cluster: &Cluster, arguments: Vec<String>) -> Result<String> {
    let mut helm = Command::new(artefact::cluster("bin/helm")?);
    helm.env("KUBECONFIG", cluster.kubeconfig(cluster.admin())?).env("HOME", cluster.folder());
    helm.args(arguments).args(["--namespace", "zoneway"]);
    tokio::task::spawn_blocking(move || output(&mut helm)).await?
}

/// A cluster with a node, a pod that is ready there, and a host that is served there at an address.
async fn household(cluster: &Cluster, peer: SocketAddr, served: SocketAddr) -> Result<()> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "namespace": "zoneway", "name": "zoneway-studtop",
            "labels": {"app.kubernetes.io/name": "zoneway", "app.kubernetes.io/instance": "zoneway"},
        },
        "spec": {"nodeName": NODE, "containers": [{"name": "envoy", "image": "envoyproxy/envoy"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    });
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
        pod,
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

    let pod = Pod::prepare(&cluster, &cluster.folder().join("pod")).await?;
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
    let kept = pod.folder.join("state/last-good.json");
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
