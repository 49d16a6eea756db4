use serde_json::{Value, json};

use super::{
    HOUSEHOLD, accepted, cluster, clusters, files, listener, managers, members, neighbours, rendered,
};

/// The household with its gateway dialling in.
fn dialling_in() -> String {
    HOUSEHOLD.replace("address: {studtop: '198.51.100.4:15443'}", "tunnel: true")
}

/// The same with two gateways.
fn two_gateways() -> String {
    dialling_in().replace("gateways: [studtop], tunnel", "gateways: [studtop, stuchip], tunnel")
}

fn extensions(bootstrap: &Value) -> Vec<&str> {
    let extensions = bootstrap["bootstrap_extensions"].as_array().unwrap();
    extensions.iter().map(|extension| extension["name"].as_str().unwrap()).collect()
}

fn names(bootstrap: &Value) -> Vec<&str> {
    let listeners = bootstrap["static_resources"]["listeners"].as_array().unwrap();
    listeners.iter().map(|listener| listener["name"].as_str().unwrap()).collect()
}

#[test]
fn only_the_two_ends_of_a_tunnel_know_of_it() {
    let yaml = dialling_in();
    assert_eq!(rendered(&yaml, "stuchip"), rendered(HOUSEHOLD, "stuchip"));
    let interface = |end: &str| format!("envoy.bootstrap.reverse_tunnel.{end}_socket_interface");
    let edge = rendered(&yaml, "edge");
    assert_eq!(extensions(&edge), ["envoy.bootstrap.wasm", interface("upstream").as_str()]);
    assert_eq!(names(&edge), names(&rendered(HOUSEHOLD, "edge")), "no further port is open");
    let studtop = rendered(&yaml, "studtop");
    assert_eq!(extensions(&studtop), ["envoy.bootstrap.wasm", interface("downstream").as_str()]);
    assert_eq!(names(&studtop), ["ingress/0.0.0.0:80", "peer/0.0.0.0:15443", "tunnel/exposed", "table"]);
}

#[test]
fn gateways_alone_register_and_each_under_the_name_in_its_certificate() {
    let listener = listener(&rendered(&two_gateways(), "edge"), "peer/0.0.0.0:15443");
    assert_eq!(listener["listener_filters"][0]["name"], "envoy.filters.listener.tls_inspector");
    let [registrar, peers] = listener["filter_chains"].as_array().unwrap().as_slice() else { panic!() };
    assert!(peers["filter_chain_match"].is_null());
    assert_eq!(registrar["filter_chain_match"], json!({"application_protocols": ["zoneway-tunnel"]}));
    let tls = &registrar["transport_socket"]["typed_config"];
    assert_eq!(tls["require_client_certificate"], true);
    let common = &tls["common_tls_context"];
    assert_eq!(common["alpn_protocols"], json!(["zoneway-tunnel"]));
    assert_eq!(neighbours(&registrar["transport_socket"]), "gateways");
    assert_eq!(
        accepted(&files(&[&two_gateways()], "edge"), "gateways"),
        ["403/node/stuchip", "403/node/studtop"]
    );
    let registration = &registrar["filters"][0]["typed_config"];
    assert_eq!(
        registration["validation"],
        json!({"node_id_format": "%DOWNSTREAM_PEER_URI_SAN%", "cluster_id_format": "zoneway"})
    );

    let studtop = rendered(&two_gateways(), "studtop");
    let interface = studtop["bootstrap_extensions"].as_array().unwrap().last().unwrap();
    let header = &interface["typed_config"]["http_handshake"]["additional_headers"][0];
    assert_eq!(header["header"]["value"], "spiffe://lab.test/zone/403/node/studtop");
    assert_eq!(header["append_action"], "OVERWRITE_IF_EXISTS_OR_ADD");
}

#[test]
fn what_comes_over_a_tunnel_is_a_peers_and_has_a_tls_of_its_own() {
    let bootstrap = rendered(&dialling_in(), "studtop");
    let tunnel = listener(&bootstrap, "tunnel/exposed");
    assert_eq!(
        tunnel["address"]["socket_address"]["address"],
        "rc://studtop:zoneway:zoneway@tunnel/exposed:8"
    );
    assert_eq!(tunnel["listener_filters_timeout"], "0s");
    let chain = &tunnel["filter_chains"][0];
    assert!(
        chain["transport_socket_connect_timeout"].is_null(),
        "the handshake comes with the first request"
    );
    let tls = &chain["transport_socket"]["typed_config"];
    for field in [
        "require_client_certificate",
        "disable_stateless_session_resumption",
        "disable_stateful_session_resumption",
    ] {
        assert_eq!(tls[field], true, "{field}");
    }
    assert_eq!(neighbours(&chain["transport_socket"]), "nodes/exposed");
    let managers = managers(&bootstrap);
    let of = |name: &str| managers.iter().find(|(other, _)| other == name).unwrap().1.clone();
    let (peer, tunnel) = (of("peer"), of("tunnel"));
    for same in [
        "rds",
        "http_filters",
        "early_header_mutation_extensions",
        "use_remote_address",
        "common_http_protocol_options",
    ] {
        assert_eq!(tunnel[same], peer[same], "{same}");
    }
}

