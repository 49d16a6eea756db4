//! `zoneway run`, `push` and `status` as programs, against a real Envoy with the real filter.
//!
//! What is decided for a request is for the end-to-end tests; here it is that an Envoy has the table that it should.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a helper of a test does not find fails the test"
)]

mod cli;
mod cluster;
mod http;
mod names;
mod order;
mod program;
mod recovery;
mod shrink;
mod source;
