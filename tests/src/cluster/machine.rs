//! A machine of the cluster: its Node object, and a real Envoy with a sidecar that reads the cluster, as its pod has.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Cluster, objects};
use crate::client::{Ask, Client, Protocol, unix};
use crate::deadline;
use crate::household::node::{Node, SourceText};
use crate::{address, artefact, process};

/// A machine. Its programs end with it.
#[derive(Debug)]
pub struct Machine {
    /// Its programs.
    pub node: Node,
    ingress: SocketAddr,
    source: String,
    more: String,
}

impl Machine {
    /// Makes its Node object, renders its Envoy's configuration from what the cluster has, and starts Envoy and sidecar.
    /// `more`: further lines of the sidecar's configuration.
    ///
    /// # Errors
    /// A program refuses, or is not ready in the test's patience.
    pub async fn start(cluster: &Cluster, name: &str, zone: &str, more: &str) -> Result<Self> {
        let mut machine =
            Self::prepare(cluster, name, zone, &cluster.kubeconfig(cluster.admin())?, more).await?;
        machine.node.start_envoy()?;
        machine.start_sidecar()?;
        machine.node.serving().await?;
        Ok(machine)
    }

    /// The same without starting anything, and with this kubeconfig for the sidecar.
    ///
    /// # Errors
    /// The cluster or `zoneway envoy` refuses.
    pub async fn prepare(
        cluster: &Cluster,
        name: &str,
        zone: &str,
        kubeconfig: &Path,
        more: &str,
    ) -> Result<Self> {
        let loopback = Ipv4Addr::LOCALHOST;
        let (ingress, peer) = (address::free(loopback)?, address::free(loopback)?);
        let status = address::free(loopback)?;
        cluster.apply_all(&[objects::node(name, zone, &peer.to_string())]).await?;
        let node = Node::new(name, zone, false, artefact::filter()?, cluster.folder(), status)?;
        let settings = format!(
            "{{home: \"{zone}\", domain: example, ingress: [\"{ingress}\"], peer_authentication: {{none: {{zones: [\"{zone}\"]}}}}}}"
        );
        let source =
            format!("{{cluster: {{settings: {settings}}}, kubeconfig: \"{}\"}}", kubeconfig.display());
        let machine = Self { node, ingress, source, more: more.to_owned() };
        machine.node.render_of(&SourceText { source: &machine.source, more: "" })?;
        Ok(machine)
    }

    /// Starts its sidecar, anew where it ran before.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_sidecar(&mut self) -> Result<()> {
        self.node.start_sidecar_of(&SourceText { source: &self.source, more: &self.more })
    }

    /// What a client gets here: the status, and who answered.
    ///
    /// # Errors
    /// Nobody answers.
    pub async fn ask(&self, host: &str, path: &str) -> Result<(u16, Option<String>)> {
        let answer = Client::new(self.ingress, Protocol::Http1).send(&Ask::get(host, path)).await?;
        let by = answer.headers.get("x-served-by").and_then(|by| by.to_str().ok()).map(str::to_owned);
        Ok((answer.status, by))
    }

    /// Waits until a host answers so, at every worker.
    ///
    /// # Errors
    /// It does not in the test's patience.
    pub async fn until_answers(&self, host: &str, path: &str, status: u16, by: Option<&str>) -> Result<()> {
        deadline::until(host, || async {
            let got = self.ask(host, path).await?;
            ensure!(got == (status, by.map(str::to_owned)), "{host}{path} answers {got:?}");
            // One worker has answered: the others do so by the table that it had.
            let table = unix::json(&self.node.table_socket(), "/v1/table").await?;
            self.node.adopted(table.get("revision")).await
        })
        .await
    }

    /// A client of its ingress listener.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.ingress, Protocol::Http1)
    }

    /// What its sidecar says of itself.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn status(&self) -> Result<Value> {
        let answer =
            Client::new(self.node.sidecar_at(), Protocol::Http1).send(&Ask::get("z", "/v1/status")).await?;
        serde_json::from_slice(&answer.body).context("/v1/status is no JSON")
    }

    /// One page of its sidecar: the status and the text.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn page(&self, path: &str) -> Result<(u16, String)> {
        let answer = Client::new(self.node.sidecar_at(), Protocol::Http1).send(&Ask::get("z", path)).await?;
        Ok((answer.status, String::from_utf8_lossy(&answer.body).into_owned()))
    }

    /// Waits until every worker of its Envoy serves a table with what `has` asks of it.
    ///
    /// # Errors
    /// They do not in the test's patience.
    pub async fn until_every_worker_has(&mut self, what: &str, has: impl Fn(&Value) -> bool) -> Result<()> {
        self.within_every_worker_has(deadline::PATIENCE, what, has).await
    }

    /// The same with another patience.
    ///
    /// # Errors
    /// They do not within `limit`.
    pub async fn within_every_worker_has(
        &mut self,
        limit: Duration,
        what: &str,
        has: impl Fn(&Value) -> bool,
    ) -> Result<()> {
        let node = &self.node;
        let waited = deadline::within(limit, what, || async {
            let table = unix::json(&node.table_socket(), "/v1/table").await?;
            ensure!(has(&table), "the table is another: {}", hosts(&table).len());
            node.adopted(table.get("revision")).await
        });
        let waited = waited.await;
        self.node.alive()?;
        waited
    }

    /// Its folder of sockets and files.
    #[must_use]
    pub fn run_dir(&self) -> PathBuf {
        self.node.run_dir()
    }
}

/// The hosts of a table.
#[must_use]
pub fn hosts(table: &Value) -> Vec<String> {
    let hosts = table.get("hosts").and_then(Value::as_array).into_iter().flatten();
    hosts.filter_map(|host| host.get("host").and_then(Value::as_str)).map(str::to_owned).collect()
}

/// The nodes of the view's own zone that a host's path `/` is served by.
#[must_use]
pub fn backends(table: &Value, host: &str) -> Vec<String> {
    let hosts = table.get("hosts").and_then(Value::as_array).into_iter().flatten();
    let rules = hosts.filter(|entry| entry.get("host").is_some_and(|name| name == host));
    let rules =
        rules.filter_map(|host| host.pointer("/rules/0/backends").and_then(Value::as_array)).flatten();
    rules.filter_map(|backend| backend.get("node").and_then(Value::as_str)).map(str::to_owned).collect()
}

/// The CRD of `Zone`, as `zoneway schema crd` prints it.
///
/// # Errors
/// The program is not built.
pub fn zone_definition() -> Result<String> {
    process::output(Command::new(artefact::zoneway()?).args(["schema", "crd"]))
}
