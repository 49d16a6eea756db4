//! A plugin that is configured wrongly does not start.

use anyhow::Result;
use serde_json::json;
use zoneway_host_test::{Envoy, module};

use crate::node::settings;

#[test]
fn a_wrong_configuration_is_refused_with_every_fault() -> Result<()> {
    let mut envoy = Envoy::new(module()?);
    let wrong = json!({"role": "ingress", "zone": "-", "node": "UPPER", "max_hops": 0});
    envoy.plugin(&wrong).expect_err("the configuration is wrong");
    let log = envoy.log();
    let line = &log.last().expect("a line in the log").text;
    for part in ["zone: ", "node: ", "max_hops: "] {
        assert!(line.contains(part), "{line}");
    }
    Ok(())
}

#[test]
fn no_bytes_as_configuration_make_a_trap() -> Result<()> {
    for wrong in [&b""[..], b"null", b"{", b"\xff\xfe", b"[]", b"{\"role\":\"ingress\"}"] {
        let mut envoy = Envoy::new(module()?);
        let vm = envoy.start(false)?;
        envoy.configure_bytes(vm, wrong).expect_err("the configuration is wrong");
        envoy.configure(vm, &settings("ingress", json!({}))).expect("the VM lives on");
    }
    Ok(())
}

#[test]
fn a_peer_listener_has_to_say_how_peers_are_known() -> Result<()> {
    let mut envoy = Envoy::new(module()?);
    envoy.plugin(&settings("peer", json!({}))).expect_err("nothing is said");
    envoy.plugin(&settings("peer", json!({"peer_authentication": {"none": {"zones": ["403"]}}})))?;
    Ok(())
}
