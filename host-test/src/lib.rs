//! A proxy-wasm host without Envoy: runs the very `zoneway.wasm` on wasmtime, several VMs over one store of shared data.
//!
//! It behaves as Envoy 1.40 was seen to (proxy-wasm ABI 0.2.1): what a filter may not count on in Envoy, it may not count
//! on here. Time is the test's own: ticks come when a test lets time pass, and no test waits. It knows nothing of
//! Zoneway but the file's name.

mod calls;
pub mod corpus;
mod envoy;
mod memory;
mod module;
mod shared;
mod stream;
mod vm;

pub use envoy::{Envoy, Plugin, StreamId, VmId};
pub use module::module;
pub use shared::LogLine;
pub use stream::{Headers, Local, Request, Stream};
