//! The files that an Envoy reads while it runs: clusters, their members, and routes.
//!
//! Members always come from a table, whoever wrote it: what the filter names and what Envoy may dial are read off the
//! same thing. Several pictures are put together, so that what an old table still names stays until a new one is
//! adopted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;
use zoneway_core::name::{Address, HostPattern, NodeId, PatternKind, RulePath, ZoneName};
use zoneway_core::table::{Table, wire};
use zoneway_site::{Host, HostPort, Service, Site};

use super::cluster::{
    PEERS, link_cluster, members, registrar_cluster, registrar_cluster_name, service_cluster,
    service_cluster_name, tunnel_clusters, zone_cluster_name,
};
use super::error::Error;
use super::message::response;
use super::route::{Local, LocalHost, routes};
use super::run_folder::XdsFolder;
use super::secrets::{Accepted, NODE, Neighbours};
use super::tls::Identity;
use super::tunnel::Tunnels;
use super::{certificate, identity, peer_authentication, shown, trust, unknown_node};

/// A file as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RenderedFile {
    /// Where it belongs.
    pub(crate) path: PathBuf,
    /// All of it, JSON.
    pub(crate) content: String,
}

/// A site, and the view of it that the node's zone gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Picture<'a> {
    /// All of the site.
    pub(crate) site: &'a Site,
    /// The view of the node's zone.
    pub(crate) table: &'a Table,
}

