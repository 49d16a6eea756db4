use std::collections::BTreeSet;

use serde_json::{Value, json};
use zoneway_core::settings::Settings;

use super::{HOUSEHOLD, bootstrap, folder, listener, node, rendered, site, with_field};
use crate::envoy::Build;

/// What the filter is told, wherever it stands in a document: as the JSON that it reads.
fn configurations(document: &Value) -> Vec<Value> {
    let wasm = with_field(document, "vm_config").into_iter().map(|plugin| &plugin["configuration"]);
    let module = with_field(document, "filter_config").into_iter().map(|filter| &filter["filter_config"]);
    wasm.chain(module).map(|any| serde_json::from_str(any["value"].as_str().unwrap()).unwrap()).collect()
}

#[test]
fn the_filter_takes_every_configuration() {
    let public =
        HOUSEHOLD.replace("public: true", "public: false").replace("settings:", "settings:\n  home: 403");
    let none = HOUSEHOLD.replace(
        "{ca: /pki/ca.pem, certificate: '/pki/{node}.pem', key: '/pki/{node}.key'}",
        "{none: {zones: [403]}}",
    );
    let balance = HOUSEHOLD.replace("domain: lab.test", "domain: lab.test\n  balance: {cookie: sid}");
    for yaml in [HOUSEHOLD, &public, &none, &balance] {
        for id in ["studtop", "edge"] {
            for configuration in configurations(&rendered(yaml, id)) {
                let parsed = Settings::parse(configuration.to_string().as_bytes());
                assert!(parsed.is_ok(), "{configuration}: {:?}", parsed.err());
            }
        }
    }
}

#[test]
fn clients_of_the_house_are_of_its_zone_and_all_others_of_the_public_one_and_refused_what_is_unknown() {
    let listener = listener(&rendered(HOUSEHOLD, "studtop"), "ingress/0.0.0.0:80");
    let inside = &configurations(&listener["filter_chains"])[0];
    assert_eq!(
        [&inside["source_zone"], &inside["unknown_host"], &inside["no_table"]],
        ["403", "pass", "pass"]
    );
    let outside = &configurations(&listener["default_filter_chain"])[0];
    let told = [&outside["source_zone"], &outside["unknown_host"], &outside["no_table"]];
    assert_eq!(told, ["exposed", "refuse", "refuse"]);
}

#[test]
fn without_a_public_zone_whoever_is_outside_is_of_no_zone() {
    let yaml =
        HOUSEHOLD.replace("public: true", "public: false").replace("settings:", "settings:\n  home: 403");
    let listener = listener(&rendered(&yaml, "studtop"), "ingress/0.0.0.0:80");
    let outside = &configurations(&listener["default_filter_chain"])[0];
    assert!(outside["source_zone"].is_null() && outside["outside_zone"].is_null());
    let settings = Settings::parse(outside.to_string().as_bytes()).unwrap();
    for client in ["127.0.0.1", "192.168.86.5", "203.0.113.9"] {
        assert_eq!(settings.sources().source(client.parse().ok()).zone, b"", "{client}");
    }
}

#[test]
fn a_public_node_refuses_whatever_is_written() {
    for configuration in configurations(&rendered(HOUSEHOLD, "edge")) {
        if configuration["role"] == "ingress" {
            let told =
                [&configuration["source_zone"], &configuration["unknown_host"], &configuration["no_table"]];
            assert_eq!(told, ["exposed", "refuse", "refuse"]);
        }
    }
}

#[test]
fn a_peer_is_known_by_its_certificate_or_by_the_zones_that_are_written() {
    let peer = |yaml: &str| {
        let all = configurations(&rendered(yaml, "studtop"));
        all.into_iter().find(|configuration| configuration["role"] == "peer").unwrap()
    };
    assert_eq!(peer(HOUSEHOLD)["peer_authentication"], json!({"spiffe": "lab.test"}));
    let none = HOUSEHOLD.replace(
        "{ca: /pki/ca.pem, certificate: '/pki/{node}.pem', key: '/pki/{node}.key'}",
        "{none: {zones: [403]}}",
    );
    assert_eq!(peer(&none)["peer_authentication"], json!({"none": {"zones": ["403"]}}));
    let listener = listener(&rendered(&none, "studtop"), "peer/0.0.0.0:15443");
    assert!(listener["filter_chains"][0]["transport_socket"].is_null());
}

#[test]
fn machines_share_data_and_a_trap_in_the_endpoint_leaves_those_that_route_alive() {
    let bootstrap = rendered(HOUSEHOLD, "studtop");
    let plugins = with_field(&bootstrap, "vm_config");
    let mut machines = BTreeSet::new();
    for plugin in &plugins {
        assert_eq!(plugin["failure_policy"], "FAIL_RELOAD");
        assert_eq!(plugin["vm_config"]["vm_id"], "zoneway");
        assert_eq!(plugin["vm_config"]["code"]["local"]["filename"], "/usr/lib/zoneway/zoneway.wasm");
        let role = plugin["root_id"].as_str().unwrap();
        machines.insert((plugin["vm_config"]["configuration"]["value"].as_str().unwrap(), role));
    }
    assert_eq!(
        machines,
        BTreeSet::from([
            ("router", "ingress"),
            ("router", "peer"),
            ("table", "table"),
            ("table", "compiler")
        ])
    );
    let singletons = with_field(&bootstrap["bootstrap_extensions"], "singleton");
    assert_eq!(singletons.len(), 1);
    assert_eq!(singletons[0]["config"]["root_id"], "compiler");
}

#[test]
fn the_endpoint_waits_for_the_body() {
    let table = listener(&rendered(HOUSEHOLD, "studtop"), "table");
    assert_eq!(with_field(&table, "vm_config")[0]["allow_on_headers_stop_iteration"], true);
}

#[test]
fn the_dynamic_module_is_told_the_same_and_needs_no_singleton() {
    let render = |build: &Build| bootstrap(&site(HOUSEHOLD), &node("studtop"), build, &folder()).unwrap();
    let (wasm, module) = (render(&super::wasm()), render(&Build::Module));
    let told = |document: &Value| {
        let all = configurations(document).into_iter().filter(|told| told["role"] != "compiler");
        all.map(|told| told.to_string()).collect::<BTreeSet<_>>()
    };
    assert_eq!(told(&wasm), told(&module));
    assert!(with_field(&module, "vm_config").is_empty());
    for filter in with_field(&module, "dynamic_module_config") {
        let expected = json!({"name": "zoneway", "metrics_namespace": "zoneway"});
        assert_eq!(filter["dynamic_module_config"], expected);
    }
    let buffer = &listener(&module, "table")["per_connection_buffer_limit_bytes"];
    assert_eq!(*buffer, 32_768, "it takes a table as it comes");
}
