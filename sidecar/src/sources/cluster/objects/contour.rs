//! Contour's `HTTPProxy` and `TLSCertificateDelegation` (projectcontour.io/v1): the fields that say which hosts and
//! paths go to which services.

use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// Hosts and paths, and other HTTPProxies that are included.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "projectcontour.io",
    version = "v1",
    kind = "HTTPProxy",
    plural = "httpproxies",
    namespaced,
    schema = "disabled",
    doc = "Contour's HTTPProxy, as far as it is read."
)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HTTPProxySpec {
    /// The host; without one it is only served where another one includes it.
    pub(crate) virtualhost: Option<VirtualHost>,
    /// What goes where.
    pub(crate) routes: Vec<ProxyRoute>,
    /// Other HTTPProxies, below a prefix.
    pub(crate) includes: Vec<Include>,
    /// Bytes instead of requests.
    pub(crate) tcpproxy: Option<serde_json::Value>,
    /// The class of the controller that it is for.
    pub(crate) ingress_class_name: Option<String>,
}

/// The host of an HTTPProxy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VirtualHost {
    /// Its name; `*.` in front stands for one label.
    pub(crate) fqdn: String,
    /// Its certificate.
    pub(crate) tls: Option<ProxyTls>,
    /// Who is asked about each request.
    pub(crate) authorization: Option<ProxyAuthorization>,
    /// The addresses that alone may ask.
    pub(crate) ip_allow_policy: Vec<serde_json::Value>,
    /// The addresses that may not.
    pub(crate) ip_deny_policy: Vec<serde_json::Value>,
    /// Whose tokens clients may have to show.
    pub(crate) jwt_providers: Vec<JwtProvider>,
}

/// Who is asked about each request of a host.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProxyAuthorization {
    /// Who; without a name: whom Contour's own configuration names.
    pub(crate) extension_ref: ExtensionRef,
    /// Of which routes, where a route does not say.
    pub(crate) auth_policy: Option<AuthPolicy>,
}

/// An ExtensionService.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ExtensionRef {
    /// Its name.
    pub(crate) name: String,
}

/// Whether somebody is asked about a request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AuthPolicy {
    /// Nobody is.
    pub(crate) disabled: bool,
}

/// Whose tokens clients may have to show.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JwtProvider {
    /// Where a route does not say, too.
    pub(crate) default: bool,
}

/// Whether clients have to show a token.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JwtPolicy {
    /// Whose.
    pub(crate) require: Option<String>,
    /// They have not, whatever the host's default is.
    pub(crate) disabled: bool,
}

/// The certificate of a host.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProxyTls {
    /// A Secret, `NAME` or `NAMESPACE/NAME`.
    pub(crate) secret_name: Option<String>,
    /// Whether TLS is handed through, so that nobody here sees a request.
    pub(crate) passthrough: bool,
    /// Which certificates clients have to show.
    pub(crate) client_validation: Option<serde_json::Value>,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProxyRoute {
    /// What has to hold of a request.
    pub(crate) conditions: Vec<MatchCondition>,
    /// Where it goes.
    pub(crate) services: Vec<ProxyService>,
    /// A redirect instead.
    pub(crate) request_redirect_policy: Option<serde_json::Value>,
    /// A fixed answer instead.
    pub(crate) direct_response_policy: Option<serde_json::Value>,
    /// Another path than the one that was asked for.
    pub(crate) path_rewrite_policy: Option<serde_json::Value>,
    /// Headers of requests that are set or taken out.
    pub(crate) request_headers_policy: Option<serde_json::Value>,
    /// Headers of answers that are set or taken out.
    pub(crate) response_headers_policy: Option<serde_json::Value>,
    /// Whether somebody is asked about each request, where the host's `authorization` names somebody.
    pub(crate) auth_policy: Option<AuthPolicy>,
    /// The addresses that alone may ask.
    pub(crate) ip_allow_policy: Vec<serde_json::Value>,
    /// The addresses that may not.
    pub(crate) ip_deny_policy: Vec<serde_json::Value>,
    /// Whether clients have to show a token.
    pub(crate) jwt_verification_policy: Option<JwtPolicy>,
}

/// What has to hold of a request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MatchCondition {
    /// The path begins with this text.
    pub(crate) prefix: Option<String>,
    /// The path is this.
    pub(crate) exact: Option<String>,
    /// The path is described by this.
    pub(crate) regex: Option<String>,
    /// A header.
    pub(crate) header: Option<serde_json::Value>,
    /// A parameter of the query.
    pub(crate) query_parameter: Option<serde_json::Value>,
}

/// A service that a route goes to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProxyService {
    /// The Service, of the same namespace.
    pub(crate) name: String,
    /// Its port.
    pub(crate) port: u16,
    /// Its share.
    pub(crate) weight: Option<u64>,
    /// Whether it gets copies alone.
    pub(crate) mirror: bool,
    /// What it speaks, whatever is said of its port: `h2c`, `h2` or `tls`.
    pub(crate) protocol: Option<String>,
    /// Which certificates it has to show.
    pub(crate) validation: Option<serde_json::Value>,
    /// Headers of requests that are set or taken out.
    pub(crate) request_headers_policy: Option<serde_json::Value>,
    /// Headers of answers that are set or taken out.
    pub(crate) response_headers_policy: Option<serde_json::Value>,
}

/// Another HTTPProxy, below a prefix.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Include {
    /// Its name.
    pub(crate) name: String,
    /// Its namespace, where it is another.
    pub(crate) namespace: Option<String>,
    /// What has to hold besides its own conditions.
    pub(crate) conditions: Vec<MatchCondition>,
}

/// Which namespaces may use which Secrets of this one.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "projectcontour.io",
    version = "v1",
    kind = "TLSCertificateDelegation",
    plural = "tlscertificatedelegations",
    namespaced,
    schema = "disabled",
    doc = "Contour's TLSCertificateDelegation."
)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TLSCertificateDelegationSpec {
    /// One entry a Secret.
    pub(crate) delegations: Vec<Delegation>,
}

/// Which namespaces may use a Secret.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Delegation {
    /// The Secret.
    pub(crate) secret_name: String,
    /// The namespaces; `*` is every one.
    pub(crate) target_namespaces: Vec<String>,
}