/// The files of a node whose sidecar knows the site, in the order in which they are to be written.
///
/// The newest picture comes first. Services, hosts and members of older ones stay beside its own; where a path has
/// another service now, that one has it. Give the old picture along until the new table is adopted, then the new one
/// alone.
///
/// # Errors
/// When the newest site has no such node, or does not say safely how nodes know each other: clusters that were checked
/// a moment ago are not to become open ones.
pub(crate) fn site_files(
    pictures: &[Picture<'_>],
    node: &NodeId,
    xds: &XdsFolder,
) -> Result<Vec<RenderedFile>, Error> {
    let Some(newest) = pictures.first() else { return Ok(Vec::new()) };
    let (zone, config) = newest.site.node(node).ok_or_else(|| unknown_node(newest.site, node))?;
    peer_authentication(newest.site, node)?;
    let identity = identity(newest.site, node, xds)?;
    let tunnels = Tunnels::of(newest.site, zone, node, identity.as_ref())?;
    let mut files = Files::new(xds);
    files.secrets.extend(certificate(newest.site, node).map(|certificate| certificate.secret(NODE, xds)));
    files.secrets.extend(shown::secrets(config, node.as_str(), xds));
    let mut services: BTreeMap<&str, (&Service, &[HostPort])> = BTreeMap::new();
    for picture in pictures {
        for (name, service) in picture.site.services() {
            if let Some(served) = service.at.get(node.as_str()) {
                services.entry(name).or_insert((service, &served.addresses));
            }
        }
    }
    let mut local = Local::default();
    let hosts = served_hosts(pictures, |name| services.contains_key(name));
    for picture in pictures {
        add_hosts(&mut local, &hosts, picture.site, newest.site, node);
    }
    for (name, (service, addresses)) in services {
        files.service(name, service, addresses);
    }
    if let Some(identity) = &identity {
        for (whom, accepted) in trust::of_site(newest.site, zone, node) {
            files.secrets.push(identity.accepting(whom, &accepted));
        }
        for (to, nodes) in &tunnels.dialled {
            let accepted = Accepted::nodes(to.as_str(), nodes.iter().map(|(node, _)| node)).collect();
            files.secrets.push(identity.accepting(Neighbours::Nodes(to.as_str()), &accepted));
            let places: Vec<_> = nodes.iter().map(|(_, place)| *place).collect();
            files.registrar(to, &places, identity);
        }
    }
    files.links(pictures.iter().map(|picture| picture.table), zone, node, identity.as_ref());
    Ok(files.finish(Some(&local)))
}

/// The files of a node whose sidecar knows its zone's view alone: the clusters of other nodes, and their members.
///
/// `clusters` is the file of clusters that is there ([`XdsFolder::clusters`]), which `zoneway envoy` wrote: the node's
/// services in it stay as they are. `peers` is the secret that says who this zone's nodes are ([`XdsFolder::peers`]), its
/// too: the authorities that it names are those of every neighbour. Routes and the node's own certificate are left
/// alone. As with [`site_files`], the newest table comes first, and the old one is given along until the new one
/// is adopted.
///
/// # Errors
/// When that file is not one of `zoneway envoy`'s.
pub(crate) fn table_files(
    tables: &[&Table],
    node: &NodeId,
    xds: &XdsFolder,
    clusters: &str,
    peers: &str,
) -> Result<Vec<RenderedFile>, Error> {
    let Some(newest) = tables.first() else { return Ok(Vec::new()) };
    let started: Value = serde_json::from_str(clusters)
        .map_err(|error| Error::Clusters(format!("{} is no JSON: {error}", xds.clusters().display())))?;
    let there = started.get("resources").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let name = |cluster: &Value| cluster.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let cluster = there.iter().find(|cluster| name(cluster) == PEERS);
    let cluster = cluster
        .ok_or_else(|| Error::Clusters(format!("{} has no cluster {PEERS}", xds.clusters().display())))?;
    let identity = match cluster.get("transport_socket") {
        Some(_) => Some(Identity::of_secret(peers, xds).ok_or_else(|| {
            Error::Clusters(format!("{} does not say which authorities are believed", xds.peers().display()))
        })?),
        None => None,
    };
    let mut files = Files::new(xds);
    files.clusters.extend(there.iter().filter(|cluster| !name(cluster).starts_with("zoneway/")).cloned());
    let zone = ZoneName::parse(&newest.wire().view).map_err(|error| Error::Clusters(error.to_string()))?;
    if let Some(identity) = &identity {
        for (whom, accepted) in trust::of_table(newest.wire(), node) {
            files.secrets.push(identity.accepting(whom, &accepted));
        }
    }
    files.links(tables.iter().copied(), &zone, node, identity.as_ref());
    Ok(files.finish(None))
}

/// The files of a public node that home delivers to: the clusters of other nodes and their members, from the tables as in
/// [`table_files`], and beside them what was delivered, the newest first.
///
/// # Errors
/// When what was delivered is none of this program's.
pub(crate) fn delivered_files(
    tables: &[&Table],
    node: &NodeId,
    xds: &XdsFolder,
    delivered: &[&BTreeMap<String, String>],
) -> Result<Vec<RenderedFile>, Error> {
    let name = xds.clusters();
    let name = name.strip_prefix(xds.path()).unwrap_or(&name).to_string_lossy().into_owned();
    // A service that went stays until the table without it is adopted.
    let mut clusters: BTreeMap<String, Value> = BTreeMap::new();
    for files in delivered {
        let document: Value = serde_json::from_str(files.get(&name).map_or("", String::as_str))
            .map_err(|error| Error::Clusters(format!("what home delivered as {name}: {error}")))?;
        for cluster in document.get("resources").and_then(Value::as_array).into_iter().flatten() {
            let name = cluster.get("name").and_then(Value::as_str).unwrap_or_default();
            clusters.entry(name.to_owned()).or_insert_with(|| cluster.clone());
        }
    }
    let clusters = text(&response(clusters.into_values().collect()));
    let peers = xds.peers();
    let peers = peers.strip_prefix(xds.path()).unwrap_or(&peers).to_string_lossy().into_owned();
    let peers = delivered.first().and_then(|files| files.get(&peers)).map_or("", String::as_str);
    let rendered = table_files(tables, node, xds, &clusters, peers)?;
    let mut files: Vec<RenderedFile> = Vec::new();
    for (name, content) in delivered.iter().flat_map(|files| files.iter()) {
        let path = xds.path().join(name);
        if !rendered.iter().chain(&files).any(|file| file.path == path) {
            files.push(RenderedFile { path, content: content.clone() });
        }
    }
    // Routes name clusters: they come last.
    let (routes, mut all): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.path == xds.local_routes());
    all.extend(rendered);
    all.extend(routes);
    Ok(all)
}

/// The hosts that have a service of these in one of the pictures: all others have no route here.
fn served_hosts<'p>(pictures: &[Picture<'p>], is_here: impl Fn(&str) -> bool) -> BTreeSet<&'p HostPattern> {
    let hosts = pictures.iter().flat_map(|picture| picture.site.hosts());
    let has = |host: &Host| host.rules.values().filter_map(|rule| rule.service.as_deref()).any(&is_here);
    hosts.filter(|(_, host)| has(host)).map(|(pattern, _)| pattern).collect()
}

