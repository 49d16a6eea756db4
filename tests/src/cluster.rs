//! A real Kubernetes cluster without containers: etcd and kube-apiserver on a loopback address of their own. Nodes are
//! objects that nothing runs on.
//!
//! There is no controller manager: nobody writes EndpointSlices of a Service, collects garbage, or ends a namespace that
//! is deleted. What a test wants of those, it writes. The programs and CRDs come from `tools/cluster/build`.

mod api;
mod api_server;
mod credentials;
mod etcd;
pub mod machine;
pub mod objects;
mod wire;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::address::{self, Addresses};
use crate::process::{self, Process};
use crate::{artefact, deadline};
pub use api::{Api, Name, documents};
use api_server::ApiServer;
pub use credentials::Account;
use credentials::Credentials;
use etcd::Etcd;
pub use wire::Wire;

/// Objects that a cluster may have beside Kubernetes' own kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definitions {
    /// Contour's: HTTPProxy and the like.
    Contour,
    /// The Gateway API's standard channel.
    Gateway,
    /// The Prometheus operator's ServiceMonitor.
    Prometheus,
    /// cert-manager's Certificate.
    CertManager,
}

/// A running cluster. Dropping it ends both programs and leaves nothing.
#[derive(Debug)]
pub struct Cluster {
    // Before etcd, so that it ends first.
    api_server: ApiServer,
    etcd: Etcd,
    admin: Account,
    api: Api,
    credentials: Credentials,
    address: Ipv4Addr,
    folder: TempDir,
}

