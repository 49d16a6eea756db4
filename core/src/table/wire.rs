//! The zone table's JSON, version 1, as it travels. Nothing here is checked beyond syntax and types.
//!
//! Every field that may be left out is an `Option`, so that what was sent can be told from what it means: the digest
//! of a table is that of the JSON as sent.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::strict::{self, serialized, strictly};

strictly!(object: Table, Revision, Zone, Node, Link, Gateway, Host, Rule, Backend);
strictly!(word: Prefer);
serialized!(Table, Revision, Zone, Node, Link, Gateway, Host, Rule, Backend, Prefer);

/// One zone's view of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Table {
    /// The version of this format: 1.
    pub version: u64,
    /// The revision of the content.
    pub revision: Revision,
    /// The zone whose view this is.
    pub view: String,
    /// Every zone of the site, by name.
    #[serde(deserialize_with = "strict::map")]
    pub zones: BTreeMap<String, Zone>,
    /// The hosts that this zone's nodes answer for.
    pub hosts: Vec<Host>,
}

/// The order of tables: by epoch (a writer), then by sequence (its tables). Not a clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Revision {
    /// The writer's turn.
    pub epoch: u64,
    /// The table's number in that turn.
    pub sequence: u64,
}

impl core::fmt::Display for Revision {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.sequence)
    }
}

/// What a view knows of a zone; of any but its own no more than `public`, `speaks_for` and its links.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Zone {
    /// Whether the zone is the public internet's; default false.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// The nodes of the view's own zone, by id.
    #[serde(default, deserialize_with = "strict::optional_map", skip_serializing_if = "Option::is_none")]
    pub nodes: Option<BTreeMap<String, Node>>,
    /// The zones that this one's nodes can dial.
    #[serde(default, deserialize_with = "strict::optional_list", skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<Link>>,
    /// The source zones whose requests its nodes may pass on; default: its own alone.
    #[serde(default, deserialize_with = "strict::optional_list", skip_serializing_if = "Option::is_none")]
    pub speaks_for: Option<Vec<String>>,
}

/// A node of the view's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Node {
    /// `ip:port`, as this zone's nodes dial it.
    pub address: String,
}

/// Directed reachability.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Link {
    /// The zone that is reached.
    pub to: String,
    /// 1 to 1,000,000; default 1.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub cost: Option<u64>,
    /// The nodes of this zone that can use the link; default: all.
    #[serde(default, deserialize_with = "strict::optional_list", skip_serializing_if = "Option::is_none")]
    pub egress: Option<Vec<String>>,
    /// The nodes of the target to dial.
    #[serde(default, deserialize_with = "strict::optional_list", skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<Gateway>>,
}

/// A node of a link's target that this zone's nodes dial, or that has dialled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Gateway {
    /// The node's id.
    pub node: String,
    /// `ip:port`, as this zone's nodes dial it.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether it has dialled in: a reverse tunnel.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<bool>,
}

/// A host, and who may ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Host {
    /// An exact name, `*.suffix` or `**.suffix`.
    pub host: String,
    /// The source zones that may ask.
    #[serde(deserialize_with = "strict::list")]
    pub exposed_to: Vec<String>,
    /// Whether the machine that was asked serves it, or the zone's machines share; default `node`.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub prefer: Option<Prefer>,
    /// The paths; default none.
    #[serde(default, deserialize_with = "strict::optional_list", skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
}

/// Who serves a host that several machines of a zone run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", remote = "Self")]
pub enum Prefer {
    /// The machine that was asked, where it runs it.
    #[default]
    Node,
    /// All of the zone, by weight.
    Zone,
}

/// A path of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Rule {
    /// A normal absolute path, matched as a prefix at segment borders.
    pub path: String,
    /// A part of the host's; default all of it.
    #[serde(default, deserialize_with = "strict::optional_list", skip_serializing_if = "Option::is_none")]
    pub exposed_to: Option<Vec<String>>,
    /// Where it is served; default nowhere.
    #[serde(default, deserialize_with = "strict::optional_list", skip_serializing_if = "Option::is_none")]
    pub backends: Option<Vec<Backend>>,
}

/// A node of the view's zone, or another zone as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Backend {
    /// A node of the view's zone.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Another zone.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// 0 to 1,000,000, default 1; 0 takes nothing.
    #[serde(default, deserialize_with = "strict::optional", skip_serializing_if = "Option::is_none")]
    pub weight: Option<u64>,
}
