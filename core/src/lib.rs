//! What every Zoneway program shares: names, the zone table, its flat layout and the decision.
//!
//! Architecture invariant: nothing here does I/O, reads a clock, starts a thread, logs, or knows of Envoy's API
//! or of Kubernetes. Shells (the Wasm filter, the dynamic module, the command line) translate; they decide nothing.

extern crate alloc;

pub mod authority;
pub mod decision;
pub mod endpoint;
pub mod fault;
pub mod layout;
pub mod name;
pub mod settings;
pub mod strict;
pub mod table;
pub mod traffic;
mod words;
