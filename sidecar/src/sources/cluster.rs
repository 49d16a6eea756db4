//! A site from a Kubernetes cluster's own objects.
//!
//! [`index::Index`] is the pure half: objects go in, one by one or as lists, and a site comes out, the same whatever the
//! order. It knows no client, no clock and no thread; who watches a cluster, or reads a folder of manifests, feeds it.

pub(crate) mod access;
pub(crate) mod index;
pub(crate) mod manifests;
pub(crate) mod objects;
pub(crate) mod picture;
pub(crate) mod settings;
pub(crate) mod watch;
