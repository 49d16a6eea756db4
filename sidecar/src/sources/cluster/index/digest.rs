//! What matters of each object, and nothing else of it: a thousandth of its size, and equal when only a heartbeat changed.

pub(super) mod gateway;
pub(super) mod guard;
pub(super) mod http_proxy;
pub(super) mod ingress;
pub(super) mod listener;
pub(super) mod meta;
pub(super) mod node;
pub(super) mod path;
pub(super) mod service;
pub(super) mod slice;
pub(super) mod unreadable;
pub(super) mod zone;

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::objects::{Kind, Object, ObjectName, ObjectRef};
use super::super::settings::Settings;
use super::words::Words;
use super::{Pool, Texts};

/// Digests by `NAMESPACE/NAME`, or `NAME`.
pub(super) type Map<D> = BTreeMap<Arc<str>, D>;

/// Digests of all objects.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) nodes: Map<node::NodeDigest>,
    pub(super) namespaces: Map<meta::NamespaceDigest>,
    pub(super) envoys: Map<node::EnvoyDigest>,
    pub(super) services: Map<service::ServiceDigest>,
    pub(super) slices: Map<slice::SliceDigest>,
    /// The slices of each service: keys of `slices`.
    pub(super) slices_of: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    pub(super) ingresses: Map<ingress::IngressDigest>,
    pub(super) ingress_classes: Map<ingress::ClassDigest>,
    pub(super) proxies: Map<http_proxy::ProxyDigest>,
    pub(super) delegations: Map<http_proxy::DelegationDigest>,
    pub(super) gateway_classes: Map<gateway::ClassDigest>,
    pub(super) gateways: Map<gateway::GatewayDigest>,
    pub(super) routes: Map<gateway::RouteDigest>,
    pub(super) grpc_routes: Map<gateway::RouteDigest>,
    pub(super) grants: Map<gateway::GrantDigest>,
    pub(super) zones: Map<zone::ZoneDigest>,
    /// What cannot be read, by kind and key.
    pub(super) unreadable: BTreeMap<(Kind, Arc<str>), unreadable::UnreadableDigest>,
}

/// What a digest is made with.
pub(super) struct Digester<'a> {
    pub(super) words: &'a Words,
    pub(super) settings: &'a Settings,
    pub(super) supposes: bool,
    pub(super) texts: &'a mut Texts,
    pub(super) backends: &'a mut Pool<[path::Backend]>,
}

impl Digester<'_> {
    pub(super) fn object(&mut self, kind: Kind, metadata: &ObjectMeta) -> ObjectRef {
        let namespace = metadata.namespace.as_deref().map(|namespace| self.texts.share(namespace));
        let name = metadata.name.as_deref().unwrap_or_default().into();
        let uid = metadata.uid.as_deref().unwrap_or_default().into();
        ObjectName { kind, namespace, name, uid }.into()
    }
}

/// The key of an object.
pub(super) fn key_of(namespace: Option<&str>, name: &str) -> String {
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"))
}

/// When an object was made, in seconds since 1970; an object without a date is older than any.
pub(super) fn created(metadata: &ObjectMeta) -> i64 {
    metadata.creation_timestamp.as_ref().map_or(i64::MIN, |time| time.0.as_second())
}

/// An annotation of an object.
pub(super) fn annotation<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    metadata.annotations.as_ref()?.get(name).map(String::as_str)
}

/// A label of an object.
pub(super) fn label<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    metadata.labels.as_ref()?.get(name).map(String::as_str)
}

/// The class of an Ingress or an HTTPProxy: annotations first, as Contour reads it.
pub(super) fn class<'a>(metadata: &'a ObjectMeta, written: Option<&'a str>) -> Option<&'a str> {
    let own = |name| annotation(metadata, name).filter(|class| !class.is_empty());
    own("projectcontour.io/ingress.class")
        .or_else(|| own("kubernetes.io/ingress.class"))
        .or(written.filter(|class| !class.is_empty()))
}

fn put<D: PartialEq>(map: &mut Map<D>, key: &str, digest: D) -> bool {
    match map.get_mut(key) {
        Some(there) if *there == digest => false,
        Some(there) => {
            *there = digest;
            true
        }
        None => map.insert(key.into(), digest).is_none(),
    }
}

impl Store {
    pub(super) fn apply(&mut self, object: &Object, by: &mut Digester<'_>) -> bool {
        let metadata = object.metadata();
        let key = key_of(metadata.namespace.as_deref(), metadata.name.as_deref().unwrap_or_default());
        match object {
            Object::Node(node) => put(&mut self.nodes, &key, node::NodeDigest::of(node, by)),
            Object::Namespace(namespace) => {
                put(&mut self.namespaces, &key, meta::NamespaceDigest::of(namespace, by))
            }
            Object::Pod(pod) => match node::EnvoyDigest::of(pod, by) {
                Some(digest) => put(&mut self.envoys, &key, digest),
                None => self.envoys.remove(key.as_str()).is_some(),
            },
            Object::Service(service) => {
                put(&mut self.services, &key, service::ServiceDigest::of(service, by))
            }
            Object::EndpointSlice(slice) => match slice::SliceDigest::of(slice, by) {
                Some(digest) => self.put_slice(&key, digest),
                None => self.delete_read(Kind::EndpointSlice, &key),
            },
            Object::Ingress(ingress) => {
                put(&mut self.ingresses, &key, ingress::IngressDigest::of(ingress, by))
            }
            Object::IngressClass(class) => {
                put(&mut self.ingress_classes, &key, ingress::ClassDigest::of(class))
            }
            Object::HttpProxy(proxy) => put(&mut self.proxies, &key, http_proxy::ProxyDigest::of(proxy, by)),
            Object::TlsCertificateDelegation(delegation) => {
                put(&mut self.delegations, &key, http_proxy::DelegationDigest::of(delegation))
            }
            Object::GatewayClass(class) => {
                put(&mut self.gateway_classes, &key, gateway::ClassDigest::of(class))
            }
            Object::Gateway(gateway) => {
                put(&mut self.gateways, &key, gateway::GatewayDigest::of(gateway, by))
            }
            Object::HttpRoute(route) => put(&mut self.routes, &key, gateway::RouteDigest::of(route, by)),
            Object::GrpcRoute(route) => {
                put(&mut self.grpc_routes, &key, gateway::RouteDigest::of_grpc(route, by))
            }
            Object::ReferenceGrant(grant) => put(&mut self.grants, &key, gateway::GrantDigest::of(grant)),
            Object::Zone(zone) => put(&mut self.zones, &key, zone::ZoneDigest::of(zone, by)),
        }
    }