impl Cluster {
    /// Starts etcd and kube-apiserver, and waits until objects can be written. Some four seconds.
    ///
    /// # Errors
    /// The programs are not built, end, or are not ready in the test's patience.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// The same with further flags of kube-apiserver: with `--watch-cache=false` every watch reads etcd itself, and one
    /// from before a compaction gets 410 Gone.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_with(flags: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("zoneway-cluster-").tempdir()?;
        let address = Addresses::default().node();
        let at = address::free(address)?;
        let credentials = Credentials::write(folder.path(), at)?;
        let admin = credentials.admin();
        let etcd = Etcd::start(folder.path(), address)?;
        let mut api_server = ApiServer::new(folder.path(), at, etcd.at(), flags);
        api_server.start()?;
        let api = Api::new(at, &admin)?;
        let mut cluster = Self { api_server, etcd, admin, api, credentials, address, folder };
        cluster.ready().await?;
        Ok(cluster)
    }

    /// The account that may do everything.
    #[must_use]
    pub fn admin(&self) -> &Account {
        &self.admin
    }

    /// Makes a ServiceAccount, and its namespace where that is missing, and asks for a token of it, as a pod has one. It may do
    /// nothing until a role is bound to it.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<Account> {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"namespace": namespace, "name": name},
        });
        self.api.apply_all(&[objects::namespace(namespace, None), account]).await?;
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
        let answer = self.api.send("POST", &path, "application/json", body.to_string()).await?;
        let answer: Value = api::read(&answer)?;
        let token = answer.pointer("/status/token").and_then(Value::as_str).context("no token was given")?;
        Ok(Account::new(&format!("system:serviceaccount:{namespace}:{name}"), token))
    }

    /// A kubeconfig file of an account.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn kubeconfig(&self, account: &Account) -> Result<PathBuf> {
        self.credentials.kubeconfig(account, self.api_server.at())
    }

    /// A kubeconfig file of an account that reaches the API server through a wire alone.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn kubeconfig_through(&self, account: &Account, wire: &Wire) -> Result<PathBuf> {
        self.credentials.kubeconfig(account, wire.at())
    }

    /// A wire to the API server, which can be cut.
    ///
    /// # Errors
    /// There is no port for it.
    pub async fn wire(&self) -> Result<Wire> {
        Wire::lay(address::free(self.address)?, self.api_server.at()).await
    }

    /// The API as an account sees it, over a connection of its own.
    ///
    /// # Errors
    /// There is none that can be helped.
    pub fn api(&self, account: &Account) -> Result<Api> {
        Api::new(self.api_server.at(), account)
    }

    /// The same through a wire.
    ///
    /// # Errors
    /// As [`Cluster::api`].
    pub fn api_through(&self, account: &Account, wire: &Wire) -> Result<Api> {
        Api::new(wire.at(), account)
    }

    /// Installs the CRDs of a project, as it ships them, and waits until their objects can be written.
    ///
    /// # Errors
    /// One is refused, or not served in the test's patience.
    pub async fn install(&self, definitions: Definitions) -> Result<()> {
        let file = match definitions {
            Definitions::Contour => "crds/contour.yaml",
            Definitions::Gateway => "crds/gateway-api.yaml",
            Definitions::Prometheus => "crds/prometheus-operator.yaml",
            Definitions::CertManager => "crds/cert-manager.yaml",
        };
        let file = artefact::cluster(file)?;
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        self.define(&text).await
    }

    /// Applies a YAML text of CRDs, and waits until their objects can be written.
    ///
    /// # Errors
    /// As [`Cluster::install`].
    pub async fn define(&self, yaml: &str) -> Result<()> {
        let documents = api::documents(yaml)?;
        self.api.apply_all(&documents).await?;
        for document in &documents {
            let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
            for version in document.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten()
            {
                if version.get("served").is_some_and(|served| served == true) {
                    let name = version.get("name").and_then(Value::as_str).unwrap_or_default();
                    let of = format!("{group}/{name}");
                    deadline::until("a CRD to be served", || self.api.list(&of, kind)).await?;
                }
            }
        }
        Ok(())
    }

    /// Applies every document of a YAML text, in its order; see [`Api::apply_all`].
    ///
    /// # Errors
    /// The text is no YAML, or one is refused.
    pub async fn apply(&self, yaml: &str) -> Result<()> {
        self.api.apply_all(&api::documents(yaml)?).await
    }

    /// Applies objects, in their order; see [`Api::apply_all`].
    ///
    /// # Errors
    /// One is refused.
    pub async fn apply_all(&self, objects: &[Value]) -> Result<()> {
        self.api.apply_all(objects).await
    }

    /// Reads an object.
    ///
    /// # Errors
    /// There is none.
    pub async fn get(&self, name: &Name<'_>) -> Result<Value> {
        self.api.get(name).await
    }

    /// Every object of a kind, in all namespaces.
    ///
    /// # Errors
    /// The cluster does not have the kind.
    pub async fn list(&self, api_version: &str, kind: &str) -> Result<Vec<Value>> {
        self.api.list(api_version, kind).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// There is none.
    pub async fn delete(&self, name: &Name<'_>) -> Result<()> {
        self.api.delete(name).await
    }

    /// Runs kubectl as an account and gives what it prints.
    ///
    /// # Errors
    /// It ends with anything but 0.
    pub fn kubectl(&self, account: &Account, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(artefact::cluster("bin/kubectl")?);
        command.env("KUBECONFIG", self.kubeconfig(account)?).env("HOME", self.folder.path());
        process::output(command.args(arguments))
    }

    /// Compacts etcd up to now: what was before can be neither read nor watched.
    ///
    /// # Errors
    /// etcd refuses.
    pub async fn compact(&self) -> Result<()> {
        self.etcd.compact().await
    }

    /// Ends kube-apiserver as a rollout does (SIGTERM), and waits until it is gone.
    ///
    /// # Errors
    /// It does not run.
    pub fn stop_api_server(&mut self) -> Result<()> {
        let status = self.api_server.process()?.stop()?;
        ensure!(status.success(), "kube-apiserver ended with {status}");
        Ok(())
    }

    /// Kills kube-apiserver.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_api_server(&mut self) -> Result<()> {
        self.api_server.process()?.kill().map(drop)
    }

    /// Starts kube-apiserver again at the same address, and waits until it is ready.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub async fn start_api_server(&mut self) -> Result<()> {
        self.api_server.start()?;
        self.ready().await
    }

    /// The kube-apiserver process.
    ///
    /// # Errors
    /// It was never started.
    pub fn api_server(&mut self) -> Result<&mut Process> {
        self.api_server.process()
    }

    /// The etcd process.
    pub fn etcd(&mut self) -> &mut Process {
        self.etcd.process()
    }

    /// The folder of everything.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until the API server says that it is, and has made the namespace that every cluster has.
    async fn ready(&mut self) -> Result<()> {
        let Self { api, etcd, api_server, .. } = self;
        deadline::until("kube-apiserver to be ready", || {
            // One that has ended will not be ready: that is no reason to wait on.
            let ended = etcd.process().alive().and_then(|()| api_server.process()?.alive()).err();
            async {
                if let Some(ended) = ended {
                    return Ok(Err(ended));
                }
                let answer = api.send("GET", "/readyz", "application/json", "").await?;
                ensure!(answer.status == 200, "/readyz answered {}", String::from_utf8_lossy(&answer.body));
                api.get(&Name::cluster("v1", "Namespace", "default")).await?;
                Ok(Ok(()))
            }
        })
        .await?
    }
}
