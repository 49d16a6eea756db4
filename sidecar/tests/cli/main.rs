//! The `zoneway` binary as a person or a program meets it: arguments in, text, JSON and exit codes out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a helper of a test does not find fails the test"
)]

mod check;
mod decide;
mod diff;
mod edge;
mod explain;
mod list;
mod manifests;
mod others;
mod pki;
mod schema;
mod table;
mod usage;
mod workbench;

use workbench::{Bench, EXAMPLE, Said};
