//! One node: its site file, its Envoy and its sidecar, in a folder of their own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::http;
use super::program::{self, Program, until};

/// A node `a` of the zone `home`, alone or beside others that are not there.
pub(crate) struct Node {
    pub(crate) ingress: SocketAddr,
    pub(crate) peer: SocketAddr,
    pub(crate) service: SocketAddr,
    pub(crate) envoy: Option<Program>,
    pub(crate) sidecar: Option<Program>,
    /// Last: programs print their logs from it when they are dropped.
    pub(crate) folder: TempDir,
}

/// A free port of a loopback address that nobody else asks for a port of: it stays free until it is listened on.
pub(crate) fn free() -> SocketAddr {
    static GIVEN: AtomicU16 = AtomicU16::new(1);
    let process = u8::try_from(1 + std::process::id() % 250).unwrap();
    let [third, fourth] = GIVEN.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    TcpListener::bind((Ipv4Addr::new(127, process, 128 + third, fourth), 0)).unwrap().local_addr().unwrap()
}

impl Node {
    /// A node with a site file and nothing started.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = Self {
            folder,
            ingress: free(),
            peer: free(),
            service: http::service("notes"),
            envoy: None,
            sidecar: None,
        };
        node.write_site(&node.site(&["notes.example"]));
        node.configure("");
        node
    }

    /// A node whose Envoy and sidecar run, and whose workers have all adopted the first table.
    pub(crate) fn started() -> Self {
        let mut node = Self::new();
        node.start_envoy();
        node.start_sidecar(&[]);
        node.until_in_sync();
        node
    }

    /// A site with these hosts, each served here.
    pub(crate) fn site(&self, hosts: &[impl AsRef<str>]) -> String {
        let hosts = hosts.iter().map(|host| format!("  {}: notes\n", host.as_ref())).collect::<String>();
        let hosts = if hosts.is_empty() { String::new() } else { format!("hosts:\n{hosts}") };
        format!(
            "version: 1
settings: {{home: home, domain: example, peer_authentication: {{none: {{zones: [home]}}}}}}
zones:
  home:
    nodes:
      a: {{address: \"{peer}\", listen: \"{peer}\", ingress: [\"{ingress}\"]}}
services:
  notes: {{at: {{a: \"{service}\"}}}}
{hosts}",
            peer = self.peer,
            ingress = self.ingress,
            service = self.service,
        )
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the site as editors do: a new file in the old one's place.
    pub(crate) fn write_site(&self, text: &str) {
        fs::write(self.path("site.yaml.new"), text).unwrap();
        fs::rename(self.path("site.yaml.new"), self.path("site.yaml")).unwrap();
    }

    /// Writes the sidecar's configuration, with more lines where a test needs them.
    pub(crate) fn configure(&self, more: &str) {
        let text = "version: 1
source: {site: site.yaml}
state: state
envoys: [{node: a, run_dir: run}]
listen: 'unix:sidecar.sock'
";
        fs::write(self.path("zoneway.yaml"), format!("{text}{more}\n")).unwrap();
    }

    /// Starts Envoy with two workers from what `zoneway envoy` renders, and waits until it serves.
    pub(crate) fn start_envoy(&mut self) {
        let (site, run, wasm) = (self.path("site.yaml"), self.path("run"), program::wasm());
        let rendered = program::zoneway()
            .args(["envoy", "--node", "a", "--site"])
            .arg(site)
            .arg("--run-dir")
            .arg(run)
            .arg("--wasm")
            .arg(wasm)
            .output()
            .unwrap();
        assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
        fs::write(self.path("envoy.yaml"), rendered.stdout).unwrap();
        self.start_envoy_again();
    }

    /// Starts Envoy from the configuration that is there.
    pub(crate) fn start_envoy_again(&mut self) {
        let mut command = Command::new(program::envoy());
        command.arg("-c").arg(self.path("envoy.yaml"));
        command.args(["--concurrency", "2", "--disable-hot-restart", "-l", "warning"]);
        self.envoy = Some(Program::start("envoy", &mut command, &self.path("envoy.log")));
        until("Envoy's table endpoint", || self.reader());
    }

    pub(crate) fn start_sidecar(&mut self, more: &[&str]) {
        let mut command = program::zoneway();
        command.args(["run", "--config"]).arg(self.path("zoneway.yaml")).args(more);
        self.sidecar = Some(Program::start("sidecar", &mut command, &self.path("sidecar.log")));
    }

    pub(crate) fn sidecar(&mut self) -> &mut Program {
        self.sidecar.as_mut().unwrap()
    }

    pub(crate) fn table_socket(&self) -> PathBuf {
        self.path("run/table.sock")
    }

    /// What the table endpoint says.
    pub(crate) fn reader(&self) -> Result<Value, String> {
        http::get_json(&self.table_socket(), "/v1/status")
    }

    /// What the sidecar says.
    pub(crate) fn status(&self) -> Result<Value, String> {
        http::get_json(&self.path("sidecar.sock"), "/v1/status")
    }

    /// The served revision.
    pub(crate) fn revision(&self) -> Result<(u64, u64), String> {
        let reader = self.reader()?;
        let number = |name: &str| reader["table"]["revision"][name].as_u64().ok_or("no table".to_owned());
        Ok((number("epoch")?, number("sequence")?))
    }

    /// Waits until the sidecar says that every worker has what it wants them to have.
    #[track_caller]
    pub(crate) fn until_in_sync(&self) {
        self.until_state("in_sync");
        // A VM that has never adopted a table is not among those that Envoy reports: two workers and the main thread.
        until("every worker to have a table", || {
            let reader = self.reader()?;
            let adopted = reader["workers"].as_array().into_iter().flatten();
            let adopted = adopted.filter(|worker| worker["revision"] == reader["table"]["revision"]).count();
            if adopted == 3 { Ok(()) } else { Err(reader.to_string()) }
        });
    }

    #[track_caller]
    pub(crate) fn until_state(&self, state: &str) {
        until(state, || {
            let status = self.status()?;
            if status["nodes"][0]["state"] == state { Ok(()) } else { Err(status.to_string()) }
        });
    }

    /// What a client gets here.
    pub(crate) fn ask(&self, host: &str) -> Result<(u16, String), String> {
        http::get(self.ingress, host, "/")
    }

    /// Waits until a host is served, or answers as it should.
    #[track_caller]
    pub(crate) fn until_answers(&self, host: &str, status: u16) {
        until(host, || match self.ask(host)? {
            (found, _) if found == status => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }

    /// A URL for `--to`.
    pub(crate) fn url(&self, socket: &str) -> String {
        format!("unix:{}", self.path(socket).display())
    }

    pub(crate) fn file(&self, name: &str) -> String {
        path_text(&self.path(name))
    }
}

pub(crate) fn path_text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
