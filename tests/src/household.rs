//! Several nodes on one machine, as a site file describes them: a real Envoy, a sidecar and demonstration services for
//! each, mutual TLS between them, and nothing left when it is dropped.
//!
//! The site file is a template (see [`places`]): `${studtop.peer}` and `${studtop.ingress…}` are Envoy's listeners,
//! `${studtop.free…}` stays free for the test itself, and at any other `${NODE.NAME}` a service of that name answers.

pub mod home;
pub mod node;
pub mod pki;
pub mod places;
pub mod sites;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::artefact::Filter;
use crate::client::{Client, Protocol};
use crate::namespace::{self, Namespace};
use crate::service::{Running, Service};
use crate::{address, artefact, deadline, process};
use node::Node;
use places::Places;

/// The nodes of one site, running.
#[derive(Debug)]
pub struct Household {
    nodes: BTreeMap<String, Node>,
    services: BTreeMap<SocketAddr, Running>,
    /// Every address in use.
    pub places: Places,
    site: Value,
    sequence: u64,
    filter: Filter,
    folder: TempDir,
}

impl Household {
    /// Starts every node of a site, and waits until each serves its table.
    ///
    /// # Errors
    /// A program is missing, refuses, ends, or is not ready in time.
    pub async fn start(template: &str) -> Result<Self> {
        Self::start_with(artefact::filter()?, template).await
    }

    /// The same with this build of the filter, whichever the run tests.
    ///
    /// # Errors
    /// As [`Household::start`].
    pub async fn start_with(filter: Filter, template: &str) -> Result<Self> {
        let mut household = Self::prepare_with(filter, template).await?;
        for node in household.names() {
            household.start_node(&node)?;
        }
        household.settled().await?;
        Ok(household)
    }

    /// Writes a site with everything that its nodes need (certificates, services, Envoy's configurations), and starts
    /// none of them.
    ///
    /// # Errors
    /// A program is missing or refuses.
    pub async fn prepare(template: &str) -> Result<Self> {
        Self::prepare_with(artefact::filter()?, template).await
    }

    /// The same with this build of the filter, whichever the run tests.
    ///
    /// # Errors
    /// As [`Household::prepare`].
    pub async fn prepare_with(filter: Filter, template: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("zoneway-").tempdir()?;
        let mut household = Self {
            nodes: BTreeMap::new(),
            services: BTreeMap::new(),
            places: Places::new(folder.path().to_path_buf()),
            site: Value::Null,
            sequence: 0,
            filter,
            folder,
        };
        pki::init(household.folder.path())?;
        household.write(template).await?;
        Ok(household)
    }

    /// Replaces the site file, as an editor does, and starts the services that it names anew. Nodes that it names anew are
    /// made ready but not started: [`Household::start_node`]. Wait with [`Household::settled`].
    ///
    /// # Errors
    /// The site is refused.
    pub async fn write(&mut self, template: &str) -> Result<()> {
        let text = self.places.fill(template)?;
        self.site = serde_saphyr::from_str(&text).with_context(|| format!("the site is no YAML:\n{text}"))?;
        let next = self.folder.path().join("site.next");
        fs::write(&next, text)?;
        fs::rename(next, self.site_file())?;
        self.start_services().await?;

        for (zone, public, name) in self.members() {
            if !self.nodes.contains_key(&name) {
                let status = address::free(self.places.ip(&name)?)?;
                let node = Node::new(&name, &zone, public, self.filter, self.folder.path(), status)?;
                pki::issue(self.folder.path(), &zone, &name)?;
                node.render(&self.site_file())?;
                self.nodes.insert(name, node);
            }
        }
        self.sequence += 1;
        for node in self.nodes.values().filter(|node| node.public) {
            let next = node.table_file().with_extension("next");
            fs::write(&next, self.table_text(&node.zone)?)?;
            fs::rename(next, node.table_file())?;
        }
        Ok(())
    }

    /// Moves nodes that do not run yet into another network, with the services that the site names there.
    ///
    /// # Errors
    /// The site has no such node, or a service cannot listen there.
    pub fn move_into(&mut self, namespace: &Namespace, nodes: &[&str]) -> Result<()> {
        for name in nodes {
            self.node(name)?.move_into(namespace);
        }
        for (node, name, address) in service_places(&self.places).filter(|(node, ..)| nodes.contains(node)) {
            let listener = namespace::open(namespace.name(), || std::net::TcpListener::bind(address))?;
            listener.set_nonblocking(true)?;
            let service = Service { name: name.to_owned(), node: node.to_owned(), forward: None };
            self.services.insert(address, service.answer_on(TcpListener::from_std(listener)?));
        }
        Ok(())
    }

    /// Starts a node's Envoy and sidecar.
    ///
    /// # Errors
    /// The site has no such node, or one of them cannot be started.
    pub fn start_node(&mut self, name: &str) -> Result<()> {
        let site = self.site_file();
        let node = self.node(name)?;
        node.start_envoy()?;
        node.start_sidecar(&site)
    }

