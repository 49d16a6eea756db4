//! What can be wrong with a table, in words a person can act on.

use crate::fault;
use crate::name::{AddressError, HostPatternError, NodeIdError, RulePathError, ZoneNameError};

/// Why a table is refused.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// More JSON than the limit allows.
    #[error("the table has {bytes} bytes, {limit} at most: split the site or raise `max_table_bytes`")]
    TooLarge {
        /// Bytes sent.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not JSON, or not of the table's fields and types. The first fault stops the reading.
    #[error("{}{source}", fault::at(.path))]
    Syntax {
        /// Where, as `hosts[3].rules[0]`; empty for the whole.
        path: String,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
    /// Well-formed, but against the rules: every fault in one pass.
    #[error("{}", fault::lines(.0))]
    Invalid(Vec<Fault>),
}

impl TableError {
    /// Each fault as its path and message, in the table's order.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, String)> {
        match self {
            Self::TooLarge { .. } => vec![(String::new(), self.to_string())],
            Self::Syntax { path, source } => vec![(path.clone(), source.to_string())],
            Self::Invalid(faults) => faults.iter().map(|f| (f.path.clone(), f.fault.to_string())).collect(),
        }
    }
}

/// One fault and its place.
pub type Fault = fault::Fault<TableFault>;

/// What is wrong at one place of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableFault {
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
    /// No address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A zone that is named but not in `zones`.
    #[error("zone \"{0}\" is not in `zones`: add it there or take it out here")]
    UnknownZone(String),
    /// A node that is named but not in the view's `nodes`.
    #[error("node \"{0}\" is not among the nodes of the view's zone: add it there or take it out here")]
    UnknownNode(String),
    /// Something of another zone's inside.
    #[error("only the view's own zone \"{view}\" has {what}: take them out here")]
    NotTheView {
        /// The view.
        view: String,
        /// `nodes`, `gateways` or `egress`.
        what: &'static str,
    },
    /// A link to its own zone.
    #[error("the link goes to its own zone: take it out")]
    LinkToItself,
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
    /// A gateway with both or neither.
    #[error("a gateway has either `address` or `\"tunnel\": true`: write one of them")]
    GatewayWay,
    /// A backend with both or neither.
    #[error("a backend has either `node` or `zone`: write one of them")]
    BackendKind,
    /// A zone backend that is the view's own.
    #[error("zone \"{0}\" is the view's own: name its nodes")]
    OwnZone(String),
    /// A public zone that would pass on others' requests.
    #[error("a public zone speaks for itself alone: take `speaks_for` out")]
    PublicSpeaksFor,
    /// A rule exposed to more than its host.
    #[error("zone \"{0}\" is not in the host's `exposed_to`: add it there or take it out here")]
    WiderThanHost(String),
    /// More than the limit.
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
