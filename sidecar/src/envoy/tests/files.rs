use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    HOUSEHOLD, RenderedFile, accepted, cluster, clusters, file, files, folder, members, neighbours, node,
    rendered, site, table,
};
use crate::envoy::{Error, table_files};

#[test]
fn only_listed_endpoints_are_dialled_in_their_order() {
    for cluster in clusters(&files(&[HOUSEHOLD], "studtop")) {
        let name = cluster["name"].as_str().unwrap();
        if !name.starts_with("zoneway/") {
            continue;
        }
        let policy =
            &cluster["load_balancing_policy"]["policies"][0]["typed_extension_config"]["typed_config"];
        assert_eq!(policy["override_host_sources"], json!([{"header": "x-zoneway-endpoints"}]), "{name}");
        let rest = &policy["fallback_policy"]["policies"][0]["typed_extension_config"];
        assert_eq!(rest["name"], "envoy.load_balancing_policies.subset", "{name}");
        assert_eq!(rest["typed_config"]["fallback_policy"], "NO_FALLBACK", "{name}");
        assert_eq!(cluster["ignore_health_on_host_removal"], true, "{name}");
        assert_eq!(cluster["health_checks"][0]["tcp_health_check"], json!({}), "{name}");
        assert!(cluster["outlier_detection"].is_object(), "{name}");
    }
}

