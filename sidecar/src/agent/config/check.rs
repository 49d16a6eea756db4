//! What a configuration says, checked: wire in, domain out, every fault on the way with its path.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use zoneway_core::name::{NodeId, ZoneName};

use super::{
    Config, DEFAULT_HOLD, DEFAULT_LEASE, DEFAULT_RECEIVE_PORT, EnvoyPlaces, LeaseName, Listen, Outside,
    Receive, Source, THIS_NODE, XdsPlaces, hold_time, wire,
};
use crate::agent::client::{Identity, TlsFiles};
use crate::agent::endpoint_url::EndpointUrl;
use crate::agent::mounted::Mounted;
use crate::agent::probes::BACK_AFTER;
use crate::agent::table_endpoint::PathError;
use crate::envoy::spiffe_id;
use crate::sources::cluster::access::Access;

/// The configuration, its paths taken from `folder`. `node` is what `{node}` stands for.
///
/// # Errors
/// Every fault that there is.
pub(super) fn checked(
    wire: wire::Config,
    folder: &Path,
    node: Option<&str>,
) -> Result<Config, Vec<PathError>> {
    let mut check = Check { folder, node, faults: Vec::new() };
    match check.config(wire) {
        Some(config) if check.faults.is_empty() => Ok(config),
        _ => Err(check.faults),
    }
}

/// Gathers every fault on the way.
struct Check<'a> {
    folder: &'a Path,
    node: Option<&'a str>,
    faults: Vec<PathError>,
}

