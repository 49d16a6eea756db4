//! The site: all zones, nodes and hosts; and what is computed from it.

/// The whole picture.
#[derive(Debug)]
pub struct Site {}
