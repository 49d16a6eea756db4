//! Tests with a real kube-apiserver and etcd.

mod harness;
