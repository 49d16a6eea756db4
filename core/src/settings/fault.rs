//! What can be wrong with the filter's configuration, in words a person can act on.

use super::NetworkError;
use crate::fault;
use crate::name::{NodeIdError, ZoneNameError};

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not JSON, or not of the configuration's fields and types. The first fault stops the reading.
    #[error("{}{source}", fault::at(.path))]
    Syntax {
        /// Where; empty for the whole.
        path: String,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
    /// Well-formed, but against the rules: every fault in one pass.
    #[error("{}", fault::lines(.0))]
    Invalid(Vec<Fault>),
}

/// One fault and its place.
pub type Fault = fault::Fault<SettingsFault>;

/// What is wrong at one place of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// No zone name.
    #[error(transparent)]
    ZoneName(#[from] ZoneNameError),
    /// No node id.
    #[error(transparent)]
    NodeId(#[from] NodeIdError),
    /// No network.
    #[error(transparent)]
    Network(#[from] NetworkError),
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
    /// No trust domain.
    #[error("\"{0}\" is no trust domain: use lower-case letters, digits, `.`, `-` and `_`")]
    TrustDomain(String),
    /// A peer listener that does not say how peers are known.
    #[error(
        "is missing, and the role is peer: write {{\"spiffe\": DOMAIN}} where the listener has mutual TLS, or \
         {{\"none\": {{\"zones\": [...]}}}} and for whom it has none"
    )]
    NoPeerAuthentication,
    /// No cookie name.
    #[error("\"{0}\" is no cookie name: use letters, digits and !#$%&'*+-.^_`|~")]
    CookieName(String),
}
