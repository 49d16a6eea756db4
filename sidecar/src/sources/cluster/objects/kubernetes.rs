//! Kubernetes' own objects (core, discovery.k8s.io, networking.k8s.io): the fields that say where what runs, and which hosts
//! and paths go there.
//!
//! `k8s-openapi` has them whole. A Pod alone has several hundred fields there, and the code that reads and drops all of them
//! took over a megabyte of a sidecar's memory. As the API server has it, an absent field and `null` are the same.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Deserializer};

/// A machine.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Node {
    /// Its name, labels and so on.
    pub(crate) metadata: ObjectMeta,
    /// How it is.
    pub(crate) status: Option<NodeStatus>,
}

/// How a machine is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NodeStatus {
    /// Where it is reached.
    pub(crate) addresses: Option<Vec<NodeAddress>>,
    /// What holds of it.
    pub(crate) conditions: Option<Vec<Condition>>,
}

/// Where a machine is reached.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct NodeAddress {
    /// `InternalIP`, `ExternalIP`, `Hostname` and others.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub(crate) type_: String,
    /// The address.
    #[serde(deserialize_with = "or_default")]
    pub(crate) address: String,
}

/// What holds, or does not, of a machine or a Pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Condition {
    /// What.
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub(crate) type_: String,
    /// `True`, `False` or `Unknown`.
    #[serde(deserialize_with = "or_default")]
    pub(crate) status: String,
}

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Namespace {
    /// Its name, labels and so on.
    pub(crate) metadata: ObjectMeta,
}

/// A Pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Pod {
    /// Its name, labels and so on.
    pub(crate) metadata: ObjectMeta,
    /// What is wanted of it.
    pub(crate) spec: Option<PodSpec>,
    /// How it is.
    pub(crate) status: Option<PodStatus>,
}

/// What is wanted of a Pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodSpec {
    /// The machine that it is on.
    pub(crate) node_name: Option<String>,
}

/// How a Pod is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct PodStatus {
    /// What holds of it.
    pub(crate) conditions: Option<Vec<Condition>>,
}

/// A Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    /// Its name, labels and so on.
    pub(crate) metadata: ObjectMeta,
    /// What it is.
    pub(crate) spec: Option<ServiceSpec>,
}

/// What a Service is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceSpec {
    /// `ClusterIP`, `ExternalName` and others.
    #[serde(rename = "type")]
    pub(crate) type_: Option<String>,
    /// Its address; `None` (the text) where it has none.
    #[serde(rename = "clusterIP")]
    pub(crate) cluster_ip: Option<String>,
    /// What it is a name for.
    pub(crate) external_name: Option<String>,
    /// The families of its addresses, the first one first.
    pub(crate) ip_families: Option<Vec<String>>,
    /// Its ports.
    pub(crate) ports: Option<Vec<ServicePort>>,
    /// Whether endpoints that are not ready are as good.
    pub(crate) publish_not_ready_addresses: Option<bool>,
}

/// A port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServicePort {
    /// What is spoken there.
    pub(crate) app_protocol: Option<String>,
    /// Its name.
    pub(crate) name: Option<String>,
    /// Its number.
    #[serde(deserialize_with = "or_default")]
    pub(crate) port: i32,
    /// `TCP` where absent.
    pub(crate) protocol: Option<String>,
}

/// Some endpoints of a Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EndpointSlice {
    /// Its name, labels and so on.
    pub(crate) metadata: ObjectMeta,
    /// `IPv4`, `IPv6` or `FQDN`.
    #[serde(deserialize_with = "or_default")]
    pub(crate) address_type: String,
    /// They. The API server writes `null` where there are none.
    #[serde(deserialize_with = "or_default")]
    pub(crate) endpoints: Vec<Endpoint>,
    /// The ports of all of them.
    pub(crate) ports: Option<Vec<EndpointPort>>,
}

/// An endpoint of a Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Endpoint {
    /// Where it is reached.
    #[serde(deserialize_with = "or_default")]
    pub(crate) addresses: Vec<String>,
    /// How it is.
    pub(crate) conditions: Option<EndpointConditions>,
    /// The machine that it is on.
    pub(crate) node_name: Option<String>,
}

