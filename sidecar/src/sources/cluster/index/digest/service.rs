//! What matters of a Service.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use zoneway_site::Protocol;

use super::super::super::objects::{Kind, ObjectRef, Service, ServicePort};
use super::slice::Family;
use super::{Digester, annotation, label};

/// What matters of a Service.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct ServiceDigest {
    pub(in super::super) object: ObjectRef,
    /// It is only a name for something elsewhere.
    pub(in super::super) external_name: Option<Arc<str>>,
    /// It has no address of its own, so that a port of it is a port of its endpoints.
    pub(in super::super) headless: bool,
    /// Endpoints that are not ready are as good.
    pub(in super::super) publish_not_ready: bool,
    /// The family of addresses that comes first.
    pub(in super::super) family: Option<Family>,
    /// The zone of endpoints that have no node.
    pub(in super::super) zone: Option<Arc<str>>,
    /// As its annotation says.
    pub(in super::super) weight: Option<Arc<str>>,
    pub(in super::super) ports: Box<[PortDigest]>,
}

/// A port of a Service.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct PortDigest {
    /// Empty where it has none.
    pub(in super::super) name: Arc<str>,
    pub(in super::super) number: u16,
    pub(in super::super) protocol: Protocol,
}

impl ServiceDigest {
    pub(super) fn of(service: &Service, by: &mut Digester<'_>) -> Self {
        let (metadata, words) = (&service.metadata, by.words);
        let spec = service.spec.as_ref();
        let kind = spec.and_then(|spec| spec.type_.as_deref());
        let external = spec.filter(|_| kind == Some("ExternalName"));
        let first = spec.and_then(|spec| spec.ip_families.as_ref()).and_then(|families| families.first());
        let ports = spec.and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
        let ports =
            ports.iter().filter(|port| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"));
        let own = |name: &str| annotation(metadata, name);
        Self {
            object: by.object(Kind::Service, metadata),
            external_name: external.and_then(|spec| spec.external_name.as_deref()).map(Into::into),
            headless: spec.and_then(|spec| spec.cluster_ip.as_deref()) == Some("None"),
            publish_not_ready: spec.and_then(|spec| spec.publish_not_ready_addresses).unwrap_or(false),
            family: first.map(|family| if family == "IPv6" { Family::V6 } else { Family::V4 }),
            zone: label(metadata, &words.zone).or_else(|| own(&words.zone)).map(|zone| by.texts.share(zone)),
            weight: own(&words.weight).map(|weight| by.texts.share(weight)),
            ports: ports.filter_map(|port| PortDigest::of(port, metadata, by)).collect(),
        }
    }
}

impl PortDigest {
    fn of(port: &ServicePort, metadata: &ObjectMeta, by: &mut Digester<'_>) -> Option<Self> {
        let name = port.name.as_deref().unwrap_or_default();
        let number = u16::try_from(port.port).ok().filter(|number| *number > 0)?;
        let protocol = protocol(port.app_protocol.as_deref(), metadata, name, number);
        Some(Self { name: by.texts.share(name), number, protocol })
    }
}

/// As the port's `appProtocol` says (KEP-3726), else Contour's annotations, which list ports by name or number.
fn protocol(app: Option<&str>, metadata: &ObjectMeta, name: &str, number: u16) -> Protocol {
    match app {
        Some("kubernetes.io/h2c" | "h2c") => return Protocol::H2c,
        Some("https" | "kubernetes.io/wss") => return Protocol::Https,
        Some("http" | "kubernetes.io/ws") => return Protocol::Http,
        _ => {}
    }
    let listed = |protocol: &str| {
        let ports = annotation(metadata, &format!("projectcontour.io/upstream-protocol.{protocol}"));
        let mut ports = ports.into_iter().flat_map(|ports| ports.split(',')).map(str::trim);
        ports.any(|port| port == number.to_string() || (!name.is_empty() && port == name))
    };
    match () {
        () if listed("h2") => Protocol::H2,
        () if listed("h2c") => Protocol::H2c,
        () if listed("tls") => Protocol::Https,
        () => Protocol::Http,
    }
}
