//! Gateway API (gateway.networking.k8s.io): the fields that say which hosts and paths go to which services.

use std::collections::BTreeMap;

use kube::CustomResource;
use serde::{Deserialize, Serialize};

use super::LabelSelector;

/// Who serves the Gateways of this class.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "gateway.networking.k8s.io",
    version = "v1",
    kind = "GatewayClass",
    plural = "gatewayclasses",
    schema = "disabled",
    doc = "Gateway API's GatewayClass, as far as it is read."
)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GatewayClassSpec {
    /// The controller, as `projectcontour.io/gateway-controller`.
    pub(crate) controller_name: String,
}

/// Listeners.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "gateway.networking.k8s.io",
    version = "v1",
    kind = "Gateway",
    plural = "gateways",
    namespaced,
    schema = "disabled",
    doc = "Gateway API's Gateway, as far as it is read."
)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GatewaySpec {
    /// Its class.
    pub(crate) gateway_class_name: String,
    /// Its listeners.
    pub(crate) listeners: Vec<Listener>,
    /// What holds of the TLS of all of them.
    pub(crate) tls: Option<GatewayTls>,
}

/// TLS of a whole Gateway.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GatewayTls {
    /// With clients.
    pub(crate) frontend: Option<FrontendTls>,
}

/// TLS with clients.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FrontendTls {
    /// At every port that has none of its own.
    pub(crate) default: Option<ClientTls>,
    /// At one port.
    pub(crate) per_port: Vec<PortTls>,
}

/// TLS with clients at one port.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PortTls {
    /// The port.
    pub(crate) port: u16,
    /// What holds there.
    pub(crate) tls: Option<ClientTls>,
}

/// What is asked of clients.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ClientTls {
    /// Certificates.
    pub(crate) validation: Option<serde_json::Value>,
}

/// A listener of a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Listener {
    /// Its name, which a route may ask for.
    pub(crate) name: String,
    /// Its hosts; every one where absent.
    pub(crate) hostname: Option<String>,
    /// Its port, which a route may ask for.
    pub(crate) port: u16,
    /// `HTTP`, `HTTPS`, `TLS`, `TCP` or `UDP`.
    pub(crate) protocol: String,
    /// With `HTTPS` and `TLS`: what it shows to clients, and asks of them.
    pub(crate) tls: Option<ListenerTls>,
    /// Which routes may be attached.
    pub(crate) allowed_routes: Option<AllowedRoutes>,
}

/// TLS of a listener.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListenerTls {
    /// `Terminate` (the default) or `Passthrough`.
    pub(crate) mode: Option<String>,
    /// The Secrets of its certificates.
    pub(crate) certificate_refs: Vec<CertificateRef>,
    /// Certificates of clients.
    pub(crate) frontend_validation: Option<serde_json::Value>,
    /// Words of a controller's own.
    pub(crate) options: BTreeMap<String, String>,
}

/// Where a certificate is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CertificateRef {
    /// Its group; the core's where absent.
    pub(crate) group: Option<String>,
    /// Its kind; `Secret` where absent.
    pub(crate) kind: Option<String>,
    /// Its name.
    pub(crate) name: String,
    /// Its namespace; the Gateway's where absent.
    pub(crate) namespace: Option<String>,
}

/// Which routes may be attached to a listener.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AllowedRoutes {
    /// Of which namespaces.
    pub(crate) namespaces: Option<RouteNamespaces>,
    /// Of which kinds; by the protocol where empty.
    pub(crate) kinds: Vec<RouteKind>,
}

/// The namespaces whose routes may be attached.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteNamespaces {
    /// `Same` (the default), `All`, `Selector` or `None`.
    pub(crate) from: Option<String>,
    /// With `Selector`.
    pub(crate) selector: Option<LabelSelector>,
}

/// A kind of route.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteKind {
    /// Its group; Gateway API's where absent.
    pub(crate) group: Option<String>,
    /// Its kind.
    pub(crate) kind: String,
}

/// Hosts and paths.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "gateway.networking.k8s.io",
    version = "v1",
    kind = "HTTPRoute",
    plural = "httproutes",
    namespaced,
    schema = "disabled",
    doc = "Gateway API's HTTPRoute, as far as it is read."
)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HTTPRouteSpec {
    /// The Gateways it is attached to.
    pub(crate) parent_refs: Vec<ParentRef>,
    /// Its hosts; the listener's where empty.
    pub(crate) hostnames: Vec<String>,
    /// What goes where.
    pub(crate) rules: Vec<HTTPRouteRule>,
}