    /// Waits until every node that the site still has serves its table of it and finds its neighbours healthy.
    ///
    /// # Errors
    /// One does not, in the test's patience, or a program has ended.
    pub async fn settled(&mut self) -> Result<()> {
        let members: Vec<String> = self.members().into_iter().map(|(_, _, name)| name).collect();
        self.settled_nodes(&members.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    /// The same for these nodes alone.
    ///
    /// # Errors
    /// As [`Household::settled`].
    pub async fn settled_nodes(&mut self, names: &[&str]) -> Result<()> {
        for name in names {
            let node = self.nodes.get_mut(*name).with_context(|| format!("the site has no node {name}"))?;
            let text = table_text(&self.folder.path().join("site.yaml"), &node.zone, 0)?;
            let mut table: Value = serde_json::from_str(&text)?;
            table.as_object_mut().map(|table| table.remove("revision"));
            let waited = deadline::until("the node to serve its table", || node.settled(&table)).await;
            node.alive()?;
            waited?;
        }
        Ok(())
    }

    /// The site file.
    #[must_use]
    pub fn site_file(&self) -> PathBuf {
        self.folder.path().join("site.yaml")
    }

    /// The folder of everything.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A node, to look at, kill and start.
    ///
    /// # Errors
    /// The site has none of that name.
    pub fn node(&mut self, name: &str) -> Result<&mut Node> {
        self.nodes.get_mut(name).with_context(|| format!("the site has no node {name}"))
    }

    /// A client of a node's first ingress listener, in HTTP/1.1.
    ///
    /// # Errors
    /// The site has no `${NODE.ingress}`.
    pub fn client(&self, node: &str) -> Result<Client> {
        self.client_of(node, Protocol::Http1)
    }

    /// A client of a node's first ingress listener.
    ///
    /// # Errors
    /// The site has no `${NODE.ingress}`.
    pub fn client_of(&self, node: &str, protocol: Protocol) -> Result<Client> {
        let client = Client::new(self.places.get(&format!("{node}.ingress"))?, protocol);
        Ok(match self.nodes.get(node).and_then(Node::namespace) {
            Some(namespace) => client.inside(namespace),
            None => client,
        })
    }

    /// Stops the services that answer at a place, as a program that has ended.
    ///
    /// # Errors
    /// The site names no such place.
    pub fn stop_service(&mut self, place: &str) -> Result<()> {
        let address = self.places.get(place)?;
        self.services.remove(&address).map(drop).with_context(|| format!("no service answers at {place}"))
    }

    /// How many requests have reached the service at a place.
    ///
    /// # Errors
    /// No service answers there.
    pub fn requests(&self, place: &str) -> Result<u64> {
        let running = self.services.get(&self.places.get(place)?);
        Ok(running.with_context(|| format!("no service answers at {place}"))?.requests())
    }

    /// The table of a zone, as `zoneway table` prints it, with a revision that grows with each edit of the site.
    ///
    /// # Errors
    /// The site is refused.
    pub fn table_text(&self, zone: &str) -> Result<String> {
        table_text(&self.site_file(), zone, self.sequence)
    }

    /// The certificate and key that the household issued to a node.
    #[must_use]
    pub fn identity(&self, node: &str) -> (PathBuf, PathBuf) {
        let file = |kind: &str| self.folder.path().join(format!("{node}.{kind}"));
        (file("pem"), file("key"))
    }

    fn names(&self) -> Vec<String> {
        self.nodes.keys().cloned().collect()
    }

    /// Every node of the site file: its zone, whether that is public, and its name.
    fn members(&self) -> Vec<(String, bool, String)> {
        let mut members = Vec::new();
        for (zone, entry) in object(&self.site, "zones") {
            let public = entry.get("public").is_some_and(|public| public == true);
            for (name, _) in object(entry, "nodes") {
                members.push((zone.clone(), public, name.clone()));
            }
        }
        members
    }

    async fn start_services(&mut self) -> Result<()> {
        for (node, name, address) in service_places(&self.places) {
            if let Entry::Vacant(free) = self.services.entry(address) {
                let service = Service { name: name.to_owned(), node: node.to_owned(), forward: None };
                free.insert(service.start(address).await?);
            }
        }
        Ok(())
    }
}

/// The places where services answer: node, name and address.
fn service_places(places: &Places) -> impl Iterator<Item = (&str, &str, SocketAddr)> {
    let is_reserved = |name: &str| ["peer", "ingress", "free"].iter().any(|word| name.starts_with(word));
    places.iter().filter(move |(_, name, _)| !is_reserved(name))
}

fn table_text(site: &Path, zone: &str, sequence: u64) -> Result<String> {
    let mut command = Command::new(artefact::zoneway()?);
    command.arg("table").arg("--site").arg(site).args(["--zone", zone, "--epoch", "1"]);
    process::output(command.arg("--sequence").arg(sequence.to_string()))
}

fn object<'v>(value: &'v Value, member: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(member).and_then(Value::as_object).into_iter().flatten()
}
