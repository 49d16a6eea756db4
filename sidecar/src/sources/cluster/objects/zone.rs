//! `Zone` (st8s.stuartpb.com/v1alpha1): what of a zone no other object says. Its CRD is generated from here.
//!
//! Every field may be left out: `public: true` alone is a whole zone, and a zone that is only a label on nodes needs no
//! object at all.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::LabelSelector;

/// A zone.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "st8s.stuartpb.com",
    version = "v1alpha1",
    kind = "Zone",
    plural = "zones",
    status = "ZoneStatus",
    category = "zoneway",
    doc = "A group of nodes that can all dial each other: whom it speaks for, which zones it reaches, and what may be \
           exposed to it. A zone that is only a label on nodes needs no such object.",
    printcolumn(name = "Public", type_ = "boolean", json_path = ".spec.public"),
    printcolumn(name = "Nodes", type_ = "integer", json_path = ".status.nodes"),
    printcolumn(name = "Links up", type_ = "integer", json_path = ".status.linksUp"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    ),
    printcolumn(name = "Table", type_ = "string", json_path = ".status.revision", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63")
        .message("a zone's name has 63 characters at most: nodes carry it as a label"),
    validation = Rule::new("!has(self.spec.links) || self.spec.links.all(link, link.to != self.metadata.name)")
        .message("a link goes to another zone")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.public) || !self.public || !has(self.speaksFor) || self.speaksFor.size() == 0")
        .message("a public zone speaks for itself alone: take `speaksFor` or `public` out")
)]
pub(crate) struct ZoneSpec {
    /// Whether it is the public internet's. A public zone speaks for itself alone, and its nodes learn of no host
    /// that is not exposed to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public: Option<bool>,
    /// The source zones whose requests its nodes may pass on; itself alone where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 63)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub(crate) speaks_for: Option<Vec<String>>,
    /// Its machines that are no nodes of the cluster, as an Envoy on a rented address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub(crate) nodes: Vec<ZoneNode>,
    /// The zones that its nodes can reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["to".into()]))]
    pub(crate) links: Vec<ZoneLink>,
    /// What may be exposed to it; everything where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allow: Option<Allow>,
}

/// A machine that is no node of the cluster.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ZoneNode {
    /// Its id: a DNS name in lower case, that no node of the cluster has.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub(crate) name: String,
    /// As its zone's nodes dial it: an IP address or a DNS name, with a port where it is not the usual one.
    #[schemars(length(min = 1, max = 260))]
    pub(crate) address: String,
}

/// A zone that is reached.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.tunnel) || !self.tunnel || !has(self.gateways) || self.gateways.all(gateway, !has(gateway.address))")
        .message("gateways of a tunnel dial in, so they have no address to dial: take `address` or `tunnel` out")
)]
pub(crate) struct ZoneLink {
    /// The zone.
    #[schemars(length(min = 1, max = 63))]
    pub(crate) to: String,
    /// What it costs: of several ways the cheapest is taken. 1 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) cost: Option<u64>,
    /// The nodes of this zone that can use the link; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) egress: Option<LabelSelector>,
    /// The nodes of the target that are dialled; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub(crate) gateways: Option<Vec<Gateway>>,
    /// Whether the gateways have dialled in, so that nobody dials them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tunnel: Option<bool>,
}

/// Gateways: the nodes that a selector selects, or one by name.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.selector) != has(self.node)")
        .message("a gateway is selected by `selector` or named by `node`, one of the two"),
    validation = Rule::new("!has(self.address) || has(self.node)")
        .message("an address is one node's: name it with `node`")
)]
pub(crate) struct Gateway {
    /// Nodes of the target, by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) selector: Option<LabelSelector>,
    /// One node of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub(crate) node: Option<String>,
    /// Where this zone dials it; its own address where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 260))]
    pub(crate) address: Option<String>,
}

/// What may be exposed to a zone. Where both are written, both have to hold.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Allow {
    /// The namespaces whose objects may be; every one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), inner(length(min = 1, max = 63)))]
    pub(crate) namespaces: Option<Vec<String>>,
    /// The hosts that may be: names, `*.suffix` (one label) or `**.suffix` (any); every one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), inner(length(min = 1, max = 256)))]
    pub(crate) hosts: Option<Vec<String>>,
}

/// How a zone is.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ZoneStatus {
    /// How many nodes it has.
    #[serde(default)]
    pub(crate) nodes: i64,
    /// How many links it has.
    #[serde(default)]
    pub(crate) links: i64,
    /// How many have a gateway with an address.
    #[serde(default)]
    pub(crate) links_up: i64,
    /// Which table is its: the first digits of its digest, as `zoneway status` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<String>,
    /// What is to be said of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub(crate) conditions: Vec<ZoneCondition>,
}

/// One thing that is to be said of a zone.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ZoneCondition {
    /// Of what, as `Ready`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// `True`, `False` or `Unknown`.
    pub(crate) status: String,
    /// Why, in one word.
    pub(crate) reason: String,
    /// Why, in a sentence that says what to do.
    pub(crate) message: String,
    /// When the status became what it is (RFC 3339).
    pub(crate) last_transition_time: String,
}