#[test]
fn what_steers_leaves_in_the_upstreams_own_filters() {
    let peers = cluster(&files(&[HOUSEHOLD], "studtop"), "zoneway/peers");
    let options =
        &peers["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
    let filters = options["http_filters"].as_array().unwrap();
    assert_eq!(
        filters[0]["typed_config"]["mutations"]["request_mutations"],
        json!([{"remove": "x-zoneway-cluster"}, {"remove": "x-zoneway-endpoints"}, {"remove": "x-zoneway-tunnel"}])
    );
    assert_eq!(filters.last().unwrap()["name"], "envoy.filters.http.upstream_codec");
    assert_eq!(options["explicit_http_config"]["http2_protocol_options"]["allow_connect"], true);
}

#[test]
fn a_dead_first_endpoint_under_load_is_retried_for_all() {
    for cluster in clusters(&files(&[HOUSEHOLD], "studtop")) {
        let thresholds = &cluster["circuit_breakers"]["thresholds"][0];
        for limit in ["max_connections", "max_pending_requests", "max_requests", "max_retries"] {
            assert!(thresholds[limit].as_u64().unwrap() >= 10_000, "{} {limit}", cluster["name"]);
        }
    }
}

#[test]
fn a_cluster_accepts_servers_of_its_zone_alone() {
    let files = files(&[HOUSEHOLD], "studtop");
    for (name, secret, nodes) in [
        ("zoneway/peers", "peers", ["403/node/stuchip"]),
        ("zoneway/zone/exposed", "zone/exposed", ["exposed/node/edge"]),
    ] {
        let socket = &cluster(&files, name)["transport_socket"];
        assert_eq!(socket["typed_config"]["max_session_keys"], 0);
        assert_eq!(neighbours(socket), secret);
        assert_eq!(accepted(&files, secret), nodes);
    }
}

#[test]
fn certificates_are_where_the_site_says_and_read_again_when_their_folder_changes() {
    let context = |yaml: &str| {
        let files = files(&[yaml], "studtop");
        let node = &file(&files, "secrets/node.json")["resources"][0]["tls_certificate"];
        assert_eq!(node["certificate_chain"]["filename"], "/pki/studtop.pem");
        assert_eq!(node["private_key"]["filename"], "/pki/studtop.key");
        assert_eq!(node["watched_directory"]["path"], "/pki");
        file(&files, "secrets/clients.json")["resources"][0]["validation_context"].clone()
    };
    let clients = context(HOUSEHOLD);
    assert_eq!(clients["trusted_ca"]["filename"], "/pki/ca.pem");
    assert_eq!(clients["watched_directory"]["path"], "/pki");
    assert!(clients["crl"].is_null());
    let clients = context(&HOUSEHOLD.replace("{ca: /pki/ca.pem,", "{ca: /pki/ca.pem, crl: /pki/crl.pem,"));
    assert_eq!(clients["crl"]["filename"], "/pki/crl.pem");
    assert_eq!(clients["only_verify_leaf_cert_crl"], true);
    assert_eq!(clients["watched_directory"]["path"], "/pki");
    // One folder is watched for both, or else each file.
    let clients = context(&HOUSEHOLD.replace("{ca: /pki/ca.pem,", "{ca: /pki/ca.pem, crl: /crl/crl.pem,"));
    assert!(clients["watched_directory"].is_null());
}

#[test]
fn a_node_accepts_those_that_may_dial_it_and_servers_that_it_may_dial() {
    #[track_caller]
    fn check(yaml: &str, id: &str, secret: &str, expected: &[&str]) {
        assert_eq!(accepted(&files(&[yaml], id), secret), expected, "{secret} of {id}");
    }
    let nobody = ["spiffe://lab.test"];
    check(HOUSEHOLD, "studtop", "clients", &["403/node/stuchip", "exposed/node/edge"]);
    check(HOUSEHOLD, "stuchip", "clients", &["403/node/studtop", "exposed/node/edge"]);
    check(HOUSEHOLD, "studtop", "gateways", &["exposed/node/edge"]);
    // stuchip is no egress of the link: it neither dials nor is believed to.
    check(HOUSEHOLD, "stuchip", "zone/exposed", &nobody);
    check(HOUSEHOLD, "edge", "clients", &["403/node/studtop"]);
    check(HOUSEHOLD, "edge", "peers", &nobody);
    check(HOUSEHOLD, "edge", "gateways", &["403/node/studtop"]);
    let no_way_back = HOUSEHOLD
        .replace("links: [{to: 403, gateways: [studtop], address: {studtop: '198.51.100.4:15443'}}]", "");
    check(&no_way_back, "studtop", "clients", &["403/node/stuchip"]);
    // Through a tunnel nobody dials.
    let tunnel = HOUSEHOLD.replace("address: {studtop: '198.51.100.4:15443'}", "tunnel: true");
    check(&tunnel, "studtop", "clients", &["403/node/stuchip"]);
    check(&tunnel, "studtop", "nodes/exposed", &["exposed/node/edge"]);
    check(&tunnel, "edge", "zone/403", &["403/node/studtop"]);
    let gone =
        HOUSEHOLD.replace("      stuchip: 192.168.86.29\n", "").replace(", stuchip: '127.0.0.1:8080'", "");
    let gone = gone.replace("elsewhere: {at: {stuchip", "elsewhere: {at: {studtop");
    check(&gone, "studtop", "clients", &["exposed/node/edge"]);
}

#[test]
fn what_an_old_table_still_names_is_believed_until_a_new_one_is_adopted() {
    let more = HOUSEHOLD.replace("{edge: 203.0.113.7}", "{edge: 203.0.113.7, edge2: 203.0.113.8}");
    let both = ["exposed/node/edge", "exposed/node/edge2"];
    assert_eq!(accepted(&files(&[HOUSEHOLD, &more], "studtop"), "zone/exposed"), both);
    // Who may dial is the newest site's to say.
    assert_eq!(
        accepted(&files(&[HOUSEHOLD, &more], "studtop"), "clients"),
        ["403/node/stuchip", "exposed/node/edge"]
    );
}

#[test]
fn members_are_the_other_nodes_and_the_gateways_that_this_node_dials() {
    let studtop = files(&[HOUSEHOLD], "studtop");
    assert_eq!(members(&studtop, "zoneway+peers"), ["192.168.86.29:15443"]);
    assert_eq!(members(&studtop, "zoneway+zone+exposed"), ["203.0.113.7:15443"]);
    let stuchip = files(&[HOUSEHOLD], "stuchip");
    assert_eq!(members(&stuchip, "zoneway+zone+exposed"), [""; 0], "it is no egress of the link");
    let edge = files(&[HOUSEHOLD], "edge");
    assert_eq!(members(&edge, "zoneway+zone+403"), ["198.51.100.4:15443"]);
    assert_eq!(members(&edge, "zoneway+peers"), [""; 0]);
}

#[test]
fn a_service_is_asked_in_its_protocol_and_checked_as_it_says() {
    let files = files(&[HOUSEHOLD], "studtop");
    let options = |name: &str| {
        cluster(&files, name)["typed_extension_protocol_options"]
            ["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
            .clone()
    };
    let http2 = |name: &str| options(name)["explicit_http_config"]["http2_protocol_options"].is_object();
    assert!(!http2("service/plain") && !http2("service/system"));
    assert!(http2("service/grpc") && http2("service/own"));
    let common =
        |name: &str| cluster(&files, name)["transport_socket"]["typed_config"]["common_tls_context"].clone();
    assert!(common("service/plain").is_null() && common("service/grpc").is_null());
    assert!(common("service/unchecked")["validation_context"].is_null());
    assert_eq!(common("service/system")["validation_context"], json!({"system_root_certs": {}}));
    assert_eq!(common("service/own")["validation_context"]["trusted_ca"]["filename"], "/pki/app.pem");
    assert_eq!(common("service/own")["alpn_protocols"], json!(["h2"]));
    for (name, checked) in [("service/unchecked", false), ("service/system", true), ("service/own", true)] {
        let expected = json!({"auto_sni": true, "auto_san_validation": checked});
        assert_eq!(options(name)["upstream_http_protocol_options"], expected, "{name}");
    }
}

#[test]
fn a_services_addresses_are_members_and_its_names_are_envoys_to_resolve() {
    let files = files(&[HOUSEHOLD], "studtop");
    assert_eq!(members(&files, "service+many"), ["127.0.0.1:1", "127.0.0.1:2"]);
    let named = cluster(&files, "service/named");
    assert_eq!(named["type"], "STRICT_DNS");
    let place = &named["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"];
    assert_eq!(place["socket_address"], json!({"address": "app.internal", "port_value": 8080}));
    assert!(clusters(&files).iter().all(|cluster| cluster["name"] != "service/elsewhere"));
}

/// The files that are new or not as they were.
fn changed(before: &[RenderedFile], after: &[RenderedFile]) -> BTreeSet<String> {
    let place =
        |file: &RenderedFile| file.path.strip_prefix("/run/zoneway/xds").unwrap().display().to_string();
    after.iter().filter(|file| !before.contains(file)).map(place).collect()
}

#[test]
fn a_node_or_a_gateway_that_comes_changes_members_and_who_is_believed_alone() {
    let before = files(&[HOUSEHOLD], "studtop");
    let node =
        HOUSEHOLD.replace("stuchip: 192.168.86.29\n", "stuchip: 192.168.86.29\n      new: 192.168.86.30\n");
    let expected =
        ["endpoints/zoneway+peers.json", "secrets/clients.json", "secrets/peers.json"].map(str::to_owned);
    assert_eq!(changed(&before, &files(&[&node], "studtop")), BTreeSet::from(expected));
    let gateway = HOUSEHOLD.replace("{edge: 203.0.113.7}", "{edge: 203.0.113.7, edge2: 203.0.113.8}");
    let all = ["endpoints/zoneway+zone+exposed.json", "secrets/clients.json", "secrets/gateways.json"];
    let expected = all.into_iter().chain(["secrets/zone+exposed.json"]).map(str::to_owned);
    assert_eq!(changed(&before, &files(&[&gateway], "studtop")), expected.collect());
    for yaml in [&node, &gateway] {
        assert_eq!(rendered(yaml, "studtop"), rendered(HOUSEHOLD, "studtop"), "no listener changes");
    }
}

#[test]
fn a_zone_that_comes_adds_a_cluster_and_touches_no_other() {
    let before = files(&[HOUSEHOLD], "studtop");
    let yaml = HOUSEHOLD
        .replace("services:", "  cloud: {nodes: {vm: 192.0.2.1}}\nservices:")
        .replace("settings:", "settings:\n  home: 403");
    let after = files(&[&yaml], "studtop");
    let expected = ["clusters.json", "endpoints/zoneway+zone+cloud.json", "secrets/zone+cloud.json"];
    let expected = expected.map(str::to_owned);
    assert_eq!(changed(&before, &after), BTreeSet::from(expected));
    for there in clusters(&before) {
        assert_eq!(there, cluster(&after, there["name"].as_str().unwrap()));
    }
    assert_eq!(rendered(&yaml, "studtop"), rendered(HOUSEHOLD, "studtop"), "no listener changes");
}

#[test]
fn members_that_the_old_table_names_stay_until_it_is_gone() {
    let gone =
        HOUSEHOLD.replace("stuchip: 192.168.86.29\n", "new: 192.168.86.30\n").replace("stuchip:", "new:");
    let both = files(&[&gone, HOUSEHOLD], "studtop");
    assert_eq!(members(&both, "zoneway+peers"), ["192.168.86.29:15443", "192.168.86.30:15443"]);
    assert_eq!(members(&files(&[&gone], "studtop"), "zoneway+peers"), ["192.168.86.30:15443"]);
}

#[test]
fn secrets_and_members_are_written_before_the_clusters_that_read_them_and_routes_last() {
    let files = files(&[HOUSEHOLD], "studtop");
    let names: Vec<_> = files.iter().map(|file| file.path.display().to_string()).collect();
    let (routes, names) = names.split_last().unwrap();
    let (clusters, first) = names.split_last().unwrap();
    assert!(routes.ends_with("routes/local.json") && clusters.ends_with("clusters.json"));
    assert!(first.iter().all(|name| name.contains("/endpoints/") || name.contains("/secrets/")));
}

/// What a node that knows a table alone reads of the files that are there.
fn started(files: &[RenderedFile]) -> (&RenderedFile, &RenderedFile) {
    let find = |path| files.iter().find(|file| file.path == path).unwrap();
    (find(folder().xds().clusters()), find(folder().xds().peers()))
}

#[test]
fn a_table_alone_gives_the_same_clusters_of_nodes_and_leaves_services_as_they_are() {
    let tunnel = HOUSEHOLD.replace("address: {studtop: '198.51.100.4:15443'}", "tunnel: true");
    for (yaml, id) in [(HOUSEHOLD, "edge"), (HOUSEHOLD, "studtop"), (&tunnel, "edge"), (&tunnel, "studtop")] {
        let from_site = files(&[yaml], id);
        let (there, peers) = started(&from_site);
        let table = table(&site(yaml), id);
        let from_table =
            table_files(&[&table], &node(id), &folder().xds(), &there.content, &peers.content).unwrap();
        let by_name = |files: &[RenderedFile]| {
            let mut clusters = clusters(files);
            clusters.sort_by_key(|cluster| cluster["name"].to_string());
            clusters
        };
        assert_eq!(by_name(&from_table), by_name(&from_site), "{id}");
        let clients = folder().xds().secret("clients");
        for file in from_table.iter().filter(|file| file.path != there.path && file.path != clients) {
            assert!(from_site.contains(file), "{}", file.path.display());
        }
        // A view does not name the nodes of other zones.
        let clients =
            if id == "edge" { vec!["403/node/"] } else { vec!["403/node/stuchip", "exposed/node/"] };
        let mut known = accepted(&from_table, "clients");
        known.sort();
        assert_eq!(known, clients, "{id}");
        assert!(from_table.iter().all(|file| file.path != folder().xds().local_routes()), "{id}");
    }
}

#[test]
fn a_new_zone_in_a_table_alone_gets_the_authorities_of_the_others() {
    let there = files(&[HOUSEHOLD], "edge");
    let (there, peers) = started(&there);
    let yaml = HOUSEHOLD
        .replace("settings:", "settings:\n  home: 403")
        .replace("services:", "  cloud: {nodes: {vm: 192.0.2.1}}\nservices:")
        .replace("links: [{to: 403,", "links: [{to: cloud}, {to: 403,");
    let table = table(&site(&yaml), "edge");
    let files =
        table_files(&[&table], &node("edge"), &folder().xds(), &there.content, &peers.content).unwrap();
    assert_eq!(neighbours(&cluster(&files, "zoneway/zone/cloud")["transport_socket"]), "zone/cloud");
    assert_eq!(accepted(&files, "zone/cloud"), ["cloud/node/vm"]);
    let cloud = file(&files, "secrets/zone+cloud.json");
    assert_eq!(cloud["resources"][0]["validation_context"]["trusted_ca"]["filename"], "/pki/ca.pem");
    assert_eq!(members(&files, "zoneway+zone+cloud"), ["192.0.2.1:15443"]);
}

#[test]
fn clusters_that_are_not_ours_are_refused_with_the_remedy() {
    let table = table(&site(HOUSEHOLD), "edge");
    for there in ["", "{}", "{\"resources\": [{\"name\": \"zoneway/peers\", \"transport_socket\": {}}]}"] {
        let error = table_files(&[&table], &node("edge"), &folder().xds(), there, "").unwrap_err();
        assert!(
            matches!(&error, Error::Clusters(_)) && error.to_string().contains("zoneway envoy"),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_is_as_it_has_to_be_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = RenderedFile { path: folder.path().join("a/b.json"), content: Value::Null.to_string() };
    assert!(crate::envoy::write::write(&file).unwrap());
    assert!(!crate::envoy::write::write(&file).unwrap());
    assert!(
        !crate::envoy::write::write_missing(&RenderedFile { content: "1".into(), ..file.clone() }).unwrap()
    );
    assert_eq!(std::fs::read_to_string(&file.path).unwrap(), file.content);
    assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1, "nothing is left beside it");
}
