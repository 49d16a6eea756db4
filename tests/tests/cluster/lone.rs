//! A sidecar whose Envoy is not there yet: as one that has just started, or of which only the reading is of interest.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use zoneway_tests::client::{Ask, Client, Protocol};
use zoneway_tests::cluster::{Cluster, objects};
use zoneway_tests::process::Process;
use zoneway_tests::{address, artefact};

/// A running sidecar.
pub(crate) struct Lone {
    /// Its process.
    pub(crate) process: Process,
    /// The file of its configuration.
    pub(crate) config: PathBuf,
    at: SocketAddr,
}

impl Lone {
    /// Starts the sidecar of a node of zone 403. `more` are further members of `source.cluster`, `beside` of the configuration.
    pub(crate) fn start(
        cluster: &Cluster,
        node: &str,
        kubeconfig: &Path,
        more: &Value,
        beside: &Value,
    ) -> Result<Self> {
        let folder = cluster.folder().join("lone").join(kubeconfig.file_name().context("a file")?).join(node);
        fs::create_dir_all(folder.join("state"))?;
        let at = address::free(Ipv4Addr::LOCALHOST)?;
        let mut source = json!({"settings": {
            "home": "403", "domain": "example", "ingress": ["127.0.0.1:1"],
            "peer_authentication": {"none": {"zones": ["403"]}},
        }});
        for (name, value) in more.as_object().into_iter().flatten() {
            source = objects::with(source, &[name.as_str()], value.clone());
        }
        let mut config = json!({
            "version": 1,
            "source": {"cluster": source, "kubeconfig": kubeconfig},
            "state": folder.join("state"),
            "envoys": [{"node": node, "run_dir": folder.join("run")}],
            "listen": at.to_string(),
        });
        for (name, value) in beside.as_object().into_iter().flatten() {
            config = objects::with(config, &[name.as_str()], value.clone());
        }
        let file = folder.join("run.yaml");
        fs::write(&file, config.to_string())?;
        let mut command = Command::new(artefact::zoneway()?);
        command.arg("run").arg("--config").arg(&file);
        let process = Process::start(&format!("sidecar {node}"), &mut command, &folder.join("log"))?;
        Ok(Self { process, at, config: file })
    }

    /// What it says of itself.
    pub(crate) async fn status(&mut self) -> Result<Value> {
        self.process.alive()?;
        let answer = Client::new(self.at, Protocol::Http1).send(&Ask::get("z", "/v1/status")).await?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// What it says of the cluster.
    pub(crate) async fn cluster(&mut self) -> Result<Value> {
        let status = self.status().await?;
        status.pointer("/source/cluster").cloned().context("it says nothing of a cluster")
    }

    /// Fails unless it has read everything that the cluster has, `ingresses` of them Ingresses, and nothing is wrong.
    pub(crate) async fn has_read(&mut self, ingresses: u64) -> Result<Value> {
        let now = self.cluster().await?;
        for kind in objects::list(&now, "kinds") {
            ensure!(kind.get("objects").is_some() && kind.get("error").is_none(), "{now}");
        }
        let has_them = |kind: &Value| {
            *objects::at(kind, "/kind") == "ingresses.networking.k8s.io"
                && *objects::at(kind, "/objects") == ingresses
        };
        ensure!(objects::list(&now, "kinds").any(has_them), "{now}");
        Ok(now)
    }
}
