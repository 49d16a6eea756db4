//! `zoneway.wasm`: the proxy-wasm shell around `zoneway-core`.
//!
//! It translates: headers into a request, a decision into headers or an answer, shared data into a table. Whatever it
//! would decide by itself is a bug. One module has four roles, told by the plugin's configuration
//! (`zoneway_core::settings`):
//!
//! | role | where | what |
//! |---|---|---|
//! | `ingress`, `peer` | first HTTP filter of a listener | [`route`]: decides each request |
//! | `table` | HTTP filter of the table listener, with `allow_on_headers_stop_iteration` | [`endpoint`]: takes tables, answers |
//! | `compiler` | singleton of `envoy.bootstrap.wasm`, on the main thread | [`compiler`]: judges and compiles tables |
//!
//! All of them have the same `vm_id` ([`keys::VM_ID`]), so that they share data. The routers have another
//! `vm_config.configuration` than the table listener, so that none dies of the other's trap. The singleton may have that of the
//! table listener: on the main thread nobody asks that one, and each VM costs Envoy 2.4 MiB.
//!
//! Architecture invariant: on the local path of an ingress request there is one host call, the header map. What is
//! needed besides is kept in the VM: the table is looked at and counters are flushed on a tick.

#![allow(missing_docs, reason = "proxy_wasm::main! makes a public function, and gives it no documentation")]

mod compiler;
mod endpoint;
mod entry;
mod headers;
mod host;
mod keys;
mod root;
mod route;
mod vm;

use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
}}
