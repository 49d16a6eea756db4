//! What a cluster applies (deploy/): the chart, the base rendered from it, the example of a rollout, the image, and what the
//! documents say of them; by helm, kubeconform, kubectl and a real API server.

mod base;
mod chart;
mod conformity;
mod documents;
pub(crate) mod helm;
mod image;
mod pod;
mod public_node;
mod server;
mod traffic;