/// Hosts, and methods of gRPC services.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "gateway.networking.k8s.io",
    version = "v1",
    kind = "GRPCRoute",
    plural = "grpcroutes",
    namespaced,
    schema = "disabled",
    doc = "Gateway API's GRPCRoute, as far as it is read."
)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GRPCRouteSpec {
    /// The Gateways it is attached to.
    pub(crate) parent_refs: Vec<ParentRef>,
    /// Its hosts; the listener's where empty.
    pub(crate) hostnames: Vec<String>,
    /// What goes where.
    pub(crate) rules: Vec<GRPCRouteRule>,
}

/// A rule of a gRPC route.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GRPCRouteRule {
    /// One of these has to hold of a request; every request where empty.
    pub(crate) matches: Vec<GRPCRouteMatch>,
    /// What is done besides.
    pub(crate) filters: Vec<HTTPRouteFilter>,
    /// Where it goes.
    pub(crate) backend_refs: Vec<BackendRef>,
}

/// What has to hold of a gRPC request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GRPCRouteMatch {
    /// Of its method; every one where absent.
    pub(crate) method: Option<GrpcMethodMatch>,
    /// Of its headers.
    pub(crate) headers: Vec<serde_json::Value>,
}

/// What has to hold of a gRPC method. Its path is `/SERVICE/METHOD`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GrpcMethodMatch {
    /// `Exact` (the default) or `RegularExpression`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// The service; every one where absent.
    pub(crate) service: Option<String>,
    /// The method; every one of the service where absent.
    pub(crate) method: Option<String>,
}

/// What a route is attached to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ParentRef {
    /// Its group; Gateway API's where absent.
    pub(crate) group: Option<String>,
    /// Its kind; `Gateway` where absent.
    pub(crate) kind: Option<String>,
    /// Its namespace; the route's where absent.
    pub(crate) namespace: Option<String>,
    /// Its name.
    pub(crate) name: String,
    /// One of its listeners, by name.
    pub(crate) section_name: Option<String>,
    /// One of its listeners, by port.
    pub(crate) port: Option<u16>,
}

/// A rule of a route.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HTTPRouteRule {
    /// One of these has to hold of a request; every request where empty.
    pub(crate) matches: Vec<HTTPRouteMatch>,
    /// What is done besides.
    pub(crate) filters: Vec<HTTPRouteFilter>,
    /// Where it goes.
    pub(crate) backend_refs: Vec<BackendRef>,
}

/// What has to hold of a request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HTTPRouteMatch {
    /// Of its path; every path where absent.
    pub(crate) path: Option<HttpPathMatch>,
    /// Of its headers.
    pub(crate) headers: Vec<serde_json::Value>,
    /// Of its query.
    pub(crate) query_params: Vec<serde_json::Value>,
    /// Of its method.
    pub(crate) method: Option<String>,
}

/// What has to hold of a path.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HttpPathMatch {
    /// `PathPrefix` (the default), `Exact` or `RegularExpression`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// The path; `/` where absent.
    pub(crate) value: Option<String>,
}

/// Something that is done to a request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HTTPRouteFilter {
    /// `RequestRedirect` answers by itself; the others go on to a backend.
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// A backend of a rule.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct BackendRef {
    /// Its group; the core's where absent.
    pub(crate) group: Option<String>,
    /// Its kind; `Service` where absent.
    pub(crate) kind: Option<String>,
    /// Its name.
    pub(crate) name: String,
    /// Its namespace; the route's where absent.
    pub(crate) namespace: Option<String>,
    /// Its port.
    pub(crate) port: Option<u16>,
    /// Its share; 1 where absent.
    pub(crate) weight: Option<u64>,
    /// What is done besides with what goes there.
    pub(crate) filters: Vec<HTTPRouteFilter>,
}

/// Who may refer to objects of this namespace.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "gateway.networking.k8s.io",
    version = "v1beta1",
    kind = "ReferenceGrant",
    plural = "referencegrants",
    namespaced,
    schema = "disabled",
    doc = "Gateway API's ReferenceGrant, as far as it is read."
)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ReferenceGrantSpec {
    /// From where.
    pub(crate) from: Vec<GrantFrom>,
    /// To what.
    pub(crate) to: Vec<GrantTo>,
}

/// From where an object may be referred to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GrantFrom {
    /// The group of who refers.
    pub(crate) group: String,
    /// Its kind.
    pub(crate) kind: String,
    /// Its namespace.
    pub(crate) namespace: String,
}

/// What may be referred to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GrantTo {
    /// Its group; empty for the core.
    pub(crate) group: String,
    /// Its kind.
    pub(crate) kind: String,
    /// Its name; every one where absent.
    pub(crate) name: Option<String>,
}
