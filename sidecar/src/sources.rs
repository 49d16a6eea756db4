//! Where a site or a table comes from.

pub(crate) mod cluster;
pub(crate) mod file;
pub(crate) mod resolve;