#[test]
fn a_forward_tries_the_named_gateways_tunnels_and_then_every_gateways() {
    let files = files(&[&two_gateways()], "edge");
    let zone = cluster(&files, "zoneway/zone/403");
    assert_eq!(zone["cluster_type"]["name"], "envoy.clusters.composite");
    let tries = zone["cluster_type"]["typed_config"]["clusters"].as_array().unwrap();
    let tries: Vec<_> = tries.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    let [named, stuchip, studtop] =
        ["zoneway/tunnel/403", "zoneway/tunnel/403/stuchip", "zoneway/tunnel/403/studtop"];
    assert_eq!(
        tries,
        [named, stuchip, studtop, stuchip, studtop, stuchip],
        "a try each, as many as there are"
    );
    for (name, of) in [(named, "%REQ(x-zoneway-tunnel)%"), (stuchip, "stuchip"), (studtop, "studtop")] {
        let cluster = cluster(&files, name);
        let kind = &cluster["cluster_type"];
        assert_eq!(kind["name"], "envoy.clusters.reverse_connection", "{name}");
        let of = format!("spiffe://lab.test/zone/403/node/{of}");
        assert_eq!(kind["typed_config"]["host_id_format"], of, "{name}");
        assert_eq!(neighbours(&cluster["transport_socket"]), "zone/403", "{name}");
        let options = &cluster["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
        assert!(
            options["http_filters"][0]["typed_config"]["mutations"].is_object(),
            "what steers leaves here"
        );
    }
}

#[test]
fn a_gateway_dials_the_nodes_that_send_where_its_own_zone_dials_them() {
    let studtop = files(&[&dialling_in()], "studtop");
    assert_eq!(members(&studtop, "tunnel+exposed"), ["203.0.113.7:15443"]);
    let tls =
        cluster(&studtop, "tunnel/exposed")["transport_socket"]["typed_config"]["common_tls_context"].clone();
    assert_eq!(tls["alpn_protocols"], json!(["zoneway-tunnel"]));
    assert!(clusters(&files(&[&dialling_in()], "stuchip")).iter().all(|c| c["name"] != "tunnel/exposed"));

    // As through a forwarded port, of two of which one does not send; a name is Envoy's to resolve.
    let yaml = dialling_in()
        .replace("{to: exposed, egress: [studtop]}", "{to: exposed, address: {edge: '192.0.2.1:1'}}")
        .replace("{edge: 203.0.113.7}", "{edge: 203.0.113.7, idle: 203.0.113.8}")
        .replace("{to: 403, gateways", "{to: 403, egress: [edge], gateways");
    assert_eq!(members(&files(&[&yaml], "studtop"), "tunnel+exposed"), ["192.0.2.1:1"]);
    let named = yaml.replace("192.0.2.1:1", "edge.lab.test:1");
    assert_eq!(cluster(&files(&[&named], "studtop"), "tunnel/exposed")["type"], "STRICT_DNS");
}

#[test]
fn a_further_public_node_changes_no_listener_of_the_gateway() {
    let more = dialling_in().replace("{edge: 203.0.113.7}", "{edge: 203.0.113.7, edge2: 203.0.113.8}");
    assert_eq!(rendered(&more, "studtop"), rendered(&dialling_in(), "studtop"));
    assert_eq!(
        members(&files(&[&more], "studtop"), "tunnel+exposed"),
        ["203.0.113.7:15443", "203.0.113.8:15443"]
    );
}

#[test]
fn the_newest_site_says_whether_gateways_are_dialled() {
    let tunnel = dialling_in();
    let kind = |sites: &[&str]| cluster(&files(sites, "edge"), "zoneway/zone/403")["type"].clone();
    assert_eq!(kind(&[HOUSEHOLD, &tunnel]), "EDS");
    assert!(kind(&[&tunnel, HOUSEHOLD]).is_null());
}