    /// An object is there that cannot be read: what was known of it before is not true any more.
    pub(super) fn apply_unreadable(
        &mut self,
        kind: Kind,
        key: &str,
        digest: unreadable::UnreadableDigest,
    ) -> bool {
        // But for a Zone: what it allowed, and that it is public, holds until another word of it can be read.
        let gone = kind != Kind::Zone && self.delete_read(kind, key);
        let place = (kind, Arc::from(key));
        if self.unreadable.get(&place) == Some(&digest) {
            return gone;
        }
        self.unreadable.insert(place, digest);
        true
    }

    fn put_slice(&mut self, key: &str, digest: slice::SliceDigest) -> bool {
        let service = Arc::clone(&digest.service);
        if self.slices.get(key).is_some_and(|there| there.service != service) {
            self.delete_read(Kind::EndpointSlice, key);
        }
        let changed = put(&mut self.slices, key, digest);
        let slices = self.slices_of.entry(service).or_default();
        if let Err(place) = slices.binary_search_by(|there| there.as_ref().cmp(key)) {
            slices.insert(place, key.into());
        }
        changed
    }

    /// Forgets an object. Tells whether it was known, in this way or that.
    pub(super) fn delete(&mut self, kind: Kind, key: &str) -> (bool, bool) {
        (self.delete_read(kind, key), self.unreadable.remove(&(kind, Arc::from(key))).is_some())
    }

    fn delete_read(&mut self, kind: Kind, key: &str) -> bool {
        match kind {
            Kind::Node => self.nodes.remove(key).is_some(),
            Kind::Namespace => self.namespaces.remove(key).is_some(),
            Kind::Pod => self.envoys.remove(key).is_some(),
            Kind::Service => self.services.remove(key).is_some(),
            Kind::EndpointSlice => {
                let Some(slice) = self.slices.remove(key) else { return false };
                if let Some(slices) = self.slices_of.get_mut(&slice.service) {
                    slices.retain(|there| there.as_ref() != key);
                    if slices.is_empty() {
                        self.slices_of.remove(&slice.service);
                    }
                }
                true
            }
            Kind::Ingress => self.ingresses.remove(key).is_some(),
            Kind::IngressClass => self.ingress_classes.remove(key).is_some(),
            Kind::HttpProxy => self.proxies.remove(key).is_some(),
            Kind::TlsCertificateDelegation => self.delegations.remove(key).is_some(),
            Kind::GatewayClass => self.gateway_classes.remove(key).is_some(),
            Kind::Gateway => self.gateways.remove(key).is_some(),
            Kind::HttpRoute => self.routes.remove(key).is_some(),
            Kind::GrpcRoute => self.grpc_routes.remove(key).is_some(),
            Kind::ReferenceGrant => self.grants.remove(key).is_some(),
            Kind::Zone => self.zones.remove(key).is_some(),
        }
    }

    pub(super) fn keys(&self, kind: Kind) -> impl Iterator<Item = Arc<str>> {
        let unreadable = self.unreadable.keys().filter(move |(its, _)| *its == kind);
        self.keys_read(kind).chain(unreadable.map(|(_, key)| Arc::clone(key)))
    }

    fn keys_read(&self, kind: Kind) -> Box<dyn Iterator<Item = Arc<str>> + '_> {
        match kind {
            Kind::Node => Box::new(self.nodes.keys().cloned()),
            Kind::Namespace => Box::new(self.namespaces.keys().cloned()),
            Kind::Pod => Box::new(self.envoys.keys().cloned()),
            Kind::Service => Box::new(self.services.keys().cloned()),
            Kind::EndpointSlice => Box::new(self.slices.keys().cloned()),
            Kind::Ingress => Box::new(self.ingresses.keys().cloned()),
            Kind::IngressClass => Box::new(self.ingress_classes.keys().cloned()),
            Kind::HttpProxy => Box::new(self.proxies.keys().cloned()),
            Kind::TlsCertificateDelegation => Box::new(self.delegations.keys().cloned()),
            Kind::GatewayClass => Box::new(self.gateway_classes.keys().cloned()),
            Kind::Gateway => Box::new(self.gateways.keys().cloned()),
            Kind::HttpRoute => Box::new(self.routes.keys().cloned()),
            Kind::GrpcRoute => Box::new(self.grpc_routes.keys().cloned()),
            Kind::ReferenceGrant => Box::new(self.grants.keys().cloned()),
            Kind::Zone => Box::new(self.zones.keys().cloned()),
        }
    }
}
