//! What matters of a Node, and of the Pod that is its Envoy.

use std::sync::Arc;

use super::super::super::objects::{Kind, Node, ObjectRef, Pod};
use super::meta::Labels;
use super::{Digester, annotation, created, label};

/// What matters of a Node.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct NodeDigest {
    pub(in super::super) object: ObjectRef,
    /// Seconds since 1970; an object without a date is older than any.
    pub(in super::super) created: i64,
    /// As its label says.
    pub(in super::super) zone: Option<Arc<str>>,
    /// Its annotation, else the first of its addresses of the types that are asked for.
    pub(in super::super) address: Option<Arc<str>>,
    /// Whether its kubelet says that it is.
    pub(in super::super) ready: bool,
    /// Whether it is to serve nothing.
    pub(in super::super) drained: bool,
    /// As its annotation says.
    pub(in super::super) weight: Option<Arc<str>>,
    labels: Labels,
}

impl NodeDigest {
    pub(super) fn of(node: &Node, by: &mut Digester<'_>) -> Self {
        let (metadata, words, settings) = (&node.metadata, by.words, by.settings);
        let status = node.status.as_ref();
        let addresses = || status.and_then(|status| status.addresses.as_deref()).unwrap_or_default();
        let of_type = |name: &str| addresses().iter().find(|address| address.type_ == name);
        let found = || settings.node_addresses.iter().find_map(|wanted| of_type(wanted.name()));
        let address =
            annotation(metadata, &words.address).or_else(|| found().map(|address| address.address.as_str()));
        let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        let ready = match conditions.iter().find(|condition| condition.type_ == "Ready") {
            Some(ready) => ready.status == "True",
            None => by.supposes,
        };
        let drain = annotation(metadata, &words.drain).or_else(|| label(metadata, &words.drain));
        Self {
            zone: label(metadata, &words.zone).map(|zone| by.texts.share(zone)),
            address: address.map(|address| by.texts.share(address.trim())),
            ready,
            drained: drain.is_some_and(|value| value != "false"),
            weight: annotation(metadata, &words.weight).map(|weight| by.texts.share(weight)),
            labels: Labels::of(metadata, by),
            created: created(metadata),
            object: by.object(Kind::Node, metadata),
        }
    }

    /// A label, as a selector wants it.
    pub(in super::super) fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key)
    }
}

/// What matters of a Pod that is a node's Envoy.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct EnvoyDigest {
    pub(in super::super) node: Arc<str>,
    pub(in super::super) ready: bool,
}

impl EnvoyDigest {
    /// `None` for a Pod that is none, or has no node yet.
    pub(super) fn of(pod: &Pod, by: &mut Digester<'_>) -> Option<Self> {
        let envoys = by.settings.envoys.as_ref()?;
        let metadata = &pod.metadata;
        let ours = metadata.namespace.as_deref() == Some(envoys.namespace.as_str())
            && envoys.labels.iter().all(|(name, value)| label(metadata, name) == Some(value.as_str()));
        let node = pod.spec.as_ref()?.node_name.as_deref().filter(|_| ours)?;
        let conditions =
            pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        let ready =
            conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
        Some(Self { node: by.texts.share(node), ready: ready && metadata.deletion_timestamp.is_none() })
    }
}
