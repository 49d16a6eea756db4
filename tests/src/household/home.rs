//! A household whose public nodes hold nothing of it: each is set up by a bundle, and sidecars of gateways deliver what it is
//! to have.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Household;
use super::node::SourceText;
use crate::client::{Client, Protocol};
use crate::home_network::HomeNetwork;
use crate::process::{self, Process};
use crate::{address, artefact, deadline};

/// The household, without its public nodes.
#[derive(Debug)]
pub struct Home {
    /// Its nodes.
    pub household: Household,
    /// The template of its site.
    site: String,
    /// Where each public node's sidecar listens.
    receives_at: BTreeMap<String, SocketAddr>,
    /// The nodes whose sidecars deliver.
    deliverers: Vec<String>,
}

impl Home {
    /// Starts every node but the public ones. The sidecars of `deliverers` deliver.
    ///
    /// # Errors
    /// A program is missing or refuses.
    pub async fn start(site: &str, deliverers: &[&str]) -> Result<Self> {
        let home = Self::prepare(site, deliverers, None).await?;
        home.started()
    }

    /// The same behind a router that lets nobody in. The public node `edge` is where this machine is.
    ///
    /// # Errors
    /// As [`Home::start`].
    pub async fn start_behind(network: &HomeNetwork, site: &str, deliverers: &[&str]) -> Result<Self> {
        let peer = address::free(network.here())?.to_string();
        let site = site.replace("${edge.peer}", &peer);
        let mut home = Self::prepare(&site, deliverers, Some(network)).await?;
        let inside = home.names(false);
        let inside: Vec<_> = inside.iter().map(String::as_str).collect();
        home.household.move_into(network.home(), &inside)?;
        home.started()
    }

    async fn prepare(site: &str, deliverers: &[&str], network: Option<&HomeNetwork>) -> Result<Self> {
        let household = Household::prepare(site).await?;
        let deliverers = deliverers.iter().map(ToString::to_string).collect();
        let mut home = Self { household, site: site.to_owned(), receives_at: BTreeMap::new(), deliverers };
        for edge in home.names(true) {
            let ip = network.map_or_else(|| home.household.places.ip(&edge), |network| Ok(network.here()))?;
            home.receives_at.insert(edge, address::free(ip)?);
        }
        Ok(home)
    }

    fn started(mut self) -> Result<Self> {
        for name in self.names(false) {
            self.household.node(&name)?.start_envoy()?;
            self.start_sidecar(&name)?;
        }
        Ok(self)
    }

    fn names(&self, public: bool) -> Vec<String> {
        let members = self.household.members().into_iter();
        members.filter(|(_, is_public, _)| *is_public == public).map(|(_, _, name)| name).collect()
    }

    /// Starts the sidecar of a node that is not public.
    ///
    /// # Errors
    /// The site has no such node, or it cannot be started.
    pub fn start_sidecar(&mut self, name: &str) -> Result<()> {
        let site = self.household.site_file();
        self.start_sidecar_of(name, &site)
    }

    /// The same with another site file than the household's.
    ///
    /// # Errors
    /// As [`Home::start_sidecar`].
    pub fn start_sidecar_of(&mut self, name: &str, site: &Path) -> Result<()> {
        let folder = self.household.folder().display();
        let places: Vec<_> = self.receives_at.iter().map(|(edge, at)| format!("{edge}: \"{at}\"")).collect();
        let places = places.join(", ");
        let outside = format!(
            "outside: {{ca: {folder}/ca.pem, certificate: \"{folder}/{{node}}.pem\", key: \"{folder}/{{node}}.key\", \
             authority: {folder}, places: {{{places}}}}}",
        );
        let source = format!("{{site: {}}}", site.display());
        let more = if self.deliverers.iter().any(|deliverer| deliverer == name) { &outside } else { "" };
        self.household.node(name)?.start_sidecar_of(&SourceText { source: &source, more })
    }

    /// Changes the site file.
    ///
    /// # Errors
    /// The site is refused.
    pub async fn edit(&mut self, change: impl FnOnce(&str) -> String) -> Result<()> {
        self.site = change(&self.site);
        self.household.write(&self.site).await
    }

    /// Where a public node's sidecar listens.
    ///
    /// # Errors
    /// The site has no such public node.
    pub fn receives_at(&self, edge: &str) -> Result<SocketAddr> {
        self.receives_at.get(edge).copied().with_context(|| format!("there is no public node {edge}"))
    }

    /// Makes a bundle for a public node at the first node that delivers, and unpacks it into a folder of this name.
    ///
    /// # Errors
    /// `zoneway edge bundle` refuses.
    pub fn bundle(&self, edge: &str, name: &str) -> Result<Bundle> {
        let deliverer = self.deliverers.first().context("nobody delivers")?;
        let config = self.household.folder().join(deliverer).join("run.yaml");
        Bundle::make(&config, edge, self.receives_at(edge)?, self.household.folder().join(name))
    }

