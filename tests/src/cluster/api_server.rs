//! kube-apiserver as a program: its flags, and that it can be ended and started again where it was.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::credentials;
use crate::artefact;
use crate::process::Process;

/// A kube-apiserver that runs, or ran.
#[derive(Debug)]
pub(super) struct ApiServer {
    folder: PathBuf,
    at: SocketAddr,
    etcd: SocketAddr,
    flags: Vec<String>,
    process: Option<Process>,
}

impl ApiServer {
    pub(super) fn new(folder: &Path, at: SocketAddr, etcd: SocketAddr, flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self { folder: folder.to_path_buf(), at, etcd, flags, process: None }
    }

    pub(super) fn at(&self) -> SocketAddr {
        self.at
    }

    pub(super) fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("kube-apiserver was not started")
    }

    /// Starts it anew; one that still runs is killed first.
    pub(super) fn start(&mut self) -> Result<()> {
        self.process = None;
        let file = |name: &str| self.folder.join(name).display().to_string();
        let mut command = Command::new(artefact::cluster("bin/kube-apiserver")?);
        command.arg(format!("--etcd-servers=http://{}", self.etcd));
        command.arg(format!("--bind-address={}", self.at.ip()));
        command.arg(format!("--secure-port={}", self.at.port()));
        command.arg(format!("--cert-dir={}", file("certificates")));
        command.arg(format!("--tls-cert-file={}", file(credentials::SERVER_CERTIFICATE)));
        command.arg(format!("--tls-private-key-file={}", file(credentials::SERVER_KEY)));
        command.arg(format!("--token-auth-file={}", file(credentials::TOKENS)));
        command.arg(format!("--service-account-key-file={}", file(credentials::ACCOUNTS_PUBLIC_KEY)));
        command.arg(format!("--service-account-signing-key-file={}", file(credentials::ACCOUNTS_KEY)));
        command.arg("--service-account-issuer=https://kubernetes.default.svc");
        command.arg("--authorization-mode=RBAC");
        command.arg("--service-cluster-ip-range=10.96.0.0/16");
        // No kubelet gives pods their tokens, and no other API server shares the Service `kubernetes`.
        command.args(["--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none"]);
        // What it advertises may not be loopback, and nobody dials it: an address of the documentation's (RFC 5737).
        command.arg("--advertise-address=192.0.2.1");
        command.args(&self.flags);
        let log = self.folder.join("kube-apiserver.log");
        self.process = Some(Process::start("kube-apiserver", &mut command, &log)?);
        Ok(())
    }
}
