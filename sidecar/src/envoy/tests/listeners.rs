use serde_json::json;

use super::{HOUSEHOLD, listener, managers, neighbours, rendered, with_field};

#[test]
fn the_filter_is_first_and_router_adds_no_header_of_envoys() {
    for (name, manager) in managers(&rendered(HOUSEHOLD, "studtop")) {
        let filters = manager["http_filters"].as_array().unwrap();
        let names: Vec<_> = filters.iter().map(|filter| filter["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["zoneway", "envoy.filters.http.router"], "{name}");
        assert_eq!(filters[1]["typed_config"]["suppress_envoy_headers"], true, "{name}");
    }
}

#[test]
fn envoy_and_the_filter_read_the_same_host_and_path() {
    for (name, manager) in managers(&rendered(HOUSEHOLD, "edge")) {
        for field in ["strip_any_host_port", "strip_trailing_host_dot", "normalize_path", "merge_slashes"] {
            assert_eq!(manager[field], true, "{name} {field}");
        }
        assert_eq!(manager["path_with_escaped_slashes_action"], "REJECT_REQUEST", "{name}");
    }
}

#[test]
fn every_404_that_envoy_makes_up_is_the_filters() {
    for (name, manager) in managers(&rendered(HOUSEHOLD, "edge")) {
        let mapper = &manager["local_reply_config"]["mappers"][0];
        assert_eq!(
            mapper["filter"]["status_code_filter"]["comparison"]["value"]["default_value"], 404,
            "{name}"
        );
        let header = &mapper["headers_to_add"][0]["header"];
        assert_eq!(header["value"], "zoneway; error=destination_not_found", "{name}");
    }
}

#[test]
fn listeners_for_clients_are_as_envoys_edge_guide_says() {
    let bootstrap = rendered(HOUSEHOLD, "edge");
    for (name, manager) in managers(&bootstrap).iter().filter(|(name, _)| name != "peer") {
        assert_eq!(name, "outside", "anybody may be a client of a public node");
        assert_eq!(manager["use_remote_address"], true);
        assert_eq!(
            manager["common_http_protocol_options"],
            json!({
                "idle_timeout": "3600s",
                "max_headers_count": 100,
                "headers_with_underscores_action": "REJECT_REQUEST",
            })
        );
        assert_eq!(manager["http2_protocol_options"]["max_concurrent_streams"], 100);
        assert_eq!(manager["http2_protocol_options"]["initial_stream_window_size"], 65536);
        assert_eq!(manager["http2_protocol_options"]["initial_connection_window_size"], 1048576);
        assert_eq!(manager["max_request_headers_kb"], 60);
        assert_eq!(manager["request_headers_timeout"], "10s");
        assert_eq!(manager["stream_idle_timeout"], "300s");
        assert_eq!(manager["request_timeout"], "300s");
    }
    assert_eq!(listener(&bootstrap, "ingress/0.0.0.0:80")["per_connection_buffer_limit_bytes"], 32768);
    let overload = &bootstrap["overload_manager"];
    assert_eq!(with_field(overload, "max_heap_size_bytes").len(), 1);
    assert_eq!(with_field(overload, "max_active_downstream_connections").len(), 1);
}

#[test]
fn a_websocket_passes_in_every_protocol() {
    for (name, manager) in managers(&rendered(HOUSEHOLD, "studtop")) {
        assert_eq!(manager["upgrade_configs"], json!([{"upgrade_type": "websocket"}]), "{name}");
        assert_eq!(manager["http2_protocol_options"]["allow_connect"], true, "{name}");
    }
}

#[test]
fn a_household_listener_tells_clients_apart_by_address_in_two_chains() {
    let listener = listener(&rendered(HOUSEHOLD, "studtop"), "ingress/0.0.0.0:80");
    let chains = listener["filter_chains"].as_array().unwrap();
    assert_eq!(chains.len(), 1);
    let ranges = chains[0]["filter_chain_match"]["source_prefix_ranges"].as_array().unwrap();
    assert!(ranges.contains(&json!({"address_prefix": "192.168.0.0", "prefix_len": 16})));
    assert!(ranges.contains(&json!({"address_prefix": "fc00::", "prefix_len": 7})));
    assert_eq!(ranges.len(), 8);
    assert!(listener["default_filter_chain"]["filter_chain_match"].is_null());
}

#[test]
fn a_written_source_zone_is_every_clients_and_a_certificate_is_every_chains() {
    let yaml = HOUSEHOLD.replace(
        "ingress: ['0.0.0.0:80']",
        "ingress: [{listen: '0.0.0.0:443', source_zone: exposed, tls: {certificate: /w.pem, key: /w.key}}, \
         {listen: '[::]:8443', tls: {certificate: /w.pem, key: /w.key}}]",
    );
    let bootstrap = rendered(&yaml, "studtop");
    let written = listener(&bootstrap, "ingress/0.0.0.0:443");
    assert_eq!(written["filter_chains"].as_array().unwrap().len(), 1);
    assert!(
        written["default_filter_chain"].is_null()
            && written["filter_chains"][0]["filter_chain_match"].is_null()
    );
    let split = listener(&bootstrap, "ingress/[::]:8443");
    assert_eq!(split["address"]["socket_address"], json!({"address": "::", "port_value": 8443}));
    for chain in [&written["filter_chains"][0], &split["filter_chains"][0], &split["default_filter_chain"]] {
        let common = &chain["transport_socket"]["typed_config"]["common_tls_context"];
        assert_eq!(common["tls_certificate_sds_secret_configs"][0]["name"], "ingress//w.pem");
        assert_eq!(common["alpn_protocols"], json!(["h2", "http/1.1"]));
    }
}

#[test]
fn a_listener_without_networks_has_nobody_inside() {
    let yaml = HOUSEHOLD
        .replace("ingress: ['0.0.0.0:80']", "ingress: [{listen: '0.0.0.0:80', source_networks: []}]");
    let listener = listener(&rendered(&yaml, "studtop"), "ingress/0.0.0.0:80");
    assert!(listener["filter_chains"].is_null(), "a chain that matches no network would match all");
    assert_eq!(listener["default_filter_chain"]["name"], "outside");
}

#[test]
fn a_peer_shows_a_certificate_over_tls_1_3_and_resumes_nothing() {
    let listener = listener(&rendered(HOUSEHOLD, "studtop"), "peer/0.0.0.0:15443");
    let tls = &listener["filter_chains"][0]["transport_socket"]["typed_config"];
    for field in [
        "require_client_certificate",
        "disable_stateless_session_resumption",
        "disable_stateful_session_resumption",
    ] {
        assert_eq!(tls[field], true, "{field}");
    }
    assert_eq!(neighbours(&listener["filter_chains"][0]["transport_socket"]), "clients");
}

#[test]
fn who_is_refused_at_the_handshake_is_logged_with_the_reason() {
    let listener = listener(&rendered(HOUSEHOLD, "studtop"), "peer/0.0.0.0:15443");
    let log = listener["access_log"].as_array().unwrap();
    assert_eq!(log.len(), 1);
    let format = &log[0]["typed_config"]["log_format"]["json_format"];
    assert_eq!(format["refused"], "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%");
    assert_eq!(format["peer"], "%DOWNSTREAM_PEER_URI_SAN%");
}

#[test]
fn a_connection_of_a_peer_does_not_live_for_ever() {
    let managers = managers(&rendered(HOUSEHOLD, "studtop"));
    let (_, peer) = managers.iter().find(|(name, _)| name == "peer").unwrap();
    assert_eq!(peer["common_http_protocol_options"]["max_connection_duration"], "600s");
    assert_eq!(peer["use_remote_address"], false, "the client is who the ingress said");
}

#[test]
fn a_node_that_is_alone_has_no_listener_for_peers() {
    let yaml = "{version: 1, zones: {home: {nodes: {one: 127.0.0.1}}}}";
    let bootstrap = rendered(yaml, "one");
    let names: Vec<_> =
        with_field(&bootstrap, "traffic_direction").iter().map(|l| l["name"].clone()).collect();
    assert_eq!(names, ["table"]);
}

#[test]
fn the_sidecars_sockets_are_for_their_owner_alone_and_stay_open_under_load() {
    let bootstrap = rendered(HOUSEHOLD, "studtop");
    let table = listener(&bootstrap, "table");
    assert_eq!(table["address"], json!({"pipe": {"path": "/run/zoneway/table.sock", "mode": 384}}));
    assert_eq!(table["ignore_global_conn_limit"], true);
    assert_eq!(table["bypass_overload_manager"], true);
    assert!(table["per_connection_buffer_limit_bytes"].as_u64().unwrap() > 3 * (32 << 20));
    let admin = &bootstrap["admin"];
    assert_eq!(admin["address"], json!({"pipe": {"path": "/run/zoneway/admin.sock", "mode": 384}}));
    assert_eq!(admin["ignore_global_conn_limit"], true);
}

#[test]
fn the_log_has_the_filters_line() {
    for (name, manager) in managers(&rendered(HOUSEHOLD, "studtop")) {
        let format = &manager["access_log"][0]["typed_config"]["log_format"]["json_format"];
        assert!(
            format["zoneway"].as_str().unwrap().starts_with("%FILTER_STATE(wasm.zoneway:PLAIN)%"),
            "{name}"
        );
        assert_eq!(format["listener"], name);
    }
}
