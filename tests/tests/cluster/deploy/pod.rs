//! A release's pod on this machine: its containers' programs with the release's own arguments, configuration and rights, and with
//! what its volumes have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use zoneway_tests::artefact;
use zoneway_tests::cluster::{Cluster, Name};
use zoneway_tests::process::{Process, output};

use super::helm::{at, list, text_at};

/// The folders of a pod that are its own.
const OWN: [&str; 5] =
    ["/etc/zoneway", "/etc/envoy", "/run/zoneway", "/run/zoneway-peer", "/var/lib/zoneway"];
/// What the paths of a pod begin with.
const PATHS: [&str; 4] = ["/etc/zoneway", "/etc/envoy", "/run/zoneway", "/var/lib/zoneway"];

/// The processes of a release's pod on a node.
pub(super) struct Pod {
    folder: PathBuf,
    node: String,
    daemon_set: Value,
}

impl Pod {
    /// Takes what the release put into the cluster.
    pub(super) async fn prepare(cluster: &Cluster, node: &str, folder: &Path) -> Result<Self> {
        let daemon_set = cluster.get(&Name::of("apps/v1", "DaemonSet", "zoneway", "zoneway")).await?;
        let config = cluster.get(&Name::of("v1", "ConfigMap", "zoneway", "zoneway")).await?;
        let pod = Self { folder: folder.to_owned(), node: node.to_owned(), daemon_set };
        for name in OWN {
            fs::create_dir_all(pod.place(name))?;
        }
        let config: Value = serde_saphyr::from_str(&pod.here(text_at(&config, "/data/run.yaml")))?;
        fs::write(pod.config(), config.to_string())?;
        // What only a pod has: an account's token at its place.
        let account = cluster.service_account("zoneway", "zoneway").await?;
        pod.configure("/source", "kubeconfig", json!(cluster.kubeconfig(&account)?))?;
        pod.mount(cluster)?;
        Ok(pod)
    }

    /// The file of the sidecar's configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.place("/etc/zoneway/run.yaml")
    }

    /// Where this machine has what is there in the pod.
    pub(super) fn place(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// A text of the pod, with this machine's places for the pod's.
    fn here(&self, text: &str) -> String {
        let of_node = text.replace("$(NODE_NAME)", &self.node);
        PATHS.iter().fold(of_node, |text, path| text.replace(path, &self.place(path).display().to_string()))
    }

    /// Writes a member into the sidecar's configuration.
    pub(super) fn configure(&self, object: &str, member: &str, value: Value) -> Result<()> {
        let mut config: Value = serde_json::from_slice(&fs::read(self.config())?)?;
        let object = config.pointer_mut(object).and_then(Value::as_object_mut);
        object.context("run.yaml is another than it was")?.insert(member.to_owned(), value);
        Ok(fs::write(self.config(), config.to_string())?)
    }

    /// Brings what the sidecar's volumes have now, as the kubelet does.
    pub(super) fn mount(&self, cluster: &Cluster) -> Result<()> {
        let pod = at(&self.daemon_set, "/spec/template/spec");
        for mount in list(self.container("/containers", "zoneway")?, "/volumeMounts") {
            let volume = list(pod, "/volumes").find(|volume| volume["name"] == mount["name"]);
            let volume = volume.context("a mount is of no volume")?;
            let (kind, name) =
                match (text_at(volume, "/secret/secretName"), text_at(volume, "/configMap/name")) {
                    ("", "") | ("", "zoneway") => continue,
                    ("", name) => ("configmap", name),
                    (name, _) => ("secret", name),
                };
            let get = |template: &str| {
                let output = format!("--output=go-template={template}");
                let get = ["get", kind, name, "--namespace", "zoneway", "--ignore-not-found", &output];
                cluster.kubectl(cluster.admin(), &get)
            };
            let folder = self.place(text_at(mount, "/mountPath"));
            fs::create_dir_all(&folder)?;
            for file in get("{{range $name, $_ := .data}}{{$name}}\n{{end}}")?.lines() {
                let text = if kind == "secret" { " | base64decode" } else { "" };
                fs::write(folder.join(file), get(&format!("{{{{index .data \"{file}\"{text}}}}}"))?)?;
            }
        }
        Ok(())
    }

    /// Has its init container's program write Envoy's configuration.
    pub(super) fn render(&self) -> Result<()> {
        let mut render = Command::new(artefact::zoneway()?);
        render.args(self.arguments("/initContainers", "render")?).arg("--wasm").arg(artefact::wasm()?);
        output(&mut render).map(drop)
    }

    fn container(&self, kind: &str, name: &str) -> Result<&Value> {
        let pod = at(&self.daemon_set, "/spec/template/spec");
        let container = list(pod, kind).find(|container| text_at(container, "/name") == name);
        container.with_context(|| format!("the pod has no container {name}"))
    }

    fn arguments(&self, kind: &str, name: &str) -> Result<Vec<String>> {
        let container = self.container(kind, name)?;
        Ok(list(container, "/args").filter_map(Value::as_str).map(|argument| self.here(argument)).collect())
    }

    pub(super) fn envoy(&self) -> Result<Process> {
        let mut envoy = Command::new(artefact::envoy()?);
        envoy.args(self.arguments("/containers", "envoy")?);
        Process::start("Envoy", &mut envoy, &self.folder.join("envoy.log"))
    }

    pub(super) fn sidecar(&self) -> Result<Process> {
        let mut sidecar = Command::new(artefact::zoneway()?);
        sidecar.args(self.arguments("/containers", "zoneway")?);
        Process::start("sidecar", &mut sidecar, &self.folder.join("sidecar.log"))
    }
}

/// A pod of the release that is ready on a node, as the API server has it.
pub(super) fn object(node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "namespace": "zoneway", "name": format!("zoneway-{node}"),
            "labels": {"app.kubernetes.io/name": "zoneway", "app.kubernetes.io/instance": "zoneway"},
        },
        "spec": {"nodeName": node, "containers": [{"name": "envoy", "image": "envoyproxy/envoy"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// Runs helm on a cluster, in the namespace `zoneway`.
pub(super) async fn helm(cluster: &Cluster, arguments: Vec<String>) -> Result<String> {
    let mut helm = Command::new(artefact::cluster("bin/helm")?);
    helm.env("KUBECONFIG", cluster.kubeconfig(cluster.admin())?).env("HOME", cluster.folder());
    helm.args(arguments).args(["--namespace", "zoneway"]);
    tokio::task::spawn_blocking(move || output(&mut helm)).await?
}
