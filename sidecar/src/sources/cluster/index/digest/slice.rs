//! What matters of an EndpointSlice.

use std::net::IpAddr;
use std::sync::Arc;

use super::super::super::objects::{Endpoint, EndpointSlice};
use super::{Digester, annotation, label};

/// What matters of an EndpointSlice.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct SliceDigest {
    /// The key of its service.
    pub(in super::super) service: Arc<str>,
    pub(in super::super) family: Family,
    /// The zone of endpoints that have no node.
    pub(in super::super) zone: Option<Arc<str>>,
    /// Name (empty where there is none) and number; a port without a number is every port.
    pub(in super::super) ports: Box<[(Arc<str>, Option<u16>)]>,
    pub(in super::super) endpoints: Box<[EndpointDigest]>,
}

/// The kind of a slice's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Family {
    V4,
    V6,
    Name,
}

/// An endpoint.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct EndpointDigest {
    pub(in super::super) at: At,
    pub(in super::super) node: Option<Arc<str>>,
    pub(in super::super) state: State,
}

/// Where an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum At {
    Ip(IpAddr),
    Name(Arc<str>),
}

/// How an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum State {
    /// It serves.
    Ready,
    /// It still serves, and is about to go.
    Leaving,
    /// It does not serve.
    NotReady,
}

impl SliceDigest {
    /// `None` for a slice of no service.
    pub(super) fn of(slice: &EndpointSlice, by: &mut Digester<'_>) -> Option<Self> {
        let (metadata, words) = (&slice.metadata, by.words);
        let service = label(metadata, "kubernetes.io/service-name").filter(|name| !name.is_empty())?;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let zone = label(metadata, &words.zone).or_else(|| annotation(metadata, &words.zone));
        let ports = slice.ports.as_deref().unwrap_or_default();
        let ports =
            ports.iter().filter(|port| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"));
        let number = |port: i32| u16::try_from(port).ok().filter(|port| *port > 0);
        Some(Self {
            service: by.texts.share(&format!("{namespace}/{service}")),
            family: match slice.address_type.as_str() {
                "IPv6" => Family::V6,
                "FQDN" => Family::Name,
                _ => Family::V4,
            },
            zone: zone.map(|zone| by.texts.share(zone)),
            ports: ports
                .map(|port| {
                    (by.texts.share(port.name.as_deref().unwrap_or_default()), port.port.and_then(number))
                })
                .collect(),
            endpoints: slice
                .endpoints
                .iter()
                .filter_map(|endpoint| EndpointDigest::of(endpoint, by))
                .collect(),
        })
    }
}

impl EndpointDigest {
    fn of(endpoint: &Endpoint, by: &mut Digester<'_>) -> Option<Self> {
        // Of several addresses the first is the one to use (the API's own words: they are fungible).
        let address = endpoint.addresses.first()?;
        let conditions = endpoint.conditions.as_ref();
        let ready = conditions.and_then(|conditions| conditions.ready).unwrap_or(true);
        let serving = conditions.and_then(|conditions| conditions.serving).unwrap_or(ready);
        let terminating = conditions.and_then(|conditions| conditions.terminating).unwrap_or(false);
        let state = match (ready, serving, terminating) {
            (true, _, _) => State::Ready,
            (false, true, true) => State::Leaving,
            (false, ..) => State::NotReady,
        };
        let at = match address.parse() {
            Ok(ip) => At::Ip(ip),
            Err(_) => At::Name(by.texts.share(&address.to_ascii_lowercase())),
        };
        let node = endpoint.node_name.as_deref().filter(|node| !node.is_empty());
        Some(Self { at, node: node.map(|node| by.texts.share(node)), state })
    }
}
