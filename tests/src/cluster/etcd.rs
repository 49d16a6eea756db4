//! The store of a cluster. It keeps its data while the API server restarts, in the cluster's folder.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::client::{Ask, Client, Protocol};
use crate::process::Process;
use crate::{address, artefact};

/// A running etcd, of one member.
#[derive(Debug)]
pub(super) struct Etcd {
    at: SocketAddr,
    process: Process,
}

impl Etcd {
    pub(super) fn start(folder: &Path, address: Ipv4Addr) -> Result<Self> {
        let (at, peers) = (address::free(address)?, address::free(address)?);
        let data = folder.join("etcd");
        fs::create_dir_all(&data)?;
        let mut command = Command::new(artefact::cluster("bin/etcd")?);
        command.arg("--data-dir").arg(data).args(["--log-level", "warn"]);
        // What is written must outlive a killed process, not a power cut.
        command.arg("--unsafe-no-fsync");
        command.arg(format!("--listen-client-urls=http://{at}"));
        command.arg(format!("--advertise-client-urls=http://{at}"));
        command.arg(format!("--listen-peer-urls=http://{peers}"));
        command.arg(format!("--initial-advertise-peer-urls=http://{peers}"));
        command.arg(format!("--initial-cluster=default=http://{peers}"));
        let process = Process::start("etcd", &mut command, &folder.join("etcd.log"))?;
        Ok(Self { at, process })
    }

    pub(super) fn at(&self) -> SocketAddr {
        self.at
    }

    pub(super) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Compacts up to now, to the end: when it returns, the old revisions are gone from the disk too.
    pub(super) async fn compact(&self) -> Result<()> {
        let range = self.ask("/v3/kv/range", &json!({"key": "AA=="})).await?;
        let now = range.pointer("/header/revision").and_then(Value::as_str);
        let now = now.context("etcd names no revision")?;
        self.ask("/v3/kv/compaction", &json!({"revision": now, "physical": true})).await.map(drop)
    }

    /// Its API as JSON (etcd's gRPC gateway).
    async fn ask(&self, path: &str, body: &Value) -> Result<Value> {
        let ask = Ask::post("etcd", path, body.to_string()).header("content-type", "application/json");
        let answer = Client::new(self.at, Protocol::Http1).send(&ask).await?;
        ensure!(answer.status == 200, "etcd answered {path} with {answer:?}");
        Ok(serde_json::from_slice(&answer.body)?)
    }
}
