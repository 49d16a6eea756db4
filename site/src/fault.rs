//! What can be wrong with a site, in words a person can act on.

use zoneway_core::fault;
use zoneway_core::name::{HostPatternError, NodeIdError, RulePathError, ZoneNameError};

use crate::host_port::HostPortError;
use crate::network::NetworkError;

/// Why a site is refused: every fault in one pass, in the order of the file's sections.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", fault::lines(.0))]
pub struct SiteError(pub Vec<Fault>);

/// One fault and its place.
pub type Fault = fault::Fault<SiteFault>;

/// What is wrong at one place of a site.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiteFault {
    /// Another version of the format.
    #[error("is version {0}: this program reads version 1, upgrade the older of the two")]
    Version(u64),
    /// No zone name.
    #[error(transparent)]
    ZoneName(#[from] ZoneNameError),
    /// No node id.
    #[error(transparent)]
    NodeId(#[from] NodeIdError),
    /// No host pattern.
    #[error(transparent)]
    Host(#[from] HostPatternError),
    /// No rule path.
    #[error(transparent)]
    Path(#[from] RulePathError),
    /// No place to dial or to listen.
    #[error(transparent)]
    HostPort(#[from] HostPortError),
    /// No network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// No domain.
    #[error("\"{0}\" is no domain: write a DNS name in lower case, without a trailing dot")]
    Domain(String),
    /// A zone that is named but not in `zones`.
    #[error("zone \"{name}\" is not in `zones`: {}", remedy(.closest, "add it there or take it out here"))]
    UnknownZone {
        /// The name.
        name: String,
        /// The known name that is most like it.
        closest: Option<String>,
    },
    /// A node that is named but in no zone.
    #[error("node \"{name}\" is in no zone: {}", remedy(.closest, "add it to its zone or take it out here"))]
    UnknownNode {
        /// The name.
        name: String,
        /// The known name that is most like it.
        closest: Option<String>,
    },
    /// A service that is named but not in `services`.
    #[error("service \"{name}\" is not in `services`: {}", remedy(.closest, "add it there or take it out here"))]
    UnknownService {
        /// The name.
        name: String,
        /// The known name that is most like it.
        closest: Option<String>,
    },
    /// A node of another zone than the one that is meant.
    #[error("node \"{node}\" is of zone \"{its}\", not of \"{zone}\": {remedy}")]
    OtherZone {
        /// The node.
        node: String,
        /// The zone that it is of.
        its: String,
        /// The zone that it should be of.
        zone: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A node in two zones.
    #[error("node \"{node}\" is in zone \"{first}\" too: a node is in one zone, take it out of the other")]
    NodeTwice {
        /// The node.
        node: String,
        /// The zone that has it as well.
        first: String,
    },
    /// A public zone as home.
    #[error("zone \"{0}\" is public: home is a zone that is not, write another or take `public` out there")]
    PublicHome(String),
    /// No zone is named and none is home.
    #[error("no zone is named, and {0}: write `expose_to` here, or `settings.home`")]
    NoHome(&'static str),
    /// Clients from outside, and several zones they could be of.
    #[error(
        "clients outside `source_networks` could be of any public zone ({}): write `outside_zone`, or a \
         `source_zone` that is every client's",
        .0.join(", ")
    )]
    OutsideZone(Vec<String>),
    /// A link to its own zone.
    #[error("the link goes to its own zone: take it out")]
    LinkToItself,
    /// A tunnel that is dialled.
    #[error("gateways of a tunnel dial in, so they have no address to dial: take `address` or `tunnel` out")]
    TunnelAndAddress,
    /// An address for what is no gateway.
    #[error("node \"{0}\" is no gateway of this link: add it to `gateways` or take its address out")]
    NoSuchGateway(String),
    /// Something that stands twice.
    #[error("{what} \"{name}\" stands twice: keep one")]
    Repeated {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A number out of its range.
    #[error("{value} is out of range: write {least} to {most}")]
    Range {
        /// As it was written.
        value: u64,
        /// The least allowed.
        least: u64,
        /// The most allowed.
        most: u64,
    },
    /// A host with both.
    #[error("a host has either `service` (for every path) or `paths`: move the service under `paths` as `/`")]
    ServiceAndPaths,
    /// Peers that know each other by both or by neither.
    #[error("write all of `ca`, `certificate` and `key`, or `none: {{zones: […]}}` alone")]
    PeerAuthentication,
    /// TLS without a certificate.
    #[error("names no certificate: write `{{certificate: …, key: …}}`, or take `tls` out")]
    NoCertificate,
    /// A file without a name.
    #[error("names no file: write the path of a PEM file")]
    NoFile,
    /// A log in no known place.
    #[error("\"{0}\" is no place for a log: write `stdout`, `none` or the absolute path of a file")]
    AccessLog(String),
    /// A cookie without a name.
    #[error("\"{0}\" is no cookie name: write letters, digits, `-`, `_` or `.`")]
    Cookie(String),
    /// More than a table may have.
    #[error("has {count} {what}, {limit} at most")]
    TooMany {
        /// What kind of thing.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

fn remedy(closest: &Option<String>, otherwise: &str) -> String {
    match closest {
        Some(closest) => format!("did you mean \"{closest}\"?"),
        None => otherwise.to_owned(),
    }
}
