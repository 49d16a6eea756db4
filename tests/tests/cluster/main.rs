//! Tests with a real kube-apiserver and etcd.

#![allow(clippy::indexing_slicing, reason = "what a helper of a test does not find fails the test")]

mod crowd;
mod delivery;
mod deploy;
mod faults;
mod harness;
mod life;
mod lone;
mod many;
mod rights;
mod writing;
