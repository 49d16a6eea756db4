//! What `zoneway --version` says: the release, its commit, and what it works with.

/// Release and commit.
pub(crate) const SHORT: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("ZONEWAY_COMMIT"), ")");

/// [`SHORT`], with the formats and the Envoy that this release knows.
pub(crate) const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit:         ",
    env!("ZONEWAY_COMMIT"),
    "\ntable versions: 1\nsite versions:  1\nEnvoy versions: 1.40"
);
