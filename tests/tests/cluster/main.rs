//! Tests with a real kube-apiserver and etcd.

#![allow(clippy::indexing_slicing, reason = "what a helper of a test does not find fails the test")]

mod deploy;
mod harness;
mod life;
