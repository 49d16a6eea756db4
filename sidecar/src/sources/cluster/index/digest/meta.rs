//! What is read alike of everything that has hosts, and of namespaces.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::super::objects::{Kind, Namespace, ObjectRef};
use super::super::words::ACME_SOLVER;
use super::{Digester, annotation, created, label};

/// What is read alike of an Ingress, an HTTPProxy and an HTTPRoute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct RouteMeta {
    pub(in super::super) object: ObjectRef,
    /// Seconds since 1970; an object without a date is older than any.
    pub(in super::super) created: i64,
    /// As it is written.
    pub(in super::super) expose_to: Option<Arc<str>>,
    /// As it is written.
    pub(in super::super) prefer: Option<Arc<str>>,
    /// Whether cert-manager made it to solve a challenge.
    pub(in super::super) solver: bool,
    /// An annotation under our prefix that is not read here, as a misspelt one is.
    pub(in super::super) strange: Option<Box<str>>,
}

impl RouteMeta {
    pub(super) fn of(kind: Kind, metadata: &ObjectMeta, by: &mut Digester<'_>) -> Self {
        let words = by.words;
        let mut word = |name: &str| annotation(metadata, name).map(|text| by.texts.share(text));
        let (expose_to, prefer) = (word(&words.expose_to), word(&words.prefer));
        let mut names = metadata.annotations.iter().flatten().map(|(name, _)| name.as_str());
        Self {
            object: by.object(kind, metadata),
            created: created(metadata),
            expose_to,
            prefer,
            solver: label(metadata, ACME_SOLVER) == Some("true"),
            strange: names.find(|name| words.is_strange_on_route(name)).map(Into::into),
        }
    }

    /// The older first; of two of one second, by kind and name.
    pub(in super::super) fn age(&self) -> (i64, &ObjectRef) {
        (self.created, &self.object)
    }

    /// The object's namespace.
    pub(in super::super) fn namespace(&self) -> &str {
        self.object.namespace.as_deref().unwrap_or_default()
    }
}

/// What matters of a Namespace.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct NamespaceDigest {
    pub(in super::super) object: ObjectRef,
    pub(in super::super) expose_to: Option<Arc<str>>,
    /// For Gateways that select namespaces.
    labels: Labels,
}

impl NamespaceDigest {
    pub(super) fn of(namespace: &Namespace, by: &mut Digester<'_>) -> Self {
        let metadata = &namespace.metadata;
        let expose_to = annotation(metadata, &by.words.expose_to).map(|text| by.texts.share(text));
        Self { object: by.object(Kind::Namespace, metadata), expose_to, labels: Labels::of(metadata, by) }
    }

    /// A label, as a selector wants it. Every namespace has its name as one.
    pub(in super::super) fn label(&self, key: &str) -> Option<&str> {
        let named = || (key == "kubernetes.io/metadata.name").then_some(self.object.name.as_ref());
        self.labels.get(key).or_else(named)
    }
}

/// Labels, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Labels(Box<[(Arc<str>, Arc<str>)]>);

impl Labels {
    pub(super) fn of(metadata: &ObjectMeta, by: &mut Digester<'_>) -> Self {
        let labels = metadata.labels.iter().flatten();
        Self(labels.map(|(key, value)| (by.texts.share(key), by.texts.share(value))).collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let place = self.0.binary_search_by(|(name, _)| name.as_ref().cmp(key)).ok()?;
        self.0.get(place).map(|(_, value)| value.as_ref())
    }
}
