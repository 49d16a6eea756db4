//! What a person decides about a cluster that no object of it says: `source: {cluster: …}` of `run`'s configuration.

use std::collections::BTreeMap;

use serde::Deserialize;
use zoneway_core::authority::{Authority, HostKind};
use zoneway_core::strict;
use zoneway_site::{Site, SiteError, wire};

/// The prefix of all labels and annotations where none is written.
pub(crate) const DEFAULT_PREFIX: &str = "st8s.stuartpb.com";

/// How a cluster is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What stands before the slash of every label and annotation that is read; default `st8s.stuartpb.com`.
    #[serde(default = "default_prefix")]
    pub(crate) prefix: String,
    /// What holds for all zones, as in a site file. `home` has to be written.
    pub(crate) settings: wire::Settings,
    /// Which of a node's addresses is dialled, the first that there is; default `[InternalIP]`.
    #[serde(default = "default_node_addresses")]
    pub(crate) node_addresses: Vec<AddressType>,
    /// The port of every node's peer listener; default 15443.
    #[serde(default = "default_peer_port")]
    pub(crate) peer_port: u16,
    /// The classes of Ingresses and HTTPProxies that are read; default: `contour` and those without a class, as
    /// Contour itself does. An empty name stands for those without one.
    #[serde(default = "default_ingress_classes")]
    pub(crate) ingress_classes: Vec<String>,
    /// The classes of Gateways that are read; default: those whose GatewayClass names a controller of Contour's.
    #[serde(default, deserialize_with = "strict::optional")]
    pub(crate) gateway_classes: Option<Vec<String>>,
    /// Which Pods are the nodes' Envoys: a node without a ready one leaves. Default: every ready node has an Envoy.
    #[serde(default, deserialize_with = "strict::optional")]
    pub(crate) envoys: Option<EnvoyPods>,
}

/// An address of a Node's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum AddressType {
    /// As the cluster dials it.
    #[serde(rename = "InternalIP")]
    Internal,
    /// As the world dials it.
    #[serde(rename = "ExternalIP")]
    External,
}

impl AddressType {
    /// As it stands in a Node.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Internal => "InternalIP",
            Self::External => "ExternalIP",
        }
    }
}

/// The Pods that are the nodes' Envoys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvoyPods {
    /// Their namespace.
    pub(crate) namespace: String,
    /// Their labels.
    #[serde(deserialize_with = "strict::map")]
    pub(crate) labels: BTreeMap<String, String>,
}

impl Settings {
    /// With this home, and all else as it is where nothing is written.
    pub(crate) fn of_home(home: &str) -> Self {
        Self {
            prefix: default_prefix(),
            settings: wire::Settings { home: Some(home.into()), ..wire::Settings::default() },
            node_addresses: default_node_addresses(),
            peer_port: default_peer_port(),
            ingress_classes: default_ingress_classes(),
            gateway_classes: None,
            envoys: None,
        }
    }
}

impl Settings {
    /// The home zone.
    pub(crate) fn home(&self) -> &str {
        self.settings.home.as_ref().map(wire::Name::as_str).unwrap_or_default()
    }

    /// Whether Ingresses and HTTPProxies of a class are read; an empty name stands for those without one.
    pub(crate) fn reads_class(&self, class: &str) -> bool {
        self.ingress_classes.iter().any(|one| one == class)
    }

    /// Every zone that is named here: it is there, whether a node or a Zone has it or not.
    pub(crate) fn zones(&self) -> impl Iterator<Item = &str> {
        let listeners = self.settings.ingress.iter().flatten();
        let of_listeners =
            listeners.flat_map(|listener| [&listener.source_zone, &listener.outside_zone]).flatten();
        let peers = self.settings.peer_authentication.iter().filter_map(|peers| peers.none.as_ref());
        let of_peers = peers.flat_map(|none| &none.zones);
        self.settings.home.iter().chain(of_listeners).chain(of_peers).map(wire::Name::as_str)
    }

    /// Everything that is wrong with these settings, each with its path; checked before an index is made of them.
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut fault = |path: &str, message: String| faults.push((path.to_owned(), message));
        if self.settings.home.is_none() {
            fault("settings.home", "is missing: write the zone of nodes without a zone label".to_owned());
        }
        let prefix = Authority::parse(self.prefix.as_bytes()).filter(|name| name.kind() == HostKind::Name);
        if prefix.is_none_or(|name| name.as_str() != self.prefix) {
            fault(
                "prefix",
                format!("\"{}\" is no prefix of labels: write a DNS name in lower case", self.prefix),
            );
        }
        if self.node_addresses.is_empty() {
            fault("node_addresses", "is empty: write InternalIP, ExternalIP or both in order".to_owned());
        }
        if self.peer_port == 0 {
            fault("peer_port", "is 0: write a number from 1 to 65535".to_owned());
        }
        let zones = self.zones().map(|zone| (zone.to_owned(), wire::Zone::default())).collect();
        let site =
            wire::Site { version: 1, settings: Some(self.settings.clone()), zones, ..wire::Site::default() };
        if let Err(SiteError(wrong)) = Site::try_from(&site) {
            faults.extend(wrong.into_iter().map(|fault| (fault.path, fault.fault.to_string())));
        }
        faults
    }
}

fn default_prefix() -> String {
    DEFAULT_PREFIX.to_owned()
}

fn default_node_addresses() -> Vec<AddressType> {
    vec![AddressType::Internal]
}

const fn default_peer_port() -> u16 {
    zoneway_site::DEFAULT_PEER_PORT
}

fn default_ingress_classes() -> Vec<String> {
    vec!["contour".to_owned(), String::new()]
}
