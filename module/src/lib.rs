//! `libzoneway.so`: the Envoy dynamic-module shell around `zoneway-core`.
//!
//! It translates: headers into a request, a decision into headers or an answer. Whatever it would decide by itself is a
//! bug. One module has three roles, told by the filter's configuration (`zoneway_core::settings`): `ingress` and `peer`
//! decide requests ([`route`]), `table` is the table endpoint ([`endpoint`]). What all of them share is the process's:
//! the table that is served ([`serving`]), the thread that compiles tables ([`workshop`]) and the counts ([`tally`]).
//!
//! Architecture invariants: a request waits for nothing. It reads the table through an atomic pointer, and counts into
//! memory of its own thread. No unsafe code outside of [`abi`]; nothing behind [`envoy`] knows Envoy's ABI. No panic
//! leaves this library ([`verdict::guarded`]).

mod abi;
mod body;
mod endpoint;
mod envoy;
mod fit;
mod handler;
mod plugin;
mod route;
mod serving;
mod tally;
mod verdict;
mod workshop;

#[cfg(test)]
mod double;
