use serde_json::{Value, json};

use super::{HOUSEHOLD, listener, managers, rendered};

/// What is taken from, or written into, the headers of a request before a route is picked.
fn early(manager: &Value) -> &[Value] {
    manager["early_header_mutation_extensions"][0]["typed_config"]["mutations"].as_array().unwrap()
}

fn prefix(prefix: &str) -> Value {
    json!({"remove_on_match": {"key_matcher": {"prefix": prefix}}})
}

#[test]
fn clients_send_nothing_of_ours_and_peers_nothing_that_steers() {
    for (name, manager) in managers(&rendered(HOUSEHOLD, "studtop")) {
        let expected = if name == "peer" {
            vec![
                json!({"remove": "x-zoneway-cluster"}),
                json!({"remove": "x-zoneway-endpoints"}),
                json!({"remove": "x-zoneway-tunnel"}),
                prefix("x-envoy-"),
            ]
        } else {
            vec![prefix("x-zoneway-"), prefix("x-envoy-")]
        };
        assert_eq!(early(&manager).get(..expected.len()), Some(&*expected), "{name}");
    }
}

#[test]
fn a_client_from_outside_does_not_say_where_it_is() {
    let forgotten = [prefix("x-forwarded-"), json!({"remove": "forwarded"}), json!({"remove": "x-real-ip"})];
    for node in ["studtop", "edge"] {
        for (name, manager) in managers(&rendered(HOUSEHOLD, node)) {
            let forgets = forgotten.iter().all(|mutation| early(&manager).contains(mutation));
            assert_eq!(forgets, name == "outside", "{node} {name}");
        }
    }
}

#[test]
fn a_peer_is_believed_about_private_addresses_of_zones_that_are_not_public_alone() {
    let (_, manager) =
        managers(&rendered(HOUSEHOLD, "studtop")).into_iter().find(|(name, _)| name == "peer").unwrap();
    let last = &early(&manager).last().unwrap()["append"];
    assert_eq!(last["header"]["key"], "x-forwarded-for");
    assert_eq!(last["append_action"], "OVERWRITE_IF_EXISTS_OR_ADD");
    let rule = last["header"]["value"].as_str().unwrap();
    assert!(rule.contains("request.headers['x-zoneway-source'] in ['exposed'] && !"), "{rule}");
    assert!(rule.ends_with("? '192.0.0.8' : request.headers['x-forwarded-for'])%"), "{rule}");
}

/// Services that take `_` for `-` would read a second `x-forwarded-for`.
#[test]
fn a_header_with_an_underscore_goes_no_further() {
    for (name, manager) in managers(&rendered(HOUSEHOLD, "studtop")) {
        let expected = if name == "peer" { "DROP_HEADER" } else { "REJECT_REQUEST" };
        assert_eq!(manager["common_http_protocol_options"]["headers_with_underscores_action"], expected);
    }
}

fn with_ingress(ingress: &str) -> Value {
    rendered(&HOUSEHOLD.replace("ingress: ['0.0.0.0:80']", &format!("ingress: [{ingress}]")), "studtop")
}

#[test]
fn a_limit_for_each_client_stands_behind_the_filter_in_both_chains() {
    let limited =
        with_ingress("{listen: '0.0.0.0:80', rate_limit: {requests: 30, per: minute}}, '0.0.0.0:81'");
    for (name, manager) in managers(&limited) {
        let filters = manager["http_filters"].as_array().unwrap();
        assert_eq!(filters[0]["name"], "zoneway", "{name}");
    }
    let listener = listener(&limited, "ingress/0.0.0.0:80");
    let managers = managers(&listener);
    assert_eq!(managers.len(), 2);
    for (name, manager) in managers {
        let limit = &manager["http_filters"][1]["typed_config"];
        let bucket = json!({"max_tokens": 30, "tokens_per_fill": 30, "fill_interval": "60s"});
        assert_eq!(limit["descriptors"][0]["token_bucket"], bucket, "{name}");
        assert_eq!(limit["descriptors"][0]["entries"][0]["key"], "masked_remote_address");
    }
    let unlimited = super::listener(&limited, "ingress/0.0.0.0:81");
    assert_eq!(super::managers(&unlimited)[0].1["http_filters"].as_array().unwrap().len(), 2);
}

#[test]
fn the_log_is_where_the_site_says() {
    for (written, logger) in [
        ("stdout", json!("envoy.access_loggers.stdout")),
        ("none", Value::Null),
        ("/var/log/zoneway.log", json!("envoy.access_loggers.file")),
    ] {
        let yaml = HOUSEHOLD.replace("settings:", &format!("settings:\n  access_log: {written}"));
        for (name, manager) in managers(&rendered(&yaml, "studtop")) {
            assert_eq!(manager["access_log"][0]["name"], logger, "{written} {name}");
        }
    }
}

/// The filter finds it among the headers, which it reads anyhow: no call into Envoy for it.
#[test]
fn a_listener_with_tls_tells_the_filter_what_name_was_asked_for() {
    let bootstrap =
        with_ingress("{listen: '0.0.0.0:443', tls: {certificate: /w.pem, key: /w.key}}, '0.0.0.0:80'");
    for (address, tls) in [("ingress/0.0.0.0:443", true), ("ingress/0.0.0.0:80", false)] {
        let listener = listener(&bootstrap, address);
        assert_eq!(listener["listener_filters"].is_array(), tls);
        for (name, manager) in managers(&listener) {
            let written = json!({"append": {
                "header": {"key": "x-zoneway-sni", "value": "%REQUESTED_SERVER_NAME%"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }});
            assert_eq!(early(&manager).last() == Some(&written), tls, "{address} {name}");
            let plugin = super::with_field(&manager, "vm_config")[0]["configuration"]["value"].to_string();
            assert_eq!(plugin.contains("sni"), tls, "{plugin}");
        }
    }
}

#[test]
fn several_certificates_are_shown_by_name_and_may_be_a_nodes_own() {
    let tls = "tls: [{certificate: '/pki/{node}.web.pem', key: '/pki/{node}.web.key'}, {certificate: /b.pem, key: /b.key}]";
    let yaml = HOUSEHOLD.replace(
        "ingress: ['0.0.0.0:80']",
        &format!("ingress: [{{listen: '0.0.0.0:443', {tls}}}, {{listen: '0.0.0.0:444', {tls}}}]"),
    );
    let listener = listener(&rendered(&yaml, "studtop"), "ingress/0.0.0.0:443");
    let socket = &listener["default_filter_chain"]["transport_socket"]["typed_config"]["common_tls_context"];
    let secrets = socket["tls_certificate_sds_secret_configs"].as_array().unwrap();
    let names: Vec<_> = secrets.iter().map(|secret| secret["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ingress//pki/studtop.web.pem", "ingress//b.pem"]);
    // Each is one file, however many listeners show it.
    let files = super::files(&[&yaml], "studtop");
    let files: Vec<_> =
        files.iter().filter(|file| file.path.to_string_lossy().contains("secrets/ingress")).collect();
    let written: Vec<_> = files.iter().map(|file| json!(file.path)).collect();
    let read: Vec<_> =
        secrets.iter().map(|secret| secret["sds_config"]["path_config_source"]["path"].clone()).collect();
    assert_eq!(written, read);
    let first: Value = serde_json::from_str(&files[0].content).unwrap();
    let certificate = &first["resources"][0]["tls_certificate"];
    assert_eq!(certificate["private_key"]["filename"], "/pki/studtop.web.key");
    assert_eq!(certificate["watched_directory"]["path"], "/pki");
}