/// How an endpoint is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct EndpointConditions {
    /// Whether it takes requests.
    pub(crate) ready: Option<bool>,
    /// Whether it could, though it may be about to go.
    pub(crate) serving: Option<bool>,
    /// Whether it is about to go.
    pub(crate) terminating: Option<bool>,
}

/// A port of endpoints.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct EndpointPort {
    /// The name of the Service's port.
    pub(crate) name: Option<String>,
    /// Its number; every port where absent.
    pub(crate) port: Option<i32>,
    /// `TCP` where absent.
    pub(crate) protocol: Option<String>,
}

/// Hosts and paths, each with the Service that it goes to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Ingress {
    /// Its name, labels and so on.
    pub(crate) metadata: ObjectMeta,
    /// What it is.
    pub(crate) spec: Option<IngressSpec>,
}

/// What an Ingress is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IngressSpec {
    /// Where goes what no rule matches.
    pub(crate) default_backend: Option<IngressBackend>,
    /// Its class.
    pub(crate) ingress_class_name: Option<String>,
    /// Its hosts.
    pub(crate) rules: Option<Vec<IngressRule>>,
}

/// A host of an Ingress.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct IngressRule {
    /// The host; every one where absent.
    pub(crate) host: Option<String>,
    /// Its paths.
    pub(crate) http: Option<IngressPaths>,
}

/// The paths of a host.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct IngressPaths {
    /// They.
    #[serde(deserialize_with = "or_default")]
    pub(crate) paths: Vec<IngressPath>,
}

/// A path of a host.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IngressPath {
    /// Where it goes.
    #[serde(deserialize_with = "or_default")]
    pub(crate) backend: IngressBackend,
    /// The path; `/` where absent.
    pub(crate) path: Option<String>,
    /// `Exact`, `Prefix` or `ImplementationSpecific`.
    #[serde(deserialize_with = "or_default")]
    pub(crate) path_type: String,
}

/// Where requests go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct IngressBackend {
    /// To a Service; where absent, to something else.
    pub(crate) service: Option<IngressService>,
}

/// A Service, by its name in the Ingress's namespace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct IngressService {
    /// The name.
    #[serde(deserialize_with = "or_default")]
    pub(crate) name: String,
    /// The port.
    pub(crate) port: Option<IngressPort>,
}

/// A port of a Service, by name or number.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct IngressPort {
    /// Its name.
    pub(crate) name: Option<String>,
    /// Its number.
    pub(crate) number: Option<i32>,
}

/// A class of Ingresses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct IngressClass {
    /// Its name, labels and so on.
    pub(crate) metadata: ObjectMeta,
}

/// What stands there, or what stands for nothing where `null` does.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Kind, Object};

    #[test]
    fn null_stands_for_nothing() {
        let slice = json!({"metadata": {"name": "a"}, "addressType": null, "endpoints": null, "ports": null});
        let Ok(Object::EndpointSlice(slice)) = Kind::EndpointSlice.read(&slice) else { panic!("a slice") };
        assert!(slice.endpoints.is_empty() && slice.ports.is_none() && slice.address_type.is_empty());
        let paths =
            json!([{"path": null, "pathType": null, "backend": {"service": {"name": "s", "port": null}}}]);
        let ingress = json!({"metadata": {}, "spec": {"rules": [{"host": null, "http": {"paths": paths}}, {"http": null}]}});
        assert!(Kind::Ingress.read(&ingress).is_ok());
        for kind in [Kind::Node, Kind::Pod, Kind::Service, Kind::Ingress, Kind::IngressClass] {
            assert!(
                kind.read(&json!({"metadata": {"name": "a"}, "spec": null, "status": null})).is_ok(),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn what_is_not_read_of_an_object_cannot_make_it_unreadable() {
        let pod = json!({"metadata": {"name": "a"}, "spec": {"nodeName": "n", "containers": 7}});
        assert!(Kind::Pod.read(&pod).is_ok());
        let fault = Kind::Pod.read(&json!({"metadata": {"name": "a"}, "spec": {"nodeName": 7}})).unwrap_err();
        assert!(fault.to_string().starts_with("spec.nodeName: "), "{fault}");
    }
}
