//! One node of a household: its Envoy, its sidecar, and what they say of themselves.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::artefact::{self, Filter};
use crate::client::unix;
use crate::deadline;
use crate::namespace::{self, Namespace};
use crate::process::{self, Process};

/// Workers of every Envoy: with one, no test would see what workers do not share.
const CONCURRENCY: &str = "2";

/// A node's programs. They run until they are killed or the node is dropped.
#[derive(Debug)]
pub struct Node {
    /// Its name in the site.
    pub name: String,
    /// Its zone.
    pub zone: String,
    pub(super) public: bool,
    filter: Filter,
    folder: PathBuf,
    status: SocketAddr,
    namespace: Option<String>,
    envoy: Option<Process>,
    sidecar: Option<Process>,
}

/// What a sidecar's configuration says of its source, and whatever else it has to say.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'t> {
    /// The value of `source`.
    pub source: &'t str,
    /// Further lines.
    pub more: &'t str,
}

impl Node {
    pub(crate) fn new(
        name: &str,
        zone: &str,
        public: bool,
        filter: Filter,
        folder: &Path,
        status: SocketAddr,
    ) -> Result<Self> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self {
            name: name.into(),
            zone: zone.into(),
            public,
            filter,
            folder,
            status,
            namespace: None,
            envoy: None,
            sidecar: None,
        })
    }

    /// Its Envoy's folder of sockets and files.
    #[must_use]
    pub fn run_dir(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// The folder where its sidecar keeps its state.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Where its sidecar answers `/metrics`, `/healthz`, `/readyz` and `/v1/status`.
    #[must_use]
    pub fn sidecar_at(&self) -> SocketAddr {
        self.status
    }

    /// The table endpoint of its Envoy.
    #[must_use]
    pub fn table_socket(&self) -> PathBuf {
        self.run_dir().join("table.sock")
    }

    /// The admin of its Envoy.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.run_dir().join("admin.sock")
    }

    /// What its Envoy is started with.
    #[must_use]
    pub fn bootstrap_file(&self) -> PathBuf {
        self.folder.join("envoy.yaml")
    }

    /// The file that its sidecar reads when it knows no more than a table: a public node.
    #[must_use]
    pub fn table_file(&self) -> PathBuf {
        self.folder.join("table.json")
    }

    /// Renders its Envoy's configuration from the site, and gives the file.
    ///
    /// # Errors
    /// `zoneway envoy` refuses.
    pub fn render(&self, site: &Path) -> Result<PathBuf> {
        self.render_with(site, &self.wasm()?)
    }

    /// The build of the Wasm filter that this run tests, where it tests that.
    fn wasm(&self) -> Result<PathBuf> {
        if self.filter == Filter::Wasm { artefact::wasm() } else { Ok(PathBuf::new()) }
    }

    /// The same with this build of the Wasm filter; the native module has no use for it.
    ///
    /// # Errors
    /// As [`Node::render`].
    pub fn render_with(&self, site: &Path, wasm: &Path) -> Result<PathBuf> {
        let mut command = Command::new(artefact::zoneway()?);
        command.arg("envoy").arg("--site").arg(site).args(["--node", &self.name]);
        self.render_by(command, wasm)
    }

    /// Renders its Envoy's configuration from the source of a sidecar's configuration.
    ///
    /// # Errors
    /// `zoneway envoy` refuses.
    pub fn render_of(&self, source: &SourceText<'_>) -> Result<PathBuf> {
        let config = self.configure(source)?;
        let mut command = Command::new(artefact::zoneway()?);
        command.arg("envoy").arg("--config").arg(config).args(["--node", &self.name]);
        self.render_by(command, &self.wasm()?)
    }

    fn render_by(&self, mut command: Command, wasm: &Path) -> Result<PathBuf> {
        command.args(["--filter", self.filter.word()]).arg("--run-dir").arg(self.run_dir());
        if self.filter == Filter::Wasm {
            command.arg("--wasm").arg(wasm);
        }
        let file = self.bootstrap_file();
        fs::write(&file, process::output(&mut command)?)?;
        Ok(file)
    }

    /// Has its programs run in another network from their next start on.
    pub(super) fn move_into(&mut self, namespace: &Namespace) {
        self.namespace = Some(namespace.name().to_owned());
    }

    /// The network that its programs run in, where it is not this machine's own.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Starts its Envoy with what [`Node::render`] left.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_envoy(&mut self) -> Result<()> {
        self.start_envoy_with(&[])
    }

    /// The same with further arguments on its command line.
    ///
    /// # Errors
    /// As [`Node::start_envoy`].
    pub fn start_envoy_with(&mut self, arguments: &[&str]) -> Result<()> {
        let mut command = artefact::envoy_with(self.filter)?;
        command.arg("-c").arg(self.bootstrap_file());
        command.args(["--concurrency", CONCURRENCY, "--disable-hot-restart"]);
        command.args(["--log-level", "warning", "--component-log-level", "wasm:info"]).args(arguments);
        self.envoy = Some(self.start("Envoy", command)?);
        Ok(())
    }

    /// Starts its sidecar: of the site, or on a public node of the table alone.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_sidecar(&mut self, site: &Path) -> Result<()> {
        let source = if self.public {
            format!("{{table: {}}}", self.table_file().display())
        } else {
            format!("{{site: {}}}", site.display())
        };
        self.start_sidecar_of(&SourceText { source: &source, more: "" })
    }

    fn configure(&self, source: &SourceText<'_>) -> Result<PathBuf> {
        let config = self.folder.join("run.yaml");
        let (state, run, status) = (self.state(), self.run_dir(), self.status);
        let text = format!(
            "version: 1\nsource: {}\nstate: {}\nenvoys:\n  - {{node: {}, run_dir: {}}}\nlisten: {status}\nprobes: {{back_after: 2s}}\n{}\n",
            source.source,
            state.display(),
            self.name,
            run.display(),
            source.more,
        );
        fs::create_dir_all(&state)?;
        fs::write(&config, text)?;
        Ok(config)
    }

    /// Starts its sidecar with this source.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_sidecar_of(&mut self, source: &SourceText<'_>) -> Result<()> {
        let config = self.configure(source)?;
        let mut command = Command::new(artefact::zoneway()?);
        command.arg("run").arg("--config").arg(&config);
        self.sidecar = Some(self.start("sidecar", command)?);
        Ok(())
    }

    fn start(&self, what: &str, mut command: Command) -> Result<Process> {
        if let Some(namespace) = &self.namespace {
            command = namespace::enter(namespace, &command);
        }
        let log = self.folder.join(format!("{}.log", what.to_lowercase()));
        Process::start(&format!("{what} of {}", self.name), &mut command, &log)
    }

    /// Its Envoy's process.
    ///
    /// # Errors
    /// It was not started.
    pub fn envoy(&mut self) -> Result<&mut Process> {
        self.envoy.as_mut().with_context(|| format!("{} has no Envoy", self.name))
    }

    /// Its sidecar's process.
    ///
    /// # Errors
    /// It was not started.
    pub fn sidecar(&mut self) -> Result<&mut Process> {
        self.sidecar.as_mut().with_context(|| format!("{} has no sidecar", self.name))
    }

    pub(crate) fn alive(&mut self) -> Result<()> {
        self.envoy.as_mut().map_or(Ok(()), Process::alive)?;
        self.sidecar.as_mut().map_or(Ok(()), Process::alive)
    }

    /// The lines of its access log that have a text in them. They are flushed within a second of their request.
    #[must_use]
    pub fn access_log(&self, text: &str) -> Vec<String> {
        let log = self.envoy.as_ref().map_or_else(String::new, Process::log);
        log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// Waits until a line of its access log has a text in it, and gives the last one that has.
    ///
    /// # Errors
    /// None has in the test's patience.
    pub async fn logged(&self, text: &str) -> Result<String> {
        deadline::until("a line of the access log", || async {
            self.access_log(text).pop().with_context(|| format!("{}: no line has {text:?}", self.name))
        })
        .await
    }

    /// What its table endpoint says of itself.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn table_status(&self) -> Result<Value> {
        unix::json(&self.table_socket(), "/v1/status").await
    }

    /// The value of a counter or gauge of its Envoy, summed over every line that has all the given texts in its name or
    /// tags.
    ///
    /// # Errors
    /// The admin does not answer.
    pub async fn metric(&self, texts: &[&str]) -> Result<u64> {
        let (_, body) = unix::send(&self.admin_socket(), "GET", "/stats/prometheus", "").await?;
        let body = String::from_utf8_lossy(&body).into_owned();
        let lines = body
            .lines()
            .filter(|line| !line.starts_with('#') && texts.iter().all(|text| line.contains(text)));
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Waits until its Envoy serves any table, to every worker.
    ///
    /// # Errors
    /// It does not in the test's patience.
    pub async fn serving(&mut self) -> Result<()> {
        let served = deadline::until("a table to be served", || async {
            let table = unix::json(&self.table_socket(), "/v1/table").await?;
            self.adopted(table.get("revision")).await
        });
        let served = served.await;
        self.alive()?;
        served
    }

    /// Fails unless every worker of its Envoy decides by this revision.
    ///
    /// # Errors
    /// One does not, or the table endpoint does not answer.
    pub async fn adopted(&self, revision: Option<&Value>) -> Result<()> {
        let status = self.table_status().await?;
        let adopters = list(&status, "workers").count();
        ensure!(adopters >= self.filter.adopters(), "{}: {adopters} workers have adopted a table", self.name);
        for worker in list(&status, "workers") {
            ensure!(worker.get("revision") == revision, "{}: a worker is behind: {worker}", self.name);
        }
        Ok(())
    }

    /// Fails unless every worker of its Envoy serves `table` (but for its revision) and every member of zoneway's
    /// clusters is there and healthy.
    pub(super) async fn settled(&self, table: &Value) -> Result<()> {
        let mut served = unix::json(&self.table_socket(), "/v1/table").await?;
        let revision = served.as_object_mut().and_then(|table| table.remove("revision"));
        ensure!(served == *table, "{} does not serve its table yet", self.name);
        self.adopted(revision.as_ref()).await?;
        let clusters = self.clusters().await?;
        for (cluster, members) in clusters.iter().filter(|(cluster, _)| cluster.starts_with("zoneway/")) {
            ensure!(members.values().all(|healthy| *healthy), "{}: in {cluster}: {members:?}", self.name);
        }
        Ok(())
    }

    /// Every cluster of its Envoy, with its members' addresses and whether each is healthy.
    ///
    /// # Errors
    /// The admin does not answer.
    pub async fn clusters(&self) -> Result<BTreeMap<String, BTreeMap<String, bool>>> {
        let document = unix::json(&self.admin_socket(), "/clusters?format=json").await?;
        let mut clusters = BTreeMap::new();
        for cluster in list(&document, "cluster_statuses") {
            let name = cluster.get("name").and_then(Value::as_str).unwrap_or_default();
            let members = list(cluster, "host_statuses").map(|host| (address_of(host), is_healthy(host)));
            clusters.insert(name.to_owned(), members.collect());
        }
        Ok(clusters)
    }
}

fn address_of(host: &Value) -> String {
    let part = |part: &str| host.pointer(&format!("/address/socket_address/{part}"));
    let ip = part("address").and_then(Value::as_str).unwrap_or_default();
    format!("{ip}:{}", part("port_value").and_then(Value::as_u64).unwrap_or_default())
}

fn is_healthy(host: &Value) -> bool {
    host.get("health_status").and_then(Value::as_object).is_some_and(|health| {
        let failed = health.iter().any(|(name, flag)| name != "eds_health_status" && *flag == true);
        !failed && health.get("eds_health_status").is_none_or(|eds| eds == "HEALTHY")
    })
}

fn list<'v>(value: &'v Value, member: &str) -> impl Iterator<Item = &'v Value> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}
