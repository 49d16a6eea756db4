//! The objects that a site is made of, typed, and how they are named.
//!
//! Only the fields that are read stand here, which cost memory as code too. The objects belong to others, so a field that is
//! not known is no error.

mod contour;
mod gateway_api;
mod kubernetes;
mod selector;
mod zone;
pub(crate) mod zone_fields;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;

pub(crate) use contour::{
    HTTPProxy, Include, MatchCondition, ProxyRoute, ProxyService, ProxyTls, TLSCertificateDelegation,
    VirtualHost,
};
pub(crate) use gateway_api::{
    AllowedRoutes, BackendRef, FrontendTls, GRPCRoute, GRPCRouteRule, Gateway, GatewayClass, GatewaySpec,
    GrpcMethodMatch, HTTPRoute, HTTPRouteFilter, HTTPRouteRule, HttpPathMatch, Listener, ListenerTls,
    ParentRef, ReferenceGrant,
};
pub(crate) use kubernetes::{
    Endpoint, EndpointSlice, Ingress, IngressBackend, IngressClass, IngressPath, Namespace, Node, Pod,
    Service, ServicePort,
};
pub(crate) use selector::LabelSelector;
pub(crate) use zone::{Gateway as ZoneGateway, Zone, ZoneCondition, ZoneLink, ZoneSpec, ZoneStatus};

macro_rules! kinds {
    ($($variant:ident: $type:ident, $kind:literal, $group:literal, $version:literal, $plural:literal, $namespaced:literal;)*) => {
        /// A kind of object that is read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Kind {
            $(#[doc = $kind] $variant,)*
        }

        /// An object.
        #[derive(Debug, Clone)]
        pub(crate) enum Object {
            $(#[doc = $kind] $variant(Box<$type>),)*
        }

        impl Kind {
            /// Every kind.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// As `kind` is written in an object.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $kind,)* }
            }

            /// The API group; empty for the core.
            pub(crate) const fn group(self) -> &'static str {
                match self { $(Self::$variant => $group,)* }
            }

            /// The version that is watched.
            pub(crate) const fn version(self) -> &'static str {
                match self { $(Self::$variant => $version,)* }
            }

            /// As the kind is named in a URL and in RBAC.
            pub(crate) const fn plural(self) -> &'static str {
                match self { $(Self::$variant => $plural,)* }
            }

            /// Whether its objects are in a namespace.
            pub(crate) const fn namespaced(self) -> bool {
                match self { $(Self::$variant => $namespaced,)* }
            }

            /// The object of a JSON value.
            ///
            /// # Errors
            /// Where the value is not of this kind's fields and types.
            pub(crate) fn read(self, value: &serde_json::Value) -> Result<Object, ReadError> {
                match self { $(Self::$variant => read::<$type>(value).map(Object::from),)* }
            }
        }

        impl Object {
            /// Its kind.
            pub(crate) const fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)* }
            }

            /// Its name, labels and so on.
            pub(crate) fn metadata(&self) -> &ObjectMeta {
                match self { $(Self::$variant(object) => &object.metadata,)* }
            }

            /// Its name, labels and so on.
            pub(crate) fn metadata_mut(&mut self) -> &mut ObjectMeta {
                match self { $(Self::$variant(object) => &mut object.metadata,)* }
            }
        }

        $(impl From<$type> for Object {
            fn from(object: $type) -> Self {
                Self::$variant(Box::new(object))
            }
        })*
    };
}

kinds! {
    Node: Node, "Node", "", "v1", "nodes", false;
    Namespace: Namespace, "Namespace", "", "v1", "namespaces", false;
    Pod: Pod, "Pod", "", "v1", "pods", true;
    Service: Service, "Service", "", "v1", "services", true;
    EndpointSlice: EndpointSlice, "EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", true;
    Ingress: Ingress, "Ingress", "networking.k8s.io", "v1", "ingresses", true;
    IngressClass: IngressClass, "IngressClass", "networking.k8s.io", "v1", "ingressclasses", false;
    HttpProxy: HTTPProxy, "HTTPProxy", "projectcontour.io", "v1", "httpproxies", true;
    TlsCertificateDelegation: TLSCertificateDelegation, "TLSCertificateDelegation", "projectcontour.io", "v1",
        "tlscertificatedelegations", true;
    GatewayClass: GatewayClass, "GatewayClass", "gateway.networking.k8s.io", "v1", "gatewayclasses", false;
    Gateway: Gateway, "Gateway", "gateway.networking.k8s.io", "v1", "gateways", true;
    HttpRoute: HTTPRoute, "HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes", true;
    GrpcRoute: GRPCRoute, "GRPCRoute", "gateway.networking.k8s.io", "v1", "grpcroutes", true;
    ReferenceGrant: ReferenceGrant, "ReferenceGrant", "gateway.networking.k8s.io", "v1beta1", "referencegrants", true;
    Zone: Zone, "Zone", "st8s.stuartpb.com", "v1alpha1", "zones", false;
}

/// Why a value is no object of its kind.
#[derive(Debug, thiserror::Error)]
#[error("{}{source}{}", if .path == "." { String::new() } else { format!("{}: ", .path) }, self.remedy())]
pub(crate) struct ReadError {
    path: String,
    #[source]
    source: serde_json::Error,
}

impl ReadError {
    /// What helps, where that is always the same.
    fn remedy(&self) -> &'static str {
        let is_word =
            ["metadata.annotations.", "metadata.labels."].iter().any(|of| self.path.starts_with(of));
        if is_word { ": put it in quotes" } else { "" }
    }
}

fn read<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T, ReadError> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| ReadError { path: error.path().to_string(), source: error.into_inner() })
}

/// Which object something is about: one piece of memory for all that are about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectRef(Arc<ObjectName>);

/// How an object is named.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectName {
    /// Its kind.
    pub(crate) kind: Kind,
    /// Its namespace, of a kind that has one.
    pub(crate) namespace: Option<Arc<str>>,
    /// Its name.
    pub(crate) name: Box<str>,
    /// Its uid; empty where the API server gave it none.
    pub(crate) uid: Box<str>,
}

impl From<ObjectName> for ObjectRef {
    fn from(name: ObjectName) -> Self {
        Self(Arc::new(name))
    }
}

impl Deref for ObjectRef {
    type Target = ObjectName;

    fn deref(&self) -> &ObjectName {
        &self.0
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind.name(), self.name),
            None => write!(f, "{} {}", self.kind.name(), self.name),
        }
    }
}