/// The paths of every one of these hosts that has one served here. Of an older picture only those that the newest does not serve
/// here by another route: the newest decides who may ask for those.
///
/// On a public node a path that is served elsewhere and not exposed to its zone is in no file of it either.
fn add_hosts(local: &mut Local, hosts: &BTreeSet<&HostPattern>, site: &Site, newest: &Site, node: &NodeId) {
    let public = site.zone_of(node).filter(|zone| site.zones().get(*zone).is_some_and(|zone| zone.public));
    let wildcards = newest.hosts().iter().filter(|(pattern, _)| pattern.kind() != PatternKind::Exact);
    let wildcards = if std::ptr::eq(site, newest) { Vec::new() } else { wildcards.collect() };
    for (pattern, host) in hosts.iter().filter_map(|pattern| site.hosts().get_key_value(*pattern)) {
        let same = newest.hosts().get_key_value(pattern).filter(|_| !std::ptr::eq(site, newest));
        let newer = || wildcards.iter().copied().filter(|(wider, _)| wider.covers(pattern)).chain(same);
        let mut paths = LocalHost::new();
        for (path, rule) in host.rules.iter() {
            if newer().any(|(_, host)| is_served(newest, host, path, node)) {
                continue;
            }
            let here = site.served_at(rule).any(|(at, _)| at == node);
            let cluster = rule.service.as_deref().filter(|_| here).map(service_cluster_name);
            if cluster.is_some() || public.is_none_or(|zone| rule.exposed_to.contains(zone)) {
                paths.insert(path.clone(), cluster);
            }
        }
        local.add(pattern, paths);
    }
}

/// Whether the rule of a host that answers a path is served here.
fn is_served(site: &Site, host: &Host, path: &RulePath, node: &NodeId) -> bool {
    let covers = |prefix: &str| {
        let rest = path.as_str().strip_prefix(prefix.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let rules = host.rules.iter().filter(|(prefix, _)| covers(prefix.as_str()));
    let rule = rules.max_by_key(|(prefix, _)| prefix.as_str().len());
    rule.is_some_and(|(_, rule)| site.served_at(rule).any(|(at, _)| at == node))
}

/// The files so far.
struct Files<'a> {
    xds: &'a XdsFolder,
    secrets: Vec<RenderedFile>,
    clusters: Vec<Value>,
    members: Vec<RenderedFile>,
}

impl<'a> Files<'a> {
    fn new(xds: &'a XdsFolder) -> Self {
        Self { xds, secrets: Vec::new(), clusters: Vec::new(), members: Vec::new() }
    }

    fn service(&mut self, name: &str, service: &Service, addresses: &[HostPort]) {
        let cluster = service_cluster_name(name);
        let file = self.add_places(&cluster, addresses);
        self.clusters.push(service_cluster(&cluster, service, addresses, &file));
    }

    fn registrar(&mut self, zone: &ZoneName, places: &[&HostPort], identity: &Identity) {
        let file = self.add_places(&registrar_cluster_name(zone), places.iter().copied());
        self.clusters.push(registrar_cluster(zone, places, identity, &file));
    }

    /// The file of a cluster's places. A name that only Envoy resolves is in none, and the cluster has no file then.
    fn add_places<'p>(&mut self, cluster: &str, places: impl IntoIterator<Item = &'p HostPort>) -> PathBuf {
        let known: Option<Vec<_>> =
            places.into_iter().map(|place| Some(SocketAddr::new(place.ip()?, place.port()))).collect();
        if let Some(known) = known {
            self.add_members(cluster, known);
        }
        self.xds.endpoints(cluster)
    }

    /// `zoneway/peers`, and a cluster for every other zone there is, linked or not: a link that is added changes
    /// members alone.
    fn links<'t>(
        &mut self,
        tables: impl Iterator<Item = &'t Table> + Clone,
        zone: &ZoneName,
        node: &NodeId,
        identity: Option<&Identity>,
    ) {
        let views = tables.map(Table::wire).filter(|table| table.view == zone.as_str());
        let peers = views.clone().flat_map(|table| peers_of(table, node)).collect();
        if let Some(identity) = identity {
            let accepted = views.clone().flat_map(|table| trust::peers(table, node)).collect();
            self.secrets.push(identity.accepting(Neighbours::Peers, &accepted));
        }
        self.link(PEERS, Neighbours::Peers, peers, identity);
        let zones: BTreeSet<&str> =
            views.clone().flat_map(|table| table.zones.keys().map(String::as_str)).collect();
        for other in zones.into_iter().filter(|other| *other != zone.as_str()) {
            let newest = views.clone().next();
            if let Some(identity) = identity {
                let accepted = views.clone().flat_map(|table| trust::gateways(table, other, node)).collect();
                self.secrets.push(identity.accepting(Neighbours::Zone(other), &accepted));
            }
            // As the filter sees it: tunnels are for where nothing can be dialled.
            let dial_in = newest.is_some_and(|table| {
                gateways_of(table, other, node).is_empty() && !tunnels_of(table, other, node).is_empty()
            });
            match identity {
                Some(identity) if dial_in => {
                    let gateways = views.clone().flat_map(|table| tunnels_of(table, other, node)).collect();
                    self.clusters.extend(tunnel_clusters(other, &gateways, identity));
                }
                _ => {
                    let gateways = views.clone().flat_map(|table| gateways_of(table, other, node)).collect();
                    self.link(&zone_cluster_name(other), Neighbours::Zone(other), gateways, identity);
                }
            }
        }
    }

    fn link(
        &mut self,
        name: &str,
        servers: Neighbours<'_>,
        addresses: BTreeSet<SocketAddr>,
        identity: Option<&Identity>,
    ) {
        self.add_members(name, addresses);
        self.clusters.push(link_cluster(name, servers, identity, &self.xds.endpoints(name)));
    }

    fn add_members(&mut self, name: &str, addresses: impl IntoIterator<Item = SocketAddr>) {
        let path = self.xds.endpoints(name);
        self.members.push(RenderedFile { path, content: text(&members(name, addresses)) });
    }

    /// Secrets and members before the clusters that read them, clusters before the routes that name them.
    fn finish(self, local: Option<&Local>) -> Vec<RenderedFile> {
        let mut files = self.secrets;
        files.extend(self.members);
        files.push(RenderedFile { path: self.xds.clusters(), content: text(&response(self.clusters)) });
        if let Some(local) = local {
            files.push(RenderedFile { path: self.xds.local_routes(), content: text(&routes(local)) });
        }
        files
    }
}