impl Check<'_> {
    fn fault(&mut self, path: impl Into<String>, message: impl fmt::Display) {
        self.faults.push(PathError { path: path.into(), message: message.to_string() });
    }

    fn noted<T>(&mut self, path: impl Into<String>, result: Result<T, impl fmt::Display>) -> Option<T> {
        result.map_err(|error| self.fault(path, error)).ok()
    }

    fn config(&mut self, wire: wire::Config) -> Option<Config> {
        if wire.version != 1 {
            self.fault("version", format_args!("is {}: this program reads version 1", wire.version));
        }
        let source = self.source(wire.source);
        let lease = wire.lease.map(|lease| LeaseName {
            namespace: lease.namespace,
            name: lease.name.unwrap_or_else(|| DEFAULT_LEASE.to_owned()),
        });
        if lease.is_some() && !matches!(source, None | Some(Source::Cluster(..))) {
            self.fault("lease", "is of a cluster, and the source is a file: take it out");
        }
        let envoys = self.envoys(wire.envoys);
        let mut listen = Vec::new();
        for (index, text) in wire.listen.0.iter().enumerate() {
            listen.extend(self.listen(&format!("listen[{index}]"), text));
        }
        let hold = wire.shrink.and_then(|shrink| shrink.hold);
        let hold = hold.map_or(Some(DEFAULT_HOLD), |text| self.noted("shrink.hold", hold_time::parse(&text)));
        let back = wire.probes.and_then(|probes| probes.back_after);
        let back_after =
            back.map_or(Some(BACK_AFTER), |text| self.noted("probes.back_after", hold_time::parse(&text)));
        let mut dns_servers = Vec::new();
        for (index, text) in wire.dns.and_then(|dns| dns.servers).unwrap_or_default().iter().enumerate() {
            let remedy = "write ip:port, as in 192.168.86.1:53";
            let server = text.parse::<SocketAddr>().map_err(|_| format!("\"{text}\" is no server: {remedy}"));
            dns_servers.extend(self.noted(format!("dns.servers[{index}]"), server));
        }
        let state = self.folder.join(wire.state);
        let outside = wire.outside.and_then(|outside| self.outside(outside, envoys.first()));
        let source = source?;
        if outside.is_some() && matches!(source, Source::Table(_) | Source::Receive(_)) {
            self.fault("outside", "is for a node that knows the site: take it out");
        }
        if matches!(source, Source::Receive(_))
            && !matches!(&envoys[..], [EnvoyPlaces { files: Some(_), .. }])
        {
            self.fault("envoys", "a public node that receives has one Envoy, with its `run_dir`");
        }
        let certificates = wire.certificates.and_then(|folders| self.certificates(&folders, &envoys));
        Some(Config {
            source,
            state,
            envoys,
            listen,
            hold: hold?,
            dns_servers,
            lease,
            back_after: back_after?,
            outside,
            certificates,
        })
    }

    fn certificates(&mut self, folders: &wire::Certificates, envoys: &[EnvoyPlaces]) -> Option<Mounted> {
        let [from, to] = [&folders.from, &folders.to].map(|folder| self.folder.join(folder));
        if from == to {
            self.fault("certificates.to", "is where they come from: name another folder, which Envoy reads");
            return None;
        }
        Some(Mounted { from, to, nodes: envoys.iter().map(|envoy| envoy.node.clone()).collect() })
    }

    fn envoys(&mut self, written: Vec<wire::Envoy>) -> Vec<EnvoyPlaces> {
        if written.is_empty() {
            self.fault(
                "envoys",
                "is empty: name the Envoys to feed, as in {node: studtop, run_dir: /run/zoneway}",
            );
        }
        let mut seen = BTreeSet::new();
        let mut envoys = Vec::new();
        for (index, mut envoy) in written.into_iter().enumerate() {
            let path = format!("envoys[{index}]");
            if envoy.node == THIS_NODE {
                match self.node {
                    Some(node) => node.clone_into(&mut envoy.node),
                    None => {
                        let remedy = "say which with --node, or in the environment's NODE_NAME";
                        self.fault(format!("{path}.node"), format_args!("is this machine's: {remedy}"));
                        continue;
                    }
                }
            }
            if !seen.insert(envoy.node.clone()) {
                self.fault(
                    format!("{path}.node"),
                    format_args!("node \"{}\" stands twice: keep one", envoy.node),
                );
            }
            envoys.extend(self.envoy(&path, envoy));
        }
        envoys
    }

    fn receive(&mut self, wire: wire::Receive) -> Option<Receive> {
        let at = |name: &str| format!("source.receive.{name}");
        let remedy = "write ip:port, as in 0.0.0.0:15444";
        let listen = wire.listen.parse().map_err(|_| format!("\"{}\" is no address: {remedy}", wire.listen));
        let listen = self.noted(at("listen"), listen);
        let zone = self.noted(at("zone"), ZoneName::parse(&wire.zone));
        let mut gateways = Vec::new();
        for (name, nodes) in &wire.gateways {
            let of = self.noted(at("gateways"), ZoneName::parse(name));
            for node in nodes {
                let node = self.noted(at(&format!("gateways.{name}")), NodeId::parse(node));
                gateways.extend(of.as_ref().zip(node).map(|(of, node)| spiffe_id(&wire.domain, of, &node)));
            }
        }
        if gateways.is_empty() {
            self.fault(at("gateways"), "is empty: name who may deliver, as in {403: [studtop]}");
        }
        Some(Receive {
            listen: listen?,
            domain: wire.domain,
            zone: zone?,
            gateways,
            certificates: self.folder.join(wire.certificates),
            token: wire.token.map(|token| self.folder.join(token)),
        })
    }

    fn outside(&mut self, wire: wire::Outside, own: Option<&EnvoyPlaces>) -> Option<Outside> {
        let own = own.map_or("", |envoy| envoy.node.as_str());
        let folder = self.folder;
        let file = |name: String| folder.join(name.replace(THIS_NODE, own));
        let mut places = BTreeMap::new();
        for (node, place) in wire.places.unwrap_or_default() {
            if let Some(node) = self.noted("outside.places", NodeId::parse(&node)) {
                places.insert(node, place);
            }
        }
        if wire.authority.is_some() && wire.signed.is_some() {
            let why = "what the authority elsewhere has signed is of no use beside an `authority`";
            self.fault("outside.signed", format_args!("{why}: take one of them out"));
        }
        Some(Outside {
            port: wire.port.unwrap_or(DEFAULT_RECEIVE_PORT),
            places,
            ca: file(wire.ca),
            crl: wire.crl.map(file),
            identity: Identity { certificate: file(wire.certificate), key: file(wire.key) },
            authority: wire.authority.map(file),
            signed: wire.signed.map(file),
            folder: folder.to_owned(),
        })
    }

    fn source(&mut self, wire: wire::Source) -> Option<Source> {
        if wire.cluster.is_none() {
            for (name, value) in [("kubeconfig", &wire.kubeconfig), ("context", &wire.context)] {
                if value.is_some() {
                    self.fault(format!("source.{name}"), "goes with `cluster`: take it out");
                }
            }
        }
        match (wire.site, wire.table, wire.cluster, wire.receive) {
            (Some(site), None, None, None) => Some(Source::Site(self.folder.join(site))),
            (None, Some(table), None, None) => Some(Source::Table(self.folder.join(table))),
            (None, None, None, Some(receive)) => {
                self.receive(receive).map(|receive| Source::Receive(Box::new(receive)))
            }
            (None, None, Some(settings), None) => {
                for (path, message) in settings.faults() {
                    self.fault(format!("source.cluster.{path}"), message);
                }
                let kubeconfig = wire.kubeconfig.map(|file| self.folder.join(file));
                Some(Source::Cluster(Box::new(settings), Access { kubeconfig, context: wire.context }))
            }
            _ => {
                let remedy = "name one: `site`, `cluster`, or `receive` (or `table`) on a node that knows its view alone";
                self.fault("source", remedy);
                None
            }
        }
    }

    fn envoy(&mut self, path: &str, wire: wire::Envoy) -> Option<EnvoyPlaces> {
        let node = self.noted(format!("{path}.node"), NodeId::parse(&wire.node));
        let tls = wire.tls.and_then(|tls| self.tls(path, tls));
        let (table, files) = match (wire.run_dir, wire.table) {
            (Some(run_dir), None) => {
                if wire.admin.is_some() || wire.xds.is_some() {
                    self.fault(path, "with `run_dir`, `admin` and `xds` are found there: take them out");
                }
                let folder = self.folder.join(run_dir);
                let admin = EndpointUrl::Unix(folder.join("admin.sock"));
                let files = XdsPlaces { admin, folder: folder.join("xds") };
                (Some(EndpointUrl::Unix(folder.join("table.sock"))), Some(files))
            }
            (None, Some(table)) => {
                let table = self.noted(format!("{path}.table"), EndpointUrl::parse(&table));
                let files = match (wire.admin, wire.xds) {
                    (None, None) => None,
                    (Some(admin), Some(xds)) => self
                        .noted(format!("{path}.admin"), EndpointUrl::parse(&admin))
                        .map(|admin| XdsPlaces { folder: self.folder.join(xds), admin }),
                    _ => {
                        let why =
                            "`xds` and `admin` go together: a table waits until Envoy has what it names";
                        self.fault(path, why);
                        None
                    }
                };
                (table, files)
            }
            _ => {
                self.fault(path, "say where this Envoy is: `run_dir`, or `table` (with `admin` and `xds`)");
                return None;
            }
        };
        let table = table?;
        match (table.is_tls(), &tls) {
            (true, None) => self.fault(format!("{path}.tls"), "https needs `{ca, certificate, key}`"),
            (false, Some(_)) => self.fault(format!("{path}.tls"), "is for https alone: take it out"),
            _ => {}
        }
        Some(EnvoyPlaces { node: node?, table, tls, files })
    }

    fn tls(&mut self, path: &str, wire: wire::Tls) -> Option<TlsFiles> {
        let identity = match (wire.certificate, wire.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(Identity { certificate: self.folder.join(certificate), key: self.folder.join(key) })
            }
            _ => {
                self.fault(format!("{path}.tls"), "`certificate` and `key` go together");
                return None;
            }
        };
        Some(TlsFiles { ca: self.folder.join(wire.ca), identity })
    }

    fn listen(&mut self, path: &str, text: &str) -> Option<Listen> {
        if let Some(socket) = text.strip_prefix("unix:") {
            return Some(Listen::Unix(self.folder.join(socket)));
        }
        let what = || format!("\"{text}\" is no address to listen on: write ip:port or unix:/path");
        self.noted(path, text.parse().map_err(|_| what())).map(Listen::Tcp)
    }
}
