//! What the end-to-end tests stand on: real Envoys, real sidecars and small services that say what reached them.
//!
//! Nothing in here knows zoneway's code: the programs under test are found as files (see [`artefact`]), so a test
//! meets them as a user does. A test builds a [`household::Household`] from a site file, or a [`cluster::Cluster`] from
//! objects, sends requests through [`client`], and everything that it started ends with it.

pub mod address;
pub mod artefact;
pub mod client;
pub mod cluster;
pub mod corpus;
pub mod deadline;
pub mod edge;
pub mod home_network;
pub mod household;
pub mod load;
pub mod namespace;
pub mod process;
pub mod proxy;
pub mod recorder;
mod relay;
pub mod service;
pub mod trap;