/// The zone's other nodes.
fn peers_of(table: &wire::Table, node: &NodeId) -> Vec<SocketAddr> {
    let nodes = table.zones.get(&table.view).and_then(|zone| zone.nodes.as_ref());
    let others = nodes.into_iter().flatten().filter(|(id, _)| id.as_str() != node.as_str());
    others.filter_map(|(_, node)| socket_addr(&node.address)).collect()
}

/// The gateways of a zone that this node dials itself.
fn gateways_of(table: &wire::Table, to: &str, node: &NodeId) -> Vec<SocketAddr> {
    used_gateways(table, to, node).filter_map(|gateway| socket_addr(gateway.address.as_deref()?)).collect()
}

/// The gateways of a zone that have dialled in.
fn tunnels_of<'t>(table: &'t wire::Table, to: &str, node: &NodeId) -> Vec<&'t str> {
    let tunnels = used_gateways(table, to, node).filter(|gateway| gateway.tunnel == Some(true));
    tunnels.map(|gateway| gateway.node.as_str()).collect()
}

/// The gateways of a zone, if this node may use the link to it.
pub(super) fn used_gateways<'t>(
    table: &'t wire::Table,
    to: &str,
    node: &NodeId,
) -> impl Iterator<Item = &'t wire::Gateway> {
    let links = table.zones.get(&table.view).and_then(|zone| zone.links.as_ref());
    let uses = |link: &&wire::Link| {
        link.to == to && link.egress.as_ref().is_none_or(|egress| egress.iter().any(|id| id == node.as_str()))
    };
    let links = links.into_iter().flatten().find(uses).into_iter();
    links.filter_map(|link| link.gateways.as_ref()).flatten()
}

/// A table was checked: every address in it is one.
fn socket_addr(address: &str) -> Option<SocketAddr> {
    Some(Address::parse(address).ok()?.socket_addr())
}

fn text(value: &Value) -> String {
    format!("{value:#}\n")
}
