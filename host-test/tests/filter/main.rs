//! What `zoneway.wasm` does in a host: one binary, so that the module is compiled once.

mod adoption;
mod calls;
mod configuration;
mod corpus;
mod endpoint;
mod hostile;
mod node;
mod routing;