    /// Waits until a request at the public node `edge` gets home.
    ///
    /// # Errors
    /// It does not within `limit`.
    pub async fn reached(&self, limit: Duration) -> Result<()> {
        deadline::within(limit, "a request to get home", || async {
            self.household.client("edge")?.get("music.stuartpb.com", "/").await?.report().map(drop)
        })
        .await
    }

    /// What a node's sidecar says of a public node.
    ///
    /// # Errors
    /// It does not answer, or knows of none.
    pub async fn told(&self, deliverer: &str, edge: &str) -> Result<Value> {
        let node = self.household.nodes.get(deliverer);
        let at = node.with_context(|| format!("the site has no node {deliverer}"))?.sidecar_at();
        let answer = Client::new(at, Protocol::Http1).get("localhost", "/v1/status").await?;
        let status: Value = serde_json::from_slice(&answer.body)?;
        let nodes = status.get("outside").and_then(Value::as_array).into_iter().flatten();
        let told = nodes.into_iter().find(|node| node["node"] == edge);
        told.cloned().with_context(|| format!("{deliverer} tells of no public node {edge}: {status}"))
    }

    /// Waits for a line of the first deliverer's log.
    ///
    /// # Errors
    /// None has this text in the test's patience.
    pub async fn logged(&mut self, text: &str) -> Result<()> {
        let deliverer = self.deliverers.first().context("nobody delivers")?.clone();
        let sidecar = self.household.node(&deliverer)?.sidecar()?;
        deadline::until("a line of the gateway's sidecar", || async {
            ensure!(sidecar.log().contains(text), "nothing is told of {text:?}");
            Ok(())
        })
        .await
    }
}

/// An unpacked bundle.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
}

impl Bundle {
    /// Makes a bundle for a public node whose sidecar is to listen there, by the configuration of the sidecar that delivers, and
    /// unpacks it into a folder.
    ///
    /// # Errors
    /// `zoneway edge bundle` refuses.
    pub fn make(config: &Path, edge: &str, receives_at: SocketAddr, folder: PathBuf) -> Result<Self> {
        Self::make_with(config, edge, receives_at, folder, |command| command)
    }

    /// The same by a command that is said more.
    ///
    /// # Errors
    /// As [`Bundle::make`].
    pub fn make_with(
        config: &Path,
        edge: &str,
        receives_at: SocketAddr,
        folder: PathBuf,
        more: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let archive = folder.join("edge.tar.gz");
        let filter = artefact::filter()?;
        let mut command = Command::new(artefact::zoneway()?);
        command.args(["edge", "bundle", "--node", edge, "--filter", filter.word(), "--config"]).arg(config);
        command.arg("--output").arg(&archive).args(["--listen", &receives_at.to_string()]);
        match filter {
            artefact::Filter::Wasm => command.arg("--wasm").arg(artefact::wasm()?),
            artefact::Filter::Module => command.arg("--module").arg(artefact::module()?),
        };
        process::output(more(&mut command))?;
        process::output(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(&folder))?;
        Ok(Self { folder })
    }

    /// The folder that it is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder that stands for the root of a machine.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// The gateways that the public node of zone `exposed` may send requests to, as the last delivery that it took has them.
    ///
    /// # Errors
    /// It has none.
    pub fn gateways(&self) -> Result<Vec<String>> {
        let kept = fs::read_to_string(self.root().join("var/lib/zoneway/state/last-good.json"))?;
        let kept: Value = serde_json::from_str(&kept)?;
        let text = kept.get("text").and_then(Value::as_str).context("no text is kept")?;
        let delivery: Value = serde_json::from_str(text)?;
        let gateways = delivery.pointer("/content/table/zones/exposed/links/0/gateways");
        let gateways =
            gateways.and_then(Value::as_array).with_context(|| format!("no gateway: {delivery}"))?;
        Ok(gateways.iter().filter_map(|gateway| Some(gateway.get("node")?.as_str()?.to_owned())).collect())
    }

    /// The whole of it once more, in another folder.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn copy(&self, name: &str) -> Result<Self> {
        let folder = self.folder.with_file_name(name);
        process::output(Command::new("cp").arg("-a").arg(&self.folder).arg(&folder))?;
        Ok(Self { folder })
    }

    /// Sets the public node up with the command of the bundle.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn install(&self) -> Result<Process> {
        let mut command = Command::new(self.folder.join("zoneway-edge/install"));
        command.arg("--root").arg(self.root()).arg("--foreground");
        self.start(&mut command)
    }

    /// What a machine does that starts again.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn restart(&self) -> Result<Process> {
        self.start(&mut Command::new(self.root().join("usr/lib/zoneway/start")))
    }

    fn start(&self, command: &mut Command) -> Result<Process> {
        command.env("ZONEWAY_ENVOY", artefact::envoy()?);
        command.env("ZONEWAY_ENVOY_ARGS", "--concurrency 2 --log-level warning");
        Process::start("the public node", command, &self.folder.join("log"))
    }
}
